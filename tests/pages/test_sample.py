"""The sample cohort is offered once, with its truth."""

from pages.parts import sample


def test_the_sample_is_put_into_a_fresh_store_with_its_truth(fresh, tmp_path):
    sample.ensure(fresh, tmp_path)
    cohort = fresh.cohort(sample.NAME)
    assert cohort.rendered
    assert cohort.photographs == len(list((sample.FOLDER / "photographs").iterdir()))
    item = fresh.photographs(cohort.id, limit=1).items[0]
    assert item.patient_id
    assert item.truth


def test_offering_it_again_changes_nothing(fresh, tmp_path):
    sample.ensure(fresh, tmp_path)
    before = fresh.cohort(sample.NAME).photographs
    sample.ensure(fresh, tmp_path)
    assert [cohort.name for cohort in fresh.cohorts()] == [sample.NAME]
    assert fresh.cohort(sample.NAME).photographs == before


def test_who_deletes_it_is_rid_of_it(fresh, tmp_path):
    sample.ensure(fresh, tmp_path)
    fresh.delete(sample.NAME)
    sample.ensure(fresh, tmp_path)
    assert fresh.cohorts() == ()
