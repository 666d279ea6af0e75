"""A printed figure holds what the screen shows, and refuses what it cannot draw."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
from PIL import Image

from fundus_core.evaluation import Estimate
from fundus_core.figures.agreement import error_boxes
from fundus_core.figures.figure import Figure
from fundus_core.figures.forest import ForestRow, forest
from fundus_core.figures.point_cloud import Observations
from fundus_core.figures.printing import png, svg
from fundus_core.figures.scatter import predicted_against_true
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
