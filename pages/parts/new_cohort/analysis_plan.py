"""An analysis plan on its way in: a file or a form, taken only while nothing measured is there."""

import json
from collections.abc import Mapping, Sequence

import streamlit as st

from fundus_core import pipeline
from fundus_core.analyses import AnalysisPlan, read_plan
from fundus_core.analyses.plan import UNITS
from fundus_core.errors import UsageError
from fundus_core.pipeline import plans
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.shared import controls
from pages.parts.shell import home, state
from pages.parts.shell.language import _, said

_KEPT = "analysis-plan"


def stated() -> tuple[AnalysisPlan, str] | None:
    """Return the plan that was stated for the cohort to be made, and when; ``None`` without one."""
    number, plan, at = state.recall(_KEPT, (-1, None, ""))
    return (plan, at) if plan is not None and number == state.upload_number() else None


def before(*, truth_is_there: bool) -> None:
    """Let the user state a plan for the cohort to be made, as long as no measured values were brought."""
    found = stated()
    with st.expander(_("Analysis plan, before the measured values"), expanded=False):
        if found is not None:
            _is_stated(*found)
        elif truth_is_there:
            st.caption(_("Measured values are here already: a plan is stated before them. All will be exploratory."))
        elif (plan := _ask("new")) is not None:
            state.remember(_KEPT, (state.upload_number(), plan, plans.now()))
            st.rerun()


def draw(cohort: Cohort, *, measured: bool) -> None:
    """Let the user state a plan for a cohort that has no measured values yet; show the one that it has."""
    kept = pipeline.stated_plan(home.store(), cohort.id)
    if measured and kept is None:
        return
    with st.expander(_("Analysis plan, before the measured values"), expanded=False):
        if kept is not None:
            _is_stated(kept.plan, kept.stated_at)
        if not measured and (plan := _ask(f"of-{cohort.key}")) is not None:
            pipeline.state_plan(home.store(), cohort.id, plan)
            st.rerun()


def _is_stated(plan: AnalysisPlan, at: str) -> None:
    words = _("“{title}”, stated by {who} on {at}; SHA-256 {hash}.")
    st.markdown(words.format(title=plan.title, who=plan.written_by, at=at, hash=plan.sha256))
    st.code(plan.text, language="toml")


def _ask(key: str) -> AnalysisPlan | None:
    """Return a plan once the button is pressed; ``None`` before."""
    st.caption(
        _(
            "What is planned is corrected together and judged; everything else is shown as exploratory. The plan is "
            "kept with its date and hash, and printed beside the result."
        )
    )
    file = st.file_uploader(
        _("A plan that was written already (TOML)"), ["toml"], key=f"plan-{key}{state.upload_number()}"
    )
    try:
        text = _form(key) if file is None else file.getvalue()
        plan = read_plan(text, "" if file is None else file.name) if text else None
    except UsageError as fault:
        st.error(said(fault))
        return None
    if plan is None:
        return None
    st.code(plan.text, language="toml")
    pressed = st.button(_("State this plan"), key=f"state-{key}{state.upload_number()}", icon=":material/gavel:")
    return plan if pressed else None


def _form(key: str) -> bytes:
    """Return what was filled in as a plan's file; empty as long as it names nothing."""
    left, right = st.columns(2)
    title = left.text_input(_("Title of the plan"), key=f"plan-title-{key}", max_chars=200)
    who = right.text_input(_("Stated by"), key=f"plan-who-{key}", max_chars=200)
    targets = left.multiselect(
        _("Planned targets"), list(TARGETS), format_func=controls.short, key=f"plan-targets-{key}"
    )
    units = {"patient": _("Person"), "visit": _("Visit"), "eye": _("Eye"), "photograph": _("Photograph")}
    unit = right.selectbox(_("Unit of analysis"), UNITS, format_func=units.__getitem__, key=f"plan-unit-{key}")
    groups = left.text_input(_("Subgroups: columns, with commas between"), key=f"plan-groups-{key}", max_chars=300)
    limits: dict[str, tuple[float, float]] = {}
    for target in (each for each in targets if not TARGETS[each].binary):
        name, of = controls.short(target), _(TARGETS[target].unit)
        one, other = st.columns(2)
        below = one.number_input(_("Success: MAE of {name} below ({unit}; 0: none)").format(name=name, unit=of), 0.0, key=f"plan-below-{target}-{key}")  # fmt: skip  # noqa: E501
        margin = other.number_input(_("Equivalence margin of {name} ({unit}; 0: none)").format(name=name, unit=of), 0.0, key=f"plan-margin-{target}-{key}")  # fmt: skip  # noqa: E501
        limits[target] = (below, margin)
    beats = st.checkbox(_("Success: every target errs less than the best constant"), key=f"plan-beats-{key}")
    if not (title.strip() and who.strip() and targets):
        return b""
    columns = [each.strip() for each in groups.split(",") if each.strip()]
    return written(title, who, targets, unit, columns, limits, beats=beats).encode()


def written(
    title: str,
    who: str,
    targets: Sequence[str],
    unit: str,
    columns: Sequence[str],
    limits: Mapping[str, tuple[float, float]],
    *,
    beats: bool,
) -> str:
    """Return a plan's file of what was filled in.

    Args:
        title: Of the plan.
        who: States it.
        targets: Ids.
        unit: What one observation is.
        columns: Of subgroups.
        limits: Per target the MAE below which it is a success and the margin of equivalence, in its unit; 0: none.
        beats: Whether success is that every target errs less than the best constant.
    """
    main = "accuracy" if all(TARGETS[each].binary for each in targets) else "mae"
    lines = [f"title = {_text(title)}", f"written_by = {_text(who)}", f"targets = {_text(list(targets))}"]
    lines += [f"unit_of_analysis = {_text(unit)}", f"main_estimate = {_text(main)}"]
    lines += [f"subgroups = {_text(list(columns))}"] if columns else []
    margins = [f"{each} = {_amount(each, margin)}" for each, (_below, margin) in limits.items() if margin > 0]
    lines += ["", "[margins]", *margins] if margins else []
    for target, (below, _margin) in limits.items():
        lines += _success(target, f'estimate = "mae"\nbelow = {_amount(target, below)}') if below > 0 else []
    for target in targets if beats else ():
        lines += _success(target, 'test = "baseline"')
    return "\n".join(lines) + "\n"


def _success(target: str, what: str) -> list[str]:
    return ["", "[[success]]", f"target = {_text(target)}", what]


def _amount(target: str, number: float) -> str:
    return _text(f"{number:g} {TARGETS[target].unit}")


def _text(value: object) -> str:
    """Return a word or a list of words as TOML has it, which is as JSON has it."""
    return json.dumps(value, ensure_ascii=True)
