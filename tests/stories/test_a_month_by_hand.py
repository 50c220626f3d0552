"""A month of billing by hand, as the staff of a small provider would do it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import (
    allocations,
    assignments,
    contacts,
    customers,
    invoices,
    packages,
    payments,
    refunds,
)
from dashboard.operations.errors import Forbidden, Refused
from dashboard.queries import settings
from dashboard.queries.checks import discrepancies
from dashboard.queries.invoices import open_invoices
from dashboard.queries.packages import package_defaults
from dashboard.queries.payments import balances, choices, last_payments
from tests.support.books import fresh, line

D = Decimal


def owed(customer) -> Decimal:
    return sum((row.owed for row in balances(customer.id)), D(0))


@pytest.fixture
def today(app) -> dt.date:
    return settings.today()


@pytest.fixture
def clerk(as_role):
    return as_role("clerk")


@pytest.fixture
def manager(as_role):
    return as_role("manager")


@pytest.fixture
def acorn(clerk, today):
    """A customer with three lines of a package at 50, taxed at 20 %."""
    values = {
        "name": "Acorn Example Networks",
        "currency": "USD",
        "invoice_due_days": 14,
        "city": "Exampleton",
    }
    customer = customers.create(clerk, values)
    contacts.create(clerk, {"customer_id": customer.id, "name": "Accounts", "email": "accounts@example.com"})
    package = packages.create(clerk, {"name": "Example Line", "currency": "USD", "retail": "50"})
    assignments.create(
        clerk,
        {"customer_id": customer.id, "package_id": package.id, "quantity": "3", "start_date": today},
    )
    return customer


def from_package(customer) -> dict[str, object]:
    """The line that choosing the customer's package fills in."""
    package = customer.packages[0].package
    filled = package_defaults(package, customer)
    filled.pop("currency")
    return {"package_id": package.id, **filled}


def test_an_invoice_from_draft_to_paid(acorn, clerk, manager, today):
    draft = invoices.create(clerk, {"customer_id": acorn.id, "items": [from_package(acorn)]}, form_key="new")
    assert (draft.subtotal, draft.tax, draft.total) == (D(150), D(30), D(180))
    assert draft.due_date == today + dt.timedelta(days=14)

    with pytest.raises(Forbidden):
        invoices.issue(clerk, draft.id)
    issued = invoices.issue(manager, draft.id)
    assert issued.number == f"INV-{today.year}-000001"
    assert owed(acorn) == D(180)

    # The bank shows 100, then the rest with 20 too much.
    first = payments.create(clerk, {"customer_id": acorn.id, "amount": "100", "status": "completed"})
    (offered,) = choices(issued)
    assert (offered.id, offered.left, offered.suggested) == (first.id, D(100), D(100))
    assert "· $100.00 USD left ·" in offered.label
    allocations.allocate(clerk, offered.id, issued.id, offered.suggested)
    assert owed(acorn) == D(80)
    second = allocations.record_and_allocate(clerk, issued.id, {"amount": "100", "reference": "BANK 2"})
    assert second.amount == D(80)
    assert (fresh(issued).balance, owed(acorn)) == (0, D(-20))
    assert list(open_invoices(acorn.id)) == []
    assert [row.amount for row in last_payments(acorn.id)] == [D(100), D(100)]

    # The 20 go back.
    refunds.refund(manager, second.payment_id, D(20), "Paid too much")
    assert owed(acorn) == 0
    assert discrepancies() == []


def test_a_wrong_invoice_is_put_right_under_its_number(acorn, clerk, manager):
    draft = invoices.create(clerk, {"customer_id": acorn.id, "items": [from_package(acorn)]})
    issued = invoices.issue(manager, draft.id)
    payment = payments.create(clerk, {"customer_id": acorn.id, "amount": "180", "status": "completed"})
    made = allocations.allocate(clerk, payment.id, issued.id, D(180))

    # It should have been two lines, not three; the money holds the invoice in place until it is taken off.
    with pytest.raises(Refused, match=r"Remove the allocations under View Payments first, then reopen it."):
        invoices.reopen(manager, issued.id)
    allocations.remove(clerk, made.id)
    reopened = invoices.reopen(manager, issued.id)
    rows = [{"id": reopened.items[0].id, "quantity": "2"}]
    again = invoices.save(manager, issued.id, {"items": rows}, issue=True, version=reopened.version)
    assert (again.number, again.revision, again.total) == (issued.number, 2, D(120))
    allocations.allocate_automatically(clerk, invoice_id=again.id)
    assert (fresh(again).balance, fresh(payment).unallocated) == (0, D(60))
    assert discrepancies() == []


def test_the_end_of_the_month(acorn, clerk, manager, today):
    """Drafts for everybody, issued together; one was a slip; one payment covers several, oldest first."""
    other = customers.create(clerk, {"name": "Birch Example Ltd", "currency": "EUR"})
    drafts = [
        invoices.create(
            clerk,
            {"customer_id": acorn.id, "due_date": today + dt.timedelta(days=days), "items": [line()]},
        ).id
        for days in (30, 10, 20)
    ]
    drafts.append(invoices.create(clerk, {"customer_id": other.id, "items": [line("2", "10", "19")]}).id)
    empty = invoices.create(clerk, {"customer_id": other.id}).id
    result = invoices.issue_many(manager, [*drafts, empty])
    assert result.done == drafts
    assert [(row.id, row.reason) for row in result.refused] == [
        (empty, "The invoice has no lines. Add at least one, then issue it.")
    ]
    assert invoices.delete_many(clerk, [empty]).done == [empty]
    assert invoices.void_many(manager, [drafts[0]], "Billed twice").done == [drafts[0]]

    payment = payments.create(clerk, {"customer_id": acorn.id, "amount": "150"})
    assert owed(acorn) == D(200), "a pending payment is not in the balance"
    payments.set_status(clerk, payment.id, "completed")
    made = allocations.allocate_automatically(clerk, payment_id=payment.id)
    assert [(row.invoice_id, row.amount) for row in made] == [(drafts[1], D(100)), (drafts[2], D(50))]
    assert (owed(acorn), owed(other)) == (D(50), D("23.80"))

    # A charge for the reminder, and a cheque that bounces.
    payments.create(
        clerk, {"customer_id": acorn.id, "amount": "-5", "status": "completed", "description": "Reminder"}
    )
    assert owed(acorn) == D(55)
    payments.cancel(clerk, payment.id)
    assert owed(acorn) == D(205)
    assert [row.id for row in open_invoices(acorn.id)] == [drafts[1], drafts[2]]
    assert discrepancies() == []
