"""Usage in the background: loading a file, taking up calls that waited, rating again."""

from __future__ import annotations

from dashboard.models import Job
from dashboard.operations import usage_load, usage_rerate, usage_unmatched
from dashboard.operations.base import Actor
from jobs.report import Report, Result


def load(job: Job, report: Report) -> Result:
    """`params`: {"usage_import_id": ...}. Progress is told in KiB of the file. Chunks that are loaded stay,
    whatever ends the job; another attempt completes them."""
    usage_load.load_file(_actor(job), int(job.params["usage_import_id"]), report)
    report.done = max(report.done, job.total)
    return Result()


def take_up(job: Job, report: Report) -> Result:
    report.done = usage_unmatched.take_up_all(_actor(job), report)
    report.note(f"{report.done:,} calls were taken up.")
    return Result()


def rerate(job: Job, report: Report) -> Result:
    """`params`: the filters. Nothing or all of it."""
    with report.in_one_go():
        report.done = usage_rerate.rerate(_actor(job), usage_rerate.filters_of(job.params))
    report.note(f"{report.done:,} calls have another rate, charge or destination now.")
    return Result()


def rebuild(job: Job, report: Report) -> Result:
    """`params`: {"customers": [...]}, whose open calls go on the days of their time zone."""
    keys = [int(key) for key in job.params["customers"]]
    with report.in_one_go():  # a customer may have very many
        moved = usage_rerate.rebuild_each(_actor(job), keys, report.reached)
    report.done = len(keys)
    report.note(f"{moved:,} calls are on another day now.")
    return Result()


def _actor(job: Job) -> Actor:
    # The right was checked when it was asked for; here it is done under that name.
    return Actor(job.created_by, job.created_by_name or "System", None)
