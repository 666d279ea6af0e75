"""Figures of criteria and errors: they show what they are given, on the screen and on paper."""

import dataclasses
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from fundus_core import figures
from fundus_core.evaluation import (
    CalibrationCurve,
    Estimate,
    error_distribution,
    from_values,
)
from fundus_core.evaluation.criteria.classification import classify
from fundus_core.evaluation.criteria.criterion_assessment import CURVE
from fundus_core.figures import ForestRow, Look
from fundus_core.figures.printing import svg
from fundus_core.targets import TARGETS
from tests.figures.conftest import assessed, tenths

LOOK = Look(rendered=True, opaque=True)
SBP = TARGETS["sbp"]


def printed(figure) -> str:
    text = svg(figure)
    ET.fromstring(text)  # noqa: S314 - our own text
    return text


def named(figure, name):
    return next(mark for mark in figure.marks if getattr(mark, "name", "") == name)


def test_what_cannot_be_told_is_drawn_between_bounds(judged):
    figure = figures.prevalences({"hypertension": assessed(judged), "syndrome": assessed(None, 7)}, LOOK)
    bounds = named(figure, "everybody, between bounds")
    np.testing.assert_allclose([bounds.low[1], bounds.high[1]], [20, 60])
    assert np.isnan(bounds.length[0])
    assert np.isnan(named(figure, "by measured values").length[1])
    assert "syndrome 20 % – 60 %" in figure.alt


def test_the_observed_share_of_each_tenth_is_drawn_at_its_mean_probability(judged):
    points = named(figures.criterion_calibration(judged, LOOK), "complete cases")
    assert points.x.tolist() == [each.expected for each in judged.tenths]
    assert points.y.tolist() == [each.observed.value for each in judged.tenths]
    assert points.counts.sum() == judged.n


def test_bars_are_the_shares_in_percent_with_their_intervals(judged):
    one = dataclasses.replace(
        judged,
        prevalence=Estimate(0.3, 0.2, 0.45),
        called=Estimate(0.1, 0.05, 0.2),
        expected=Estimate(0.28, 0.2, 0.4),
    )
    other = dataclasses.replace(judged, prevalence=Estimate(0.5), called=Estimate(None), expected=Estimate(0.4))
    figure = figures.prevalences({"hypertension": assessed(one), "waist": assessed(other)}, LOOK)
    true = named(figure, "by measured values")
    np.testing.assert_allclose(true.length, [30, 50])
    np.testing.assert_allclose(true.low, [20, np.nan])
    np.testing.assert_allclose(true.high, [45, np.nan])
    assert np.isnan(named(figure, "by cutting the predictions").length[1])
    assert [label.words for label in figure.y.labels] == ["hypertension", "waist"]
    assert figure.y.labels[0].at > figure.y.labels[1].at
    assert "hypertension 30 % / 10 % / 28 %; waist 50 % / – / 40 %" in figure.alt
    text = printed(figure)
    assert all(word in text for word in ("hypertension", "by the probabilities", "rendered eyes"))


def test_nobody_to_show_is_an_empty_figure():
    assert printed(figures.prevalences({}, LOOK))


def test_the_decision_curve_shows_net_benefits_and_both_extremes(judged):
    figure = figures.decision_curve(judged, LOOK)
    model = named(figure, "act on the model")
    np.testing.assert_allclose(model.x, CURVE)
    np.testing.assert_allclose(model.y, [at.net_benefit.value for at in judged.thresholds])
    np.testing.assert_allclose(named(figure, "act for everybody").y, [at.treat_all.value for at in judged.thresholds])
    assert not np.any(named(figure, "act for nobody").y)
    assert "threshold probability" in printed(figure)


def test_a_decision_curve_without_intervals_is_drawn(judged):
    bare = tuple(dataclasses.replace(at, net_benefit=Estimate(0.1)) for at in judged.thresholds)
    assert printed(figures.decision_curve(dataclasses.replace(judged, thresholds=bare), LOOK))


def test_a_long_roc_keeps_its_ends_and_its_area():
    rng = np.random.default_rng(5)
    score = rng.normal(0, 1, 20_000)
    made = classify((rng.normal(0, 1, 20_000) < score).astype(np.int8), 1 / (1 + np.exp(-score)))
    line = figures.roc(made, LOOK).marks[1]
    assert len(line.x) <= 400
    assert (line.x[0], line.y[0], line.x[-1], line.y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(line.y, line.x) == pytest.approx(made.auc.value, abs=2e-3)


def test_precision_and_recall_are_drawn_beside_the_prevalence(judged):
    figure = figures.precision_recall(judged, LOOK)
    useless, line = figure.marks
    assert useless.y.tolist() == [judged.prevalence.value] * 2
    assert (line.x[0], line.x[-1]) == (0, 1)
    assert line.y[-1] == pytest.approx(judged.prevalence.value)
    assert "average precision" in printed(figure)


def test_error_bars_hold_every_observation():
    rng = np.random.default_rng(6)
    truth = rng.normal(125, 15, 200)
    found = error_distribution(from_values("sbp", truth, truth + rng.normal(2, 8, 200)), "sbp")
    figure = figures.error_histogram(SBP, found, LOOK)
    bars = figure.marks[0]
    assert sum(bars.length) == 200
    assert bars.end.tolist() == found.edges[1:].tolist()
    assert "predicted − true (mmHg)" in printed(figure)


def test_the_smooth_curve_takes_the_place_of_the_line_between_points():
    values = np.linspace(100, 160, 10)
    bins = tenths(values, 0.0, 2.0, 2.0)
    curve = CalibrationCurve("sbp", "mmHg", values, values + 1, values - 1, values + 3, "loess", "")
    figure = figures.calibration(SBP, bins, LOOK, curve=curve)
    np.testing.assert_allclose(named(figure, "smooth").y, curve.measured)
    plain = figures.calibration(SBP, bins, LOOK)
    assert len(plain.marks) == len(figure.marks) == 3
    assert plain.marks[1].y.tolist() == values.tolist()
    assert printed(figure)


def test_a_published_row_has_no_count_and_no_cohorts_colour():
    mine = ForestRow("Clinic", Estimate(9.0, 8.0, 10.0), 40)
    theirs = ForestRow("JOIR 2025", Estimate(10.34), None, colour=None)
    figure = figures.forest([mine, theirs], "MAE", LOOK)
    assert [(label.words, label.remark) for label in figure.y.labels] == [("Clinic", "n = 40"), ("JOIR 2025", "")]
    assert figure.marks[-1].colour == LOOK.palette.quiet
