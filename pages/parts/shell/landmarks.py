"""What a screen reader is told about the menu.

Streamlit puts the menu's sections, which are no list items, into a list; readers then count wrongly or skip it. The
links inside the navigation say enough by themselves, so the broken list is taken out of what is read aloud.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

_SCRIPT = """
export default function ({ parentElement }) {
  const root = parentElement.getRootNode();
  const sidebar = (root.host || parentElement).closest("[data-testid=stSidebar]");
  if (!sidebar) return undefined;
  const items = "[data-testid=stSidebarNavItems], [data-testid=stSidebarNavItems] li";
  const mend = () => sidebar.querySelectorAll(items).forEach((item) => item.setAttribute("role", "none"));
  const watcher = new MutationObserver(mend);
  watcher.observe(sidebar, { childList: true, subtree: true });
  mend();
  return () => watcher.disconnect();
}
"""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component("fundus_lab_landmarks", js=_SCRIPT)


def mend() -> None:
    """Mend the menu for screen readers; call inside the sidebar."""
    _component()(key="landmarks")
