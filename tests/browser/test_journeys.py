"""What a new user does, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from fundus_core.store import Store
from tests.browser.steps import quiet
from tests.pages.conftest import put

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def _ten_people(server):
    """A cohort that was read; how photographs come in is ``test_first_hour``'s."""
    with Store.open(server[1]) as store:
        put(store, "Ten people", seed=7)


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


def test_the_language_switch_changes_every_word_and_the_address(tab, server):
    tab.goto(server[0])
    quiet(tab)
    tab.get_by_text("日本語").click()
    expect(tab.get_by_role("link", name="新しいコホート")).to_be_visible()
    expect(tab).to_have_url(re.compile("lang=ja"))


def test_slides_move_by_arrow_keys(tab, server):
    tab.goto(f"{server[0]}/present?cohort=Ten+people")
    quiet(tab)
    expect(tab.locator(".controls .at")).to_have_text(re.compile(r"^1 / \d+$"))
    tab.keyboard.press("ArrowRight")
    expect(tab.locator(".controls .at")).to_have_text(re.compile(r"^2 / \d+$"))


def test_a_figures_numbers_are_reached_by_keyboard_and_the_focus_stays(tab, server):
    tab.goto(f"{server[0]}/evaluate?cohort=Ten+people&target=sbp")
    quiet(tab)
    tab.locator(".js-plotly-plot .points path").first.wait_for()
    tables, switch = tab.get_by_test_id("stDataFrame"), tab.get_by_role("switch", name="Table").first
    before = tables.count()
    tab.get_by_role("radio", name="SBP").focus()
    for _press in range(20):
        if switch.evaluate("one => one === document.activeElement"):
            break
        tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    expect(tables).to_have_count(before + 1)
    quiet(tab)
    expect(switch).to_be_focused()
    tab.keyboard.press("n")
    expect(tab.get_by_role("heading", name="Selected")).to_be_visible()
    expect(switch).to_be_focused()


def test_a_report_from_the_page_is_read_to_its_end(tab, server, tmp_path):
    tab.goto(f"{server[0]}/evaluate?cohort=Ten+people&target=sbp")
    quiet(tab)
    headline = re.compile(r"Systolic blood pressure: MAE [\d.]+ mmHg \([\d.–]+\)")
    said = headline.search(tab.get_by_role("heading", name=headline).inner_text())[0]
    tab.get_by_role("button", name="Save", exact=True).click()
    with tab.expect_download(timeout=180_000) as made:
        tab.get_by_role("button", name="Report (HTML)").click()
    made.value.save_as(tmp_path / "report.html")
    with tab.context.new_page() as report:
        asked: list[str] = []
        report.on("request", lambda request: asked.append(request.url))
        report.goto((tmp_path / "report.html").as_uri())
        assert report.title().startswith("Ten people")
        expect(report.get_by_text(said).first).to_be_in_viewport()
        for fold in report.locator("details").all():
            fold.locator("summary").first.click()
            expect(fold.locator("> :not(summary)").first).to_be_visible()
        report.get_by_text("Made with Fundus Lab").scroll_into_view_if_needed()
        expect(report.get_by_text("Made with Fundus Lab")).to_be_in_viewport()
        assert report.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no table is cut"
        assert all(each.startswith(("file:", "data:")) for each in asked), asked


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
