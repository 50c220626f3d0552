"""What machines ask: `/healthz` whether this process lives, `/readyz` whether the product can do its work.

Both answer without a sign-in and say nothing that is secret. The answer of `/readyz` is kept for a second, so
that asking often costs no more than asking once.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import psycopg
import redis
from flask import Flask, current_app
from flask.typing import ResponseReturnValue
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard.config import Settings, libpq_url
from dashboard.extensions import limiter
from dashboard.queries.pulse import SILENT

log = logging.getLogger("health")

PARTS = ("database", "queue", "worker", "tick")
KEPT_SECONDS = 1.0
ANSWER_SECONDS = 2
# An address that asks more often than this is not watching.
MOST = "300 per minute"

_HEARD = """
SELECT kind, count(*) FROM heartbeat WHERE state <> 'stopped' AND at > now() - %s::interval GROUP BY kind
"""


@dataclass
class Readiness:
    """Looks at most once a second, however many ask."""

    settings: Settings
    _answer: dict[str, str] | None = None
    _until: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def look(self) -> dict[str, str]:
        """Each part and whether it is "ok", "missing", or "unknown" where nobody can tell."""
        with self._lock:
            if self._answer is None or time.monotonic() >= self._until:
                before, self._answer = self._answer, self._found()
                self._until = time.monotonic() + KEPT_SECONDS
                _say(before, self._answer)
            return self._answer

    def _found(self) -> dict[str, str]:
        heard = _heard(self.settings)
        found = {"database": "missing" if heard is None else "ok", "queue": _queue(self.settings)}
        for kind in ("worker", "tick"):
            found[kind] = "unknown" if heard is None else "ok" if heard.get(kind) else "missing"
        return found


def install(app: Flask) -> None:
    app.extensions["readiness"] = Readiness(app.extensions["settings"])
    app.add_url_rule("/healthz", "healthz", healthz, methods=["GET"])
    app.add_url_rule("/readyz", "readyz", limiter.limit(MOST)(readyz), methods=["GET"])


def healthz() -> ResponseReturnValue:
    """The process lives. Nothing else is looked at, so that this never fails for another's fault."""
    return {"status": "ok"}, 200, {"Cache-Control": "no-store"}


def readyz() -> ResponseReturnValue:
    parts = current_app.extensions["readiness"].look()
    missing = [name for name in PARTS if parts[name] != "ok"]
    body: dict[str, Any] = {"status": "not ready" if missing else "ready", "missing": missing, "parts": parts}
    return body, 503 if missing else 200, {"Cache-Control": "no-store"}


def _heard(settings: Settings) -> dict[str, int] | None:
    """How many of each kind were heard lately; None where the database does not answer."""
    limits = f"-c statement_timeout={ANSWER_SECONDS * 1000} -c lock_timeout={ANSWER_SECONDS * 1000}"
    try:
        with psycopg.connect(
            libpq_url(settings.database_url),
            autocommit=True,
            connect_timeout=ANSWER_SECONDS,
            tcp_user_timeout=ANSWER_SECONDS * 1000,
            options=limits,
            application_name="readyz",
        ) as connection:
            return {str(kind): int(count) for kind, count in connection.execute(_HEARD, [SILENT])}
    except psycopg.Error:
        return None


def _queue(settings: Settings) -> str:
    try:
        with redis.Redis.from_url(
            settings.redis_url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as connection:
            connection.ping()
    except redis.RedisError:
        return "missing"
    return "ok"


def _say(before: dict[str, str] | None, now: dict[str, str]) -> None:
    """In the log only when something changes."""
    if before == now:
        return
    missing = [name for name in PARTS if now[name] != "ok"]
    if missing:
        log.warning("not ready: %s", ", ".join(f"{name} {now[name]}" for name in missing))
    elif before is not None:
        log.warning("ready again")
