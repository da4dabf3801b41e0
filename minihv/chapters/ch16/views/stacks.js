// StacksView: a button for each form; the kernel draws the stacks and tells the chosen one's story.

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "stacks", words.title);
  const bar = h("div", { class: "mhv-bar", role: "toolbar", "aria-label": words.which });
  const choose = (form) => model.send({ do: "choose", with: form });
  const buttons = ["", ...model.get("forms")].map((form) => h("button", {
    type: "button", "data-form": form, onclick: () => choose(form),
  }, words[form || "all"]));
  bar.append(...buttons);
  const figure = h("div", { class: "mhv-figure mhv-stacks-figure" });
  const said = h("p", { class: "mhv-stacks-said", role: "status" });
  root.append(bar, figure, said, h("div", { class: "mhv-keys" }, words.keys));
  const settle = roving(bar, "button", false);
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Number(event.key);
    if (!(at >= 0 && at < buttons.length) || event.key === " ") return;
    event.preventDefault();
    choose(buttons[at].dataset.form);
  });

  const draw = () => {
    figure.innerHTML = model.get("drawing");
    put(said, model.get("said"));
    for (const button of buttons) mark(button, "aria-pressed", String(button.dataset.form === model.get("chosen")));
    settle();
  };
  const soon = () => { if (!draw.due) { draw.due = true; queueMicrotask(() => { draw.due = false; draw(); }); } };
  for (const name of ["drawing", "said", "chosen"]) model.on(`change:${name}`, soon);
  draw();
}

export default { render };
