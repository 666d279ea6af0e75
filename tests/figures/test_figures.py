"""Figures show the numbers they are given, on equal axes, in colours that colour-blind readers tell apart."""

import base64
import itertools
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plotly.io import to_json

from fundus_core import figures
from fundus_core.evaluation import Estimate
from fundus_core.figures import Figure, ForestRow, Look, Observations, scatter, theme, thumbnail_scatter
from fundus_core.figures.marks import Box, Density, Line, Points
from fundus_core.figures.printing import drawing
from fundus_core.figures.screen import Drawn, plotly
from fundus_core.records import Prediction
from fundus_core.targets import TARGETS
from tests.figures.conftest import tenths

SBP, SEX = TARGETS["sbp"], TARGETS["sex"]
ESTIMATES = {
    "mae": Estimate(10.3391, 9.8, 10.9),
    "bias": Estimate(-0.25, -1.0, 0.5),
    "pearson": Estimate(0.61, 0.5, 0.7),
    "mae_median": Estimate(12.1, 11.0, 13.0),
    "mae_age_sex": Estimate(None, note="not estimable"),
    "loa_low": Estimate(-25.0, -27.0, -23.0),
    "loa_high": Estimate(24.5, 22.0, 27.0),
    "accuracy": Estimate(0.91, 0.88, 0.94),
    "auc": Estimate(0.97, 0.95, 0.99),
}


CLINIC = ForestRow("Clinic", Estimate(10.0, 9.0, 11.0), 40)
VAN = ForestRow("Van", Estimate(None, note="fewer than 20 people"), 3)


def points(count: int, *, name: str = "Clinic", seed: int = 0, colour: int = 0) -> Observations:
    rng = np.random.default_rng(seed)
    truth = rng.normal(120, 15, count)
    ids = np.array([f"{name}/{number}.jpg" for number in range(count)])
    return Observations(name, ids, truth, truth + rng.normal(0, 12, count), colour)


def classes(count: int) -> Observations:
    rng = np.random.default_rng(1)
    truth = (np.arange(count) % 2).astype(float)
    return Observations("Clinic", np.array([str(n) for n in range(count)]), truth, rng.uniform(0, 1, count))


def written(figure: Figure) -> str:
    return figure.words


def of(figure: Figure, kind: type, name: str = ""):
    return [mark for mark in figure.marks if isinstance(mark, kind) and (not name or mark.name == name)]


def every_figure(look: Look) -> list[Figure]:
    group = points(40)
    return [
        figures.predicted_against_true(SBP, [group], ESTIMATES, look, people=20),
        figures.bland_altman(SBP, [group], ESTIMATES, look),
        figures.residuals(SBP, [group], look, against="truth"),
        figures.residuals(SBP, [group], look, against="predicted"),
        figures.error_boxes(SBP, [group, points(30, name="Van", colour=1)], look),
        figures.calibration(SBP, tenths([100.0, 101.0, 102.0]), look, slope=0.9, intercept=10.0),
        figures.forest([CLINIC, VAN], "MAE", look),
        figures.probabilities(SEX, [classes(40)], ESTIMATES, look, names=("male", "female")),
        figures.among(SBP, Prediction(120.0, 100.0, 140.0), group.predicted, look),
    ]


def test_predicted_against_true_has_one_range_and_one_scale_on_both_axes():
    figure = figures.predicted_against_true(SBP, [points(50)], ESTIMATES, Look())
    layout = plotly(figure).layout
    assert layout.xaxis.range == layout.yaxis.range == figure.x.span
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    low, high = figure.x.span
    (drawn,) = of(figure, Points)
    assert low < min(*drawn.x, *drawn.y)
    assert high > max(*drawn.x, *drawn.y)


def test_the_identity_line_lies_on_the_identity():
    figure = figures.predicted_against_true(SBP, [points(50)], ESTIMATES, Look())
    (line,) = of(figure, Line, "prediction = truth")
    assert list(line.x) == list(line.y)


def test_a_screenshot_stands_alone():
    text = written(figures.predicted_against_true(SBP, [points(50)], ESTIMATES, Look(), people=25))
    for number in ("MAE 10.34 mmHg", "9.80–10.90", "r = 0.61", "bias −0.25", "n = 50 of 25 people"):
        assert number in text
    assert "MAE of predicting the median 12.10" in text
    assert "published MAE (JOIR) 10.34" in text
    assert "age and sex only" not in text, "what is not estimable is left out"
    alone = written(figures.predicted_against_true(SBP, [points(50)], ESTIMATES, Look(), people=1))
    assert "n = 50 of 1 person" in alone
    assert "1 people" not in alone


@pytest.mark.parametrize("dark", [False, True])
def test_every_figure_says_that_the_eyes_are_rendered_and_only_then(dark):
    for figure in every_figure(Look(dark=dark, rendered=True)):
        assert "rendered eyes" in written(figure)
    for figure in every_figure(Look(dark=dark)):
        assert "rendered" not in written(figure)


@pytest.mark.parametrize("count", [40, 6_000, 30_000])
def test_a_page_sends_what_plotly_would_have_let_pass(count):
    def plain(part):
        if isinstance(part, dict) and "bdata" in part:
            part = np.frombuffer(base64.b64decode(part["bdata"]), part["dtype"]).tolist()
        if isinstance(part, dict):
            return {name: plain(each) for name, each in part.items() if each != [] and name != "template"}
        return [None if each != each else plain(each) for each in part] if isinstance(part, list) else part

    look, group = Look(rendered=True), points(count)
    many = [
        figures.predicted_against_true(SBP, [group], ESTIMATES, look),
        figures.bland_altman(SBP, [group], ESTIMATES, look),
    ]
    for figure in every_figure(look) if count == 40 else many:
        for marked, at in [((), ""), (group.ids[:3].tolist(), str(group.ids[1]))]:
            sent, checked = (to_json(draw(figure, marked, at), validate=False) for draw in (Drawn, plotly))
            assert plain(json.loads(sent)) == plain(json.loads(checked))


def test_every_figure_has_words_for_those_who_cannot_see_it():
    for figure in every_figure(Look()):
        assert len(figure.alt) > 10


def test_every_word_of_a_figure_can_be_translated():
    look = Look(say=lambda text: re.sub(r"[A-Za-z](?![^{]*})", "日", text))
    figure = figures.bland_altman(SBP, [points(20)], ESTIMATES, look)
    said = written(figure) + figure.x.title + figure.y.title
    assert not re.search(r"[a-z]{3}", re.sub(r"<.*?>|Clinic", "", said))


@pytest.mark.parametrize(("count", "kind"), [(5_000, "scatter"), (5_001, "scattergl")])
def test_many_points_are_drawn_by_webgl(count, kind):
    figure = figures.predicted_against_true(SBP, [points(count)], ESTIMATES, Look())
    assert next(trace for trace in plotly(figure).data if trace.name == "Clinic").type == kind


@pytest.mark.parametrize(
    ("draw", "height"),
    [
        (lambda groups: figures.predicted_against_true(SBP, groups, ESTIMATES, Look()), lambda g: g.predicted),
        (lambda groups: figures.bland_altman(SBP, groups, ESTIMATES, Look()), lambda g: g.predicted - g.truth),
        (lambda groups: figures.residuals(SBP, groups, Look(), against="truth"), lambda g: g.predicted - g.truth),
    ],
    ids=["scatter", "agreement", "residuals"],
)
def test_very_many_points_become_a_density_with_the_largest_errors_on_top(draw, height):
    group = points(scatter.WEBGL_POINTS + 1)
    figure = draw([group])
    (heat,), (above,) = of(figure, Density), of(figure, Points)
    assert heat.counts.sum() == len(group), "each point is counted once"
    assert len(above.x) == scatter.WORST_SHOWN
    worst = np.argsort(-np.abs(group.error), kind="stable")[: scatter.WORST_SHOWN]
    assert sorted(above.labels) == sorted(group.ids[worst].tolist())
    np.testing.assert_array_equal(np.sort(above.y), np.sort(height(group)[worst]))


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_a_density_counts_as_numpy_does_also_on_the_edges_of_its_cells(decimals):
    x, y = (np.round(np.random.default_rng(0).normal(5, spread, (2, 20_000)), decimals) for spread in (1, 3))
    for across, up in (
        (x[0], y[0]),
        (np.linspace(0, 12, 121), np.linspace(-0.3, 0.9, 121)),
        (np.ones(9), np.arange(9.0)),
    ):
        counts, xs, ys = np.histogram2d(across, up, bins=scatter.CELLS)
        lie = scatter._crowd(across, up)
        np.testing.assert_array_equal(lie.counts, counts.T)
        np.testing.assert_array_equal([lie.across, lie.up], [xs, ys])


def test_points_over_the_densities_of_several_groups_are_as_many_as_over_one():
    groups = [points(scatter.WEBGL_POINTS), points(scatter.WEBGL_POINTS // 4)]
    figure = figures.predicted_against_true(SBP, groups, ESTIMATES, Look())
    shown = [len(mark.x) for mark in of(figure, Points)]
    assert scatter.WORST_SHOWN - 1 <= sum(shown) <= scatter.WORST_SHOWN
    assert shown[0] == 4 * shown[1]


def test_a_click_finds_its_photograph():
    group = points(30)
    figure = plotly(figures.predicted_against_true(SBP, [group], ESTIMATES, Look()))
    trace = next(trace for trace in figure.data if trace.name == "Clinic")
    assert list(trace.customdata) == list(group.ids)


def test_a_cohort_keeps_its_colour_whatever_stands_beside_it():
    alone = figures.predicted_against_true(SBP, [points(9, colour=3)], ESTIMATES, Look())
    beside = figures.error_boxes(SBP, [points(9, name="Van"), points(9, colour=3)], Look())
    colour = theme.COHORTS_LIGHT[3]
    assert {mark.colour for mark in (*of(alone, Points, "Clinic"), *of(beside, Box, "Clinic"))} == {colour}


def test_boxes_have_the_percentiles_of_numpy():
    group = points(200)
    (box,) = of(figures.error_boxes(SBP, [group], Look()), Box)
    assert box.marks == pytest.approx(np.percentile(group.predicted - group.truth, [5, 25, 50, 75, 95]))


def test_a_boxs_marks_stand_at_their_own_places_on_the_screen_and_on_paper():
    figure = figures.error_boxes(SBP, [points(200)], Look())
    (box,) = of(figure, Box)
    (trace,) = (each for each in plotly(figure).data if each.type == "box")
    assert [*trace.lowerfence, *trace.q1, *trace.median, *trace.q3, *trace.upperfence] == list(box.marks)
    (axes,) = drawing.draw(figure, 500).axes
    low, quarter, middle, rest, high = box.marks
    assert {(quarter, low), (rest, high), (middle, middle)} <= {tuple(line.get_xdata()) for line in axes.lines}


def test_a_withheld_row_says_why_and_has_no_point():
    figure = figures.forest([VAN], "MAE", Look())
    assert "fewer than 20 people" in written(figure)
    assert not any(np.isfinite(mark.x).any() for mark in of(figure, Points))


def test_no_figure_of_nothing_fails():
    nobody = points(0)
    none = {name: Estimate(None, note="nobody") for name in ESTIMATES}
    assert "MAE –" in written(figures.predicted_against_true(SBP, [nobody], none, Look()))
    figures.bland_altman(SBP, [nobody], none, Look())
    figures.error_boxes(SBP, [nobody], Look())
    figures.probabilities(SEX, [nobody], none, Look(), names=("male", "female"))
    figures.forest([], "MAE", Look())
    figures.among(SBP, Prediction(120.0, np.nan, np.nan), np.empty(0), Look())


def test_the_small_drawing_has_a_dot_per_point_and_its_numbers():
    drawing = figures.small_scatter(SBP, [points(70)], ESTIMATES, Look(rendered=True))
    assert drawing.startswith("<svg")
    assert drawing.count("h0") == 70
    for text in ("MAE 10.34, n = 70", "rendered eyes"):
        assert text in drawing


def test_the_small_drawing_escapes_what_it_is_given():
    look = Look(say=lambda text: f"<b>{text}</b>")
    assert "<b>" not in figures.small_scatter(SBP, [points(5)], ESTIMATES, look)


def test_the_small_drawing_of_a_yes_no_target_counts_everybody_once():
    """Bars of both true classes: their heights are their counts, on one scale, turned round where truth is."""
    found = classes(40)
    turned = replace(found, truth=1 - found.truth)
    drawn, other = (
        figures.small_scatter(TARGETS["sex"], [group], {"accuracy": Estimate(0.5)}, Look(rendered=True))
        for group in (found, turned)
    )
    heights, others = (
        [float(tall) for tall in re.findall(r'<rect [^>]*height="([\d.]+)"', text)] for text in (drawn, other)
    )
    counts = [np.histogram(found.predicted[found.truth == value], 20, (0, 1))[0] for value in (1, 0)]
    np.testing.assert_allclose(heights, np.concatenate(counts) * max(heights) / np.max(counts), atol=0.06)
    assert heights == others[20:] + others[:20]
    assert "accuracy 50.0 %" in drawn
    assert "rendered eyes" in drawn


@pytest.mark.parametrize("span", [(0.0, 1.0), (78.0, 161.0), (-3.2, 0.4), (1e-3, 2e-3)])
def test_ticks_lie_inside_the_range_and_are_few(span):
    marks = thumbnail_scatter.ticks(span)
    assert 2 <= len(marks) <= 6
    assert span[0] <= min(marks) <= max(marks) <= span[1] * (1 + 1e-12)


# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, blindness: str) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as someone sees it."""
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(BLINDNESS[blindness]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.asarray(to_xyz) @ seen / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("colours", [theme.COHORTS_LIGHT, theme.COHORTS_DARK], ids=["light", "dark"])
def test_cohorts_are_told_apart_by_everyone(colours, blindness):
    """The first four stay 30 apart in CIE L*a*b*, all eight 14 apart: also where many small dots overlap."""
    seen = [lab(colour, blindness) for colour in colours]
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(range(8), 2)}
    assert min(distance for pair, distance in apart.items() if max(pair) < 4) > 30
    assert min(apart.values()) > 14


def test_the_theme_of_the_pages_has_the_same_colours():
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert tuple(config["theme"]["chartCategoricalColors"]) == theme.COHORTS_LIGHT
    assert config["theme"]["dark"]["backgroundColor"] == theme.DARK.paper
    assert config["theme"]["light"]["backgroundColor"] == theme.LIGHT.paper


def test_the_axis_of_shares_is_written_as_its_rows_are() -> None:
    rows = [ForestRow("Clinic", Estimate(0.1, 0.05, 0.2), 20)]
    shares = figures.forest(rows, "accuracy", Look(), write=lambda value: f"{100 * value:.0f} %", share=True)
    assert plotly(shares)["layout"]["xaxis"]["tickformat"] == ".0%"
    sheet = drawing.draw(shares, 400)
    sheet.canvas.draw()
    assert "10 %" in [one.get_text() for one in sheet.axes[0].get_xticklabels()]
    assert plotly(figures.forest(rows, "MAE", Look())).layout.xaxis.tickformat is None


def test_a_headline_without_a_unit_has_no_hole() -> None:
    unitless = replace(TARGETS["sbp"], unit="")
    found = {"mae": Estimate(0.31, 0.25, 0.4)}
    assert figures.headline(unitless, found, Look()) == "Systolic blood pressure: MAE 0.31 (0.25–0.40)"
    assert figures.headline(TARGETS["sbp"], found, Look()) == "Systolic blood pressure: MAE 0.31 mmHg (0.25–0.40)"


@pytest.mark.parametrize("count", [figures.WEBGL_POINTS, figures.WEBGL_POINTS + 1])
def test_thinned_observations_are_drawn_as_all_of_them_are(count):
    """Of values with many equal errors, so that it matters which of them are left."""
    whole = points(count)
    whole = replace(whole, truth=whole.truth.round(), predicted=whole.predicted.round())
    few = figures.thinned(whole, SBP)
    assert (len(few), len(few.ids)) == (count, count if count == figures.WEBGL_POINTS else scatter.WORST_SHOWN)
    drawn, expected = (figures.predicted_against_true(SBP, [one], ESTIMATES, Look()) for one in (few, whole))
    assert drawn.table() == expected.table()
    assert (drawn.x, drawn.y, drawn.head, drawn.alt) == (expected.x, expected.y, expected.head, expected.alt)


def test_thinned_probabilities_are_counted_as_all_of_them_are():
    whole = classes(figures.WEBGL_POINTS + 1)
    whole = replace(whole, predicted=whole.predicted.round(2))  # many lie on the edge of a bar
    few = figures.thinned(whole, SEX)
    assert len(few.ids) < len(few) == len(whole)
    drawn, expected = (
        figures.probabilities(SEX, [one, classes(30)], ESTIMATES, Look(), names=("male", "female"))
        for one in (few, whole)
    )
    assert drawn.table() == expected.table()
