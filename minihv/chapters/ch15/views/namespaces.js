// NamespaceView: kinds of namespaces down, processes across; a row opens to all that is seen.

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "boxes", `${words.title}: ${model.get("frames").at(-1).title}`);
  root.style.setProperty("--own", model.get("colour").own);
  const go = (to) => { model.set("at", Math.max(0, Math.min(model.get("frames").length - 1, to))); model.save_changes(); };
  const back = h("button", { type: "button", "data-do": "back", onclick: () => go(model.get("at") - 1) }, icon("◀"), words.back);
  const next = h("button", { type: "button", class: "mhv-main", "data-do": "next", onclick: () => go(model.get("at") + 1) }, words.next, icon("▶"));
  const scrub = h("input", { type: "range", min: 0, "aria-label": words.scrub, oninput: (event) => go(Number(event.target.value)) });
  const steps = h("span", { class: "mhv-boxes-steps" }, back, scrub, next);
  const title = h("strong", { class: "mhv-grow", role: "status" });
  let asked = false;
  const look = () => { if (!asked) { asked = true; model.send({ do: "look" }); } };
  const again = h("button", { type: "button", "data-do": "look", onclick: look }, words.look);
  const live = h("input", { type: "checkbox", "data-do": "live" });
  const bar = h("div", { class: "mhv-bar" }, title, steps, again, h("label", {}, live, words.live));
  const grid = h("div", { class: "mhv-boxes-grid", role: "table", "aria-label": words.title });
  root.append(bar, grid, h("div", { class: "mhv-keys" }, words.keys));
  const timer = setInterval(() => { if (live.checked && document.visibilityState === "visible") look(); }, 1000);

  const open = new Set();
  const settle = roving(grid, ".mhv-kind button", true);
  const cell = (column, kind) => {
    const row = column.rows[kind];
    if (!row) return h("div", { role: "cell", class: "mhv-box-cell", "data-gone": true }, words.gone);
    const items = open.has(kind) && row.items.length ? h("ul", {}, row.items.map((item) => h("li", { class: "mhv-mono" }, item))) : null;
    return h("div", { role: "cell", class: "mhv-box-cell", "data-own": row.own, "data-new": row.new },
      row.value ? h("div", { class: "mhv-mono mhv-box-value" }, row.value) : null,
      h("div", { class: "mhv-box-whose" }, row.new ? h("span", { class: "mhv-box-new" }, words.new) : null, row.whose), items);
  };
  const draw = () => {
    const frames = model.get("frames"), at = Math.min(model.get("at"), frames.length - 1);
    const { title: name, columns } = frames[at];
    const focused = document.activeElement?.dataset.kind;
    put(title, frames.length > 1 ? `${at + 1}/${frames.length} ${name}` : name);
    steps.hidden = frames.length < 2;
    scrub.max = frames.length - 1;
    scrub.value = at;
    mark(scrub, "aria-valuetext", name);
    mark(back, "aria-disabled", at === 0 ? "true" : null);
    mark(next, "aria-disabled", at === frames.length - 1 ? "true" : null);
    grid.style.setProperty("--columns", columns.length);
    grid.replaceChildren(
      h("div", { role: "row", class: "mhv-box-row mhv-box-head" }, h("div", { role: "columnheader" }, h("span", { class: "mhv-only-heard" }, words.kind)), columns.map((column) => h("div", { role: "columnheader" }, column.name))),
      ...model.get("kinds").map((kind) => {
        const more = columns.some((column) => column.rows[kind]?.items.length);
        const button = h("button", { type: "button", tabindex: -1, "data-kind": kind, title: words[`kind_${kind}`], "aria-expanded": more ? String(open.has(kind)) : null, "aria-disabled": more ? null : "true" },
          h("span", { class: "mhv-mono" }, kind), more ? icon(open.has(kind) ? "▾" : "▸") : null);
        button.addEventListener("click", () => { if (!more) return; if (!open.delete(kind)) open.add(kind); draw(); });
        return h("div", { role: "row", class: "mhv-box-row" }, h("div", { role: "rowheader", class: "mhv-kind" }, button), columns.map((column) => cell(column, kind)));
      }));
    if (focused) grid.querySelector(`[data-kind="${focused}"]`)?.focus();
    settle();
  };
  const soon = () => { if (!draw.due) { draw.due = true; queueMicrotask(() => { draw.due = false; draw(); }); } };
  const answered = () => { asked = false; };
  model.on("change:frames", soon);
  model.on("change:at", soon);
  model.on("change:looked", answered);
  draw();
  return () => { clearInterval(timer); model.off("change:frames", soon); model.off("change:at", soon); model.off("change:looked", answered); };
}

export default { render };
