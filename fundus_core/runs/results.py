"""What is written of a photograph after all models have spoken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fundus_core.records import Eye, Status
from fundus_core.runs.batch_prediction import read
from fundus_core.runs.preprocess import Fault, Preprocessed
from fundus_core.store import Finding
from fundus_core.store.endings import Ending


def ending(looked: Preprocessed, versions: Iterable[int], predicted: Mapping[int, Finding | Fault]) -> Ending:
    """How a photograph ended.

    Args:
        looked: What is known of it.
        versions: All that the run asks for.
        predicted: What the models said, by version id; a version that has read the same bytes before says
            nothing, neither does one that was asked about another photograph of the same bytes.
    """
    examined = looked.examined
    faults = () if _refused(looked) else (one for one in predicted.values() if not isinstance(one, Finding))
    fault = looked.fault or next(iter(faults), None)
    return Ending(
        member=looked.member,
        sha256=looked.sha256,
        stamp=looked.stamp,
        eye=examined.eye if examined else Eye.UNKNOWN,
        eye_source=examined.eye_source if examined else "",
        patient_id=examined.patient_id if examined else "",
        visit=examined.visit if examined else "",
        findings=_findings(looked, versions, predicted),
        fault=fault,
    )


def _refused(looked: Preprocessed) -> bool:
    return looked.examined is not None and looked.examined.status is not Status.ACCEPTED


def _findings(
    looked: Preprocessed, versions: Iterable[int], predicted: Mapping[int, Finding | Fault]
) -> dict[int, Finding]:
    """What each version found; a model that fails on a photograph that is refused anyway changes nothing."""
    if looked.examined is None or looked.fault:
        return {}
    found = {version: one for version, one in predicted.items() if isinstance(one, Finding)}
    if not _refused(looked):
        return found
    return {version: found.get(version, read(looked)) for version in versions if version not in looked.known}
