"""What every engine does with crops that do not fill a batch."""

import numpy as np

from fundus_core.records import Pixels


def filled(crops: Pixels, batch: int) -> Pixels:
    """Fill up to a batch with black, for networks that know one size; what is said of black is the caller's to cut off.

    Crops are n x S x S x 3, n at most the batch; a full batch is returned as it is, in one piece of memory.
    """
    if len(crops) == batch:
        return np.ascontiguousarray(crops)
    whole = np.zeros((batch, *crops.shape[1:]), np.uint8)
    whole[: len(crops)] = crops
    return whole
