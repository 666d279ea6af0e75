"""What a new user does, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from fundus_core import evaluation
from fundus_core.store import Store
from tests.browser.steps import quiet

pytestmark = pytest.mark.browser


def test_photographs_and_a_table_become_a_mean_absolute_error(tab, server, eyes):
    address, home = server
    photographs = sorted((eyes / "photographs").glob("*.jpg"))
    tab.goto(f"{address}/new_cohort")
    tab.locator("input.pick").set_input_files([*map(str, photographs), str(eyes / "truth.csv")])
    expect(tab.get_by_text(f"{len(photographs) + 1} of {len(photographs) + 1} files arrived")).to_be_visible()
    expect(tab.get_by_text(f"{len(photographs)} of {len(photographs)} photographs have truth")).to_be_visible()
    tab.get_by_label("Name of the cohort").fill("Ten people")
    tab.get_by_label("Name of the cohort").press("Enter")
    tab.get_by_role("button", name=f"Read {len(photographs)} photographs").click()
    expect(tab.get_by_text(re.compile(r"^Done · 20 of 20"))).to_be_visible(timeout=180_000)
    tab.get_by_role("button", name="Evaluate Ten people").click()
    quiet(tab)

    with Store.open(home) as store:
        expected = evaluation.evaluate(store.table("Ten people")).targets["sbp"]
    assert expected.n_patients >= 8, "most photographs were read"
    said = f"SBP MAE {expected.estimates['mae'].value:.2f}"
    expect(tab.get_by_role("radio", name=said)).to_be_visible()
    expect(tab.get_by_text(f"MAE {expected.estimates['mae'].value:.2f} mmHg")).to_be_visible()


def test_a_click_on_a_point_shows_its_photographs(tab, server):
    tab.goto(f"{server[0]}/evaluate?cohort=Ten+people&target=sbp")
    quiet(tab)
    expect(tab.get_by_role("heading", name="Largest error")).to_be_visible()
    point = tab.locator(".js-plotly-plot .points path").first
    point.wait_for()
    tab.wait_for_timeout(700)  # Plotly attaches its listeners after drawing
    box = point.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.up()
    expect(tab.get_by_role("heading", name="Selected")).to_be_visible()


def test_a_refresh_finds_the_run_again(tab, server):
    with Store.open(server[1]) as store:
        from fundus_core import runs

        (run, *_others) = runs.of(store, "Ten people")
    tab.goto(f"{server[0]}/new_cohort?run={run.run}-{store.cohort(run.cohort).key}")
    quiet(tab)
    expect(tab.get_by_text(re.compile(r"^Done · 20 of 20"))).to_be_visible()
    tab.reload()
    quiet(tab)
    expect(tab.get_by_text(re.compile(r"^Done · 20 of 20"))).to_be_visible()


def test_the_language_switch_changes_every_word_and_the_address(tab, server):
    tab.goto(server[0])
    quiet(tab)
    tab.get_by_text("日本語").click()
    expect(tab.get_by_role("link", name="新しいコホート")).to_be_visible()
    assert "lang=ja" in tab.url


def test_slides_move_by_arrow_keys(tab, server):
    tab.goto(f"{server[0]}/present?cohort=Ten+people")
    quiet(tab)
    expect(tab.locator(".controls .at")).to_have_text(re.compile(r"^1 / \d+$"))
    tab.keyboard.press("ArrowRight")
    expect(tab.locator(".controls .at")).to_have_text(re.compile(r"^2 / \d+$"))


def test_a_narrow_screen_needs_no_sideways_scrolling(tab, server):
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{server[0]}/evaluate?cohort=Ten+people")
    quiet(tab)
    wide = tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390


def test_slides_follow_the_ground_that_is_chosen(tab, server):
    tab.goto(f"{server[0]}/present?cohort=Ten+people")
    quiet(tab)
    expect(tab.locator(".deck.dark")).to_have_count(0)
    tab.get_by_role("radio", name="Dark").click()
    expect(tab.locator(".deck.dark .slide.shown")).to_be_visible()
    assert "ground=dark" in tab.url
