"""The jobs: what runs, what waits, what has ended; drawn again every few seconds while something is under way."""

import pandas as pd
import streamlit as st

from core import jobs
from core.errors import PruneScopeError
from core.progress import clock
from pages.components import generate_charts, generate_fields, generate_state, look, panels

_LIVE, _CALM = 2, 10  # seconds between two looks while something is under way, and while nothing is
_BADGES = {
    "queued": ("Waits", "gray", ":material/hourglass_empty:"),
    "running": ("Runs", "blue", ":material/autorenew:"),
    "finished": ("Finished", "green", ":material/check:"),
    "failed": ("Failed", "red", ":material/error:"),
    "cancelled": ("Cancelled", "gray", ":material/cancel:"),
    "interrupted": ("Interrupted", "orange", ":material/power_off:"),
}
_SHOWN = 30


def draw() -> None:
    """All jobs, newest first, those under way on top."""
    st.header("Jobs")
    active = any(job.state in jobs.ACTIVE for job in jobs.board().jobs)
    st.fragment(_list, run_every=_LIVE if active else _CALM)(active)


def _list(was_active: bool) -> None:
    with panels.guard():
        there = jobs.board()
        if any(job.state in jobs.ACTIVE for job in there.jobs) != was_active:
            st.rerun()  # looks in another rhythm from now on
        try:
            jobs.advance()
        except PruneScopeError as error:  # what there is can be seen all the same
            said = "**Waiting jobs cannot begin**; they will, by themselves, when this is mended."
            st.error(f"{said} {look.literal(error)}", icon=":material/error:")
        _notes(there)
        # What runs, then what waits in its order, then what has ended, newest first.
        ranks = {"running": 0, "queued": 1}
        ordered = sorted(there.jobs, key=lambda job: (ranks.get(job.state, 2), there.places.get(job.id, 0)))
        for job in ordered[:_SHOWN]:
            with panels.guard(of_study=False):  # one odd record must not hide the others
                _job(job, there)
        if len(ordered) > _SHOWN:
            st.caption(f"{len(ordered) - _SHOWN} older jobs are not shown.")


def _notes(there: jobs.Board) -> None:
    if not there.jobs and not there.problems:
        st.info("**No jobs yet.** Fill in the form and press *Make it*.", icon=":material/inbox:")
    for id, message in there.problems:
        st.warning(look.literal(message), icon=":material/broken_image:")
        _act("Remove the record", ":material/delete:", jobs.remove, id)
    own = any(generate_state.may_act(job) for job in there.jobs)
    generate_state.keep_key(own)
    if own and not jobs.single_user():
        st.caption(
            "The address of this page now holds the key to your jobs: keep it to cancel or resume them later, and do not pass it on."
        )


def _job(job: jobs.Job, there: jobs.Board) -> None:
    with st.container(border=True, key=f"job-{job.id}"):
        title, buttons = st.columns([2, 1.2], vertical_alignment="center")
        with title:
            label, colour, icon = _BADGES[job.state]
            st.markdown(f"**{generate_fields.heading(job.values)}**")
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge("Stopping" if job.stopping else label, color=colour, icon=icon)
                st.caption(_about(job, there))
        with buttons, st.container(horizontal=True, horizontal_alignment="right"):
            _buttons(job)
        moment = jobs.progress(job)
        if job.state == "running":
            _bar(job, moment)
        if job.error:
            _error(job)
        if job.state != "queued" and moment and moment.rows:
            _curves(job, moment)


def _about(job: jobs.Job, there: jobs.Board) -> str:
    training = job.values["training"]
    parts = [
        f"{training.get('epochs', 0):g} epoch{'' if training.get('epochs') == 1 else 's'}, seed {training.get('seed', 0)}"
    ]
    if job.id in there.places:
        place = there.places[job.id]
        parts.append("next" if place == 1 else f"number {place} in the queue")
    if not generate_state.may_act(job):
        parts.append("another user's")
    elif generate_state.is_shared(job):
        parts.append("another user's too")
    return " · ".join(parts)


def _buttons(job: jobs.Job) -> None:
    if job.state == "finished":
        st.page_link(**generate_fields.shown(job.checkpoint, job.values))
    if not generate_state.may_act(job):
        return
    if job.state in jobs.ACTIVE:
        _act("Cancel", ":material/cancel:", jobs.cancel, job.id, disabled=job.stopping)
        return
    if job.state != "finished":
        _act("Resume", ":material/play_arrow:", jobs.resume, job.id)
    gone = None if job.state == "finished" else "What was trained so far goes too; the same recipe would begin anew."
    if generate_state.is_shared(job):
        gone = "It stays, with what was trained so far, for the other user whose job it is too."
    _act("Remove", ":material/delete:", jobs.remove, job.id, help=gone)


def _act(label: str, icon: str, act, id: str, **options) -> None:
    """A button that does something with a job; what goes wrong is said below it."""
    if st.button(label, icon=icon, key=f"{label}-{id}", **options):
        try:
            act(id, generate_state.owner())
        except PruneScopeError as error:
            st.error(look.literal(error))
        else:
            st.rerun()


def _bar(job: jobs.Job, moment: jobs.Moment | None) -> None:
    if job.stopping:
        st.progress(moment.fraction if moment else 0.0, "Stopping; finished epochs are kept.")
    elif moment is None or moment.attempt != job.attempt:
        kept = len(moment.rows) if moment else 0
        again = f" again; {kept} finished epochs are kept" if kept else ""
        st.progress(moment.fraction if kept else 0.0, f"Starting{again}")
    elif moment.epochs >= moment.of:
        st.progress(1.0, "Trained; measuring on the test images and saving")
    else:
        left = f" · about {clock(moment.seconds_left)} left" if moment.seconds_left is not None else ""
        loss = f" · loss {moment.loss:.3f}" if moment.loss is not None else ""
        text = f"{moment.stage} · epoch {moment.epochs:.1f} of {moment.of:g}{loss}{left}"
        st.progress(moment.fraction, text)


def _error(job: jobs.Job) -> None:
    parts = [f"**{look.literal(job.error.get('problem'))}.**"]
    for name in ("given", "expected", "remedy"):
        if job.error.get(name):
            label = "What to do" if name == "remedy" else name.capitalize()
            parts.append(f"{label}: {look.literal(job.error[name])}.")
    show = st.error if job.state == "failed" else st.warning
    show(" ".join(parts))


def _curves(job: jobs.Job, moment: jobs.Moment) -> None:
    frame = pd.DataFrame(moment.rows)
    frame = frame.assign(method=frame["network"], network=frame["network"].map(look.title))
    runs = job.state == "running"
    place = st.container() if runs else st.expander("How training went", key=f"curves-{job.id}")
    with place:
        for column, (measure, title) in zip(st.columns(2), generate_charts.MEASURES.items(), strict=True):
            where = "training images" if measure == "loss" else "validation images"
            with column:
                st.markdown(f"**{title}, {where}**")
                if frame[measure].notna().any():
                    st.altair_chart(
                        generate_charts.curve(frame, measure, moment.of),
                        alt=f"{title} on {where} after each of {len(frame)} finished epochs of {moment.of:g}",
                    )
                else:
                    st.caption("Not measured: there are no validation images.")
        st.caption(
            "One measurement after each epoch, without an interval. The finished network is measured on test images, which choose "
            "nothing."
        )
        panels.table(
            frame.drop(columns="method"),
            name=f"training-{job.id}",
            title="Training, epoch by epoch",
            key=f"job-{job.id}",
        )
