"""What the program says, written down, so that nothing moves unseen.

``python -m tests.frozen --out DIR`` evaluates the sample cohort and three made ones (many ties; missing values,
refusals and people without an id; several models) on the command line and on the pages, in both languages, and writes
``metrics.json``, every exported table, the text of reports, pages and slides, and the table of every figure.
``python -m tests.frozen --compare BEFORE AFTER`` shows each line that differs; a difference is a decision.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import html
import json
import logging
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CENTRE = {"sbp": (128, 17), "dbp": (76, 11), "glucose": (97, 14), "waist": (83, 11), "bmi": (23, 3.5)}
LANGUAGES = ("en", "ja")
DRAWS = 200
CODES = {"A": "a" * 64, "B": "b" * 64}


@dataclass
class Photo:
    """One row of a made cohort."""

    name: str
    patient: str
    eye: str
    status: str = "predicted"
    quality: float = 0.9
    distance: float = 0.5
    truth: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    said: dict[str, dict[str, float]] = field(default_factory=dict)
    """By model and target."""


def made(name: str, people: int, seed: int, *, grain: float = 0.0, gaps: float = 0.0, models: int = 1) -> list[Photo]:
    """Both eyes of some people; ``grain`` rounds every value to a few steps, ``gaps`` leaves that share out."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        sex, age = float(rng.integers(2)), float(np.round(rng.uniform(32, 79)))
        true = {key: rng.normal(*of) + 0.2 * (age - 55) for key, of in CENTRE.items()} | {"age": age, "sex": sex}
        for eye in ("right", "left"):
            row = Photo(
                f"{name}_{person:03d}_{eye}.jpg", f"{name[0]}{person:03d}" if gaps < 0.1 or person % 9 else "", eye
            )
            row.quality, row.distance = float(rng.uniform(0.2, 1)), float(rng.uniform(0, 1.4))
            row.truth = {
                key: v if key == "sex" else _rough(v, grain)
                for key, v in true.items()
                if rng.random() >= gaps or key == "sex"
            }
            row.words = {"site": "north" if person % 3 else "south"}
            if rng.random() < gaps / 2:
                row.status = "refused"
            for model in list(CODES)[:models]:
                bias = 2.0 * (model == "B")
                row.said[model] = {
                    key: _rough(of[0] + 0.5 * (true[key] - of[0]) + bias + rng.normal(0, 0.4 * of[1]), grain)
                    for key, of in CENTRE.items()
                } | {
                    "age": _rough(age + rng.normal(0, 4), grain),
                    "sex": float(np.clip(rng.normal(0.2 + 0.6 * sex, 0.25), 0, 1).round(2)),
                }
            rows.append(row)
    return rows


def _rough(value: float, grain: float) -> float:
    return float(np.round(value / grain) * grain) if grain else float(value)


COHORTS: Mapping[str, list[Photo]] = {
    "Ties": made("ties", 60, 1, grain=10.0),
    "Gaps": made("gaps", 80, 2, gaps=0.25),
    "Models": made("models", 50, 3, models=2),
}


def files(name: str, rows: Sequence[Photo], folder: Path) -> tuple[Path, Path]:
    """Write predictions.csv (of the first model) and truth.csv."""
    folder.mkdir(parents=True)
    targets = [*CENTRE, "age", "sex"]
    ends = [f"{target}{end}" for target in targets for end in ("", "_low", "_high")]
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["photograph", "sha256", "patient_id", "eye", "status", "reason_code", "reason", "quality",
                      "out_of_distribution", *ends, "model", "weights_sha256", "code_version"])  # fmt: skip
        for row in rows:
            said = row.said["A"] if row.status == "predicted" else {}
            numbers = [cell for target in targets for cell in _cells(target, said)]
            refused = ("", "") if row.status == "predicted" else ("focus", "Out of focus; take it again.")
            out.writerow([row.name, _sha(row), row.patient, row.eye, row.status, *refused, row.quality, row.distance,
                          *numbers, "model-A", CODES["A"], "1"])  # fmt: skip
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["photograph", "patient_id", "eye", *targets, "site"])
        for row in rows:
            out.writerow([row.name, row.patient, row.eye, *(row.truth.get(t, "") for t in targets), row.words["site"]])
    return folder / "predictions.csv", folder / "truth.csv"


def _cells(target: str, said: Mapping[str, float]) -> list[object]:
    if target not in said:
        return ["", "", ""]
    reach = 0.0 if target == "sex" else 15.0
    return [said[target], said[target] - reach if reach else "", said[target] + reach if reach else ""]


def _sha(row: Photo) -> str:
    import hashlib

    return hashlib.sha256(row.name.encode()).hexdigest()


def fill(store, name: str, rows: Sequence[Photo]) -> None:
    """Put a made cohort into a store under every model that reads it."""
    from fundus_core.records import Eye, Prediction
    from fundus_core.store import Finding, ModelVersion, NewPhotograph, TruthRow

    cohort = store.create_cohort(name)
    kept = {row.name: store.keep(row.name.encode()) for row in rows}
    store.add_photographs(
        cohort.id,
        [NewPhotograph.of_kept(row.name, kept[row.name], patient_id=row.patient, eye=Eye(row.eye)) for row in rows],
    )
    store.set_truth(cohort.id, [TruthRow(row.name, row.truth, row.words, row.patient, Eye(row.eye)) for row in rows])
    for model in reversed(rows[0].said):
        found = []
        for row in rows:
            if row.status != "predicted":
                found.append(
                    Finding(kept[row.name].sha256, "refused", "focus", "Too blurred; take it again.", quality=0.2)
                )
                continue
            said = {
                target: Prediction(value, *((math.nan,) * 2 if target == "sex" else (value - 15, value + 15)))
                for target, value in row.said[model].items()
            }
            found.append(
                Finding(kept[row.name].sha256, "predicted", "", "", row.quality, row.distance, "float32", said)
            )
        store.record(cohort.id, ModelVersion(f"model-{model}", CODES[model], "c" * 64), found)


def text_of(markup: str) -> str:
    """The words of an HTML file, one element a line, those inside its drawings too."""
    markup = re.sub(r"<(style|script)\b.*?</\1>", "", markup, flags=re.S)
    labels = re.sub(r'aria-label="([^"]*)"', r">\1<", markup)
    lines = (
        " ".join(html.unescape(line).split())
        for line in re.split(r"<[^>]*>", re.sub(r'<svg role="img" ', "<svg ", labels))
    )
    return "\n".join(line for line in lines if line) + "\n"


def command_line(out: Path) -> None:
    """What ``evaluate`` and ``compare`` write."""
    from fundus_core import pipeline
    from fundus_core.analyses import Settings

    inputs = {name: files(name, rows, out / name.lower() / "input") for name, rows in COHORTS.items()}
    sample = ROOT / "data" / "sample"
    inputs["Sample"] = (sample / "predictions.csv", sample / "truth.csv")
    for name, (predictions, truth) in inputs.items():
        to = out / name.lower() / "evaluate"
        pipeline.evaluate(predictions, truth, to, Settings("eye" if name == "Models" else "patient", draws=DRAWS))
        _as_text(to / "report.html")
    folders = {name: out / name.lower() / "evaluate" for name in ("Ties", "Gaps", "Models")}
    pipeline.compare(folders, out / "compare", Settings(draws=DRAWS, margins={"sbp": 3.0}), same_people=False)
    _as_text(out / "compare" / "report.html")


def _as_text(file: Path) -> None:
    file.with_suffix(".txt").write_text(text_of(file.read_text(encoding="utf-8")), encoding="utf-8")
    file.unlink()


PAGES: Sequence[tuple[str, Mapping[str, object]]] = [
    ("overview", {}),
    *(("evaluate", {"cohort": "Sample (rendered eyes)", "target": target}) for target in ("sbp", "age", "sex")),
    *(
        ("evaluate", {"cohort": "Gaps", "target": target, "figure": figure})
        for target, figures in {
            "sbp": ("scatter", "agreement", "calibration", "errors", "residuals", "subgroups"),
            "sex": ("scatter", "calibration", "subgroups"),
        }.items()
        for figure in figures
    ),
    ("evaluate", {"cohort": "Gaps", "target": "bmi", "by": "site", "level": "eye"}),
    ("evaluate", {"cohort": "Gaps", "target": "bmi", "by": "site", "level": "photograph", "figure": "subgroups"}),
    ("evaluate", {"cohort": "Models", "target": "sbp"}),
    ("evaluate", {"cohort": "Models", "target": "sex"}),
    ("evaluate", {"cohort": "Ties", "target": "sbp", "figure": "calibration"}),
    ("compare", {"cohorts": ["Ties", "Gaps", "Models"], "target": "sbp", "margin_sbp": "3"}),
    ("compare", {"cohorts": ["Gaps", "Models"], "target": "sex"}),
    ("criteria", {"cohort": "Gaps"}),
    ("criteria", {"cohort": "Models", "criterion": "hypertension", "curve": "pr"}),
    ("planner", {"cohort": "Models", "target": "bmi"}),
    ("present", {"cohort": "Sample (rendered eyes)"}),
    ("present", {"cohort": "Gaps"}),
]


def pages(out: Path, home_folder: Path) -> None:
    """What pages show, in both languages; every figure's table with it."""
    os.environ["FUNDUS_LAB_HOME"] = str(home_folder)
    import fundus_core.runs

    fundus_core.runs.ensure_worker = lambda store: None  # type: ignore[assignment]
    logging.disable(logging.WARNING)
    from pages.parts.shell import home, sample

    store = home.store()
    sample.ensure(store, home.folder())
    for name, rows in COHORTS.items():
        fill(store, name, rows)
    for language in LANGUAGES:
        for name, query in PAGES:
            words = "-".join(str(each) for each in query.values()).replace("/", "_") or "plain"
            to = out / "pages" / language / f"{name}-{words}.txt"
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text("\n".join(_page(name, {**query, "lang": language})) + "\n", encoding="utf-8")
            print(to.relative_to(out), file=sys.stderr)  # noqa: T201 - a script


def _page(name: str, query: Mapping[str, object]) -> Iterator[str]:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(ROOT / "pages" / "parts" / "frame.py", default_timeout=300)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    if name != "overview":
        app.switch_page(f"../{name}.py").run()
    for toggle in app.toggle:
        if toggle.key and toggle.key.startswith("table-"):
            toggle.set_value(True)
    app.run()
    if app.exception:
        message = f"{name} {query}: {app.exception[0].value}"
        raise SystemExit(message)
    yield from _shown(app)


def _shown(app) -> Iterator[str]:
    for element in app.main:
        yield from _words(element)


def _words(element) -> Iterator[str]:
    if hasattr(element, "children"):
        label = getattr(element, "label", "")
        if label:
            yield f"{element.type}: {label}"
        for child in element.children.values():
            yield from _words(child)
        return
    readers = {"arrow_data_frame": _table, "arrow_table": _table, "dataframe": _table, "table": _table}
    readers |= {"plotly_chart": _chart, "metric": _metric, "bidi_component": _component}
    yield from readers.get(element.type, _plain)(element)


def _table(element) -> Iterator[str]:
    yield f"{element.type}:\n{element.value.to_csv(index=False)}"


def _chart(element) -> Iterator[str]:
    yield from _figure(json.loads(element.proto.spec), getattr(element.proto, "alt", ""))


def _metric(element) -> Iterator[str]:
    yield f"metric: {element.label} | {element.value} | {element.delta} | {element.help}"


def _component(element) -> Iterator[str]:
    yield f"component: {text_of(_unpacked(element.proto.json or element.proto.mixed.json))}"


def _plain(element) -> Iterator[str]:
    names = ("alt",) if element.type in ("image", "imgs") else ("label", "value", "help", "options", "caption")
    yield f"{element.type}: {' | '.join(str(part) for name in names if (part := _of(element, name)))}"


def _unpacked(data: str) -> str:
    try:
        found = json.loads(data)
    except ValueError:
        return data
    return re.sub(
        r"data:image[^\"')]*", "", json.dumps(found, ensure_ascii=False).replace('\\"', '"').replace("\\n", " ")
    )


def _of(element, name: str) -> object:
    try:
        return getattr(element, name, None) or getattr(element.proto, name, None)
    except (AttributeError, ValueError, KeyError):
        return None


def _figure(figure: Mapping, alt: str) -> Iterator[str]:
    layout = figure["layout"]
    yield f"figure: {alt or layout.get('meta', {}).get('alt')}"
    titles = [layout.get(axis, {}).get("title", {}).get("text", "") for axis in ("xaxis", "yaxis")]
    yield f"axes: {titles}"
    yield from (f"note: {note.get('text')}" for note in layout.get("annotations", []))
    yield from (f"trace: {trace['type']} {trace.get('name', '')}" for trace in figure["data"])


def differences(before: Path, after: Path) -> Iterator[str]:
    """Each line that differs, file by file."""
    names = sorted({path.relative_to(top) for top in (before, after) for path in top.rglob("*") if path.is_file()})
    for name in names:
        texts = [(top / name).read_text(encoding="utf-8") if (top / name).is_file() else "" for top in (before, after)]
        if texts[0] != texts[1]:
            yield from difflib.unified_diff(
                *(text.splitlines() for text in texts), f"before/{name}", f"after/{name}", n=0, lineterm=""
            )


def main() -> None:
    """Write, or compare what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="empty folder to write to")
    parser.add_argument("--only", choices=("command-line", "pages"), help="write one half")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    told = parser.parse_args()
    if told.compare:
        print("\n".join(differences(*told.compare)))  # noqa: T201 - a script
        return
    if told.only != "pages":
        command_line(told.out)
    if told.only != "command-line":
        with tempfile.TemporaryDirectory() as folder:
            pages(told.out, Path(folder))


if __name__ == "__main__":
    main()
