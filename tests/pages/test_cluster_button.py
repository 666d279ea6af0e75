"""The button that gives a run to the cluster, where one is configured."""

from fundus_core import runs
from fundus_core.store import ModelVersion, NewPhotograph, run_table
from fundus_core.store.lease import Holder


def test_a_run_goes_to_the_cluster_or_the_page_says_whose_the_store_is(fresh, page, monkeypatch):
    fresh.create_cohort("Clinic")
    fresh.add_photographs("Clinic", [NewPhotograph("a", "")])
    run = run_table.submit(fresh, "Clinic", [ModelVersion("tests-own", "a" * 64, "b" * 64)])
    runs.pause(fresh, run)
    assert f"cluster{run}" not in {each.key for each in page("evaluate", cohort="Clinic").button}
    monkeypatch.setenv(runs.CLUSTER, "10.0.0.7:6379")
    given = []

    def give(store, number):
        given.append(number)
        if len(given) == 1:
            raise Holder("x", "worker", "mri-2").refusal(4.0)

    monkeypatch.setattr("fundus_core.runs.run_on_cluster", give)
    app = page("evaluate", cohort="Clinic")
    app.button(key=f"cluster{run}").click().run()
    assert "the worker of the machine 'mri-2', last heard of 4 s ago" in app.error[0].value
    assert not app.button(key=f"cluster{run}").click().run().error
    assert given == [run, run]
