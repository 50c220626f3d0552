"""Background jobs as staff see them: their own, or everybody's for those who may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Interval, Select, and_, func, or_, select, type_coerce

from dashboard.extensions import db
from dashboard.models import Job
from dashboard.queries.listing import Column, Listing, Tab

STATES = {
    "queued": "Waiting",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
LIVE = ("queued", "running")


def search(words: str) -> Sequence[Select[Any]]:
    """By title or by who started it."""
    return [
        select(Job.id).where(Job.title.icontains(words, autoescape=True)),
        select(Job.id).where(Job.created_by_name.icontains(words, autoescape=True)),
    ]


LISTING = Listing(
    model=Job,
    columns=(
        Column("id", "Job", Job.id, kind="number", sortable=True),
        Column("title", "Title", Job.title),
        Column("state", "State", Job.state, kind="choice", choices=STATES, filterable=True, badge=True),
        Column("done", "Done", Job.done, kind="number"),
        Column("total", "Of", Job.total, kind="number"),
        Column("created_by_name", "Started by", Job.created_by_name, filterable=True),
        Column("created_at", "Started", Job.created_at, kind="moment", filterable=True),
        Column("finished_at", "Ended", Job.finished_at, kind="moment", nullable=True),
        Column("error", "Reason", Job.error, nullable=True, hidden=True),
    ),
    extra=(Column("result_id", "Result", Job.result_id),),
    default_sort="-id",
    search=search,
    search_hint="Title or name",
    tabs=(
        Tab("live", "Running", lambda: Job.state.in_(LIVE)),
        Tab("done", "Done", lambda: Job.state == "done"),
        Tab("failed", "Failed", lambda: Job.state == "failed"),
        Tab("all", "All", lambda: None),
    ),
)


def visible_to(staff_id: int | None, everybody: bool) -> ColumnElement[bool] | None:
    """The condition for a reader's jobs; None where they may see all."""
    return None if everybody else Job.created_by == staff_id


# An ended job stays in its owner's drawer for so long, unless it is put away before.
KEPT_IN_DRAWER = dt.timedelta(hours=24)
MOST_IN_DRAWER = 30


def drawer_of(staff_id: int) -> Sequence[Job]:
    """What this member of staff has waiting, running or lately ended: first what goes on, then the newest."""
    live = Job.state.in_(LIVE)
    lately = and_(Job.dismissed_at.is_(None), Job.finished_at > func.now() - KEPT_IN_DRAWER)
    return db.session.scalars(
        select(Job)
        .where(Job.created_by == staff_id, or_(live, lately))
        .order_by(live.desc(), Job.finished_at.desc().nulls_first(), Job.id)
        .limit(MOST_IN_DRAWER)
        .execution_options(populate_existing=True)
    ).all()


def titles_of(keys: Collection[int]) -> dict[int, str]:
    """What these jobs are called."""
    if not keys:
        return {}
    return {
        row.id: row.title for row in db.session.execute(select(Job.id, Job.title).where(Job.id.in_(keys)))
    }


def waiting() -> dict[str, Any]:
    """How many jobs wait and run, since when the first waits, and how many failed in the last day."""
    row = db.session.execute(
        select(
            func.count().filter(Job.state == "queued").label("queued"),
            func.count().filter(Job.state == "running").label("running"),
            type_coerce(func.now() - func.min(Job.created_at).filter(Job.state == "queued"), Interval).label(
                "longest"
            ),
        ).where(Job.state.in_(LIVE))
    ).one()
    failed = db.session.scalar(
        select(func.count()).where(Job.state == "failed", Job.finished_at > func.now() - KEPT_IN_DRAWER)
    )
    return {**row._mapping, "failed": failed or 0}


def progress(job: Job) -> dict[str, Any]:
    """What a progress bar needs, ready for JSON. `percent` is None while the size of the work is unknown."""
    percent = min(100, job.done * 100 // job.total) if job.total else None
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "label": STATES[job.state],
        "done": job.done,
        "total": job.total,
        "percent": 100 if job.state == "done" else percent,
        "cancelling": job.cancel_requested and job.state == "running",
        "error": job.error,
        "notes": job.notes,
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "result_name": job.result_name if job.result_id is not None else None,
    }
