"""A Japanese browser sees no English sentence on any page; what Streamlit says itself follows the language too."""

import re
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import expect

from pages.parts.shell.sample import NAME
from tests.browser.steps import PAGES, quiet

pytestmark = pytest.mark.browser
SENTENCE = re.compile(r"[A-Za-z']{3,} [a-z]{2,} [a-z]{2,}")
ALLOWED = ("Skip to main content", "python -m fundus_core", "site health check", "A small network of random weights")
"""Streamlit's link for the keyboard, a command, a value in the sample's own table, and the tests' own model."""


@pytest.fixture(scope="module")
def japanese(chromium, server):
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale="ja-JP")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_no_english_sentence_is_left_over(japanese, server, name):
    place = "" if name == "overview" else name  # the first page has no name of its own
    japanese.goto(f"{server[0]}/{place}?cohort={quote_plus(NAME)}")
    quiet(japanese)
    lines = [line for line in japanese.inner_text("body").splitlines() if not any(word in line for word in ALLOWED)]
    assert not [line for line in lines if SENTENCE.search(line)]


def test_the_words_of_streamlit_follow_the_language_and_back(japanese, server):
    japanese.goto(f"{server[0]}/models")
    zone = japanese.get_by_test_id("stFileUploaderDropzone").last
    expect(zone).to_contain_text("ファイルを選ぶ")
    japanese.get_by_text("English").click()
    expect(zone).to_contain_text("Upload")
    japanese.get_by_text("日本語").click()
    expect(zone).to_contain_text("ファイルを選ぶ")
