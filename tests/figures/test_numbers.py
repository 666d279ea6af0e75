"""Every figure's table holds what the figure shows."""

import numpy as np
import plotly.graph_objects as go
import pytest

from fundus_core import figures
from fundus_core.errors import UsageError
from fundus_core.evaluation import Estimate
from fundus_core.figures import Look, Points, Row, Shares, Steps, cloud, numbers
from fundus_core.targets import TARGETS

SBP, SEX = TARGETS["sbp"], TARGETS["sex"]
ESTIMATES = {
    name: Estimate(value, value - 1, value + 1)
    for name, value in {"mae": 8.0, "bias": 0.5, "pearson": 0.6, "loa_low": -19.0, "loa_high": 20.0}.items()
} | {"accuracy": Estimate(0.9), "auc": Estimate(0.95)}


def points(n: int, name: str = "Clinic", seed: int = 1) -> Points:
    random = np.random.default_rng(seed)
    truth = random.normal(125, 15, n)
    return Points(name, np.array([f"{name[0]}{k:05d}" for k in range(n)]), truth, truth + random.normal(0, 10, n))


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
    rows = numbers(figure)
    up = figure.layout.yaxis.title.text
    assert [row["name"] for row in rows] == [*groups[0].ids, *groups[1].ids]
    assert [row["series"] for row in rows] == ["Clinic"] * 30 + ["Van"] * 20
    np.testing.assert_allclose([row[up] for row in rows], np.concatenate([*map(height, groups)]), rtol=1e-5)


def test_a_density_counts_every_observation_once_and_names_the_worst():
    group = points(cloud.WEBGL_POINTS + 1)
    rows = numbers(figures.predicted_against_true(SBP, [group], ESTIMATES, Look()))
    assert sum(row["observations"] or 0 for row in rows) == len(group)
    assert sum(row["name"] is not None for row in rows) == cloud.WORST_SHOWN


def test_calibration_keeps_its_intervals_and_counts():
    one = np.array([110.0, 120.0, 130.0])
    steps = Steps(one, one + 2, one, one + 3, np.array([10.0, 11.0, 12.0]))
    rows = numbers(figures.calibration(SBP, steps, Look(), slope=1.1, intercept=-9.0))
    assert [row["observations"] for row in rows] == [10, 11, 12]
    assert [row["low"] for row in rows] == [110, 120, 130]
    assert [row["high"] for row in rows] == [113, 123, 133]


def test_a_histogram_gives_its_bars():
    random = np.random.default_rng(0)
    truth, said = (random.random(200) > 0.5).astype(float), random.random(200)
    group = Points("Clinic", np.array(["x"] * 200), truth, said)
    rows = numbers(figures.probabilities(SEX, [group], ESTIMATES, Look(), names=("male", "female")))
    assert sum(row["observations"] for row in rows) == 200
    male = [row for row in rows if row["series"].startswith("male")]
    expected = np.histogram(said[truth == 0], 20, (0, 1.0))[0]
    assert [row["observations"] for row in male] == expected.tolist()


def test_boxes_give_their_quantiles():
    group = points(400)
    row, other = numbers(figures.error_boxes(SBP, [group, points(30, "Van", 2)], Look()))[::-1]
    assert (row["series"], other["series"]) == ("Clinic", "Van")
    found = [row[key] for key in ("5 %", "25 %", "50 %", "75 %", "95 %")]
    np.testing.assert_allclose(found, np.percentile(group.error, [5, 25, 50, 75, 95]), rtol=1e-5)


def test_a_forest_gives_each_row_with_its_interval():
    rows = numbers(
        figures.forest([Row("north", 8.0, 7.0, 9.0, 40), Row("few", None, None, None, 3, "few")], "MAE", Look())
    )
    assert [(row["MAE"], row["low"], row["high"]) for row in rows] == [(8.0, 7.0, 9.0), (None, None, None)]


def test_shares_give_their_intervals():
    shares = Shares("hypertension", Estimate(0.3, 0.2, 0.4), Estimate(0.1, 0.05, 0.2), Estimate(0.28, 0.2, 0.35))
    rows = numbers(figures.prevalences([shares], Look()))
    assert [row["share of people (%)"] for row in rows] == [30, 10, 28]
    assert [row["high"] for row in rows] == [40, 20, 35]


def test_columns_are_said_in_the_readers_language():
    groups = [points(3), points(2, "Van", 2)]
    rows = numbers(figures.predicted_against_true(SBP, groups, ESTIMATES, Look()), str.upper)
    assert {"SERIES", "NAME"} <= set(rows[0])


def test_a_single_series_is_not_named():
    rows = numbers(figures.predicted_against_true(SBP, [points(3)], ESTIMATES, Look()))
    assert "series" not in rows[0]


def test_a_kind_without_rows_is_named():
    with pytest.raises(UsageError, match="'pie' has no table"):
        numbers(go.Figure(go.Pie(values=[1, 2])))
