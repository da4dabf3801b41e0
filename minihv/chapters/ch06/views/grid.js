// WalkGrid: rows are what a walk has to find, columns the references for it.

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "grid2", words.title);
  const send = (command) => model.send(command);
  const address = h("input", { type: "text", size: 16, spellcheck: "false", autocomplete: "off" });
  const access = h("select", { "aria-label": words.access }, ["read", "write", "fetch"].map((name) => h("option", { value: name }, words[name])));
  const ask = (event) => { event?.preventDefault(); send({ do: "look", with: address.value, access: access.value }); };
  access.addEventListener("change", ask);
  const step = (by) => send({ do: "move", with: by });
  const back = h("button", { type: "button", "data-do": "back", onclick: () => step(-1) }, icon("◀"), words.back);
  const next = h("button", { type: "button", class: "mhv-main", "data-do": "next", onclick: () => step(1) }, words.next, icon("▶"));
  const all = h("button", { type: "button", "data-do": "all", onclick: () => step(99) }, words.all);
  const form = h("form", { class: "mhv-bar" }, h("label", {}, words.address, address), access, h("button", { type: "submit" }, words.walk), h("span", { class: "mhv-grow" }), back, next, all);
  form.addEventListener("submit", ask);
  const body = h("tbody");
  const table = h("table", { "aria-label": words.title },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, words.find), ["g2", "g1", "g0", "own"].map((name) => h("th", { scope: "col", "data-col": name }, words[name])))), body);
  const count = h("p", { class: "mhv-count" });
  const said = h("p", { class: "mhv-said", role: "status" });
  root.append(form, h("div", { class: "mhv-body" }, table, count, said), h("div", { class: "mhv-keys" }, words.keys));
  root.addEventListener("keydown", (event) => {
    const by = { n: 1, p: -1 }[event.key];
    if (!by || event.target === address || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(by);
  });
  const square = (cell, shown) => {
    if (!cell) return h("td", { class: "mhv-none" }, h("span", { class: "mhv-only-heard" }, words.none));
    const read = cell.number <= shown;
    return h("td", { "data-stage": cell.stage, "data-read": read, "data-now": cell.number === shown, "data-kind": read ? cell.kind : null },
      h("button", { type: "button", "data-number": cell.number, onclick: () => send({ do: "show", with: cell.number }), "aria-label": fill(words.cell, cell), title: read ? cell.verdict : "" },
        h("strong", {}, cell.number), read ? h("span", { class: "mhv-mono" }, cell.at) : null, read ? h("span", { class: "mhv-mono mhv-faint" }, cell.bits || "?") : null));
  };
  const draw = () => {
    const grid = model.get("grid"), shown = model.get("shown");
    if (document.activeElement !== address) address.value = grid.gva;
    access.value = grid.access;
    const focused = document.activeElement?.dataset?.number;
    body.replaceChildren(...grid.rows.map((row) => h("tr", {}, h("th", { scope: "row" }, fill(words[row.name], row)), row.cells.map((cell) => square(cell, shown)))));
    if (focused) body.querySelector(`[data-number="${focused}"]`)?.focus();
    put(count, fill(words.position, { shown, count: grid.count }));
    put(said, model.get("said"));
    mark(said, "data-wrong", grid.fault && shown === grid.count);
    mark(back, "aria-disabled", shown === 0 ? "true" : null);
    for (const button of [next, all]) mark(button, "aria-disabled", shown >= grid.count ? "true" : null);
  };
  const soon = () => { if (!draw.due) { draw.due = true; queueMicrotask(() => { draw.due = false; draw(); }); } };
  for (const name of ["grid", "shown", "said"]) model.on(`change:${name}`, soon);
  draw();
}

export default { render };
