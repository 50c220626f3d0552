"""A customer's Summary: usage by hour, day, week and month, with what is invoiced of it.

Days, weeks and months are sums of the ledger, hours sums of calls. Averages follow from sums.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, or_, select

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Provider, UsageDay, UsageRecord
from dashboard.queries import settings
from dashboard.queries.usage_list import of_ledger
from dashboard.rules.figures import Figures, total
from dashboard.rules.periods import Period, bounds, period_of

HOURS = dt.timedelta(hours=24)
HOUR = dt.timedelta(hours=1)
# Half a day: from the instant that an invoice's period begins it leads into that day in any zone near by.
NOON = dt.timedelta(hours=12)
UNITS = {"daily": "day", "weekly": "week", "monthly": "month"}


def zone_of(customer: Customer) -> str:
    return customer.time_zone or settings.current().time_zone


@dataclass(frozen=True)
class Paper:
    """A live generated invoice and the local days that it covers."""

    id: int
    name: str
    state: str
    period: Period

    def covers(self, period: Period) -> bool:
        return self.period.start <= period.start and period.end <= self.period.end

    def touches(self, period: Period) -> bool:
        return self.period.start < period.end and period.start < self.period.end


@dataclass(frozen=True)
class Row:
    """One period. `open_*` is what is rated and on no invoice, `unrated` answered calls without a rate."""

    period: Period
    figures: Figures
    open_calls: int = 0
    open_charge: Decimal = Decimal(0)
    unrated: int = 0
    waiting_until: dt.datetime | None = None
    invoice: Paper | None = None
    parts: tuple[Paper, ...] = ()

    @property
    def key(self) -> str:
        return self.period.start.isoformat()

    @property
    def late(self) -> bool:
        """Calls came in after the period was invoiced; they go on a later invoice."""
        return self.invoice is not None and self.open_calls > 0

    @property
    def can_be_invoiced(self) -> bool:
        return self.invoice is None and self.waiting_until is None


@dataclass(frozen=True)
class Hour:
    """One hour of the last 24, by the customer's clocks."""

    start: dt.datetime
    figures: Figures
    unrated: int = 0


def _same_currency(currency: str) -> ColumnElement[bool]:
    """Costs without a provider came with the file, in the customer's currency."""
    return or_(Provider.currency.is_(None), Provider.currency == currency)


@dataclass(frozen=True)
class Summary:
    """A page of periods, the newest first. `whole` adds up every period, not only those shown."""

    rows: list[Row]
    whole: Figures
    count: int
    # What to go on before, for the page of older periods; None on the last.
    older: dt.date | None
    newest: bool

    @property
    def shown(self) -> Figures:
        return foot(self.rows)


def periods(customer: Customer, schedule: str, *, before: dt.date | None = None, size: int = 60) -> Summary:
    """Periods with usage or an invoice, of those that begin before `before`."""
    found = {row.period: row for row in _used(customer, schedule)}
    papers = invoices(customer)
    for paper in papers:
        own = period_of(schedule, paper.period.start)
        if own == paper.period and own not in found:
            found[own] = Row(own, Figures())
    newest = sorted(found.values(), key=lambda row: row.period, reverse=True)
    left = [row for row in newest if before is None or row.period.start < before]
    here = left[:size]
    return Summary(
        rows=_with_papers(customer, here, papers),
        whole=foot(newest),
        count=len(newest),
        older=here[-1].period.start if len(left) > size else None,
        newest=len(left) == len(newest),
    )


def _used(customer: Customer, schedule: str) -> Iterator[Row]:
    start = cast(func.date_trunc(UNITS[schedule], UsageDay.day), Date).label("start")
    is_open = and_(UsageDay.invoice_item_id.is_(None), UsageDay.rated)
    statement = (
        select(
            start,
            func.sum(UsageDay.attempts),
            func.sum(UsageDay.connected),
            func.sum(UsageDay.duration),
            func.sum(UsageDay.billed_duration),
            func.sum(UsageDay.charge),
            func.sum(UsageDay.cost).filter(_same_currency(customer.currency)),
            func.bool_or(and_(UsageDay.cost != 0, Provider.currency != customer.currency)),
            func.sum(UsageDay.attempts).filter(is_open),
            func.sum(UsageDay.charge).filter(is_open),
            func.sum(UsageDay.connected).filter(UsageDay.rated.is_(False)),
        )
        .outerjoin(Provider, Provider.id == UsageDay.provider_id)
        .where(UsageDay.customer_id == customer.id)
        .group_by(start)
    )
    for row in db.session.execute(statement):
        yield Row(
            period_of(schedule, row[0]),
            _figures(row[1:8]),
            open_calls=int(row[8] or 0),
            open_charge=row[9] or Decimal(0),
            unrated=int(row[10] or 0),
        )


def _figures(row: Sequence[Any]) -> Figures:
    """Attempts, connected, duration, billed, charge, cost in the same currency, whether any is in another."""
    attempts, connected, duration, billed, charge, cost, foreign = row
    return Figures(
        int(attempts or 0),
        int(connected or 0),
        duration or Decimal(0),
        int(billed or 0),
        charge or Decimal(0),
        None if foreign else cost or Decimal(0),
    )


def invoices(customer: Customer) -> list[Paper]:
    """The customer's live generated invoices, the newest first."""
    zone = ZoneInfo(zone_of(customer))
    statement = (
        select(Invoice.id, Invoice.number, Invoice.state, Invoice.period_start, Invoice.period_end)
        .where(
            Invoice.customer_id == customer.id,
            Invoice.origin == "generated",
            Invoice.state != "void",
            Invoice.period_end > Invoice.period_start,
        )
        .order_by(Invoice.period_start.desc(), Invoice.id)
    )
    found = []
    for key, number, state, start, end in db.session.execute(statement):
        if start is None or end is None:
            continue
        first, last = ((moment + NOON).astimezone(zone).date() for moment in (start, end))
        if first < last:
            found.append(Paper(key, number or f"Draft {key}", state, Period(first, last)))
    return found


def _with_papers(customer: Customer, rows: list[Row], papers: Sequence[Paper]) -> list[Row]:
    if not rows:
        return []
    now = dt.datetime.now(dt.UTC)
    delay = dt.timedelta(hours=settings.current().billing_delay_hours)
    zone = zone_of(customer)
    shown = Period(rows[-1].period.start, rows[0].period.end)
    near = [paper for paper in papers if paper.touches(shown)]
    found = []
    for row in rows:
        touching = [paper for paper in near if paper.touches(row.period)]
        whole = next((paper for paper in touching if paper.covers(row.period)), None)
        complete = bounds(row.period, zone)[1] + delay
        waiting = complete.astimezone(ZoneInfo(zone)) if complete > now else None
        parts = tuple(touching) if whole is None else ()
        found.append(replace(row, waiting_until=waiting, invoice=whole, parts=parts))
    return found


def hours(customer: Customer, now: dt.datetime | None = None) -> list[Hour]:
    """The last 24 hours, the newest first, those without a call too. Empty where nothing happened at all."""
    zone = ZoneInfo(zone_of(customer))
    now = now or dt.datetime.now(dt.UTC)
    last = now.replace(minute=0, second=0, microsecond=0)
    starts = [last - HOUR * back for back in range(24)]
    start = func.date_trunc("hour", UsageRecord.started_at, "UTC").label("start")
    answered = UsageRecord.result == "answered"
    statement = (
        select(
            start,
            func.count(),
            func.count().filter(answered),
            func.sum(UsageRecord.duration),
            func.sum(UsageRecord.billed_duration),
            func.sum(UsageRecord.charge),
            func.sum(UsageRecord.cost).filter(_same_currency(customer.currency)),
            func.bool_or(and_(UsageRecord.cost != 0, Provider.currency != customer.currency)),
            func.count().filter(UsageRecord.rating == "unrated"),
        )
        .outerjoin(Provider, Provider.id == UsageRecord.provider_id)
        .where(
            UsageRecord.customer_id == customer.id,
            UsageRecord.started_at >= starts[-1],
            UsageRecord.started_at < last + HOUR,
        )
        .group_by(start)
    )
    found = {
        row[0]: Hour(row[0].astimezone(zone), _figures(row[1:8]), row[8])
        for row in db.session.execute(statement)
    }
    if not found:
        return []
    return [found.get(one) or Hour(one.astimezone(zone), Figures()) for one in starts]


def foot(rows: Iterable[Row | Hour]) -> Figures:
    """Sums of the rows; its averages are those of all their calls."""
    return total(row.figures for row in rows)


def calls_of(customer: Customer, period: Period) -> list[ColumnElement[bool]]:
    """The conditions that hold the list of usage to a period of the customer's ledger."""
    return [
        UsageRecord.customer_id == customer.id,
        of_ledger(_days(customer, period), period.start, period.last),
    ]


def calls_of_hour(customer: Customer, start: dt.datetime) -> list[ColumnElement[bool]]:
    return [
        UsageRecord.customer_id == customer.id,
        UsageRecord.started_at >= start,
        UsageRecord.started_at < start + HOUR,
    ]


def _days(customer: Customer, period: Period) -> Select[Any]:
    return select(UsageDay.id).where(
        UsageDay.customer_id == customer.id, UsageDay.day >= period.start, UsageDay.day < period.end
    )


__all__ = ["Hour", "Paper", "Row", "calls_of", "calls_of_hour", "foot", "hours", "invoices", "periods"]
