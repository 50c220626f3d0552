"""The sums of the first page equal what the invoices and payments themselves come to."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest

from dashboard.extensions import db
from dashboard.models import BookSum, Invoice, Payment
from dashboard.operations import allocations, book_sums, invoice_states, invoices, payments, refunds
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import OperationError
from dashboard.queries import checks, receivables
from dashboard.rules.receivables import bucket
from tests.support.books import line, make_customer, make_draft, make_payment

pytestmark = pytest.mark.usefixtures("app")

TODAY = dt.date(2026, 11, 23)
ZERO = Decimal(0)


def of(currency: str) -> receivables.Books:
    return next(one for one in receivables.books(TODAY) if one.currency == currency)


def expected(currency: str) -> dict[str, tuple[int, Decimal]]:
    """The same figures, added up here from every row."""
    found: dict[str, list[Decimal]] = {}

    def put(name: str, amount: Decimal) -> None:
        found.setdefault(name, []).append(amount)

    for one in db.session.query(Invoice).filter_by(currency=currency):
        month = one.issue_date.replace(day=1)
        if one.state == "draft":
            put("draft", one.total)
        elif one.state == "issued":
            put(f"invoiced {month}", one.total)
            put(f"open {month}", max(one.balance, ZERO))
            if one.balance > 0:
                put(bucket(one.due_date, TODAY), one.balance)
                put(f"debtor {one.customer_id}", one.balance)
            if one.balance < 0:
                put("credit", one.balance)
    for payment in db.session.query(Payment).filter_by(currency=currency):
        month = payment.paid_on.replace(day=1)
        if payment.status == "pending":
            put("pending", payment.amount)
        if payment.status == "completed" and payment.amount > 0:
            put(f"collected {month}", payment.amount)
            put(f"refunded {month}", payment.refunded)
        if payment.unallocated > 0:
            put("unallocated", payment.unallocated)
    return {name: (len(amounts), sum(amounts, ZERO)) for name, amounts in found.items()}


def shown(books: receivables.Books) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for month in books.months:
        invoiced, collected = month.invoiced, month.collected
        found[f"invoiced {month.first}"] = (invoiced.count, invoiced.amount)
        found[f"open {month.first}"] = (invoiced.count, invoiced.rest)
        found[f"collected {month.first}"] = (collected.count, collected.amount)
        found[f"refunded {month.first}"] = (collected.count, collected.rest)
    for name, one in books.ages.items():
        found[name] = (one.count, one.amount)
    for name in ("draft", "pending", "unallocated", "credit"):
        found[name] = (getattr(books, name).count, getattr(books, name).amount)
    for debtor in receivables.debtors(books.currency, limit=1_000):
        found[f"debtor {debtor.customer_id}"] = (debtor.owed.count, debtor.owed.amount)
    return {name: pair for name, pair in found.items() if pair[0]}


def agree() -> None:
    seen = {one.currency: shown(one) for one in receivables.books(TODAY)}
    wanted = {code: expected(code) for code in ("USD", "EUR", "JPY")}
    assert seen == {code: figures for code, figures in wanted.items() if figures}


@pytest.mark.parametrize("seed", range(6))
def test_after_anything_that_happens_the_figures_are_the_sums(seed: int) -> None:
    """Drafts, issues, voids, reopenings, payments, charges, refunds and allocations in any order."""
    chance = random.Random(seed)
    people = [make_customer(f"Example {n} Ltd", code) for n, code in enumerate(("USD", "EUR", "JPY", "USD"))]
    drafts, issued, paid = [], [], []

    def draft() -> None:
        day = TODAY - dt.timedelta(days=chance.randrange(0, 150))
        lines = [
            line(str(chance.randrange(1, 5)), str(chance.randrange(-40, 400)), chance.choice(["0", "20"]))
        ]
        due = day + dt.timedelta(days=chance.randrange(0, 40))
        drafts.append(make_draft(chance.choice(people), *lines, issue_date=day, due_date=due).id)

    def issue() -> None:
        key = chance.choice(drafts)
        issued.append(invoice_states.issue(SYSTEM, key).id)
        drafts.remove(key)

    def pay() -> None:
        amount = str(chance.choice([-1, 1, 1, 1]) * chance.randrange(1, 900))
        day = TODAY - dt.timedelta(days=chance.randrange(0, 90))
        status = chance.choice(["pending", "completed", "completed", "cancelled"])
        paid.append(make_payment(chance.choice(people), amount, status, paid_on=day).id)

    def allocate() -> None:
        allocations.allocate_automatically(SYSTEM, chance.choice(paid))

    def refund() -> None:
        refunds.refund(SYSTEM, chance.choice(paid), Decimal(chance.randrange(1, 50)), "", TODAY)

    steps = [
        draft,
        issue,
        issue,
        pay,
        allocate,
        refund,
        lambda: invoice_states.void(SYSTEM, chance.choice(issued), reason="Wrong customer"),
        lambda: drafts.append(invoice_states.reopen(SYSTEM, chance.choice(issued)).id),
        lambda: invoices.delete(SYSTEM, drafts.pop()),
        lambda: payments.delete(SYSTEM, chance.choice(paid)),
        lambda: payments.update(SYSTEM, chance.choice(paid), {"status": "completed"}),
        lambda: invoices.update(SYSTEM, chance.choice(issued), {"due_date": TODAY - dt.timedelta(days=45)}),
        book_sums.fold,
    ]
    for _ in range(4):
        draft()
    for _ in range(90):
        try:
            chance.choice(steps)()
        except (OperationError, IndexError):
            db.session.rollback()
    agree()
    book_sums.fold()
    agree()
    assert checks.discrepancies() == []
    before = kept()
    book_sums.refill()
    assert kept() == before


def kept() -> list[tuple[object, ...]]:
    rows = db.session.query(BookSum).all()
    return sorted(
        (r.kind, r.currency, str(r.day), r.customer_id or 0, r.number, r.amount, r.rest) for r in rows
    )
