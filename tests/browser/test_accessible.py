"""Every page can be used by those who read with a screen reader, a keyboard, or weak eyes; axe-core judges."""

from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import expect

from pages.parts.shell.sample import NAME
from tests.browser.steps import PAGES, quiet

pytestmark = pytest.mark.browser
axe = pytest.importorskip("axe_playwright_python.base", reason="axe-core is not installed")

WIDTHS = (1440, 390)
GRAVE = ("serious", "critical")
GROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
NOT_OURS: dict[str, str] = {}
"""Rule and selector -> why it is Streamlit's own and cannot be mended from here. None at present."""


def faults(tab, rules: str = "") -> Iterator[str]:
    """Judge what a tab shows, by some of axe's rules or all; yield each grave fault with the element at fault."""
    tab.evaluate(axe.AXE_SCRIPT)
    only = f", runOnly: ['{rules}']" if rules else ""
    for rule in tab.evaluate(f"axe.run({{ resultTypes: ['violations']{only} }})")["violations"]:
        for node in rule["nodes"] if rule["impact"] in GRAVE else ():
            place = f"{rule['id']} {node['target']}"
            if place not in NOT_OURS:
                yield f"{place}: {node['failureSummary']} {node['html'][:200]}"


def in_every_way(tab) -> list[str]:
    """Judge what a tab shows on a desk, on a telephone, and in the dark: there only what depends on colours."""
    found = []
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_timeout(300)  # the menu slides away or back
        found += [f"{width} px: {fault}" for fault in faults(tab)]
    tab.set_viewport_size({"width": WIDTHS[0], "height": 900})
    light = tab.evaluate(GROUND)
    tab.emulate_media(color_scheme="dark")
    try:
        tab.wait_for_function(f"{GROUND} !== '{light}'")
        quiet(tab)
        return found + [f"dark: {fault}" for fault in faults(tab, "color-contrast")]
    finally:
        tab.emulate_media(color_scheme="light")


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_a_grave_fault(lasting_tab, server, name):
    place = "" if name == "overview" else name  # the first page has no name of its own
    lasting_tab.goto(f"{server[0]}/{place}?cohort={quote_plus(NAME)}")
    quiet(lasting_tab)
    assert not in_every_way(lasting_tab)


def test_photographs_on_their_way_in_have_no_grave_fault(lasting_tab, server, eyes):
    """The page New cohort with files, a table, its mapping, and de-identification all open."""
    lasting_tab.goto(f"{server[0]}/new_cohort")
    quiet(lasting_tab)
    some = sorted((eyes / "photographs").glob("*.jpg"))[:4]
    lasting_tab.locator("input.pick").set_input_files([*map(str, some), str(eyes / "truth.csv")])
    expect(lasting_tab.get_by_text("4 of 4 photographs have truth")).to_be_visible()
    lasting_tab.get_by_text("De-identify at the door").click()
    expect(lasting_tab.get_by_alt_text("The photograph without its surround").first).to_be_visible()
    for fold in lasting_tab.get_by_test_id("stMain").get_by_test_id("stExpander").locator("summary").all():
        fold.click()
    quiet(lasting_tab)
    assert not in_every_way(lasting_tab)
