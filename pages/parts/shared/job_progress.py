"""A job that outlives its page: how far it is, what it is about, the button that stops it, and why it ended."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from fundus_core import jobs, pipeline
from pages.parts.shared import progress
from pages.parts.shell import menu
from pages.parts.shell.language import _, count, said, tell

_EVERY = 2.0


def kept(
    folder: Path, told: Sequence[str | Path], cohort: str, photographs: int, *, title: str = "", offer: str = ""
) -> bool:
    """Return whether the analyses of large cohorts are kept; else have a job compute them, and draw how far it is.

    Args:
        folder: The job's.
        told: What ``store compute`` is told besides the cohort's name and this folder.
        cohort: The name.
        photographs: How many there are to read.
        title: Of a page that has none yet.
        offer: On the button that begins it; empty where it begins by itself.
    """
    if jobs.result(folder) is not None:
        return True
    if jobs.stage(folder) is None:
        if offer and not st.button(offer, icon=":material/calculate:"):
            return False
        jobs.start(folder, "store", "compute", *told, "--out", folder, "--", cohort)  # its address stays out of sight
    if title:
        menu.title(title)
    st.info(
        _("The analyses of {n} photographs are computed once and kept; it goes on when this page is left.").format(
            n=count(photographs)
        )
    )
    watch(folder, {pipeline.READING: _("Reading the cohort"), pipeline.COMPUTING: _("Computing")}, key="analyses")
    return False


def watch(folder: Path, stages: Mapping[str, str], *, key: str, more: Callable[[], object] = lambda: None) -> None:
    """Draw a job that was started and is not done; ``stages`` says in words what its stages are called."""
    now = jobs.stage(folder)
    if now is None or now.over:
        _ended(folder, key, more)
    else:
        _fresh(folder, stages, key, more)


@st.fragment(run_every=_EVERY)
def _fresh(folder: Path, stages: Mapping[str, str], key: str, more: Callable[[], object]) -> None:
    now = jobs.stage(folder)
    if now is None or now.over:
        st.rerun()
    share = now.done / now.total if now.total else 0.0
    st.progress(min(share, 1.0), text=_line(now, stages))
    if now.words:
        st.caption(tell(now.words))
    more()
    if st.button(_("Stop"), icon=":material/stop:", key=f"stop-{key}"):
        jobs.stop(folder)
        st.caption(_("It stops after this step and can go on later."))


def _line(now: jobs.Stage, stages: Mapping[str, str]) -> str:
    parts = [{jobs.STARTING: _("Starting"), **stages}.get(now.name, now.name)]
    if now.total:
        parts.append(f"{count(now.done)} / {count(now.total)}")
    if now.seconds_left:
        parts.append(progress.left(now.seconds_left))
    return " · ".join(parts)


def _ended(folder: Path, key: str, more: Callable[[], object]) -> None:
    """Say why a job ended before it was done, and let it go on."""
    st.warning(said(jobs.fault(folder)) or _("It ended before it was done."))
    more()
    if st.button(_("Go on"), icon=":material/play_arrow:", key=f"resume-{key}"):
        jobs.go_on(folder)
        st.rerun()
