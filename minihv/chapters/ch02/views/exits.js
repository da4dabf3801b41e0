// ExitView: exits by reason as bars that choose, and the log of the last ones.

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "exits", words.title);
  const go = h("button", { type: "button", class: "mhv-main", "data-do": "run" });
  const said = h("span", { role: "status" });
  const all = h("button", { type: "button", "data-do": "all", onclick: () => choose("") }, words.all);
  const bars = h("div", { class: "mhv-reasons", role: "group", "aria-label": words.by_reason });
  const body = h("tbody");
  const head = h("h4");
  root.append(h("div", { class: "mhv-bar" }, go, said, all), bars,
    h("div", { class: "mhv-exitlog" }, head,
      h("table", { "aria-label": words.log }, h("thead", {}, h("tr", {}, ...["reason", "pc", "what", "address"].map((name) => h("th", { scope: "col" }, words[`column_${name}`])))), body)),
    h("div", { class: "mhv-keys" }, words.keys));
  const rows = new Map(), lines = [];

  let wanted = false; // whether the page keeps asking for more
  const run = (on) => { wanted = on; model.send({ do: on ? "run" : "pause" }); label(); };
  const label = () => {
    go.replaceChildren(wanted ? words.pause : words.run, icon(wanted ? "❚❚" : "▶"));
    mark(go, "aria-pressed", wanted ? "true" : "false");
  };
  const choose = (reason) => { model.set("chosen", reason === model.get("chosen") ? "" : reason); model.save_changes(); draw(); };
  go.addEventListener("click", () => run(!wanted));

  const bar = (reason) => {
    const row = { fill: h("span", { class: "mhv-fill" }), count: h("span", { class: "mhv-count mhv-mono" }), why: h("span", { class: "mhv-why" }) };
    row.button = h("button", { type: "button", class: "mhv-reason", tabindex: -1, "data-reason": reason, onclick: () => choose(reason) },
      h("span", { class: "mhv-name" }, reason), h("span", { class: "mhv-track" }, row.fill, row.count), row.why);
    rows.set(reason, row);
    bars.append(row.button);
    return row;
  };
  const settle = roving(bars, ".mhv-reason", true);
  const line = () => {
    const cells = ["reason", "pc", "what", "address"].map((name) => h("td", { class: `mhv-mono mhv-${name}` }));
    const row = { cells, tr: h("tr", {}, ...cells) };
    body.append(row.tr);
    lines.push(row);
    return row;
  };

  const draw = () => {
    const state = model.get("state"), chosen = model.get("chosen");
    if (!state.running && wanted && state.bars.length) { wanted = false; }
    label();
    put(said, state.said);
    const most = Math.max(1, ...state.bars.map((item) => item.count));
    state.bars.forEach((item, k) => {
      const row = rows.get(item.reason) ?? bar(item.reason);
      row.fill.style.width = `${Math.max(0.4, item.count / most * 100)}%`;
      put(row.count, grouped(item.count));
      put(row.why, item.meaning);
      row.button.style.order = k;
      mark(row.button, "aria-pressed", item.reason === chosen ? "true" : "false");
    });
    mark(all, "aria-disabled", chosen ? null : "true");
    put(head, chosen ? fill(words.log_of, { reason: chosen }) : words.log);
    state.log.forEach((item, k) => {
      const row = lines[k] ?? line();
      row.tr.hidden = false;
      [item.reason, item.pc, item.what, item.address].forEach((text, c) => put(row.cells[c], text));
      mark(row.tr, "title", item.symbol || null);
    });
    lines.slice(state.log.length).forEach((row) => { row.tr.hidden = true; });
    settle();
  };
  const changed = () => { draw(); if (wanted && model.get("state").running) requestAnimationFrame(() => { if (wanted) model.send({ do: "run" }); }); };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "r") { event.preventDefault(); run(!wanted); }
    if (event.key === "a" || event.key === "Escape") { event.preventDefault(); if (model.get("chosen")) choose(""); }
  });
  model.on("change:state", changed);
  model.on("change:chosen", draw);
  draw();
  return () => { wanted = false; model.off("change:state", changed); model.off("change:chosen", draw); };
}

export default { render };
