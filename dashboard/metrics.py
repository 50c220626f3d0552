"""`/metrics` for Prometheus: off (404) unless METRICS_TOKEN is set, and then for whoever bears it.

Jobs, mails, invoices, the queue and the workers are counted from the database when they are asked for, so
every web machine says the same. The latency of requests is what the processes of this machine have measured:
gunicorn's processes share their counts by files in PROMETHEUS_MULTIPROC_DIR, which its settings set.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import redis
from flask import Flask, Response, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from dashboard.extensions import db, limiter
from dashboard.queries import metrics, pulse
from dashboard.work_queue import redis_connection, work_queue

# Counting everything is not done more often than this, however many ask.
KEPT_SECONDS = 5.0
MOST = "120 per minute"
METHODS = ("GET", "POST", "HEAD")
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_own = CollectorRegistry()
LATENCY = Histogram(
    "billing_request_duration_seconds",
    "How long answers took, by the name of the view and the class of the status.",
    ("method", "view", "status"),
    buckets=BUCKETS,
    registry=_own,
)


class Books(Collector):
    """What the database and the queue say, kept for a few seconds."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._found: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() >= self._until:
                with self._app.app_context():
                    self._found = [*self._books(), *self._queue()]
                self._until = time.monotonic() + KEPT_SECONDS
            return self._found

    def _books(self) -> list[Metric]:
        up = GaugeMetricFamily("billing_database_up", "1 when the database answers.")
        try:
            found = [metric for part in PARTS for metric in part()]
            up.add_metric([], 1)
            return [*found, up]
        except SQLAlchemyError:
            up.add_metric([], 0)
            return [up]
        finally:
            db.session.rollback()

    def _queue(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("billing_queue_up", "1 when the queue answers.")
        length = GaugeMetricFamily("billing_queue_length", "Jobs in the queue.", labels=["queue"])
        settings = self._app.extensions["settings"]
        try:
            with redis_connection(settings) as connection:
                queue = work_queue(settings, connection)
                length.add_metric([queue.name], queue.count)
            up.add_metric([], 1)
            yield length
        except redis.RedisError:
            up.add_metric([], 0)
        yield up


def _counts(
    family: type[GaugeMetricFamily | CounterMetricFamily],
    name: str,
    words: str,
    labels: list[str],
    statement: str,
) -> Iterator[Metric]:
    found = family(name, words, labels=labels)
    for *values, count in metrics.rows(statement):
        found.add_metric([str(value) for value in values], count)
    yield found


def _jobs() -> Iterator[Metric]:
    labels = ["kind", "state"]
    yield from _counts(GaugeMetricFamily, "billing_jobs", "Jobs by kind and state.", labels, metrics.JOBS)
    words = "Attempts at jobs that have ended, by kind and result."
    yield from _counts(
        CounterMetricFamily, "billing_job_attempts", words, ["kind", "result"], metrics.ATTEMPTS
    )
    took = HistogramMetricFamily(
        "billing_job_duration_seconds", "From the start of a job to its good end.", labels=["kind"]
    )
    for kind, *counts, count, total in metrics.rows(metrics.DURATIONS):
        ends = [(f"{end:.1f}", reached) for end, reached in zip(metrics.SECONDS, counts, strict=True)]
        took.add_metric([kind], [*ends, ("+Inf", count)], float(total))
    yield took


def _made() -> Iterator[Metric]:
    yield from _counts(GaugeMetricFamily, "billing_mails", "Mails by state.", ["state"], metrics.MAILS)
    words = "Runs of schedules by state."
    yield from _counts(GaugeMetricFamily, "billing_schedule_runs", words, ["state"], metrics.RUNS)
    words = "Invoices by where they come from and their state."
    yield from _counts(GaugeMetricFamily, "billing_invoices", words, ["origin", "state"], metrics.INVOICES)


def _processes() -> Iterator[Metric]:
    there = GaugeMetricFamily("billing_processes", "Workers and ticks by state.", labels=["kind", "state"])
    silence = GaugeMetricFamily(
        "billing_silence_seconds", "Since the last sign of life of any of the kind.", labels=["kind"]
    )
    for kind, found in (("worker", pulse.workers()), ("tick", pulse.ticks())):
        states = [one.shown for one in found]
        for state in ("idle", "busy", "stopping", "stopped", "silent"):
            there.add_metric([kind, state], states.count(state))
        if found:
            silence.add_metric([kind], min(one.seconds for one in found))
    yield there
    yield silence


PARTS: tuple[Callable[[], Iterator[Metric]], ...] = (_jobs, _made, _processes)


def install(app: Flask) -> None:
    app.add_url_rule("/metrics", "metrics", limiter.limit(MOST)(scrape), methods=["GET"])
    if not app.extensions["settings"].metrics_token:
        return
    app.extensions["metrics"] = _registry(app)
    # Before everything else, so that the time of the whole answer is measured.
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_end)


def scrape() -> ResponseReturnValue:
    token = current_app.extensions["settings"].metrics_token
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return {"error": "A bearer token is needed."}, 401, {"WWW-Authenticate": "Bearer"}
    body = generate_latest(current_app.extensions["metrics"])
    return Response(body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _registry(app: Flask) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Books(app))
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(LATENCY)
    return registry


def _begin() -> None:
    g.request_began = time.perf_counter()


def _end(response: Response) -> Response:
    began = g.pop("request_began", None)
    # What machines ask by themselves says nothing of how staff are served.
    if began is not None and request.endpoint not in ("static", "healthz", "readyz", "metrics"):
        view = request.endpoint or "none"
        status = f"{response.status_code // 100}xx"
        method = request.method if request.method in METHODS else "other"
        LATENCY.labels(method, view, status).observe(time.perf_counter() - began)
    return response
