"""What workers do with a job: claim it, show signs of life and progress, end it or give it back.

Every step is a short transaction of its own, so that progress is seen while the work goes on. Each attempt is
kept in the job's history with its worker and how it ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from dashboard.models import Job
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.job_queue import hand_over

# A worker shows a sign of life every few seconds; without one for so long it is taken for dead.
STALE = dt.timedelta(seconds=20)
BEAT_SECONDS = 5
# A queued job that nobody began in this time is handed to the queue again.
NOT_BEGUN = dt.timedelta(seconds=30)
# Attempts that count: those that a worker broke off because it was told to stop do not.
MOST_ATTEMPTS = 3
# What else ends with a job, by its kind: called in the transaction that ends it, however it ends.
ENDINGS: dict[str, Callable[[Job], None]] = {}
# What else goes back to waiting with a job that a stopping worker gives back, by its kind.
RETURNS: dict[str, Callable[[Job], None]] = {}

LOST = "The worker was lost in the middle of it."
GIVEN_BACK = "The worker was told to stop; another goes on."
GIVEN_UP = (
    f"The work was interrupted {MOST_ATTEMPTS} times and was given up. Try it again; if that fails too, tell"
    " your administrator."
)


class Cancelled(Exception):
    """Staff asked the job to stop."""


class Stopping(Cancelled):
    """The worker was told to stop: the work breaks off as for a cancel, and another goes on with it."""


class Overtaken(Exception):
    """Another worker has the job now, because this one was taken for dead."""


@dataclass(frozen=True)
class Claim:
    """A worker's hold on a job. It ends when another attempt begins."""

    job_id: int
    attempt: int

    @property
    def held(self) -> ColumnElement[bool]:
        return and_(Job.id == self.job_id, Job.attempts == self.attempt, Job.state == "running")


def claim(job_id: int, worker: str = "") -> Claim | None:
    """Take the job, unless it has ended or somebody who is alive has it."""
    lost = and_(Job.state == "running", Job.heartbeat_at < func.now() - STALE)
    begun = func.jsonb_build_object(
        "attempt", Job.attempts + 1, "worker", literal(worker[:120]), "began", func.now()
    )
    before = case((lost, _closed("lost", LOST)), else_=Job.history)
    with unit_of_work(SYSTEM) as current:
        attempt = current.scalar(
            update(Job)
            .where(
                Job.id == job_id,
                or_(Job.state == "queued", lost),
                Job.attempts - Job.excused < MOST_ATTEMPTS,
            )
            .values(
                state="running",
                attempts=Job.attempts + 1,
                history=before.concat(func.jsonb_build_array(begun)),
                done=0,
                notes=[],
                started_at=func.coalesce(Job.started_at, func.now()),
                heartbeat_at=func.now(),
            )
            .returning(Job.attempts)
            .execution_options(synchronize_session=False)
        )
    return None if attempt is None else Claim(job_id, attempt)


def beat(held: Claim) -> bool | None:
    """A sign of life. True when staff asked the job to stop, None when the job is no longer ours."""
    with unit_of_work(SYSTEM) as current:
        return _change(current, held, heartbeat_at=func.now())


def progress(held: Claim, done: int) -> None:
    """How many are done. Raises Cancelled or Overtaken, at which the work stops."""
    with unit_of_work(SYSTEM) as current:
        asked = _change(current, held, heartbeat_at=func.now(), done=done)
    if asked is None:
        raise Overtaken
    if asked:
        raise Cancelled


def finish(held: Claim, done: int, notes: list[str], document_id: int | None = None, name: str = "") -> None:
    """The work is done, with its file where it has one. Raises Overtaken."""
    ended = {
        "state": "done",
        "done": done,
        "notes": notes,
        "result_id": document_id,
        "result_name": name[:200],
    }
    _end(held, **ended)


def fail(held: Claim, message: str, notes: list[str]) -> None:
    _end(held, state="failed", error=message, notes=notes)


def cancelled(held: Claim, notes: Iterable[str] = ()) -> None:
    _end(held, state="cancelled", notes=list(notes))


def give_back(held: Claim) -> None:
    """The worker stops, the job goes on elsewhere: it waits again, and this attempt does not count. Raises
    Overtaken."""
    with unit_of_work(SYSTEM) as current:
        job = current.scalar(
            select(Job).where(held.held).with_for_update().execution_options(populate_existing=True)
        )
        if job is None:
            raise Overtaken
        _return(job)


def leave(worker: str) -> None:
    """The worker has ended: what it held waits for another, and this attempt does not count."""
    with unit_of_work(SYSTEM) as current:
        for job in current.scalars(
            select(Job)
            .where(Job.state == "running", Job.history[-1]["worker"].astext == worker[:120])
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all():
            _return(job)
    revive()


def revive() -> list[int]:
    """Hand over again what was lost: jobs not begun in time, and those whose worker died. Gives their ids."""
    with unit_of_work(SYSTEM) as current:
        lost = current.scalars(
            select(Job)
            .where(Job.state == "running", Job.heartbeat_at < func.now() - STALE)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        for job in lost:
            _take_back(job)
        current.flush()
        late = or_(Job.enqueued_at.is_(None), Job.enqueued_at < func.now() - NOT_BEGUN)
        waiting = current.scalars(
            select(Job.id)
            .where(Job.state == "queued", late)
            .order_by(Job.id)
            .with_for_update(skip_locked=True)
        ).all()
    hand_over(waiting)
    return list(waiting)


def tell_ending(job: Job) -> None:
    """What depends on the job ends with it, in the same transaction."""
    ending = ENDINGS.get(job.kind)
    if ending is not None:
        ending(job)


def _change(current: Session, held: Claim, **values: Any) -> bool | None:
    """Write to a held job. Gives the cancel flag, or None when the job is not held any more."""
    found: bool | None = current.scalar(
        update(Job)
        .where(held.held)
        .values(**values)
        .returning(Job.cancel_requested)
        .execution_options(synchronize_session=False)
    )
    return found


def _end(held: Claim, **values: Any) -> None:
    history = _closed(values["state"], values.get("error"))
    with unit_of_work(SYSTEM) as current:
        if _change(current, held, finished_at=func.now(), history=history, **values) is None:
            raise Overtaken
        tell_ending(current.get_one(Job, held.job_id, populate_existing=True))


def _closed(state: str, error: str | None = None) -> ColumnElement[Any]:
    """The job's history with the end of its last attempt."""
    last = func.coalesce(Job.history[-1], cast(text("'{}'"), JSONB))
    ended = func.jsonb_build_object("ended", func.now(), "state", state, "error", literal(error or ""))
    return func.jsonb_set(Job.history, text("'{-1}'"), last.concat(ended), type_=JSONB)


def _take_back(job: Job) -> None:
    """A job whose worker died: stopped where that was asked, given up after three attempts, else queued."""
    if job.cancel_requested:
        job.state = "cancelled"
    elif job.attempts - job.excused >= MOST_ATTEMPTS:
        job.state = "failed"
        job.error = GIVEN_UP
    else:
        job.state = "queued"
        job.enqueued_at = None
    job.history = _closed("lost", LOST)
    if job.state != "queued":
        job.finished_at = func.now()
        tell_ending(job)


def _return(job: Job) -> None:
    """A job whose worker stops: as it was asked, or waiting for another."""
    if job.cancel_requested:
        job.state, job.finished_at = "cancelled", func.now()
        job.history = _closed("cancelled")
        tell_ending(job)
        return
    job.state, job.enqueued_at = "queued", None
    job.excused = job.excused + 1
    job.history = _closed("stopped", GIVEN_BACK)
    returning = RETURNS.get(job.kind)
    if returning is not None:
        returning(job)
