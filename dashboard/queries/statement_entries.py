"""What stands in a customer's account, one entry after the other, as statements tell it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, and_, cast, func, select

from dashboard.extensions import db
from dashboard.models import Allocation, Customer, Invoice, Payment, Refund
from dashboard.models.payment import PAYMENT_METHODS
from dashboard.models.statement import Entry
from dashboard.queries import settings
from dashboard.rules.money import format_money

# More than this is no longer read by anybody, and no longer printed in one go.
MOST_ENTRIES = 5_000
ZERO = Decimal(0)
_ORDER = ("invoice", "charge", "payment", "refund", "allocation")


class TooLong(ValueError):
    def __init__(self) -> None:
        super().__init__(f"This period has more than {MOST_ENTRIES:,} entries. Choose a shorter one.")


def entries(customer: Customer, first: dt.date, last: dt.date) -> list[Entry]:
    """Those of the period, both days included, by day; balances are not reckoned yet. Raises TooLong."""
    found = sorted(
        [*_invoices(customer, first, last), *_payments(customer, first, last), *_rest(customer, first, last)],
        key=lambda one: (one.day, _ORDER.index(one.kind), one.id),
    )
    if len(found) > MOST_ENTRIES:
        raise TooLong
    return found


def zone_of(customer: Customer) -> ZoneInfo:
    return ZoneInfo(customer.time_zone or settings.current().time_zone)


def own(model: Any, customer: Customer) -> ColumnElement[bool]:
    return and_(model.customer_id == customer.id, model.currency == customer.currency)


def _invoices(customer: Customer, first: dt.date, last: dt.date) -> Iterable[Entry]:
    rows = db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.issue_date, Invoice.due_date, Invoice.total)
        .where(own(Invoice, customer), Invoice.state == "issued", Invoice.issue_date.between(first, last))
        .limit(MOST_ENTRIES + 1)
    )
    for row in rows:
        yield Entry(
            row.issue_date,
            "invoice",
            row.id,
            f"Invoice {row.number}",
            f"due {row.due_date}",
            row.total,
            invoice_id=row.id,
        )


def _payments(customer: Customer, first: dt.date, last: dt.date) -> Iterable[Entry]:
    found = db.session.scalars(
        select(Payment)
        .where(own(Payment, customer), Payment.status == "completed", Payment.paid_on.between(first, last))
        .limit(MOST_ENTRIES + 1)
    )
    for one in found:
        kind = "payment" if one.amount > 0 else "charge"
        about = [PAYMENT_METHODS.get(one.method or "", ""), one.reference or ""]
        text = "Payment" if one.amount > 0 else one.public_description or "Charge to the account"
        said = one.public_description if one.amount > 0 else ""
        note = " · ".join(part for part in (*about, said) if part)
        yield Entry(one.paid_on, kind, one.id, text, note, -one.amount, payment_id=one.id)


def _rest(customer: Customer, first: dt.date, last: dt.date) -> Iterable[Entry]:
    """Refunds, and what was allocated."""
    refunds = db.session.execute(
        select(Refund, Payment.paid_on)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(own(Payment, customer), Payment.status == "completed", Refund.refunded_on.between(first, last))
        .limit(MOST_ENTRIES + 1)
    )
    for refund, paid_on in refunds:
        yield Entry(
            refund.refunded_on,
            "refund",
            refund.id,
            "Refund",
            f"of the payment of {paid_on}",
            refund.amount,
            payment_id=refund.payment_id,
        )
    on = day_of(customer, Allocation.created_at)
    made = db.session.execute(
        select(Allocation, on.label("on"), Payment.paid_on, Invoice.number)
        .join(Payment, Payment.id == Allocation.payment_id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(own(Payment, customer), on.between(first, last))
        .limit(MOST_ENTRIES + 1)
    )
    for one, day, paid_on, number in made:
        used = format_money(one.amount, customer.currency)
        yield Entry(
            day,
            "allocation",
            one.id,
            f"{used} of the payment of {paid_on} used for {number}",
            memo=one.amount,
            invoice_id=one.invoice_id,
            payment_id=one.payment_id,
        )


def day_of(customer: Customer, moment: Any) -> ColumnElement[dt.date]:
    return cast(func.timezone(zone_of(customer).key, moment), Date)
