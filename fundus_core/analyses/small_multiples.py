"""Predicted against true of each cohort of a comparison, small, side by side on common axes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from fundus_core import figures
from fundus_core.analyses.labels import Say
from fundus_core.analyses.observations import scatter_of
from fundus_core.analyses.side_by_side import COMPARISON
from fundus_core.analyses.study import Canvas, Study
from fundus_core.figures import Figure, Look, Observations
from fundus_core.targets import TARGETS

HEIGHT = 300
"""Pixels of one of them."""


def small_multiples(
    study: Study,
    target_id: str,
    look: Look,
    *,
    names: Say = str,
    places: Mapping[str, int] = MappingProxyType({}),
    height: int = HEIGHT,
) -> dict[str, Figure]:
    """Return the figure of each cohort by its name, headed by its error with interval; shared results have no points.

    Args:
        study: Cohorts side by side.
        target_id: Of which target.
        look: How they are drawn.
        names: What the reader calls the cohorts.
        places: Colour of each cohort.
        height: Pixels of each.
    """
    target, results = TARGETS[target_id], study.get(COMPARISON, target_id).targets[target_id].results
    groups = {name: _groups(study, name, target_id, places.get(name, at)) for at, name in enumerate(study.tables)}
    drawn = {name: found for name, found in groups.items() if name in results and any(map(len, found))}
    if not drawn:
        return {}
    span = figures.limits([group for each in drawn.values() for group in each])
    unit = f" ({look.say(target.unit)})" if target.unit else ""
    made = {}
    for name, found in drawn.items():
        result = results[name]
        figure = scatter_of(target, Canvas(look, found, height=height), result.estimates, result.n_patients, span)
        if not target.binary:
            across = replace(figure.x, title=look.say("true") + unit)
            up = replace(figure.y, title=look.say("predicted") + unit)
            figure = replace(figure, x=across, y=up)
        title = figures.headline(target, result.estimates, look, names(name))
        made[name] = replace(figure, title=title, legend=False)
    return made


def _groups(study: Study, name: str, target_id: str, place: int) -> Sequence[Observations]:
    def load() -> Study:
        return Study.of(study.tables[name], replace(study.settings, level=study.level))

    alone: Study = study.memory.kept(("alone", name, study.level), None, load)
    return alone.groups(target_id, name=name, place=place) if target_id in alone.targets else ()
