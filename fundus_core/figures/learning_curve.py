"""How a training went: what is left of the error on people whom it learns from and on those who judge it."""

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.errors import say
from fundus_core.figures.figure import Axis, Figure
from fundus_core.figures.marks import Line, Points
from fundus_core.figures.theme import Look


def learning_curve(history: Sequence[Mapping[str, float]], look: Look, *, height: int = 300) -> Figure:
    """Draw training and validation loss by epoch; 1 is the loss of one who reads nothing from the photographs.

    Args:
        history: A row per epoch, with ``epoch`` (counted from 0), ``training_loss`` and ``validation_loss``.
        look: Palette, language, stamp.
        height: Pixels.
    """
    epochs = np.array([row["epoch"] + 1 for row in history])
    training, validation = (np.array([row[f"{part}_loss"] for row in history]) for part in ("training", "validation"))
    best = int(np.argmin(validation))
    ends = np.array([epochs[0] - 0.5, epochs[-1] + 0.5])
    alt = say(
        "Loss by epoch: the validation loss is lowest in epoch {best:g}, {loss:.3f}.",
        best=epochs[best], loss=validation[best],
    )  # fmt: skip
    top = 1.08 * max(1.0, float(min(np.concatenate([training, validation]).max(), 2.0)))
    return Figure(
        look,
        look.say(alt),
        Axis(look.say("epoch"), (float(ends[0]), float(ends[1])), ticks=min(len(epochs), 10)),
        Axis(look.say("loss (1: nothing is read)"), (0.0, top), grid=True),
        (
            Line(ends, np.ones(2), look.palette.identity, look.say("nothing is read"), dash="dash", guide=True),
            Line(epochs, training, look.palette.cohort(1), look.say("training part")),
            Line(epochs, validation, look.palette.cohort(0), look.say("validation part")),
            Points(epochs[best : best + 1], validation[best : best + 1], look.palette.cohort(0), look.say("kept")),
        ),
        height=height,
        legend=True,
    )
