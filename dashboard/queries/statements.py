"""A customer's account over a period: what was invoiced, paid and given back, and what is left open.

It says what the books say now: an invoice that was voided since, or a payment that was cancelled, never stood
in it. Invoices count on their date, payments and refunds on theirs; what was allocated is told on the day it
was done and changes no balance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from dashboard.extensions import db
from dashboard.models import Allocation, Customer, Invoice, Payment, Refund
from dashboard.models.statement import Entry, OpenInvoice, Statement
from dashboard.queries.statement_entries import ZERO, TooLong, day_of, entries, own, zone_of
from dashboard.rules.money import add
from dashboard.rules.receivables import ageing

__all__ = ["TooLong", "balance_before", "first_day", "statement"]

MOST_OPEN = 1_000


def statement(customer: Customer, first: dt.date, last: dt.date) -> Statement:
    """Both days included. Raises TooLong."""
    opening = balance_before(customer, first)
    balance = opening
    told: list[Entry] = []
    sums = dict.fromkeys(("invoice", "charge", "payment", "refund"), ZERO)
    for one in entries(customer, first, last):
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
        own(Invoice, customer), Invoice.state == "issued", Invoice.issue_date < day
    )
    paid = select(func.coalesce(func.sum(Payment.amount), ZERO)).where(
        own(Payment, customer), Payment.status == "completed", Payment.paid_on < day
    )
    refunded = (
        select(func.coalesce(func.sum(Refund.amount), ZERO))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(own(Payment, customer), Payment.status == "completed", Refund.refunded_on < day)
    )
    parts = [invoiced.scalar_subquery(), paid.scalar_subquery(), refunded.scalar_subquery()]
    row = db.session.execute(select(*parts)).one()
    return add([row[0], -row[1], row[2]])


def _charges(customer: Customer, last: dt.date) -> Decimal:
    found = select(func.coalesce(func.sum(-Payment.amount), ZERO)).where(
        own(Payment, customer), Payment.status == "completed", Payment.amount < 0, Payment.paid_on <= last
    )
    return db.session.scalar(found) or ZERO


def with_something_to_say(first: dt.date, last: dt.date) -> Sequence[int]:
    """Active customers that owe, have credit, or had an entry in the period, in order of their ids."""
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
            Customer.status == "active",
            or_(
                exists().where(mine, Invoice.state == "issued", open_or_new),
                exists().where(theirs, paid),
            ),
        )
        .order_by(Customer.id)
    ).all()


def first_day(customer: Customer) -> dt.date | None:
    """The day of the customer's first invoice or payment."""
    found = [
        db.session.scalar(select(func.min(Invoice.issue_date)).where(own(Invoice, customer))),
        db.session.scalar(select(func.min(Payment.paid_on)).where(own(Payment, customer))),
    ]
    return min((day for day in found if day is not None), default=None)


def today_of(customer: Customer) -> dt.date:
    return dt.datetime.now(zone_of(customer)).date()


def _open(customer: Customer, last: dt.date) -> list[OpenInvoice]:
    """Invoices not settled at the end of the day, the oldest due first."""
    by_then = day_of(customer, Allocation.created_at) <= last
    covered = (
        select(func.coalesce(func.sum(case((by_then, Allocation.amount), else_=ZERO)), ZERO))
        .where(Allocation.invoice_id == Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    left: ColumnElement[Decimal] = Invoice.total - covered
    wanted = [own(Invoice, customer), Invoice.state == "issued", Invoice.issue_date <= last]
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
