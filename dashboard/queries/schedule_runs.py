"""Runs of schedules as staff see them: the list, and what one of them made."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, Select, Text, case, cast, func, literal, select

from dashboard.extensions import db
from dashboard.models import Customer, Document, Invoice, Mail, Schedule, ScheduleRun
from dashboard.queries import settings
from dashboard.queries.jobs import LIVE, STATES
from dashboard.queries.listing import Column, Listing, Tab, everything, key_filter

WHAT = {"report": "Report", "invoices": "Invoices", "statements": "Statements"}
# So many of what a run made are listed on its page.
SHOWN = 100

_PERIOD = func.coalesce(
    case(
        (
            ScheduleRun.period_end - ScheduleRun.period_start == 1,
            cast(ScheduleRun.period_start, Text),
        ),
        else_=func.concat(
            cast(ScheduleRun.period_start, Text),
            literal(" to "),
            cast(ScheduleRun.period_end - 1, Text),
        ),
    ),
    "",
)
_SECONDS = cast(func.ceil(func.extract("epoch", ScheduleRun.finished_at - ScheduleRun.started_at)), Integer)
_TOOK = cast(_SECONDS, Text).concat(" s")
_COUNT = cast(ScheduleRun.made["count"].astext, Integer)


def search(words: str) -> Sequence[Select[Any]]:
    """By the name of the schedule, who asked for it, or the run's number."""
    found = [
        select(ScheduleRun.id).where(ScheduleRun.name.icontains(words, autoescape=True)),
        select(ScheduleRun.id).where(ScheduleRun.asked_by_name.icontains(words, autoescape=True)),
    ]
    if re.fullmatch(r"[0-9]{1,18}", words):
        found.append(select(ScheduleRun.id).where(ScheduleRun.id == int(words)))
    return found


def _joined(statement: Select[Any]) -> Select[Any]:
    return statement.outerjoin(Customer, Customer.id == ScheduleRun.customer_id)


def _in(state: str) -> Tab:
    return Tab(state, STATES[state], lambda: ScheduleRun.state == state)


LISTING = Listing(
    model=ScheduleRun,
    columns=(
        Column("name", "Schedule", ScheduleRun.name, sortable=True, filterable=True),
        Column("slot", "Slot", ScheduleRun.slot, kind="moment", sortable=True, filterable=True),
        Column("period", "Period", _PERIOD),
        Column(
            "produces",
            "Makes",
            ScheduleRun.produces,
            kind="choice",
            choices=WHAT,
            filterable=True,
            hidden=True,
        ),
        Column(
            "state", "State", ScheduleRun.state, kind="choice", choices=STATES, filterable=True, badge=True
        ),
        Column(
            "started_at", "Started", ScheduleRun.started_at, kind="moment", nullable=True, filterable=True
        ),
        Column("took", "Took", _TOOK, nullable=True),
        Column("made", "Made", _COUNT, nullable=True),
        Column("error", "Error", ScheduleRun.error, nullable=True),
        Column("asked_by_name", "Asked for by", ScheduleRun.asked_by_name, filterable=True, hidden=True),
        Column("attempts", "Attempts", ScheduleRun.attempts, kind="number", hidden=True),
        Column("id", "Run", ScheduleRun.id, kind="number", hidden=True),
        key_filter("customer", "Customer", ScheduleRun.customer_id),
    ),
    joined=_joined,
    extra=(
        Column("customer_name", "Customer", Customer.name),
        Column("seconds", "Took", _SECONDS),
        Column("schedule_id", "Schedule", ScheduleRun.schedule_id),
        Column("what", "Made", ScheduleRun.made),
        Column("document_id", "File", ScheduleRun.document_id),
        Column("cancel_requested", "Stopping", ScheduleRun.cancel_requested),
    ),
    default_sort="-slot",
    search=search,
    search_hint="Schedule, person or number",
    tabs=(*(_in(state) for state in STATES), Tab("all", "All", everything)),
)


def any_live() -> bool:
    """Whether any run waits or is under way; a list of runs then asks for itself again."""
    return bool(db.session.scalar(select(select(ScheduleRun.id).where(ScheduleRun.state.in_(LIVE)).exists())))


@dataclass(frozen=True)
class Made:
    """What a run made, as far as it is listed."""

    invoices: Sequence[Invoice] = ()
    invoice_count: int = 0
    mails: Sequence[Any] = ()
    mail_count: int = 0
    document: Document | None = None
    counted: int = 0


def made(run: ScheduleRun) -> Made:
    keys = [int(key) for key in run.made.get("invoices", ())]
    invoices = db.session.scalars(
        select(Invoice).where(Invoice.id.in_(keys[:SHOWN])).order_by(Invoice.period_start, Invoice.id)
    ).all()
    count = int(run.made.get("count") or 0)
    of_run = Mail.schedule_run_id == run.id
    mails = db.session.execute(
        select(Mail.id, Mail.subject, Mail.state, Mail.recipients)
        .where(of_run)
        .order_by(Mail.id)
        .limit(SHOWN)
    ).all()
    mail_count = len(mails)
    if mail_count == SHOWN:
        mail_count = db.session.scalar(select(func.count(Mail.id)).where(of_run)) or 0
    return Made(
        invoices=invoices,
        invoice_count=max(len(keys), count if run.produces == "invoices" else 0),
        mails=mails,
        mail_count=mail_count,
        document=run.document,
        counted=count,
    )


def words(produces: str, made: dict[str, Any], has_file: bool) -> str:
    """What a run made, in a few words: "3 invoices, 2 mails"."""
    found: list[str] = []
    invoices = made.get("count", 0) if produces == "invoices" else len(made.get("invoices", ()))
    for number, one, many in (
        (invoices, "invoice", "invoices"),
        (len(made.get("mails", ())), "mail", "mails"),
        (1 if has_file else 0, "file", "files"),
    ):
        if number:
            found.append(f"{number:,} {one if number == 1 else many}")
    return ", ".join(found)


def zone_of(run: ScheduleRun) -> str:
    """The zone on whose clocks the run was due."""
    schedule = run.schedule
    zone = schedule.time_zone if schedule is not None else None
    return zone or settings.current().time_zone


def local(moment: dt.datetime | None, zone: str) -> dt.datetime | None:
    return moment.astimezone(ZoneInfo(zone)) if moment is not None else None


def of_schedule(schedule_id: int, limit: int = 10) -> Sequence[ScheduleRun]:
    """Its last runs, the latest first."""
    return db.session.scalars(
        select(ScheduleRun)
        .where(ScheduleRun.schedule_id == schedule_id)
        .order_by(ScheduleRun.slot.desc(), ScheduleRun.id.desc())
        .limit(limit)
    ).all()


def of_customer(customer_id: int) -> Schedule | None:
    """The customer's own Invoice Schedule, where it has one."""
    return db.session.scalar(select(Schedule).where(Schedule.customer_id == customer_id))
