"""Reports > Schedule Report: the schedules that staff made. Those of customers stand on their own pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, case, func, select

from dashboard.models import Schedule, ScheduleRun
from dashboard.models.schedule import FREQUENCIES, REPORT_FORMATS
from dashboard.queries.jobs import STATES
from dashboard.queries.listing import Column, Listing, Tab, everything

MAKES = {"report": "Breakout report", "invoices": "Invoices", "statements": "Statements"}


def search(words: str) -> Sequence[Select[Any]]:
    """By name or address."""
    addresses = func.array_to_string(Schedule.emails, " ")
    return [
        select(Schedule.id).where(Schedule.name.icontains(words, autoescape=True)),
        select(Schedule.id).where(addresses.icontains(words, autoescape=True)),
    ]


def _joined(statement: Select[Any]) -> Select[Any]:
    return statement.where(Schedule.customer_id.is_(None))


_LAST = (
    select(ScheduleRun.state)
    .where(ScheduleRun.schedule_id == Schedule.id)
    .order_by(ScheduleRun.slot.desc(), ScheduleRun.id.desc())
    .limit(1)
    .correlate(Schedule)
    .scalar_subquery()
)

LISTING = Listing(
    model=Schedule,
    columns=(
        Column("name", "Name", Schedule.name, sortable=True, filterable=True),
        Column("produces", "Produces", Schedule.produces, kind="choice", choices=MAKES, filterable=True),
        Column(
            "frequency",
            "Frequency",
            Schedule.frequency,
            kind="choice",
            choices=FREQUENCIES,
            filterable=True,
        ),
        Column(
            "format",
            "Format",
            case((Schedule.produces == "report", Schedule.format)),
            kind="choice",
            choices=REPORT_FORMATS,
            nullable=True,
            filterable=True,
        ),
        Column(
            "next_slot",
            "Next run",
            case((Schedule.paused.is_(False), Schedule.next_slot)),
            kind="moment",
            nullable=True,
        ),
        Column("last_state", "Last run", _LAST, kind="choice", choices=STATES, nullable=True, badge=True),
        Column("paused", "Paused", Schedule.paused, kind="flag", filterable=True),
        Column("emails", "Email", func.array_to_string(Schedule.emails, ", "), nullable=True),
        Column("created_by_name", "Made by", Schedule.created_by_name, filterable=True, hidden=True),
        Column("created_at", "Created", Schedule.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", Schedule.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    joined=_joined,
    default_sort="name",
    search=search,
    search_hint="Name or address",
    tabs=(
        Tab("active", "Active", lambda: Schedule.paused.is_(False)),
        Tab("paused", "Paused", lambda: Schedule.paused.is_(True)),
        Tab("all", "All", everything),
    ),
)
