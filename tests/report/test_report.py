"""One report: complete, alone, the same for the same cohort, and small for a large one."""

import dataclasses
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from fundus_core.analyses import Settings, Study, one_cohort
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.quality import KINDS, Kind
from fundus_core.records import CohortTable
from fundus_core.report import Subject, render
from fundus_core.report.checklist import CHECKLISTS
from fundus_core.report.paper import tables_of

CENTRE = {"sbp": (128, 17), "dbp": (76, 11), "glucose": (97, 14), "waist": (83, 11)}
DRAWS = 60


def cohort(people: int, seed: int = 1, targets: tuple[str, ...] = tuple(CENTRE)) -> CohortTable:
    """Both eyes of each person; predictions drawn to the mean."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), 2)
    n = len(who)
    sex, age = rng.integers(0, 2, people).astype(float), rng.uniform(35, 80, people)
    truth = {"age": age[who], "sex": sex[who]}
    predicted = {"sex": np.clip(0.5 + 0.35 * (2 * sex[who] - 1) + rng.normal(0, 0.2, n), 0, 1)}
    for name in targets:
        centre, sd = CENTRE[name]
        y = rng.normal(centre, sd, people)[who]
        truth[name] = y
        predicted[name] = centre + 0.5 * (y - centre) + rng.normal(0, 0.3 * sd, n)
    names = np.array([f"P{k:06d}" for k in who])
    eye = np.array(["right", "left"])[np.arange(n) % 2]
    return CohortTable(
        photograph=np.char.add(np.char.add(names, "_"), eye),
        patient_id=names,
        eye=eye,
        status=np.where(np.arange(n) % 40 == 7, "refused", "predicted"),
        reason=np.full(n, ""),
        quality=rng.random(n),
        out_of_distribution=rng.random(n) * 1.6,
        truth=truth,
        predicted=predicted,
        low={},
        high={},
        covariates={"site": np.array(["A", "B"])[who % 2]},
    )


def subject(table: CohortTable, draws: int = DRAWS) -> Subject:
    code = np.where(table.status == "refused", "focus", "")
    return Subject(
        "Clinic", Study.of(table, Settings(draws=draws)), (), "own", "For research.", rendered=False, reason_code=code
    )


def test_the_flow_counts_what_photographs_seem_to_be():
    table = cohort(20)
    reasons = [""] * (len(table) - 4) + [KINDS[kind].advice for kind in (Kind.OCT, Kind.MASK, Kind.OCT)]
    reasons.append(f"The file holds several pictures; the first one was read. {KINDS[Kind.STRETCHED].advice}")
    found = subject(dataclasses.replace(table, reason=np.array(reasons))).flow.kinds
    assert found == {KINDS[Kind.OCT].name: 2, KINDS[Kind.MASK].name: 1, KINDS[Kind.STRETCHED].name: 1}


@pytest.fixture(scope="module")
def whole():
    return subject(cohort(150))


@pytest.fixture(scope="module")
def page(whole):
    return render(whole)


def test_every_section_of_the_record_is_there(page):
    for heading in (
        "Photographs and people", "Comparison with baselines", "Subgroups", "Right and left eye", "Published elsewhere",
        "Derived criteria", "Predicted against true prevalence", "Reporting checklist",
    ):  # fmt: skip
        assert f">{heading}" in page, heading
    assert "calls too few people positive" in page
    for band in ("quality", "out of distribution"):
        assert f"<td>{band}</td>" in page


def test_every_criterion_has_counts_and_curves(page, whole):
    names = [each.criterion.name.split(":")[0] for each in whole.study.get(one_cohort.CRITERIA)]
    assert len(names) == 10
    for name in names:
        assert page.count(name) >= 3, name
    able = [each for each in whole.study.get(one_cohort.CRITERIA) if each.judged]
    assert page.count("Decision curve: net benefit") == len(able) == 5  # no lipids: of a syndrome there are bounds
    assert page.count("Bounds over everybody") == 5 + sum(bool(each.bounds) for each in able)


def test_the_page_needs_no_other_machine(page):
    allowed = page.replace("http://www.w3.org/", "").replace("http-equiv", "")
    assert not re.search(r"https?:|<script|src=(?!\"data:)", allowed)


def test_every_row_of_the_results_names_its_target(whole):
    for one in tables_of(whole.study, whole.title)[1:]:
        assert one.table.head[0] == "Target"
        assert all(row[0] for row in one.table.body)


def test_every_figure_is_well_formed(page):
    drawn = re.findall(r"<svg role.*?</svg>", page, re.S)
    assert len(drawn) > 40
    for figure in drawn:
        ET.fromstring(figure)  # noqa: S314 - our own text


def test_an_age_band_keeps_its_upper_end_on_paper(page):
    assert re.search(r"age: 40 to (<|&lt;)50", page)


def test_tables_hold_what_the_report_shows(whole):
    treated = (one_cohort.TREATED, one_cohort.TREATED_PREVALENCES)  # no column says who is
    found = {each.id: whole.study.rows(each) for each in one_cohort.TABLES if each not in treated}
    assert {row["by"] for row in found["subgroups"]} == {"sex", "age", "eye", "quality", "out_of_distribution", "site"}
    assert {row["target"] for row in found["eyes"]} == set(whole.evaluation.targets)
    assert len(found["baselines"]) == 2 * len(whole.evaluation.targets)
    assert [row["target"] for row in found["beyond"]] == list(whole.evaluation.targets)
    for name in ("change", "repeatability", "course"):
        assert not found.pop(name, None), f"{name}: nobody has a second visit"
    # No intervals came with these predictions, nobody asked for a gap or gave a reliability, and all were predicted.
    empty = {name for name, rows in found.items() if not rows}
    assert all(
        name.startswith(("prediction_intervals", "gap", "missing", "weighted", "reference", "decided", "refused"))
        for name in empty
    )
    for name, rows in found.items():
        assert len({tuple(row) for row in rows}) <= 1, f"{name}: rows of one table have the same columns"


def test_a_baselines_difference_is_that_of_the_scores(whole):
    scores = whole.evaluation.targets["sbp"].estimates
    first = next(row for row in whole.study.rows(one_cohort.BASELINES) if row["target"] == "sbp")
    assert first["difference"] == pytest.approx(scores["mae"].value - scores["mae_median"].value)


def test_a_cohort_of_three_people_has_a_report():
    text = render(subject(cohort(3, targets=("waist",))))
    assert "No probability: " in text
    assert "needs 20 people" in text


def test_a_report_of_many_photographs_stays_small():
    """One of seven targets, and one of eight criteria: five megabytes are for all of them."""
    made = render(subject(cohort(2_600, targets=("waist",)), draws=10))
    assert len(made.encode()) < 600_000


def test_checklists_number_every_item_of_their_originals():
    """TRIPOD+AI has 27 items, 52 with their letters (its table 1); CLAIM of 2020 has 42."""
    tripod, claim = ([each.number for each in one.items] for one in CHECKLISTS)
    assert [int(re.match(r"\d+", number)[0]) for number in tripod] == list(range(1, 28))
    assert sum(ord(number[-1]) - ord("a") + 1 if "–" in number else 1 for number in tripod) == 52
    assert claim == [str(number) for number in range(1, 43)]


# The last here: what it does not draw, no test after it in this module would.
@pytest.mark.usefixtures("undrawn")
def test_the_same_cohort_gives_the_same_page_in_any_order():
    table = cohort(60, targets=("waist",))
    order = np.random.default_rng(2).permutation(len(table))
    again = subject(select_rows(table, order))
    assert render(again) == render(subject(table))
