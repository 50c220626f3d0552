"""Where a line of a generated invoice comes from: its days, each day's calls, and their running sum.

The order is that of the calls. Each sum is exact, and the last one is the price of the line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, select, tuple_

from dashboard.extensions import db
from dashboard.models import (
    BillingRun,
    BillingRunRow,
    Invoice,
    InvoiceItem,
    Provider,
    Rate,
    RateCard,
    RateRevision,
    UsageDay,
    UsageRecord,
)
from dashboard.queries.list_export import safe
from dashboard.queries.usage_calls import terms_of
from dashboard.rules.money import EXACT, exponent, round_to
from dashboard.rules.rating import Step, explain

SIZE = 100
# A local day of any zone lies within these bounds of UTC's.
AROUND = dt.timedelta(days=2)
NO_DAY = dt.date(1970, 1, 1)
USAGE_KINDS = ("usage", "late_usage")


@dataclass(frozen=True)
class Day:
    """One day of a line. `before` is what the days before it came to."""

    day: dt.date
    attempts: int
    connected: int
    duration: Decimal
    billed_duration: int
    charge: Decimal
    before: Decimal

    @property
    def after(self) -> Decimal:
        return EXACT.add(self.before, self.charge)


def days(item_id: int) -> list[Day]:
    """The line's days, the oldest first, with the sum up to each."""
    found = db.session.execute(
        select(
            UsageDay.day,
            func.sum(UsageDay.attempts),
            func.sum(UsageDay.connected),
            func.sum(UsageDay.duration),
            func.sum(UsageDay.billed_duration),
            func.sum(UsageDay.charge),
        )
        .where(of_line(item_id))
        .group_by(UsageDay.day)
        .order_by(UsageDay.day)
    )
    shown: list[Day] = []
    before = Decimal(0)
    for day, attempts, connected, duration, billed, charge in found:
        shown.append(Day(day, int(attempts), int(connected), duration, int(billed), charge, before))
        before = shown[-1].after
    return shown


@dataclass(frozen=True)
class Calls:
    """A page of a day's calls. `before` is the sum up to the first of them."""

    rows: list[Row[Any]]
    before: Decimal
    # When the last call shown began, and its key; None on the last page.
    next: tuple[dt.datetime, int] | None

    def running(self) -> Iterator[tuple[Row[Any], Decimal]]:
        """Each call with the sum up to and with it."""
        total = self.before
        for row in self.rows:
            total = EXACT.add(total, row.charge or Decimal(0))
            yield row, total


def calls(
    item: InvoiceItem, day: Day, after: tuple[dt.datetime, int] | None = None, size: int = SIZE
) -> Calls:
    """The calls of one day of the line, in their order, from a place on."""
    keys = _day_keys(item.id, day.day)
    if not keys:
        return Calls([], day.before, None)
    of_day = _of_day(item.invoice.customer_id, keys, day.day)
    place = tuple_(UsageRecord.started_at, UsageRecord.id)
    statement = _columns().where(of_day).order_by(UsageRecord.started_at, UsageRecord.id).limit(size + 1)
    before = day.before
    if after is not None:
        statement = statement.where(place > after)
        earlier = select(func.coalesce(func.sum(UsageRecord.charge), 0)).where(of_day, place <= after)
        before = EXACT.add(before, db.session.scalar(earlier) or Decimal(0))
    rows = list(db.session.execute(statement))
    here = rows[:size]
    last = here[-1] if len(rows) > size else None
    return Calls(here, before, (last.started_at, last.id) if last is not None else None)


def calls_file(item: InvoiceItem) -> Select[Any]:
    """Every call of the line in order with the running sum: the statement of its CSV."""
    moment = func.to_char(func.timezone("UTC", UsageRecord.started_at), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    order = (UsageDay.day, UsageRecord.started_at, UsageRecord.id)
    known = days(item.id)
    first, last = (known[0].day, known[-1].day) if known else (NO_DAY, NO_DAY)
    columns: list[Any] = [
        UsageDay.day.label("Day"),
        moment.label("Start (UTC)"),
        safe(UsageRecord.source).label("Source"),
        safe(UsageRecord.number).label("Number"),
        safe(UsageRecord.destination).label("Destination"),
        UsageRecord.result.label("Result"),
        UsageRecord.duration.label("Duration (s)"),
        UsageRecord.billed_duration.label("Billed duration (s)"),
        Rate.prefix.label("Prefix"),
        UsageRecord.rate_per_minute.label("Rate per minute"),
        UsageRecord.charge.label("Charge"),
        func.sum(func.coalesce(UsageRecord.charge, 0)).over(order_by=order).label("Running sum"),
        literal(item.invoice.currency).label("Currency"),
    ]
    return (
        select(*columns)
        .join(UsageDay, UsageDay.id == UsageRecord.usage_day_id)
        .outerjoin(Rate, Rate.id == UsageRecord.rate_id)
        .where(
            of_line(item.id),
            UsageRecord.customer_id == item.invoice.customer_id,
            _between(first, last),
        )
        .order_by(*order)
    )


def _day_keys(item_id: int, day: dt.date) -> Sequence[int]:
    return db.session.scalars(select(UsageDay.id).where(of_line(item_id), UsageDay.day == day)).all()


def of_line(item_id: int) -> ColumnElement[bool]:
    """The days of a line. By its customer, too: the index of a customer's days is the finer one."""
    customer = (
        select(Invoice.customer_id)
        .join(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .where(InvoiceItem.id == item_id)
        .scalar_subquery()
    )
    return and_(UsageDay.customer_id == customer, UsageDay.invoice_item_id == item_id)


def _of_day(customer_id: int, keys: Sequence[int], day: dt.date) -> ColumnElement[bool]:
    """Calls of these rows of the ledger, all of one day."""
    of_customer = UsageRecord.customer_id == customer_id
    return and_(of_customer, UsageRecord.usage_day_id.in_(keys), _between(day, day))


def _between(first: dt.date, last: dt.date) -> ColumnElement[bool]:
    """Bounds in time, wide enough for any zone: they spare the other months' tables."""
    begin = dt.datetime.combine(first, dt.time.min, dt.UTC) - AROUND
    return UsageRecord.started_at.between(begin, dt.datetime.combine(last, dt.time.max, dt.UTC) + AROUND)


def _columns() -> Select[Any]:
    columns: list[Any] = [
        UsageRecord.id,
        UsageRecord.started_at,
        UsageRecord.source,
        UsageRecord.number,
        UsageRecord.destination,
        UsageRecord.result,
        UsageRecord.rating,
        UsageRecord.duration,
        UsageRecord.billed_duration,
        UsageRecord.rate_per_minute,
        UsageRecord.charge,
        UsageRecord.rate_id,
        Provider.name.label("provider"),
    ]
    return (
        select(*columns).select_from(UsageRecord).outerjoin(Provider, Provider.id == UsageRecord.provider_id)
    )


# One call


@dataclass(frozen=True)
class Arithmetic:
    """How a call's charge follows from its rate. `differs`: what the same call would cost by the card as it
    is set today, where that is something else."""

    record: Row[Any]
    rate: Rate | None
    card: RateCard | None
    revision: RateRevision | None
    steps: list[Step]
    differs: Decimal | None


def arithmetic(item: InvoiceItem, call_id: int, started_at: dt.datetime) -> Arithmetic | None:
    """One call of the line; None where the line has no such call."""
    record = db.session.execute(
        _columns()
        .join(UsageDay, UsageDay.id == UsageRecord.usage_day_id)
        .where(
            UsageRecord.customer_id == item.invoice.customer_id,
            UsageRecord.started_at == started_at,
            UsageRecord.id == call_id,
            UsageDay.invoice_item_id == item.id,
        )
    ).one_or_none()
    if record is None:
        return None
    rate = db.session.get(Rate, record.rate_id) if record.rate_id is not None else None
    if rate is None or record.rating != "rated":
        return Arithmetic(record, None, None, None, [], None)
    steps = explain(record.duration, terms_of(rate)) if record.result == "answered" else []
    again = Decimal(steps[-1].value) if steps else None
    differs = again if again is not None and again != record.charge else None
    return Arithmetic(record, rate, rate.rate_card, rate.revision, steps, differs)


# From the price of the line to its net


def rounded(item: InvoiceItem) -> Decimal:
    """The line's price in the currency's own places; where tax is inclusive, with the tax in it."""
    product = EXACT.multiply(item.quantity, item.unit_price)
    return round_to(product, exponent(item.invoice.currency))


def line_of(invoice_id: int, item_id: int) -> InvoiceItem | None:
    found = db.session.get(InvoiceItem, item_id)
    return found if found is not None and found.invoice_id == invoice_id else None


def made_by(invoice: Invoice) -> BillingRun | None:
    """The billing run that made the invoice, where one did."""
    return db.session.scalar(
        select(BillingRun)
        .join(BillingRunRow, BillingRunRow.billing_run_id == BillingRun.id)
        .where(BillingRunRow.invoice_id == invoice.id, BillingRunRow.state == "done")
        .order_by(BillingRun.id.desc())
        .limit(1)
    )
