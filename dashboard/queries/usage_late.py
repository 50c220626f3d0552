"""Late calls: those of a day whose period was invoiced without them.

An invoice covers a day where the day begins, on the customer's clocks, within the invoice's period. A day
that this very invoice bills is in time; one that is open still, or stands on another invoice, is late.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, DateTime, cast, exists, func, or_, select

from dashboard.models import Customer, Invoice, InvoiceItem, Setting, UsageDay, UsageRecord


def _begin() -> ColumnElement[dt.datetime]:
    """When the day of the ledger begins."""
    own = select(Customer.time_zone).where(Customer.id == UsageDay.customer_id).correlate(UsageDay)
    usual = select(Setting.time_zone).where(Setting.id == 1)
    zone = func.coalesce(own.scalar_subquery(), usual.scalar_subquery())
    return func.timezone(zone, cast(UsageDay.day, DateTime))


def _billed_by_it() -> ColumnElement[bool]:
    return (
        exists()
        .where(InvoiceItem.id == UsageDay.invoice_item_id, InvoiceItem.invoice_id == Invoice.id)
        .correlate(UsageDay, Invoice)
    )


LATE_DAY: ColumnElement[bool] = (
    exists()
    .where(
        Invoice.customer_id == UsageDay.customer_id,
        Invoice.origin == "generated",
        Invoice.state != "void",
        Invoice.period_start <= _begin(),
        Invoice.period_end > _begin(),
        or_(UsageDay.invoice_item_id.is_(None), ~_billed_by_it()),
    )
    .correlate(UsageDay)
)
LATE_CALL: ColumnElement[bool] = (
    exists().where(UsageDay.id == UsageRecord.usage_day_id, LATE_DAY).correlate(UsageRecord)
)
