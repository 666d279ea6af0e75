"""An analysis plan from its file; every fault is one sentence that says what was found, allowed, and to be done."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    reader = _Reader(name, values)
    reader.keys(values, (*_KEYS, "success"), "")
    targets = reader.targets("targets", values)
    main = reader.one_of("main_estimate", values.get("main_estimate"), (*MAIN, *MAIN_BINARY))
    subgroups = reader.words("subgroups", values.get("subgroups", []))
    margins = reader.margins(targets)
    return AnalysisPlan(
        title=reader.text("title"),
        written_by=reader.text("written_by"),
        targets=targets,
        unit=reader.one_of("unit_of_analysis", values.get("unit_of_analysis", "patient"), UNITS),
        main_estimate=main,
        subgroups=subgroups,
        margins=MappingProxyType(margins),
        families=(families := reader.families(targets, subgroups, margins)),
        success=reader.success(targets, families),
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


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes a plan's values apart; every fault is one sentence."""

    name: str
    values: Mapping[str, Any]

    def keys(self, given: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
        for key in given:
            if key not in allowed:
                raise UsageError(
                    "The analysis plan '{name}' says '{key}'{where}; known are {allowed}: correct it or leave it out.",
                    name=self.name, key=key, where=where and say(" under {table}", table=where), allowed=allowed,
                )  # fmt: skip

    def text(self, key: str) -> str:
        found = self.values.get(key)
        if not isinstance(found, str) or not found.strip():
            raise UsageError(
                "The analysis plan '{name}' lacks '{key}'; write it as one line of text.", name=self.name, key=key
            )
        return found.strip()

    def words(self, key: str, found: object) -> tuple[str, ...]:
        if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
            raise UsageError(
                "'{key}' of the analysis plan '{name}' is {found}; it must be a list of words, as in [\"sex\"].",
                key=key, name=self.name, found=repr(found)[:80],
            )  # fmt: skip
        return tuple(dict.fromkeys(each.strip() for each in found))

    def one_of(self, key: str, found: object, allowed: Sequence[str]) -> str:
        if not isinstance(found, str) or found not in allowed:
            raise UsageError(
                "'{key}' of the analysis plan '{name}' is {found}; it can be {allowed}.",
                key=key, name=self.name, found="not given" if found is None else repr(found)[:80], allowed=allowed,
            )  # fmt: skip
        return found

    def targets(self, key: str, given: Mapping[str, Any]) -> tuple[str, ...]:
        found = self.words(key, given.get(key, []))
        if not found:
            raise UsageError(
                "The analysis plan '{name}' names no target; write targets = [\"sbp\"], of {targets}.",
                name=self.name, targets=list(TARGETS),
            )  # fmt: skip
        for each in found:
            self.one_of(key, each, tuple(TARGETS))
        return found

    def margins(self, targets: Sequence[str]) -> dict[str, float]:
        given = self.table("margins", self.values.get("margins", {}))
        found = {}
        for target, amount in given.items():
            self.one_of("margins", target, [each for each in targets if not TARGETS[each].binary])
            found[target] = self.amount(f"margins.{target}", amount, TARGETS[target], unit=True)
            if not found[target] > 0:
                raise UsageError(
                    "'{key}' of the analysis plan '{name}' is {found}; a margin is above zero.",
                    key=f"margins.{target}", name=self.name, found=repr(amount)[:80],
                )  # fmt: skip
        return found

    def table(self, key: str, found: object) -> Mapping[str, Any]:
        if not isinstance(found, dict):
            raise UsageError(
                "'{key}' of the analysis plan '{name}' is {found}; it must be a table.",
                key=key, name=self.name, found=repr(found)[:80],
            )  # fmt: skip
        return found

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        found = self.values.get(key, [])
        if not isinstance(found, list):
            raise UsageError(
                "'{key}' of the analysis plan '{name}' is {found}; begin each with a line [[{key}]].",
                key=key, name=self.name, found=repr(found)[:80],
            )  # fmt: skip
        return [self.table(key, each) for each in found]

    def amount(self, key: str, found: object, target: Target, *, unit: bool) -> float:
        """Return a number; one with a unit in the target's own, as a difference."""
        text = found if isinstance(found, str) else "" if isinstance(found, bool) else f"{found}"
        read = _AMOUNT.fullmatch(text) if isinstance(found, str | int | float) else None
        if read is None or (read[2] and not unit):
            raise UsageError(
                "'{key}' of the analysis plan '{name}' is {found}; it must be a number{unit}.",
                key=key, name=self.name, found=repr(found)[:80],
                unit=say(' with its unit, as in "2 {unit}"', unit=target.unit) if unit else "",
            )  # fmt: skip
        number = float(read[1])
        return number * self.factor(key, found, (read[2] or "").strip(), target) if unit else number

    def factor(self, key: str, found: object, unit: str, target: Target) -> float:
        known = {target.unit: 1.0} | {one: each.factor for each in target.units for one in (each.name, *each.spellings)}
        factors = {name.casefold(): factor for name, factor in known.items()}
        if unit.casefold() not in factors:
            raise UsageError(
                "'{key}' of the analysis plan '{name}' is {found}, {what}; write it with one of {units}.",
                key=key, name=self.name, found=repr(found)[:80],
                what=say("a unit that {target} does not have", target=target.id) if unit else say("without a unit"),
                units=list(dict.fromkeys([target.unit, *(each.name for each in target.units)])),
            )  # fmt: skip
        return factors[unit.casefold()]

    def families(
        self, targets: Sequence[str], subgroups: Sequence[str], margins: Mapping[str, float]
    ) -> tuple[PlannedFamily, ...]:
        stated = self.tables("family")
        if not stated:
            tests = ("baseline", *(["subgroups"] if subgroups else []), *(["equivalence"] if margins else []))
            return (PlannedFamily("primary", tests, tuple(targets)),)
        found = tuple(self.family(each, targets, subgroups, margins) for each in stated)
        names = [each.name for each in found]
        if len(set(names)) < len(names):
            raise UsageError(
                "Two families of the analysis plan '{name}' have one name; call each differently.", name=self.name
            )
        return found

    def family(
        self, given: Mapping[str, Any], targets: Sequence[str], subgroups: Sequence[str], margins: Mapping[str, float]
    ) -> PlannedFamily:
        self.keys(given, _OF_FAMILY, "[[family]]")
        called = given.get("name")
        if not isinstance(called, str) or not called.strip():
            raise UsageError(
                "A family of the analysis plan '{name}' has no name; write name = \"primary\".", name=self.name
            )
        tests = self.words("tests", given.get("tests", []))
        for each in tests:
            self.one_of("tests", each, TESTS)
        mine = self.targets("targets", given) if "targets" in given else tuple(targets)
        for each in mine:
            self.one_of("targets", each, targets)
        lacking = {"subgroups": not subgroups, "equivalence": not set(mine) & set(margins)}
        for each in tests:
            if lacking.get(each):
                raise UsageError(
                    "The family '{family}' of the analysis plan '{name}' tests '{test}', of which the plan states "
                    "none; state {key}, or leave the test out.",
                    family=called, name=self.name, test=each,
                    key="margins" if each == "equivalence" else "subgroups",
                )  # fmt: skip
        if not tests:
            self.one_of("tests", None, TESTS)
        return PlannedFamily(called.strip(), tests, mine)

    def success(self, targets: Sequence[str], families: Sequence[PlannedFamily]) -> tuple[Criterion, ...]:
        return tuple(self.criterion(each, targets, families) for each in self.tables("success"))

    def criterion(
        self, given: Mapping[str, Any], targets: Sequence[str], families: Sequence[PlannedFamily]
    ) -> Criterion:
        self.keys(given, _OF_SUCCESS, "[[success]]")
        target = self.one_of("success.target", given.get("target"), targets)
        if "test" in given:
            test = self.one_of("success.test", given["test"], CLAIMS)
            if not any(test in each.tests and target in each.targets for each in families):
                raise UsageError(
                    "The analysis plan '{name}' counts the test '{test}' of {target} as success, and no family holds "
                    "it; add it to one.",
                    name=self.name, test=test, target=target,
                )  # fmt: skip
            return Criterion(target, test=test)
        return self.limit(given, TARGETS[target])

    def limit(self, given: Mapping[str, Any], target: Target) -> Criterion:
        estimate = given.get("estimate")
        if not isinstance(estimate, str) or not (estimate in ESTIMATES or estimate.startswith("within_")):
            known = [*MAIN, "r2", "slope", "mae_over_median", "auc", *MAIN_BINARY]
            raise UsageError(
                "The analysis plan '{name}' counts the estimate {found} as success, which is not known; known are "
                "{known} and the others of metrics.json.",
                name=self.name, found=repr(estimate)[:80], known=known,
            )  # fmt: skip
        sides = [side for side in ("below", "above") if side in given]
        if len(sides) != 1:
            raise UsageError(
                "The analysis plan '{name}' must say of {estimate} either below or above which limit it is a success.",
                name=self.name, estimate=estimate,
            )  # fmt: skip
        in_unit = word(estimate).kind is Kind.UNIT and bool(target.unit)
        limit = self.amount(f"success.{sides[0]}", given[sides[0]], target, unit=in_unit)
        below = limit if "below" in given else None
        return Criterion(target.id, estimate, below, None if below is not None else limit)
