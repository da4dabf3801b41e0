// What all views share: elements, numbers, the frame. Prefixed to each view's module.

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

// Changes only what differs, so that a re-drawn line keeps the focus and says nothing twice.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function mark(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

const icon = (sign) => h("span", { class: "mhv-icon", "aria-hidden": "true" }, sign);
const grouped = (number) => Math.round(number).toLocaleString("en-US");
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

// A hexadecimal number whose leading zeros stand back.
function hex(element, digits) {
  if (element.dataset.shown === digits) return;
  element.dataset.shown = digits;
  const zeros = digits.match(/^0x0*(?=.)/)[0];
  element.replaceChildren(h("span", { class: "mhv-zeros" }, zeros), digits.slice(zeros.length));
}

// The view's root. Keys typed inside are the view's own, not commands to the notebook.
function frame(el, kind, label) {
  const root = h("section", { class: `mhv mhv-${kind}`, "aria-label": label, "data-lm-suppress-shortcuts": "true" });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);
  return root;
}

// Arrow keys move inside a group of which only one member is a tab stop.
function roving(group, selector, vertical) {
  const [back, on] = vertical ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  const all = () => [...group.querySelectorAll(selector)].filter((item) => item.offsetParent !== null);
  const settle = (chosen) => all().forEach((item) => { item.tabIndex = item === chosen ? 0 : -1; });
  group.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) settle(item);
  });
  group.addEventListener("keydown", (event) => {
    const items = all();
    const at = items.indexOf(document.activeElement);
    const to = { [back]: at - 1, [on]: at + 1, Home: 0, End: items.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    items[Math.max(0, Math.min(items.length - 1, to))].focus();
  });
  return () => { const items = all(); if (!items.some((item) => item.tabIndex === 0)) settle(items[0]); };
}

// One message at a time to the kernel; of those that come meanwhile, the last of each kind counts.
function channel(model, trait) {
  let busy = false;
  const waiting = new Map();
  const next = () => {
    const [first] = waiting;
    if (!first) { busy = false; return; }
    waiting.delete(first[0]);
    busy = true;
    model.send(first[1]);
  };
  model.on(`change:${trait}`, next);
  return (command) => {
    const repeats = command.do === "goto" ? "goto" : Symbol();
    waiting.set(repeats, command);
    if (!busy) next();
  };
}
