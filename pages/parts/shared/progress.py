"""How far a run is: count, speed, time left, and the buttons to pause, go on and stop it."""

import streamlit as st

from fundus_core import runs
from fundus_core.errors import UsageError
from fundus_core.runs import Progress
from pages.parts.shell import home
from pages.parts.shell.language import _, count, said

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
