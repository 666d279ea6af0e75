const places = [
  "[data-testid=stFileUploaderDropzone] button p",
  "[data-testid=stFileUploaderDropzoneInstructions] span",
  "[data-testid=stElementToolbarButton] button[aria-label]",
].join();

// Streamlit calls again with the words of another language and does not undo what was said in the last one.
const undo = new Map();
let watcher;

export default function ({ data }) {
  watcher?.disconnect();
  undo.forEach((back) => back());
  undo.clear();
  const swapped = (text) => data.reduce((said, [english, own]) => said.replace(english, own), text);
  const swap = (node, text, put) => {
    if (!text || swapped(text) === text) return;
    undo.set(node, () => put(text));
    put(swapped(text));
  };
  const all = () => {
    undo.forEach((_back, node) => node.isConnected || undo.delete(node));
    document.querySelectorAll(places).forEach((place) => {
      swap(place, place.getAttribute("aria-label"), (text) => place.setAttribute("aria-label", text));
      place.childNodes.forEach((node) => {
        if (node.nodeType === Node.TEXT_NODE) swap(node, node.nodeValue, (text) => { node.nodeValue = text; });
      });
    });
  };
  watcher = new MutationObserver(all);
  watcher.observe(document.body, { childList: true, subtree: true });
  all();
}
