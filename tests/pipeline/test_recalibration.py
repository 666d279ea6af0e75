"""A recalibration kept as a model: what it says, that lines compose, and whom it is never tested on."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

from fundus_core import pipeline
from fundus_core.analyses import Settings
from fundus_core.errors import CardError, NotEstimableError, UsageError
from fundus_core.evaluation import fit_line, from_values
from fundus_core.models import card_files, recalibrated, registry
from fundus_core.models.card import Line
from fundus_core.models.fitted_people import fitted_people
from fundus_core.pipeline.compare_files import read_side
from fundus_core.pipeline.tables import write_predictions
from fundus_core.records import Eye, Prediction, Reading, Status
from fundus_core.report import Subject, render

pytestmark = pytest.mark.usefixtures("undrawn")

MODEL = "sample-rendered"
FEW = Settings(draws=20)


@pytest.fixture(autouse=True, scope="module")
def _home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def write(folder: Path, seed: int, *, people: int = 40, ids: str = "P", model: str = MODEL) -> Path:
    """A cohort of two eyes a person: predictions of blood pressure, too flat and too low, and of sex."""
    draw = np.random.default_rng(seed)
    folder.mkdir()
    sbp, sex = draw.normal(130, 17, people), draw.integers(0, 2, people)
    readings = []
    for who in range(people):
        for eye in Eye.LEFT, Eye.RIGHT:
            value = float(60 + 0.5 * sbp[who] + draw.normal(0, 5))
            p = float(1 / (1 + np.exp(-(2.5 * sex[who] - 1 + draw.normal(0, 1)))))
            name = f"{ids}{who}_{eye.value}.png"
            said = {"sbp": Prediction(value, value - 20, value + 15), "sex": Prediction(p, np.nan, np.nan)}
            head = (name, f"{seed}{name}", f"{ids}{who}", eye, Status.PREDICTED, "", "", 0.9, 0.1)
            readings.append(Reading(*head, model, registry.find(MODEL).weights.sha256, "1", said))
    write_predictions(folder / "predictions.csv", readings, ["sbp", "sex"])
    lines = [f"{ids}{who},{sbp[who]},{'FM'[1 - sex[who]]}" for who in range(people)]
    (folder / "truth.csv").write_text("patient_id,sbp,sex\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    home = tmp_path_factory.mktemp("cohorts")
    return {name: write(home / name, seed, ids=name) for seed, name in enumerate(("fit", "test"))}


@pytest.fixture(scope="module")
def kept(at):
    return pipeline.recalibrate_files(MODEL, at["fit"], "mended").card


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def evaluated(folder: Path, answer: str = ""):
    linkage = pipeline.Linkage(fitted_people=answer)
    assert pipeline.Linkage.from_json(json.loads(json.dumps(linkage.as_json()))) == linkage, "as a replay has it"
    return pipeline.score_files(folder / "predictions.csv", folder / "truth.csv", FEW, linkage=linkage)


def test_it_is_a_model_like_any_other_and_says_where_it_is_from(kept, capsys):
    from fundus_core.commands import models

    before = registry.find(MODEL)
    assert card_files.to_toml(registry.find("mended")) == card_files.to_toml(kept)
    assert (kept.weights, kept.input, kept.ready) == (before.weights, before.input, True)
    (step,) = kept.recalibrated
    assert (step.model, step.card_sha256, step.cohort, step.people) == (MODEL, before.sha256, "fit", 40)
    assert {line.target for line in step.lines} == {"sbp", "sex"}
    assert all(low < line.slope < high for line in step.lines for low, high in [line.slope_interval])
    text = (kept.folder / step.fitted).read_text()
    assert "fit1" not in text
    assert "left.png" not in text
    assert not {result.target for result in kept.results} & {"sbp", "sex"}, "published figures are not true of it"
    models._words(kept)
    assert any("Recalibrated from 'sample-rendered' on 'fit'" in words for _, words in models._words(kept))
    assert before.sha256 == card_files.read(before.folder / "card.toml").sha256
    assert "recalibrated" not in card_files.to_toml(before), "hashes of cards without one stay what they were"


def test_its_predictions_are_the_line_by_hand_and_the_numbers_follow(at, kept, tmp_path):
    counts = pipeline.derive(at["test"] / "predictions.csv", "mended", tmp_path / "new")
    assert counts.done == 80
    line = {one.target: one for one in kept.recalibrated[0].lines}
    old, new = (rows(place / "predictions.csv") for place in (at["test"], tmp_path / "new"))
    for end in ("sbp", "sbp_low", "sbp_high"):
        by_hand = [line["sbp"].intercept + line["sbp"].slope * float(row[end]) for row in old]
        assert [float(row[end]) for row in new] == pytest.approx(by_hand, rel=1e-12)
    p = np.array([float(row["sex"]) for row in old])
    by_hand = 1 / (1 + np.exp(-line["sex"].intercept) * ((1 - p) / p) ** line["sex"].slope)
    assert [float(row["sex"]) for row in new] == pytest.approx(by_hand.tolist(), rel=1e-9)
    assert {row["model"] for row in new} == {"mended"}
    (tmp_path / "new" / "truth.csv").write_text((at["test"] / "truth.csv").read_text())
    found = evaluated(tmp_path / "new").evaluation.targets["sbp"].estimates
    before = evaluated(at["test"]).evaluation.targets["sbp"].estimates
    assert found["slope"].value == pytest.approx(before["slope"].value / line["sbp"].slope, abs=1e-9)
    assert found["pearson"].value == pytest.approx(before["pearson"].value, abs=1e-9)
    assert found["coverage"].value == pytest.approx(before["coverage"].value, abs=1), "ends move with the line"
    at_hand = [registry.find("mended")]
    assert "never tested on these people" in render(subject(evaluated(tmp_path / "new"), at_hand))


def subject(scored, cards):
    made = scored.predictions
    return Subject("T", scored.study, tuple(cards), made.model, "", rendered=True, reason_code=made.reason_code)


def test_on_its_own_people_it_has_slope_1_and_intercept_0_and_is_refused(at, kept, tmp_path):
    pipeline.derive(at["fit"] / "predictions.csv", "mended", tmp_path / "own")
    (tmp_path / "own" / "truth.csv").write_text((at["fit"] / "truth.csv").read_text())
    with pytest.raises(UsageError, match="40 of its 40 people were used to fit the recalibration of 'mended'"):
        evaluated(tmp_path / "own")
    with pytest.raises(UsageError, match="80 photographs are the same"):
        evaluated(tmp_path / "own", "different")
    with pytest.raises(UsageError, match="Nobody else"):
        evaluated(tmp_path / "own", "leave-out")
    with pytest.raises(UsageError, match="40 of its 40 people"):
        pipeline.compare({"a": tmp_path / "own", "b": at["test"]}, tmp_path / "out", FEW)
    assert not (tmp_path / "out").exists()
    table = read_side("fit", at["fit"], pipeline.Linkage(), lambda _remark: None).table
    steps = kept.recalibrated
    sbp = recalibrated.applied(steps[0].lines[0], table.predicted["sbp"])
    again = fit_line(replace(table, predicted={"sbp": sbp}), "sbp")
    assert (again.slope.value, again.intercept.value) == pytest.approx((1, 0), abs=1e-9)


def test_some_of_its_people_are_left_out_when_somebody_says_so(at, kept, tmp_path):
    mixed = write(tmp_path / "mixed", 7, people=60, ids="fit")  # other photographs; the first 40 ids are equal
    pipeline.derive(mixed / "predictions.csv", "mended", tmp_path / "new")
    (tmp_path / "new" / "truth.csv").write_text((mixed / "truth.csv").read_text())
    with pytest.raises(UsageError, match="40 of its 60 people were used"):
        evaluated(tmp_path / "new")
    found = evaluated(tmp_path / "new", "leave-out")
    assert found.evaluation.targets["sbp"].n_patients == 20
    assert any("left out" in note for note in found.predictions.notes)
    others = evaluated(tmp_path / "new", "different")
    assert others.evaluation.targets["sbp"].n_patients == 60, (
        "equal ids without a photograph in common, as somebody said"
    )


def test_recalibrating_twice_composes_and_both_cohorts_are_remembered(at, kept, tmp_path):
    pipeline.derive(at["test"] / "predictions.csv", "mended", tmp_path / "test")
    (tmp_path / "test" / "truth.csv").write_text((at["test"] / "truth.csv").read_text())
    twice = pipeline.recalibrate_files("mended", tmp_path / "test", "twice", ["sbp"]).card
    assert [step.model for step in twice.recalibrated] == [MODEL, "mended"]
    third = write(tmp_path / "third", 9, ids="T")
    pipeline.derive(third / "predictions.csv", "twice", tmp_path / "at once")
    pipeline.derive(third / "predictions.csv", "mended", tmp_path / "one")
    pipeline.derive(tmp_path / "one" / "predictions.csv", "twice", tmp_path / "two")
    assert (tmp_path / "two" / "predictions.csv").read_text() == (tmp_path / "at once" / "predictions.csv").read_text()
    for name in ("fit", "test"):
        table = read_side(name, at[name], pipeline.Linkage(), lambda _remark: None).table
        assert fitted_people(twice, table, np.full(len(table), "")).people == 40
    other = write(tmp_path / "other", 9, model="other")
    with pytest.raises(UsageError, match="holds predictions of 'other'; 'twice' was made of sample-rendered, mended"):
        pipeline.derive(other / "predictions.csv", "twice", tmp_path / "none")


@pytest.mark.parametrize("link", ["identity", "sigmoid"])
def test_a_card_and_its_line_say_the_same_of_every_output(link):
    """The composed scale and offset against the line on what the old ones gave, and the ends of growing intervals."""
    card = registry.find(MODEL)
    target = {"identity": "sbp", "sigmoid": "sex"}[link]
    output = replace(next(one for one in card.outputs if one.target == target), growth=0.01)
    line = Line(target, 0.7, (0, 1), 1.3, (1, 2), 50)
    made = recalibrated._output(output, line)
    x = np.linspace(-2, 2, 9)

    def out(one):
        linear = one.scale * x + one.offset
        return linear if link == "identity" else 1 / (1 + np.exp(-linear))

    assert out(made) == pytest.approx(recalibrated.applied(line, out(output)), rel=1e-9)
    if link == "identity":
        for k in (0, 1):
            ends = out(output) + output.interval[k] * output.widening(out(output))
            new = out(made) + made.interval[k] * made.widening(out(made))
            assert new == pytest.approx(recalibrated.applied(line, ends), rel=1e-9)
    nothing = Line(target, 0.0, (0, 0), 1.0, (1, 1), 50)
    same = recalibrated._output(output, nothing)
    assert (same.scale, same.offset, same.growth) == (output.scale, output.offset, output.growth)
    with pytest.raises(UsageError, match="link 'exp'"):
        recalibrated._output(replace(output, link="exp"), line)


def test_the_logistic_line_is_that_of_statsmodels_in_any_order_of_rows():
    draw = np.random.default_rng(3)
    p = draw.uniform(0.05, 0.95, 60)
    y = (draw.uniform(size=60) < p**2).astype(float)
    found = fit_line(from_values("sex", y, p), "sex")
    fit = sm.Logit(y, sm.add_constant(np.log(p / (1 - p)))).fit(disp=0, tol=1e-14)
    assert [found.intercept.value, found.slope.value] == pytest.approx(fit.params.tolist(), abs=1e-9)
    ends = [[one.low, one.high] for one in (found.intercept, found.slope)]
    assert np.array(ends) == pytest.approx(fit.conf_int(), abs=1e-9)
    order = draw.permutation(60)
    turned = fit_line(from_values("sex", y[order], p[order], patient_id=[f"{k}" for k in order]), "sex")
    assert turned.slope.value == pytest.approx(found.slope.value, abs=1e-9)


@pytest.mark.parametrize(
    ("y", "p", "target", "message"),
    [
        ([0, 1] * 9, [0.2, 0.8] * 9, "sex", "needs 20 people"),
        ([0] * 27 + [1] * 3, np.linspace(0.1, 0.9, 30), "sex", "the rarer class has 3"),
        ([0, 1] * 15, [0.2, 0.8] * 15, "sex", "not told apart without error"),
        ([0, 1] * 15, [0.5] * 30, "sex", "predictions that differ"),
        (range(30), range(30, 0, -1), "sbp", "do not rise"),
    ],
)
def test_no_model_without_ground(y, p, target, message):
    with pytest.raises(NotEstimableError, match=message):
        fit_line(from_values(target, list(y), list(p)), target)


def test_what_cannot_be_recalibrated_is_refused_and_nothing_is_kept(at, kept, tmp_path):
    before = sorted(path.name for path in registry.home().iterdir())
    strange = write(tmp_path / "strange", 5, model="theirs")
    nameless = write(tmp_path / "nameless", 5)
    known = rows(nameless / "predictions.csv")
    with (nameless / "predictions.csv").open("w", newline="") as stream:
        out = csv.DictWriter(stream, known[0])
        out.writeheader()
        out.writerows({**row, "sha256": "", "patient_id": "", "photograph": row["patient_id"]} for row in known[::2])
    (nameless / "truth.csv").write_text((nameless / "truth.csv").read_text().replace("patient_id", "photograph"))
    for call, message in (
        (lambda: pipeline.recalibrate_files(MODEL, at["fit"], "mended"), "a model 'mended' already"),
        (lambda: pipeline.recalibrate_files(MODEL, at["fit"], "a/b"), "is no id"),
        (lambda: pipeline.recalibrate_files(MODEL, at["fit"], "x", ["hba1c"]), "does not read 'hba1c'"),
        (lambda: pipeline.recalibrate_files(MODEL, strange, "x"), "are of 'theirs', not of"),
        (lambda: pipeline.recalibrate_files(MODEL, nameless, "x"), "could be recognised again"),
    ):
        with pytest.raises(UsageError, match=message):
            call()
    with pytest.raises(NotEstimableError, match="'age' needs 20 people"):
        pipeline.recalibrate_files(MODEL, at["fit"], "x", ["age"])
    (strange / "run.json").write_text(json.dumps({"models": [{"id": MODEL, "card_sha256": "other"}]}))
    for name in ("predictions.csv", "truth.csv"):
        (strange / name).write_text((at["fit"] / name).read_text())
    with pytest.raises(UsageError, match="has changed since"):
        pipeline.recalibrate_files(MODEL, strange, "x")
    assert sorted(path.name for path in registry.home().iterdir()) == before


def test_a_lost_list_of_people_refuses_every_test(at, kept, tmp_path):
    lost = pipeline.recalibrate_files(MODEL, at["fit"], "lost").card
    (lost.folder / "fitted-1.json").write_text("{}")
    pipeline.derive(at["test"] / "predictions.csv", "lost", tmp_path / "new")
    (tmp_path / "new" / "truth.csv").write_text((at["test"] / "truth.csv").read_text())
    with pytest.raises(CardError, match="missing or was changed"):
        evaluated(tmp_path / "new")


def test_a_run_takes_what_is_predicted_already_and_asks_no_network(at, tmp_path):
    """Of a stored cohort a recalibrated model's run ends as it is submitted."""
    from fundus_core import runs
    from fundus_core.quality import LIMITS
    from fundus_core.runs.model_loading import version_of
    from fundus_core.store import Finding, NewPhotograph, Store, TruthRow

    draw = np.random.default_rng(2)
    with Store.open(tmp_path / "lab") as store:
        for name in ("A", "B"):
            store.create_cohort(name)
            people = [f"{name}{k}" for k in range(30)]
            truth = draw.normal(130, 15, 30)
            store.add_photographs(
                name, [NewPhotograph(f"{who}.png", "", f"{who:0>64}", patient_id=who) for who in people]
            )
            version = replace(version_of(registry.find(MODEL)), limits=LIMITS.as_text())
            values = 100 + 0.3 * truth + draw.normal(0, 3, 30)
            said = [
                Finding(f"{who:0>64}", "predicted", predictions={"sbp": Prediction(v, v - 9, v + 9)})
                for who, v in zip(people, values.tolist(), strict=True)
            ]
            store.record(name, version, said)
            store.set_truth(
                name, [TruthRow(f"{who}.png", {"sbp": float(t)}) for who, t in zip(people, truth, strict=True)]
            )
        made = pipeline.recalibrate_cohort(store, "A", MODEL, "stored")
        assert len(made.left) == len(made.card.targets) - 1
        run = runs.submit(store, "B", ["stored"])
        assert runs.progress(store, run).predicted == 30
        store.decide("A", "withdraw", who="A. R.", why="Taken after surgery.", names=["A0.png"])
        of_a = runs.progress(store, runs.submit(store, "A", ["stored"]))
        assert (of_a.predicted, of_a.queued) == (29, 1), "what a person withdrew is no finding of the model"
        line = made.card.recalibrated[0].lines[0]
        new, old = store.table("B", ["stored"]), store.table("B", [MODEL])
        for ends in ("predicted", "low", "high"):
            by_hand = line.intercept + line.slope * getattr(old, ends)["sbp"]
            assert getattr(new, ends)["sbp"] == pytest.approx(by_hand, rel=1e-12)
        assert pipeline.people_fitted("stored", store.table("A", [MODEL]), store.hashes("A")).people == 30
        assert pipeline.people_fitted("stored", new, store.hashes("B")) is None
