"""A model trained on a cohort of this store: started, watched, stopped, and found among the cards when it is done."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from fundus_core import figures, jobs, owner_only
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.store import Cohort
from fundus_core.training.learning_curve import curve
from pages.parts.cohorts import listing
from pages.parts.models import model_check
from pages.parts.shared import controls, display, progress
from pages.parts.shell import address, home, sample
from pages.parts.shell.language import _, said
from pages.parts.shell.upload_store import clean

OF_FILE = "file"
"""Stands for weights that are brought; no card can have this id, as ids of cards hold a model's name."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")
_FEWEST = 8
"""People of known value, as the split demands."""


def offer(known: Mapping[str, Card]) -> None:
    """Let the user train a model on a cohort, and watch those that are under way."""
    st.subheader(_("Train a model"), anchor=False)
    for folder in _begun():
        _watch(folder)
    cohorts = {cohort.key: cohort for cohort in home.store().cohorts() if cohort.files and listing.is_mine(cohort)}
    with st.expander(_("Start a training")):
        if not cohorts:
            st.info(_("A training needs a cohort of photographs with measured values; bring one under New cohort."))
            return
        st.caption(
            _(
                "Weights that were trained before learn from the photographs and measured values of a cohort. People "
                "are parted: most are learnt from, some choose the epoch, some give the intervals, and some are seen "
                "by nobody and give the errors on the card. It goes on when this page is left."
            )
        )
        _form(cohorts, known)


def _form(cohorts: Mapping[str, Cohort], known: Mapping[str, Card]) -> None:
    address.held(_("Cohort"), "train-on", cohorts)
    key = st.selectbox(
        _("Cohort"), list(cohorts), format_func=lambda key: sample.called(cohorts[key].name), key="train-on"
    )
    cohort = cohorts[str(key)]
    there = _measured(home.cache_scope(), cohort.key, cohort.revision, cohort.id)
    if not there:
        st.info(_("This cohort has no measured values of at least {n} people.").format(n=_FEWEST))
        return
    targets = st.multiselect(
        _("What it learns to read"), there, default=there, format_func=controls.short, key=f"train-targets-{key}"
    )
    starts = [*(name for name, card in known.items() if card.ready and card.runtime == "timm"), OF_FILE]
    start = str(
        st.selectbox(
            _("Weights to begin with"), starts, index=len(starts) - 1, key="train-start",
            format_func=lambda name: _("a file of my own") if name == OF_FILE else said(known[name].title),
        )
    )  # fmt: skip
    file = st.file_uploader(_("File of weights"), key="train-file") if start == OF_FILE else None
    left, right = st.columns(2)
    name = left.text_input(_("Id of the new model"), key="train-id", placeholder="age-clinic-a").strip()
    minutes = right.number_input(_("Minutes it may take"), 1, 10_000, 60, key="train-minutes")
    fault = _wrong(name, known)
    if fault:
        st.caption(f":material/error: {fault}")
    ready = bool(targets and name and not fault and (start != OF_FILE or file is not None))
    if st.button(_("Start the training"), icon=":material/model_training:", disabled=not ready, key="train-start-it"):
        begin = ["--pretrained", _kept(file, name)] if file is not None else _of_card(known[start])
        _start(name, cohort, [*begin, "--targets", ",".join(targets), "--minutes", str(minutes)])
        st.rerun()


@st.cache_data(max_entries=24, show_spinner=False)
def _measured(scope: str, key: str, revision: int, _cohort: int) -> list[str]:
    return list(home.store().measured(_cohort, _FEWEST))


def _wrong(name: str, known: Mapping[str, Card]) -> str:
    """What is wrong with an id; empty where nothing is."""
    if not name:
        return ""
    if not _ID.fullmatch(name):
        return _("An id has 3 to 40 small letters, digits and hyphens.")
    taken = name in known or (registry.home() / name).exists()
    return _("There is a model or a training of this id already.") if taken else ""


def _folder(name: str) -> Path:
    return owner_only.folder(registry.home() / name)


def _kept(file: object, name: str) -> Path:
    """Keep uploaded weights beside the training, so that it can go on after a stop."""
    path = _folder(name) / f"begin-{clean(str(getattr(file, 'name', ''))).name}"
    path.write_bytes(file.getbuffer())  # type: ignore[attr-defined]
    return path


def _of_card(card: Card) -> list[str | Path]:
    options = (("--option", f"{name}={value!r}") for name, value in card.backbone_options.items())
    words = [word for option in options for word in option]
    return ["--pretrained", card.weights_path, "--backbone", card.backbone, *words]


def _start(name: str, cohort: Cohort, words: Sequence[str | Path]) -> None:
    home.store().owns_models("model train", cohort.id, "trained on")
    folder = _folder(name)
    photographs, truth = model_check.tables(jobs.given(folder))
    table = home.store().table(cohort.id)
    model_check.write(cohort, table, photographs, truth, len(table))
    rendered = ["--rendered"] if cohort.rendered else []
    told = ["train", "--photographs", photographs, "--truth", truth, "--out", folder, *rendered, *words, "--tidy"]
    jobs.start(folder, *told)


def _begun() -> list[Path]:
    """Trainings that have no card yet, and those that are done, the latest first."""
    found = sorted(registry.home().glob(f"*/{jobs.COMMAND}"), key=lambda path: -path.stat().st_mtime)
    return [path.parent for path in found]


def _watch(folder: Path) -> None:
    with st.container(border=True):
        if (folder / "card.toml").is_file():
            with st.expander(_("{name}: trained").format(name=folder.name)):
                _curve(folder)
            return
        st.markdown(f"**{folder.name}**")
        stages = {
            "reading": _("Reading the tables"),
            "measuring": _("Measuring how fast this machine learns"),
            "cutting": _("Cutting the photographs"),
            "learning": _("Learning"),
            "finishing": _("Reading the people it has not seen"),
        }
        progress.watch_job(folder, stages, key=f"training-{folder.name}", more=lambda: _curve(folder))


def _curve(folder: Path) -> None:
    history = curve(folder)
    if history:
        display.chart(figures.learning_curve(history, display.figure_look()), f"curve-{folder.name}")
