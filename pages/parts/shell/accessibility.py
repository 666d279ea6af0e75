"""What Streamlit's own elements lack for those who read with a screen reader or move with the keyboard.

The sections of the menu, which are no list items, stand in a list: readers count wrongly or skip it. The links inside
the navigation say enough by themselves, so the broken list is taken out of what is read aloud. A table that is wider
than a narrow screen can be scrolled by finger only, until it can be reached by the keyboard.
"""

SCRIPT = """
(() => {
  const MENU = "[data-testid=stSidebarNavItems], [data-testid=stSidebarNavItems] li";
  const WIDE = "[data-testid=stTable] div:has(> table)";
  const mend = () => {
    document.querySelectorAll(MENU).forEach((item) => item.setAttribute("role", "none"));
    document.querySelectorAll(WIDE).forEach((table) => table.setAttribute("tabindex", "0"));
  };
  new MutationObserver(mend).observe(document, { childList: true, subtree: true });
})();
"""
"""Part of the page that opens the application: it mends each element in the moment in which it is drawn."""
