"""A new user's first hour, without the README: from an empty start to the MAE of 100 photographs of their own."""

import csv
import re

import openpyxl
import pytest
from PIL import Image, ImageEnhance
from playwright.sync_api import Locator, Page, expect

from fundus_core import evaluation
from fundus_core.store import Store
from tests.browser.steps import quiet

pytestmark = pytest.mark.browser

MOST_CLICKS = 5
VARIANTS = 5


@pytest.fixture(scope="module")
def hundred(eyes, tmp_path_factory):
    """A folder of 100 photographs of 50 people with a messy workbook: a title, names without ending, codes, inches."""
    folder = tmp_path_factory.mktemp("own")
    with (eyes / "truth.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    book = openpyxl.Workbook()
    table = book.active
    table.append(["Eye clinic, screening 2024"])
    table.append([])
    table.append(["Image", "Subject no.", "OD/OS", "Systolic", "Diastolic (mmHg)", "Waist", "Age at exam", "Gender"])
    for variant in range(VARIANTS):
        for number, row in enumerate(rows):
            name = f"V{variant}-{row['photograph']}"
            with Image.open(eyes / "photographs" / row["photograph"]) as eye:
                ImageEnhance.Brightness(eye).enhance(0.94 + 0.03 * variant).save(folder / name, quality=92)
            side = "OD" if row["eye"] == "right" else "OS"
            waist = round(float(row["waist"]) / 2.54, 1) if not number and row["waist"] else row["waist"]
            sex = {"1": 2, "0": 1}.get(row["sex"])
            cells = (row["sbp"] or "n/a", row["dbp"] or "-", waist, row["age"], sex)
            table.append([name.rsplit(".", 1)[0], f"{variant}{row['patient_id']}", side, *cells])
    table.append(["nobody_L", "999", "OS", 140, 80, 90, 50, 1])
    book.save(folder / "clinic list.xlsx")
    return folder


class Hand:
    """Clicks, and counts."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks += 1

    def choose(self, tab: Page, files: list[str]) -> None:
        """Press Choose files, then, counted too, the button of the browser's own dialog."""
        with tab.expect_file_chooser() as opened:
            self.click(tab.get_by_role("button", name="Choose files"))
        opened.value.set_files(files)
        self.clicks += 1


def test_five_clicks_lead_to_the_error_of_a_hundred_photographs(tab, server, hundred):
    address, home = server
    hand = Hand()
    tab.goto(address)
    quiet(tab)
    hand.click(tab.get_by_role("button", name="Try it with your photographs"))
    hand.choose(tab, [str(path) for path in sorted(hundred.iterdir())])
    expect(tab.get_by_role("heading", name="100 photographs")).to_be_visible()
    expect(tab.get_by_text("100 of 100 photographs have truth")).to_be_visible()
    hand.click(tab.get_by_role("button", name="Read 100 photographs"))

    tab.get_by_role("button", name="Pause").click()  # a stop on the way that nobody needs
    expect(tab.get_by_text(re.compile(r"^Paused · \d+ of 100"))).to_be_visible()
    nobody_is_disturbed(tab, address)
    tab.get_by_role("button", name="Go on").click()
    done = re.compile(r"^Done · 100 of 100")
    expect(tab.get_by_text(done)).to_be_visible(timeout=180_000)
    tab.reload()
    quiet(tab)
    expect(tab.get_by_text(done)).to_be_visible()
    name = tab.get_by_role("heading", level=3).first.inner_text()
    hand.click(tab.get_by_role("button", name=f"Evaluate {name}"))
    quiet(tab)

    with Store.open(home) as store:
        found = evaluation.evaluate(store.table(name)).targets
    assert found["sbp"].n_patients > 40, "most photographs were read"
    for target in ("sbp", "dbp"):
        said = f"{target.upper()} MAE {found[target].estimates['mae'].value:.2f}"
        expect(tab.get_by_role("radio", name=said)).to_be_visible()
    assert hand.clicks <= MOST_CLICKS


def nobody_is_disturbed(tab: Page, address: str) -> None:
    """In the middle of a run: a refresh and a second tab find it, another person's browser shows none of it."""
    paused = re.compile(r"^Paused · \d+ of 100")
    tab.reload()
    quiet(tab)
    expect(tab.get_by_text(paused)).to_be_visible()

    second = tab.context.new_page()
    second.goto(tab.url)
    quiet(second)
    expect(second.get_by_text(paused)).to_be_visible()
    second.close()

    other = tab.context.browser.new_context(locale="en-US")
    stranger = other.new_page()
    stranger.goto(f"{address}/new_cohort")
    quiet(stranger)
    expect(stranger.get_by_role("button", name="Choose files")).to_be_visible()
    expect(stranger.get_by_text(paused)).to_have_count(0)
    expect(stranger.get_by_text("files arrived")).to_be_hidden()
    other.close()
