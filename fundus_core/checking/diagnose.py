"""What is wrong with a model that is read wrongly, told from its answers: symptoms, and card lines that would fix them.

Nothing here changes a card. Slopes and offsets fitted on a few photographs are estimates; whoever trained the model
knows the true ones.
"""

from collections.abc import Mapping

import numpy as np

from fundus_core.checking.diagnose_output import FEWEST, Answers, Symptom, correlation, of_output
from fundus_core.errors import say
from fundus_core.records import Floats

_STRONG = 1.0
"""Change under a swap or a flip, over the spread of the answers, that counts as strong."""


def find(answers: Answers) -> tuple[Symptom, ...]:
    """Return every symptom, those of outputs in the card's order first; none where there are too few photographs."""
    count = min((len(values) for values in answers.values.values()), default=0)
    if count < FEWEST:
        return ()
    found = [of_output(answers, output) for output in answers.card.outputs]
    return tuple(symptom for symptom in (*found, _channels(answers), _flip(answers)) if symptom)


def agreement(values: Mapping[str, Floats], truth: Mapping[str, Floats]) -> float:
    """Return the mean size of the correlation of answers and truth over the targets; NaN where nothing is known.

    Correlation, and its size, since it holds whatever scale and offset are.
    """
    found = [correlation(values[target], truth[target]) for target in values if target in truth]
    known = [abs(value) for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def convincing(count: int) -> float:
    """Return the gain in correlation that speaks for another order of colours or range.

    Twice the standard error of a correlation of nothing with nothing (1 / sqrt(n)), and not below 0.1.
    """
    return max(0.1, 2 / float(np.sqrt(max(count, 1))))


# The input ------------------------------------------------------------------------------------------------------


def change(values: Mapping[str, Floats], other: Mapping[str, Floats]) -> float:
    """Return the largest root mean square change of any target over the spread of its answers; 0 where constant."""
    sizes = [
        float(np.sqrt(np.mean(np.square(other[target] - values[target]))) / np.std(values[target]))
        for target in values
        if np.std(values[target]) > 0
    ]
    return max(sizes, default=0.0)


def _channels(answers: Answers) -> Symptom | None:
    now = answers.card.input.channels
    gain = agreement(answers.swapped, answers.truth) - agreement(answers.values, answers.truth)
    if gain > convincing(min(map(len, answers.values.values()))):
        other = "rgb" if now == "bgr" else "bgr"
        sentence = say(
            "With red and blue exchanged the model agrees better with the truth (correlation {gain:+.2f}).", gain=gain
        )
        return Symptom("channels", "", sentence, ("[input]", f'channels = "{other}"'))
    size = change(answers.values, answers.swapped)
    if size < _STRONG or np.isfinite(gain):
        return None
    sentence = say(
        "Exchanging red and blue changes the answers by {size:.1f} times their spread: the order of "
        "colours matters, and the card says '{now}'; photographs of known truth would show whether "
        "that is right.",
        size=size,
        now=now,
    )
    return Symptom("channels", "", sentence, ())


def _flip(answers: Answers) -> Symptom | None:
    size = change(answers.values, answers.flipped)
    if size < _STRONG:
        return None
    sentence = say(
        "Mirroring a photograph changes the answers by {size:.1f} times their spread: the model may "
        "have been trained on one side, left eyes mirrored; ask its makers, and compare left and "
        "right eyes.",
        size=size,
    )
    return Symptom("flip", "", sentence, ())
