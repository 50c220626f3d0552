"""What an administrator sees beside the list of jobs: the queue, the workers, the ticks."""

from __future__ import annotations

from typing import Any

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard.admin_views.job_show import ago, words_of
from dashboard.queries import jobs as job_queries
from dashboard.queries import pulse
from dashboard.work_queue import work_queue

STATES = {
    "idle": ("active", "Idle"),
    "busy": ("running", "Busy"),
    "stopping": ("cancelling", "Stopping"),
    "stopped": ("ended", "Stopped"),
    "silent": ("failed", "Silent"),
}
# A page must not hang on a queue that does not answer.
ANSWER_SECONDS = 2


def machines() -> dict[str, Any]:
    """What the template shows."""
    counts = job_queries.waiting()
    workers, ticks = pulse.workers(), pulse.ticks()
    return {
        "warnings": pulse.warnings(),
        "workers": [_process(one) for one in workers],
        "ticks": [_process(one) for one in ticks],
        "titles": job_queries.titles_of({one.job_id for one in workers if one.job_id}),
        "there": sum(one.heard for one in workers),
        "queue": _queue(),
        "counts": {**counts, "longest": words_of(counts["longest"]) if counts["longest"] else ""},
    }


def _process(one: pulse.Pulse) -> dict[str, Any]:
    badge, label = STATES.get(one.shown, ("ended", one.shown))
    since = one.at + one.silence - one.since if one.since else None
    return {
        "name": one.name,
        "machine": one.machine,
        "pid": one.pid,
        "badge": badge,
        "label": label,
        "job_id": one.job_id,
        "doing": one.doing.replace("_", " "),
        "for": words_of(since) if since is not None and one.state == "busy" else "",
        "heard": ago(one.silence),
        "up": words_of(one.at - one.started_at) if one.started_at else "",
        "round": ago(one.at + one.silence - one.round_at) if one.round_at else "",
        "heard_of": one.heard,
    }


def _queue() -> dict[str, Any]:
    """Its name and length; None where it does not answer."""
    settings = current_app.extensions["settings"]
    connection = redis.Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with connection:
            length: int | None = work_queue(settings, connection).count
    except redis.RedisError:
        length = None
    return {"name": settings.queue_name, "length": length}
