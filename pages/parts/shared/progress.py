"""How far a run is, or a job that outlives its page: count, speed, time left, and the buttons that hold and stop it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from fundus_core import jobs, pipeline, runs
from fundus_core.analyses import NotYetError
from fundus_core.errors import UsageError
from fundus_core.runs import Progress
from pages.parts.shell import home, menu
from pages.parts.shell.language import _, count, said, tell

_EVERY = 1.0


def watch(run: int) -> None:
    """Draw a run's progress and keep it fresh until it has ended."""
    try:
        now = runs.progress(home.store(), run)
    except UsageError as fault:
        st.caption(said(fault))
        return
    if now.ended:
        _draw(now)
    else:
        _fresh(run)


@st.fragment(run_every=_EVERY)
def _fresh(run: int) -> None:
    try:
        now = runs.progress(home.store(), run)
    except UsageError:  # its cohort was deleted meanwhile: only the whole page can say so
        st.rerun()
    if now.ended:
        st.rerun()
    _draw(now)
    _buttons(now)


def _draw(now: Progress) -> None:
    done = now.predicted + now.refused + now.failed
    share = done / now.total if now.total else 1.0
    st.progress(min(share, 1.0), text=line(now))
    st.caption(outcome(now))
    if now.note:
        st.caption(said(now.note))


def line(now: Progress) -> str:
    """Return the state with count, speed and time left."""
    done = count(now.predicted + now.refused + now.failed)
    text = _("{state} · {done} of {total}").format(state=state(now), done=done, total=count(now.total))
    if now.state == "running" and now.per_second:
        speed = _("{n} photographs per second").format(n=f"{now.per_second:.1f}")
        return f"{text} · {speed} · {left(now.seconds_left)}"
    return text


def state(now: Progress) -> str:
    """Return a run's state in words."""
    words = {
        "waiting": _("Waiting for the worker"),
        "running": _("Running"),
        "paused": _("Paused"),
        "cancelled": _("Cancelled"),
        "stopped": _("Stopped"),
        "done": _("Done"),
    }
    return words[now.state]


def left(seconds: float | None) -> str:
    """Return the time left in words."""
    if seconds is None or seconds != seconds:
        return ""
    if seconds < 90:
        return _("{n} s left").format(n=round(seconds))
    if seconds < 5400:
        return _("{n} min left").format(n=round(seconds / 60))
    return _("{n} h left").format(n=round(seconds / 3600))


def outcome(now: Progress) -> str:
    """Return how many photographs ended in which way."""
    words = _("{predicted} predicted · {refused} refused · {failed} failed · {reused} reused from earlier runs")
    return words.format(
        predicted=count(now.predicted),
        refused=count(now.refused),
        failed=count(now.failed),
        reused=count(now.reused),
    )


def _buttons(now: Progress) -> None:
    store = home.store()
    with st.container(horizontal=True):
        if now.state == "paused":
            if st.button(_("Go on"), icon=":material/play_arrow:", key=f"resume{now.run}"):
                runs.resume(store, now.run)
                runs.ensure_worker(store)
                st.rerun(scope="fragment")
        elif st.button(_("Pause"), icon=":material/pause:", key=f"pause{now.run}"):
            runs.pause(store, now.run)
            st.rerun(scope="fragment")
        if runs.cluster() and st.button(_("Run on the cluster"), icon=":material/lan:", key=f"cluster{now.run}"):
            _on_cluster(now.run)
        if st.button(_("Cancel"), icon=":material/close:", key=f"cancel{now.run}"):
            runs.cancel(store, now.run)
            st.rerun(scope="fragment")


def _on_cluster(run: int) -> None:
    try:
        runs.run_on_cluster(home.store(), run)
    except UsageError as fault:
        st.error(said(fault))
    else:
        st.rerun(scope="fragment")


_EVERY_OF_JOB = 2.0


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
    if offer and jobs.stage(folder) is None and not st.button(offer, icon=":material/calculate:"):
        return False
    begin(folder, *told, cohort=cohort)
    waits(folder, photographs, title=title)
    return False


def begin(folder: Path, *told: str | Path, cohort: str) -> None:
    """Have a job compute the analyses of large cohorts, unless it has begun already; see :func:`kept`."""
    if jobs.result(folder) is None and jobs.stage(folder) is None:
        jobs.start(folder, "store", "compute", *told, "--out", folder, "--", cohort)  # its address stays out of sight


def waits(
    folder: Path,
    photographs: int,
    *,
    title: str = "",
    key: str = "analyses",
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Draw how far the job of analyses is, until it has ended, or what the page waits for is there."""
    if title:
        menu.title(title)
    st.info(
        _("The analyses of {n} photographs are computed once and kept; it goes on when this page is left.").format(
            n=count(photographs)
        )
    )
    stages = {pipeline.READING: _("Reading the cohort"), pipeline.COMPUTING: _("Computing")}
    watch_job(folder, stages, key=key, until=until)


def coming(what: NotYetError) -> None:
    """Draw, in the place of what a job is still computing, how far it is; the page goes on when it is kept."""
    waits(what.job, what.photographs, key=what.file.stem, until=what.file.exists)


def watch_job(
    folder: Path,
    stages: Mapping[str, str],
    *,
    key: str,
    more: Callable[[], object] = lambda: None,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Draw a job that was started and is not done, ``until`` it is far enough; ``stages`` says its stages in words."""
    now = jobs.stage(folder)
    if now is None or now.over:
        _ended_job(folder, key, more)
    else:
        _fresh_job(folder, stages, key, more, until)


@st.fragment(run_every=_EVERY_OF_JOB)
def _fresh_job(
    folder: Path, stages: Mapping[str, str], key: str, more: Callable[[], object], until: Callable[[], bool]
) -> None:
    now = jobs.stage(folder)
    if now is None or now.over or until():
        st.rerun()
    share = now.done / now.total if now.total else 0.0
    st.progress(min(share, 1.0), text=_job_line(now, stages))
    if now.words:
        st.caption(tell(now.words))
    more()
    if st.button(_("Stop"), icon=":material/stop:", key=f"stop-{key}"):
        jobs.stop(folder)
        st.caption(_("It stops after this step and can go on later."))


def _job_line(now: jobs.Stage, stages: Mapping[str, str]) -> str:
    parts = [{jobs.STARTING: _("Starting"), **stages}.get(now.name, now.name)]
    if now.total:
        parts.append(f"{count(now.done)} / {count(now.total)}")
    if now.seconds_left:
        parts.append(left(now.seconds_left))
    return " · ".join(parts)


def _ended_job(folder: Path, key: str, more: Callable[[], object]) -> None:
    """Say why a job ended before it was done, and let it go on."""
    st.warning(said(jobs.fault(folder)) or _("It ended before it was done."))
    more()
    if st.button(_("Go on"), icon=":material/play_arrow:", key=f"resume-{key}"):
        jobs.go_on(folder)
        st.rerun()
