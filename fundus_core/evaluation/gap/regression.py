"""Linear, logistic and Cox regression with standard errors that take people, not observations, as independent.

Each fit keeps the scores of its observations, so that one formula serves all three: the covariance is the sandwich of
the inverse information and the summed scores of people (Huber 1967; White 1980, doi:10.2307/1912934; Lin & Wei 1989,
doi:10.1080/01621459.1989.10478874), and what leaving a person out would change is those scores times the inverse
information. lifelines 0.30.3 gives the same Cox model, but needs pandas below 3, on which nothing else here runs.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from fundus_core.errors import NotEstimableError
from fundus_core.evaluation.intervals.bootstrap import matmul
from fundus_core.evaluation.intervals.estimate import reach
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats

_STEPS = 50
_SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Fit:
    """A regression on n observations of G people, with k coefficients."""

    beta: Floats
    """Coefficients, k."""
    bread: Floats
    """Inverse of the information, k x k."""
    score: Floats
    """Each observation's part in the equations that are solved, n x k."""
    group: Indices
    """Whose each observation is, n, numbers from 0."""
    residual: Floats
    """Observed less expected, n; of a Cox model martingale residuals."""
    correction: float
    """What the sandwich is multiplied by for so few people."""
    df: float
    """Degrees of freedom of Student's t; infinite for the normal distribution."""

    @property
    def of_people(self) -> Floats:
        """What each person adds to each coefficient, to first order (DFBETA), G x k."""
        summed = np.zeros((int(self.group.max()) + 1, len(self.beta)))
        np.add.at(summed, self.group, self.score)
        return summed @ self.bread

    @property
    def covariance(self) -> Floats:
        """Robust to whatever goes on within people, k x k."""
        return np.asarray(self.correction * self.of_people.T @ self.of_people)

    def error(self, k: int) -> float:
        """Standard error of a coefficient."""
        return float(np.sqrt(self.covariance[k, k]))

    def p(self, k: int) -> float:
        """Two-sided p value of a coefficient that is 0."""
        return float(2 * special.stdtr(self.df, -abs(self.beta[k]) / self.error(k)))

    def ends(self, k: int, confidence: float = 0.95) -> tuple[float, float]:
        """Interval of a coefficient."""
        away = reach(self.df, confidence) * self.error(k)
        return float(self.beta[k]) - away, float(self.beta[k]) + away


def _for_few(x: Floats, group: Indices) -> tuple[float, float]:
    (n, k), people = x.shape, int(group.max()) + 1
    return people / (people - 1) * (n - 1) / (n - k), float(people - 1)


def linear(x: Floats, y: Floats, group: Indices) -> Fit:
    """Fit y = x beta by least squares.

    Args:
        x: n x k, a constant among its columns.
        y: n.
        group: Whose each is, n, numbers from 0.

    Raises:
        NotEstimableError: A column follows from the others.

    >>> fit = linear(np.column_stack([np.ones(4), [0.0, 1, 2, 3]]), np.array([1.0, 3, 5, 7]), np.arange(4))
    >>> fit.beta.round(9).tolist()
    [1.0, 2.0]
    """
    bread = inverse(x.T @ x)
    beta = bread @ (x.T @ y)
    left = y - x @ beta
    return Fit(beta, bread, x * left[:, None], group, left, *_for_few(x, group))


def logistic(x: Floats, y: Floats, group: Indices, *, start: Floats | None = None, times: Floats | None = None) -> Fit:
    """Fit the log odds of y = 1 as x beta by maximum likelihood.

    Args:
        x: n x k, a constant among its columns.
        y: n times 0 or 1; where a row is there several times, their mean.
        group: Whose each is, n, numbers from 0.
        start: Coefficients to begin with, k.
        times: n numbers of how often each is there; once without them.

    Raises:
        NotEstimableError: A column follows from the others, or the two classes are told apart without error
            (separation), so that no coefficient is largest.
    """
    beta, count = np.zeros(x.shape[1]) if start is None else start, 1.0 if times is None else times
    product = np.matmul if times is None else matmul
    for _ in range(_STEPS):
        likely = chance(x @ beta)
        bread = inverse(product((x * (count * likely * (1 - likely))[:, None]).T, x))
        step = bread @ (x.T @ (count * (y - likely)))
        beta = beta + step
        if np.abs(x @ beta).max() > 30:
            break
        if np.abs(step).max() < 1e-10 * (1 + np.abs(beta).max()):
            likely = chance(x @ beta)
            bread = inverse(product((x * (count * likely * (1 - likely))[:, None]).T, x))
            left = count * (y - likely)
            return Fit(beta, bread, x * left[:, None], group, left, *_for_few(x, group))
    raise NotEstimableError("the columns tell yes from no without error (separation)")


def chance(value: Floats) -> Floats:
    """Return the probabilities of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -35, 35))))


def inverse(information: Floats) -> Floats:
    """Invert an information matrix, k x k, or say why it has no inverse."""
    scale = np.sqrt(np.diag(information))
    if not (scale > _SMALL).all():
        raise NotEstimableError("a column of the regression does not vary")
    normed = information / np.outer(scale, scale)
    if np.linalg.eigvalsh(normed)[0] < 1e-9:
        raise NotEstimableError("a column of the regression follows from the others")
    return np.asarray(np.linalg.inv(normed) / np.outer(scale, scale))


def firth(x: Floats, y: Floats, *, times: Floats | None = None) -> Floats:
    """Fit log odds under Jeffreys' prior (Firth 1993, doi:10.1093/biomet/80.1.27): finite where classes part.

    Args:
        x: n x k, a constant among its columns, about standardised.
        y: n times 0 or 1.
        times: n numbers of how often each row is there; once without them.

    Returns:
        k coefficients.
    """
    count, beta = np.ones(len(y)) if times is None else times, np.zeros(x.shape[1])
    best = _penalised(x, y, count, beta)
    for _ in range(200):
        likely = chance(x @ beta)
        weight = count * likely * (1 - likely)
        inverse = np.linalg.pinv((x * weight[:, None]).T @ x)
        hat = weight * ((x @ inverse) * x).sum(axis=1)
        step = inverse @ (x.T @ (count * (y - likely) + hat * (0.5 - likely)))
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        for _half in range(12):
            moved = beta + step
            found = _penalised(x, y, count, moved)
            if found >= best - 1e-12:
                break
            step /= 2
        beta, best = moved, found
        if np.abs(step).max() < 1e-9:
            break
    return beta


def _penalised(x: Floats, y: Floats, count: Floats, beta: Floats) -> float:
    """Log likelihood plus half the log determinant of the information."""
    value = np.clip(x @ beta, -35, 35)
    likely = chance(value)
    information = (x * (count * likely * (1 - likely))[:, None]).T @ x
    return float((count * (y * value - np.logaddexp(0, value))).sum() + np.linalg.slogdet(information)[1] / 2)


def firth_of_two(yes: float, no: float, yes_there: float, no_there: float) -> tuple[float, float, float, float]:
    """Return the logarithm of an odds ratio under Jeffreys' prior, the ends of its profile interval, and its p value.

    Of two groups the prior adds a half to each cell, and the profile over the common odds is that of tables with the
    same margins, told by the expected number in the first cell. The ends are where the penalised likelihood falls by
    half the chi-squared quantile (Heinze & Schemper 2002, doi:10.1002/sim.1047, section 2.3).

    >>> [round(each, 4) for each in firth_of_two(0, 12, 6, 12)]
    [-2.5649, -7.4753, -0.2595, 0.0258]
    """
    cells = np.array([yes, no, yes_there, no_there]) + 0.5
    (mine, there), first = (cells[:2].sum(), cells[2:].sum()), cells[0]
    all_yes = float(cells[0] + cells[2])

    def expected(at: float) -> Floats:
        return np.array([at, mine - at, all_yes - at, there - all_yes + at])

    def fall(at: float) -> float:
        return float((cells * np.log(cells / expected(at))).sum())

    def ratio(at: float) -> float:
        return float(np.log(expected(at)) @ np.array([1.0, -1, -1, 1]))

    drop, inside = reach() ** 2 / 2, 1e-12
    ends = [
        optimize.brentq(lambda at: fall(at) - drop, first + (1 - inside) * (end - first), first, xtol=1e-13)
        for end in (max(0.0, all_yes - there), min(mine, all_yes))
    ]
    p = special.chdtrc(1, 2 * max(fall(all_yes * mine / (mine + there)), 0.0))
    return ratio(first), ratio(ends[0]), ratio(ends[1]), float(p)
