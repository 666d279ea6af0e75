"""Slides: described once, in pixels of a 1280 x 720 sheet, and written as a web page or as a PowerPoint file."""

from fundus_core.report.slides.slide import Box, Deck, Drawing, Page, Part, Photo, Place, Rule, Table, Tone, Words
from fundus_core.report.slides.web import as_file, asset, data_of
