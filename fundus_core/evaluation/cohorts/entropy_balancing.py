"""Weights that give a sample prescribed means: the exponential tilt (entropy balancing)."""

import numpy as np

from fundus_core.evaluation.intervals.bootstrap import matmul
from fundus_core.records import Floats

STEPS = 60
"""Newton steps after which weights are held not to exist."""

FARTHEST = 1e3
"""Multipliers beyond this run to infinity: the prescribed means lie outside the sample."""

CLOSE = 1e-9
"""How near zero every weighted mean has to come, in standard deviations."""


def balance(counts: Floats, x: Floats, start: Floats | None = None) -> Floats:
    """Return the weights c_i exp(l x_i) whose weighted means of x are all zero: draws x n, each row summing to 1.

    Minimises log sum c exp(l x) over l, a convex function, by damped Newton steps for all draws at once (Hainmueller
    2012, doi:10.1093/pan/mpr025, section 3.2). ``counts`` (draws x n) is how often each unit counts; ``x`` is n x k
    features of unit scale, their prescribed means subtracted; steps begin at ``start`` (k), or at equal weights. A row
    of NaN where no weights give zero means.

    >>> w = balance(np.ones((1, 3)), np.array([[-1.0], [0.0], [2.0]]))
    >>> bool(abs(w @ np.array([-1.0, 0.0, 2.0])) < 1e-9), w.argmax()
    (True, np.int64(0))
    """
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    multipliers = np.zeros((len(counts), x.shape[1])) + (0 if start is None else start)
    open_rows = np.arange(len(counts))
    weights = np.full(counts.shape, np.nan)
    for _ in range(STEPS):
        part = _weights(counts[open_rows], x, multipliers[open_rows])
        gradient = matmul(part, x)
        done = np.abs(gradient).max(axis=1, initial=0) < CLOSE
        weights[open_rows[done]] = part[done]
        open_rows, gradient, part = open_rows[~done], gradient[~done], part[~done]
        if len(open_rows) == 0:
            return weights
        multipliers[open_rows] -= _step(gradient, matmul(part, products))
        open_rows = open_rows[np.abs(multipliers[open_rows]).max(axis=1) < FARTHEST]
    return weights


def multipliers_of(x: Floats, weights: Floats) -> Floats:
    """Return the k multipliers behind weights of :func:`balance` on equal counts."""
    centred = np.log(weights) - np.log(weights).mean()
    return np.asarray(np.linalg.lstsq(x - x.mean(axis=0), centred, rcond=None)[0])


def _weights(counts: Floats, x: Floats, multipliers: Floats) -> Floats:
    exponent = np.where(counts > 0, matmul(x, multipliers.T).T, -np.inf)
    exponent -= exponent.max(axis=1, keepdims=True)
    weights = counts * np.exp(exponent)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _step(gradient: Floats, products: Floats) -> Floats:
    """Newton step, shortened while far away so that it cannot overshoot."""
    k = gradient.shape[1]
    hessian = products.reshape(-1, k, k) - gradient[:, :, None] * gradient[:, None, :]
    hessian += 1e-12 * np.eye(k)
    step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
    decrement = np.sqrt(np.maximum((step * gradient).sum(axis=1, keepdims=True), 0))
    return np.asarray(step / np.where(decrement > 0.25, 1 + decrement, 1))


def effective_number(weights: Floats) -> float:
    """Return (sum w)² / sum w² (Kish 1965): how many equally weighted units would be as informative; 0 without weights.

    >>> effective_number(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if np.isfinite(square) and square > 0 else 0.0
