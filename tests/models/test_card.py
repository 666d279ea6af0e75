"""Cards: read strictly, written so that they read the same."""

import math
import os
import tomllib
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core.errors import CardError, FundusError
from fundus_core.models import card as cards
from fundus_core.models import card_files, registry
from fundus_core.targets import TARGETS

BUNDLED = sorted(registry.BUNDLED.glob("*.toml"))


@pytest.fixture
def card():
    return card_files.read(BUNDLED[0])


def plain(card):
    return tomllib.loads(card_files.to_toml(card))


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_a_bundled_card_reads_marks_what_nobody_confirmed_and_bundles_no_weights(path):
    card = card_files.read(path)
    assert card.id == path.stem
    assert {"input.size", "input.value_range", "outputs.scale"} <= set(card.unverified)
    assert not card.ready
    assert card.weights.page.startswith("http")
    assert card.citation
    assert "JOIR" in card.title
    assert "Research use only" in card.terms


def test_published_results_on_the_cards_are_those_of_the_targets():
    for path in BUNDLED:
        for result in card_files.read(path).results[:5]:
            target = TARGETS[result.target]
            published = target.published_accuracy if target.binary else target.published_mae
            if "MobileNet" not in card_files.read(path).title and "after fine-tuning" not in result.on:
                assert result.value == published


@settings(max_examples=50, deadline=None)
@given(
    title=st.text(),
    scale=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
    options=st.fixed_dictionaries(
        {},
        optional={
            "channels": st.lists(st.integers(1, 4096), min_size=1, max_size=5).map(tuple),
            "stem_type": st.from_regex("[a-z0-9_]{0,9}", fullmatch=True),
            "drop_path_rate": st.floats(0, 1),
            "class_token": st.booleans(),
        },
    ),
)
def test_a_written_card_reads_the_same(tmp_path_factory, title, scale, options):
    card = card_files.read(BUNDLED[0])
    changed = replace(
        card,
        title=title,
        backbone_options=options,
        outputs=(replace(card.outputs[0], scale=scale), *card.outputs[1:]),
    )
    path = tmp_path_factory.mktemp("card") / "card.toml"
    card_files.write(changed, path)
    again = card_files.read(path)
    assert card_files.to_toml(again) == card_files.to_toml(changed)
    assert again.title == title
    assert again.outputs[0].scale == scale


def dotted_keys():
    later = ("brought", "folder", "measured", "recalibrated")
    yield from (field.name for field in fields(cards.Card) if field.name not in later)
    for table, kind in (
        ("input", cards.Input),
        ("weights", cards.WeightsFile),
        ("golden", cards.Golden),
        ("precision", cards.Precision),
        ("outputs", cards.Output),
    ):
        yield from (f"{table}.{field.name}" for field in fields(kind) if field.default is MISSING)


def part(content, key):
    """The table in which a dotted key stands, and its last name."""
    *above, name = key.split(".")
    for step in above:
        content = content[step][0] if isinstance(content[step], list) else content[step]
    return content, name


@pytest.mark.parametrize("key", list(dotted_keys()))
def test_a_missing_key_is_named(card, key):
    content = plain(card)
    table, name = part(content, key)
    del table[name]
    with pytest.raises(CardError, match=rf"lacks the key '[\w\[\]0.]*{name}'"):
        card_files.parse(content, Path(), "card.toml")


@pytest.mark.parametrize("key", ["sise", "input.sise", "outputs.sise", "weights.sise", "folder", "brought"])
def test_an_unknown_key_is_named(card, key):
    content = plain(card)
    table, name = part(content, key)
    table[name] = 1
    with pytest.raises(CardError, match=rf"unknown key '[\w\[\]0.]*{name}'"):
        card_files.parse(content, Path(), "card.toml")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("runtime", "pickle", "one of timm, openvino"),
        ("input.channels", "grb", "one of rgb, bgr"),
        ("input.size", "600", "must be int"),
        ("input.size", 600.0, "must be int"),
        ("input.size", True, "must be int"),
        ("input.size", 4, "16 to 2048"),
        ("input.std", [1.0, 1.0], "a list of 3"),
        ("input.std", [1.0, 0.0, 1.0], "positive"),
        ("outputs.target", "weight", "one of sbp"),
        ("outputs.unit", "cmHg", "must be"),
        ("outputs.link", "square", "one of identity"),
        ("outputs.scale", math.nan, "finite"),
        ("outputs", [], "one or more"),
        ("id", "../other", "letters, digits"),
        ("unverified", ["colour"], "no key of the card"),
        ("input", 3, "a table"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(card, key, value, message):
    content = plain(card)
    table, name = part(content, key)
    table[name] = value
    with pytest.raises(CardError, match=message):
        card_files.parse(content, Path(), "card.toml")


def test_a_file_that_is_no_toml_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe= [")
    with pytest.raises(CardError, match="not a TOML file"):
        card_files.read(tmp_path / "card.toml")
    with pytest.raises(CardError, match="cannot be opened"):
        card_files.read(tmp_path / "none.toml")


def test_a_card_that_was_read_is_read_anew_once_a_letter_of_it_changes(card, tmp_path):
    file = tmp_path / "card.toml"
    card_files.write(replace(card, title="One"), file)
    before, then = card_files.read(file), file.stat()
    card_files.write(replace(card, title="Two"), file)
    os.utime(file, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert [before.title, card_files.read(file).title] == ["One", "Two"], "of the same size and time"
    assert card_files.read(file) is card_files.read(file)


def test_the_hash_of_a_card_follows_its_meaning_and_not_its_place(card, tmp_path):
    assert replace(card, folder=tmp_path).sha256 == card.sha256
    output = replace(card.outputs[0], offset=card.outputs[0].offset + 1e-9)
    assert replace(card, outputs=(output, *card.outputs[1:])).sha256 != card.sha256


def test_a_card_of_the_user_replaces_a_bundled_one_and_of_two_with_one_id_neither_serves(card, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    card_files.write(replace(card, title="mine"), tmp_path / "one" / "card.toml")
    assert registry.find(card.id, tmp_path).title == "mine"
    card_files.write(replace(card, title="mine too"), tmp_path / "two" / "card.toml")
    with pytest.raises(CardError, match="Two cards have the id"):
        registry.find(card.id, tmp_path)
    assert card.id not in registry.models(tmp_path)  # nor does the bundled one in their place


def test_a_wrong_card_is_named_and_the_others_serve(card, tmp_path):
    for name, text in {
        "broken": "[",
        "joir-age": "id = 'joir-age'\n",
        "bytes": "\0" * 9,
        "deep": "a." * 9999,
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.toml").write_text(text)
    (tmp_path / "folder" / "card.toml").mkdir(parents=True)
    (tmp_path / "good").mkdir()
    card_files.write(replace(card, id="good"), tmp_path / "good" / "card.toml")
    known = registry.shelf(tmp_path)
    assert "good" in known.cards
    assert set(known.faults) == {"broken", "joir-age", "bytes", "deep", "folder"}
    assert all("card.toml" in fault for fault in known.faults.values())
    with pytest.raises(CardError, match=r"card\.toml"):
        registry.find("joir-age", tmp_path)  # the bundled one does not stand in for it


def test_an_unknown_model_is_answered_with_those_that_exist(tmp_path):
    with pytest.raises(FundusError, match="joir-age"):
        registry.find("nobody", tmp_path)
