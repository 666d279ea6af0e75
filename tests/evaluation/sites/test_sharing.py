"""What leaves a hospital: the same meta-analysis without its people, and nothing of one of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core import evaluation
from fundus_core.analyses import Study, side_by_side, sites_in_words
from fundus_core.analyses.settings import Settings
from fundus_core.errors import UsageError
from fundus_core.evaluation import as_text, from_text, identity_of, share
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.evaluation.sites.shared_file import LARGEST, _sum
from fundus_core.evaluation.sites.sharing import withheld
from fundus_core.evaluation.sites.small_cells import FEWEST, bins, merged, shares_told
from fundus_core.targets import target
from tests.evaluation.conftest import cohort, pairs


def shared(table, name="Clinic A", level="patient"):
    identity = identity_of(table, name, "a model", "", card=False, rendered=False, software="0.1.0")
    return share(table, identity, level)


def apart(name, table):
    return replace(table, patient_id=np.char.add(f"{name}/", table.patient_id))


@pytest.fixture(scope="module")
def tables():
    return {name: apart(name, cohort(150, seed, bias=seed)) for seed, name in enumerate(("north", "south", "west"))}


@pytest.fixture(scope="module")
def told(tables):
    """As the file tells it."""
    return from_text(as_text(shared(tables["north"])).encode(), "north.json")


# The law ----------------------------------------------------------------------------------------------------------


def test_two_files_and_a_cohort_say_what_three_cohorts_say(tables, told):
    files = {"north": told, "south": from_text(as_text(shared(tables["south"])).encode(), "south.json")}
    asked = Settings(level="patient", draws=50)
    one_place = Study(lambda: tables, asked)
    apart_ = Study(lambda: {"west": tables["west"]}, asked, shared=files)
    hidden = 0
    for name in ("sbp", "sex"):
        rows = {row["estimate"]: row for row in one_place.rows(side_by_side.SITES, name)}
        theirs = {row["estimate"]: row for row in apart_.rows(side_by_side.SITES, name)}
        assert rows.keys() == theirs.keys()
        for estimate, row in rows.items():
            if any(files[site].targets[name].why.get(estimate) == "small" for site in files):
                hidden += 1
                continue
            for key, value in row.items():
                other = theirs[estimate][key]
                same = other == pytest.approx(value, abs=1e-6, rel=1e-6) if isinstance(value, float) else other == value
                assert same or key in ("note", "remark"), (estimate, key)
    assert hidden <= 8
    assert len(apart_.get(side_by_side.COMPARISON).names) == 3
    assert "3 sites" in sites_in_words(apart_, "sbp")


def test_a_comparison_holds_the_numbers_that_sites_share(tables, told):
    study = Study(lambda: {"west": tables["west"]}, Settings(level="patient", draws=50), shared={"north": told})
    rows = [row for row in study.rows(side_by_side.ESTIMATES, "sbp") if row["cohort"] == "north"]
    own = evaluation.evaluate(tables["north"], targets=["sbp"], ranked=False).targets["sbp"]
    mae = next(row for row in rows if row["estimate"] == "mae")
    assert (mae["value"], mae["low"], mae["high"]) == pytest.approx(
        (own.estimates["mae"].value, own.estimates["mae"].low, own.estimates["mae"].high), rel=1e-8
    )
    assert study.rows(side_by_side.DIFFERENCES, "sbp") == []
    assert study.rows(side_by_side.RECALIBRATION) == []
    found = {row["variable"]: row for row in study.rows(side_by_side.IMBALANCE)}
    y = {name: evaluation.units_of_analysis(tables[name], target("sbp"), "patient").y for name in tables}
    west = study.get(side_by_side.CASE_MIX)
    line = next(one for one in west if one.cohort == "west" and one.variable == "sbp")
    spread = math.sqrt((line.sd**2 + y["north"].var(ddof=1)) / 2)
    assert found["sbp"]["smd"] == pytest.approx((line.mean - y["north"].mean()) / spread, rel=1e-6)
    assert "no overlap" in found["sbp"]["note"]


def test_files_alone_can_be_compared(told, tables):
    files = {"north": told, "south": shared(tables["south"], "Clinic B"), "west": shared(tables["west"], "Clinic C")}
    study = Study(dict, Settings(), shared=files)
    assert study.level == "patient"
    assert "new site" in sites_in_words(study, "sbp")
    twice = Study(dict, Settings(), shared={**files, "again": told})
    assert "one site twice" in sites_in_words(twice, "sbp")


def test_another_level_is_left_out_with_its_reason(tables, told):
    files = {"north": told, "south": shared(tables["south"], level="eye")}
    study = Study(lambda: {"west": tables["west"]}, Settings(level="patient", draws=50), shared=files)
    row = study.rows(side_by_side.SITES, "sbp")[0]
    assert row["sites"] == 2
    assert "another level (eye)" in row["remark"]


def test_what_is_written_is_read(tables):
    one = shared(tables["north"], level="eye")
    assert from_text(as_text(one).encode(), "x") == one


def test_covariances_are_those_of_the_jackknife(told):
    one = told.targets["sbp"]
    names, k = one.covariances.names, len(one.covariances.names)
    matrix = np.zeros((k, k))
    matrix[np.tril_indices(k)] = one.covariances.lower
    errors = [one.measured.estimates[name].error for name in names]
    assert np.sqrt(np.diag(matrix)) == pytest.approx(errors, rel=1e-6)
    whole = matrix + np.tril(matrix, -1).T
    assert np.linalg.eigvalsh(whole / np.outer(errors, errors)).min() > -1e-6


# Nothing of one person --------------------------------------------------------------------------------------------


def numbers(value):
    if isinstance(value, dict | list):
        return [one for each in (value.values() if isinstance(value, dict) else value) for one in numbers(each)]
    return [value] if type(value) in (int, float) else []


def counts(content):
    """Every count of people or photographs in a file."""
    flow = [n for n in (*content["flow"].values(), *content["flow"]["without_truth"].values()) if type(n) is int]
    cells = [cell["n"] for one in content["case_mix"] for cell in one["histogram"]]
    tenths = [
        one[n] for each in content["targets"].values() for one in each["calibration"] for n in ("n", "n_patients")
    ]
    whole = [each[n] for each in content["targets"].values() for n in ("n", "n_patients", "n_photographs")]
    return [*flow, *cells, *tenths, *whole, *(one["n"] for one in content["case_mix"])]


@settings(max_examples=8, deadline=None)
@given(
    st.integers(1, 70), st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.3]), st.sampled_from(["patient", "eye"])
)
def test_no_count_is_small_and_no_target_has_more_numbers_than_people(people, seed, gaps, level):
    table = cohort(people, seed, gaps=gaps)
    content = json.loads(as_text(shared(table, level=level)))
    assert not [n for n in counts(content) if 0 < n < FEWEST]
    for name, one in content["targets"].items():
        free = [e for e in one["estimates"].values() if e["value"] is not None]
        pairs_ = 2 * len(free)
        k = len(one["covariances"]["names"])
        mix = next(each for each in content["case_mix"] if each["name"] == name)
        told_ = pairs_ + 4 * len(one["calibration"]) + k * (k - 1) // 2 + len(mix["histogram"])
        assert told_ + 2 <= one["n_patients"]
    text = json.dumps(content)
    assert not [who for who in (*table.patient_id, *table.photograph) if f'"{who}"' in text]


def test_a_cohort_of_twelve_tells_less_than_it_has_and_of_nine_nothing():
    twelve, nine = shared(cohort(12, 1, gaps=0)), shared(cohort(9, 1, gaps=0))
    assert nine.targets == {}
    assert nine.case_mix == ()
    assert nine.flow.people is None
    assert set(nine.withheld) >= {"sbp", "age", "sex"}
    given = [each for each in twelve.targets["sbp"].measured.estimates.values() if each.estimate.value is not None]
    assert 0 < len(given) <= 5
    assert twelve.targets["sbp"].calibration == ()


def test_the_one_who_lacks_age_cannot_be_got_by_subtraction():
    """MAE over 100 beside an age-and-sex baseline over 99 of them is the hundredth's error."""
    draw = np.random.default_rng(3)
    y, age = draw.normal(130, 15, 100), draw.normal(60, 9, 100)
    sex = np.tile([0.0, 1.0], 50)
    age[17] = np.nan
    table = pairs(y, y + draw.normal(0, 8, 100), age=age, sex=sex)
    one = shared(table).targets["sbp"]
    for name in ("mae_age_sex", "rmse_age_sex", "r2_age_sex", "mae_over_age_sex"):
        assert one.measured.estimates[name].estimate.value is None
        assert one.why[name] == "small"
    assert "medae" in withheld(evaluation.units_of_analysis(table, target("sbp"), "patient"))
    assert "medae" not in one.measured.estimates


def test_the_one_who_was_refused_is_in_no_count():
    table = cohort(80, 4, gaps=0)
    who = table.patient_id == "P0003"
    flow = shared(replace(table, status=np.where(who, "refused", table.status))).flow
    assert flow.refused is None
    assert flow.people == 80  # 79 or 80: whole tens
    assert flow.photographs % 10 == flow.predicted % 10 == 0
    few = cohort(83, 4, gaps=0)
    lacking = replace(few, truth={**few.truth, "sbp": np.where(few.patient_id == "P0003", np.nan, few.truth["sbp"])})
    flow = shared(lacking).flow
    assert flow.people == 80
    assert flow.without_truth["sbp"] is None
    assert flow.without_truth["dbp"] == 0


def test_extremes_belong_to_nobody():
    """One giant: neither their value nor a bin, tenth or edge of their own is in the file."""
    draw = np.random.default_rng(2)
    y = np.append(draw.normal(130, 10, 99), 250.0)
    table = pairs(y, y + draw.normal(0, 5, 100))
    content = json.loads(as_text(shared(table)))
    assert 250.0 not in numbers(content)
    assert max(cell["low"] or 0 for cell in content["case_mix"][0]["histogram"]) < 160
    assert min(cell["n"] for cell in content["case_mix"][0]["histogram"]) >= FEWEST
    assert min(one["n_patients"] for one in content["targets"]["sbp"]["calibration"]) >= FEWEST


def test_one_with_most_of_the_photographs_is_no_cohort():
    """A mean over 60 photographs of which one person has 50 is that person's."""
    who = np.repeat([f"{k:02d}" for k in range(11)], [50, *[1] * 10])
    draw = np.random.default_rng(1)
    y = 120 + 10 * draw.normal(size=11)[np.repeat(np.arange(11), [50, *[1] * 10])]
    table = pairs(y, y + draw.normal(size=60), patient=who)
    assert shared(table, level="photograph").withheld == ("sbp",)
    assert "sbp" in shared(table).targets


def test_classes_of_few_are_withheld_together():
    """Accuracy, with sensitivity, would give the few who are wrong on the other side."""
    y = np.repeat([0.0, 1.0], 60)
    p = np.where(y == 1, 0.8, 0.2) + 0.01 * np.random.default_rng(1).normal(size=120)
    p[:15] = 0.9  # fifteen wrongly called, and four missed
    p[60:64] = 0.1
    table = pairs(y, p)
    table = replace(table, truth={"sex": y}, predicted={"sex": np.clip(p, 0, 1)})
    one = shared(table).targets["sex"]
    assert {name for name, why in one.why.items() if why == "small"} >= {"accuracy", "sensitivity", "specificity"}
    rare = replace(table, truth={"sex": np.where(np.arange(120) < 6, 1.0, 0.0)})
    assert shared(rare).withheld == ("sex",)


def test_cells_are_merged_and_differences_of_shares_are_no_small_count():
    draw = np.random.default_rng(5)
    for _ in range(200):
        cells = [[int(n), int(m)] for n, m in draw.integers(0, 30, (draw.integers(1, 9), 2))]
        parts = merged(cells)
        sums = [np.sum(np.array(cells)[part], axis=0) for part in parts]
        assert not [n for total in sums for n in total if 0 < n < FEWEST]
        assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
        assert not parts or (parts[0].start, parts[-1].stop) == (0, len(cells))
        within = np.sort(draw.integers(0, 60, 3)).tolist()
        told_ = [
            n
            for name, n in zip("abc", within, strict=True)
            if name in shares_told(dict(zip("abc", within, strict=True)), 60)
        ]
        steps = np.diff([0, *told_, 60])
        assert not [n for n in steps if 0 < n < FEWEST] or not told_
        values = draw.normal(100, 30, 80)
        edges = bins(values, 10.0, np.arange(80))
        assert sum(n for *_, n in edges) == 80
        for low, high, n in edges:
            assert n == ((values >= (low or -1e9)) & (values < (1e9 if high is None else high))).sum() >= FEWEST


@pytest.mark.parametrize(
    "name", ["P0003", "clinic P0003", "photo_00001", "Müller <b>", "a/b", "", " x", "x" * 50, "a\nb"]
)
def test_a_name_that_tells_of_a_person_or_breaks_a_page_is_refused(name):
    with pytest.raises(UsageError, match=r"name"):
        identity_of(cohort(20), name, "m", "", card=False, rendered=False, software="1")


def test_the_name_of_an_unknown_model_is_told_as_its_hash():
    table, person = cohort(20), "model of Dr Tanaka for Yamada Taro"
    one = identity_of(table, "東京 1", person, "zz", card=False, rendered=False, software="1")
    assert one.model.startswith("model-")
    assert "Yamada" not in one.model
    assert one.weights_sha256 == ""
    assert identity_of(table, "B", person, "", card=False, rendered=False, software="1").model == one.model
    assert identity_of(table, "B", "joir-b7", "", card=True, rendered=False, software="1").model == "joir-b7"


def test_two_shares_of_one_cohort_tell_the_one_between_them():
    """Not prevented, and the README says so: nobody may share a cohort again without one of its people."""
    table = cohort(60, 5, gaps=0)
    fewer = select_rows(table, table.patient_id != "P0007")
    a, b = (shared(each).case_mix[0] for each in (table, fewer))
    missing = a.mean * a.n - b.mean * b.n
    assert missing == pytest.approx(table.truth["sbp"][table.patient_id == "P0007"][0], abs=1e-3)


# Strangers' files -------------------------------------------------------------------------------------------------


def forged(told, change):
    """A file whose content was changed by somebody who made the sum right again."""
    content = json.loads(as_text(told))
    change(content)
    rest = {key: value for key, value in content.items() if key not in ("format", "version", "sha256")}
    content["sha256"] = _sum(rest)
    return json.dumps(content).encode()


def set_at(path, value):
    def change(content):
        *way, last = path.split("/")
        for key in way:
            content = content[int(key) if isinstance(content, list) else key]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("targets/sbp/estimates/mae/value", 3.0),
        ("targets/sbp/estimates/mae/error", 0.0),
        ("targets/sbp/estimates/mae/error", -1.0),
        ("targets/sbp/estimates/mae/scaled", None),
        ("targets/sbp/estimates/mae/low", 1e300),
        ("targets/sbp/estimates/mae/scale", "cubic"),
        ("targets/sbp/estimates/mae/value", True),
        ("targets/sbp/estimates/mae/value", "9"),
        ("targets/sbp/estimates/mae/rows", [1, 2]),
        ("targets/sbp/n_patients", 3),
        ("targets/sbp/n_patients", 12.5),
        ("targets/sbp/unit", "kPa"),
        ("targets/sbp/covariances/names", ["mae", "mae"]),
        ("targets/<script>", {}),
        ("identity/name", "<img src=x>"),
        ("identity/name", "x" * 5000),
        ("level", "planet"),
        ("level", ["patient"]),
        ("least", 1),
        ("patients", [{"id": "P1"}]),
        ("case_mix/0/n", 1),
        ("flow/people", -4),
        ("targets", []),
        ("withheld", "sbp"),
    ],
)
def test_a_forged_file_is_refused_by_the_place(told, path, value):
    with pytest.raises(UsageError, match=r"'x\.json' does not hold what a shared result holds, at "):
        from_text(forged(told, set_at(path, value)), "x.json")


def test_an_edited_file_is_refused(told):
    text = as_text(told)
    with pytest.raises(UsageError, match="was changed since"):
        from_text(text.replace('"refused": ', '"refused": 1', 1).encode(), "x.json")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"format": NaN}', b"[" * 100_000, b'{"a": 1, "a": 2}',
        b'{"format": "other"}', b"9" * 10_000, b'{"format": "fundus-lab-shared-result", "x": ' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_shared_result_is_refused(data):
    with pytest.raises(UsageError, match=r"'x\.json' is no shared result"):
        from_text(data, "x.json")


def test_other_versions_and_too_large_files_are_refused(told):
    for version in (2, "1", None, True, 10**30):
        data = as_text(told).replace('"version": 1', f'"version": {json.dumps(version)}', 1).encode()
        with pytest.raises(UsageError, match="is a shared result of version"):
            from_text(data, "x.json")
    with pytest.raises(UsageError, match="at most"):
        from_text(b" " * (LARGEST + 1), "x.json")
    deep = forged(told, set_at("withheld", json.loads("[" * 200 + "]" * 200)))
    with pytest.raises(UsageError, match="changed since"):
        from_text(deep, "x.json")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(anything, st.data())
def test_any_value_anywhere_is_one_sentence_or_a_result(told, value, data):
    def change(content):
        at = content
        while True:
            if not isinstance(at, dict | list) or not at:
                return
            key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else list(range(len(at)))))
            if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
                at[key] = value
                return
            at = at[key]

    said = ""
    try:
        assert from_text(forged(told, change), "x.json").least >= FEWEST
    except UsageError as error:
        said = str(error)
    assert said == "" or ("x.json" in said and "\n" not in said and len(said) < 300)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_one_sentence(data):
    with pytest.raises(UsageError, match=r"x\.json"):
        from_text(data, "x.json")
