"""Signs of life of a process that runs by itself, written into the database for every web machine to see.

A connection of its own, with short time-outs: whoever shows signs of life must not be held up by them, nor
fail where the database is away for a moment.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from typing import Any

import psycopg

from dashboard.config import libpq_url

log = logging.getLogger("pulse")

# What was stopped, and what fell silent, is shown for so long.
_FORGET = (
    "DELETE FROM heartbeat WHERE at < now() - interval '1 day'"
    " OR state = 'stopped' AND at < now() - interval '10 minutes'"
)
_SAY = """
INSERT INTO heartbeat AS h (name, kind, machine, pid, state, job_id, doing, at, since, started_at, round_at)
VALUES (%(name)s, %(kind)s, %(machine)s, %(pid)s, %(state)s, %(job_id)s, %(doing)s, now(), now(), now(),
    CASE WHEN %(rounded)s THEN now() END)
ON CONFLICT (name) DO UPDATE SET state = excluded.state, job_id = excluded.job_id, doing = excluded.doing,
    at = excluded.at, round_at = coalesce(excluded.round_at, h.round_at),
    since = CASE WHEN (h.state, h.doing) = (excluded.state, excluded.doing)
        AND h.job_id IS NOT DISTINCT FROM excluded.job_id THEN h.since ELSE excluded.since END
"""
_CONNECT: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "options": "-c timezone=UTC -c statement_timeout=3000 -c lock_timeout=1000",
    "application_name": "pulse",
}
_FORGET_EVERY = 60


class Pulse:
    """What one process says of itself. Nothing here ever raises for want of a database."""

    def __init__(self, database_url: str, kind: str, name: str = "") -> None:
        self.machine = socket.gethostname()[:120]
        self.pid = os.getpid()
        self.name = name[:120] or f"{self.machine}-{self.pid}-{uuid.uuid4().hex[:8]}"[-120:]
        self.kind = kind
        self.state = "idle"
        self.job_id: int | None = None
        self.doing = ""
        self._url = libpq_url(database_url)
        self._connection: psycopg.Connection[Any] | None = None
        self._said = 0
        self._missing = False
        self._lock = threading.Lock()

    def say(
        self, state: str | None = None, *, job_id: int | None = None, doing: str = "", rounded: bool = False
    ) -> None:
        """Write a sign of life; with a state, that this is what it does from now on."""
        if os.getpid() != self.pid:  # a job's own process, which has its parent's copy of this
            return
        with self._lock:
            if state is not None:
                self.state, self.job_id, self.doing = state, job_id, doing[:120]
            try:
                self._write(rounded)
                self._missing = False
            except psycopg.Error as error:
                self._drop()
                if not self._missing:
                    log.warning("the sign of life could not be written: %s", type(error).__name__)
                self._missing = True

    def stop(self) -> None:
        """The last sign: it ended in good order. On a connection of its own, because the signal to stop may
        have come amid a sign of life."""
        with self._lock:
            self._drop()
        self.say("stopped")
        with self._lock:
            self._drop()

    def _write(self, rounded: bool) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, **_CONNECT)
        values = {
            "name": self.name,
            "kind": self.kind,
            "machine": self.machine,
            "pid": self.pid,
            "state": self.state,
            "job_id": self.job_id,
            "doing": self.doing,
            "rounded": rounded,
        }
        self._connection.execute(_SAY, values)
        if self._said % _FORGET_EVERY == 0:
            self._connection.execute(_FORGET)
        self._said += 1

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
