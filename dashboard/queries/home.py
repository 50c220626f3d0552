"""What waits for somebody: the rest of the first page, beside the sums of `queries.receivables`.

Counts are those of the lists that they open, with the same cap: `10,000+`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, DateTime, cast, exists, func, literal_column, select
from sqlalchemy.orm import joinedload

from dashboard.extensions import db
from dashboard.models import (
    Customer,
    Invoice,
    Package,
    Payment,
    Schedule,
    UsageUnmatched,
)
from dashboard.queries import coverage, list_counts, schedule_runs, settings, usage_list
from dashboard.queries.list_filters import read as read_filter
from dashboard.queries.listing import COUNT_CAP, Listing, State


@dataclass(frozen=True)
class Count:
    """How many, up to a cap: one more than the cap stands for "and more"."""

    number: int
    cap: int = COUNT_CAP

    def __str__(self) -> str:
        return f"{self.cap:,}+" if self.number > self.cap else f"{self.number:,}"


def failed_runs() -> Count:
    return _counted(schedule_runs.LISTING, State(tab="failed"))


def unmatched_calls() -> Count:
    return _number(select(UsageUnmatched.id).limit(COUNT_CAP + 1))


def unrated_calls() -> Count:
    column = usage_list.LISTING.column("rating")
    return _counted(usage_list.LISTING, State(filters=(read_filter(column, "is", "unrated"),)))


def _counted(listing: Listing, state: State) -> Count:
    return Count(list_counts.count(listing, state), listing.cap)


def _number(few: Any) -> Count:
    return Count(db.session.scalar(select(func.count()).select_from(few.subquery())) or 0)


@dataclass(frozen=True)
class Holes:
    """Periods of one Invoice Schedule that have something to bill and no invoice."""

    schedule: str
    missing: int
    blocked: int


def coverage_holes() -> list[Holes]:
    """Of each schedule that customers have. Many customers take a while: it comes after the page."""
    used = set(db.session.scalars(select(Customer.invoice_schedule).distinct()))
    found = []
    for schedule in coverage.SHOWN:
        if schedule in used:
            counts = coverage.counts(schedule, coverage.shown_periods(schedule, settings.today()))
            found.append(Holes(schedule, counts["missing"], counts["blocked"]))
    return found


@dataclass(frozen=True)
class Coming:
    """The customers whose Invoice Schedule comes due on a day of the account, from `at` on."""

    day: dt.date
    at: dt.datetime
    customers: int


# Unlike a parameter, the same text in every clause.
_ZONE: ColumnElement[str] = literal_column("(SELECT time_zone FROM setting WHERE id = 1)")


def next_invoiced(limit: int = 5) -> list[Coming]:
    """When invoices are made next, and for how many customers; slots that are late come first."""
    # There are few slots, and many customers in each.
    slots = (
        select(Schedule.next_slot.label("at"), func.count().label("number"))
        .where(Schedule.customer_id.is_not(None), Schedule.next_slot.is_not(None), Schedule.paused.is_(False))
        .group_by(Schedule.next_slot)
        .subquery()
    )
    day = cast(func.timezone(_ZONE, slots.c.at, type_=DateTime), Date).label("day")
    rows = db.session.execute(
        select(day, func.min(slots.c.at).label("at"), func.sum(slots.c.number).label("customers"))
        .group_by(day)
        .order_by(day)
        .limit(limit)
    )
    zone = ZoneInfo(settings.current().time_zone)
    return [Coming(row.day, row.at.astimezone(zone), int(row.customers)) for row in rows]


@dataclass(frozen=True)
class Produced:
    """A Schedule Report that makes invoices: for so many customers, or for all (None)."""

    id: int
    name: str
    at: dt.datetime
    customers: int | None


def next_produced(limit: int = 5) -> list[Produced]:
    """Schedule Reports that make invoices, the next first."""
    found = db.session.scalars(
        select(Schedule)
        .where(
            Schedule.customer_id.is_(None),
            Schedule.produces == "invoices",
            Schedule.next_slot.is_not(None),
            Schedule.paused.is_(False),
        )
        .order_by(Schedule.next_slot, Schedule.id)
        .limit(limit)
    )
    zone = ZoneInfo(settings.current().time_zone)
    return [
        Produced(one.id, one.name, one.next_slot.astimezone(zone), len(one.customer_ids) or None)
        for one in found
        if one.next_slot is not None
    ]


def latest_invoices(limit: int = 6) -> Sequence[Invoice]:
    return db.session.scalars(select(Invoice).order_by(Invoice.id.desc()).limit(limit)).all()


def latest_payments(limit: int = 6) -> Sequence[Payment]:
    """With their customers."""
    newest = select(Payment).options(joinedload(Payment.customer)).order_by(Payment.id.desc()).limit(limit)
    return db.session.scalars(newest).all()


@dataclass(frozen=True)
class Step:
    """One thing to do before the first invoice is paid."""

    label: str
    why: str
    endpoint: str
    done: bool


_STEPS = (
    ("Say who you are", "Company name, tax and payment details stand on every invoice.", "setting"),
    ("Add a customer", "A name and a currency are enough.", "customer"),
    ("Make a package", "What customers pay, and how often.", "package"),
    ("Raise an invoice", "By hand, from packages, or from usage.", "invoice"),
    ("Record a payment and allocate it", "The invoice turns to paid.", "payment"),
)


def first_steps() -> list[Step]:
    """What a new installation still lacks; empty once everything has been done."""
    models: tuple[Any, ...] = (Customer, Package, Invoice, Payment)
    there = db.session.execute(select(*(exists(select(model.id)) for model in models))).one()
    done = (bool(settings.current().company_name), *there)
    if all(done):
        return []
    return [Step(*words, is_done) for words, is_done in zip(_STEPS, done, strict=True)]
