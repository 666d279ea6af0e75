"""Visits that the names of photographs or folders hold: shown, and taken unless the user says no."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from fundus_core import pipeline, truth
from fundus_core.pipeline import PredictionsFile, Visiting
from fundus_core.records import Labels
from pages.parts.new_cohort.ingest import Found
from pages.parts.shell import state
from pages.parts.shell.language import _, said


def of_photographs(found: Found) -> Found:
    """Return photographs with the visits of their names, where no list states any and the user agrees."""
    if any(source.visit for source in found.sources) or not _wanted(_read(tuple(found.names))):
        return found
    return replace(found, sources=tuple(pipeline.with_visits(found.sources)))


def of_rows(made: Mapping[str, PredictionsFile]) -> Mapping[str, PredictionsFile]:
    """Return predictions with the visits of their photographs' names, where nothing states any and the user agrees."""
    tables = [file.table for file in made.values()]
    names = tuple(dict.fromkeys(str(name) for table in tables for name in table.photograph))
    if any((table.visit != "").any() for table in tables) or not _wanted(_read(names)):
        return made
    return {name: Visiting().with_visits(file) for name, file in made.items()}


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(names: Sequence[str]) -> Labels:
    return truth.visits_in_names(names)


def _wanted(visits: Labels) -> bool:
    """Ask whether what names hold are visits; no where they hold nothing."""
    if not (visits != "").any():
        return False
    label = _("The names of files or folders tell the visit: take it from them")
    return st.checkbox(label, value=True, help=said(pipeline.names_read(visits)), key=f"visits{state.upload_number()}")
