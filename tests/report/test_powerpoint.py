"""A PowerPoint file holds what the slides say, as text that can be edited."""

import io

import numpy as np
import pytest
from PIL import Image
from pptx import Presentation

from fundus_core.evaluation import Estimate
from fundus_core.figures import Look, Points, predicted_against_true
from fundus_core.report.powerpoint import HIGH, WIDE, as_pptx
from fundus_core.report.slides import Picture, Slide
from fundus_core.targets import TARGETS


def photograph() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), (150, 60, 20)).save(stream, "JPEG")
    return stream.getvalue()


def figure():
    truth = np.linspace(100, 150, 20)
    points = Points("Clinic", np.array([str(n) for n in range(20)]), truth, truth + 3)
    return predicted_against_true(TARGETS["sbp"], [points], {"mae": Estimate(3.0, 2.0, 4.0)}, Look(opaque=True))


DECK = [
    Slide("Title", ("One line", "Another")),
    Slide("Numbers", table=(("MAE", "3.00 (2.00–4.00)"), ("R²", "0.40")), figure=figure()),
    Slide("Rows", ("Below",), (("Target", "Model"), ("BMI", "2.50")), headed=True),
    Slide("Eyes", pictures=(Picture(photograph(), "smallest error"), Picture(photograph(), "largest error"))),
]


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def opened(request):
    return Presentation(io.BytesIO(as_pptx(DECK, "Research use only.", dark=request.param)))


def texts(slide) -> list[str]:
    found = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    tables = [shape.table for shape in slide.shapes if shape.has_table]
    return found + [cell.text for table in tables for row in table.rows for cell in row.cells]


def test_every_word_is_native_text(opened):
    for slide, page in zip(DECK, opened.slides, strict=True):
        said = "\n".join(texts(page))
        cells = [cell for row in slide.table for cell in row]
        captions = [picture.caption for picture in slide.pictures]
        for word in (slide.title, *slide.lines, *cells, *captions):
            assert word in said


def test_every_slide_carries_the_footer_and_its_number(opened):
    for number, page in enumerate(opened.slides, start=1):
        assert "Research use only." in texts(page)
        assert f"{number} / {len(DECK)}" in texts(page)


def test_pictures_have_alternative_texts_and_figures_are_sharp(opened):
    pictures = [shape for page in opened.slides for shape in page.shapes if shape.shape_type == 13]
    assert len(pictures) == 3
    assert all(shape._element.nvPicPr.cNvPr.get("descr") for shape in pictures)
    drawn = Image.open(io.BytesIO(pictures[0].image.blob))
    assert drawn.width / (pictures[0].width / 914400) > 200, "dots per inch"


def test_nothing_hangs_over_the_edge(opened):
    for page in opened.slides:
        for shape in page.shapes:
            assert 0 <= shape.left <= shape.left + shape.width <= WIDE
            assert 0 <= shape.top <= shape.top + shape.height <= HIGH
