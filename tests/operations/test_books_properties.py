"""Whatever staff do, in whatever order, the books add up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Allocation, Customer, Invoice, Payment
from dashboard.operations import allocations, invoices, payments, refunds
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import OperationError
from dashboard.queries.checks import discrepancies
from dashboard.queries.payments import balances
from dashboard.rules.money import exponent, round_money
from tests.support.books import line, make_customer, make_draft, make_issued, make_payment

D = Decimal
SIZE = 4

which = st.integers(0, SIZE - 1)
cents = st.integers(-100, 20_000).map(lambda units: D(units) / 100)
step = st.one_of(
    st.tuples(st.just("allocate"), which, which, cents),
    st.tuples(st.just("remove"), which),
    st.tuples(st.just("use_up"), which),
    st.tuples(st.just("settle"), which),
    st.tuples(st.just("refund"), which, cents),
    st.tuples(st.just("status"), which, st.sampled_from(["pending", "completed", "cancelled"])),
    st.tuples(st.just("amount"), which, cents),
    st.tuples(st.just("void"), which),
    st.tuples(st.just("reopen"), which),
    st.tuples(st.just("issue"), which),
    st.tuples(st.just("receive"), which, cents),
)


def take(action: tuple, owed: list[int], paid: list[int]) -> None:
    match action:
        case ("allocate", payment, invoice, amount):
            allocations.allocate(SYSTEM, paid[payment], owed[invoice], amount)
        case ("remove", at):
            made = db.session.scalars(select(Allocation.id).order_by(Allocation.id)).all()
            if made:
                allocations.remove(SYSTEM, made[at % len(made)])
        case ("use_up", payment):
            allocations.allocate_automatically(SYSTEM, payment_id=paid[payment])
        case ("settle", invoice):
            allocations.allocate_automatically(SYSTEM, invoice_id=owed[invoice])
        case ("refund", payment, amount):
            refunds.refund(SYSTEM, paid[payment], amount)
        case ("status", payment, status):
            payments.set_status(SYSTEM, paid[payment], status)
        case ("amount", payment, amount):
            payments.update(SYSTEM, paid[payment], {"amount": amount})
        case ("void", invoice):
            invoices.void(SYSTEM, owed[invoice], "x")
        case ("reopen", invoice):
            invoices.reopen(SYSTEM, owed[invoice])
        case ("issue", invoice):
            invoices.issue(SYSTEM, owed[invoice])
        case ("receive", invoice, amount):
            allocations.record_and_allocate(SYSTEM, owed[invoice], {"amount": amount})


def whole(customer: Customer) -> tuple[Decimal, Decimal]:
    """(what issued invoices come to, what was received and kept), from the parts."""
    billed = select(func.coalesce(func.sum(Invoice.total), 0)).where(
        Invoice.customer_id == customer.id, Invoice.state == "issued"
    )
    kept = select(func.coalesce(func.sum(Payment.amount - Payment.refunded), 0)).where(
        Payment.customer_id == customer.id, Payment.status == "completed"
    )
    return db.session.scalar(billed), db.session.scalar(kept)


@settings(max_examples=25)
@given(st.lists(step, min_size=5, max_size=25))
def test_the_books_add_up_after_any_day(app, actions):
    customer = make_customer()
    owed = [make_issued(customer, str(20 * (at + 1))).id for at in range(SIZE)]
    paid = [make_payment(customer, str(35 * (at + 1))).id for at in range(SIZE)]
    for action in actions:
        before = db.session.scalar(select(func.count()).select_from(Allocation))
        try:
            take(action, owed, paid)
        except OperationError:
            assert db.session.scalar(select(func.count()).select_from(Allocation)) == before
        db.session.rollback()
    assert discrepancies() == []
    for row in db.session.scalars(select(Payment).where(Payment.customer_id == customer.id)):
        assert 0 <= row.allocated + row.refunded <= max(row.amount, D(0))
        assert row.status == "completed" or row.allocated == 0
    for invoice in db.session.scalars(select(Invoice).where(Invoice.customer_id == customer.id)):
        assert 0 <= invoice.paid <= max(invoice.total, D(0))
        assert invoice.state == "issued" or invoice.paid == 0
    billed, kept = whole(customer)
    assert sum((row.owed for row in balances(customer.id)), D(0)) == billed - kept


number = st.decimals(-10_000, 10_000, places=6, allow_nan=False)
percent = st.decimals(0, 100, places=4, allow_nan=False)


@settings(max_examples=40)
@given(
    st.sampled_from(["USD", "JPY", "BHD"]),
    st.lists(st.tuples(number, number, percent), max_size=12),
    st.data(),
)
def test_stored_totals_are_the_sums_of_stored_lines(app, currency, rows, data):
    customer = make_customer(currency=currency)
    invoice = make_draft(customer)
    lines = [line(str(q), str(p), str(t)) for q, p, t in rows]
    invoices.update(SYSTEM, invoice.id, {"items": lines})
    kept = data.draw(st.permutations([{"id": item.id} for item in invoice.items]))
    invoices.update(SYSTEM, invoice.id, {"items": kept[: data.draw(st.integers(0, len(kept)))]})
    db.session.rollback()
    db.session.refresh(invoice)
    for item in invoice.items:
        assert item.net == round_money(item.quantity * item.unit_price, currency)
        assert item.gross == item.net + item.tax
    assert invoice.subtotal == sum((item.net for item in invoice.items), D(0))
    assert invoice.tax == sum((item.tax for item in invoice.items), D(0))
    assert invoice.total == invoice.subtotal + invoice.tax
    assert invoice.total == round(invoice.total, exponent(currency))
    assert [item.position for item in invoice.items] == list(range(1, len(invoice.items) + 1))
    assert discrepancies() == []
