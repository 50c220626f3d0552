"""Allocations: both sides keep their sums, whoever acts at the same time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Allocation, Payment
from dashboard.operations import allocations, invoices, payments
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, OperationError, Refused
from dashboard.queries.checks import discrepancies
from tests.support.books import (
    DAY,
    at_once,
    faults,
    fresh,
    make_customer,
    make_draft,
    make_issued,
    make_payment,
)

D = Decimal


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


def test_allocating_keeps_both_sides(acorn, as_role):
    payment, invoice = make_payment(acorn, "100"), make_issued(acorn, "80")
    clerk = as_role("clerk")
    made = allocations.allocate(clerk, payment.id, invoice.id, D(50))
    assert (made.created_by, made.created_by_name) == (clerk.id, "Clark Clerk")
    assert (fresh(payment).unallocated, fresh(invoice).balance) == (D(50), D(30))
    allocations.allocate(clerk, payment.id, invoice.id, "30.00")
    assert (fresh(payment).unallocated, fresh(invoice).balance) == (D(20), 0)
    assert discrepancies() == []


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("100.01", "Only $100.00 USD is left on this payment."),
        ("90", "Only $80.00 USD is owed on this invoice."),
        ("0", "The amount must be more than zero."),
        ("-5", "The amount must be more than zero."),
        ("5.005", "5.005 has more decimals than USD has."),
        ("5.00005", "Use at most 4 decimals."),
        ("", "Fill this in."),
        ("NaN", '"NaN" is not a number. Write it like 1,234.50.'),
    ],
)
def test_amounts_that_are_refused(acorn, amount, words):
    payment, invoice = make_payment(acorn, "100"), make_issued(acorn, "80")
    with pytest.raises(Invalid) as raised:
        allocations.allocate(SYSTEM, payment.id, invoice.id, amount)
    assert faults(raised.value) == {"amount": words}


def test_pairs_that_are_refused(acorn):
    payment, invoice = make_payment(acorn), make_issued(acorn)
    other = make_customer("Other Example")
    yen = make_customer("Yen Example", "JPY")
    pairs = [
        (make_payment(acorn, status="pending"), invoice, "This payment is pending. Only a completed payment"),
        (
            payment,
            make_draft(acorn),
            "This invoice is draft. Payments are allocated to issued invoices only.",
        ),
        (payment, invoices.void(SYSTEM, make_issued(acorn).id, "x"), "This invoice is void."),
        (payment, make_issued(other), "belong to different customers"),
        (payment, make_issued(yen), "belong to different customers"),
    ]
    for one, two, words in pairs:
        with pytest.raises(Refused, match=words):
            allocations.allocate(SYSTEM, one.id, two.id, D(10))
    with pytest.raises(Missing):
        allocations.allocate(SYSTEM, 999, invoice.id, D(1))
    with pytest.raises(Missing):
        allocations.allocate(SYSTEM, payment.id, 999, D(1))


def test_a_form_sent_twice_allocates_once(acorn):
    payment, invoice = make_payment(acorn), make_issued(acorn)
    made = allocations.allocate(SYSTEM, payment.id, invoice.id, D(10), form_key="form")
    with pytest.raises(Duplicate) as raised:
        allocations.allocate(SYSTEM, payment.id, invoice.id, D(10), form_key="form")
    assert raised.value.result == f"allocation:{made.id}"
    assert fresh(invoice).paid == D(10)


def test_removing(acorn):
    payment, invoice = make_payment(acorn), make_issued(acorn)
    made = allocations.allocate(SYSTEM, payment.id, invoice.id, D(10))
    allocations.remove(SYSTEM, made.id)
    assert (fresh(payment).unallocated, fresh(invoice).paid) == (D(100), 0)
    with pytest.raises(Missing, match=r"This allocation does not exist, or no longer does."):
        allocations.remove(SYSTEM, made.id)


def test_automatically_the_oldest_due_first(acorn):
    def owed(due_in: int, total: str) -> int:
        return make_issued(acorn, total, due_date=DAY + dt.timedelta(days=due_in)).id

    late, soon, latest = owed(30, "50"), owed(5, "60"), owed(90, "70")
    make_issued(make_customer("Other Example"))
    payment = make_payment(acorn, "120")
    made = allocations.allocate_automatically(SYSTEM, payment_id=payment.id)
    assert [(row.invoice_id, row.amount) for row in made] == [(soon, D(60)), (late, D(50)), (latest, D(10))]
    assert fresh(payment).unallocated == 0
    with pytest.raises(Refused, match=r"Nothing is left on this payment."):
        allocations.allocate_automatically(SYSTEM, payment_id=payment.id)
    assert discrepancies() == []


def test_automatically_from_the_oldest_payments(acorn):
    newer = make_payment(acorn, "70")
    older = make_payment(acorn, "50", paid_on=DAY - dt.timedelta(days=3))
    make_payment(acorn, "500", status="pending")
    invoice = make_issued(acorn, "100")
    made = allocations.allocate_automatically(SYSTEM, invoice_id=invoice.id)
    assert [(row.payment_id, row.amount) for row in made] == [(older.id, D(50)), (newer.id, D(50))]
    with pytest.raises(Refused, match=r"Nothing is owed on INV-2026-000001."):
        allocations.allocate_automatically(SYSTEM, invoice_id=invoice.id)


def test_automatically_with_nothing_to_do(acorn):
    with pytest.raises(Refused, match=r"Acorn Example Networks has no open invoice in USD."):
        allocations.allocate_automatically(SYSTEM, payment_id=make_payment(acorn).id)
    bare = make_customer("Bare Example")
    with pytest.raises(Refused, match=r"Bare Example has no completed payment with anything left."):
        allocations.allocate_automatically(SYSTEM, invoice_id=make_issued(bare).id)
    with pytest.raises(Refused, match=r"is not issued"):
        allocations.allocate_automatically(SYSTEM, invoice_id=make_draft(acorn).id)
    with pytest.raises(Refused, match=r"This payment is pending"):
        allocations.allocate_automatically(SYSTEM, payment_id=make_payment(acorn, status="pending").id)
    with pytest.raises(ValueError, match=r"name a payment or an invoice"):
        allocations.allocate_automatically(SYSTEM)


def test_recording_and_allocating_in_one_step(acorn, as_role):
    invoice = make_issued(acorn, "80")
    with pytest.raises(Forbidden):
        allocations.record_and_allocate(as_role("viewer"), invoice.id, {"amount": "10"})
    made = allocations.record_and_allocate(
        as_role("clerk"), invoice.id, {"amount": "100", "method": "cash"}, form_key="form"
    )
    payment = db.session.get(Payment, made.payment_id)
    assert (made.amount, payment.status, payment.method) == (D(80), "completed", "cash")
    assert fresh(payment).unallocated == D(20)
    with pytest.raises(Duplicate):
        allocations.record_and_allocate(SYSTEM, invoice.id, {"amount": "100"}, form_key="form")
    with pytest.raises(
        Refused, match=r"Nothing is owed on INV-2026-000001. Record the payment under Payments"
    ):
        allocations.record_and_allocate(SYSTEM, invoice.id, {"amount": "10"})
    with pytest.raises(Invalid) as raised:
        allocations.record_and_allocate(SYSTEM, make_issued(acorn).id, {"amount": "-10"})
    assert list(raised.value.errors) == ["amount"]
    with pytest.raises(Refused, match=r"This invoice is draft."):
        allocations.record_and_allocate(SYSTEM, make_draft(acorn).id, {"amount": "10"})
    assert db.session.query(Payment).count() == 1, "a refusal leaves no payment behind"


# At the same time


def allocated(payment: Payment) -> Decimal:
    db.session.rollback()
    return db.session.scalar(select(func.sum(Allocation.amount)).where(Allocation.payment_id == payment.id))


def test_twenty_threads_allocate_one_payment_by_hand(app, acorn):
    payment = make_payment(acorn, "100")
    owed = [make_issued(acorn, "30").id for _ in range(20)]
    results = at_once(
        app, [lambda key=key: allocations.allocate(SYSTEM, payment.id, key, D(30)).amount for key in owed]
    )
    refused = [result for result in results if isinstance(result, OperationError)]
    assert len(refused) == 17
    assert {str(result) for result in refused} == {"Only $10.00 USD is left on this payment."}
    assert allocated(payment) == D(90)
    left = next(key for key, result in zip(owed, results, strict=True) if isinstance(result, OperationError))
    allocations.allocate(SYSTEM, payment.id, left, D(10))
    assert allocated(payment) == D(100)
    assert discrepancies() == []


def test_twenty_threads_allocate_one_payment_automatically(app, acorn):
    payment = make_payment(acorn, "100")
    owed = [make_issued(acorn, "30").id for _ in range(20)]

    def settle(key: int) -> Decimal:
        return sum(row.amount for row in allocations.allocate_automatically(SYSTEM, invoice_id=key))

    results = at_once(app, [lambda key=key: settle(key) for key in owed])
    given = sorted(result for result in results if isinstance(result, Decimal))
    assert given == [D(10), D(30), D(30), D(30)]
    refusals = {str(result) for result in results if isinstance(result, OperationError)}
    assert refusals == {"Acorn Example Networks has no completed payment with anything left."}
    assert allocated(payment) == D(100)
    assert discrepancies() == []


def test_twenty_payments_at_once_on_one_invoice(app, acorn):
    invoice = make_issued(acorn, "100")
    paid = [make_payment(acorn, "30").id for _ in range(20)]
    at_once(
        app,
        [lambda key=key: allocations.allocate_automatically(SYSTEM, payment_id=key) and 1 for key in paid],
    )
    assert fresh(invoice).balance == 0
    assert discrepancies() == []


def test_everything_at_once_never_deadlocks_and_always_adds_up(app, acorn):
    """Automatic allocation from both sides, removing and cancelling, together."""
    owed = [make_issued(acorn, "30").id for _ in range(8)]
    paid = [make_payment(acorn, "50").id for _ in range(6)]
    made = [allocations.allocate(SYSTEM, paid[0], owed[at], D(10)).id for at in range(4)]
    work = [lambda key=key: allocations.allocate_automatically(SYSTEM, payment_id=key) and 1 for key in paid]
    work += [lambda key=key: allocations.allocate_automatically(SYSTEM, invoice_id=key) and 1 for key in owed]
    work += [lambda key=key: allocations.remove(SYSTEM, key) for key in made]
    work += [lambda key=key: payments.cancel(SYSTEM, key).id for key in paid[:2]]
    results = at_once(app, work)
    words = {str(result) for result in results if isinstance(result, OperationError)}
    assert not any("right now" in said for said in words), words
    db.session.rollback()
    assert discrepancies() == []
