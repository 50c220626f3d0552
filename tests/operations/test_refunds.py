"""Refunds: what they take first, and whose debt comes back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import allocations, payments, refunds
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.queries.checks import discrepancies
from tests.support.books import DAY, faults, fresh, make_customer, make_issued, make_payment

D = Decimal


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


def test_receivables_case_21(acorn):
    invoice = make_issued(acorn, "325")
    first, second = make_payment(acorn, "163"), make_payment(acorn, "162")
    allocations.allocate(SYSTEM, first.id, invoice.id, D(163))
    assert fresh(invoice).balance == D(162)
    allocations.allocate(SYSTEM, second.id, invoice.id, D(162))
    assert fresh(invoice).balance == 0
    refunds.refund(SYSTEM, second.id, D(63), "Overpaid")
    assert fresh(invoice).balance == D(63)
    payments.cancel(SYSTEM, second.id)
    assert fresh(invoice).balance == D(162)
    assert discrepancies() == []


def test_a_refund_takes_what_is_unallocated_first(acorn):
    payment = make_payment(acorn, "100")
    earlier, later = make_issued(acorn, "40"), make_issued(acorn, "40")
    for invoice in (earlier, later):
        allocations.allocate(SYSTEM, payment.id, invoice.id, D(40))
    refunds.refund(SYSTEM, payment.id, D(20))
    assert (fresh(earlier).balance, fresh(later).balance, fresh(payment).unallocated) == (0, 0, 0)
    refunds.refund(SYSTEM, payment.id, D(50))
    assert (fresh(earlier).balance, fresh(later).balance) == (D(10), D(40))
    assert fresh(payment).refunded == D(70)
    assert discrepancies() == []


def test_refunds_that_are_refused(acorn):
    payment = make_payment(acorn, "100")
    refunds.refund(SYSTEM, payment.id, D(70), form_key="form")
    with pytest.raises(Duplicate):
        refunds.refund(SYSTEM, payment.id, D(70), form_key="form")
    with pytest.raises(Invalid) as raised:
        refunds.refund(SYSTEM, payment.id, D(31), refunded_on=DAY - dt.timedelta(days=1))
    assert faults(raised.value) == {
        "amount": "At most $30.00 USD of this payment can be refunded.",
        "refunded_on": "The refund can't be before the payment, 2026-11-02.",
    }
    with pytest.raises(Refused, match=r"This payment is pending. Only a completed payment can be refunded."):
        refunds.refund(SYSTEM, make_payment(acorn, status="pending").id, D(1))
