"""What every browser test does."""

from pathlib import Path

from playwright.sync_api import Page, expect

OF_A_SHARED_SERVER = ("stewards",)
PAGES = sorted(
    path.stem
    for path in (Path(__file__).resolve().parents[2] / "pages").glob("*.py")
    if path.stem not in OF_A_SHARED_SERVER
)
"""The name of every page that is there on one's own machine, which is its place in the address."""

expect.set_options(timeout=60_000)  # a busy machine is no fault of the page


def quiet(page: Page) -> None:
    """Wait until the script has run and what it draws has come, and see that it ran well."""
    page.locator("h1").first.wait_for(timeout=60_000)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
