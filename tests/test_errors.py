"""A sentence of the core keeps its code and values wherever it goes, and a stranger's makes nothing of ours."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core import errors
from fundus_core.confined import StoppedError
from fundus_core.confined.answers import plain
from fundus_core.errors import (
    FundusError,
    PhotographError,
    Sentence,
    Tongue,
    UsageError,
    as_json,
    from_json,
    heard,
    joined,
    kept,
    members,
    packed,
    say,
    unpacked,
)

VALUES = st.recursive(
    st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | inner.map(lambda value: say("inside: {value}", value=value)),
    max_leaves=6,
)
JSON = st.recursive(
    st.none() | st.text(max_size=9) | st.integers() | st.floats() | st.just("{x:99999999999}"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["say", "with", "x", "each"]), inner, max_size=4)
        | st.fixed_dictionaries({"say": inner, "with": st.dictionaries(st.just("x"), inner)})
    ),
    max_leaves=12,
)


def travelled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 (our own)


def same(one: object, other: object) -> bool:
    return (
        isinstance(one, Sentence)
        and isinstance(other, Sentence)
        and (one.code, one.values) == (other.code, other.values)
    )


@given(VALUES)
def test_a_sentence_survives_every_way_it_may_go(value: object) -> None:
    """Attacked with texts of braces and controls, nested lists and sentences within sentences."""
    text = say("'{value}' is it.", value=value)
    for back in (
        travelled(text),
        copy.deepcopy(text),
        str(text),
        str(UsageError(text)),
        str(travelled(UsageError(text))),
        from_json(json.loads(json.dumps(as_json(text)))),
        unpacked("".join(text), packed(text)),
        heard(kept(text)),
    ):
        assert back == text
        assert hash(back) == hash("".join(text))
        assert same(back, text)


@pytest.mark.parametrize(
    "kind", [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, FundusError)]
)
def test_errors_of_every_kind_survive_a_process(kind: type[FundusError]) -> None:
    coded = issubclass(kind, PhotographError)
    error = kind(*(["truncated"] if coded else []), "'{name}' is {share:.0%}.", name="a", share=0.5)
    back = travelled(error)
    assert type(back) is kind
    assert str(back) == "'a' is 50%."
    assert same(str(back), str(error))
    assert not coded or back.code == "truncated"
    assert travelled(StoppedError("memory", "It ended.")).why == "memory"


@given(JSON)
def test_what_a_stranger_wrote_is_a_value_or_refused(found: object) -> None:
    """Attacked with JSON of our own shape and anything in it, numbers as wide as the memory among them."""
    try:
        back = from_json(found)
    except ValueError:
        return
    assert len(str(back)) < 10_000
    assert isinstance(unpacked("English.", json.dumps(found)), str)


@pytest.mark.parametrize(
    "written", ["", "{", "null", "[1]", '{"say": "Other.", "with": {}}', '{"say": "{x}", "with": {}}']
)
def test_values_that_do_not_make_the_text_are_left_alone(written: str) -> None:
    assert unpacked("'a' is empty.", written) == "'a' is empty."
    assert not isinstance(unpacked("'a' is empty.", written), Sentence)


def test_what_a_confined_process_says_keeps_its_values_and_steers_no_terminal() -> None:
    said = plain(say("'{name}' is\x1b[2J it.", name="a\x07b\nc"))
    assert said == "'a b c' is [2J it."
    assert isinstance(said, Sentence)
    assert len(plain(say("{name}", name="x" * 5000))) <= 700


def test_numbers_choose_their_words_and_lists_are_joined() -> None:
    text = "{n:,} {n:file|files} of {who:and}; {what}"
    assert say(text, n=1, who=["a"], what=[]) == "1 file of a; "
    assert say(text, n=1200, who=["a", "b", "c"], what=[1, 2.5]) == "1,200 files of a, b and c; 1, 2.5"
    assert say("{shape:x}", shape=(2, 3)) == "2 x 3"


def test_a_translation_is_a_look_up_and_words_of_others_stay() -> None:
    tongue = Tongue({"{n:,} {n:file|files} of {who:and}": "{who}: {n}", "age": "Alter"}, {"": ", ", "and": " und "})
    text = say("{n:,} {n:file|files} of {who:and}", n=1200, who=["age", say("age")])
    assert tongue.say(text) == "age und Alter: 1,200"
    assert tongue.say("1,200 files of age and age") == "1,200 files of age and age"


@given(st.lists(st.sampled_from(["", "One.", "Two."]), max_size=4))
def test_what_was_joined_comes_apart_again(texts: list[str]) -> None:
    assert joined(texts) == " ".join(filter(None, texts))
    assert members(joined(texts)) == tuple(filter(None, texts))
