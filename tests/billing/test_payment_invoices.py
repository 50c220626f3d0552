"""Create Invoice on Payment: the invoice comes to exactly the payment, and there is one of each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.operations import payments
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import OperationError
from tests.support.bills import get, live_invoices, set_up, told
from tests.support.books import at_once, fresh, make_customer, make_payment

D = Decimal

pytestmark = pytest.mark.usefixtures("app")


def prepaid(currency: str = "USD", percent: str = "20"):
    return make_customer(
        "Prepaid Example", currency, create_invoice_on_payment=True, tax_percent=percent, tax_name="VAT"
    )


@pytest.mark.parametrize(
    ("currency", "percent", "amount"),
    [
        ("USD", "19", "0.01"),
        ("USD", "7.7", "33.33"),
        ("EUR", "21", "99999999.99"),
        ("JPY", "10", "1235"),
        ("BHD", "5", "1.237"),
        ("USD", "0", "50"),
        ("USD", "100", "0.03"),
    ],
)
@pytest.mark.parametrize("mode", ["per_rate", "per_line"])
def test_the_total_is_the_payment_to_the_cent(currency, percent, amount, mode):
    set_up(tax_mode=mode, tax_inclusive=False)
    payment = fresh(make_payment(prepaid(currency, percent), amount))
    invoice = get(payment.created_invoice_id)
    assert (invoice.total, invoice.balance, payment.unallocated) == (D(amount), 0, 0)
    assert (invoice.state, invoice.origin) == ("issued", "payment")


def test_the_line_says_what_the_customer_may_read():
    customer = prepaid()
    make_payment(customer, "10", description="Top-up October # called twice")
    make_payment(customer, "10", description="# only for us")
    assert [told(invoice)[0][1] for invoice in live_invoices(customer)] == [
        "Top-up October",
        "Payment received",
    ]


def test_completed_by_many_at_once_makes_one():
    from flask import current_app

    customer = prepaid()
    key = make_payment(customer, "10", status="pending").id
    app = current_app._get_current_object()
    answers = at_once(app, [lambda: payments.set_status(SYSTEM, key, "completed")] * 6)
    assert not [answer for answer in answers if isinstance(answer, OperationError)]
    assert len(live_invoices(customer)) == 1
