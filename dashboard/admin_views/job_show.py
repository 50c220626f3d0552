"""A job in words: how far it is, how long it takes yet, where its result is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for

from dashboard.models import Job
from dashboard.queries import settings
from dashboard.queries.jobs import LIVE

# The page of what a job works on: label, endpoint, and the job's parameter that holds its key.
PLACES = {
    "usage_import": ("Open the import", "usage_import.details_view", "usage_import_id"),
    "billing_preview": ("Open the billing run", "billing_run.details_view", "run_id"),
    "billing_run": ("Open the billing run", "billing_run.details_view", "run_id"),
    "schedule_run": ("Open the run", "schedule_run.details_view", "run_id"),
}
# Work in steps keeps what is done, also when it is cancelled.
IN_STEPS = (
    "usage_import",
    "usage_take_up",
    "usage_rebuild",
    "billing_run",
    "schedule_run",
    "schedule_runs",
    "invoice_mails",
    "messages",
)
# Counted in KiB of a file.
IN_KIB = ("usage_import",)
ENDINGS = {
    "done": ("is done", "ok"),
    "failed": ("failed", "bad"),
    "cancelled": ("was cancelled", "info"),
}


@dataclass(frozen=True)
class Shown:
    """What the drawer and the page of a job say of it."""

    job: Job
    live: bool
    percent: int | None
    counted: str
    took: str
    left: str
    ended: str
    place: dict[str, str] | None
    cancelling: bool
    kept: str
    in_steps: bool


def shown(job: Job, now: dt.datetime | None = None) -> Shown:
    now = now or dt.datetime.now(dt.UTC)
    running = job.state == "running"
    return Shown(
        job=job,
        live=job.state in LIVE,
        percent=min(100, job.done * 100 // job.total) if job.total else None,
        counted=counted(job),
        took=words_of((job.finished_at or now) - job.started_at) if job.started_at else "",
        left=left(job, now) if running else "",
        ended=ago(now - job.finished_at) if job.finished_at else "",
        place=place(job),
        cancelling=job.cancel_requested and running,
        kept="What was done stays." if job.kind in IN_STEPS else "Nothing half-made was kept.",
        in_steps=job.kind in IN_STEPS,
    )


def counted(job: Job) -> str:
    """Done of total, in the unit of its kind."""
    if not job.total:
        return f"{job.done:,} so far" if job.done else ""
    if job.kind in IN_KIB:
        return f"{job.done / 1024:,.1f} of {job.total / 1024:,.1f} MB"
    return f"{job.done:,} of {job.total:,}"


def left(job: Job, now: dt.datetime) -> str:
    """How long it takes yet, if it goes on as fast as it has gone in this attempt."""
    began = moment(job.history[-1].get("began")) if job.history else job.started_at
    if began is None or not job.total or not 0 < job.done < job.total:
        return ""
    gone = (now - began).total_seconds()
    if gone < 2:
        return ""
    seconds = gone * (job.total - job.done) / job.done
    span = dt.timedelta(seconds=seconds)
    return f"about {int(seconds) or 1} s left" if seconds < 60 else f"about {rough(span)} left"


def words_of(span: dt.timedelta) -> str:
    """A length of time as it is said: 8 s, 3 min 20 s, 2 h 5 min."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return (
            f"{seconds // 60} min {seconds % 60} s"
            if seconds < 600 and seconds % 60
            else f"{seconds // 60} min"
        )
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def ago(span: dt.timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < 10:
        return "just now"
    return f"{seconds} s ago" if seconds < 60 else f"{rough(span)} ago"


def rough(span: dt.timedelta) -> str:
    """To the minute, hour or day."""
    minutes = int(span.total_seconds()) // 60
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 1440 else f"{minutes // 1440} d"


def place(job: Job) -> dict[str, str] | None:
    """Where what it worked on is found."""
    label, endpoint, parameter = PLACES.get(job.kind, ("", "", ""))
    key = job.params.get(parameter)
    if not key or endpoint not in current_app.view_functions:
        return None
    return {"label": label, "href": url_for(endpoint, id=key)}


def telling(job: Job) -> dict[str, Any]:
    """What a page says when it learns that a job has ended."""
    verb, tone = ENDINGS[job.state]
    reason = f": {job.error}" if job.state == "failed" and job.error else "."
    found = place(job)
    href, label = url_for("job.details_view", id=job.id), "Show"
    if job.state == "done" and job.result_id is not None:
        href, label = url_for("job.download_view", id=job.id), "Download"
    elif found is not None:
        href, label = found["href"], "Open"
    return {"id": job.id, "text": f"{job.title} {verb}{reason}", "tone": tone, "href": href, "label": label}


ATTEMPTS = {
    "done": ("done", "Done"),
    "failed": ("failed", "Failed"),
    "cancelled": ("cancelled", "Cancelled"),
    "lost": ("failed", "Worker lost"),
    "stopped": ("void", "Given back"),
    "retried": ("queued", "Asked to try again"),
}


def attempts(job: Job) -> list[dict[str, Any]]:
    """The history of a job for its page, the newest first."""
    found = []
    for entry in reversed(job.history):
        began, ended = moment(entry.get("began")), moment(entry.get("ended"))
        badge, label = ATTEMPTS.get(entry.get("state", ""), ("running", "Running"))
        found.append(
            {
                "number": entry.get("attempt"),
                "badge": badge,
                "label": label,
                "who": entry.get("worker") or "",
                "began": settings.local(began) if began else None,
                "took": words_of(ended - began) if began and ended and entry.get("attempt") else "",
                "error": entry.get("error") or "",
            }
        )
    return found


def moment(text: str | None) -> dt.datetime | None:
    """A moment as the history keeps it."""
    return dt.datetime.fromisoformat(text) if text else None
