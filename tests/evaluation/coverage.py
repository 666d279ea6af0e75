"""How often intervals hold the truth: cohorts drawn from populations whose true values are known.

``python -m tests.evaluation.coverage 1000`` prints the table of ``fundus_core/evaluation/README.md``, with further
numbers only cohorts of so many people: ``python -m tests.evaluation.coverage 2000 6000``.
"""

import sys
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from fundus_core.evaluation import from_values, units_of_analysis
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.one_cohort.statistics import area_panel, binary_panel, ranked_panel, score_panel
from fundus_core.targets import TARGETS

SHOWN = (
    "mae", "rmse", "bias", "r2", "pearson", "spearman", "ccc", "slope", "intercept", "loa_low", "loa_high", "sd_truth",
    "sd_predicted", "medae", "mae_over_median", "within_5", "within_15",
)  # fmt: skip
SHAPES = {"normal": 0.0, "skewed": 2.0, "heavily skewed": 6.2}
"""Skewness of a person's truth and error: normal, exponential, log-normal."""
PEOPLE = (20, 50, 200, 6_000)
"""The last are more than ``MANY_PEOPLE``: groups of people are left out, and ranks and areas taken to first order."""
LEVELS = ("patient", "eye")


def noise(rng, shape, n):
    """Mean 0 and variance 1."""
    if shape == "normal":
        return rng.normal(size=n)
    if shape == "skewed":
        return rng.exponential(size=n) - 1
    return (np.exp(rng.normal(size=n)) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)


def numbers(rng, people, shape):
    """Measured and predicted pressures of people with one or two eyes, whose errors are correlated by 0.6."""
    who = np.repeat(np.arange(people), rng.integers(1, 3, people))
    error = 10 * (np.sqrt(0.6) * noise(rng, shape, people)[who] + np.sqrt(0.4) * noise(rng, shape, len(who)))
    y = 17 * noise(rng, shape, people)[who]
    return 130 + y, 132 + 0.5 * y + error, who


def visits(rng, people, shape):
    """The same at one to four visits, between which the pressure itself changes."""
    who = np.repeat(np.arange(people), rng.integers(1, 5, people))
    error = 10 * (np.sqrt(0.6) * noise(rng, shape, people)[who] + np.sqrt(0.4) * noise(rng, shape, len(who)))
    y = 17 * (np.sqrt(0.7) * noise(rng, shape, people)[who] + np.sqrt(0.3) * noise(rng, shape, len(who)))
    return 130 + y, 132 + 0.5 * y + error, who


def chances(rng, people, _shape):
    """A yes/no truth of a quarter of all people, and a probability that tells it with an AUC of 0.86."""
    who = np.repeat(np.arange(people), rng.integers(1, 3, people))
    y = (rng.random(people) < 0.25).astype(float)[who]
    latent = 1.5 * y + np.sqrt(0.6) * rng.normal(size=people)[who] + np.sqrt(0.4) * rng.normal(size=len(who))
    return y, 1 / (1 + np.exp(-(1.5 * latent - 2.2))), who


def found(y, p, who, target, level):
    """Every estimate of one cohort."""
    nth = np.arange(len(who)) - np.searchsorted(who, who)
    at = {"visit": nth.astype(str)} if level == "visit" else {"eye": np.where(nth == 0, "right", "left")}
    sample = units_of_analysis(from_values(target, y, p, patient_id=who.astype(str), **at), TARGETS[target], level)
    panels = (area_panel, binary_panel) if target == "sex" else (score_panel, ranked_panel)
    return {k: v for panel in panels for k, v in estimated(panel(sample, sample.patients)).items()}


@cache
def truths(draw, shape, level, target, cohorts=12):
    """True values, from cohorts of 10,000 people."""
    rng = np.random.default_rng(99)
    values = [
        {name: each.value for name, each in found(*draw(rng, 10_000, shape), target, level).items()}
        for _ in range(cohorts)
    ]
    known = [name for name, value in values[0].items() if value is not None]
    return {name: np.mean([each[name] for each in values]) for name in known}


def coverage(people, shape, level, cohorts, target="sbp", seed=0):
    """Return by estimate the share of shown intervals that hold the truth, and the share of cohorts that show one."""
    draw = chances if target == "sex" else visits if level == "visit" else numbers
    rng = np.random.default_rng(seed)
    true = truths(draw, shape, level, target, max(12, people // 25))  # known 20 times as well as from one cohort
    hits = {name: [] for name in true}
    for _ in range(cohorts):
        for name, each in found(*draw(rng, people, shape), target, level).items():
            if name in true and each.low is not None:
                hits[name].append(each.low <= true[name] <= each.high)
    return {name: (np.mean(hit) if hit else np.nan, len(hit) / cohorts) for name, hit in hits.items()}


def table(cohorts, sizes: Sequence[int] = PEOPLE) -> Iterator[str]:
    """The table of ``fundus_core/evaluation/README.md``, a line at a time."""
    for people in sizes:
        for shape in SHAPES:
            for level in (*LEVELS, "visit"):
                of = coverage(people, shape, level, cohorts)
                cells = " ".join(f"{name} {100 * of[name][0]:.1f}/{100 * of[name][1]:.0f}" for name in SHOWN)
                yield f"{people} {shape} {level}: {cells}"
        for level in LEVELS:
            of = coverage(people, "normal", level, cohorts, "sex")
            yield f"{people} yes/no {level}: " + " ".join(
                f"{name} {100 * hit:.1f}/{100 * shown:.0f}" for name, (hit, shown) in of.items()
            )


if __name__ == "__main__":
    for line in table(int(sys.argv[1]), [int(each) for each in sys.argv[2:]] or PEOPLE):
        print(line, flush=True)  # noqa: T201
