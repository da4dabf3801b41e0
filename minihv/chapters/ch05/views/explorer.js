// PagingExplorer: the paths of one address through two sets of tables, and the pages around it.

const KINDS = ["", "fill", "fault", "table", "fence", "switch"];
const ACROSS = 64;

function pathColumn(words, side) {
  const rows = h("div", { class: "mhv-path" });
  const foot = h("p", { class: "mhv-foot mhv-mono" });
  const origin = h("p", { class: "mhv-faint" });
  const column = h("div", { class: "mhv-side", "data-side": side }, h("h4", {}, words[side]), origin, rows, foot);
  const draw = (state) => {
    column.hidden = !state[side];
    const steps = state[side] ?? [];
    const root = state[`${side}_root`];
    put(origin, root ? fill(words.root, { root }) : { guest: words.bare, shadow: words.no_table, nested: words.no_stage }[side]);
    rows.replaceChildren(...steps.map((row) => h("div", { class: "mhv-step", "data-kind": row.kind, "data-fresh": row.fresh },
      h("div", { class: "mhv-step-head" }, h("strong", {}, fill(words.level, row)), " ", h("span", { class: "mhv-faint" }, fill(words.entry, row))),
      h("div", { class: "mhv-mono mhv-step-pte" }, row.kind === "none" ? words.empty : [row.bits, " ", fill(row.kind === "leaf" ? words.maps : words.points, row)]),
      row.fresh ? h("span", { class: "mhv-tag", "data-tag": "fresh" }, words.filled_now) : null,
      row.protected ? h("span", { class: "mhv-tag", "data-tag": "protected" }, words.protected) : null)));
    const address = { guest: state.gpa, shadow: state.hpa, nested: state.nested_hpa }[side];
    put(foot, `${words.leads} ${side === "guest" ? "gpa" : "hpa"} ${address || words.nowhere}`);
  };
  return { column, draw };
}

function pageMap(words, send) {
  const cells = Array.from({ length: 512 }, (_, page) => h("span", { class: "mhv-cell", "data-page": page }));
  const grid = h("div", { class: "mhv-grid", tabindex: 0, role: "group", "aria-roledescription": "map" }, cells);
  const title = h("h4"), told = h("p", { class: "mhv-cell-said", "aria-live": "polite" });
  const legend = h("p", { class: "mhv-legend" }, ["b", "r", "g", "k", "s", "n"].map((kind) => h("span", {}, h("span", { class: "mhv-cell", "data-cell": kind }), words[`short_${kind}`])));
  let page = 0;
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-page]");
    if (cell) send({ do: "page", with: Number(cell.dataset.page) });
  });
  grid.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -ACROSS, ArrowDown: ACROSS }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    page = Math.max(0, Math.min(511, page + by));
    send({ do: "page", with: page });
  });
  const draw = (state) => {
    page = state.page;
    put(title, fill(words.map, state));
    [...state.cells].forEach((kind, k) => { mark(cells[k], "data-cell", kind); mark(cells[k], "data-here", k === page); });
    const said = fill(words.cell, { page, meaning: words[`cell_${state.cells[page]}`] });
    put(told, said);
    mark(grid, "aria-label", `${fill(words.map, state)}. ${said}`);
  };
  return { node: h("div", { class: "mhv-map" }, title, grid, told, legend, h("p", { class: "mhv-faint mhv-hint" }, words.map_hint)), draw };
}

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "explorer", words.title);
  const send = channel(model, "state");
  const which = h("select", { "aria-label": words.which }, KINDS.map((kind) => h("option", { value: kind }, words[`kind_${kind || "any"}`])));
  const seek = (by) => send({ do: "seek", kind: which.value, with: by });
  const back = h("button", { type: "button", "data-do": "back", onclick: () => seek(-1) }, icon("◀"), words.back);
  const next = h("button", { type: "button", class: "mhv-main", "data-do": "next", onclick: () => seek(1) }, words.next, icon("▶"));
  const before = h("button", { type: "button", "data-do": "before", onclick: () => send({ do: "before" }) }, words.before);
  const slider = h("input", { type: "range", min: 0, "aria-label": words.position, class: "mhv-grow" });
  const where = h("span", { class: "mhv-mono" });
  slider.addEventListener("input", () => send({ do: "goto", with: Number(slider.value) }));
  const address = h("input", { type: "text", size: 14, spellcheck: "false", autocomplete: "off" });
  const follow = h("button", { type: "button", "data-do": "follow", onclick: () => send({ do: "follow" }) }, words.follow);
  const mode = h("select", { "aria-label": words.table_of, "data-do": "mode" }, ["", "U", "S"].map((name) => h("option", { value: name }, words[`table_${name || "ran"}`])));
  mode.addEventListener("change", () => send({ do: "mode", with: mode.value }));
  const form = h("form", { class: "mhv-look" }, h("label", {}, words.address_label, address), h("button", { type: "submit" }, words.look), follow, mode);
  form.addEventListener("submit", (event) => { event.preventDefault(); send({ do: "look", with: address.value }); });
  const story = h("p", { class: "mhv-story", role: "status" });
  const said = h("p", { class: "mhv-said", role: "alert" });
  const sides = ["guest", "shadow", "nested"].map((side) => pathColumn(words, side));
  const verdict = h("p", { class: "mhv-verdict" });
  const map = pageMap(words, send);
  const counts = h("p", { class: "mhv-counts" });
  root.append(h("div", { class: "mhv-bar" }, back, next, which, before, slider, where),
    h("div", { class: "mhv-body" }, story, said, form, h("div", { class: "mhv-sides" }, sides.map((side) => side.column)), verdict, map.node, counts),
    h("div", { class: "mhv-keys" }, words.keys));
  root.addEventListener("keydown", (event) => {
    const act = { n: () => seek(1), p: () => seek(-1), b: () => before.click() }[event.key];
    if (!act || event.target === address || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  const draw = () => {
    const state = model.get("state");
    slider.max = state.total;
    slider.value = state.position;
    mark(slider, "aria-valuetext", fill(words.where, state));
    put(where, fill(words.where, { position: grouped(state.position), total: grouped(state.total) }));
    mark(before, "aria-pressed", String(state.before));
    put(story, state.story);
    mark(story, "data-kind", state.kind);
    put(said, state.said);
    if (document.activeElement !== address) address.value = state.gva;
    mode.value = state.chosen ? state.mode : "";
    mark(follow, "aria-disabled", state.picked ? null : "true");
    mark(back, "aria-disabled", state.position === 0 ? "true" : null);
    mark(next, "aria-disabled", state.position >= state.total ? "true" : null);
    sides.forEach((side) => side.draw(state));
    put(verdict, state.verdict);
    map.draw(state);
    counts.replaceChildren(h("strong", {}, words.counts), ...KINDS.slice(1).map((kind) => h("span", { "data-kind": kind }, `${words[`kind_${kind}`]} ${grouped(state.counts[kind])}`)), h("span", {}, state.about));
  };
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}

export default { render };
