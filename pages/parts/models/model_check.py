"""Whether a model is read as its makers meant it, asked on a cohort of this store."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from fundus_core.records import CohortTable
from fundus_core.store import Cohort
from fundus_core.tables import write_csv
from pages.parts.shared import controls, subprocess_cli
from pages.parts.shell import address, home, sample
from pages.parts.shell.language import _, count, said, worded

MOST = 200
"""Photographs that are asked about, evenly chosen: symptoms show on dozens, and each is read several times."""


def cohort_of(cohorts: Mapping[str, Cohort], key: str) -> Cohort:
    """Let the user choose one of these cohorts, by key."""
    address.held(_("Cohort"), key, cohorts)
    chosen = st.selectbox(
        _("Cohort"), list(cohorts), format_func=lambda each: sample.called(cohorts[each].name), key=key
    )
    return cohorts[str(chosen)]


def offer(name: str) -> None:
    """Let the user check a model on one of the cohorts."""
    cohorts = {cohort.key: cohort for cohort in home.store().cohorts()}
    with st.expander(_("Check it")):
        st.caption(
            _(
                "Replays the card's example and looks, on photographs, for a standardised output, a wrong unit, a "
                "swapped class or swapped colours. It names what is wrong and changes nothing."
            )
        )
        if not cohorts:
            return
        chosen = cohort_of(cohorts, f"check-on-{name}")
        if st.button(_("Check"), icon=":material/stethoscope:", key=f"check-{name}"):
            with st.spinner(_("The model reads up to {n} photographs").format(n=count(MOST)), show_time=True):
                answer = _ask(name, chosen)
            if answer.found:
                _show(answer.found)
            else:
                st.error(said(answer.fault) or _("The model could not be checked."))


def _ask(name: str, cohort: Cohort) -> subprocess_cli.Answer:
    table = home.store().table(cohort.id)
    with tempfile.TemporaryDirectory() as folder:
        photographs, truth = tables(Path(folder))
        write(cohort, table, photographs, truth, MOST)
        given = ["--truth", truth] if any(len(column) for column in table.truth.values()) else []
        return subprocess_cli.ask("check", name, "--photographs", photographs, *given)


def tables(folder: Path) -> tuple[Path, Path]:
    """Return where in a folder :func:`write` puts its two tables."""
    return folder / "photographs.csv", folder / "truth.csv"


def write(cohort: Cohort, table: CohortTable, photographs: Path, truth: Path, most: int) -> None:
    """Write which photographs to look at, whose they are, and what was measured, for the command line."""
    store, step = home.store(), max(1, -(-len(table) // most))
    rows = range(0, len(table), step)
    paths = [store.locator(cohort.id, str(table.photograph[row])) for row in rows]
    values = ([path, *(column[row] for column in table.truth.values())] for path, row in zip(paths, rows, strict=True))
    people = (str(table.patient_id[row]) for row in rows)
    write_csv(photographs, ["path", "patient_id"], zip(paths, people, strict=True))
    write_csv(truth, ["photograph", *table.truth], values)


def _show(found: dict[str, Any]) -> None:
    lines = [line for line in found["golden"] if not line["passed"]]
    symptoms = found["symptoms"]
    looked = worded(
        "{n:,} {n:photograph|photographs} looked at, {out:,} left out; truth for {known} {known:target|targets}.",
        n=found["photographs"],
        out=found["left_out"],
        known=found["with_truth"],
    )
    if found["healthy"]:
        st.success(_("Nothing wrong was found.") + " " + looked)
    else:
        st.caption(looked)
    for line in lines:
        st.error(_("The card's example is not reproduced for {target}.").format(target=controls.short(line["target"])))
    for symptom in symptoms:
        target = f"**{controls.short(symptom['target'])}** · " if symptom["target"] else ""
        st.warning(target + said(symptom["sentence"]))
    if found["lines"]:
        st.caption(_("Lines of the card that would mend it (nothing was changed):"))
        st.code("\n".join(found["lines"]), language="toml", wrap_lines=True)
    for note in found["notes"]:
        st.caption(said(note))
