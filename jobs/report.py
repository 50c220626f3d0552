"""How a job tells the world where it is, and learns that it should stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from dashboard.extensions import db
from dashboard.models import Document
from dashboard.operations import jobs

# Seconds between two writes of progress; the cancel flag is read with them.
EVERY = 0.4
# Seconds between two looks for a cancel, where the work itself can't look.
LISTEN = 0.7


class Failed(Exception):
    """The work can't be done; the text says why, in a clerk's words."""


@dataclass(frozen=True)
class Result:
    """What a job leaves behind: a file, where there is one."""

    document: Document | None = None
    name: str = ""


@dataclass
class Report:
    held: jobs.Claim
    notes: list[str] = field(default_factory=list)
    done: int = 0
    # The worker was told to stop.
    stop: threading.Event = field(default_factory=threading.Event)
    # A long statement was broken off because staff asked the job to stop.
    broken_off: bool = False
    _written: float = 0.0
    _busy: set[Any] = field(default_factory=set)
    _breaking: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, done: int) -> None:
        """Say how many are done. Call it often: it writes a few times a second at most. Raises Cancelled
        where staff asked for it, Stopping where the worker is to stop, and Overtaken where another worker has
        the job."""
        self.done = done
        stopping = self.stop.is_set()
        if stopping or time.monotonic() - self._written >= EVERY:
            jobs.progress(self.held, done)
            self._written = time.monotonic()
        if stopping:
            raise jobs.Stopping

    def note(self, text: str) -> None:
        """Something the reader should know of the finished job, such as what was left out."""
        self.notes.append(text)

    def result_key(self) -> str:
        """Where to keep the file. New each time, so that nothing of an earlier attempt is taken for it."""
        return f"job-{self.held.job_id}-{uuid.uuid4().hex}"

    @contextmanager
    def in_one_go(self) -> Iterator[None]:
        """For work that is one transaction and can't report: a cancel breaks off the statement under way, so
        that all of it is rolled back. What is committed by then is done."""
        me = threading.get_ident()

        def taken(connection: Any, _record: Any, _proxy: Any) -> None:
            if threading.get_ident() == me:
                self._busy.add(connection)

        def given_back(connection: Any, _record: Any) -> None:
            self._busy.discard(connection)

        db.session.rollback()
        event.listen(db.engine, "checkout", taken)
        event.listen(db.engine, "checkin", given_back)
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            if self.broken_off:
                raise jobs.Cancelled from error
            raise
        finally:
            event.remove(db.engine, "checkout", taken)
            event.remove(db.engine, "checkin", given_back)
            with self._breaking:  # none is on its way that would hit what comes after
                self._busy.clear()

    def heard_cancel(self) -> None:
        """Called beside the work when staff asked it to stop."""
        with self._breaking:
            for connection in list(self._busy):
                self.broken_off = True
                with contextlib.suppress(Exception):
                    connection.cancel_safe(timeout=2)


def listen_for_stop(report: Report) -> None:
    """In a job's own process the worker's SIGTERM ends the work after the chunk under way."""
    if os.environ.get("RQ_JOB_ID") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: report.stop.set())


@contextmanager
def signs_of_life(app: Flask, report: Report) -> Iterator[None]:
    """Renews the job's sign of life beside the work, which may be busy in one place for long."""
    ended = threading.Event()

    def beat() -> None:
        waited = 0.0
        while not ended.wait(LISTEN):
            waited += LISTEN
            # Where the work looks for itself, a sign of life now and then is enough.
            if not report._busy and waited < jobs.BEAT_SECONDS:
                continue
            waited = 0.0
            try:
                with app.app_context():
                    asked = jobs.beat(report.held)
            except Exception:  # noqa: S112 - the database is away for a moment; the next beat tries again
                continue
            if asked is None:
                return
            if asked:
                report.heard_cancel()

    thread = threading.Thread(target=beat, name=f"job-{report.held.job_id}-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=jobs.BEAT_SECONDS)
