"""Issue, reopen, void: what each freezes, keeps and refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.extensions import db
from dashboard.models import AuditEntry, Invoice
from dashboard.operations import allocations, customers, invoices, packages
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid, Missing, Refused, Stale
from dashboard.queries import settings
from dashboard.queries.invoices import why_fixed
from tests.support.books import (
    DAY,
    faults,
    fresh,
    line,
    make_customer,
    make_draft,
    make_issued,
    make_package,
    make_payment,
)

D = Decimal


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", city="Exampleton", vat_number="GB123")


def test_issuing_numbers_and_freezes(acorn):
    setting = settings.current()
    setting.company_name, setting.payment_details = "Example Telecom Ltd", "IBAN EX00"
    db.session.commit()
    package = make_package("Example Line")
    draft = make_draft(acorn, line(package_id=package.id))
    issued = invoices.issue(SYSTEM, draft.id, version=draft.version)
    assert (issued.state, issued.number, issued.revision) == ("issued", "INV-2026-000001", 1)
    assert issued.issued_at is not None

    customers.update(SYSTEM, acorn.id, {"name": "Renamed", "city": "Elsewhere"})
    packages.update(SYSTEM, package.id, {"name": "Renamed Line"})
    setting.company_name, setting.payment_details = "Sold Ltd", "Other bank"
    db.session.commit()
    found = fresh(issued)
    assert found.customer_name == "Acorn Example Networks"
    assert found.snapshot["buyer"]["name"] == "Acorn Example Networks"
    assert found.snapshot["buyer"]["address_lines"] == ["Exampleton"]
    assert found.snapshot["seller"]["name"] == "Example Telecom Ltd"
    assert found.snapshot["payment_details"] == "IBAN EX00"
    assert found.items[0].description == "Example Line"


def test_what_cannot_be_issued(acorn):
    with pytest.raises(Refused, match=r"The invoice has no lines. Add at least one, then issue it."):
        invoices.issue(SYSTEM, invoices.create(SYSTEM, {"customer_id": acorn.id}).id)
    with pytest.raises(Refused, match=r"comes to -\$100.00 USD, and it can't be below zero"):
        invoices.issue(SYSTEM, make_draft(acorn, line(unit_price="-100")).id)
    with pytest.raises(Refused, match=r"is issued, so it can't be issued again"):
        invoices.issue(SYSTEM, make_issued(acorn).id)
    with pytest.raises(Missing):
        invoices.issue(SYSTEM, 999)
    draft = make_draft(acorn)
    with pytest.raises(Stale):
        invoices.issue(SYSTEM, draft.id, version=draft.version - 1)
    waiting = make_customer("New Example", status="pending_approval")
    with pytest.raises(Refused, match=r"New Example is waiting for approval. Set the customer's status"):
        invoices.issue(SYSTEM, make_draft(waiting).id)


def test_a_total_of_zero_and_an_inactive_customer_can_be_issued(acorn):
    customers.update(SYSTEM, acorn.id, {"status": "inactive"})
    assert invoices.issue(SYSTEM, make_draft(acorn, line(unit_price="0")).id).total == 0


def test_a_reopened_invoice_keeps_its_number(acorn):
    issued = make_issued(acorn)
    number = issued.number
    reopened = invoices.reopen(SYSTEM, issued.id, version=issued.version)
    assert (reopened.state, reopened.number, reopened.snapshot) == ("draft", number, None)
    change = {"items": [line(unit_price="250")], "issue_date": "2027-01-05", "due_date": "2027-02-05"}
    invoices.update(SYSTEM, issued.id, change)
    with pytest.raises(Invalid) as raised:
        invoices.update(SYSTEM, issued.id, {"customer_id": make_customer("Other Example").id})
    assert faults(raised.value)["customer_id"].startswith(
        f"{number} was issued to Acorn Example Networks, so its customer stays."
    )
    again = invoices.issue(SYSTEM, issued.id)
    assert (again.number, again.revision, again.total) == (number, 2, D(250))
    assert make_issued(acorn).number == "INV-2026-000002", "no number was used up by the revision"
    trail = db.session.query(AuditEntry).filter_by(table_name="invoice", row_id=str(issued.id)).all()
    assert [row.changes["state"][1] for row in trail if "state" in row.changes] == [
        "draft",
        "issued",
        "draft",
        "issued",
    ]


def test_only_an_issued_invoice_reopens(acorn):
    with pytest.raises(Refused, match=r"is a draft. Only an issued invoice can be reopened."):
        invoices.reopen(SYSTEM, make_draft(acorn).id)
    void = invoices.void(SYSTEM, make_issued(acorn).id, "Wrong customer")
    with pytest.raises(Refused, match=r"is void. Only"):
        invoices.reopen(SYSTEM, void.id)


def test_voiding(acorn):
    issued = make_issued(acorn)
    void = invoices.void(SYSTEM, issued.id, " Sent twice ", version=issued.version)
    assert (void.state, void.void_reason, void.number) == ("void", "Sent twice", "INV-2026-000001")
    assert fresh(void).balance == 0
    with pytest.raises(Refused, match=r"is void already"):
        invoices.void(SYSTEM, void.id, "again")
    with pytest.raises(Refused, match=r"was never issued. Delete it instead"):
        invoices.void(SYSTEM, make_draft(acorn).id, "x")
    with pytest.raises(Invalid) as raised:
        invoices.void(SYSTEM, make_issued(acorn).id, "  ")
    assert list(raised.value.errors) == ["reason"]


def test_a_reopened_draft_can_be_voided_and_is_then_frozen(acorn):
    issued = make_issued(acorn)
    invoices.reopen(SYSTEM, issued.id)
    void = invoices.void(SYSTEM, issued.id, "Not wanted")
    assert void.snapshot["buyer"]["name"] == "Acorn Example Networks"


def test_allocated_money_holds_an_invoice_in_place(acorn):
    issued, payment = make_issued(acorn), make_payment(acorn, "40")
    made = allocations.allocate(SYSTEM, payment.id, issued.id, D(40))
    for wanted, act in (
        ("reopen it", lambda: invoices.reopen(SYSTEM, issued.id)),
        ("void it", lambda: invoices.void(SYSTEM, issued.id, "x")),
    ):
        with pytest.raises(Refused) as raised:
            act()
        assert str(raised.value) == (
            f"{issued.number} has $40.00 USD of payments allocated to it. "
            f"Remove the allocations under View Payments first, then {wanted}."
        )
    with pytest.raises(Refused, match=r"has \$40.00 USD of payments allocated to it, so its customer, date"):
        invoices.update(SYSTEM, issued.id, {"items": []})
    allocations.remove(SYSTEM, made.id)
    assert invoices.reopen(SYSTEM, issued.id).state == "draft"


def test_an_issued_invoice_takes_due_date_reference_and_notes(acorn):
    issued = make_issued(acorn)
    whole = {
        "customer_id": acorn.id,
        "issue_date": DAY,
        "due_date": DAY + dt.timedelta(days=60),
        "reference": "PO 9",
        "notes": "Thank you",
        "items": [{"id": issued.items[0].id, "quantity": D(1), "unit_price": "100.00"}],
    }
    invoices.update(SYSTEM, issued.id, whole, version=issued.version)
    found = fresh(issued)
    assert (found.due_date, found.reference, found.notes) == (whole["due_date"], "PO 9", "Thank you")
    for change in (
        {"customer_id": make_customer("Other Example").id},
        {"issue_date": DAY - dt.timedelta(days=1)},
        {"items": [{"id": issued.items[0].id, "quantity": D(2)}]},
        {"items": []},
        {"items": [line()]},
    ):
        with pytest.raises(
            Refused, match=r"is issued, so only its due date, reference and notes can be changed"
        ):
            invoices.update(SYSTEM, issued.id, {**whole, **change})
    with pytest.raises(Invalid):
        invoices.update(SYSTEM, issued.id, {"due_date": DAY - dt.timedelta(days=1)})


def test_nothing_changes_on_a_void_invoice(acorn):
    void = invoices.void(SYSTEM, make_issued(acorn).id, "Sent twice")
    for change in ({"reference": "PO"}, {"due_date": "2027-01-01"}, {"items": []}):
        with pytest.raises(Refused, match=r"is void, so nothing on it can be changed. Duplicate it"):
            invoices.update(SYSTEM, void.id, change)


def test_why_an_invoice_is_fixed(acorn):
    assert why_fixed(make_draft(acorn)) == ""
    assert "Reopen it to change the rest" in why_fixed(make_issued(acorn))


def test_bulk_actions_number_in_the_order_given_and_name_what_they_refuse(acorn):
    good = [make_draft(acorn) for _ in range(3)]
    empty = invoices.create(SYSTEM, {"customer_id": acorn.id})
    order = [good[2].id, empty.id, good[0].id, 999, good[1].id]
    result = invoices.issue_many(SYSTEM, order)
    assert result.done == [good[2].id, good[0].id, good[1].id]
    assert [fresh(invoice).number[-1] for invoice in good] == ["2", "3", "1"]
    assert [(row.id, row.label) for row in result.refused] == [
        (empty.id, f"Draft {empty.id}"),
        (999, "Draft 999"),
    ]
    assert result.refused[1].reason == "This invoice does not exist, or no longer does."

    with pytest.raises(Invalid):
        invoices.void_many(SYSTEM, [good[0].id], "")
    allocations.allocate(SYSTEM, make_payment(acorn).id, good[0].id, D(10))
    voided = invoices.void_many(SYSTEM, [good[0].id, good[1].id], "Wrong month")
    assert voided.done == [good[1].id]
    assert "allocated to it" in voided.refused[0].reason
    assert db.session.query(Invoice).filter_by(state="void").one().void_reason == "Wrong month"
