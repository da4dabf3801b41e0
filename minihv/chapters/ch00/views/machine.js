// MachineView: registers, code, CSRs, console; step, back, run, run to, scrub, breakpoints.

const ROWS = 15; // of the listing that a low window shows

function controls(words, send, isRunning) {
  const go = (verb) => send({ do: verb === "run" && isRunning() ? "pause" : verb });
  const button = (verb, label, main) => h("button", { type: "button", class: main ? "mhv-main" : "", "data-do": verb, onclick: () => go(verb) }, ...label);
  const place = h("input", { type: "text", size: 18, "aria-label": words.run_to_label, placeholder: words.run_to_hint, spellcheck: "false", autocomplete: "off" });
  const form = h("form", { class: "mhv-runto" }, place, h("button", { type: "submit" }, words.run_to));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (place.value.trim()) send({ do: "run_to", with: place.value.trim() });
  });
  const scrub = h("input", { type: "range", min: 0, class: "mhv-grow", "aria-label": words.scrub });
  scrub.addEventListener("input", () => send({ do: "goto", with: Number(scrub.value) }));
  const where = h("output", { class: "mhv-mono mhv-where" });
  const back = button("back", [icon("◀"), words.back]);
  const run = button("run", []);
  const label = (running) => {
    if (run.getAttribute("aria-pressed") === String(running)) return;
    run.replaceChildren(running ? words.pause : words.run, icon(running ? "❚❚" : "▶▶"));
    mark(run, "aria-pressed", running ? "true" : "false");
  };
  const bar = h("div", { class: "mhv-bar" }, back, button("step", [words.step, icon("▶")], true), run, scrub, where, form);
  return { bar, place, scrub, where, go, label };
}

function codeTable(words, send) {
  const body = h("tbody");
  const table = h("table", { class: "mhv-code mhv-mono", "aria-label": words.code }, body);
  const rows = [];
  const line = () => {
    const stop = h("button", { type: "button", class: "mhv-stop", tabindex: -1 });
    const row = {
      stop, label: h("td", { colspan: 4 }), at: h("td", { class: "mhv-at" }),
      word: h("td", { class: "mhv-word" }), text: h("td", { class: "mhv-text" }),
    };
    row.name = h("tr", { class: "mhv-label" }, row.label);
    row.tr = h("tr", {}, h("td", { class: "mhv-gutter" }, stop), row.at, row.word, row.text);
    stop.addEventListener("click", () => send({ do: "breakpoint", with: row.pc }));
    row.tr.addEventListener("click", (event) => { if (event.target !== stop) send({ do: "breakpoint", with: row.pc }); });
    stop.addEventListener("keydown", (event) => { if (event.key === "g") { event.stopPropagation(); send({ do: "run_to", with: row.pc }); } });
    body.append(row.name, row.tr);
    rows.push(row);
    return row;
  };
  const settle = roving(table, ".mhv-stop", true);
  const empty = h("p", { class: "mhv-faint" });
  const draw = (state) => {
    let taken = 0;
    state.code.forEach((item, k) => {
      const row = rows[k] ?? line();
      taken += item.label ? 2 : 1;
      mark(row.tr, "data-far", taken > ROWS);
      mark(row.name, "data-far", taken > ROWS);
      row.pc = item.pc;
      row.tr.hidden = false;
      row.name.hidden = !item.label;
      put(row.label, item.label ? `${item.label}:` : "");
      put(row.at, item.pc.slice(2));
      put(row.word, item.word);
      const [, name, rest] = item.text.match(/^(\S+)\s*(.*)$/s);
      if (row.shown !== item.text) row.text.replaceChildren(h("span", { class: "mhv-op" }, name), rest);
      row.shown = item.text;
      mark(row.text, "title", item.text);
      mark(row.tr, "aria-current", item.here ? "step" : null);
      mark(row.tr, "data-stop", item.breakpoint);
      mark(row.stop, "aria-pressed", item.breakpoint ? "true" : "false");
      mark(row.stop, "aria-label", fill(words.breakpoint, { place: item.label || item.pc }));
    });
    rows.slice(state.code.length).forEach((row) => { row.tr.hidden = row.name.hidden = true; });
    put(empty, state.code.length ? "" : `${state.pc}: ${words.unmapped}`);
    settle();
  };
  return { nodes: [table, empty], draw };
}

function valueList(words, kind) {
  const list = h("div", { class: `mhv-values mhv-${kind} mhv-mono`, role: "list", "aria-label": words[kind] });
  const items = new Map();
  const make = (row) => {
    const item = { name: h("span", { class: "mhv-name", title: row.number ?? false }, row.name), value: h("span", { class: "mhv-value" }), was: h("span", { class: "mhv-only-heard" }), fields: h("span", { class: "mhv-fields" }) };
    item.digits = h("span");
    item.value.append(item.digits, item.was);
    item.box = h("div", { role: "listitem", "data-mode": row.mode ?? false }, item.name, item.value, kind === "csrs" ? item.fields : null);
    list.append(item.box);
    items.set(row.name, item);
    return item;
  };
  const draw = (all) => all.forEach((row) => {
    const item = items.get(row.name) ?? make(row);
    hex(item.digits, row.value);
    mark(item.box, "data-changed", Boolean(row.was));
    mark(item.box, "title", row.was ? fill(words.changed, { old: row.was }) : null);
    put(item.was, row.was ? `, ${fill(words.changed, { old: row.was })}` : "");
    put(item.fields, row.fields ?? "");
  });
  return { list, draw };
}

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "machine", words.title);
  const send = channel(model, "state");
  let asked = null; // the slice that was asked for last: each is asked for once
  const parts = controls(words, send, () => model.get("state").running);
  const said = h("div", { class: "mhv-said", role: "status" });
  const badge = h("span", { class: "mhv-badge" });
  const pc = h("span", { class: "mhv-mono" });
  const symbol = h("span", { class: "mhv-faint mhv-mono" });
  const hart = h("select", { "aria-label": words.hart, onchange: (event) => send({ do: "hart", with: Number(event.target.value) }) });
  const code = codeTable(words, send);
  const registers = valueList(words, "registers");
  const csrs = valueList(words, "csrs");
  const console_ = h("pre", { class: "mhv-console", tabindex: 0, role: "region", "aria-label": words.console });
  const head = h("div", { class: "mhv-now" }, hart, badge, h("span", {}, "pc ", pc, " ", symbol), said);
  const pane = (kind, ...nodes) => h("div", { class: `mhv-pane mhv-pane-${kind}` }, h("h4", {}, words[kind]), ...nodes);
  root.append(parts.bar, head, h("div", { class: "mhv-panes" },
    pane("registers", registers.list), pane("code", ...code.nodes), pane("csrs", csrs.list), pane("console", console_)),
  h("div", { class: "mhv-keys" }, words.keys));

  root.addEventListener("keydown", (event) => {
    const verb = { s: "step", b: "back", r: "run" }[event.key];
    if (!verb || event.target === parts.place || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    parts.go(verb);
  });

  let held = false; // while the thumb is held, the page does not move it
  parts.scrub.addEventListener("pointerdown", () => { held = true; });
  parts.scrub.addEventListener("pointerup", () => { held = false; });
  const draw = () => {
    const state = model.get("state");
    parts.scrub.min = state.first;
    parts.scrub.max = Math.max(state.far, state.first + 1);
    if (!held) parts.scrub.value = state.now;
    mark(parts.scrub, "aria-valuetext", fill(words.where, { now: grouped(state.now), far: grouped(state.far) }));
    put(parts.where, fill(words.where, { now: grouped(state.now), far: grouped(state.far) }));
    put(badge, words[state.priv] ?? state.priv);
    mark(badge, "data-mode", state.priv);
    mark(badge, "aria-label", fill(words.privilege, { name: words[state.priv] ?? state.priv }));
    hex(pc, state.pc);
    put(symbol, state.symbol ? fill(words.symbol, { name: state.symbol }) : "");
    put(said, state.said);
    mark(said, "data-wrong", state.wrong);
    hart.hidden = state.harts < 2;
    if (hart.options.length !== state.harts) hart.replaceChildren(...Array.from({ length: state.harts }, (_, k) => h("option", { value: k }, `hart ${k}`)));
    hart.value = state.hart;
    code.draw(state);
    registers.draw(state.registers);
    csrs.draw(state.csrs);
    const end = console_.scrollTop + console_.clientHeight >= console_.scrollHeight - 4;
    put(console_, state.console || words.console_empty);
    mark(console_, "data-empty", !state.console);
    if (end) console_.scrollTop = console_.scrollHeight;
    parts.label(state.running);
    // The guest runs slice by slice, each asked for after the last was seen: between two of them the
    // kernel hears of a Pause.
    if (state.running && state.turn !== asked) { asked = state.turn; requestAnimationFrame(() => send({ do: "on", with: state.turn })); }
  };
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}

export default { render };
