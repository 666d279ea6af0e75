"""A lasso in one browser is the same selection, with the same numbers, in another that opens its link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from fundus_core.store import Store
from tests.browser.steps import quiet
from tests.pages.conftest import put

pytestmark = pytest.mark.browser
NUMBERS = re.compile(r"^\d+ people · \d+ photographs|^MAE \(mmHg\)|^bias")


def lasso(page: Page) -> None:
    """Draw around the upper half of a figure."""
    page.locator(".js-plotly-plot").first.hover()
    page.locator("[data-title='Lasso Select']").first.click()
    page.locator("[data-title='Lasso Select'].active").first.wait_for()
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.5), (0.02, 0.5), (0.02, 0.03)]
    places = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def numbers(page: Page) -> list[str]:
    quiet(page)
    return page.get_by_test_id("stMarkdown").filter(has_text=NUMBERS).all_inner_texts()


def test_a_lasso_is_named_and_its_link_shows_the_same_numbers_in_another_browser(tab, chromium, server):
    with Store.open(server[1]) as store:
        put(store, "Lassoed", seed=5)
    tab.goto(f"{server[0]}/evaluate?cohort=Lassoed&target=sbp")
    quiet(tab)
    tab.locator(".js-plotly-plot .points path").first.wait_for()
    tab.wait_for_timeout(700)  # Plotly attaches its listeners after drawing
    lasso(tab)
    expect(tab.get_by_role("heading", name="Selection", exact=True)).to_be_visible(timeout=60_000)
    quiet(tab)
    link = tab.url
    assert "C0" not in link
    tab.get_by_role("button", name="Name").click()
    tab.get_by_label("Name of the selection").fill("Upper half")
    tab.get_by_label("Name of the selection").press("Enter")
    tab.locator('[class*="st-key-called-"] button').click()
    expect(tab.get_by_role("heading", name="Upper half")).to_be_visible()
    here = numbers(tab)
    assert len(here) == 3
    context = chromium.new_context(locale="en-US")
    other = context.new_page()
    other.goto(link)
    expect(other.get_by_role("heading", name="Upper half")).to_be_visible()
    assert numbers(other) == here
    context.close()
