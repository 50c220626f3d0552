"""Work in the background: started, cancelled and retried by staff; claimed, reported and ended by workers.

The row is the truth. The queue only carries its id, and may lose it: `revive` hands it over again. Every step
is a short transaction of its own, so that progress is seen while the work goes on.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
from flask import current_app
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from dashboard.models import Document, Job
from dashboard.operations.base import SYSTEM, Actor, fetch, on_commit, operation, session, unit_of_work
from dashboard.operations.errors import Missing, Refused
from dashboard.work_queue import WorkQueue, redis_connection, work_queue

log = logging.getLogger("jobs")

ENTRY = "jobs.runner.run"
# A worker shows a sign of life every few seconds; without one for so long it is taken for dead.
STALE = dt.timedelta(seconds=20)
BEAT_SECONDS = 5
# A queued job that nobody began in this time is handed to the queue again.
NOT_BEGUN = dt.timedelta(seconds=30)
MOST_ATTEMPTS = 3
LONGEST_SECONDS = 6 * 3600
ENDED = ("done", "failed", "cancelled")
# What else ends with a job, by its kind: called in the transaction that ends it, however it ends.
ENDINGS: dict[str, Callable[[Job], None]] = {}


class Cancelled(Exception):
    """Staff asked the job to stop."""


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


# What staff do


@operation("job.own")
def start(actor: Actor, kind: str, title: str, params: Mapping[str, Any], total: int = 0) -> Job:
    """File the work and, once that is committed, hand it to the queue. `params` must be plain JSON."""
    job = Job(
        kind=kind,
        title=title[:200],
        params=dict(params),
        total=total,
        created_by=actor.id,
        created_by_name=actor.name,
    )
    session().add(job)
    session().flush()
    job_id = job.id
    on_commit(lambda: hand_over([job_id]))
    return job


@operation("job.own")
def request_cancel(actor: Actor, job_id: int) -> Job:
    """A queued job ends at once, a running one within about a second. Nothing half-made is kept."""
    job = own(actor, job_id, lock=True)
    if job.state in ENDED:
        raise Refused("This job has already ended.")
    job.cancel_requested = True
    if job.state == "queued":
        job.state = "cancelled"
        job.finished_at = func.now()
        _tell_ending(job)
    session().flush()
    return job


@operation("job.own")
def retry(actor: Actor, job_id: int) -> Job:
    """Do a failed or cancelled job again from the beginning."""
    job = own(actor, job_id, lock=True)
    if job.state not in ("failed", "cancelled"):
        raise Refused("Only a job that failed or was cancelled can be tried again.")
    job.state = "queued"
    job.done = job.attempts = 0
    job.cancel_requested = False
    job.error = job.enqueued_at = job.started_at = job.heartbeat_at = job.finished_at = None
    job.notes = []
    session().flush()
    on_commit(lambda: hand_over([job_id]))
    return job


def own(actor: Actor, job_id: int, *, lock: bool = False) -> Job:
    """The actor's own job, or anybody's for those who may see all. Others are told that there is none."""
    job = fetch(Job, job_id, "job", lock=lock)
    if not actor.may("job.read") and (actor.id is None or job.created_by != actor.id):
        raise Missing("job")
    return job


def result_of(actor: Actor, job_id: int) -> tuple[Document, str]:
    """The finished job's file and its name."""
    job = own(actor, job_id)
    if job.result is None:
        if job.state == "done":
            raise Refused("The file of this job is no longer kept. Start the job again to have it made anew.")
        raise Refused("This job has no file to download.")
    return job.result, job.result_name or f"job-{job.id}"


# What workers do


def claim(job_id: int) -> Claim | None:
    """Take the job, unless it has ended or somebody who is alive has it."""
    lost = and_(Job.state == "running", Job.heartbeat_at < func.now() - STALE)
    with unit_of_work(SYSTEM) as current:
        attempt = current.scalar(
            update(Job)
            .where(Job.id == job_id, or_(Job.state == "queued", lost), Job.attempts < MOST_ATTEMPTS)
            .values(
                state="running",
                attempts=Job.attempts + 1,
                done=0,
                notes=[],
                started_at=func.coalesce(Job.started_at, func.now()),
                heartbeat_at=func.now(),
            )
            .returning(Job.attempts)
            .execution_options(synchronize_session=False)
        )
    return None if attempt is None else Claim(job_id, attempt)


def beat(held: Claim) -> bool:
    """A sign of life; False when the job is no longer ours."""
    with unit_of_work(SYSTEM) as current:
        return _change(current, held, heartbeat_at=func.now()) is not None


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
    with unit_of_work(SYSTEM) as current:
        if _change(current, held, finished_at=func.now(), **values) is None:
            raise Overtaken
        _tell_ending(current.get_one(Job, held.job_id, populate_existing=True))


def _tell_ending(job: Job) -> None:
    ending = ENDINGS.get(job.kind)
    if ending is not None:
        ending(job)


# The queue


def hand_over(job_ids: Iterable[int]) -> None:
    """Put the jobs into the queue. Where it does not answer they stay filed, and `revive` tries again."""
    settings = current_app.extensions["settings"]
    handed: list[int] = []
    try:
        with redis_connection(settings) as connection:
            queue = work_queue(settings, connection)
            for job_id in job_ids:
                _enqueue(queue, job_id)
                handed.append(job_id)
    except redis.RedisError as error:
        log.warning("the queue does not answer, the next tick hands the job over: %s", error)
    if handed:
        with unit_of_work(SYSTEM) as current:
            current.execute(
                update(Job)
                .where(Job.id.in_(handed), Job.state == "queued")
                .values(enqueued_at=func.now())
                .execution_options(synchronize_session=False)
            )


def _enqueue(queue: WorkQueue, job_id: int) -> None:
    name = f"job-{job_id}"
    if queue.get_job_position(name) is not None:
        return
    queue.enqueue_call(
        ENTRY, args=(job_id,), job_id=name, timeout=LONGEST_SECONDS, result_ttl=0, failure_ttl=24 * 3600
    )


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
            _give_back(job)
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


def _give_back(job: Job) -> None:
    """A job whose worker died: stopped where that was asked, given up after three attempts, else queued."""
    if job.cancel_requested:
        job.state = "cancelled"
    elif job.attempts >= MOST_ATTEMPTS:
        job.state = "failed"
        job.error = (
            f"The work was interrupted {MOST_ATTEMPTS} times and was given up. Try it again;"
            " if that fails too, tell your administrator."
        )
    else:
        job.state = "queued"
        job.enqueued_at = None
        return
    job.finished_at = func.now()
    _tell_ending(job)
