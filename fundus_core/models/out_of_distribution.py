"""How far a photograph lies from those a model was trained on, by its pooled features.

Mahalanobis distance of the features (Lee et al. 2018, arXiv 1807.03888) with a shrunk covariance, divided by the
99th percentile of held-out training photographs, so that 1 is the limit whatever the network.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fundus_core.errors import CardError
from fundus_core.records import Floats


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Where the training photographs lie."""

    mean: Floats
    """F: their mean."""
    whitener: Floats
    """F x F: (features - mean) @ whitener has unit covariance over the training photographs."""
    limit: float
    """Distance of the 99th percentile of held-out training photographs."""

    def distance(self, features: Floats) -> Floats:
        """Return the distance of each row of features (n x F); above 1 lies outside."""
        white = (features - self.mean) @ self.whitener
        return np.asarray(np.sqrt(np.square(white).sum(axis=1)) / self.limit, dtype=np.float64)


def measure(training: Floats, held_out: Floats, *, shrink: float = 0.01) -> FeatureStatistics:
    """Return the statistics of features of the training (n x F), and their limit.

    The limit is from people who took no part in it (``held_out``, m x F). ``shrink`` is the share of the mean variance
    that is added to every direction, so that one without any spread does not decide alone.
    """
    mean = training.mean(axis=0)
    covariance = np.atleast_2d(np.cov(training, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, 0) + max(shrink * float(values.mean()), 1e-12)
    whitener = vectors / np.sqrt(values)
    raw = FeatureStatistics(mean, whitener, 1.0)
    return FeatureStatistics(mean, whitener, float(np.quantile(raw.distance(held_out), 0.99)))


def write(statistics: FeatureStatistics, path: Path) -> None:
    """Write the statistics beside the weights."""
    arrays = {
        "mean": statistics.mean.astype(np.float32),
        "whitener": np.ascontiguousarray(statistics.whitener, dtype=np.float32),
        "limit": np.array([statistics.limit], dtype=np.float32),
    }
    save_file(arrays, path)


def read(path: Path) -> FeatureStatistics:
    """Read the statistics.

    Raises:
        CardError: The file is missing or holds something else.
    """
    try:
        arrays = load_file(path)
        parts = [arrays[name].astype(np.float64) for name in ("mean", "whitener", "limit")]
    except (OSError, SafetensorError, KeyError) as error:
        raise CardError(
            "The feature statistics '{name}' cannot be read ({error}); train again, or leave 'features' empty.",
            name=path.name,
            error=error,
        ) from error
    return FeatureStatistics(parts[0], parts[1], float(parts[2][0]))
