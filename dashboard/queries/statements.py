"""A customer's account over a period: what was invoiced, paid and given back, and what is left open.

It says what the books say now: an invoice that was voided since, or a payment that was cancelled, never stood
in it. Invoices count on their date, payments and refunds on theirs; what was allocated is told on the day it
was done and changes no balance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, and_, case, cast, exists, func, or_, select

from dashboard.extensions import db
from dashboard.models import Allocation, Customer, Invoice, Payment, Refund
from dashboard.models.payment import PAYMENT_METHODS
from dashboard.queries import settings
from dashboard.rules.money import add, format_money
from dashboard.rules.receivables import Ageing, ageing

# More than this is no longer read by anybody, and no longer printed in one go.
MOST_ENTRIES = 5_000
MOST_OPEN = 1_000
ZERO = Decimal(0)
DAY = dt.timedelta(days=1)
_ORDER = ("invoice", "charge", "payment", "refund", "allocation")


class TooLong(ValueError):
    def __init__(self) -> None:
        super().__init__(f"This period has more than {MOST_ENTRIES:,} entries. Choose a shorter one.")


@dataclass(frozen=True)
class Entry:
    """`amount` is what it changes the balance by; an allocation changes nothing and tells of `memo`."""

    day: dt.date
    kind: str
    id: int
    text: str
    note: str = ""
    amount: Decimal = ZERO
    memo: Decimal = ZERO
    balance: Decimal = ZERO
    invoice_id: int | None = None
    payment_id: int | None = None

    @property
    def charged(self) -> Decimal | None:
        """What stands in the left column of the two: what is owed for it; a credit below zero."""
        return self.amount if self.kind in ("invoice", "charge", "refund") else None

    @property
    def paid(self) -> Decimal | None:
        return -self.amount if self.kind == "payment" else None


@dataclass(frozen=True)
class OpenInvoice:
    id: int
    number: str
    issued: dt.date
    due: dt.date
    total: Decimal
    open: Decimal
    days_late: int


@dataclass(frozen=True)
class Statement:
    """Open invoices and charges, less what of payments is `unused`, are `closing`."""

    customer: Customer
    currency: str
    first: dt.date
    last: dt.date
    opening: Decimal
    closing: Decimal
    entries: tuple[Entry, ...]
    sums: dict[str, Decimal]
    open: tuple[OpenInvoice, ...]
    # Open invoices that the list does not name.
    more_open: int
    ageing: Ageing
    # All charges against the account up to the last day: no payment covers them by allocation.
    charges: Decimal

    @property
    def owed(self) -> Decimal:
        """What open invoices are short of."""
        return self.ageing.total

    @property
    def unused(self) -> Decimal:
        return add([self.owed, self.charges, -self.closing])

    @property
    def overdue(self) -> Decimal:
        columns = self.ageing.columns
        return add([columns[name] for name in columns if name.startswith("days_")])

    @property
    def says_something(self) -> bool:
        return bool(self.entries or self.opening or self.closing or self.open)


def statement(customer: Customer, first: dt.date, last: dt.date) -> Statement:
    """Both days included. Raises TooLong."""
    entries = sorted(
        [*_invoices(customer, first, last), *_payments(customer, first, last), *_rest(customer, first, last)],
        key=lambda one: (one.day, _ORDER.index(one.kind), one.id),
    )
    if len(entries) > MOST_ENTRIES:
        raise TooLong
    opening = balance_before(customer, first)
    balance = opening
    told: list[Entry] = []
    sums = dict.fromkeys(("invoice", "charge", "payment", "refund"), ZERO)
    for one in entries:
        balance = add([balance, one.amount])
        told.append(replace(one, balance=balance))
        if one.kind in sums:
            sums[one.kind] = add([sums[one.kind], one.amount])
    still_open = _open(customer, last)
    return Statement(
        customer=customer,
        currency=customer.currency,
        first=first,
        last=last,
        opening=opening,
        closing=balance,
        entries=tuple(told),
        sums=sums,
        open=tuple(still_open[:MOST_OPEN]),
        more_open=max(0, len(still_open) - MOST_OPEN),
        ageing=ageing(((one.due, one.open) for one in still_open), last),
        charges=_charges(customer, last),
    )


def balance_before(customer: Customer, day: dt.date) -> Decimal:
    """What was owed at the beginning of the day."""
    invoiced = select(func.coalesce(func.sum(Invoice.total), ZERO)).where(
        _of(Invoice, customer), Invoice.state == "issued", Invoice.issue_date < day
    )
    paid = select(func.coalesce(func.sum(Payment.amount), ZERO)).where(
        _of(Payment, customer), Payment.status == "completed", Payment.paid_on < day
    )
    refunded = (
        select(func.coalesce(func.sum(Refund.amount), ZERO))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(_of(Payment, customer), Payment.status == "completed", Refund.refunded_on < day)
    )
    parts = [invoiced.scalar_subquery(), paid.scalar_subquery(), refunded.scalar_subquery()]
    row = db.session.execute(select(*parts)).one()
    return add([row[0], -row[1], row[2]])


def _charges(customer: Customer, last: dt.date) -> Decimal:
    found = select(func.coalesce(func.sum(-Payment.amount), ZERO)).where(
        _of(Payment, customer), Payment.status == "completed", Payment.amount < 0, Payment.paid_on <= last
    )
    return db.session.scalar(found) or ZERO


def with_something_to_say(
    first: dt.date, last: dt.date, *, after: int = 0, limit: int = 100
) -> Sequence[int]:
    """Active customers with ids above `after` that owe, have credit, or had an entry in the period."""
    mine = Invoice.customer_id == Customer.id
    theirs = Payment.customer_id == Customer.id
    open_or_new = or_(Invoice.balance != 0, Invoice.issue_date.between(first, last))
    paid = and_(
        Payment.status == "completed",
        or_(Payment.unallocated > 0, Payment.amount < 0, Payment.paid_on.between(first, last)),
    )
    return db.session.scalars(
        select(Customer.id)
        .where(
            Customer.id > after,
            Customer.status == "active",
            or_(
                exists().where(mine, Invoice.state == "issued", open_or_new),
                exists().where(theirs, paid),
            ),
        )
        .order_by(Customer.id)
        .limit(limit)
    ).all()


def first_day(customer: Customer) -> dt.date | None:
    """The day of the customer's first invoice or payment."""
    found = [
        db.session.scalar(select(func.min(Invoice.issue_date)).where(_of(Invoice, customer))),
        db.session.scalar(select(func.min(Payment.paid_on)).where(_of(Payment, customer))),
    ]
    return min((day for day in found if day is not None), default=None)


def today_of(customer: Customer) -> dt.date:
    return dt.datetime.now(_zone(customer)).date()


# The parts


def _zone(customer: Customer) -> ZoneInfo:
    return ZoneInfo(customer.time_zone or settings.current().time_zone)


def _of(model: Any, customer: Customer) -> ColumnElement[bool]:
    return and_(model.customer_id == customer.id, model.currency == customer.currency)


def _invoices(customer: Customer, first: dt.date, last: dt.date) -> Iterable[Entry]:
    rows = db.session.execute(
        select(Invoice.id, Invoice.number, Invoice.issue_date, Invoice.due_date, Invoice.total)
        .where(_of(Invoice, customer), Invoice.state == "issued", Invoice.issue_date.between(first, last))
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
        .where(_of(Payment, customer), Payment.status == "completed", Payment.paid_on.between(first, last))
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
        .where(_of(Payment, customer), Payment.status == "completed", Refund.refunded_on.between(first, last))
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
    on = _day_of(customer, Allocation.created_at)
    made = db.session.execute(
        select(Allocation, on.label("on"), Payment.paid_on, Invoice.number)
        .join(Payment, Payment.id == Allocation.payment_id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(_of(Payment, customer), on.between(first, last))
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


def _day_of(customer: Customer, moment: Any) -> ColumnElement[dt.date]:
    return cast(func.timezone(_zone(customer).key, moment), Date)


def _open(customer: Customer, last: dt.date) -> list[OpenInvoice]:
    """Invoices not settled at the end of the day, the oldest due first."""
    by_then = _day_of(customer, Allocation.created_at) <= last
    covered = (
        select(func.coalesce(func.sum(case((by_then, Allocation.amount), else_=ZERO)), ZERO))
        .where(Allocation.invoice_id == Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    left: ColumnElement[Decimal] = Invoice.total - covered
    wanted = [_of(Invoice, customer), Invoice.state == "issued", Invoice.issue_date <= last]
    if last >= today_of(customer):
        # As of now the books keep what is left.
        wanted.append(Invoice.balance != 0)
        left = Invoice.balance.expression
    rows = db.session.execute(
        select(
            Invoice.id,
            Invoice.number,
            Invoice.issue_date,
            Invoice.due_date,
            Invoice.total,
            left.label("left"),
        )
        .where(*wanted, left != 0)
        .order_by(Invoice.due_date, Invoice.issue_date, Invoice.id)
    )
    return [
        OpenInvoice(
            row.id,
            row.number,
            row.issue_date,
            row.due_date,
            row.total,
            row.left,
            max(0, (last - row.due_date).days),
        )
        for row in rows
    ]
