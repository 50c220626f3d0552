"""Billing runs in the background: working out what would be made, and making it."""

from __future__ import annotations

from dashboard.models import Job
from dashboard.operations import billing_runs
from dashboard.operations.base import Actor
from jobs.report import Report, Result


def preview(job: Job, report: Report) -> Result:
    """`params`: {"run_id": ...}. Nothing but the run's own rows is written."""
    report.done = billing_runs.work_out(int(job.params["run_id"]), report.reached, report.note)
    return Result()


def run(job: Job, report: Report) -> Result:
    """`params`: {"run_id": ...}. Each chunk of customers is committed with what became of it, so a cancel or
    a lost worker leaves whole invoices only, and another worker goes on with the rest."""
    # The right was checked when it was asked for; here the invoices are made under that name.
    actor = Actor(job.created_by, job.created_by_name or "System", None)
    report.done = billing_runs.carry_out(actor, int(job.params["run_id"]), report.reached)
    return Result()
