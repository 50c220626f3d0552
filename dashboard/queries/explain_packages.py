"""Why a package's line says what it says: the due day, the span it pays for and its part of a whole one, what
was spent, how many free minutes there were and who used them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import (
    CustomerPackage,
    FreeMinuteUse,
    Invoice,
    InvoiceItem,
    PackageCharge,
    UsageDay,
)
from dashboard.queries.free_minutes import seconds_of
from dashboard.queries.package_lines import NEVER
from dashboard.queries.package_plan import recurrence_of
from dashboard.rules.money import EXACT
from dashboard.rules.recurrence import Span


@dataclass(frozen=True)
class Charge:
    """What one due day charged. `span` is worked out anew; it is missing where the assignment was changed
    since, so that the day is none of its due days any more."""

    row: PackageCharge
    assigned: CustomerPackage
    span: Span | None
    spent: Decimal | None

    @property
    def last(self) -> dt.date | None:
        return _last(self.row.span_end)

    @property
    def minimum(self) -> Decimal | None:
        """The least that was to be spent, where the charge makes up for it."""
        return None if self.spent is None else EXACT.add(self.spent, self.row.amount)


@dataclass(frozen=True)
class Free:
    """Free seconds of one span that a line used; `others` is what other invoices used of the same span."""

    row: FreeMinuteUse
    assigned: CustomerPackage
    granted: int | None
    others: int

    @property
    def last(self) -> dt.date | None:
        return _last(self.row.span_end)

    @property
    def left(self) -> int | None:
        return None if self.granted is None else max(0, self.granted - self.others - self.row.seconds)


def _last(end: dt.date | None) -> dt.date | None:
    """The last day before `end`; None where there is no end."""
    return None if end is None or end >= NEVER else end - dt.timedelta(days=1)


def charges(item: InvoiceItem) -> Sequence[Charge]:
    rows = db.session.scalars(
        select(PackageCharge).where(PackageCharge.invoice_item_id == item.id).order_by(PackageCharge.id)
    )
    return [_charge(row) for row in rows]


def _charge(row: PackageCharge) -> Charge:
    assigned = row.customer_package
    span = None
    if row.span_start is not None and row.kind != "setup":
        found = recurrence_of(assigned).span_of(row.span_start, assigned.end_date)
        if found is not None and (found.start, found.end) == (row.span_start, row.span_end):
            span = found
    return Charge(row, assigned, span, _spent(row) if row.kind == "minimum_spend" else None)


def _spent(row: PackageCharge) -> Decimal:
    """What the calls of the span come to today, less the free minutes taken off them."""
    customer = row.customer_package.customer_id
    usage = db.session.scalar(
        select(func.sum(UsageDay.charge)).where(
            UsageDay.customer_id == customer,
            UsageDay.rated,
            UsageDay.day >= row.span_start,
            UsageDay.day < row.span_end,
        )
    )
    free = db.session.scalar(
        select(func.sum(InvoiceItem.net))
        .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(
            Invoice.customer_id == customer,
            Invoice.state != "void",
            InvoiceItem.kind == "free_minutes",
            InvoiceItem.date_from >= row.span_start,
            InvoiceItem.date_from < row.span_end,
        )
    )
    return EXACT.add(usage or Decimal(0), free or Decimal(0))


def free_minutes(item: InvoiceItem) -> list[Free]:
    rows = db.session.scalars(
        select(FreeMinuteUse).where(FreeMinuteUse.invoice_item_id == item.id).order_by(FreeMinuteUse.id)
    )
    return [_free(row) for row in rows]


def _free(row: FreeMinuteUse) -> Free:
    assigned = db.session.get_one(CustomerPackage, row.customer_package_id)
    span = recurrence_of(assigned).span_of(row.span_start, assigned.end_date)
    others = db.session.scalar(
        select(func.sum(FreeMinuteUse.seconds)).where(
            FreeMinuteUse.customer_package_id == assigned.id,
            FreeMinuteUse.span_start == row.span_start,
            FreeMinuteUse.id != row.id,
        )
    )
    return Free(row, assigned, seconds_of(assigned, span) if span is not None else None, int(others or 0))
