// In the page that opens the application.

// Marks the document as long as its first page is drawn.
(() => {
  const root = document.documentElement, find = (id) => document.querySelector(`[data-testid=${id}]`);
  let still = 0, looks = 0;
  const look = setInterval(() => {
    const drawn = find("stMain")?.querySelector("h1") && find("stApp").dataset.testScriptState === "notRunning";
    still = drawn && !find("stSkeleton") ? still + 1 : 0;
    if (still > 4 || ++looks > 300) { root.classList.remove("opening"); clearInterval(look); }
  }, 100);
  root.classList.add("opening");
})();

// What Streamlit's own elements lack for those who read with a screen reader or move with the keyboard, mended in the
// moment in which each is drawn. The sections of the menu, which are no list items, stand in a list: readers count
// wrongly or skip it. The links inside the navigation say enough by themselves, so the broken list is taken out of what
// is read aloud. A table that is wider than a narrow screen can be scrolled by finger only, until it can be reached by
// the keyboard.
(() => {
  const MENU = "[data-testid=stSidebarNavItems], [data-testid=stSidebarNavItems] li";
  const WIDE = "[data-testid=stTable] div:has(> table)";
  const mend = () => {
    document.querySelectorAll(MENU).forEach((item) => item.setAttribute("role", "none"));
    document.querySelectorAll(WIDE).forEach((table) => table.setAttribute("tabindex", "0"));
  };
  new MutationObserver(mend).observe(document, { childList: true, subtree: true });
})();

// Our keys: Streamlit's own shortcuts are letters and digits; they rest in switches.
addEventListener("keydown", (event) => {
  const onSwitch = event.target.matches("input[type=checkbox], input[type=radio]");
  const typing = !onSwitch && event.target.closest("input, textarea, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") document.querySelector(".st-key-hotkeys button")?.click();
  const eye = onSwitch && /^[pn]$/i.test(event.key) && `.st-key-eye-${event.key.toUpperCase()} button`;
  if (eye) document.querySelector(eye)?.click();
});
