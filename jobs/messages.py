"""A message to many customers: a mail for each is filed, some at a time."""

from __future__ import annotations

from dashboard.models import Job
from dashboard.operations import messages
from dashboard.operations.base import Actor
from jobs.report import Report, Result

CHUNK = 20
MOST_NOTES = 200


def send(job: Job, report: Report) -> Result:
    """`params`: {"ids": [...], "subject": ..., "text": ...}. Who was written to by an attempt before is left
    out."""
    ids = [int(key) for key in job.params["ids"]]
    actor = Actor(job.created_by, job.created_by_name or "System", None)
    subject, text, mark = job.params["subject"], job.params["text"], f"job:{job.id}"
    for start in range(0, len(ids), CHUNK):
        done = messages.send_many(actor, ids[start : start + CHUNK], subject, text, mark=mark)
        for one in done.refused:
            if len(report.notes) < MOST_NOTES:
                report.note(f"{one.label}: {one.reason}")
        report.reached(min(start + CHUNK, len(ids)))
    report.done = len(ids)
    return Result()
