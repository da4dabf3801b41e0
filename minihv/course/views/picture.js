// Picture: puts a drawing into the page; the style sheet repaints its neutral colours.

function render({ model, el }) {
  const host = h("figure", { class: "mhv-figure" });
  host.innerHTML = model.get("drawing");
  el.append(host);
}

export default { render };
