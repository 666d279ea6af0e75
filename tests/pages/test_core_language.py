"""What the core says in English, pages say in Japanese: every sentence, with every value, and never an exception."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from fundus_core import evaluation, truth
from fundus_core.errors import CardError, FundusError, PhotographError, TruthError, places, say
from fundus_core.eye import decide
from fundus_core.images import decode
from fundus_core.models.importing import formats
from fundus_core.quality import KINDS, LIMITS, Kind
from fundus_core.quality.gradability import apply_limits
from fundus_core.quality.measures import Measurements
from fundus_core.records import CohortTable, Eye
from fundus_core.store import Store
from pages.parts.shell import cards, language
from tests.evaluation.conftest import cohort
from tests.images.making import dicom, every_kind, jpeg, png
from tests.pages.core_sentences import CORE, NO_SENTENCES, NOT_SHOWN, PLACE, codes, files, is_told, is_words
from tests.sources import nodes_of, tree_of

BOOK = language.tongue("ja")
OURS = language.catalogue("ja", "fundus_core")


@cache
def calls() -> list[tuple[Path, ast.Call]]:
    return [(path, node) for path in CORE.rglob("*.py") for node in nodes_of(path) if is_told(node, tree_of(path))]


# Laws ----------------------------------------------------------------------------------------------------------


def test_no_sentence_of_the_core_lacks_its_japanese() -> None:
    missing = {code: where for code, where in codes().items() if code not in OURS}
    assert not missing, f"add to pages/parts/locale/ja/LC_MESSAGES/fundus_core.po: {missing}"


def test_the_catalogue_holds_nothing_that_the_core_never_says() -> None:
    said = {word.value for _path, call in calls() for word in call.args if isinstance(word, ast.Constant)}
    left_over = set(OURS) - set(codes()) - said
    assert not left_over, f"never said: {sorted(left_over)}"


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    assert all((CORE / name).is_file() for name in NOT_SHOWN)
    written = " ".join(path.read_text(encoding="utf-8") for path in CORE.rglob("*.py"))
    assert not [words for words in NO_SENTENCES if words not in written]


def test_no_sentence_is_built_before_it_is_said() -> None:
    """An f-string has no code: neither what reads as words nor what an error or ``say`` is given may be one."""
    given = [(path, word) for path, call in calls() for word in call.args if isinstance(word, ast.JoinedStr)]
    built = [(path, node) for path in files() for node in nodes_of(path) if isinstance(node, ast.JoinedStr)]
    faults = given + [
        (path, node)
        for path, node in built
        if is_words(finished(node)) and not any(words in finished(node) for words in NO_SENTENCES)
    ]
    assert not {f"{path.relative_to(CORE)}:{node.lineno}": ast.unparse(node) for path, node in faults}


def finished(node: ast.JoinedStr) -> str:
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values).replace("{}", "0")


def test_every_place_is_given_its_value() -> None:
    """A place without a value would break the moment it is said, when something is wrong already."""
    wrong = {}
    for path, call in calls():
        template = call.args[-1].value if call.args and isinstance(call.args[-1], ast.Constant) else None
        given = {keyword.arg for keyword in call.keywords}
        if isinstance(template, str) and given and given != set(places(template)):
            wrong[f"{path.relative_to(CORE)}:{call.lineno}"] = given ^ set(places(template))
    assert not wrong


def test_a_translation_keeps_every_place_and_is_japanese() -> None:
    """A place that chooses between one and more is English's alone."""
    for code, ours in OURS.items():
        needed, there = places(code), places(ours)
        chosen = {name for name, form in needed.items() if "|" in form}
        assert there.keys() <= needed.keys() <= there.keys() | chosen, code
        assert not any(there.values()), f"a place is named alone: {{size}}, not {{size:,}}: {ours}"
        assert ours != code


OTHERS = "left. {size} 'x'; age"
"""What others write: words of ours, ends of sentences, apostrophes, places."""


def test_values_are_carried_over_as_they_are() -> None:
    for code, ours in OURS.items():
        values = {name: _other(form) for name, form in places(code).items()}
        text = BOOK.say(say(code, **values))
        for name, form in places(code).items() if values else ():
            shown = "1,234" if form == "," else OTHERS if isinstance(values[name], str | list) else ""
            assert shown in text, code
        assert not PLACE.search(text.replace(OTHERS, "")) or not values, ours


def _other(form: str) -> object:
    return OTHERS if not form else [OTHERS] if form in {"and", "or", ";", ".", "x"} else 1234


def test_words_of_ours_are_translated_within_and_lists_member_by_member() -> None:
    text = say(
        "'{id}' does not predict {unknown}; its targets are {targets}.",
        id="age",
        unknown=[say("age")],
        targets=["age", say("age")],
    )
    assert BOOK.say(text) == "「age」は年齢を推定しません。推定する項目はage、年齢です。"


def test_what_nobody_knows_stays_as_it_is() -> None:
    """A store of before kept no values: its sentences stay English."""
    assert BOOK.say("'a.csv' is empty; give a table with a heading and at least one row.").startswith("'a.csv' is")


# Messages as they are really said ------------------------------------------------------------------------------


def in_japanese(text: str) -> bool:
    """Return whether no English sentence is left over; names stand in brackets, words of tools alone."""
    own = re.sub(r"「[^」]*」|（[^（）]*）|state dict|models check", "", BOOK.say(text))
    return re.search(r"[a-z]{3,} [a-z]{2,}", own) is None and BOOK.say(text) != text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.4 a document",
        b"PK\x03\x04 an archive",
        b"GIF89a" + bytes(40),
        bytes(400),
        b"plain words",
        jpeg()[:700],
        png()[:90],
        dicom()[:900],
        *(data[: len(data) // 2] for data in every_kind().values()),
    ],
)
def test_damaged_photographs(data: bytes) -> None:
    try:
        notes = decode(data, "x").notes
    except PhotographError as fault:
        notes = (str(fault),)
    assert all(map(in_japanese, notes)), notes


def test_refusals_for_quality() -> None:
    worst = Measurements(
        kind=Kind.DRAWING,
        diameter_px=90,
        field_share=0.2,
        brightness=3,
        lit_share=0.1,
        glare_share=0.6,
        contrast=0.001,
        focus=0.001,
    )
    said = {
        check.message
        for found in (worst, *(replace(worst, kind=kind) for kind in KINDS), replace(worst, brightness=90))
        for check in apply_limits(found, LIMITS).checks
        if not check.passed
    }
    said |= {text for about in KINDS.values() for text in (about.name, about.advice) if text}
    assert len(said) > 40
    assert all(map(in_japanese, said)), said


TABLE = """photo,SBP (kPa),DBP,sex,waist,Age,氏名,HbA1c,blood pressure,side
a.jpg,17.2,9.1,1,84,61,A,5.9,128/80,R
b.jpg,16.1,12.1,2,high,44,B,6.0,1,L
b.jpg,16.0,8.1,2,999,45,B,6.0,140/90,R
total,1,2
c.jpg,19.0,9.0,1,<30,200,C,6.1,120/80,R,extra
"""


def test_a_truth_table_full_of_faults() -> None:
    read = truth.read_table(TABLE.encode(), "measured.csv")
    proposal = truth.propose(read)
    table = truth.apply(read, proposal)
    matched = truth.match(table, ["a.jpg", "b.jpg", "x.jpg"])
    said = [column.reason for column in proposal.columns]
    said += [*read.notes, *proposal.notes, *table.notes]
    said += [fault.what_to_do for fault in (*table.faults, *matched.faults)]
    assert len(said) > 15
    assert [text for text in said if not in_japanese(text)] == []


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"", "a.csv"), (b"%PDF-1.7", "b.csv"), (b"x\n", "c.csv"), (b"PK\x03\x04zip", "d.xlsx"), (bytes(range(256)), "e")],
)
def test_tables_that_are_none(data: bytes, name: str) -> None:
    with pytest.raises(TruthError) as refused:
        truth.read_table(data, name)
    assert in_japanese(str(refused.value))


def test_a_refused_import(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"no weights")
    with pytest.raises(CardError) as refused:
        formats.detect(file)
    assert in_japanese(str(refused.value))


def test_an_eye_that_sources_tell_apart() -> None:
    one = decide(table=Eye.LEFT, disc=Eye.RIGHT).note
    two = decide(table=Eye.LEFT, name=Eye.RIGHT, dicom=Eye.RIGHT).note
    assert (
        BOOK.say(one)
        == "表に従い左眼としました。視神経乳頭と血管の走行は右眼を示しています。どちらが正しいか確かめてください。"
    )
    assert "DICOM ファイルとファイル名は右眼" in BOOK.say(two)


def notes_of(table: CohortTable) -> set[str]:
    found = evaluation.evaluate(table)
    estimates = [each for result in found.targets.values() for each in result.estimates.values()]
    return {text for each in estimates for text in (each.note, each.method) if text}


@pytest.mark.parametrize("people", [2, 5, 30])
def test_notes_of_an_evaluation(people: int) -> None:
    said = notes_of(cohort(people))
    assert said
    assert [text for text in said if not in_japanese(text)] == []


def test_what_a_comparison_says() -> None:
    cohorts = {"A": cohort(40), "B": cohort(40, seed=1, spread=0.5)}
    found = evaluation.compare(cohorts, targets=["sbp"], margins={"sbp": 3.0}, draws=100)
    target = found.targets["sbp"]
    said = {each.test for each in target.differences}
    said |= {each.verdict for each in target.equivalences} | {found.note}
    said |= {target.standardised.note} if target.standardised else set()
    assert len(said) > 2
    assert [text for text in said if not in_japanese(text)] == []


@pytest.mark.parametrize("name", sorted(cards.known()))
def test_model_cards(name: str) -> None:
    card = cards.known()[name]
    said = [card.title, card.summary, card.training, card.terms, *(one.on for one in card.results)]
    assert [text for text in said if text and not in_japanese(text)] == []


def test_what_a_store_refuses(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.create_cohort("age")
    for refused in (lambda: store.create_cohort("age"), lambda: store.create_cohort(" "), lambda: store.cohort("left")):
        with pytest.raises(FundusError) as fault:
            refused()
        assert in_japanese(str(fault.value))
