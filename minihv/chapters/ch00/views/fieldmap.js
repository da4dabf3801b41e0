// FieldMap: groups of entries; the chosen one is explained, with the way to its chapter.

function render({ model, el }) {
  const words = model.get("words"), groups = model.get("groups");
  const root = frame(el, "map", words.title);
  const entries = groups.flatMap((group) => group.items);
  const detail = h("div", { class: "mhv-detail", role: "status" });
  const choose = (name) => { model.set("chosen", name); model.save_changes(); };
  const open = (item) => { if (item.there) detail.querySelector("a")?.click(); };
  const grid = h("div", { class: "mhv-groups", role: "group", "aria-label": words.title });
  for (const group of groups) {
    const list = h("div", { class: "mhv-group", "data-key": group.key, role: "group", "aria-label": group.name },
      h("h4", { style: `background:${group.fill};color:${group.ink}` }, group.name));
    const items = h("div", { class: "mhv-entries-list" });
    for (const item of group.items) {
      const button = h("button", { type: "button", class: "mhv-entry", tabindex: -1, "data-name": item.name, "aria-label": `${item.name}, ${fill(words.built, { number: item.chapter, title: item.title })}` },
        h("span", { class: "mhv-chapter mhv-mono", "aria-hidden": "true" }, item.chapter), h("span", {}, item.name));
      button.addEventListener("click", () => { if (model.get("chosen") === item.name) open(item); else choose(item.name); });
      button.addEventListener("focus", () => { if (model.get("chosen") !== item.name && button.matches(":focus-visible")) choose(item.name); });
      items.append(button);
    }
    list.append(items);
    grid.append(list);
  }
  root.append(grid, detail);
  const settle = roving(grid, ".mhv-entry", true);
  grid.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const here = document.activeElement.closest(".mhv-group");
    if (!by || !here) return;
    event.preventDefault();
    const all = [...grid.querySelectorAll(".mhv-group")];
    all[(all.indexOf(here) + by + all.length) % all.length].querySelector(".mhv-entry").focus();
  });
  const draw = () => {
    const item = entries.find((one) => one.name === model.get("chosen"));
    for (const button of grid.querySelectorAll(".mhv-entry")) mark(button, "aria-pressed", button.dataset.name === item?.name ? "true" : "false");
    if (!item) { detail.replaceChildren(h("p", { class: "mhv-faint" }, `${fill(words.intro, { count: entries.length })} ${words.help}`)); return; }
    const label = fill(item.there ? words.built : words.later, { number: item.chapter, title: item.title });
    detail.replaceChildren(h("p", {}, h("strong", {}, item.name), " ", item.text), h("p", {}, item.there ? h("a", { href: item.file, "data-file": item.file }, label) : h("span", { class: "mhv-faint" }, label)));
    const link = detail.querySelector("a");
    if (link) follow(link, item.file);
  };
  model.on("change:chosen", draw);
  draw();
  settle();
  return () => model.off("change:chosen", draw);
}

// Inside JupyterLab a link to a notebook opens it there; elsewhere it is a plain link.
function follow(link, file) {
  const app = window.jupyterapp ?? window.jupyterlab;
  const path = /\/(?:lab|doc|notebooks)\/tree\/(.*\/)?[^/]*\.ipynb/.exec(decodeURI(window.location.pathname));
  const folder = app?.shell?.currentWidget?.context?.path?.replace(/[^/]*$/, "") ?? path?.[1];
  if (folder === undefined) return;
  const base = document.querySelector("#jupyter-config-data");
  const root = base ? JSON.parse(base.textContent).baseUrl : "/";
  link.href = `${root}lab/tree/${folder}${file}`;
  link.addEventListener("click", (event) => {
    if (!app) return;
    event.preventDefault();
    app.commands.execute("docmanager:open", { path: `${folder}${file}` });
  });
}

export default { render };
