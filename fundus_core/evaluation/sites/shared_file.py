"""The file that a site shares: written from a :class:`Shared`, read from a stranger.

JSON, UTF-8, one object: ``format`` and ``version``, ``sha256`` of the rest, and what ``Shared`` holds under the same
names. Reading takes exactly these keys, numbers that are finite and fit each other, and counts that the rule allows;
anything else is refused in one sentence that says where.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, get_args

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.estimate import Estimate
from fundus_core.evaluation.intervals.interval_choice import Scale, back
from fundus_core.evaluation.observations.sample import Level
from fundus_core.evaluation.sites.shared import (
    NAME,
    Count,
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
from fundus_core.evaluation.sites.untrusted_values import At
from fundus_core.targets import TARGETS

FORMAT = "fundus-lab-shared-result"
VERSION = 1
LARGEST = 2_000_000
"""Bytes; a file of every target has some 60,000."""
_DEEPEST = 8


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
    return {
        "identity": asdict(shared.identity),
        "level": shared.level,
        "least": shared.least,
        "flow": {**_fields(shared.flow), "without_truth": dict(shared.flow.without_truth)},
        "case_mix": [asdict(each) for each in shared.case_mix],
        "targets": {name: _target(each) for name, each in shared.targets.items()},
        "withheld": list(shared.withheld),
    }


def _fields(flow: SharedFlow) -> dict[str, int | None]:
    return {name: getattr(flow, name) for name in _FLOW}


_FLOW = ("people", "eyes", "photographs", "predicted", "refused", "failed")


def _target(one: SharedTarget) -> dict[str, Any]:
    of = one.measured
    return {
        "unit": one.unit,
        "n_photographs": of.n_photographs,
        "n_patients": of.n_patients,
        "n": of.n,
        "estimates": {name: _estimate(each, one.why.get(name, "")) for name, each in of.estimates.items()},
        "calibration": [asdict(each) for each in one.calibration],
        "covariances": {"names": list(one.covariances.names), "lower": list(one.covariances.lower)},
    }


def _estimate(one: AtSite, why: Why) -> dict[str, Any]:
    of = one.estimate
    return {
        "value": of.value,
        "low": of.low,
        "high": of.high,
        "scale": one.scale,
        "scaled": one.scaled,
        "error": one.error,
        "why": why,
    }


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
    return _read(At(content, name))


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


def _read(at: At) -> Shared:
    found = at.keys("identity", "level", "least", "flow", "case_mix", "targets", "withheld")
    least, level = found["least"].whole(FEWEST), found["level"].value
    found["level"].require(level in get_args(Level))
    targets = {key: _read_target(each, key, level, least) for key, each in found["targets"].named().items()}
    return Shared(
        _identity(found["identity"]),
        level,
        least,
        _read_flow(found["flow"]),
        tuple(_variable(each, least) for each in found["case_mix"].each()),
        {key: each for key, each in targets.items() if each is not None},
        tuple(each.text() for each in found["withheld"].each()),
    )


def _identity(at: At) -> Identity:
    found = at.keys("name", "model", "weights_sha256", "rendered", "software")
    found["rendered"].require(isinstance(found["rendered"].value, bool))
    return Identity(
        found["name"].text(NAME),
        found["model"].text(rf"({NAME})?"),
        found["weights_sha256"].text("[0-9a-f]{0,64}"),
        found["rendered"].value,
        found["software"].text(r"[\w.+\-]*"),
    )


def _read_flow(at: At) -> SharedFlow:
    found = at.keys(*_FLOW, "without_truth")
    counts = {name: found[name].maybe(At.whole) for name in _FLOW}
    return SharedFlow(
        **counts, without_truth={key: each.maybe(At.whole) for key, each in found["without_truth"].named().items()}
    )


def _variable(at: At, least: int) -> Variable:
    found = at.keys("name", "n", "mean", "sd", "histogram")
    histogram = tuple(_count(each, least) for each in found["histogram"].each())
    number: Callable[[At], float] = At.number
    return Variable(
        found["name"].text(),
        found["n"].whole(least),
        found["mean"].maybe(number),
        found["sd"].maybe(lambda each: each.number(0)),
        histogram,
    )


def _count(at: At, least: int) -> Count:
    found = at.keys("low", "high", "n")
    number: Callable[[At], float] = At.number
    return Count(found["low"].maybe(number), found["high"].maybe(number), found["n"].whole(least))


def _read_target(at: At, name: str, level: Level, least: int) -> SharedTarget | None:
    """Read one target; ``None`` of one that is not known here."""
    found = at.keys("unit", "n_photographs", "n_patients", "n", "estimates", "calibration", "covariances")
    people = found["n_patients"].whole(least)
    each = {key: _read_estimate(one, least) for key, one in found["estimates"].named().items()}
    tenths = tuple(_tenth(one, least) for one in found["calibration"].each(10))
    covariances = _covariances(found["covariances"], set(each))
    unit = found["unit"].text()
    if name not in TARGETS:
        return None
    found["unit"].require(unit == TARGETS[name].unit)
    measured = TargetAtSite(
        name,
        level,
        found["n_photographs"].whole(least),
        people,
        found["n"].whole(least),
        {key: one for key, (one, _) in each.items()},
    )
    return SharedTarget(unit, measured, {key: why for key, (_, why) in each.items() if why}, tenths, covariances)


def _read_estimate(at: At, least: int) -> tuple[AtSite, Why]:
    found = at.keys("value", "low", "high", "scale", "scaled", "error", "why")
    number: Callable[[At], float] = At.number
    value, low, high, scaled = (found[key].maybe(number) for key in ("value", "low", "high", "scaled"))
    error = found["error"].maybe(lambda each: each.number(1e-12))
    scale: Scale = found["scale"].value
    found["scale"].require(scale in get_args(Scale))
    why: Why = found["why"].value
    found["why"].require(why in get_args(Why))
    at.require(_fits(value, low, high, scaled, error, scale))
    return AtSite(Estimate(value, low, high, note=because(why, least)), scale, scaled, error), why


def _fits(
    value: float | None, low: float | None, high: float | None, scaled: float | None, error: float | None, scale: Scale
) -> bool:
    """Whether the numbers of an estimate can be of one estimate."""
    if value is None:
        return low is None and high is None and scaled is None and error is None
    if (low is None) != (high is None) or (scaled is None) != (error is None):
        return False
    if low is not None and high is not None and not low <= value <= high:
        return False
    at_the_end = scale == "logit" and value in (0, 1)
    return scaled is None or at_the_end or math.isclose(back(scale, scaled), value, rel_tol=1e-5, abs_tol=1e-6)


def _tenth(at: At, least: int) -> Tenth:
    found = at.keys("n", "n_patients", "predicted", "measured", "error")
    return Tenth(
        found["n"].whole(least),
        found["n_patients"].whole(least),
        found["predicted"].number(),
        found["measured"].number(),
        found["error"].maybe(lambda each: each.number(0)),
    )


def _covariances(at: At, known: set[str]) -> Covariances:
    found = at.keys("names", "lower")
    names = tuple(each.text() for each in found["names"].each(40))
    lower = tuple(each.number() for each in found["lower"].each(1000))
    at.require(
        set(names) <= known and len(set(names)) == len(names) and len(lower) == len(names) * (len(names) + 1) // 2
    )
    return Covariances(names, lower)
