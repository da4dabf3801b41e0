// TrapTimeline: lanes by privilege on a canvas; single switches when zoomed in, sums when not.

const KINDS = ["exception", "interrupt", "return", "exit", "vmexit", "vmentry", "inject"];
const DASHED = [1, 6], DOUBLE = [3, 4, 5, 6]; // numbers of kinds
const LANE = 30, GAP = 26, LEFT = 92, TOP = 24, AXIS = 24;
const SINGLE = 7; // pixels between switches from which on each is drawn

function unpack(model) {
  const view = model.get("packed"), n = model.get("count");
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer;
  const data = {
    n, clock: new Float64Array(bytes, 0, n), cause: new Uint16Array(bytes, 8 * n, n),
    origin: new Uint8Array(bytes, 10 * n, n), target: new Uint8Array(bytes, 11 * n, n), kind: new Uint8Array(bytes, 12 * n, n),
  };
  const asleep = new Set(model.get("asleep")), rest = model.get("lanes").length - 1; // the last lane
  data.after = (i) => (data.kind[i] === 3 ? data.origin[i] : data.kind[i] === 4 && asleep.has(data.cause[i]) ? rest : data.target[i]);
  // Time that each lane ran before event i, so that any window's share is two look-ups.
  data.ran = model.get("lanes").map(() => new Float64Array(n));
  for (let i = 1; i < n; i++) {
    data.ran.forEach((lane) => { lane[i] = lane[i - 1]; });
    data.ran[data.after(i - 1)][i] += data.clock[i] - data.clock[i - 1];
  }
  data.exits = new Float64Array(n);
  for (let i = 1; i < n; i++) data.exits[i] = data.exits[i - 1] + (data.kind[i - 1] === 3 || data.kind[i - 1] === 4);
  return data;
}

// The first event at or after `clock`.
function at(data, clock) {
  let low = 0, high = data.n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (data.clock[middle] < clock) low = middle + 1; else high = middle;
  }
  return low;
}

function ranUntil(data, lane, clock) {
  const i = Math.min(at(data, clock), data.n - 1);
  if (data.clock[i] <= clock) return data.ran[lane][i] + (data.after(i) === lane ? clock - data.clock[i] : 0);
  if (i === 0) return 0;
  return data.ran[lane][i - 1] + (data.after(i - 1) === lane ? clock - data.clock[i - 1] : 0);
}

function niceStep(span, room) {
  const rough = span / room, power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].find((k) => k * power >= rough) * power);
}

function surface(host, height) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  host.append(canvas);
  return (paint) => {
    const width = host.clientWidth, ratio = window.devicePixelRatio || 1;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const css = getComputedStyle(host);
    const colour = (name) => css.getPropertyValue(`--${name}`).trim() || css.color;
    paint(pen, width, colour, css.fontFamily);
  };
}

function chart(model, data, lanes, causes, host) {
  const laneTop = (k) => TOP + k * (LANE + GAP);
  const height = TOP + lanes.length * (LANE + GAP) - GAP + AXIS;
  const draw = surface(host, height);
  const geometry = { left: LEFT, height };

  function axis(pen, width, first, last, colour, x) {
    const step = niceStep(last - first, Math.max(2, (width - LEFT) / 130));
    pen.fillStyle = colour("faint");
    pen.strokeStyle = colour("line");
    pen.textAlign = "center";
    for (let t = Math.ceil(first / step) * step; t <= last; t += step) {
      const px = Math.round(x(t)) + 0.5;
      pen.beginPath(); pen.moveTo(px, height - AXIS + 2); pen.lineTo(px, height - AXIS + 6); pen.stroke();
      const text = grouped(t), half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(Math.max(px, LEFT + half), width - half), height - 4);
    }
  }

  function arrow(pen, px, from, to, kind, colour) {
    if (from === to) { // a trap to the mode that already runs: a bow over its lane
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 1.25;
      pen.setLineDash(kind === 1 ? [3, 3] : []);
      pen.beginPath(); pen.arc(px, laneTop(from) - 1, 5, Math.PI, 0); pen.stroke();
      pen.setLineDash([]);
      return laneTop(from) - GAP;
    }
    const up = to < from;
    const y0 = up ? laneTop(from) : laneTop(from) + LANE, y1 = up ? laneTop(to) + LANE : laneTop(to);
    pen.strokeStyle = pen.fillStyle = colour("ink");
    pen.lineWidth = 1.25;
    pen.setLineDash(DASHED.includes(kind) ? [3, 3] : []);
    for (const shift of DOUBLE.includes(kind) ? [-2, 2] : [0]) {
      pen.beginPath(); pen.moveTo(px + shift, y0); pen.lineTo(px + shift, y1 + (up ? 5 : -5)); pen.stroke();
    }
    pen.setLineDash([]);
    const s = up ? 1 : -1;
    pen.beginPath(); pen.moveTo(px, y1); pen.lineTo(px - 4, y1 + 7 * s); pen.lineTo(px + 4, y1 + 7 * s); pen.fill();
    return up ? laneTop(from) - GAP : laneTop(from) + LANE; // top of the gap beside the origin
  }

  function outline(pen, colour, x, y, width) {
    pen.fillStyle = colour;
    pen.fillRect(x, y, Math.max(width, 1), 4);
    pen.fillRect(x, y + LANE - 4, Math.max(width, 1), 4);
  }

  function singles(pen, i0, i1, x, width, colour) {
    for (let i = Math.max(i0 - 1, 0); i < i1; i++) {
      const lane = data.after(i), a = Math.max(x(data.clock[i]), LEFT);
      const b = i + 1 < data.n ? Math.min(x(data.clock[i + 1]), width) : Math.max(a + 1, Math.min(x(model.get("span")[1]), width));
      pen.fillStyle = colour(lanes[lane].paint.toLowerCase());
      pen.fillRect(a, laneTop(lane), Math.max(b - a, 1), LANE);
      if (lanes[lane].line) outline(pen, lanes[lane].line, a, laneTop(lane), b - a);
    }
    const used = {}; // by gap: the right end of what was written there
    const todo = [];
    for (let i = i0; i < i1; i++) {
      // A VM exit and the entry behind it happen at one tick: the entry is drawn beside it.
      const beside = i > 0 && data.kind[i] > 4 && data.clock[i] - data.clock[i - 1] < 1;
      const px = x(data.clock[i]) + (beside ? 12 : 0);
      if (data.kind[i] === 4) { pen.fillStyle = colour(lanes[data.target[i]].paint.toLowerCase()); pen.fillRect(px - 1, laneTop(data.target[i]), 14, LANE); }
      const gap = arrow(pen, px, data.origin[i], data.target[i], data.kind[i], colour);
      todo.push([i, px, gap]);
    }
    const next = {};
    for (const entry of todo.reverse()) { entry.push(next[entry[2]] ?? width); next[entry[2]] = entry[1]; }
    for (const [i, px, gap, room] of todo.reverse()) {
      const text = causes[data.cause[i]], start = px + 7;
      if (start < (used[gap] ?? 0)) continue;
      let shown = text;
      if (start + pen.measureText(shown).width > room - 4) continue;
      pen.fillStyle = colour("ink");
      pen.textAlign = "left";
      pen.fillText(shown, start, gap + GAP / 2 + 4);
      used[gap] = start + pen.measureText(shown).width;
    }
  }

  function sums(pen, first, last, width, colour) {
    const ticks = (last - first) / (width - LEFT);
    for (let lane = 0; lane < lanes.length; lane++) {
      pen.fillStyle = colour(lanes[lane].paint.toLowerCase());
      let before = ranUntil(data, lane, first);
      let calls = data.exits[Math.min(at(data, first), data.n - 1)];
      for (let px = LEFT; px < width; px++) {
        const end = first + (px + 1 - LEFT) * ticks;
        const until = ranUntil(data, lane, end);
        const share = Math.min(1, (until - before) / ticks);
        if (share > 0) {
          const tall = Math.max(1.5, share * LANE);
          pen.fillRect(px, laneTop(lane) + LANE - tall, 1, tall);
          if (lanes[lane].line) { pen.fillStyle = lanes[lane].line; pen.fillRect(px, laneTop(lane) + LANE - 4, 1, 4); pen.fillStyle = colour(lanes[lane].paint.toLowerCase()); }
        }
        before = until;
        if (lanes[lane].mode === "host") {
          const now = data.exits[Math.min(at(data, end), data.n - 1)];
          if (now > calls) pen.fillRect(px, laneTop(lane), 1, LANE);
          calls = now;
        }
      }
    }
  }

  const paint = () => draw((pen, width, colour, family) => {
    const [first, last] = model.get("window");
    const x = (t) => LEFT + (t - first) / (last - first) * (width - LEFT);
    pen.font = `12px ${family}`;
    lanes.forEach((lane, k) => {
      pen.fillStyle = colour("tint");
      pen.fillRect(LEFT, laneTop(k), width - LEFT, LANE);
      pen.fillStyle = colour(lane.paint.toLowerCase());
      pen.fillRect(0, laneTop(k), LEFT - 8, LANE);
      if (lane.line) outline(pen, lane.line, 0, laneTop(k), LEFT - 8);
      pen.fillStyle = lane.paint === "M" ? colour("m-ink") : lane.ink;
      pen.textAlign = "left";
      pen.fillText(lane.name, 8, laneTop(k) + LANE / 2 + 4);
    });
    const i0 = at(data, first), i1 = at(data, last + 0.5);
    geometry.single = (i1 - i0) * SINGLE < width - LEFT;
    pen.save();
    pen.beginPath(); pen.rect(LEFT, 0, width - LEFT, height); pen.clip();
    if (geometry.single) singles(pen, i0, i1, x, width, colour); else sums(pen, first, last, width, colour);
    const chosen = model.get("selected");
    if (chosen >= 0 && chosen < data.n) {
      const px = Math.round(x(data.clock[chosen])) + 0.5;
      pen.strokeStyle = colour("attention");
      pen.lineWidth = 3;
      pen.globalAlpha = 0.5;
      pen.beginPath(); pen.moveTo(px, 0); pen.lineTo(px, height - AXIS); pen.stroke();
      pen.globalAlpha = 1;
      pen.fillStyle = colour("attention");
      pen.beginPath(); pen.moveTo(px - 5, 0); pen.lineTo(px + 5, 0); pen.lineTo(px, 7); pen.fill();
    }
    pen.restore();
    pen.lineWidth = 1;
    axis(pen, width, first, last, colour, x);
  });
  return { paint, geometry };
}

function overview(model, data, lanes, host) {
  const draw = surface(host, 26);
  return () => draw((pen, width, colour) => {
    const [begin, end] = model.get("span"), [first, last] = model.get("window");
    const ticks = (end - begin) / (width - LEFT);
    pen.fillStyle = colour("tint");
    pen.fillRect(LEFT, 3, width - LEFT, 20);
    const before = lanes.map((_, lane) => ranUntil(data, lane, begin));
    for (let px = LEFT; px < width; px++) {
      let y = 3;
      lanes.forEach((lane, k) => {
        const until = ranUntil(data, k, begin + (px + 1 - LEFT) * ticks);
        const tall = (until - before[k]) / ticks * 20;
        before[k] = until;
        pen.fillStyle = colour(lane.paint.toLowerCase());
        pen.fillRect(px, y, 1, tall);
        y += tall;
      });
    }
    const a = LEFT + (first - begin) / ticks, b = Math.max(LEFT + (last - begin) / ticks, a + 3);
    pen.fillStyle = colour("paper");
    pen.globalAlpha = 0.65;
    pen.fillRect(LEFT, 3, a - LEFT, 20);
    pen.fillRect(b, 3, width - b, 20);
    pen.globalAlpha = 1;
    pen.strokeStyle = colour("ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(a + 0.75, 1.5, Math.max(b - a - 1.5, 1.5), 23);
  });
}

function facts(words, data, lanes, causes, model) {
  const counts = causes.map(() => 0);
  for (let i = 0; i < data.n; i++) counts[data.cause[i]]++;
  const order = counts.map((_, k) => k).sort((a, b) => counts[b] - counts[a]);
  const [begin, end] = model.get("span"), ran = (k) => ranUntil(data, k, end) / (end - begin);
  const share = h("p", { class: "mhv-shares" }, h("strong", {}, words.share), lanes.map((lane, k) => (lane.mode === "host" && !ran(k) ? null
    : h("span", {}, h("span", { class: "mhv-swatch", style: `background:var(--${lane.paint.toLowerCase()})` }), `${lane.name} ${(ran(k) * 100).toFixed(1)} %`))));
  const table = h("table", { "aria-label": words.by_cause },
    h("thead", {}, h("tr", {}, h("th", { class: "mhv-number", scope: "col" }, words.times), h("th", { scope: "col" }, words.cause))),
    h("tbody", {}, order.slice(0, 9).map((k) => h("tr", {}, h("td", { class: "mhv-number" }, grouped(counts[k])), h("td", {}, causes[k])))));
  const body = h("tbody");
  const near = h("table", { "aria-label": words.around },
    h("thead", {}, h("tr", {}, h("th", { class: "mhv-number", scope: "col" }, words.tick), h("th", { scope: "col" }, words.switch), h("th", { scope: "col" }, words.cause))), body);
  const paint = () => {
    const chosen = model.get("selected");
    const middle = chosen >= 0 ? chosen : at(data, model.get("window")[0]) + 3;
    const start = Math.max(0, Math.min(middle - 3, data.n - 7));
    body.replaceChildren(...Array.from({ length: Math.min(7, data.n) }, (_, k) => {
      const i = start + k;
      return h("tr", { "aria-current": i === chosen ? "true" : null }, h("td", { class: "mhv-number" }, grouped(data.clock[i])),
        h("td", { class: "mhv-switch" }, `${lanes[data.origin[i]].mode} → ${lanes[data.target[i]].mode}`), h("td", {}, causes[data.cause[i]]));
    }));
  };
  return { share, node: h("div", { class: "mhv-facts" }, table, near), paint };
}

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "timeline", words.title);
  if (!model.get("count")) { root.append(h("p", { class: "mhv-note" }, words.empty)); return undefined; }
  const data = unpack(model), lanes = model.get("lanes"), causes = model.get("causes");
  const [begin, end] = model.get("span");
  const host = h("div", { class: "mhv-chart", tabindex: 0, role: "group", "aria-roledescription": "timeline", "aria-label": fill(words.chart, { count: grouped(data.n) }) });
  const strip = h("div", { class: "mhv-overview", role: "img", "aria-label": words.overview });
  const info = facts(words, data, lanes, causes, model);
  const shown = h("span", { class: "mhv-mono" });
  const hint = h("span");
  const chosen = h("strong", { role: "status" });

  // At once, after every change: the model itself keeps to one message in flight. A change that waits
  // here instead would be undone by the kernel's echo of an earlier one.
  const save = () => model.save_changes();
  const look = (first, last) => {
    const span = Math.min(Math.max(last - first, 8), end - begin);
    const from = Math.min(Math.max(first, begin), end - span);
    model.set("window", [from, from + span]);
    save();
  };
  const zoom = (factor, middle) => {
    const [first, last] = model.get("window");
    const centre = middle ?? (first + last) / 2;
    look(centre - (centre - first) * factor, centre + (last - centre) * factor);
  };
  const zoomToChosen = (factor) => {
    const [first, last] = model.get("window"), centre = focal() ?? (first + last) / 2, half = (last - first) * factor / 2;
    look(centre - half, centre + half);
  };
  const focal = () => {
    const [first, last] = model.get("window"), i = model.get("selected");
    return i >= 0 && data.clock[i] >= first && data.clock[i] <= last ? data.clock[i] : undefined;
  };
  const pan = (share) => { const [first, last] = model.get("window"), by = (last - first) * share; look(first + by, last + by); };
  const choose = (i) => {
    const k = Math.max(0, Math.min(data.n - 1, i));
    model.set("selected", k);
    const [first, last] = model.get("window"), t = data.clock[k];
    if (t < first || t > last) look(t - (last - first) / 2, t + (last - first) / 2);
    save();
  };
  const move = (by) => { const i = model.get("selected"); choose(i >= 0 ? i + by : at(data, model.get("window")[0])); };
  const actions = {
    in: () => zoomToChosen(0.5), out: () => zoomToChosen(2), whole: () => look(begin, end), back: () => move(-1), next: () => move(1),
  };
  const button = (name, ...label) => h("button", { type: "button", "data-do": name, onclick: actions[name] }, ...label);
  root.append(h("div", { class: "mhv-bar" }, button("back", icon("◀"), words.previous), button("next", words.next, icon("▶")), h("span", { class: "mhv-grow" }),
    button("in", icon("+"), words.zoom_in), button("out", icon("−"), words.zoom_out), button("whole", words.whole)),
  host, strip, h("div", { class: "mhv-note" }, info.share, shown), h("div", { class: "mhv-chosen" }, chosen, hint), ...(lanes.some((lane) => lane.line) ? [h("div", { class: "mhv-chosen" }, words.outlined)] : []), info.node, h("div", { class: "mhv-keys" }, words.keys));
  const main = chart(model, data, lanes, causes, host);
  const small = overview(model, data, lanes, strip);

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target.tagName === "BUTTON" && [" ", "Enter"].includes(event.key))) return;
    const act = {
      ArrowLeft: actions.back, ArrowRight: actions.next, "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.whole,
      PageUp: () => pan(-0.5), PageDown: () => pan(0.5), Home: () => choose(0), End: () => choose(data.n - 1),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  const clockAt = (clientX) => {
    const box = host.getBoundingClientRect(), [first, last] = model.get("window");
    return first + (clientX - box.left - LEFT) / (box.width - LEFT) * (last - first);
  };
  host.addEventListener("wheel", (event) => {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(event.deltaY / 300), clockAt(event.clientX));
    else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) pan(sideways / 800);
    else return;
    event.preventDefault();
  }, { passive: false });
  host.addEventListener("dblclick", (event) => zoom(0.25, clockAt(event.clientX)));
  let held = null;
  host.addEventListener("pointerdown", (event) => { held = { x: event.clientX, window: model.get("window"), moved: false }; host.setPointerCapture(event.pointerId); });
  host.addEventListener("pointermove", (event) => {
    if (!held) return;
    const by = event.clientX - held.x;
    held.moved ||= Math.abs(by) > 3;
    host.classList.toggle("mhv-held", held.moved);
    const [first, last] = held.window, ticks = -by / (host.clientWidth - LEFT) * (last - first);
    if (held.moved) look(first + ticks, last + ticks);
  });
  host.addEventListener("pointerup", (event) => {
    if (held && !held.moved && clockAt(event.clientX) >= model.get("window")[0]) {
      const t = clockAt(event.clientX), i = at(data, t);
      choose(i > 0 && (i === data.n || t - data.clock[i - 1] < data.clock[i] - t) ? i - 1 : i);
    }
    held = null;
    host.classList.remove("mhv-held");
  });
  const drag = (event) => {
    if (!event.buttons) return;
    const box = strip.getBoundingClientRect(), [first, last] = model.get("window");
    const t = begin + (event.clientX - box.left - LEFT) / (box.width - LEFT) * (end - begin);
    look(t - (last - first) / 2, t + (last - first) / 2);
  };
  strip.addEventListener("pointerdown", (event) => { strip.setPointerCapture(event.pointerId); drag(event); });
  strip.addEventListener("pointermove", drag);

  let due = 0;
  const paint = () => {
    due = 0;
    main.paint();
    small();
    info.paint();
    const [first, last] = model.get("window"), i = model.get("selected");
    put(shown, fill(words.window, { first: grouped(first), last: grouped(last), count: grouped(at(data, last + 0.5) - at(data, first)) }));
    put(hint, main.geometry.single || i >= 0 ? "" : words.aggregated);
    put(chosen, i < 0 ? "" : fill(words.chosen, {
      number: grouped(i + 1), count: grouped(data.n), clock: grouped(data.clock[i]), cause: causes[data.cause[i]],
      origin: lanes[data.origin[i]].name, target: lanes[data.target[i]].name,
    }));
  };
  const soon = () => { due ||= requestAnimationFrame(paint); };
  model.on("change:window", soon);
  model.on("change:selected", soon);
  const sized = new ResizeObserver(soon);
  sized.observe(host);
  // While JupyterLab changes its theme it lays nothing out, and there is nothing to paint on.
  const themed = new MutationObserver(() => { soon(); setTimeout(soon, 400); });
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  soon();
  return () => { sized.disconnect(); themed.disconnect(); cancelAnimationFrame(due); model.off("change:window", soon); model.off("change:selected", soon); };
}

export default { render };
