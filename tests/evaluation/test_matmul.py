"""Products in pieces equal products in one."""

import numpy as np
import pytest

from fundus_core.evaluation.intervals.bootstrap import PIECE, matmul


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (7, 300, 110), (3000, 5, 22), (2, 65, 1), (0, 4, 3), (3, 0, 2), (3, 4, 0)]
)
def test_pieces_add_up(shape):
    n, k, m = shape
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(n, k)), rng.normal(size=(k, m))
    assert matmul(left, right) == pytest.approx(left @ right)


def test_no_piece_is_large_enough_for_threads(monkeypatch):
    """Counts what each piece multiplies, through a matrix that watches."""
    sizes = []

    class Watched(np.ndarray):
        def __matmul__(self, other):
            sizes.append(self.shape[0] * self.shape[1] * other.shape[1])
            return np.asarray(self) @ np.asarray(other)

    matmul(np.ones((500, 130)).view(Watched), np.ones((130, 90)))
    assert sum(sizes) == 500 * 130 * 90
    assert max(sizes) <= PIECE
