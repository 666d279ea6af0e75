// Shows one slide at a time: arrow keys, buttons, full screen; the same code runs in the exported file.
function present(root, deck) {
  const stage = document.createElement("div");
  stage.className = "stage";
  stage.innerHTML = deck.slides.map((slide) => slide.html).join("");
  const controls = document.createElement("div");
  controls.className = "controls";
  const button = (label, sign, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = sign;
    made.title = label;
    made.setAttribute("aria-label", label);
    made.onclick = act;
    controls.append(made);
  };
  root.className = deck.dark ? "deck dark" : "deck";
  root.tabIndex = 0;
  root.setAttribute("role", "region");
  root.setAttribute("aria-roledescription", "slides");
  root.setAttribute("aria-label", deck.title);
  root.replaceChildren(stage, controls);

  const pages = [...stage.children];
  let at = Math.min(Number(root.dataset.at || 0), pages.length - 1);
  const show = (next) => {
    at = Math.max(0, Math.min(pages.length - 1, next));
    root.dataset.at = at;
    pages.forEach((page, index) => page.classList.toggle("shown", index === at));
  };
  const fit = () => {
    const full = document.fullscreenElement && (root.getRootNode().fullscreenElement === root || document.fullscreenElement === root);
    const width = full ? window.innerWidth : root.parentElement.clientWidth || 1280;
    const scale = full ? Math.min(window.innerWidth / 1280, window.innerHeight / 720) : width / 1280;
    root.style.width = full ? "100%" : `${width}px`;
    root.style.height = full ? "100%" : `${720 * scale}px`;
    const left = full ? (window.innerWidth - 1280 * scale) / 2 : 0;
    const top = full ? (window.innerHeight - 720 * scale) / 2 : 0;
    stage.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  };
  button(deck.words.back, "←", () => show(at - 1));
  button(deck.words.next, "→", () => show(at + 1));
  button(deck.words.full, deck.words.full, () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()));

  const keys = (event) => {
    const moves = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 };
    const tag = event.composedPath()[0].tagName;
    if (["INPUT", "TEXTAREA", "SELECT"].includes(tag) || (event.key === " " && tag === "BUTTON")) return;
    if (event.key === "Home") show(0);
    else if (event.key === "End") show(pages.length - 1);
    else if (event.key in moves) show(at + moves[event.key]);
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", keys);
  const watcher = new ResizeObserver(fit);
  watcher.observe(root.parentElement);
  document.addEventListener("fullscreenchange", fit);
  window.addEventListener("resize", fit);
  show(at);
  fit();
  return () => {
    document.removeEventListener("keydown", keys);
    document.removeEventListener("fullscreenchange", fit);
    window.removeEventListener("resize", fit);
    watcher.disconnect();
  };
}
