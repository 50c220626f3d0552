"""Jobs on their way to the workers: the queue carries their ids, and may lose them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import redis
from flask import current_app
from sqlalchemy import func, update

from dashboard.models import Job
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.work_queue import WorkQueue, redis_connection, work_queue

log = logging.getLogger("jobs")

ENTRY = "jobs.runner.run"
LONGEST_SECONDS = 6 * 3600


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
