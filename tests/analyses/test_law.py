"""The law: one number has the same digits, name and unit on a page, in a report, on a slide, in CSV and in JSON.

Attacked with a cohort of ties, gaps and refusals: every row of every analysis is read back from its file and written
again; pages are opened in both languages, and what they show is sought in the report.
"""

import csv
import json
import re

import pytest

from fundus_core import evaluation, pipeline
from fundus_core.analyses import Settings, Study, labels, layout, make_ids_unique, one_cohort, shown, side_by_side
from fundus_core.analyses.labels import COLUMNS, ESTIMATES, Kind
from fundus_core.report import html, target_sections
from fundus_core.targets import TARGETS
from pages.parts.shell import home, language
from tests import frozen

NUMBER = re.compile(r"[+−]?[0-9][0-9,]*(?:\.[0-9]+)?(?: %)?")
SAY = {
    "en": str,
    "ja": lambda text: language.catalogue("ja").get(text) or language.tongue("ja").say(text),
}
OVER_TIME = (one_cohort.CHANGE, one_cohort.REPEATABILITY)
"""Nothing is repeated in these cohorts: ``test_over_time`` holds the law for them."""
OF_MISSING = (one_cohort.WEIGHTED, one_cohort.MISSING, one_cohort.REFUSED, one_cohort.REFUSED_ALONG, one_cohort.DECIDED)
"""Nobody is missing in these cohorts: ``test_missing`` and ``test_refused`` hold the law for them."""
OF_TREATED = (one_cohort.TREATED, one_cohort.TREATED_PREVALENCES)
"""Nobody says who is treated in these cohorts: ``test_beside_the_error`` holds the law for them."""
LEFT_OUT = (*OVER_TIME, *OF_MISSING, *OF_TREATED)
ONE = (one_cohort.SCORES, *(each for each in one_cohort.TABLES if each not in LEFT_OUT))


@pytest.fixture(scope="module", autouse=True)
def _few_draws():
    """The law is the same for 60 draws, by every way to them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "NUMBER_OF_DRAWS", 60)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two cohorts evaluated and compared on the command line, without drawing."""
    top = tmp_path_factory.mktemp("law")
    with pytest.MonkeyPatch.context() as patch:
        for module in (target_sections, target_sections, html):
            patch.setattr(module, "svg", lambda *_args, **_more: "")
        for name in ("Models", "Ties"):
            inputs = frozen.files(name, frozen.COHORTS[name], top / "input" / name)
            pipeline.evaluate(*inputs, top / name, Settings(gap_with=("glucose",), reliability=("sbp=0.9",)))
        pipeline.compare(
            {name: top / name for name in ("Models", "Ties")}, top / "both", Settings(margins={"sbp": 3.0})
        )
    return top


@pytest.fixture(scope="module")
def study(files):
    inputs = (files / "Models" / "predictions.csv", files / "Models" / "truth.csv")
    scored = pipeline.score_files(*inputs, Settings(gap_with=("glucose",), reliability=("sbp=0.9",)))
    return scored.study


@pytest.fixture(scope="module")
def both(files):
    names = ("Models", "Ties")
    sides = {n: pipeline.score_files(files / n / "predictions.csv", files / n / "truth.csv") for n in names}
    tables = make_ids_unique(
        {n: side.table for n, side in sides.items()}, {n: side.predictions.sha256 for n, side in sides.items()}
    )
    return Study(lambda: tables).at("patient", {"sbp": 3.0})


def read(file):
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def raw(text):
    """A cell of a file as the program holds it."""
    try:
        return float(text)
    except ValueError:
        return text or None


def text_of(report):
    return " ".join(frozen.text_of(report.read_text(encoding="utf-8")).split())


@pytest.mark.parametrize("analysis", ONE, ids=lambda each: each.id)
def test_a_table_read_back_from_its_file_is_written_alike(files, study, analysis):
    rows = study.rows(analysis)
    assert rows
    back = [{key: raw(row[key]) for key in rows[0]} for row in read(files / "Models" / f"{analysis.id}.csv")]
    assert len(back) == len(rows)
    assert layout(back, own=analysis.words).body == layout(rows, own=analysis.words).body


@pytest.mark.parametrize("analysis", side_by_side.TABLES, ids=lambda each: each.id)
def test_a_comparisons_file_and_json_hold_what_is_shown(files, both, analysis):
    rows = both.rows(analysis)
    told = json.loads((files / "both" / "comparison.json").read_text(encoding="utf-8"))[analysis.id]
    back = [{key: raw(row[key]) for key in rows[0]} for row in read(files / "both" / f"{analysis.id}.csv")]
    body = layout(rows, own=analysis.words).body
    assert layout(told, own=analysis.words).body == body
    assert layout(back, own=analysis.words).body == body


def test_metrics_json_holds_the_numbers_of_the_table(files, study):
    found = json.loads((files / "Models" / "metrics.json").read_text(encoding="utf-8"))["targets"]
    for row in study.rows(one_cohort.SCORES):
        of = found[row["target"]][row["estimate"]]
        assert {key: of[key] for key in ("value", "low", "high")} == {key: row[key] for key in ("value", "low", "high")}


@pytest.mark.parametrize("target", TARGETS)
def test_a_report_shows_every_cell(files, study, target):
    report = text_of(files / "Models" / "report.html")
    for analysis in (one_cohort.SCORES, *one_cohort.SECTIONS, side_by_side.PUBLISHED):
        if analysis.needs(TARGETS[target]):
            assert lost_from(report, shown(study, analysis, target)) == [], analysis.id


def lost_from(report, table):
    return [cell for row in table.body for cell in row if " ".join(cell.split()) not in report]


def test_a_report_shows_every_cell_of_the_criteria(files, study):
    report = text_of(files / "Models" / "report.html")
    tables = [shown(study, each) for each in one_cohort.OF_ALL_CRITERIA]
    of_one = (one_cohort.DECISIONS, one_cohort.TENTHS, one_cohort.BOUNDS)
    tables += [shown(study, each, criterion) for criterion in study.criteria for each in of_one]
    assert len([table for table in tables if table.body]) > 10
    for table in tables:
        assert lost_from(report, table) == []


def test_the_criterias_tables_hold_the_numbers_of_their_file(files, study):
    """Prevalences and thresholds are laid out anew; each number is that of the exported row, with its interval."""
    rows = read(files / "Models" / "criteria.csv")
    of_file = {(row["name"], row["threshold"], row["estimate"]): row for row in rows}
    of_all = (one_cohort.COUNTS, one_cohort.PREVALENCES, one_cohort.CRITERIA_CALIBRATION)
    found = [(row["criterion"], "", row) for analysis in of_all for row in study.rows(analysis)]
    for one in study.criteria:
        name = study.get(one_cohort.CRITERION, one).criterion.name
        found += [(name, f"{row['threshold']:g}", row) for row in study.rows(one_cohort.DECISIONS, one)]
    assert len(found) > 10
    for name, threshold, row in found:
        for estimate in {key.removesuffix("_note") for key in row if key.endswith("_note")}:
            exported = of_file[name, threshold, estimate]
            assert raw(exported["value"]) == row[estimate]
            assert [raw(exported[end]) for end in ("low", "high")] == [
                row[f"{estimate}_{end}"] for end in ("low", "high")
            ]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(tmp_path_factory.mktemp("pages")))
        store = home.store()
        for name in ("Models", "Ties"):
            frozen.fill(store, name, frozen.COHORTS[name])
        yield store


def cells(app, analysis=None):
    """Rows of all tables on a page; with an analysis, once that was chosen in the fold."""
    if analysis is not None:
        app.selectbox(key="pick_analysis_selectbox").set_value(analysis.id).run()
        assert not app.exception
    return [[str(cell) for cell in row] for frame in app.dataframe for row in frame.value.itertuples(index=False)]


@pytest.mark.parametrize("lang", language.LANGUAGES)
@pytest.mark.parametrize("target", ["bmi", "sex"])
def test_the_evaluate_page_shows_what_the_report_says(files, study, opened, page, lang, target):
    app = page("evaluate", ["analyses"], cohort="Models", model="model-A", target=target, lang=lang)
    for analysis in (one_cohort.SCORES, one_cohort.BASELINES, one_cohort.EYES):
        if not analysis.needs(TARGETS[target]):
            continue
        made = shown(study, analysis, target, SAY[lang], SAY[lang])
        english = shown(study, analysis, target)
        on_page = cells(app, analysis)
        assert [row for row in map(list, made.body) if row not in on_page] == [], analysis.id
        numbers = [[NUMBER.findall(cell) for cell in row[1:2]] for row in made.body]
        assert numbers == [[NUMBER.findall(cell) for cell in row[1:2]] for row in english.body]


ON_COMPARE = [each for each in side_by_side.SHOWN if each not in (side_by_side.CASE_MIX, side_by_side.MODELS)]


@pytest.mark.parametrize(("lang", "target"), [("en", "sbp"), ("ja", "sbp"), ("ja", "sex")])
def test_the_compare_page_shows_what_the_report_says(files, both, opened, page, lang, target):
    margin = {"margin_sbp": "3"} if target == "sbp" else {}
    cohorts = {"cohorts": ["Models", "Ties"], "compared_model": "model-A"}
    app = page("compare", ["analyses"], **cohorts, target=target, lang=lang, **margin)
    report = text_of(files / "both" / "report.html")
    offered = app.selectbox(key="pick_analysis_selectbox").options
    for analysis in ON_COMPARE:
        name = "" if analysis in OF_ALL else target
        made = shown(both, analysis, name, SAY[lang])
        assert made.body or (target == "sex" and analysis.id in NOT_OF_SEX), analysis.id
        if SAY[lang](analysis.title) in offered:
            on_page = cells(app, analysis)
        else:
            assert not made.body
        assert [row for row in map(list, made.body) if row not in on_page] == [], analysis.id
        for row in shown(both, analysis, name).body:
            assert all(" ".join(cell.split()) in report for cell in row[:5] if cell), row


NOT_OF_SEX = ("equivalence", "recalibration", "standardised", "standardised_differences")
OF_ALL = (side_by_side.IMBALANCE, side_by_side.SHIFT, side_by_side.OUT_OF_DISTRIBUTION)


@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_the_criteria_page_shows_what_the_report_says(study, opened, page, lang):
    folds = ["analyses", "criteria"]
    app = page("criteria", folds, cohort="Models", model="model-A", criterion="hypertension", lang=lang)
    for analysis, name in (
        (one_cohort.COUNTS, ""),
        (one_cohort.PREVALENCES, ""),
        (one_cohort.CRITERIA_CALIBRATION, ""),
        (one_cohort.DECISIONS, "hypertension"),
        (one_cohort.TENTHS, "hypertension"),
    ):
        made = shown(study, analysis, name, SAY[lang])
        assert made.body
        on_page = cells(app, analysis if name else None)
        assert [row for row in map(list, made.body) if row not in on_page] == [], analysis.id


@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_a_slide_shows_what_the_report_says(files, opened, page, lang):
    app = page("present", cohort="Models", model="model-A", lang=lang)
    made = [each.proto.json or each.proto.mixed.json for each in app.get("bidi_component")]
    slides = frozen.text_of(frozen._unpacked(next(each for each in made if "slides" in each)))
    report = text_of(files / "Models" / "report.html")
    found = [line for line in slides.splitlines() if re.match(r"[+−]?[0-9.]+ \(", line)]
    assert len(found) > 10
    if lang == "en":
        assert all(line in report for line in found)
    shown_there = {tuple(NUMBER.findall(cell)) for cell in re.findall(r"[+−]?[0-9.]+ \([^)]*\)", report)}
    assert {tuple(NUMBER.findall(line)) for line in found} <= shown_there


def test_every_estimate_and_every_column_has_one_word(study, both):
    tables = [(each, study) for each in ONE] + [(each, both) for each in side_by_side.TABLES]
    named = [
        (each, str(row.get("estimate") or row.get("score") or "mae")) for each, of in tables for row in of.rows(each)
    ]
    ids = {name for each, name in named if name not in each.words}
    known = {name for name in ids if name in ESTIMATES or name.startswith("within_")}
    counts = {f"{what}_{by}" for what in ("yes", "no", "indeterminate") for by in ("measured", "predicted")}
    ends = {name for name in ids if name.removesuffix("_least").removesuffix("_most") in {*ESTIMATES, *COLUMNS}}
    assert ids - known - counts - ends == set()
    assert not set(ESTIMATES) & {name for name, word in COLUMNS.items() if word.kind is Kind.UNIT} - {"intercept"}
    assert labels.sentences() <= set(language.catalogue("ja"))
