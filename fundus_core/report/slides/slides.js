// Shows one slide at a time: arrow keys, buttons, swipes, full screen; the same code runs in the exported file.
function present(root, deck) {
  const alone = document.body.classList.contains("alone");
  const make = (kind, name) => Object.assign(document.createElement(kind), { className: name });
  const frame = make("div", "window");
  const stage = make("div", "stage");
  stage.innerHTML = deck.slides.join("");
  frame.append(stage);
  const controls = make("div", "controls");
  const place = make("span", "at");
  place.setAttribute("aria-live", "polite");
  controls.append(place);
  const button = (label, sign, act) => {
    const made = make("button", "");
    made.type = "button";
    made.textContent = sign;
    made.title = label;
    made.setAttribute("aria-label", label);
    made.onclick = act;
    controls.append(made);
    return made;
  };
  root.className = deck.dark ? "root deck dark" : "root deck"; // "root" is how the next run of the page finds it
  root.tabIndex = 0;
  root.setAttribute("role", "region");
  root.setAttribute("aria-roledescription", "slides");
  root.setAttribute("aria-label", deck.title);
  const notes = make("p", "notes");
  root.replaceChildren(controls, frame, notes); // above the slide the buttons stay in sight on a small screen

  const pages = [...stage.children];
  let at = Math.min(Number(root.dataset.at || (alone && location.hash.slice(1) - 1) || 0), pages.length - 1);
  const full = () => Boolean(document.fullscreenElement) && (root.getRootNode().fullscreenElement === root || document.fullscreenElement === root);
  const show = (next) => {
    at = Math.max(0, Math.min(pages.length - 1, next));
    root.dataset.at = at;
    pages.forEach((page, index) => page.classList.toggle("shown", index === at));
    place.textContent = `${at + 1} / ${pages.length}`;
    notes.textContent = deck.notes[at];
    back.disabled = at === 0;
    forth.disabled = at === pages.length - 1;
    if (alone) history.replaceState(null, "", `#${at + 1}`);
  };
  const fit = () => {
    const whole = alone || full();
    root.classList.toggle("whole", whole);
    const width = whole ? window.innerWidth : root.parentElement.clientWidth || 1280;
    const high = whole ? window.innerHeight : Math.max(320, window.innerHeight - 290); // what the page's head leaves
    const scale = Math.min(width / 1280, high / 720);
    root.style.height = whole ? `${window.innerHeight}px` : "auto";
    frame.style.height = whole ? "auto" : `${720 * scale}px`;
    frame.style.width = whole ? "auto" : `${1280 * scale}px`;
    const left = whole ? (width - 1280 * scale) / 2 : 0;
    const top = whole ? (window.innerHeight - 720 * scale) / 2 : 0;
    stage.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  };
  const back = button(deck.words.back, "←", () => show(at - 1));
  const forth = button(deck.words.next, "→", () => show(at + 1));
  button(deck.words.full, deck.words.full, () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()));

  const keys = (event) => {
    const moves = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    const target = event.composedPath()[0];
    const mine = alone || full() || event.composedPath().includes(root);
    if (event.ctrlKey || event.metaKey || event.altKey || (event.key === " " && target.tagName === "BUTTON")) return;
    // Elsewhere the arrows up and down, space and home belong to the page; left and right to a field or a choice.
    const field = target.closest?.("input, textarea, select, [role=radio], [role=radiogroup], [role=combobox], [role=tab]");
    if (!mine && (field || !["ArrowLeft", "ArrowRight"].includes(event.key))) return;
    if (event.key === "Home") show(0);
    else if (event.key === "End") show(pages.length - 1);
    else if (event.key === "f" && mine) root.requestFullscreen();
    else if (event.key in moves) show(at + moves[event.key]);
    else return;
    event.preventDefault();
  };
  let resting = 0;
  const moved = () => {
    root.classList.add("moved");
    clearTimeout(resting);
    resting = setTimeout(() => root.classList.remove("moved"), 2000);
  };
  let start = null;
  root.ontouchstart = (event) => { start = event.touches[0].clientX; };
  root.ontouchend = (event) => {
    const way = start === null ? 0 : event.changedTouches[0].clientX - start;
    if (Math.abs(way) > 50) show(at + (way < 0 ? 1 : -1));
  };
  root.onpointermove = moved;
  document.addEventListener("keydown", keys);
  const watcher = new ResizeObserver(fit);
  watcher.observe(root.parentElement);
  document.addEventListener("fullscreenchange", fit);
  window.addEventListener("resize", fit);
  show(at);
  fit();
  return () => {
    clearTimeout(resting);
    document.removeEventListener("keydown", keys);
    document.removeEventListener("fullscreenchange", fit);
    window.removeEventListener("resize", fit);
    watcher.disconnect();
  };
}
