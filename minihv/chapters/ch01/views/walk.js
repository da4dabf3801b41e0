// PageWalkView: the split address, one column a table, the bits of each PTE, the end of the walk.

function addressBar(words) {
  const bar = h("div", { class: "mhv-split mhv-mono" });
  const draw = (walk, shown) => bar.replaceChildren(...walk.split.map((part) => {
    const level = /VPN\[(\d)\]/.exec(part.name)?.[1];
    const step = walk.steps.find((one) => String(one.level) === level);
    const used = step && walk.steps.indexOf(step) < shown;
    return h("div", { class: "mhv-part", "data-part": level ?? part.name, "data-used": used || (level === undefined && part.name === "offset" && walk.pa && shown > walk.steps.length), style: `--bits:${part.high - part.low + 1}` },
      h("span", { class: "mhv-part-name" }, part.name === "ext" ? "63–39" : part.name),
      h("span", { class: "mhv-part-bits" }, part.name === "ext" ? (part.binary.includes("1") ? (part.binary.includes("0") ? "mixed" : "all 1") : "all 0") : part.binary),
      h("span", { class: "mhv-part-value" }, part.name === "ext" ? "" : `${part.value} = 0x${part.value.toString(16)}`));
  }));
  return { bar, draw };
}

function bitRow(words, step, explain) {
  const row = h("div", { class: "mhv-bits", role: "toolbar", "aria-label": fill(words.bits, step) });
  for (const field of step.fields) {
    const meaning = `${words[`bit_${field.name}`]} ${fill(words.value, { value: field.value })}`;
    const wide = field.name === "PPN";
    const bit = h("button", {
      type: "button", tabindex: -1, "data-wide": wide, "data-bit": field.name, "data-set": /[1-9a-f]/.test(field.value.replace("0x", "")),
      "data-blamed": step.bit === field.name, "aria-label": meaning, title: meaning,
    }, h("span", { class: "mhv-bit-name" }, field.name === "Reserved" ? "Res" : field.name), h("span", { class: "mhv-bit-value" }, field.name === "Reserved" ? Number(field.value) : field.value));
    const tell = () => explain(meaning);
    bit.addEventListener("focus", tell);
    bit.addEventListener("mouseenter", tell);
    bit.addEventListener("click", tell);
    row.append(bit);
  }
  const settle = roving(row, "button", false);
  row.addEventListener("mouseleave", () => explain(row.contains(document.activeElement) ? document.activeElement.title : ""));
  queueMicrotask(settle);
  return row;
}

function tableColumn(words, step, read, explain) {
  const rows = [step.index - 1, step.index, step.index + 1].map((index) =>
    h("div", { class: "mhv-row", "data-chosen": index === step.index, "data-absent": index < 0 || index > 511 },
      h("span", { class: "mhv-index" }, index < 0 || index > 511 ? "" : index),
      h("span", { class: "mhv-pte" }, index === step.index ? (read ? step.pte ?? "?" : words.pending) : step.near[index > step.index ? 1 : 0] ?? "")));
  const verdict = h("p", { class: "mhv-verdict" });
  const column = h("div", { class: "mhv-table", "data-level": step.level, "data-kind": read ? step.kind : "pending" },
    h("h4", {}, fill(words.table, step), " ", h("span", { class: "mhv-mono" }, fill(words.table_at, step))),
    h("div", { class: "mhv-entries mhv-mono" }, h("span", { class: "mhv-dots" }, "⋮"), ...rows, h("span", { class: "mhv-dots" }, "⋮")));
  if (read) {
    column.append(bitRow(words, step, explain), verdict);
    const story = step.kind === "fault" ? fill(words[`why_${step.why}`], step)
      : step.kind === "leaf" && step.level ? fill(words.leaf_big, step) : words[step.kind];
    verdict.textContent = story;
  }
  return column;
}

function endColumn(words, walk) {
  const box = h("div", { class: "mhv-end", "data-kind": walk.cause ? "fault" : "done" });
  if (walk.cause) box.append(h("h4", {}, fill(words.fault, walk)), h("p", {}, fill(words[`why_${walk.why}`], walk.steps.at(-1) ?? {})));
  else box.append(h("h4", {}, words.physical), h("p", { class: "mhv-mono mhv-pa" }, walk.pa), h("p", { class: "mhv-mono" }, fill(words.result_by, walk)));
  return box;
}

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "walk", words.title);
  const send = (command) => model.send(command);
  const choice = (label, options) => {
    const select = h("select", { "aria-label": label }, options.map((name) => h("option", { value: name }, words[name])));
    select.addEventListener("change", ask);
    return select;
  };
  const address = h("input", { type: "text", size: 20, spellcheck: "false", autocomplete: "off" });
  const form = h("form", { class: "mhv-bar" });
  function ask(event) {
    event?.preventDefault();
    send({ do: "look", address: address.value, access: access.value, mode: mode.value });
  }
  const access = choice(words.access, ["load", "store", "fetch"]);
  const mode = choice(words.mode, ["U", "S"]);
  const step = (by) => send({ do: "move", with: by }); // the kernel counts: keys may be faster than it
  const back = h("button", { type: "button", "data-do": "back", onclick: () => step(-1) }, icon("◀"), words.back);
  const next = h("button", { type: "button", class: "mhv-main", "data-do": "next", onclick: () => step(1) }, words.next, icon("▶"));
  const all = h("button", { type: "button", "data-do": "all", onclick: () => step(9) }, words.all);
  form.append(h("label", {}, words.address, address), access, mode, h("button", { type: "submit" }, words.translate), h("span", { class: "mhv-steps" }, back, next, all));
  form.addEventListener("submit", ask);

  const { bar, draw: drawBar } = addressBar(words);
  const origin = h("p", { class: "mhv-origin mhv-faint" });
  const tables = h("div", { class: "mhv-tables" });
  const meaning = h("p", { class: "mhv-meaning" });
  const said = h("p", { class: "mhv-said", role: "status" });
  root.append(form, h("div", { class: "mhv-body" }, h("h4", {}, words.split), bar, origin, tables, meaning, said), h("div", { class: "mhv-keys" }, words.keys));
  const explain = (text) => put(meaning, text || words.explain);
  root.addEventListener("keydown", (event) => {
    const by = { n: 1, p: -1 }[event.key];
    if (!by || event.target === address || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(by);
  });

  let drawn = null;
  const draw = () => {
    const walk = model.get("walk");
    const shown = model.get("shown");
    const end = walk.steps.length + (walk.cause ? 0 : 1);
    if (drawn !== walk) { address.value = walk.va; access.value = walk.access; mode.value = walk.mode; }
    drawn = walk;
    const focused = document.activeElement?.dataset.bit && document.activeElement.closest(".mhv-table")?.dataset.level;
    const bit = document.activeElement?.dataset.bit;
    drawBar(walk, shown);
    put(origin, fill(words.root, walk));
    const seen = walk.steps.slice(0, Math.max(shown + 1, 1));
    tables.replaceChildren(...seen.map((one, k) => tableColumn(words, one, k < shown, explain)));
    if (shown >= end) tables.append(endColumn(words, walk));
    tables.style.setProperty("--columns", Math.max(walk.steps.length, 1) + 1);
    if (focused) tables.querySelector(`[data-level="${focused}"] [data-bit="${bit}"]`)?.focus();
    // Not `disabled`: that would take the focus away from the key that was just pressed.
    mark(back, "aria-disabled", shown === 0 ? "true" : null);
    for (const button of [next, all]) mark(button, "aria-disabled", shown >= end ? "true" : null);
    explain("");
    put(said, model.get("said"));
    mark(said, "data-wrong", model.get("wrong"));
    said.classList.toggle("mhv-only-heard", shown >= end && !model.get("wrong")); // the end says it, too
  };
  const soon = () => { if (!draw.due) { draw.due = true; queueMicrotask(() => { draw.due = false; draw(); }); } };
  for (const name of ["walk", "shown", "said", "wrong"]) model.on(`change:${name}`, soon);
  draw();
}

export default { render };
