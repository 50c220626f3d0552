"""The queue of background work, as the web server, the commands and the workers all reach it."""

from __future__ import annotations

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from dashboard.config import Settings

CONNECT_SECONDS = 5
ANSWER_SECONDS = 15


def redis_connection(settings: Settings) -> redis.Redis:
    """A connection with explicit time-outs, a check before reuse after a pause, and three tries."""
    return redis.Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
    )


class WorkQueue(Queue):
    """RQ's queue, except that the lock on cleaning up ends soon: a worker killed while cleaning up would
    otherwise keep the others from finding lost jobs for fifteen minutes."""

    cleaning_seconds = 30

    def acquire_maintenance_lock(self) -> bool:
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=self.cleaning_seconds))


def work_queue(settings: Settings, connection: redis.Redis | None = None) -> WorkQueue:
    connection = redis_connection(settings) if connection is None else connection
    return WorkQueue(settings.queue_name, connection=connection, serializer=JSONSerializer)
