"""How a job tells the world where it is, and learns that it should stop."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask

from dashboard.models import Document
from dashboard.operations import jobs

# Seconds between two writes of progress; the cancel flag is read with them.
EVERY = 0.4


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
    _written: float = 0.0

    def reached(self, done: int) -> None:
        """Say how many are done. Call it often: it writes a few times a second at most. Raises Cancelled
        where staff asked for it, and Overtaken where another worker has the job."""
        self.done = done
        if time.monotonic() - self._written >= EVERY:
            jobs.progress(self.held, done)
            self._written = time.monotonic()

    def note(self, text: str) -> None:
        """Something the reader should know of the finished job, such as what was left out."""
        self.notes.append(text)

    def result_key(self) -> str:
        """Where to keep the file. New each time, so that nothing of an earlier attempt is taken for it."""
        return f"job-{self.held.job_id}-{uuid.uuid4().hex}"


@contextmanager
def signs_of_life(app: Flask, held: jobs.Claim) -> Iterator[None]:
    """Renews the job's sign of life beside the work, which may be busy in one place for long."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(jobs.BEAT_SECONDS):
            try:
                with app.app_context():
                    if not jobs.beat(held):
                        return
            except Exception:  # noqa: S112 - the database is away for a moment; the next beat tries again
                continue

    thread = threading.Thread(target=beat, name=f"job-{held.job_id}-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=jobs.BEAT_SECONDS)
