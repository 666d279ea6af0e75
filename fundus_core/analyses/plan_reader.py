"""An analysis plan from its file; its faults say what was found, allowed, and to be done."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fundus_core.analyses.labels import ESTIMATES, Kind, word
from fundus_core.analyses.plan import (
    CLAIMS,
    MAIN,
    MAIN_BINARY,
    MOST_BYTES,
    TESTS,
    UNITS,
    AnalysisPlan,
    Criterion,
    PlannedFamily,
)
from fundus_core.errors import UsageError, say
from fundus_core.plain_values import At
from fundus_core.targets import TARGETS, Target

_KEYS = ("title", "written_by", "targets", "unit_of_analysis", "main_estimate", "subgroups", "margins", "family")
_OF_FAMILY = ("name", "tests", "targets")
_OF_SUCCESS = ("target", "estimate", "below", "above", "test")
_AMOUNT = re.compile(r"\s*([+-]?[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(\S.{0,30})?\s*")


def read_plan(data: bytes, name: str = "plan.toml") -> AnalysisPlan:
    r"""Read a plan.

    Args:
        data: Of a TOML file in UTF-8.
        name: Of the file, for messages.

    Raises:
        UsageError: It is no plan; the message says what was found, what is allowed and what to do.

    >>> plan = read_plan(b'title = "T"\nwritten_by = "A"\ntargets = ["sbp"]\nmain_estimate = "mae"')
    >>> plan.unit, [family.tests for family in plan.families], len(plan.sha256)
    ('patient', [('baseline',)], 64)
    """
    values, text = _parsed(data, name)
    at = At(values, name)
    at.table((*_KEYS, "success"))
    targets = _targets(at.get("targets", []), tuple(TARGETS))
    subgroups = _words(at.get("subgroups", []))
    margins = {one: _margin(one, each, targets) for one, each in at.get("margins", {}).table().items()}
    families = _families(at, targets, subgroups, margins)
    return AnalysisPlan(
        title=at.get("title").line(empty=False),
        written_by=at.get("written_by").line(empty=False),
        targets=targets,
        unit=at.get("unit_of_analysis", "patient").one_of(UNITS),
        main_estimate=at.get("main_estimate").one_of((*MAIN, *MAIN_BINARY)),
        subgroups=subgroups,
        margins=MappingProxyType(margins),
        families=families,
        success=tuple(_criterion(each, targets, families) for each in at.get("success", []).each()),
        text=text,
    )


def _parsed(data: bytes, name: str) -> tuple[dict[str, Any], str]:
    if len(data) > MOST_BYTES:
        raise UsageError(
            "The analysis plan '{name}' has {n:,} bytes; a plan has at most {most:,}: give the plan alone.",
            name=name, n=len(data), most=MOST_BYTES,
        )  # fmt: skip
    try:
        text = data.decode("utf-8")
        return tomllib.loads(text.removeprefix("\ufeff")), text
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(
            "The analysis plan '{name}' is not readable TOML ({error}); mend it.", name=name, error=error
        ) from error


def _words(at: At) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in at.words()))


def _targets(at: At, known: Sequence[str]) -> tuple[str, ...]:
    at.require(at.value != [], say("a list with at least one of {targets}", targets=list(known)))
    found = _words(at)
    for each in found:
        At(each, at.file, at.where).one_of(known)
    return found


def _margin(target: str, at: At, targets: Sequence[str]) -> float:
    At(target, at.file, "margins").one_of([each for each in targets if not TARGETS[each].binary])
    margin = _amount(at, TARGETS[target], unit=True)
    at.require(margin > 0, say("above zero"))
    return margin


def _amount(at: At, target: Target, *, unit: bool) -> float:
    """Return a number; one with a unit in the target's own, as a difference."""
    text = at.value if isinstance(at.value, str) else "" if isinstance(at.value, bool) else f"{at.value}"
    read = _AMOUNT.fullmatch(text) if isinstance(at.value, str | int | float) else None
    wanted = say('a number with its unit, as in "2 {unit}"', unit=target.unit) if unit else say("a number")
    if read is None or (read[2] and not unit):
        raise at.fault(wanted)
    if not unit:
        return float(read[1])
    known = {target.unit: 1.0} | {one: each.factor for each in target.units for one in (each.name, *each.spellings)}
    factors = {name.casefold(): factor for name, factor in known.items()}
    given = (read[2] or "").strip()
    if given.casefold() not in factors:
        units = list(dict.fromkeys([target.unit, *(each.name for each in target.units)]))
        raise at.fault(say("a number with one of the units {units}", units=units))
    return float(read[1]) * factors[given.casefold()]


def _families(
    at: At, targets: Sequence[str], subgroups: Sequence[str], margins: Mapping[str, float]
) -> tuple[PlannedFamily, ...]:
    tests = ("baseline", *(["subgroups"] if subgroups else []), *(["equivalence"] if margins else []))
    found = tuple(_family(each, targets, subgroups, margins) for each in at.get("family", []).each())
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise UsageError(
            "Two families of the analysis plan '{name}' have one name; call each differently.", name=at.file
        )
    return found or (PlannedFamily("primary", tests, tuple(targets)),)


def _family(at: At, targets: Sequence[str], subgroups: Sequence[str], margins: Mapping[str, float]) -> PlannedFamily:
    at.table(_OF_FAMILY)
    called, tests = at.get("name").line(empty=False), _words(at.get("tests", []))
    at.get("tests").require(bool(tests), say("a list with at least one of {tests}", tests=list(TESTS)))
    mine = _targets(at.get("targets", list(targets)), targets)
    lacking = {"subgroups": not subgroups, "equivalence": not set(mine) & set(margins)}
    for each in tests:
        At(each, at.file, at.get("tests").where).one_of(TESTS)
        if lacking.get(each):
            raise UsageError(
                "The family '{family}' of the analysis plan '{name}' tests '{test}', of which the plan states "
                "none; state {key}, or leave the test out.",
                family=called, name=at.file, test=each,
                key="margins" if each == "equivalence" else "subgroups",
            )  # fmt: skip
    return PlannedFamily(called, tests, mine)


def _criterion(at: At, targets: Sequence[str], families: Sequence[PlannedFamily]) -> Criterion:
    at.table(_OF_SUCCESS)
    target = at.get("target").one_of(targets)
    if "test" not in at.value:
        return _limit(at, TARGETS[target])
    test = at.get("test").one_of(CLAIMS)
    if not any(test in each.tests and target in each.targets for each in families):
        raise UsageError(
            "The analysis plan '{name}' counts the test '{test}' of {target} as success, and no family holds "
            "it; add it to one.",
            name=at.file, test=test, target=target,
        )  # fmt: skip
    return Criterion(target, test=test)


def _limit(at: At, target: Target) -> Criterion:
    estimate = at.value.get("estimate")
    if not isinstance(estimate, str) or not (estimate in ESTIMATES or estimate.startswith("within_")):
        known = [*MAIN, "r2", "slope", "mae_over_median", "auc", *MAIN_BINARY]
        raise at.get("estimate").fault(say("{known} or another of metrics.json", known=known))
    sides = [side for side in ("below", "above") if side in at.value]
    at.require(len(sides) == 1, say("a table with either below or above"))
    in_unit = word(estimate).kind is Kind.UNIT and bool(target.unit)
    limit = _amount(at.get(sides[0]), target, unit=in_unit)
    below = "below" in sides
    return Criterion(target.id, estimate, limit if below else None, None if below else limit)
