"""Payments: what is recorded, and what holds it in place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.extensions import db
from dashboard.models import Allocation, Invoice, Payment
from dashboard.operations import allocations, customers, payments, refunds
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Refused, Stale
from dashboard.queries import settings
from dashboard.queries.checks import discrepancies
from tests.support.books import DAY, faults, fresh, make_customer, make_issued, make_payment

D = Decimal


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


def allocated(acorn, amount: str = "100", paid: str = "100") -> Payment:
    payment = make_payment(acorn, paid)
    allocations.allocate(SYSTEM, payment.id, make_issued(acorn).id, D(amount))
    return payment


def test_a_payment_with_every_field(acorn, as_role):
    clerk = as_role("clerk")
    made = payments.create(
        clerk,
        {
            "customer_id": acorn.id,
            "paid_on": "2026-11-20",
            "description": "November #called them twice",
            "amount": "1,234.50",
            "fee": "1.20",
            "status": "Completed",
            "method": "card",
            "reference": "TX 9",
            "email_confirmation": True,
        },
    )
    found = fresh(made)
    assert (found.amount, found.fee, found.status, found.method) == (
        D("1234.50"),
        D("1.20"),
        "completed",
        "card",
    )
    assert (found.currency, found.public_description, found.created_by) == ("USD", "November", clerk.id)
    assert (found.allocated, found.unallocated) == (0, D("1234.50"))


def test_a_payment_is_pending_and_of_today_unless_said(acorn):
    made = payments.create(SYSTEM, {"customer_id": acorn.id, "amount": "5"})
    assert (made.status, made.paid_on, fresh(made).unallocated) == ("pending", settings.today(), 0)


@pytest.mark.parametrize(
    ("currency", "amount", "fee", "wanted"),
    [
        ("USD", "10.005", "0", {"amount": "10.005 has more decimals than USD has."}),
        (
            "JPY",
            "10.5",
            "0.5",
            {"amount": "10.5 has more decimals than JPY has.", "fee": "0.5 has more decimals than JPY has."},
        ),
        ("BHD", "10.0005", "0", {"amount": "10.0005 has more decimals than BHD has."}),
        ("USD", "0", "0", {"amount": "Enter an amount other than zero."}),
        (
            "USD",
            "ten",
            "-1",
            {"amount": '"ten" is not a number. Write it like 1,234.50.', "fee": "This can't be less than 0."},
        ),
        ("USD", "", "", {"amount": "Fill this in."}),
        (
            "USD",
            "123456789012345",
            "0",
            {"amount": "This number is too big: use at most 14 digits before the point."},
        ),
    ],
)
def test_amounts_that_are_refused(app, currency, amount, fee, wanted):
    customer = make_customer(currency=currency)
    with pytest.raises(Invalid) as raised:
        payments.create(SYSTEM, {"customer_id": customer.id, "amount": amount, "fee": fee})
    assert faults(raised.value) == wanted


def test_a_form_sent_twice_makes_one(acorn):
    values = {"customer_id": acorn.id, "amount": "5"}
    made = payments.create(SYSTEM, values, form_key="form")
    with pytest.raises(Duplicate) as raised:
        payments.create(SYSTEM, values, form_key="form")
    assert raised.value.result == f"payment:{made.id}"


def test_a_charge_is_a_negative_payment(acorn):
    charge = make_payment(acorn, "-20")
    assert fresh(charge).unallocated == 0
    issued = make_issued(acorn)
    with pytest.raises(Refused, match=r"This is a charge against the account, not money received"):
        allocations.allocate(SYSTEM, charge.id, issued.id, D(5))
    with pytest.raises(Refused, match=r"This is a charge"):
        refunds.refund(SYSTEM, charge.id, D(5))
    with pytest.raises(Refused, match=r"Nothing is left on this payment"):
        allocations.allocate_automatically(SYSTEM, payment_id=charge.id)


def test_changing_a_payment(acorn):
    payment = make_payment(acorn, "50", status="pending")
    payments.update(SYSTEM, payment.id, {"amount": "60.10", "description": ""}, version=payment.version)
    assert fresh(payment).amount == D("60.10")
    with pytest.raises(Stale):
        payments.update(SYSTEM, payment.id, {"amount": "1"}, version=1)
    other = make_customer("Yen Example", "JPY")
    with pytest.raises(Invalid) as raised:
        payments.update(SYSTEM, payment.id, {"customer_id": other.id})
    assert faults(raised.value) == {
        "customer_id": "Yen Example is billed in JPY, which has 0 decimals. Change the amount first."
    }
    payments.update(SYSTEM, payment.id, {"amount": "60"})
    moved = payments.update(SYSTEM, payment.id, {"customer_id": other.id})
    assert (moved.currency, moved.customer_id) == ("JPY", other.id)


def test_what_is_allocated_holds_the_payment_in_place(acorn):
    payment = allocated(acorn, "80")
    refunds.refund(SYSTEM, payment.id, D(10))
    with pytest.raises(Invalid) as raised:
        payments.update(SYSTEM, payment.id, {"amount": "89.99"})
    assert faults(raised.value) == {
        "amount": "$90.00 USD of this payment is allocated or refunded, so it can't be less than that."
    }
    assert payments.update(SYSTEM, payment.id, {"amount": "90"}).unallocated == 0
    with pytest.raises(Invalid) as raised:
        payments.update(SYSTEM, payment.id, {"status": "pending"})
    assert faults(raised.value)["status"] == (
        f"Payment {payment.id} is allocated to invoices, so it can't be pending. "
        "Remove the allocations first, or cancel it."
    )
    with pytest.raises(Invalid) as raised:
        payments.update(SYSTEM, payment.id, {"customer_id": make_customer("Other Example").id})
    assert list(raised.value.errors) == ["customer_id"]
    payments.update(SYSTEM, payment.id, {"customer_id": acorn.id, "status": "completed", "amount": "90"})
    assert discrepancies() == []


def test_cancelling_gives_allocations_back(acorn):
    payment = allocated(acorn, "80")
    invoice = db.session.query(Invoice).one()
    assert fresh(invoice).balance == 20
    payments.cancel(SYSTEM, payment.id)
    assert (fresh(invoice).balance, fresh(payment).unallocated) == (100, 0)
    assert db.session.query(Allocation).count() == 0
    payments.set_status(SYSTEM, payment.id, "completed")
    assert fresh(payment).unallocated == 100
    assert discrepancies() == []


def test_a_status_changed_in_the_list_cancels_too(acorn):
    payment = allocated(acorn, "80")
    payments.update(SYSTEM, payment.id, {"status": "cancelled"}, version=payment.version)
    assert (fresh(payment).status, fresh(payment).allocated) == ("cancelled", 0)
    result = payments.set_status_many(SYSTEM, [payment.id, 999], "completed")
    assert result.done == [payment.id]
    assert [(row.id, row.label) for row in result.refused] == [(999, "Payment 999")]
    with pytest.raises(Invalid):
        payments.set_status_many(SYSTEM, [payment.id], "lost")


def test_deleting(acorn):
    payments.delete(SYSTEM, make_payment(acorn).id)
    payment = allocated(acorn)
    result = payments.delete_many(SYSTEM, [payment.id])
    assert result.refused[0].label == f"Payment {payment.id}, $100.00 USD"
    assert "is allocated to invoices, so it can't be deleted. Cancel it instead." in result.refused[0].reason
    refunded = make_payment(acorn)
    refunds.refund(SYSTEM, refunded.id, D(1))
    with pytest.raises(Refused, match=r"was partly refunded"):
        payments.delete(SYSTEM, refunded.id)


def test_what_each_role_may_do(acorn, as_role):
    with pytest.raises(Forbidden):
        payments.create(as_role("viewer"), {"customer_id": acorn.id, "amount": "5"})
    payment = payments.create(
        as_role("clerk"), {"customer_id": acorn.id, "amount": "5", "status": "completed"}
    )
    for refused in (
        lambda: payments.delete(as_role("clerk"), payment.id),
        lambda: payments.delete_many(as_role("clerk"), [payment.id]),
        lambda: refunds.refund(as_role("clerk"), payment.id, D(1)),
        lambda: payments.cancel(as_role("viewer"), payment.id),
        lambda: allocations.allocate_automatically(as_role("viewer"), payment_id=payment.id),
    ):
        with pytest.raises(Forbidden):
            refused()


# Create Invoice on Payment


@pytest.fixture
def prepaid(app):
    return make_customer("Prepaid Example", create_invoice_on_payment=True, tax_percent="19", tax_name="MwSt")


def test_a_completed_payment_makes_its_invoice(prepaid, as_role):
    values = {"customer_id": prepaid.id, "amount": "100", "status": "pending", "description": "Top-up #vip"}
    payment = payments.create(as_role("clerk"), values)
    assert db.session.query(Invoice).count() == 0
    payments.set_status(as_role("clerk"), payment.id, "completed")
    invoice = db.session.query(Invoice).one()
    assert (invoice.state, invoice.origin, invoice.number) == ("issued", "payment", "INV-2026-000001")
    assert (invoice.total, invoice.tax, invoice.balance) == (D(100), D("15.97"), 0)
    assert (invoice.items[0].description, invoice.items[0].tax_name) == ("Top-up", "MwSt")
    found = fresh(payment)
    assert (found.created_invoice_id, found.unallocated) == (invoice.id, 0)

    payments.cancel(SYSTEM, payment.id)
    payments.set_status(SYSTEM, payment.id, "completed")
    assert db.session.query(Invoice).count() == 1, "it bills once"
    with pytest.raises(Refused, match=r"has made an invoice, so it can't be deleted"):
        payments.delete(SYSTEM, payment.id)
    assert discrepancies() == []


def test_no_invoice_of_charges_and_for_customers_who_did_not_ask(prepaid, acorn):
    make_payment(prepaid, "-5")
    make_payment(acorn, "5")
    assert db.session.query(Invoice).count() == 0


def test_a_customer_who_waits_for_approval_keeps_the_payment_pending(prepaid):
    customers.update(SYSTEM, prepaid.id, {"status": "pending_approval"})
    with pytest.raises(Refused, match=r"is waiting for approval"):
        make_payment(prepaid)
    assert db.session.query(Payment).count() == 0
    assert make_payment(prepaid, status="pending").id


def test_money_recorded_for_an_invoice_makes_no_second_one(prepaid):
    invoice = make_issued(prepaid, "80")
    made = allocations.record_and_allocate(SYSTEM, invoice.id, {"amount": "100", "paid_on": DAY})
    assert made.amount == D(80)
    assert db.session.query(Invoice).count() == 1
