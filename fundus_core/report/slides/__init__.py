"""Slides: described once, in pixels of a 1280 x 720 sheet, and written as a web page or as a PowerPoint file."""

from fundus_core.report.slides.slide import Deck, Drawing, Page, Photo, Place, Table, Words
from fundus_core.report.slides.web import as_file, asset, data_of, pictured


def as_pptx(deck: Deck) -> bytes:
    """Return a PowerPoint file (16:9) with speaker's notes."""
    from fundus_core.report.slides import powerpoint  # a second to import; only who asks for the file waits

    return powerpoint.as_pptx(deck)
