"""The READMEs promise files, verbs and options that are there."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout, suppress
from functools import cache
from pathlib import Path

import pytest

from fundus_core.__main__ import VERBS, main

ROOT = Path(__file__).resolve().parents[1]
READMES = sorted(
    path for path in ROOT.rglob("README.md") if not {".venv", ".pytest_cache", "node_modules"} & set(path.parts)
)
VERB = re.compile(r"^(?:python -m fundus_core|fundus-lab) (.+)", re.MULTILINE)


@cache
def described(*words: str) -> str:
    """Return what ``--help`` says of a verb, or of one of its parts."""
    said = io.StringIO()
    with redirect_stdout(said), suppress(SystemExit):
        main([*words, "--help"])
    return said.getvalue()


def test_there_is_one_for_whoever_comes_and_one_for_each_question() -> None:
    assert {str(path.parent.relative_to(ROOT)) for path in READMES} >= {".", "fundus_core", "deploy", "data/sample"}


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_every_link_leads_to_a_file_that_is_there(readme: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", readme.read_text(encoding="utf-8"))
    gone = [link for link in links if not link.startswith("http") and not (readme.parent / link).exists()]
    assert not gone


def test_every_command_is_one_that_the_program_knows() -> None:
    for readme in READMES:
        text = readme.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in VERB.findall(text):
            words = shlex.split(line, comments=True)
            verb = words[:2] if words[0] in ("cluster", "models", "store") else words[:1]
            assert verb[0] in VERBS, line
            known = described(*verb)
            assert known, f"{readme}: {line}"
            for option in (word.partition("=")[0] for word in words if word.startswith("--")):
                assert option in known, f"{readme}: {option} of {line}"


def test_every_place_that_the_map_of_the_code_names_is_there() -> None:
    text = (ROOT / "fundus_core" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.*]+/)+[\w.*]*|[\w]+\.py)`", text))
    assert len(named) > 40
    where = [
        ROOT,
        ROOT / "fundus_core",
        ROOT / "tests",
        *(ROOT / "fundus_core" / room for room in ("evaluation", "figures")),
        ROOT / "tests" / "pages",
    ]
    assert not [name for name in named if not any(list(place.glob(name)) for place in where if "NAME" not in name)]
