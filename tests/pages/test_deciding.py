"""A person decides about a photograph on its page and about a reason in Explore; results stand with and without."""

import sqlalchemy as sa

from fundus_core.store import Where, schema
from pages.parts.shared import studies
from pages.parts.shared.studies import View


def _decide(app, key, who="AB", why="*Read* it again."):
    app.text_input(key=f"{key}-who").input(who)
    app.text_input(key=f"{key}-why").input(why)
    next(each for each in app.button if each.label == "Decide").click().run()
    assert not app.exception, app.exception


def test_a_photograph_is_withdrawn_and_a_reason_accepted_and_results_stand_with_and_without(fresh, put_cohort, page):
    put_cohort(fresh, "Clinic", seed=1)
    with fresh.writing() as connection:
        some = sa.update(schema.reading).where(schema.reading.c.id % 2 == 0, schema.reading.c.status == "predicted")
        connection.execute(some.values(kind="stretched"))
        connection.execute(sa.update(schema.reading).where(schema.reading.c.id % 2 == 1).values(kind="colour"))
    item = fresh.photograph("Clinic", "C000_right.jpg")
    app = page("one_photograph", [f"decide-{item.id}"], cohort="Clinic", photograph=item.name)
    assert "Withdraw it" in [each.label for each in app.expander]
    _decide(app, f"decide-{item.id}")
    assert fresh.photograph("Clinic", item.name).reason_code == "withdrawn"
    assert any("Withdrawn by AB on " in each.value and r"\*Read\* it" in each.value for each in app.warning)
    kinds = fresh.table("Clinic").kind
    app = page("explore", cohort="Clinic", kind="stretched")
    assert f"{(kinds == 'stretched').sum()} photographs fit" in " ".join(each.value for each in app.caption)
    app = page("explore", ["refused"], cohort="Clinic", status="refused")
    assert "Refused photographs: by group, and decisions about them" in [each.label for each in app.expander]
    _decide(app, "decide-all", who="")
    assert "A decision needs the name or initials" in app.error[0].value
    _decide(app, "decide-all")
    assert [one.verdict for one in fresh.decisions("Clinic")] == ["withdraw", "accept"]
    assert len(fresh.decisions("Clinic")[1].photographs) == 6
    assert fresh.photographs("Clinic", Where(statuses=("refused",))).total == 7, "no model was shown these six"
    view = View(fresh.cohort("Clinic"), "tests-own")
    assert studies.study(view).table.decision.tolist().count("withdrawn") == 1
    app = page("evaluate", cohort="Clinic", target="sbp", analysis="decided")
    assert any("With and without decisions" in each.options for each in app.selectbox)
    told = " ".join(each.value for each in app.markdown)
    assert "A person accepted 0 refused photographs and withdrew 1. With these decisions MAE (mmHg) is" in told
