"""Which calls used up the free minutes of an invoice: they are taken off anew, in the same order.

What each package took is kept with its invoice line; which calls it took it from follows from that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select

from dashboard.extensions import db
from dashboard.models import CustomerPackage, FreeMinuteUse, InvoiceItem, UsageDay, UsageRecord
from dashboard.queries.free_minutes import uses_of
from dashboard.queries.package_lines import NEVER
from dashboard.rules.free_minutes import Use, prefixes
from dashboard.rules.money import EXACT, add
from dashboard.rules.recurrence import Span

SIZE = 100
AROUND = dt.timedelta(days=2)


@dataclass(frozen=True)
class UsedCall:
    """A call with the seconds of it that were free, what they took off, and the sum up to it."""

    record: Row[Any]
    seconds: int
    amount: Decimal
    after: Decimal


@dataclass(frozen=True)
class UsedCalls:
    """A page of the calls, from the one numbered `first` (from 0) on."""

    calls: Sequence[UsedCall]
    first: int
    count: int
    total: Decimal

    @property
    def next(self) -> int | None:
        following = self.first + SIZE
        return following if following < self.count else None


def used_calls(item: InvoiceItem, first: int = 0) -> dict[int, UsedCalls]:
    """By the key of each use of free minutes on the line: a page of its calls."""
    days = db.session.scalars(
        select(UsageDay.id)
        .join(InvoiceItem, InvoiceItem.id == UsageDay.invoice_item_id)
        .where(InvoiceItem.invoice_id == item.invoice_id)
    ).all()
    rows = db.session.scalars(
        select(FreeMinuteUse)
        .join(InvoiceItem, InvoiceItem.id == FreeMinuteUse.invoice_item_id)
        .where(InvoiceItem.invoice_id == item.invoice_id)
        .order_by(FreeMinuteUse.id)
    )
    of_invoice = (item.invoice.customer_id, days)
    taken: dict[int, int] = {}
    found = {}
    for row in rows:
        assigned = db.session.get_one(CustomerPackage, row.customer_package_id)
        span = Span(row.span_start, row.span_start, None if row.span_end >= NEVER else row.span_end)
        digits = prefixes(assigned.package.destination_prefixes)
        uses = uses_of(of_invoice, span, digits, row.seconds, taken) if digits else []
        if row.invoice_item_id == item.id:
            found[row.id] = _page(item.invoice.customer_id, span, uses, first)
    return found


def _page(customer_id: int, span: Span, uses: Sequence[Use], first: int) -> UsedCalls:
    first = first if first < len(uses) else 0
    here = uses[first : first + SIZE]
    before = add(one.amount for one in uses[:first])
    records = _records(customer_id, span, [one.call_id for one in here])
    return UsedCalls(list(_running(here, records, before)), first, len(uses), add(one.amount for one in uses))


def _running(uses: Sequence[Use], records: dict[int, Row[Any]], total: Decimal) -> Iterator[UsedCall]:
    for one in uses:
        total = EXACT.add(total, one.amount)
        yield UsedCall(records[one.call_id], one.seconds, one.amount, total)


def _records(customer_id: int, span: Span, keys: Sequence[int]) -> dict[int, Row[Any]]:
    statement = select(
        UsageRecord.id,
        UsageRecord.started_at,
        UsageRecord.number,
        UsageRecord.destination,
        UsageRecord.billed_duration,
        UsageRecord.charge,
    ).where(
        UsageRecord.id.in_(keys),
        UsageRecord.customer_id == customer_id,
        UsageRecord.started_at >= dt.datetime.combine(span.start, dt.time.min, dt.UTC) - AROUND,
    )
    return {row.id: row for row in db.session.execute(statement)}  # type: ignore[misc]
