"""The gap, predicted minus measured, and the reference: what the gap goes with, and what errors of the truth do."""

from collections.abc import Sequence

from fundus_core import evaluation
from fundus_core.analyses.labels import Kind, Say, Word, interval, with_interval, written
from fundus_core.analyses.scores import forest_row, is_number
from fundus_core.analyses.study import Analysis, Canvas, Study
from fundus_core.evaluation import Association, Corrected
from fundus_core.figures import Figure, forest
from fundus_core.targets import TARGETS


def _on(model: str, say: Say = str) -> str:
    """Say what a regression is on."""
    names = {"raw": say("the gap as it is, alone"), "corrected": say("the corrected gap, alone")}
    return names.get(model) or say("the corrected gap, adjusted")


def _gaps(study: Study, target: str, _by: str) -> Sequence[Association]:
    return [
        evaluation.association(study.ordered, target, column, adjust=study.settings.beyond, level=study.level)
        for column in study.settings.gap_with
        if target not in map(str.strip, column.split(","))  # nothing is told by the value that it is the gap to
    ]


def _draw(study: Study, target_id: str, canvas: Canvas) -> Figure | None:
    """Draw each regression's coefficient, of one column or of those whose ratios share an axis."""
    found = [each for each in study.get(GAP, target_id) if any(model.per_sd.value is not None for model in each.models)]
    if not found:
        return None
    kind = next((each.effect for each in found if each.column == canvas.by), found[0].effect)
    alike = [each for each in found if each.effect == kind and canvas.by in ("", each.column)]
    shown = alike[:1] if _is_difference(kind) else alike  # differences are each in another unit
    say, target = canvas.look.say, TARGETS[target_id]
    rows = [
        forest_row(f"{each.column}: {_on(model.model, say)}", model.per_sd, model.n_patients, canvas.look, place)
        for each in shown
        for place, model in enumerate(each.models)
    ]
    axis = say("{effect} per SD of the gap of {name}").format(effect=say(kind), name=say(target.short))
    return forest(rows, axis, canvas.look, reference=0.0 if _is_difference(kind) else 1.0)


def _is_difference(effect: str) -> bool:
    return effect == evaluation.EFFECTS["linear"]


def gap_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return in a paragraph what was done with the gap of a target and what it showed; empty where nobody asked."""
    found = study.get(GAP, target_id)
    if not found:
        return ""
    first, target = found[0], TARGETS[target_id]
    freed = say("the measured value and age") if first.freed else say("the measured value")
    done = say(
        "The gap is predicted minus measured {name}, less what a curve of {freed} says of it, each tenth of the people "
        "by the others (after de Lange & Cole 2020); its correlation with the measured value is {before} before and "
        "{after} after."
    ).format(
        name=say(target.short),
        freed=freed,
        before=written(first.before, Kind.PLAIN, signed=True),
        after=written(first.after, Kind.PLAIN, signed=True),
    )
    limits = say(
        "The correction takes away what is built in by shrinkage toward the mean; it neither shows that a gap is "
        "biology rather than error of the photograph or of the measurement, nor makes predictions better, for it needs "
        "the measured value. An association is no cause."
    )
    several = say("The {n} columns were not corrected for their number.").format(n=len(found)) if len(found) > 1 else ""
    return " ".join(filter(None, [done, *(_sentence(each, say) for each in found), several, limits]))


def _sentence(each: Association, say: Say) -> str:
    main = each.main
    if main.per_sd.value is None or main.p is None:
        words = say("Whether it goes with {column} cannot be told: {why}.")
        return words.format(column=each.column, why=say(main.per_sd.note))
    signed = _is_difference(each.effect)
    plain = Word("", Kind.PLAIN, signed=signed)
    words = say(
        "{column}: {effect} per SD of the gap ({sd}) {value} ({around}), p = {p}; {people} people{events}, "
        "{adjusted}, standard errors over people."
    )
    return words.format(
        column=each.column + (f" ({each.answers[0]} / {each.answers[1]})" if each.answers[0] else ""),
        effect=say(each.effect),
        sd=" ".join(filter(None, [written(each.spread, Kind.PLAIN), say(each.unit)])),
        value=written(main.per_sd.value, Kind.PLAIN, signed=signed),
        around=interval(main.per_sd.low, main.per_sd.high, plain, say),
        p=written(main.p, Kind.P),
        people=f"{main.n_patients:,}",
        events="" if main.events is None else _events(each, main.events, say),
        adjusted=say("adjusted for {what}").format(what=say(main.adjusted_for))
        if main.adjusted_for
        else say("not adjusted: neither age nor sex is known"),
    )


def _events(each: Association, events: int, say: Say) -> str:
    if each.effect == evaluation.EFFECTS["cox"]:
        return say(", of whom {n} with the event").format(n=f"{events:,}")
    return say(", of whom {n} '{answer}'").format(n=f"{events:,}", answer=each.answers[0])


def _can_be_asked(study: Study) -> bool:
    return bool(study.choices.columns)


_WORDS = {
    "effect": Word("Effect"),
    "model": Word("Regression on"),
    "column": Word("Column"),
    "adjusted_for": Word("Adjusted for"),
    "events": Word("With the event or answer", Kind.COUNT),
    "per_sd": Word("Per SD of the gap", Kind.FINE),
    "per_unit": Word("Per unit of the gap", Kind.FINE),
    "check": Word("Assumption"),
    "remark": Word("How to read it"),
}
GAP = Analysis(
    "gap",
    "The gap and other columns",
    "Does what the photograph makes of a person, beyond the measured value, go with anything else that is known?",
    _gaps,
    rows=lambda found: [row | {"model": _on(str(row["model"]))} for each in found for row in each.rows()],
    draw=_draw,
    offered=_can_be_asked,
    sentences=gap_in_words,
    words=_WORDS,
    hide=("n",),
)
GAP_CHECKS = Analysis(
    "gap_checks",
    "What the regressions on the gap assume",
    "Of the adjusted regression; a small p, or an influence beyond 1, asks for another look at it.",
    lambda study, target, _by: study.get(GAP, target),
    rows=lambda found: [row for each in found for row in each.check_rows()],
    offered=_can_be_asked,
    words=_WORDS,
)


def _corrected(study: Study, target: str, _by: str) -> Sequence[Corrected]:
    said = evaluation.asked_of(study.settings.reliability, target)
    return evaluation.reference_error(study.ordered, target, said, level=study.level) if said else ()


def reference_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return what was assumed of the measured values; empty where nothing was said of them."""
    found = study.get(REFERENCE_ERROR, target_id)
    if not found or found[0].reliability.value is None:
        return ""
    words = say(
        "With a reliability of one measurement of {reliability}, errors of the measured value that are independent of "
        "the prediction make r and the slope of the prediction too small and errors too large."
    )
    return words.format(reliability=with_interval(found[0].reliability, Word("", Kind.PLAIN), say))


REFERENCE_ERROR = Analysis(
    "reference_error",
    "Error of the measured value itself",
    "What would the estimates be against values measured without error, given the reliability of one measurement?",
    _corrected,
    rows=evaluation.rows,
    needs=is_number,
    sentences=reference_in_words,
    words={
        "slope_on_truth": Word("slope of prediction on truth", Kind.PLAIN),
        "reliability": Word("Reliability (ICC)", Kind.PLAIN),
        "measured": Word("Against measured values", Kind.PLAIN),
        "true": Word("Against values without error", Kind.PLAIN),
    },
    hide=("n",),
)
