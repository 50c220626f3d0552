"""A worker for the background queue: `python -m jobs.worker`.

Each job runs in a process of its own. A killed worker's job is taken up by another within a minute: its sign
of life is renewed every 5 s and counts for 20 s, and workers look for lost jobs every 10 s.

SIGTERM lets the chunk under way end, for WORKER_STOP_SECONDS at most; the job is given back and another
worker, or this one after its restart, goes on with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
import uuid
from typing import Any

import redis
from flask import Flask
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from dashboard import create_app
from dashboard.config import ConfigError, Settings
from dashboard.extensions import db
from dashboard.operations import jobs
from dashboard.operations.pulses import Pulse
from dashboard.services.privileges import end_with_parent
from dashboard.work_queue import WorkQueue, redis_connection, work_queue

log = logging.getLogger("jobs")

WORKER_TTL = 20
SIGN_OF_LIFE = 5
LIFE_LASTS = 20
LOOK_FOR_LOST = 10
# A job that is told to stop is told again: it may not have been there yet.
NUDGE_SECONDS = 0.3


class DashboardWorker(Worker):
    queue_class = WorkQueue
    max_connection_wait_time = 5.0

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.patience = settings.worker_stop_seconds
        connection = redis_connection(settings)
        name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.pulse = Pulse(settings.database_url, "worker", name)
        self.stopping = False
        super().__init__(
            [work_queue(settings, connection)],
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=SIGN_OF_LIFE,
            maintenance_interval=LOOK_FOR_LOST,
            log_job_description=False,
        )

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return LIFE_LASTS

    # Signs of life

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Beside RQ's own, into the database. From the loop itself: one that hangs is not called alive."""
        self.pulse.say()
        super().heartbeat(timeout, pipeline)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """A queue that is away for a moment must not cost a job its worker."""
        try:
            super().maintain_heartbeats(job, execution)
        except redis.RedisError as error:
            log.warning("the queue does not answer: %s", error)

    def execute_job(self, job: Job, queue: Queue) -> None:
        number = job.id.removeprefix("job-")
        self.pulse.say("busy", job_id=int(number) if number.isdigit() else None)
        super().execute_job(job, queue)
        self.pulse.say("stopping" if self.stopping else "idle")

    # A job's own process

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs in the job's own process, which must not outlive the worker that watches it: two of them would
        work on the same job."""
        end_with_parent(signal.SIGKILL)
        with self.app.app_context():
            db.engine.dispose(close=False)  # the parent's connections are not ours to use
            super().main_work_horse(job, queue)

    # Stopping

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if not self.stopping:
            self.stopping = True
            threading.Thread(target=self._hurry, name="stopping", daemon=True).start()

    def _hurry(self) -> None:
        """Tell the job to end after its chunk, and end it where that takes too long."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            self._signal(signal.SIGTERM)
            time.sleep(NUDGE_SECONDS)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.horse_pid:
                os.kill(self.horse_pid, number)

    def leave(self) -> None:
        """However the loop ended: no job is left with a worker that is gone."""
        if self.is_horse:
            return
        if self.horse_pid:
            with contextlib.suppress(OSError):
                self.kill_horse()
                self.wait_for_horse()
        with self.app.app_context():
            try:
                jobs.leave(self.name)
            except Exception as error:
                log.warning("jobs could not be given back; they are taken for lost: %s", type(error).__name__)
            db.engine.dispose()
        self.pulse.stop()


def main() -> int:
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    worker = DashboardWorker(create_app(settings), settings)
    try:
        worker.work(logging_level="WARNING")
    finally:
        worker.leave()
    return 0


if __name__ == "__main__":
    code = main()
    # All is given back: taking the program apart would only keep a product waiting that stops.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
