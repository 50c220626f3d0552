"""Sending what the ledger holds. The row is the truth: the queue only calls somebody to look at it."""

from __future__ import annotations

import logging

import redis
from flask import current_app

from dashboard.work_queue import redis_connection, work_queue

log = logging.getLogger("mail")

ENTRY = "jobs.mails.send_due"
# Somebody was called and has not yet begun; the mark ends by itself where the queue was wiped meanwhile.
CALL_LASTS = 30
LONGEST_SECONDS = 600


def call_senders() -> None:
    """Have a worker look for mail that is due. Where the queue does not answer, the next tick calls again."""
    settings = current_app.extensions["settings"]
    try:
        with redis_connection(settings) as connection:
            if not connection.set(call_mark(), "1", nx=True, ex=CALL_LASTS):
                return
            queue = work_queue(settings, connection)
            queue.enqueue_call(ENTRY, timeout=LONGEST_SECONDS, result_ttl=0, failure_ttl=24 * 3600)
    except redis.RedisError as error:
        log.warning("the queue does not answer, the next tick sends the mail: %s", error)


def call_mark() -> str:
    return f"{current_app.extensions['settings'].queue_name}:mail-call"
