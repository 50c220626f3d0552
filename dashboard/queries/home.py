"""The figures of the first page: what waits for somebody, each with the list behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import joinedload

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Package, Payment
from dashboard.queries import settings


@dataclass(frozen=True)
class Figure:
    """How many, and how much in each currency."""

    label: str
    endpoint: str
    tab: str
    count: int
    amounts: list[tuple[str, Decimal]]
    note: str
    tone: str = ""
    sort: str = ""


def figures() -> list[Figure]:
    """Drafts to issue, what is owed, what is late, and money that waits for an invoice."""
    owed, late = _owed(), _late()
    left = Payment.unallocated > 0
    return [
        _figure("Drafts to issue", "draft", Invoice.state == "draft", Invoice.total, note="Not billed yet"),
        _figure("Outstanding", "open", owed, Invoice.balance, note="Issued and not fully paid"),
        _figure(
            "Overdue", "overdue", late, Invoice.balance, note="Past the due date", tone="bad", sort="due_date"
        ),
        _figure("Unallocated", "unallocated", left, Payment.unallocated, note="Paid, for no invoice yet"),
    ]


def _owed() -> ColumnElement[bool]:
    return and_(Invoice.state == "issued", Invoice.balance > 0)


def _late() -> ColumnElement[bool]:
    return and_(_owed(), Invoice.due_date < settings.today())


def _figure(
    label: str,
    tab: str,
    condition: ColumnElement[bool],
    amount: Any,
    *,
    note: str,
    tone: str = "",
    sort: str = "",
) -> Figure:
    model = amount.class_
    found = db.session.execute(
        select(model.currency, func.count(), func.sum(amount))
        .where(condition)
        .group_by(model.currency)
        .order_by(model.currency)
    ).all()
    count = sum(row[1] for row in found)
    amounts = [(row[0], row[2]) for row in found]
    return Figure(label, model.__tablename__, tab, count, amounts, note, tone if count else "", sort)


def latest_invoices(limit: int = 6) -> Sequence[Invoice]:
    return db.session.scalars(select(Invoice).order_by(Invoice.id.desc()).limit(limit)).all()


def longest_overdue(limit: int = 6) -> Sequence[Invoice]:
    """Whom to remind first."""
    oldest = select(Invoice).where(_late()).order_by(Invoice.due_date, Invoice.id).limit(limit)
    return db.session.scalars(oldest).all()


def latest_payments(limit: int = 6) -> Sequence[Payment]:
    """With their customers."""
    newest = select(Payment).options(joinedload(Payment.customer)).order_by(Payment.id.desc()).limit(limit)
    return db.session.scalars(newest).all()


@dataclass(frozen=True)
class Step:
    """One thing to do before the first invoice is paid."""

    label: str
    endpoint: str
    done: bool


def first_steps() -> list[Step]:
    """What a new installation still lacks; empty once everything has been done."""
    steps = [
        Step("Say who you are: company name, tax and payment details", "setting", _named()),
        Step("Add a customer", "customer", _any(Customer)),
        Step("Make a package", "package", _any(Package)),
        Step("Raise an invoice", "invoice", _any(Invoice)),
        Step("Record a payment and allocate it", "payment", _any(Payment)),
    ]
    return [] if all(step.done for step in steps) else steps


def _named() -> bool:
    return bool(settings.current().company_name)


def _any(model: Any) -> bool:
    return db.session.scalar(select(model.id).limit(1)) is not None
