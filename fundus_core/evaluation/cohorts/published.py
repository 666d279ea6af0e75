"""What others reported, to stand beside a user's own numbers; the targets' files hold the figures.

Another population has another spread and therefore another error with the same model: :data:`SPREAD_SENTENCE` belongs
beside every one of them.
"""

from fundus_core.targets import TARGETS, Published

SPREAD_SENTENCE = (
    "Studies differ in who was photographed: a cohort that is more spread out has a larger mean absolute error and a "
    "larger R² with the same model, so these figures are context, not a ranking."
)
"""Stands beside every published figure."""


def published(target: str, score: str | None = None) -> tuple[Published, ...]:
    """Return the published figures of a target, of one score or of all.

    >>> [(each.study.name, each.value) for each in published("waist", "mae")]
    [('JOIR 2025', 7.18)]
    """
    return tuple(each for each in TARGETS[target].published if score in (None, each.score))
