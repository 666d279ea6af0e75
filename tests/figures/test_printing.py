"""A printed figure holds what the screen shows, and refuses what it cannot draw."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Sheet
from PIL import Image

from fundus_core.evaluation import Estimate
from fundus_core.figures.agreement import error_boxes
from fundus_core.figures.figure import COLUMNS, Column, Figure, Text, wrapped
from fundus_core.figures.forest import ForestRow, forest
from fundus_core.figures.printing import paper, pdf, png, svg
from fundus_core.figures.scatter import Observations, predicted_against_true
from fundus_core.figures.theme import Look
from fundus_core.targets import TARGETS

KNOWN = Estimate(10.0, 9.0, 11.0)


def scatter(n: int, look: Look | None = None) -> Figure:
    draw = np.random.default_rng(1)
    truth = draw.normal(130, 17, n)
    points = Observations("A", np.array([f"p{k}" for k in range(n)]), truth, truth + draw.normal(0, 10, n), 0)
    estimates = {"mae": Estimate(10.3, 9.9, 10.8), "bias": Estimate(0.4), "pearson": Estimate(0.5)}
    return predicted_against_true(TARGETS["sbp"], [points], estimates, look or Look(rendered=True, opaque=True))


def test_svg_is_well_formed_and_keeps_its_words() -> None:
    text = svg(scatter(50))
    ET.fromstring(text)  # noqa: S314 - our own text
    assert "rendered eyes" in text
    assert "MAE 10.30 mmHg" in text
    assert 'aria-label="Predicted against true' in text
    assert "http://" not in text.replace("http://www.w3.org/", "")


def test_the_same_figure_gives_the_same_file() -> None:
    assert svg(scatter(50)) == svg(scatter(50))


def test_svg_is_what_matplotlib_itself_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacked: words measured for another figure, one renderer for all, pictures among vectors."""
    rows = [ForestRow("A", KNOWN, 30), ForestRow("B 眼", KNOWN, 30)]
    made = [scatter(50), scatter(2000), forest(rows, "MAE", Look())]
    ours = [svg(figure, width=width) for figure in made for width in (340, 720)]

    def by_matplotlib(sheet: Sheet, stream: io.BytesIO, metadata: Mapping[str, None]) -> None:
        FigureCanvasSVG(sheet).print_svg(stream, metadata=dict(metadata))

    monkeypatch.setattr(paper, "_write_svg", by_matplotlib)
    assert [svg(figure, width=width) for figure in made for width in (340, 720)] == ours


def test_many_points_stay_small() -> None:
    assert len(svg(scatter(60_000))) < 400_000


def test_png_has_the_size_that_was_asked_for() -> None:
    picture = Image.open(io.BytesIO(png(scatter(50), width=300, scale=2)))
    assert picture.width == 600


def test_dark_paper_is_dark() -> None:
    picture = Image.open(io.BytesIO(png(scatter(5, Look(dark=True, opaque=True)), width=300, scale=1))).convert("L")
    assert picture.getpixel((2, 2)) < 60


def test_boxes_and_forest_name_their_rows() -> None:
    draw = np.random.default_rng(2).normal(0, 1, 30)
    group = Observations("Site B", np.array(["x"] * 30), draw, draw + 1, 1)
    assert "Site B" in svg(error_boxes(TARGETS["sbp"], [group], Look()))
    rows = [ForestRow("all", KNOWN, 100), ForestRow("few", Estimate(None, note="fewer than 20 people"), 3)]
    assert "fewer than 20 people" in svg(forest(rows, "MAE", Look()))


def whiskers(text: str) -> int:
    """Lines of three pixels, as the intervals of a forest are."""
    return text.count("stroke-width: 2.4")


def test_a_forest_has_its_intervals() -> None:
    known = ForestRow("all", KNOWN, 100)
    assert whiskers(svg(forest([known, known], "MAE", Look()))) == 2
    assert whiskers(svg(forest([ForestRow("few", Estimate(10.0), 3)], "MAE", Look()))) == 0


def test_axes_have_as_few_ticks_as_asked_for() -> None:
    figure = scatter(50)
    fewer = replace(figure, x=replace(figure.x, ticks=3))
    many, few = (svg(each).count("xtick_") for each in (figure, fewer))
    assert few < many


@given(
    st.lists(st.builds(Text, st.text("abc血圧 ·", max_size=90), st.booleans(), st.booleans()), max_size=5),
    st.integers(4, 60),
)
def test_a_head_fits_its_sheet_and_loses_no_letter(lines: list[Text], letters: int) -> None:
    """Attacked with Japanese, long words and no spaces at all."""
    made = list(wrapped(lines, letters))
    wide = [sum(2 if letter in "血圧" else 1 for letter in line.words) for line in made]
    assert max(wide, default=0) <= letters
    kept = "".join(line.words for line in made).replace(" ", "").replace("·", "")
    assert kept == "".join(line.words for line in lines).replace(" ", "").replace("·", "")


@pytest.mark.parametrize(("column", "millimetres"), [("single", 84), ("double", 174)])
@pytest.mark.parametrize("dark", [True, False])
def test_a_file_goes_into_a_paper_as_it_is(column: Column, millimetres: int, *, dark: bool) -> None:
    """As wide as a column, black on white also from a dark page, and the ink reaches both edges of a square figure."""
    figure = scatter(40, Look(dark=dark)).to_go("Clinic · model", column)
    picture = Image.open(io.BytesIO(png(figure, width=COLUMNS[column], scale=3))).convert("L")
    assert picture.width / 300 * 25.4 == pytest.approx(millimetres, abs=0.3)
    assert [round(each) for each in picture.info["dpi"]] == [300, 300]
    grey = np.asarray(picture)
    assert np.median(grey) == 255
    assert grey.min() < 20
    inked = np.flatnonzero((grey < 128).any(axis=0))
    assert inked[0] < 0.06 * picture.width
    assert inked[-1] > 0.9 * picture.width
    for words in ("Systolic blood pressure: MAE 10.30 mmHg (9.90–10.80)", "n = 40", "Clinic · model"):
        assert words in figure.words


def test_nothing_is_written_over_the_points() -> None:
    """Above a scatter stand its numbers, where they cover nobody; its only note is the stamp above the axes."""
    figure = scatter(50)
    assert all(note.y >= 1 and note.anchor[1] == "bottom" for note in figure.written)


def test_a_pdf_holds_its_letters() -> None:
    made = pdf(scatter(5), width=300)
    assert made.startswith(b"%PDF")
    assert b"/FontFile2" in made
