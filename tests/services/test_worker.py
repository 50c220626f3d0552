"""Workers: a killed one's job is taken up by another within a minute."""

from __future__ import annotations

import time

import psutil
from rq import Retry
from rq.job import Job

from dashboard.work_queue import work_queue
from tests.support.waiting import wait_until


def test_a_job_runs_in_a_real_worker(settings, queue_connection, worker_process):
    job = work_queue(settings, queue_connection).enqueue("math.factorial", 5)
    wait_until(lambda: job.is_finished, 20, "the job is done")
    assert job.return_value() == 120


def test_a_killed_workers_job_is_taken_up_within_a_minute(settings, queue_connection, start_worker):
    queue = work_queue(settings, queue_connection)
    first = start_worker()
    job = queue.enqueue("time.sleep", 50, retry=Retry(max=3))

    def taken_by() -> str:
        fetched = Job.fetch(job.id, connection=queue_connection, serializer=queue.serializer)
        return fetched.worker_name if fetched.is_started else ""

    name = wait_until(taken_by, 20, "the first worker takes the job")
    horse = wait_until(lambda: psutil.Process(first.pid).children(), 5)[0]
    first.kill()
    lost = time.monotonic()
    wait_until(lambda: not horse.is_running(), 5, "the job's own process ends with its worker")

    second = start_worker()
    wait_until(lambda: taken_by() not in ("", name), 60, "another worker takes the job")
    assert time.monotonic() - lost < 60
    second.kill()
