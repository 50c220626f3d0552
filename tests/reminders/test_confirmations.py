"""Email Confirmation of payments: once, with the payment or not at all."""

from __future__ import annotations

import pytest

from dashboard.extensions import db
from dashboard.models import Mail, Payment
from dashboard.operations import payments
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.confirmations import said_of
from tests.support.books import fresh, make_customer, make_payment
from tests.support.reminding import mails, reachable


def test_a_completed_payment_is_confirmed_without_what_is_private(app):
    payment = make_payment(
        reachable(), "125.30", email_confirmation=True, description="November # pays late, watch out"
    )
    (mail,) = mails("payment")
    assert mail.subject == "Payment of $125.30 received"
    assert "November" in mail.body
    assert "watch out" not in mail.subject + mail.body + (mail.html or "")
    assert "#" not in mail.body
    assert (mail.payment_id, mail.recipients) == (payment.id, ["accounts@retail.example"])


def test_one_that_was_pending_is_confirmed_when_it_completes_and_once(app):
    payment = make_payment(reachable(), status="pending", email_confirmation=True)
    assert mails("payment") == []
    for status in ("completed", "completed", "pending", "completed"):
        payments.set_status(SYSTEM, payment.id, status)
    assert len(mails("payment")) == 1


@pytest.mark.parametrize(
    "values",
    [{"email_confirmation": False}, {"amount": "-5"}, {"status": "pending"}, {"status": "cancelled"}],
)
def test_others_are_not(app, values):
    given = {"email_confirmation": True, **values}
    make_payment(reachable(), given.pop("amount", "5"), **given)
    assert mails("payment") == []


def test_the_invoice_it_made_is_named(app):
    customer = reachable(create_invoice_on_payment=True)
    make_payment(customer, "50", email_confirmation=True)
    (mail,) = mails("payment")
    assert "It covers:\n- INV-" in mail.body


def test_it_is_not_said_of_a_payment_that_was_rolled_back(app):
    customer = reachable()
    with pytest.raises(ZeroDivisionError), unit_of_work(SYSTEM):
        make_payment(customer, email_confirmation=True)
        raise ZeroDivisionError
    assert (db.session.query(Payment).count(), db.session.query(Mail).count()) == (0, 0)


def test_without_an_address_the_payment_is_saved_and_the_clerk_told(app):
    payment = make_payment(make_customer("No Address Example Ltd"), email_confirmation=True)
    assert mails("payment") == []
    assert "no contact of the type billing" in said_of(fresh(payment))
