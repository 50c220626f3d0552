"""Work in the background, as staff steer it: started, cancelled, tried again, its result.

The row is the truth. What workers do with it is in `job_attempts`, the way to them in `job_queue`; both are
reached by this name too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select, update

from dashboard.models import Document, Job
from dashboard.operations.base import Actor, fetch, on_commit, operation, session
from dashboard.operations.errors import Missing, Refused
from dashboard.operations.job_attempts import (
    BEAT_SECONDS,
    ENDINGS,
    MOST_ATTEMPTS,
    RETURNS,
    STALE,
    Cancelled,
    Claim,
    Overtaken,
    Stopping,
    beat,
    cancelled,
    claim,
    fail,
    finish,
    give_back,
    leave,
    progress,
    revive,
    tell_ending,
)
from dashboard.operations.job_queue import ENTRY, LONGEST_SECONDS, hand_over

__all__ = [
    "BEAT_SECONDS",
    "ENDED",
    "ENDINGS",
    "ENTRY",
    "LONGEST_SECONDS",
    "MOST_ATTEMPTS",
    "RETURNS",
    "STALE",
    "Cancelled",
    "Claim",
    "Overtaken",
    "Stopping",
    "beat",
    "cancelled",
    "claim",
    "dismiss",
    "fail",
    "finish",
    "give_back",
    "hand_over",
    "leave",
    "own",
    "progress",
    "request_cancel",
    "result_of",
    "retry",
    "revive",
    "start",
    "tell_endings",
]

ENDED = ("done", "failed", "cancelled")


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
        tell_ending(job)
    session().flush()
    return job


@operation("job.own")
def retry(actor: Actor, job_id: int) -> Job:
    """Do a failed or cancelled job again from the beginning. How it ended before stays in its history."""
    job = own(actor, job_id, lock=True)
    if job.state not in ("failed", "cancelled"):
        raise Refused("Only a job that failed or was cancelled can be tried again.")
    job.history = [*job.history, _tried_again(actor, job)]
    job.state = "queued"
    job.done = 0
    # The attempts go on counting, so that a worker of an earlier one never takes this one for its own.
    job.excused = job.attempts
    job.cancel_requested = False
    job.told_at = job.dismissed_at = None
    job.error = job.enqueued_at = job.started_at = job.heartbeat_at = job.finished_at = None
    job.notes = []
    session().flush()
    on_commit(lambda: hand_over([job_id]))
    return job


def _tried_again(actor: Actor, job: Job) -> dict[str, Any]:
    """A line of the history: who asked for another try, and after what, where no attempt says it already."""
    last = job.history[-1] if job.history else {}
    said = "" if last.get("error") == job.error else job.error or ""
    now = dt.datetime.now(dt.UTC).isoformat()
    return {"state": "retried", "worker": actor.name, "began": now, "ended": now, "error": said}


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


@operation("job.own")
def tell_endings(actor: Actor, job_ids: Collection[int]) -> list[Job]:
    """Of these, the actor's ended jobs that nobody was told of yet; from now on they are told."""
    return list(
        session()
        .scalars(
            update(Job)
            .where(
                Job.id.in_(list(job_ids)),
                Job.created_by == actor.id,
                Job.state.in_(ENDED),
                Job.told_at.is_(None),
            )
            .values(told_at=func.now())
            .returning(Job)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        .all()
    )


@operation("job.own")
def dismiss(actor: Actor, job_ids: Collection[int] | None = None) -> int:
    """Put ended jobs out of the actor's drawer: these, or all. They stay in the list of jobs."""
    which = select(Job.id).where(Job.created_by == actor.id, Job.state.in_(ENDED), Job.dismissed_at.is_(None))
    if job_ids is not None:
        which = which.where(Job.id.in_(list(job_ids)))
    done = session().execute(
        update(Job)
        .where(Job.id.in_(which))
        .values(dismissed_at=func.now(), told_at=func.coalesce(Job.told_at, func.now()))
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return len(done.all())
