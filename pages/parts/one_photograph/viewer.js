// Photographs side by side: wheel, keys and drag zoom and move all of them together; a slider lays the heat map over.
const STEP = 1.25;

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".viewer");
  const panes = root.querySelector(".panes");
  const state = (root.seen ??= { zoom: 1, x: 0, y: 0, heat: 0.6 });
  const make = (kind, name, more = {}) => Object.assign(document.createElement(kind), { className: name, ...more });

  panes.replaceChildren();
  const layers = data.eyes.map((eye) => {
    const pane = make("figure", "pane");
    const frame = make("div", "frame");
    const layer = make("div", "layer");
    layer.append(make("img", "photo", { src: eye.src, alt: eye.alt, draggable: false }));
    if (eye.map) {
      const map = make("img", "map", { src: eye.map, alt: "", draggable: false });
      Object.assign(map.style, { left: `${eye.box[0]}%`, top: `${eye.box[1]}%`, width: `${eye.box[2]}%`, height: `${eye.box[3]}%` });
      layer.append(map);
    }
    if (eye.circle) {
      const ring = make("div", "ring");
      Object.assign(ring.style, { left: `${eye.circle[0]}%`, top: `${eye.circle[1]}%`, width: `${eye.circle[2]}%`, height: `${eye.circle[3]}%` });
      layer.append(ring);
    }
    frame.style.aspectRatio = eye.aspect;
    frame.style.maxWidth = `calc((100vh - 360px) * ${eye.aspect})`; // as high as the window leaves
    frame.append(layer);
    pane.append(frame, make("figcaption", "", { textContent: eye.label }));
    panes.append(pane);
    return layer;
  });

  const draw = () => {
    state.zoom = Math.min(12, Math.max(1, state.zoom));
    const most = 50 * (state.zoom - 1);
    state.x = Math.min(most, Math.max(-most, state.x));
    state.y = Math.min(most, Math.max(-most, state.y));
    for (const layer of layers) layer.style.transform = `translate(${state.x}%, ${state.y}%) scale(${state.zoom})`;
    for (const map of root.querySelectorAll(".map")) map.style.opacity = state.heat;
  };
  const zoom = (by) => { state.zoom *= by; draw(); };

  const bar = root.querySelector(".bar");
  bar.replaceChildren();
  const button = (label, sign, act) => {
    const made = make("button", "", { type: "button", textContent: sign, title: label, onclick: act });
    made.setAttribute("aria-label", label);
    bar.append(made);
  };
  button(data.words.back, "←", () => setTriggerValue("step", -1));
  button(data.words.next, "→", () => setTriggerValue("step", 1));
  button(data.words.closer, "+", () => zoom(STEP));
  button(data.words.away, "−", () => zoom(1 / STEP));
  button(data.words.whole, "1:1", () => { state.zoom = 1; state.x = state.y = 0; draw(); });
  if (data.eyes.some((eye) => eye.map)) {
    const slider = make("input", "", { type: "range", min: 0, max: 1, step: 0.05, value: state.heat });
    slider.setAttribute("aria-label", data.words.heat);
    slider.oninput = () => { state.heat = Number(slider.value); draw(); };
    bar.append(make("label", "", { textContent: data.words.heat }), slider);
  }

  let from = null;
  panes.onpointerdown = (event) => { from = [event.clientX, event.clientY]; panes.setPointerCapture(event.pointerId); };
  panes.onpointermove = (event) => {
    if (!from) return;
    const wide = layers[0].clientWidth || 1;
    state.x += (100 * (event.clientX - from[0])) / wide;
    state.y += (100 * (event.clientY - from[1])) / (layers[0].clientHeight || wide);
    from = [event.clientX, event.clientY];
    draw();
  };
  panes.onpointerup = panes.onpointercancel = () => { from = null; };
  const wheel = (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? STEP : 1 / STEP); };
  panes.addEventListener("wheel", wheel, { passive: false });
  panes.ondblclick = () => { state.zoom = state.zoom > 1 ? 1 : 3; state.x = state.y = 0; draw(); };
  root.tabIndex = 0;
  root.setAttribute("aria-label", data.words.title);
  root.onkeydown = (event) => {
    if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => setTriggerValue("step", -1),
      ArrowRight: () => setTriggerValue("step", 1),
      "+": () => zoom(STEP),
      "-": () => zoom(1 / STEP),
      0: () => { state.zoom = 1; state.x = state.y = 0; draw(); },
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  };
  draw();
  root.focus({ preventScroll: true });
  return () => panes.removeEventListener("wheel", wheel);
}
