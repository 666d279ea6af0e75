"""What the core says in English, pages say in Japanese: every sentence, with every value, and never an exception."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core import evaluation, truth
from fundus_core.errors import CardError, FundusError, PhotographError, TruthError
from fundus_core.eye import decide
from fundus_core.images import decode
from fundus_core.models.importing import formats
from fundus_core.quality import LIMITS
from fundus_core.quality.assess import judge
from fundus_core.quality.measures import Measurements
from fundus_core.records import CohortTable, Eye
from fundus_core.store import Store
from pages.parts.shell import cards, language
from pages.parts.shell.translate_core import PLACE, Phrasebook, places, sentences
from tests.evaluation.conftest import cohort
from tests.images.making import dicom, every_kind, jpeg, png
from tests.pages.core_sentences import CORE, NO_SENTENCES, NOT_SHOWN, templates

BOOK = language.phrasebook("ja")
OURS = language.catalogue("ja", "fundus_core")
WANTED = templates()
NUMBERS = st.sampled_from(["7", "1,234", "0.52", "-3.1", "4e-05", "62%", "1.2e+03"])
OTHERS = st.text("xyz789山田_-", min_size=1, max_size=9)
GIVEN = st.text("xyz9 山田.,;'()-", min_size=1, max_size=16).map(str.strip)
GIVEN = GIVEN.filter(lambda name: name and not re.search(r"(?<!\w)'|'(?!\w)", name))
"""Names of files and headings, which hold anything, ends of sentences and apostrophes included."""


# Laws ----------------------------------------------------------------------------------------------------------


def test_no_sentence_of_the_core_lacks_its_japanese() -> None:
    missing = {sentence: where for sentence, where in WANTED.items() if sentence not in OURS}
    assert not missing, f"add to pages/parts/locale/ja/LC_MESSAGES/fundus_core.po: {missing}"


def test_the_catalogue_holds_nothing_that_the_core_never_says() -> None:
    assert not set(OURS) - set(WANTED), f"never said: {sorted(set(OURS) - set(WANTED))}"


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    assert all((CORE / name).is_file() for name in NOT_SHOWN)
    written = " ".join(path.read_text(encoding="utf-8") for path in CORE.rglob("*.py"))
    gone = [words for words in NO_SENTENCES if "{" not in words and words not in written]
    assert not gone


@pytest.mark.parametrize("sentence", sorted(OURS))
def test_a_translation_keeps_every_place_and_is_japanese(sentence: str) -> None:
    assert places(OURS[sentence]) == places(sentence)
    assert not any(form for _name, form in PLACE.findall(OURS[sentence])), (
        "a place is named alone: {size}, not {size:,}"
    )
    assert OURS[sentence] != sentence


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.data())
@pytest.mark.parametrize("sentence", sorted(filter(PLACE.search, OURS)))
def test_values_are_carried_over(sentence: str, data: st.DataObject) -> None:
    """Whatever stands in a sentence's places stands in those of its translation."""
    given_names = set(re.findall(r"'\{(\w+)\}'", sentence))
    values = {}
    for name, form in PLACE.findall(sentence):
        values[name] = data.draw(NUMBERS if form else GIVEN if name in given_names else OTHERS, label=name)
    said = PLACE.sub(lambda place: values[place[1]], sentence)
    assert BOOK.translate(said) == PLACE.sub(lambda place: values[place[1]], OURS[sentence])


@given(st.text(max_size=200))
def test_what_nobody_knows_stays_as_it_is(text: str) -> None:
    assert Phrasebook({}).translate(text) == text


@given(
    st.lists(st.sampled_from(sorted(one for one in OURS if one.endswith(".") and not PLACE.search(one))), min_size=1)
)
def test_sentences_that_follow_each_other_are_said_one_by_one(said: list[str]) -> None:
    assert BOOK.translate(" ".join(said)) == "".join(OURS[one] for one in said)


def test_an_unknown_sentence_leaves_its_neighbours_translated() -> None:
    assert BOOK.translate("Nobody knows this. Reduce it. Nor this.") == "Nobody knows this. 縮小してください。Nor this."


def test_names_of_others_are_not_translated() -> None:
    assert BOOK.translate("'age' holds the same values.") == "「age」も同じ値です。"
    assert "「left. right」" in BOOK.translate("The cohort has no photograph 'left. right'.")


def test_lists_and_joined_notes_are_translated_member_by_member() -> None:
    assert "年齢、血糖" in BOOK.translate("'m' does not predict sex; its targets are age, blood glucose.").replace(
        "年齢", "年齢"
    )
    joined = "only 9 people: the interval is rough; nothing varies"
    assert BOOK.translate(joined) == "9 人だけのため、区間はおおよそです；値にばらつきがありません"


def test_sentences_end_at_full_stops_that_a_space_follows() -> None:
    assert sentences("v1.2 holds 3.4 of it. Take it!  Why? ") == ["v1.2 holds 3.4 of it.", "Take it!", "Why?"]


# Messages as they are really said ------------------------------------------------------------------------------


def in_japanese(text: str) -> bool:
    """Return whether no English sentence is left over; names stand in brackets, words of tools alone."""
    own = re.sub(r"「[^」]*」|（[^（）]*）", "", BOOK.translate(text))
    return re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", own) is None and BOOK.translate(text) != text


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
        likeness=0.1,
        circle=False,
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
        for found in (worst, replace(worst, circle=True), replace(worst, brightness=90))
        for check in judge(found, LIMITS).checks
        if not check.passed
    }
    assert len(said) > 7
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
        BOOK.translate(one)
        == "表に従い左眼としました。視神経乳頭の位置は右眼を示しています。どちらが正しいか確かめてください。"
    )
    assert "DICOM ファイルとファイル名は右眼" in BOOK.translate(two)


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
    said = {each.test for each in target.differences} | {each.correction for each in target.differences}
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
