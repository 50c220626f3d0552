"""Runs of schedules in the background: many customers' by few jobs, and one that somebody asked for."""

from __future__ import annotations

import importlib
import importlib.util

from dashboard.models import Job
from dashboard.operations import schedule_work
from dashboard.operations.schedule_work import Producer
from jobs.report import Report, Result

# What makes a run's result, by what its schedule produces. Invoices and statements have ways of their own.
_MODULES = {"report": "report_runs"}


def producers() -> dict[str, Producer]:
    found: dict[str, Producer] = {}
    for what, module in _MODULES.items():
        if importlib.util.find_spec(f"dashboard.operations.{module}") is not None:
            found[what] = importlib.import_module(f"dashboard.operations.{module}").produce
    return found


def many(job: Job, report: Report) -> Result:
    """`params`: {"lane": "customers" or "reports"}. Takes what waits until nothing is left."""
    report.done = schedule_work.do_many(job.id, job.params["lane"], producers(), report.reached)
    return Result()


def one(job: Job, report: Report) -> Result:
    """`params`: {"run_id": ...}."""
    said = schedule_work.do_one(job.id, int(job.params["run_id"]), producers(), report.reached)
    if said:
        report.note(said)
    report.done = 1
    return Result()
