"""Who trains, who judges: a split of patients, stratified, fixed by its seed."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.records import Floats

PARTS = ("train", "validation", "calibration", "test")
"""What a patient may be in: never in two."""


def split(
    patients: Sequence[str], values: Mapping[str, Floats], shares: Sequence[float], *, seed: int
) -> NDArray[np.str_]:
    """Put every patient, with all photographs, into one part; return the part of each photograph, one of ``PARTS``.

    Patients are sorted by their strata (quartiles of the mean standardised value of the targets, NaN where missing;
    then a hash of id and seed), and every part takes its share (of validation, calibration and test) from each run of
    neighbours, so that the parts have like distributions. The order of the rows changes nothing.

    Raises:
        UsageError: Fewer than eight patients.
    """
    ids, inverse = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    if len(ids) < 8:
        raise UsageError(
            "There are {ids} patients; training needs at least 8, so that every part has some.", ids=len(ids)
        )
    stratum = _strata(inverse, len(ids), values)
    luck = np.array([_hash(seed, patient) for patient in ids])
    order = np.lexsort((luck, stratum))
    part = np.empty(len(ids), dtype="<U12")
    part[order] = _deal(len(ids), shares, np.random.default_rng(seed))
    return part[inverse]


def _strata(inverse: NDArray[np.intp], people: int, values: Mapping[str, Floats]) -> NDArray[np.intp]:
    """Quartile of each patient's mean standardised value; patients without any value count as average."""
    total, count = np.zeros(people), np.zeros(people)
    for column in values.values():
        known = np.isfinite(column)
        if known.any():
            z = (column[known] - column[known].mean()) / max(float(column[known].std()), 1e-12)
            total += np.bincount(inverse[known], z, people)
            count += np.bincount(inverse[known], minlength=people)
    mean = total / np.maximum(count, 1)
    return np.searchsorted(np.quantile(mean, [0.25, 0.5, 0.75]), mean)


def _hash(seed: int, patient: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{patient}".encode()).digest()[:8], "big") >> 1


def _deal(people: int, shares: Sequence[float], generator: np.random.Generator) -> NDArray[np.str_]:
    """Parts along the sorted patients: blocks of ten or so, shuffled within, each with its shares."""
    full = (1 - sum(shares), *shares)
    edges = np.floor(np.cumsum(full) * people + 0.5).astype(int)
    counts = np.diff(np.concatenate([[0], edges]))
    # A patient's place within its part, spread evenly over 0..1 with a jitter, interleaves the parts.
    places = [(np.arange(n) + generator.random(n)) / max(n, 1) for n in counts]
    labels = np.repeat(np.array(PARTS), counts)
    return labels[np.argsort(np.concatenate(places), kind="stable")]
