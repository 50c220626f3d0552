"""The proof of the books finds what was changed behind their back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import text

from dashboard.extensions import db
from dashboard.operations import allocations, invoices, payments
from dashboard.operations.base import SYSTEM
from dashboard.queries.checks import discrepancies
from tests.support.books import line, make_customer, make_draft, make_issued, make_payment

D = Decimal


@pytest.fixture
def books(app):
    """One payment of 100, of which 60 pays invoice 1."""
    acorn = make_customer("Acorn Example Networks")
    payment, invoice = make_payment(acorn, "100"), make_issued(acorn, "60")
    allocations.allocate(SYSTEM, payment.id, invoice.id, D(60))
    make_draft(acorn, line("3", "0.333333", "19"))
    return acorn


def test_sound_books_have_no_discrepancy(books):
    assert discrepancies() == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE invoice SET paid = 50 WHERE id = 1", "invoice 1: paid is 50, but should be 60"),
        ("UPDATE payment SET allocated = 10", "payment 1: allocated is 10, but should be 60"),
        ("UPDATE payment SET refunded = 5", "payment 1: refunded is 5, but should be 0"),
        ("DELETE FROM allocation", "invoice 1: paid is 60, but should be 0"),
        (
            "UPDATE invoice SET subtotal = subtotal + 1, total = total + 1 WHERE id = 2",
            "invoice 2: subtotal is 2, but should be 1",
        ),
        (
            "UPDATE invoice_item SET quantity = 5 WHERE invoice_id = 2",
            "invoice 2: the total of its lines is 1.19, but should be 1.99",
        ),
        (
            "UPDATE payment SET amount = 100.005",
            "payment 1: amount is 100.005, but should be an amount with 2 decimals",
        ),
        (
            "UPDATE payment SET currency = 'EUR'",
            "allocation 1: what it joins is a mismatch, but should be a completed payment and an issued "
            "invoice of one customer and currency",
        ),
    ],
)
def test_what_is_found(books, change, found):
    db.session.execute(text(change))
    assert found in [str(row) for row in discrepancies()]


def test_the_command(app, books):
    run = app.test_cli_runner()
    sound = run.invoke(args=["check"])
    assert (sound.exit_code, sound.output) == (0, "The books add up.\n")
    db.session.execute(text("UPDATE payment SET refunded = 5"))
    db.session.commit()
    broken = run.invoke(args=["check"])
    assert broken.exit_code == 1
    assert "payment 1: refunded is 5, but should be 0" in broken.output
    assert "1 figure is not what it should be." in broken.output


def test_many_states_together(books):
    for at in range(3):
        invoice = make_issued(books, "10")
        if at == 1:
            invoices.reopen(SYSTEM, invoice.id)
        if at == 2:
            invoices.void(SYSTEM, invoice.id, "x")
    payments.cancel(SYSTEM, 1)
    assert discrepancies() == []
