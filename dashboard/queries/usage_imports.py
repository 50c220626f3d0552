"""Imports of usage as staff see them: the list, what came of one, its bad rows, how far it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from dashboard.extensions import db
from dashboard.models import UsageFault, UsageFormat, UsageImport
from dashboard.models.usage import IMPORT_STATES
from dashboard.queries.list_export import csv_chunks
from dashboard.queries.listing import Column, Listing, State, Tab, everything

FAULTS_SHOWN = 100
MILLI = dt.timedelta(milliseconds=1)


def search(words: str) -> Sequence[Select[Any]]:
    return [select(UsageImport.id).where(UsageImport.filename.icontains(words, autoescape=True))]


LISTING = Listing(
    model=UsageImport,
    columns=(
        Column("id", "Import", UsageImport.id, kind="number", sortable=True),
        Column("filename", "File", UsageImport.filename, filterable=True),
        Column("format", "Format", UsageImport.format, filterable=True, hidden=True),
        Column("state", "State", UsageImport.state, kind="choice", choices=IMPORT_STATES, badge=True),
        Column("rows", "Rows", UsageImport.rows, kind="number"),
        Column("loaded", "Loaded", UsageImport.loaded, kind="number", filterable=True),
        Column("duplicates", "Already there", UsageImport.duplicates, kind="number"),
        Column("unmatched", "Unmatched", UsageImport.unmatched, kind="number", filterable=True),
        Column("unrated", "Unrated", UsageImport.unrated, kind="number", filterable=True),
        Column("bad", "Bad rows", UsageImport.bad, kind="number", filterable=True),
        Column("late", "Late", UsageImport.late, kind="number", filterable=True, hidden=True),
        Column("first_call", "First call", UsageImport.first_call, kind="moment", nullable=True, hidden=True),
        Column("last_call", "Last call", UsageImport.last_call, kind="moment", nullable=True, hidden=True),
        Column("created_at", "Uploaded", UsageImport.created_at, kind="moment", filterable=True),
    ),
    default_sort="-id",
    search=search,
    search_hint="Name of the file",
    tabs=(
        Tab("open", "To be loaded", lambda: UsageImport.state.in_(("uploaded", "failed", "cancelled"))),
        Tab("faulty", "With bad rows", lambda: UsageImport.bad > 0),
        Tab("all", "All", everything),
    ),
)

FORMATS = Listing(
    model=UsageFormat,
    columns=(
        Column("name", "Name", UsageFormat.name, sortable=True, filterable=True, editable="name"),
        Column("created_at", "Saved", UsageFormat.created_at, kind="moment"),
        Column("updated_at", "Changed", UsageFormat.updated_at, kind="moment"),
        Column("id", "Record", UsageFormat.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    extra=(Column("version", "Version", UsageFormat.version),),
    default_sort="name",
    search=lambda words: [select(UsageFormat.id).where(UsageFormat.name.icontains(words, autoescape=True))],
    search_hint="Name",
    tabs=(Tab("all", "All", everything),),
)

FAULTS = Listing(
    model=UsageFault,
    columns=(
        Column("line", "Line", UsageFault.line, kind="number", sortable=True),
        Column("reason", "Reason", UsageFault.reason),
        Column("text", "Text", UsageFault.text),
    ),
    default_sort="line",
)


@dataclass(frozen=True)
class Faults:
    """Bad rows: the first of them by line, and how many there are of each kind. `kept` counts those that are
    listed; of a file that is wrong throughout not every row is."""

    rows: Sequence[UsageFault]
    reasons: list[tuple[str, int]]
    kept: int


def faults(import_id: int, *, after: int = 0) -> Faults:
    reasons = db.session.execute(
        select(UsageFault.reason, func.count())
        .where(UsageFault.usage_import_id == import_id)
        .group_by(UsageFault.reason)
        .order_by(func.count().desc(), UsageFault.reason)
        .limit(20)
    ).all()
    rows = db.session.scalars(
        select(UsageFault)
        .where(UsageFault.usage_import_id == import_id, UsageFault.line > after)
        .order_by(UsageFault.line, UsageFault.id)
        .limit(FAULTS_SHOWN)
    ).all()
    kept = db.session.scalar(
        select(func.count()).select_from(UsageFault).where(UsageFault.usage_import_id == import_id)
    )
    return Faults(rows, [(reason, count) for reason, count in reasons], kept or 0)


def faults_csv(import_id: int) -> Iterator[bytes]:
    return csv_chunks(FAULTS, State(pinned=(UsageFault.usage_import_id == import_id,)))


@dataclass(frozen=True)
class Pace:
    """How far a load is, in rows. `total` is 0 where the file was never counted; `left` is empty as long as
    it can't be told."""

    rows: int
    total: int
    rows_a_second: int
    left: str


def pace(made: UsageImport, now: dt.datetime) -> Pace | None:
    """Measured up to the last rows that came in: they come by the chunk, and between two the speed does not
    drop."""
    job = made.job
    if job is None or job.state != "running" or job.started_at is None:
        return None
    facts = made.options.get("facts", {})
    total = int(facts.get("rows") or 0) + int(facts.get("bad") or 0)
    if not made.rows:
        return Pace(0, total, 0, "")
    took = max(1, (made.updated_at - job.started_at) // MILLI)
    left = ""
    if made.rows < total:
        rest = took * (total - made.rows) // made.rows - (now - made.updated_at) // MILLI
        left = _written(rest // 1000)
    elif total:
        left = "finishing"
    return Pace(made.rows, max(total, made.rows) if total else 0, 1000 * made.rows // took, left)


def _written(seconds: int) -> str:
    if seconds < 1:
        return "a moment left"
    if seconds < 60:
        return f"{seconds} s left"
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes} min {seconds} s left" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min left"
