"""A worker for the background queue: `python -m jobs.worker`.

Each job runs in a process of its own. A killed worker's job is taken up by another within a minute: its sign
of life is renewed every 5 s and counts for 20 s, and workers look for lost jobs every 10 s.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import uuid

from flask import Flask
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from dashboard import create_app
from dashboard.config import ConfigError, Settings
from dashboard.extensions import db
from dashboard.services.privileges import end_with_parent
from dashboard.work_queue import WorkQueue, redis_connection, work_queue

WORKER_TTL = 20
SIGN_OF_LIFE = 5
LIFE_LASTS = 20
LOOK_FOR_LOST = 10


class DashboardWorker(Worker):
    queue_class = WorkQueue
    max_connection_wait_time = 5.0

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        connection = redis_connection(settings)
        super().__init__(
            [work_queue(settings, connection)],
            name=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=SIGN_OF_LIFE,
            maintenance_interval=LOOK_FOR_LOST,
            log_job_description=False,
        )

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return LIFE_LASTS

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs in the job's own process, which must not outlive the worker that watches it: two of them would
        work on the same job."""
        end_with_parent(signal.SIGKILL)
        with self.app.app_context():
            db.engine.dispose(close=False)  # the parent's connections are not ours to use
            super().main_work_horse(job, queue)


def main() -> int:
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    DashboardWorker(create_app(settings), settings).work(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main())
