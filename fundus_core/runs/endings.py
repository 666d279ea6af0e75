"""What is written of a photograph after all models have spoken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fundus_core.errors import joined
from fundus_core.records import Eye, Status
from fundus_core.runs.claims import Ending
from fundus_core.runs.looking import Looked
from fundus_core.runs.predicting import Predicted
from fundus_core.store import Finding


def ending(looked: Looked, versions: Iterable[int], predicted: Mapping[int, Predicted]) -> Ending:
    """How a photograph ended.

    Args:
        looked: What is known of it.
        versions: All that the run asks for.
        predicted: What the models said, by version id; a version that has read the same bytes before says
            nothing, neither does one that was asked about another photograph of the same bytes.
    """
    examined = looked.examined
    fault = looked.fault or next((one.fault for one in predicted.values() if one.fault), None)
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


def _findings(looked: Looked, versions: Iterable[int], predicted: Mapping[int, Predicted]) -> dict[int, Finding]:
    examined = looked.examined
    if examined is None or looked.fault:
        return {}
    if examined.status is Status.ACCEPTED:
        fine = {version: one for version, one in predicted.items() if one.fault is None}
        return {version: _prediction(looked, one) for version, one in fine.items()}
    found = Finding(
        sha256=looked.sha256,
        status=examined.status.value,
        reason_code=examined.reason_code,
        reason=examined.reason,
        quality=examined.score,
    )
    return {version: found for version in versions if version not in looked.known}


def _prediction(looked: Looked, one: Predicted) -> Finding:
    examined = looked.examined
    code, refused = one.refusal or ("", "")
    notes = (examined.reason if examined else "", one.remark)
    return Finding(
        sha256=looked.sha256,
        status=(Status.REFUSED if one.refusal else Status.PREDICTED).value,
        reason_code=code,
        reason=refused or joined(notes),
        quality=examined.score if examined else float("nan"),
        out_of_distribution=one.distance,
        precision=one.precision,
        predictions=one.predictions,
    )
