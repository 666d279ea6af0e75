"""A figure's table holds what both drawers draw, with all digits.

Attacked with thirds, which no rounding leaves alone; with names that hold markup and formulas; with one row, with rows
without a value, and with so many observations that they become a density.
"""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from fundus_core import figures
from fundus_core.evaluation import (
    CalibrationCurve,
    Estimate,
    error_distribution,
    from_values,
)
from fundus_core.figures import Figure, ForestRow, Look, Observations, scatter
from fundus_core.figures.printing import drawing, svg
from fundus_core.figures.screen import plotly
from fundus_core.records import Prediction
from fundus_core.targets import TARGETS
from tests.figures.conftest import assessed, tenths

SBP, SEX = TARGETS["sbp"], TARGETS["sex"]
ESTIMATES = {
    name: Estimate(value, value - 1, value + 1)
    for name, value in {"mae": 8.0, "bias": 0.5, "pearson": 0.6, "loa_low": -19.0, "loa_high": 20.0}.items()
} | {"accuracy": Estimate(0.9), "auc": Estimate(0.95)}


NORTH, FEW = ForestRow("north", Estimate(8.0, 7.0, 9.0), 40), ForestRow("few", Estimate(None, note="few"), 3)


def points(n: int, name: str = "Clinic", seed: int = 1) -> Observations:
    random = np.random.default_rng(seed)
    truth = random.normal(125, 15, n)
    return Observations(name, np.array([f"{name[0]}{k:05d}" for k in range(n)]), truth, truth + random.normal(0, 10, n))


DRAWN = {
    "scatter": (lambda groups: figures.predicted_against_true(SBP, groups, ESTIMATES, Look()), lambda g: g.predicted),
    "agreement": (lambda groups: figures.bland_altman(SBP, groups, ESTIMATES, Look()), lambda g: g.error),
    "residuals": (lambda groups: figures.residuals(SBP, groups, Look(), against="truth"), lambda g: g.error),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_row_per_point_with_its_name_and_its_values(name):
    draw, height = DRAWN[name]
    groups = [points(30), points(20, "Van", 2)]
    figure = draw(groups)
    rows = figure.table()
    up = figure.y.title
    assert [row["name"] for row in rows] == [*groups[0].ids, *groups[1].ids]
    assert [row["series"] for row in rows] == ["Clinic"] * 30 + ["Van"] * 20
    np.testing.assert_allclose([row[up] for row in rows], np.concatenate([*map(height, groups)]), rtol=0)


def test_a_density_counts_every_observation_once_and_names_the_worst():
    group = points(scatter.WEBGL_POINTS + 1)
    rows = figures.predicted_against_true(SBP, [group], ESTIMATES, Look()).table()
    assert sum(row["observations"] or 0 for row in rows) == len(group)
    assert sum(row["name"] is not None for row in rows) == scatter.WORST_SHOWN


def test_calibration_keeps_its_intervals_and_counts():
    rows = figures.calibration(SBP, tenths([110.0, 120.0, 130.0]), Look(), slope=1.1, intercept=-9.0).table()
    assert [row["observations"] for row in rows] == [10, 10, 10]
    assert [row["low"] for row in rows] == [110, 120, 130]
    assert [row["high"] for row in rows] == [113, 123, 133]


def test_a_histogram_gives_its_bars():
    random = np.random.default_rng(0)
    truth, said = (random.random(200) > 0.5).astype(float), random.random(200)
    group = Observations("Clinic", np.array(["x"] * 200), truth, said)
    rows = figures.probabilities(SEX, [group], ESTIMATES, Look(), names=("male", "female")).table()
    assert sum(row["observations"] for row in rows) == 200
    male = [row for row in rows if row["series"].startswith("male")]
    expected = np.histogram(said[truth == 0], 20, (0, 1.0))[0]
    assert [row["observations"] for row in male] == expected.tolist()


def test_boxes_give_their_quantiles():
    group = points(400)
    row, other = figures.error_boxes(SBP, [group, points(30, "Van", 2)], Look()).table()[::-1]
    assert (row["series"], other["series"]) == ("Clinic", "Van")
    found = [row[key] for key in ("5 %", "25 %", "50 %", "75 %", "95 %")]
    np.testing.assert_allclose(found, np.percentile(group.error, [5, 25, 50, 75, 95]), rtol=0)


def test_a_forest_gives_each_row_with_its_name_and_interval():
    rows = figures.forest([NORTH, FEW], "MAE", Look()).table()
    assert [tuple(row.values()) for row in rows] == [("north", 40, 8.0, 7.0, 9.0), ("few", 3, None, None, None)]
    assert figures.forest([NORTH], "MAE", Look()).table()[0]["series"] == "north", "a row alone keeps its name"


def test_who_cannot_be_told_is_drawn_between_bounds(judged):
    rows = figures.prevalences({"hypertension": assessed(judged, 7, 1 / 3)}, Look()).table()
    assert [row["share of people (%)"] for row in rows[3:]] == [100 * (1 / 3)]
    assert rows[3]["low"] == 20.0


def test_shares_give_their_intervals(judged):
    ways = [Estimate(1 / 3, 1 / 4, 1 / 2), Estimate(0.1), Estimate(0.28, 0.2, 0.35)]
    one = replace(judged, **dict(zip(("prevalence", "called", "expected"), ways, strict=True)))
    rows = figures.prevalences({"hypertension": assessed(one)}, Look()).table()
    assert [row["name"] for row in rows] == ["hypertension"] * 3
    assert [row["share of people (%)"] for row in rows] == [100 * way.value for way in ways]
    assert [row["high"] for row in rows] == [way.high and 100 * way.high for way in ways]


def test_columns_are_said_in_the_readers_language():
    groups = [points(3), points(2, "Van", 2)]
    rows = figures.predicted_against_true(SBP, groups, ESTIMATES, Look()).table(str.upper)
    assert {"SERIES", "NAME"} <= set(rows[0])


def test_a_single_series_is_not_named():
    rows = figures.predicted_against_true(SBP, [points(3)], ESTIMATES, Look()).table()
    assert "series" not in rows[0]


def every_figure(judged) -> dict[str, Figure]:
    group, look = points(30), Look()
    thirds = np.array([100.0, 110.0, 120.0]) + 1 / 3
    curve = CalibrationCurve("sbp", "mmHg", thirds, thirds + 1, thirds - 1, thirds + 3, "loess", "")
    errors = error_distribution(from_values("sbp", group.truth, group.predicted), "sbp")
    half = Observations("Clinic", group.ids, (np.arange(30) % 2).astype(float), np.linspace(0, 1, 30))
    return {
        "scatter": figures.predicted_against_true(SBP, [group, points(9, "Van", 2)], ESTIMATES, look),
        "agreement": figures.bland_altman(SBP, [group], ESTIMATES, look),
        "residuals": figures.residuals(SBP, [group], look, against="truth"),
        "boxes": figures.error_boxes(SBP, [group, points(12, "Van", 2)], look),
        "calibration": figures.calibration(SBP, tenths(thirds, 2 / 3, 1 / 3, 4 / 3), look, curve=curve),
        "errors": figures.error_histogram(SBP, errors, look),
        "probabilities": figures.probabilities(SEX, [half], ESTIMATES, look, names=("male", "female")),
        "forest": figures.forest([NORTH, FEW, ForestRow("third", Estimate(1 / 3, 0.1, 2 / 3), 7)], "MAE", look),
        "among": figures.among(SBP, Prediction(120.0, 100.0, 140.0), group.predicted, look),
        "prevalences": figures.prevalences({"waist": assessed(judged), "pressure": assessed(judged, 7, 1 / 3)}, look),
        "roc": figures.roc(judged, look),
        "precision": figures.precision_recall(judged, look),
        "decision": figures.decision_curve(judged, look),
    }


NUMBERS = ("x", "y", "text", "lowerfence", "q1", "median", "q3", "upperfence", "width")


def on_screen(figure: Figure) -> set[float]:
    """Every number of every trace, with the ends of bars and whiskers, as the browser gets them."""
    found: list[float] = []
    for trace in json.loads(plotly(figure).to_json(engine="json"))["data"]:
        parts = {key: np.atleast_1d(unpacked(part)) for key, part in trace.items() if key in NUMBERS}
        found += np.concatenate(list(parts.values())).tolist()
        for axis in "xy":
            if bars := trace.get(f"error_{axis}"):
                found += (parts[axis] + unpacked(bars["array"])).tolist()
                found += (parts[axis] - unpacked(bars["arrayminus"])).tolist()
        if trace["type"] == "bar":
            along = parts["y" if trace["orientation"] == "h" else "x"]
            found += [*(along + parts["width"] / 2), *(along - parts["width"] / 2)]
    return {round(value, 9) for value in found if np.isfinite(value)}


def unpacked(part) -> np.ndarray:
    if isinstance(part, dict):
        return np.frombuffer(base64.b64decode(part["bdata"]), dtype=part["dtype"]).astype(float)
    return np.asarray(part, dtype=float)


def on_paper(figure: Figure) -> set[float]:
    """Every coordinate that matplotlib draws inside the axes, in the axes' own units."""
    (axes,) = drawing.draw(figure, 500).axes
    ends = [np.asarray(line.get_xydata(), dtype=float).ravel() for line in axes.lines]
    ends += [np.ravel(each.get_offsets()) for each in axes.collections]
    ends += [path.vertices.ravel() for each in axes.collections for path in each.get_paths()]
    ends += [each.get_patch_transform().transform(each.get_path().vertices).ravel() for each in axes.patches]
    return {round(float(value), 9) for value in np.concatenate(ends) if np.isfinite(value)}


@pytest.mark.parametrize("drawer", [on_screen, on_paper], ids=["screen", "paper"])
def test_every_number_of_the_table_is_drawn_with_all_its_digits(judged, drawer):
    """How many observations a point stands for is told on hovering alone, and of a forest in words."""
    for name, figure in every_figure(judged).items():
        drawn, told = drawer(figure), {"people", "observations"} - {figure.y.title}
        numbers = {
            round(value, 9)
            for row in figure.table()
            for key, value in row.items()
            if isinstance(value, float) and key not in told
        }
        assert len(numbers) > 5, name
        assert numbers <= drawn, (name, sorted(numbers - drawn)[:3])


def test_strangers_names_are_words_on_the_screen_and_on_paper():
    name = "<b>Clinic</b> & $x^2$ <30"
    figure = figures.predicted_against_true(SBP, [points(5, name), points(5, "Van")], ESTIMATES, Look())
    assert plotly(figure).data[2].name == "&lt;b&gt;Clinic&lt;/b&gt; &amp; $x^2$ &lt;30"
    assert "$x^2$" in svg(figure)
    assert figure.table()[0]["series"] == name
