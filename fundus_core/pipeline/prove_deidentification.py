"""``deidentify --prove``: plant invented names, run the whole path on copies, and search all that was written."""

import json
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fundus_core import __version__, images, processes, runs
from fundus_core.deidentify import Names, Trace, planted, search, write_key
from fundus_core.errors import PhotographError, UsageError
from fundus_core.records import Pixels
from fundus_core.store import Store
from fundus_core.synthetic import synthesise
from fundus_core.tables import write_csv

MOST = 12
"""Photographs that are copied; each format comes up several times."""
_SECONDS = 900.0
NOT_LOOKED_AT = (
    "pixels of pictures in another size than the photograph's own (crops, thumbnails)",
    "writing over the retina unlike what was planted, in letters, colour, size or place (look at the exports)",
    "slides and figures that are made in the browser",
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was planted, run, searched and found."""

    at: str
    """When, in UTC."""
    code_version: str
    """Of this package."""
    machine: str
    """System and Python."""
    photographs: int
    """How many copies names were planted in."""
    steps: tuple[str, ...]
    """The verbs that were run, each with its exit status."""
    files: int
    """How many files were searched."""
    found: tuple[Trace, ...]
    """Every place where a planted name came through."""
    failed: tuple[str, ...]
    """Verbs that did not run to their end: nothing is proved where there are any."""
    not_looked_at: tuple[str, ...] = NOT_LOOKED_AT
    """What this cannot tell."""

    @property
    def passed(self) -> bool:
        """Whether everything ran, something was searched, and nothing was found."""
        return not self.found and not self.failed and self.files > 0

    def as_text(self) -> str:
        """Return the result as a page that can be filed."""
        verdict = "PASSED: no planted name was found." if self.passed else "NOT PASSED."
        lines = [
            f"De-identification, tried on {self.at} by Fundus Lab {self.code_version} ({self.machine})",
            verdict,
            f"Names were planted in {self.photographs} copies of photographs (tags, EXIF, XMP, colour profile, "
            "comments, trailing bytes, file and folder names; burned in beside the retina, over it, "
            f"or in the bar beyond a flat cut) and in a table; {self.files} written files were searched.",
            *self.steps,
            *(f"FOUND in {trace.where}, written as {trace.written}" for trace in self.found),
            *(f"NOT RUN TO ITS END: {verb}" for verb in self.failed),
            f"Not looked at: {'; '.join(self.not_looked_at)}.",
        ]
        return "\n".join(lines) + "\n"


def prove(paths: Sequence[Path], out: Path, *, model: str = "sample-rendered") -> Proof:
    """Run the proof with a model and write it as ``proof.json`` and ``proof.txt`` into a folder.

    Copies of the photographs are used, which are only read; rendered ones where there are none.

    Raises:
        UsageError: No photograph could be read.
    """
    with tempfile.TemporaryDirectory(prefix="fundus-proof-") as scratch:
        folder, names = Path(scratch), Names.invented()
        originals, key = folder / "originals", folder / "proof.key"
        write_key(key)
        burned = [
            planted(pixels, names, originals, at) for at, pixels in enumerate(_pixels(paths, folder / "rendered"))
        ]
        if not burned:
            raise UsageError(
                "No photograph could be read, so nothing was proved; give photographs, or none for rendered ones."
            )
        table = _table(originals, names, [one.path for one in burned])
        written = folder / "written"
        steps = [(verb[0], _run(verb, folder)) for verb in _verbs(originals, table, key, written, model)]
        with Store.open(folder / "home") as store:
            runs.stop_worker(store)
            for cohort in store.cohorts():
                store.export(cohort.id, written / f"cohort-{cohort.id}.zip")
        looked, found = search(folder, names.all, skip=(originals, key, folder / "rendered"), burned=burned)
        told = tuple(f"{verb}: exit status {status}" for verb, status in steps)
        failed = tuple(verb for verb, status in steps if status not in (0, 1))
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        machine = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
        proof = Proof(now, __version__, machine, len(burned), told, looked, tuple(found), failed)
    out.mkdir(parents=True, exist_ok=True)
    record = {"passed": proof.passed, **asdict(proof)}
    (out / "proof.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "proof.txt").write_text(proof.as_text(), encoding="utf-8")
    return proof


def _pixels(paths: Sequence[Path], rendered: Path) -> Iterator[Pixels]:
    if not paths:
        synthesise(4, 7, rendered, size=384)
        paths = [rendered / "photographs"]
    given = 0
    for source in images.sources(paths):
        try:
            yield images.decode(source.read(), source.name).pixels
        except (OSError, PhotographError):
            continue
        given += 1
        if given == MOST:
            return


def _table(originals: Path, names: Names, files: Sequence[Path]) -> Path:
    """Measured values with names in the file's name, a heading, ids, remarks, and a row that no photograph has."""
    head = ["photograph", "patient_id", "sbp", "age", "Remark", f"Seen by {names.latin}"]
    rows = [[file.name, f"{names.latin}-{at // 2}", 110 + at, 60, names.kanji, "x"] for at, file in enumerate(files)]
    path = originals / f"{names.latin}.csv"
    write_csv(path, head, [*rows, [f"{names.kanji}.jpg", names.latin, names.latin, 50, names.kanji, "x"]])
    return path


def _verbs(originals: Path, table: Path, key: Path, out: Path, model: str) -> list[list[str]]:
    photographs = str(next(path for path in originals.iterdir() if path.is_dir()))
    hidden = ["--pseudonym-key", str(key)]
    results = out / "results"
    measured, black = ["--truth", str(table)], ["--writing", "blackout"]
    pair = ["--predictions", str(results / "predictions.csv"), "--truth", str(results / "truth.csv")]
    return [
        ["inspect", photographs, "--out", str(out / "inspected.csv"), *hidden],
        ["deidentify", photographs, *measured, "--out", str(out / "export"), *hidden],
        ["deidentify", photographs, *measured, "--out", str(out / "export.zip"), *hidden, *black],
        [
            "predict",
            photographs,
            *measured,
            "--model",
            model,
            "--cohort",
            "proof",
            "--out",
            str(results),
            *hidden,
            *black,
        ],
        ["evaluate", *pair, "--out", str(out / "evaluated")],
    ]


def _run(verb: Sequence[str], folder: Path) -> int:
    """Run a verb in a process of its own whose home, settings, temporary files and output are searched afterwards."""
    places = {"FUNDUS_LAB_HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "TMPDIR": "temporary"}
    for name in (*places.values(), "logs", "written"):
        (folder / name).mkdir(exist_ok=True)
    around = processes.environment(**{name: str(folder / place) for name, place in places.items()})
    around.pop("FUNDUS_LAB_STORE", None)
    with (folder / "logs" / f"{verb[0]}.log").open("ab") as log:
        command = processes.command("fundus_core", *verb)
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
                command, env=around, cwd=folder, stdout=log, stderr=log, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return 124
    return done.returncode
