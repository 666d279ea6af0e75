"""Finds everything that the core says and a page may show: codes, of which the Japanese catalogue must hold each.

A code is what ``say`` or an error is given, and any other string that is no docstring and in which two words in small
letters follow each other. An f-string that reads so is a fault: it is finished English, which nobody can translate.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from fundus_core.evaluation.criteria.definitions import CRITERIA
from fundus_core.models import registry
from fundus_core.quality import KINDS
from fundus_core.records import Status
from fundus_core.tables import headings
from fundus_core.tables.covariates import MEASURES
from fundus_core.targets import TARGETS
from pages.parts.shell import language
from tests.sources import nodes_of

CORE = Path(__file__).resolve().parents[2] / "fundus_core"
ROOMS = (
    "errors plain_values targets confined identity tables images retina quality eye deidentify truth evaluation models "
    "journey inference explain training store runs checking pipeline"
).split()
"""Rooms whose text can reach a page; figures say theirs through ``Look.say`` into the pages' own catalogue."""

NOT_SHOWN = {
    "runs/worker.py": "help and errors of a command, and a log",
    "runs/supervisor.py": "the name of a thread",
    "pipeline/compare_files.py": "about folders that the command line reads",
    "pipeline/prediction.py": "the verb of the command line",
    "pipeline/prove_deidentification.py": "a proof that the command line files",
    "deidentify/planted_names.py": "letters of invented names",
    "deidentify/search_names.py": "where a planted name was found, for that file",
    "pipeline/evaluate_files.py": "the verbs of the command line",
    "pipeline/linkage.py": "about files that the command line reads",
    "pipeline/result_files.py": "the verbs of the command line",
    "pipeline/predicted.py": "about files that the command line reads",
    "pipeline/predictions_reader.py": "about files that the command line reads",
    "pipeline/tables.py": "names of columns",
    "pipeline/training_figures.py": "the name of a part of a training",
    "training/__main__.py": "help of a command",
    "training/command.py": "help and errors of a command",
    "training/finish.py": "a card's own words",
    "store/backup.py": "the verb of the command line",
    "store/backup_database.py": "the verb of the command line",
    "store/health.py": "the verb of the command line",
    "store/health_folder.py": "the verb of the command line",
    "store/migrations/first.py": "SQL",
    "store/migrations/targets_as_rows.py": "SQL",
}
"""Files without a sentence for a page, each with the reason."""

NO_SENTENCES = {
    "less than expected": "sought in what pydicom says",
    "premature end of jpeg file": "sought in what libjpeg says",
    "extraneous bytes before marker 0xd9": "sought in what libjpeg says",
    "unknown pixel mode": "sought in what Pillow says",
    "Could not decode": "sought in what SQLite says",
    "Exception from": "sought in what OpenVINO says",
    "bytes, ": "how a file is known again",
    "has no attribute": "in Python's own words",
    "the batch could not be written yet (": "a log",
    "system volume information": "the name of a folder",
    "see timm.list_models()": "the name of a function",
}
"""What reads as words and is never shown, each with the reason."""

WORDS = (
    "left right says say heading cells missing comment truth photographs people eyes quality mae accuracy none "
    "triglycerides Benjamini-Hochberg"
).split()
"""Single words that stand in a place of a sentence, or alone in a table."""

SYSTEM = (
    "No such file or directory",
    "Permission denied",
    "Is a directory",
    "Not a directory",
    "File exists",
    "No space left on device",
    "Read-only file system",
    "File name too long",
    "Too many open files",
    "database is locked",
    "file is not a database",
)
"""What the operating system or the database says within a sentence of the core."""

PLACE = re.compile(r"\{\w+(?::[^{}]*)?\}")
_LETTERS = re.compile(r"[A-Za-z]{2}")
_CITED = re.compile(r"\bdoi\b|arXiv|PMID")


def is_words(text: str) -> bool:
    """Return whether a text is one for people: a word and a small-letter word after it, on one line, in English."""
    plain = PLACE.sub("0", text)
    if re.search(r"[\n|\\\u3040-\u30ff\u4e00-\u9fff]", plain):
        return False
    return re.search(r"\w[,;:')]* [a-z]{2,}\b", plain) is not None


def is_told(node: ast.AST, tree: ast.Module) -> bool:
    """Return whether a call makes a sentence: the ``say`` of the errors, or an error."""
    name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
    return name.endswith("Error") or (name == "say" and _imports_say(tree))


def _imports_say(tree: ast.Module) -> bool:
    ours = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module == "fundus_core.errors"]
    return any(name.name == "say" for one in ours for name in one.names)


def _docstrings(nodes: Sequence[ast.AST]) -> set[int]:
    bodies = (getattr(node, "body", None) for node in nodes)
    lines = (line for body in bodies if isinstance(body, list) for line in body if isinstance(line, ast.Expr))
    return {id(line.value) for line in lines if isinstance(line.value, ast.Constant)}


def files() -> list[Path]:
    """Return the core's files with words for a page."""
    rooms = (path for room in ROOMS for path in [CORE / f"{room}.py", *(CORE / room).rglob("*.py")])
    return sorted(path for path in rooms if path.is_file() and str(path.relative_to(CORE)) not in NOT_SHOWN)


def strings(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield every string that is no docstring, and whether ``say`` is given it; an f-string with ``{}`` for values."""
    nodes = nodes_of(path)
    left_out = _docstrings(nodes)
    said = {id(word) for node in nodes if getattr(getattr(node, "func", None), "id", "") == "say" for word in node.args}  # type: ignore[attr-defined]
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in node.values}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value, id(node) in said


def _of_cards() -> Iterator[tuple[str, str]]:
    """Yield what the cards that come with the project say; citations and acknowledgements are worded by others."""
    for path in [registry.SAMPLE, *sorted(registry.BUNDLED.glob("*.toml"))]:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in ("title", "summary", "training", "licence", "terms"):
            yield card[key], path.name
        for result in card["results"]:
            yield from ((result[key], path.name) for key in ("measure", "on", "source"))


def _of_targets() -> Iterator[tuple[str, str]]:
    """What was published, and units in words: the files of targets say them."""
    for name, target in TARGETS.items():
        said = (each.study for each in target.published)
        texts = [text for study in said for text in (study.name, study.people, study.population, study.read)]
        texts += [each.note for each in target.published]
        texts += [f"share {target.said(1)}"]
        for text in (*texts, *(unit.name for unit in target.units)):
            if " " in text:
                yield text, f"targets/{name}.toml"


def _of_tables() -> Iterator[tuple[str, str]]:
    """Yield what kinds of pictures are called, what can be done, and why a column is no target."""
    for kind in KINDS.values():
        yield from ((text, "quality/kinds.toml") for text in (kind.name, kind.advice) if text)
    yield from ((says, "tables/vocabulary.toml") for _, says in headings.OTHERS)
    yield from ((one.name, "tables/measures.toml") for one in MEASURES.values() if " " in one.name)
    yield from ((text, "criteria/criteria.toml") for one in CRITERIA.values() for text in (one.name, one.source))


@cache
def codes() -> dict[str, str]:
    """Return every code of the core that a page may show, and the file that holds it."""
    as_printed = {each.study.source for target in TARGETS.values() for each in target.published} | set(NO_SENTENCES)
    found = dict.fromkeys([*WORDS, *SYSTEM, *(status.value for status in Status)], "")
    in_source = ((text, said, str(path.relative_to(CORE))) for path in files() for text, said in strings(path))
    elsewhere = ((text, False, where) for text, where in (*_of_cards(), *_of_targets()))
    tables = ((text, True, where) for text, where in _of_tables())
    for text, said, where in (*in_source, *elsewhere, *tables):
        if (said or is_words(text)) and text not in as_printed and _LETTERS.search(PLACE.sub("", text)):
            found.setdefault(text, where)
    own = language.catalogue("ja")
    return {text: where for text, where in found.items() if text not in own and not _CITED.search(text)}
