"""Finds every sentence of the core that a page may show; the Japanese catalogue must hold each.

The rule: a string or f-string that is no docstring and in which two words in small letters follow each other. It is
cut into sentences as the pages cut what they show; a value's place becomes ``{name:format}``, a constant string
that is put in by name stands there as it is. Strings of one word are no sentences; those that stand in a place of a
sentence, or alone on a page, come from where they are defined (``words``).
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fundus_core.evaluation.cohorts.published import PUBLISHED
from fundus_core.models import registry
from fundus_core.records import Status
from fundus_core.targets import TARGETS
from pages.parts.shell import language
from pages.parts.shell.translate_core import PLACE, sentences

CORE = Path(__file__).resolve().parents[2] / "fundus_core"
ROOMS = (
    "errors targets confined identity tables images retina quality eye deidentify truth evaluation models journey "
    "inference explain store runs checking pipeline training/finish"
).split()
"""Rooms whose text can reach a page; figures say theirs through ``Look.say`` into the pages' own catalogue."""

NOT_SHOWN = {
    "runs/worker.py": "help and errors of a command, and a log",
    "runs/process.py": "the name of a thread",
    "pipeline/comparing.py": "about folders that the command line reads",
    "pipeline/prediction.py": "the verb of the command line",
    "pipeline/proving.py": "a proof that the command line files",
    "deidentify/planting.py": "letters of invented names",
    "deidentify/searching.py": "where a planted name was found, for that file",
    "pipeline/scoring.py": "the verbs of the command line",
    "pipeline/predicted.py": "about files that the command line reads",
    "pipeline/tables.py": "names of columns",
    "pipeline/trained.py": "the name of a part of a training",
    "store/backup.py": "the verb of the command line",
    "store/health.py": "the verb of the command line",
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
    "fundus_core explain:": "sought in what a command says",
    "system volume information": "the name of a folder",
    "see timm.list_models()": "the name of a function",
    "{which} of {which_2}": "numbers, which stand in a sentence",
    "{backbone} for {targets}": "the title of a model, made of names",
    "{st_size} bytes, {st_mtime_ns} ns": "how a file is known again",
    "the store could not be used yet ({error})": "a log",
    "the batch could not be written yet ({error})": "a log",
}
"""What reads as words and is never shown, each with the reason."""

WORDS = (
    "left right says say heading cells missing comment truth photographs people eyes quality mae accuracy none "
    "Benjamini-Hochberg"
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

_CITED = re.compile(r"\bdoi\b|arXiv|PMID")


def _is_words(text: str) -> bool:
    """Return whether a text is one for people: a word and a small-letter word after it, on one line, in English."""
    if re.search(r"[\n|\\\u3040-\u30ff\u4e00-\u9fff]", text):
        return False
    return re.search(r"\w[,;:')]* [a-z]{2,}\b", PLACE.sub("0", text)) is not None


def _docstrings(tree: ast.AST) -> set[int]:
    bodies = (getattr(node, "body", None) for node in ast.walk(tree))
    lines = (line for body in bodies if isinstance(body, list) for line in body if isinstance(line, ast.Expr))
    return {id(line.value) for line in lines if isinstance(line.value, ast.Constant)}


@cache
def _constants(path: Path) -> dict[str, str]:
    """Return the module's constant strings by name, those that it imports from the core included."""
    found: dict[str, str] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            other = CORE.parent / f"{(node.module or '').replace('.', '/')}.py"
            there = _constants(other) if CORE in other.parents and other.is_file() else {}
            found |= {one.name: there[one.name] for one in node.names if one.name in there}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            text = _template(node.value, found)
            if text is not None and not PLACE.search(text):
                found |= {target.id: text for target in node.targets if isinstance(target, ast.Name)}
    return found


def _template(node: ast.AST, constants: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    used: dict[str, int] = {}
    return "".join(_part(part, constants, used) for part in node.values)


def _part(part: ast.expr, constants: dict[str, str], used: dict[str, int]) -> str:
    if not isinstance(part, ast.FormattedValue):
        return str(ast.literal_eval(part))
    if isinstance(part.value, ast.Name) and part.value.id in constants:
        return constants[part.value.id]
    name = _name(part.value) or "value"
    used[name] = used.get(name, 0) + 1
    number = "" if used[name] == 1 else f"_{used[name]}"
    form = "".join(
        one.value if isinstance(one, ast.Constant) else "" for one in getattr(part.format_spec, "values", ())
    )
    return f"{{{name}{number}{':' + form if form else ''}}}"


def _name(node: ast.expr) -> str:
    """Return what a value in a sentence is called: the last name of the expression that makes it."""
    if isinstance(node, ast.Name):
        return node.id.strip("_").lower()
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_").lower()
    if isinstance(node, ast.Call):
        of_method = [node.func.value] if isinstance(node.func, ast.Attribute) and node.args else []
        return next((found for child in (*node.args, *of_method, node.func) if (found := _name(child))), "")
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return next((found for child in inner if (found := _name(child))), "")


def _strings(node: ast.AST, docstrings: set[int], constants: dict[str, str]) -> Iterator[str]:
    if id(node) in docstrings:
        return
    text = _template(node, constants)
    if text is not None:
        yield text
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _strings(child, docstrings, constants)


def _files() -> list[Path]:
    rooms = (path for room in ROOMS for path in [CORE / f"{room}.py", *(CORE / room).rglob("*.py")])
    return sorted(path for path in rooms if path.is_file() and str(path.relative_to(CORE)) not in NOT_SHOWN)


def _of_source() -> Iterator[tuple[str, str]]:
    for path in _files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for text in _strings(tree, _docstrings(tree), _constants(path)):
            yield text, str(path.relative_to(CORE))


def _of_cards() -> Iterator[tuple[str, str]]:
    """Yield what the cards that come with the project say; citations and acknowledgements are worded by others."""
    for path in [registry.SAMPLE, *sorted(registry.BUNDLED.glob("*.toml"))]:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in ("title", "summary", "training", "licence", "terms"):
            yield card[key], path.name
        for result in card["results"]:
            yield from ((result[key], path.name) for key in ("measure", "on", "source"))


def _of_targets() -> Iterator[tuple[str, str]]:
    """Where a figure was published, and units in words: the files of targets say them."""
    for name, target in TARGETS.items():
        for text in (target.published_source, *(unit.name for unit in target.units)):
            if " " in text:
                yield text, f"targets/{name}.toml"


def templates() -> dict[str, str]:
    """Return every sentence of the core that a page may show, and the file that holds it."""
    as_printed = {each.study.source for each in PUBLISHED} | set(NO_SENTENCES)
    found = dict.fromkeys([*WORDS, *SYSTEM, *(status.value for status in Status)], "")
    for text, where in (*_of_source(), *_of_cards(), *_of_targets()):
        for sentence in map(_plain, sentences(text)):
            if _is_words(sentence) and sentence not in as_printed and not _CITED.search(sentence):
                found.setdefault(sentence, where)
    own = language.catalogue("ja")
    return {sentence: where for sentence, where in found.items() if sentence not in own}


def _plain(sentence: str) -> str:
    """Return a sentence without the place of another one before it, and without what joins it to the next."""
    return re.sub(r"^(?:\{[^}]*\} ?(?=[A-Z])|\{reason\} (?=['{]))", "", sentence).strip(" ;")
