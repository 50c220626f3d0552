"""Reads of payments: what can still be allocated, and where a customer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from dashboard.extensions import db
from dashboard.models import Allocation, Invoice, Mail, Payment
from dashboard.rules.allocation import suggest
from dashboard.rules.money import add, format_money


@dataclass(frozen=True)
class Choice:
    """A payment that can settle an invoice: what is left of it, and the amount to offer."""

    id: int
    label: str
    left: Decimal
    suggested: Decimal


@dataclass(frozen=True)
class Balance:
    """Where a customer stands in one currency. `owed` below zero is credit that the customer has.

    `outstanding` is what open invoices are short of, `charges` what negative payments charged, `unallocated`
    what completed payments have left.
    """

    currency: str
    outstanding: Decimal
    charges: Decimal
    unallocated: Decimal

    @property
    def owed(self) -> Decimal:
        return add([self.outstanding, self.charges, -self.unallocated])


def choices(invoice: Invoice) -> list[Choice]:
    """Completed payments of the invoice's customer and currency with something left, the oldest first."""
    found = db.session.scalars(
        select(Payment)
        .where(
            Payment.customer_id == invoice.customer_id,
            Payment.currency == invoice.currency,
            Payment.unallocated > 0,
        )
        .order_by(Payment.paid_on, Payment.id)
    )
    return [
        Choice(row.id, _label(row), row.unallocated, suggest(row.unallocated, invoice.balance))
        for row in found
    ]


def _label(payment: Payment) -> str:
    about = payment.reference or payment.public_description
    left = format_money(payment.unallocated, payment.currency, code=True)
    return " · ".join(
        part for part in (str(payment), f"{left} left", f"{payment.paid_on}", about[:60]) if part
    )


def allocations(payment_id: int) -> Sequence[Allocation]:
    """What the payment settles, in the order it was done, each with its invoice."""
    found = (
        select(Allocation)
        .where(Allocation.payment_id == payment_id)
        .options(joinedload(Allocation.invoice))
        .order_by(Allocation.id)
    )
    return db.session.scalars(found).all()


def confirmation(payment_id: int) -> Mail | None:
    """The mail that told the customer of the payment."""
    return db.session.scalar(
        select(Mail).where(Mail.payment_id == payment_id, Mail.kind == "payment").order_by(Mail.id).limit(1)
    )


def last_payments(customer_id: int, limit: int = 5) -> Sequence[Payment]:
    """The customer's latest payments, the newest first."""
    found = (
        select(Payment)
        .where(Payment.customer_id == customer_id)
        .order_by(Payment.paid_on.desc(), Payment.id.desc())
        .limit(limit)
    )
    return db.session.scalars(found).all()


def balances(customer_id: int) -> list[Balance]:
    """One for each currency in which the customer has issued invoices or completed payments, by code."""
    zero = Decimal(0)
    outstanding = {
        row[0]: row[1]
        for row in db.session.execute(
            select(Invoice.currency, func.sum(Invoice.balance))
            .where(Invoice.customer_id == customer_id, Invoice.state == "issued")
            .group_by(Invoice.currency)
        )
    }
    money = {
        row[0]: (row[1], row[2])
        for row in db.session.execute(
            select(
                Payment.currency,
                func.sum(case((Payment.amount < 0, -Payment.amount), else_=zero)),
                func.sum(Payment.unallocated),
            )
            .where(Payment.customer_id == customer_id, Payment.status == "completed")
            .group_by(Payment.currency)
        )
    }
    return [
        Balance(code, outstanding.get(code, zero), *money.get(code, (zero, zero)))
        for code in sorted({*outstanding, *money})
    ]
