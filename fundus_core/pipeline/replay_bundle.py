"""``evaluate --replay``: the same numbers again, from what a bundle says of files, settings and versions."""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundus_core import truth
from fundus_core.analyses import Settings
from fundus_core.errors import UsageError
from fundus_core.pipeline import bundle
from fundus_core.pipeline.evaluate_files import ScoredFiles, evaluate
from fundus_core.pipeline.fitted import answer_of
from fundus_core.pipeline.linkage import Linkage
from fundus_core.pipeline.predicted import Asked
from fundus_core.pipeline.tables import write_predictions
from fundus_core.records import CohortTable
from fundus_core.store import Store
from fundus_core.tables import number, write_csv
from fundus_core.tables.units import UNITS
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay."""

    scored: ScoredFiles
    """The evaluation made again."""
    differing: tuple[str, ...]
    """Estimates that are not the same to the last digit, as ``sbp mae``."""
    estimates: int
    """How many were held against each other."""
    versions: Mapping[str, tuple[str, str]]
    """Versions that are not the same: then and now."""


def replay(file: Path, predictions: Path, measured: Path | None, out: Path) -> Replayed:
    """Make an evaluation again as a bundle says, and hold the numbers against those that came of it then.

    Raises:
        UsageError: The file is no bundle, or an input is not the file that it was made of; nothing was written.
    """
    content = _read(file)
    settings, asked, linkage = _understood(content, file.name)
    _require_inputs(content["inputs"], predictions, measured)
    scored = evaluate(predictions, measured, out, settings, asked=asked, linkage=linkage)
    then, now = content["numbers"]["targets"], json.loads(json.dumps(scored.evaluation.as_json()["targets"]))
    names = [(target, name) for target in {**then, **now} for name in {**then.get(target, {}), **now.get(target, {})}]
    differing = [f"{a} {b}" for a, b in names if then.get(a, {}).get(b) != now.get(a, {}).get(b)]
    here, there = bundle.versions(), content["versions"]
    other = {name: (there.get(name, ""), here[name]) for name in here if there.get(name) != here[name]}
    return Replayed(scored, tuple(differing), len(names), other)


def bundle_of(store: Store, cohort: str | int, model: str, *, level: str) -> bytes:
    """Return a cohort's predictions, measured values and ``replay.json`` as a ZIP; people are named as here."""
    store.owned(cohort, "exported")
    table = store.table(cohort, [model])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, measured = folder / "predictions.csv", folder / "truth.csv"
        write_predictions(made, list(store.readings(cohort, model)), list(table.predicted))
        linkage = Linkage(_write_truth(measured, table), fitted_people=answer_of(store, cohort, model))
        evaluate(made, measured, folder / "out", Settings(level), linkage=linkage)
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (made, measured, folder / "out" / bundle.FILE, folder / "out" / "metrics.json"):
                archive.write(file, file.name)
        return data.getvalue()


def _write_truth(path: Path, table: CohortTable) -> truth.Proposal:
    """Write what was measured; return what its columns are, so that nobody has to be asked."""
    words = {"photograph": table.photograph, "patient_id": table.patient_id, "eye": table.eye}
    if (table.visit != "").any():
        words["visit"] = table.visit
    numbers = {name: [number(float(value)) for value in values] for name, values in table.truth.items()}
    others = {name: cells for name, cells in table.covariates.items() if name not in {**words, **numbers}}
    write_csv(path, [*words, *numbers, *others], zip(*words.values(), *numbers.values(), *others.values(), strict=True))
    roles = {**{name: name for name in (*words, *numbers)}, **dict.fromkeys(others, "covariate")}
    codes = {name: _CODES.get(name, _YES_NO) for name in numbers if TARGETS[name].binary}
    units = {name: UNITS[name][0].name for name in numbers if name not in codes}
    return truth.Proposal(
        tuple(
            truth.Column(name, role, unit=units.get(name, ""), coding=codes.get(name, {}))
            for name, role in roles.items()
        )
    )


_CODES = {"sex": {"1": "female", "0": "male"}}
_YES_NO = {"1": "yes", "0": "no"}


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] == bundle.FORMAT:
            return dict(content)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UsageError(
        "'{name}' is no replay.json that evaluate or the page Evaluate wrote; give one of those.", name=file.name
    )


def _understood(content: Mapping[str, Any], name: str) -> tuple[Settings, Asked, Linkage]:
    """Return how the evaluation was asked for; a bundle of a later version may say what this one does not know."""
    given, settings = content["asked"], dict(content["settings"])
    try:
        before = {each: settings.pop(each) for each in _WITH_SETTINGS if each in settings}
        linkage = Linkage.from_json(content.get("linkage") or {**before, "mapping": content["columns"]})
        mapping = truth.Proposal.from_json(given["mapping"]) if given["mapping"] else None
        asked = Asked(**{**given, "columns": tuple(given["columns"]), "mapping": mapping})
        return Settings(**settings), asked, linkage
    except (TypeError, KeyError) as error:
        raise UsageError(
            "'{name}' holds settings that this version does not know ({error}); replay it with the version that it "
            "names.",
            name=name,
            error=error,
        ) from error


_WITH_SETTINGS = ("fold", "sheet", "said", "visiting")
"""Of a linkage, where bundles had them until November 2026."""


def _require_inputs(hashes: Mapping[str, str], predictions: Path, measured: Path | None) -> None:
    for name, path in (("predictions", predictions), ("truth", measured)):
        if (name in hashes) != (path is not None):
            message = "The bundle was made with {inputs}; give the same files."
            raise UsageError(message, inputs=[f"--{one}" for one in hashes])
        if path is not None and path.is_file() and bundle.sha256_of(path) != hashes[name]:
            message = "'{name}' is not the file that the numbers were made of (SHA-256 {sha256}…); give that one."
            raise UsageError(message, name=path.name, sha256=hashes[name][:16])
