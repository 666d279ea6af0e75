"""The file that a site shares: written from a :class:`Shared`, read from a stranger.

JSON, UTF-8, one object: ``format`` and ``version``, ``sha256`` of the rest, and what ``Shared`` holds under the same
names. Reading takes exactly these keys, numbers that are finite and fit each other, and counts that the rule allows;
anything else is refused in one sentence that says where.
"""

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast, get_args

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.estimate import Estimate, Scale, back
from fundus_core.evaluation.observations.sample import Level
from fundus_core.evaluation.sites.shared import (
    NAME,
    Covariances,
    Identity,
    Shared,
    SharedFlow,
    SharedTarget,
    Tenth,
    Variable,
    Why,
    because,
)
from fundus_core.evaluation.sites.site_estimates import AtSite, TargetAtSite
from fundus_core.evaluation.sites.small_cells import FEWEST
from fundus_core.plain_values import At, build
from fundus_core.targets import TARGETS

FORMAT = "fundus-lab-shared-result"
VERSION = 1
LARGEST = 2_000_000
"""Bytes; a file of every target has some 60,000."""
_DEEPEST = 8
_MANY = 200
_KEY = re.compile(r"[a-z][\w.]{0,39}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f<>]{0,100}")
_VERSION = r"[\w.+\-]*"


@dataclass(frozen=True)
class _Estimate:
    value: float | None
    low: float | None
    high: float | None
    scale: str
    scaled: float | None
    error: float | None
    why: str


@dataclass(frozen=True)
class _Target:
    unit: str
    n_photographs: int
    n_patients: int
    n: int
    estimates: Mapping[str, _Estimate]
    calibration: tuple[Tenth, ...]
    covariances: Covariances


@dataclass(frozen=True)
class _File:
    identity: Identity
    level: str
    least: int
    flow: SharedFlow
    case_mix: tuple[Variable, ...]
    targets: Mapping[str, _Target]
    withheld: tuple[str, ...]


def as_text(shared: Shared) -> str:
    """Return the file's text.

    Args:
        shared: What a site tells.
    """
    content = _plain(shared)
    return json.dumps(
        {"format": FORMAT, "version": VERSION, "sha256": _sum(content), **content},
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )


def _plain(shared: Shared) -> dict[str, Any]:
    flow = replace(shared.flow, without_truth=dict(shared.flow.without_truth))
    targets = {name: _told(each) for name, each in shared.targets.items()}
    return asdict(_File(shared.identity, shared.level, shared.least, flow, shared.case_mix, targets, shared.withheld))


def _told(one: SharedTarget) -> _Target:
    estimates = {}
    for name, each in one.measured.estimates.items():
        of, why = each.estimate, one.why.get(name, "")
        estimates[name] = _Estimate(of.value, of.low, of.high, each.scale, each.scaled, each.error, why)
    of_all = one.measured
    counts = (of_all.n_photographs, of_all.n_patients, of_all.n)
    return _Target(one.unit, *counts, estimates, one.calibration, one.covariances)


def _sum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def from_text(data: bytes, name: str) -> Shared:
    """Read a file that another site shared.

    Args:
        data: Its bytes.
        name: Of the file, for what is said of it.

    Raises:
        UsageError: It is no shared result, of another version, changed since it was written, or does not fit itself.
    """
    content = _content(data, name)
    return _read(_Told(content, name))


def _content(data: bytes, name: str) -> dict[str, Any]:
    """Return the checked file without its head."""
    if len(data) > LARGEST:
        raise UsageError(
            "'{name}' has {size:,} bytes; a shared result has at most {most:,}.",
            name=name,
            size=len(data),
            most=LARGEST,
        )
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise UsageError("'{name}' is no shared result: it cannot be read as JSON.", name=name) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(
            "'{name}' is no shared result; give a file that evaluate --share or the Evaluate page wrote.", name=name
        )
    version = found.get("version")
    if version != VERSION or isinstance(version, bool):
        raise UsageError(
            "'{name}' is a shared result of version {version}, and this program reads version {known}; let the site "
            "write it again, or update this program.",
            name=name,
            version=str(version)[:20],
            known=VERSION,
        )
    content = {key: value for key, value in found.items() if key not in ("format", "version", "sha256")}
    if _too_deep(content, _DEEPEST) or found.get("sha256") != _sum(content):
        raise UsageError("'{name}' was changed since it was written; ask the site for the file as it was.", name=name)
    return content


def _no_number(word: str) -> float:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(len(pairs))
    return made


def _too_deep(value: Any, left: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and (left == 0 or any(_too_deep(each, left - 1) for each in value))


class _Told(At):
    """A value of a stranger's file."""

    def fault(self, _wanted: str = "") -> UsageError:
        return UsageError(
            "'{name}' does not hold what a shared result holds, at {where}; ask the site to write it again.",
            name=self.file,
            where=self.where or "/",
        )

    def at(self, key: object, value: Any) -> At:
        return _Told(value, self.file, f"{self.where}/{key}")

    def table(self, known: Collection[str] = ()) -> dict[str, At]:
        """Return the values of an object by key: of exactly these, where some are known."""
        self.require(isinstance(self.value, dict) and len(self.value) <= _MANY, "")
        self.require(all(map(_KEY.fullmatch, self.value)) and (not known or set(self.value) == set(known)), "")
        return super().table()

    def each(self) -> list[At]:
        self.require(isinstance(self.value, list) and len(self.value) <= 5 * _MANY, "")
        return super().each()

    def is_a(self, hint: object) -> bool:
        """Return whether it is a short text, a count, or a finite number of a usual size."""
        if isinstance(self.value, str):
            return hint is str and _TEXT.fullmatch(self.value) is not None
        low, high = (0, 10**9) if hint is int else (-(10**12), 10**12)
        return super().is_a(hint) and low <= self.value <= high


def _read(at: At) -> Shared:
    file = build(_File, at)
    of, least = file.identity, file.least
    words = ((of.name, NAME), (of.model, rf"({NAME})?"), (of.weights_sha256, "[0-9a-f]{0,64}"), (of.software, _VERSION))
    for place, right in (
        ("level", file.level in get_args(Level)),
        ("least", least >= FEWEST),
        ("identity", all(re.fullmatch(pattern, text) for text, pattern in words)),
        ("case_mix", all(_is_variable(each, least) for each in file.case_mix)),
        *((f"targets/{name}", _is_target(name, each, least)) for name, each in file.targets.items()),
    ):
        at.at(place, None).require(right, "")
    level = cast(Level, file.level)
    targets = {name: _of_target(name, each, level, least) for name, each in file.targets.items() if name in TARGETS}
    return Shared(of, level, least, file.flow, file.case_mix, targets, file.withheld)


def _is_variable(one: Variable, least: int) -> bool:
    return min([one.n, *(each.n for each in one.histogram)]) >= least and (one.sd or 0) >= 0


def _is_target(name: str, one: _Target, least: int) -> bool:
    counts = (
        one.n_photographs,
        one.n_patients,
        one.n,
        *(n for each in one.calibration for n in (each.n, each.n_patients)),
    )
    names, size = one.covariances.names, len(one.covariances.names)
    return (
        min(counts) >= least
        and (name not in TARGETS or one.unit == TARGETS[name].unit)
        and all(map(_fits, one.estimates.values()))
        and len(one.calibration) <= 10
        and all((each.error or 0) >= 0 for each in one.calibration)
        and size <= 40
        and set(names) <= set(one.estimates)
        and len(set(names)) == size
        and len(one.covariances.lower) == size * (size + 1) // 2
    )


def _of_target(name: str, one: _Target, level: Level, least: int) -> SharedTarget:
    why = {key: cast(Why, each.why) for key, each in one.estimates.items() if each.why}
    estimates = {
        key: AtSite(
            Estimate(each.value, each.low, each.high, note=because(cast(Why, each.why), least)),
            cast(Scale, each.scale),
            each.scaled,
            each.error,
        )
        for key, each in one.estimates.items()
    }
    measured = TargetAtSite(name, level, one.n_photographs, one.n_patients, one.n, estimates)
    return SharedTarget(one.unit, measured, why, one.calibration, one.covariances)


def _fits(one: _Estimate) -> bool:
    """Whether the numbers of an estimate can be of one estimate."""
    value, low, high, scaled, error = one.value, one.low, one.high, one.scaled, one.error
    if one.scale not in get_args(Scale) or one.why not in get_args(Why) or (error is not None and error < 1e-12):
        return False
    if value is None:
        return low is None and high is None and scaled is None and error is None
    if (low is None) != (high is None) or (scaled is None) != (error is None):
        return False
    if low is not None and high is not None and not low <= value <= high:
        return False
    at_the_end = one.scale == "logit" and value in (0, 1)
    told = scaled is None or at_the_end
    return told or math.isclose(back(cast(Scale, one.scale), cast(float, scaled)), value, rel_tol=1e-5, abs_tol=1e-6)
