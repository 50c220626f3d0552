"""Customers: what is taken, what is refused, and in which words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import AuditEntry, Contact, Customer, Invoice, Package, Payment, Staff
from dashboard.operations import assignments, contacts, customers, packages
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import (
    Duplicate,
    Forbidden,
    Invalid,
    Missing,
    OperationError,
    Refused,
    Stale,
)
from dashboard.queries import settings
from tests.support.books import at_once, fresh, make_draft

TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def acorn(clerk):
    return customers.create(clerk, {"name": "Acorn Example Networks", "currency": "USD"})


def draft(customer: Customer, **values) -> Invoice:
    invoice = Invoice(
        customer_id=customer.id,
        customer_name=customer.name,
        currency=customer.currency,
        issue_date=TODAY,
        due_date=TODAY,
        **values,
    )
    db.session.add(invoice)
    db.session.commit()
    return invoice


def said(raised: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {field: " ".join(messages) for field, messages in raised.value.errors.items()}


def test_a_customer_with_every_field(clerk):
    manager = Staff(email="m@example.com", name="Manager", role="manager", fs_uniquifier="m")
    db.session.add(manager)
    db.session.commit()
    made = customers.create(
        clerk,
        {
            "name": "  Acorn Example Networks ",
            "status": "Pending Approval",
            "currency": "eur",
            "debit_limit": Decimal("250.50"),
            "tax_percent": "19",
            "tax_name": "USt",
            "website": "www.example.com/about",
            "tags": ["VIP", "wholesale", "vip ", ""],
            "account_manager_id": manager.id,
            "invoice_schedule": "monthly",
            "invoice_due_days": "14",
            "time_zone": "Europe/Berlin",
            "country": "germany",
            "create_invoice_on_payment": "yes",
            "notes": "First line\r\nsecond\tline",
        },
    )
    db.session.refresh(made)
    assert made.name == "Acorn Example Networks"
    assert (made.status, made.currency, made.country) == ("pending_approval", "EUR", "DE")
    assert (made.debit_limit, made.tax_percent) == (Decimal("250.50"), Decimal(19))
    assert made.website == "https://www.example.com/about"
    assert made.tags == ["vip", "wholesale"]
    assert made.invoice_due_days == 14
    assert made.create_invoice_on_payment is True
    assert made.notes == "First line\nsecond\tline"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "Fill this in."),
        ("name", "x" * 201, "at most 200 characters; this has 201"),
        ("name", "Acorn\x00", "control character"),
        ("name", "Acorn\nNetworks", "control character"),
        ("name", "Acorn\ud800", "control character"),
        ("currency", "XXQ", "is not a currency"),
        ("currency", None, "Choose a currency."),
        ("status", "gone", "is not a choice here. Use one of: Active"),
        ("debit_limit", Decimal(-1), "can't be less than 0"),
        ("debit_limit", "1.005", "more decimals than USD has"),
        ("debit_limit", Decimal("NaN"), "is not a number"),
        ("debit_limit", True, "Enter a number"),
        ("debit_limit", "1" * 40, "too big"),
        ("tax_percent", "100.5", "can't be more than 100"),
        ("tax_percent", "-1", "can't be less than 0"),
        ("invoice_due_days", 366, "can't be more than 365"),
        ("invoice_due_days", "1.5", "whole number"),
        ("website", "javascript:alert(1)", "not a website"),
        ("website", "ftp://example.com", "not a website"),
        ("website", "https://user:pw@example.com", "not a website"),
        ("website", "https://", "not a website"),
        ("website", 'https://example.com/"><script>', "not a website"),
        ("website", "http://[", "not a website"),
        ("tags", ["x" * 41], "too long for a tag"),
        ("tags", [str(n) for n in range(31)], "at most 30 tags"),
        ("country", "Atlantis", "is not a country"),
        ("time_zone", "Mars/Base", "is not a time zone"),
        ("account_manager_id", 999, "still works here"),
        ("account_manager_id", "1 or 1=1", "from the list"),
        ("create_invoice_on_payment", "maybe", "neither yes nor no"),
        ("notes", "a\x07b", "control character"),
        ("version", 3, "can't be changed here"),
    ],
)
def test_values_that_are_refused(clerk, field, value, words):
    with pytest.raises(Invalid) as raised:
        customers.create(clerk, {"name": "Acorn Example", "currency": "USD", field: value})
    assert words in said(raised)[field]
    assert list(said(raised)) == [field]
    assert db.session.scalar(select(func.count(Customer.id))) == 0


def test_every_fault_is_said_at_once(clerk):
    with pytest.raises(Invalid) as raised:
        customers.create(clerk, {"tax_percent": "abc", "country": "??"})
    assert set(said(raised)) == {"name", "currency", "tax_percent", "country"}


def test_a_partial_update_leaves_the_rest(clerk, acorn):
    customers.update(clerk, acorn.id, {"status": "inactive"})
    changed = customers.update(clerk, acorn.id, {"invoice_due_days": None})
    assert (changed.name, changed.status, changed.invoice_due_days) == (acorn.name, "inactive", None)


def test_a_stale_form_is_refused(clerk, acorn):
    version = acorn.version
    customers.update(clerk, acorn.id, {"status": "penalty"}, version=version)
    with pytest.raises(Stale):
        customers.update(clerk, acorn.id, {"status": "active"}, version=version)
    assert db.session.get_one(Customer, acorn.id).status == "penalty"


def test_one_form_makes_one_customer(clerk):
    first = customers.create(clerk, {"name": "Acorn Example", "currency": "USD"}, form_key="f" * 32)
    with pytest.raises(Duplicate) as raised:
        customers.create(clerk, {"name": "Acorn Example", "currency": "USD"}, form_key="f" * 32)
    assert raised.value.result == f"customer:{first.id}"
    assert db.session.scalar(select(func.count(Customer.id))) == 1


def test_a_form_that_failed_may_be_sent_again(clerk):
    with pytest.raises(Invalid):
        customers.create(clerk, {"name": "", "currency": "USD"}, form_key="k")
    assert customers.create(clerk, {"name": "Acorn", "currency": "USD"}, form_key="k").id


def test_currency_is_fixed_once_the_books_mention_it(clerk, acorn):
    customers.update(clerk, acorn.id, {"currency": "EUR"})
    draft(acorn)
    db.session.add(Payment(customer_id=acorn.id, currency="EUR", paid_on=TODAY, amount=Decimal(5)))
    db.session.commit()
    with pytest.raises(Invalid) as raised:
        customers.update(clerk, acorn.id, {"currency": "USD"})
    assert "has 1 invoice and 1 payment in EUR, so its currency is fixed" in said(raised)["currency"]
    # The whole form sends the currency as it is.
    assert customers.update(clerk, acorn.id, {"currency": "EUR", "city": "Ghent"}).city == "Ghent"


def test_currency_waits_for_packages_of_another_currency(clerk, acorn):
    package = packages.create(clerk, {"name": "Line rental", "currency": "USD"})
    assignments.create(
        clerk, {"customer_id": acorn.id, "package_id": package.id, "quantity": 1, "start_date": TODAY}
    )
    with pytest.raises(Invalid) as raised:
        customers.update(clerk, acorn.id, {"currency": "JPY"})
    assert "has 1 package in USD" in said(raised)["currency"]


def test_a_debit_limit_keeps_to_the_currency(clerk, acorn):
    customers.update(clerk, acorn.id, {"debit_limit": "10.50"})
    with pytest.raises(Invalid) as raised:
        customers.update(clerk, acorn.id, {"currency": "JPY"})
    assert said(raised) == {"debit_limit": "10.5 has more decimals than JPY has."}


def test_a_new_name_goes_on_drafts_only(clerk, acorn):
    waiting = draft(acorn)
    gone = draft(acorn, state="issued", number="INV-1")
    customers.update(clerk, acorn.id, {"name": "Oak Example Networks"})
    db.session.expire_all()
    assert (waiting.customer_name, gone.customer_name) == ("Oak Example Networks", "Acorn Example Networks")


def test_an_accounting_id_belongs_to_one_customer(clerk, acorn):
    customers.update(clerk, acorn.id, {"external_accounting_id": "A-1"})
    customers.update(clerk, acorn.id, {"external_accounting_id": "A-1", "city": "Ghent"})
    with pytest.raises(Invalid) as raised:
        customers.create(clerk, {"name": "Oak", "currency": "USD", "external_accounting_id": "A-1"})
    assert said(raised) == {"external_accounting_id": "Acorn Example Networks already has this ID."}


def test_somebody_who_left_manages_no_account(clerk, acorn):
    gone = Staff(email="g@example.com", name="Gone", role="clerk", fs_uniquifier="g", active=True)
    db.session.add(gone)
    db.session.commit()
    customers.update(clerk, acorn.id, {"account_manager_id": gone.id})
    gone.active = False
    db.session.commit()
    # It may stay, and it may go, but it can't be chosen anew.
    customers.update(clerk, acorn.id, {"account_manager_id": gone.id, "city": "Ghent"})
    customers.update(clerk, acorn.id, {"account_manager_id": None})
    with pytest.raises(Invalid):
        customers.update(clerk, acorn.id, {"account_manager_id": gone.id})


def test_delete_takes_contacts_and_packages_along(clerk, manager, acorn):
    contacts.create(clerk, {"customer_id": acorn.id, "name": "Accounts Payable"})
    package = packages.create(clerk, {"name": "Line rental", "currency": "USD"})
    assignments.create(
        clerk, {"customer_id": acorn.id, "package_id": package.id, "quantity": 1, "start_date": TODAY}
    )
    customers.delete(manager, acorn.id)
    assert db.session.scalar(select(func.count(Customer.id))) == 0
    assert db.session.scalar(select(func.count(Contact.id))) == 0
    assert db.session.scalar(select(func.count(Package.id))) == 1
    gone = db.session.scalars(select(AuditEntry.table_name).where(AuditEntry.action == "delete")).all()
    assert set(gone) == {"customer", "contact", "customer_package"}


def test_delete_is_refused_with_the_reason(manager, acorn):
    draft(acorn)
    draft(acorn)
    with pytest.raises(Refused, match="Acorn Example Networks has 2 invoices, so it can't be deleted"):
        customers.delete(manager, acorn.id)


def test_rights(as_role, acorn):
    with pytest.raises(Forbidden):
        customers.create(as_role("viewer"), {"name": "Oak", "currency": "USD"})
    with pytest.raises(Forbidden):
        customers.update(as_role("viewer"), acorn.id, {"status": "inactive"})
    with pytest.raises(Forbidden):
        customers.delete(as_role("clerk"), acorn.id)
    with pytest.raises(Forbidden):
        customers.delete_many(as_role("clerk"), [acorn.id])
    with pytest.raises(Forbidden):
        customers.update_many(as_role("viewer"), [acorn.id], {"status": "inactive"})


def test_what_is_not_there(manager):
    with pytest.raises(Missing):
        customers.update(manager, 404, {"status": "active"})
    with pytest.raises(Missing):
        customers.delete(manager, 404)


def test_bulk_delete_does_what_it_can_and_says_what_it_left(clerk, manager, acorn):
    oak = customers.create(clerk, {"name": "Oak Example", "currency": "USD"})
    draft(acorn)
    result = customers.delete_many(manager, [acorn.id, oak.id, oak.id, 404])
    assert result.done == [oak.id]
    assert [(one.id, one.label) for one in result.refused] == [
        (acorn.id, "Acorn Example Networks"),
        (404, "Customer 404"),
    ]
    assert "has 1 invoice" in result.refused[0].reason


def test_bulk_edit(clerk, acorn):
    oak = customers.create(clerk, {"name": "Oak Example", "currency": "USD"})
    draft(acorn)
    result = customers.update_many(clerk, [acorn.id, oak.id], {"currency": "EUR", "tags": "gold"})
    assert (result.done, [one.id for one in result.refused]) == ([oak.id], [acorn.id])
    db.session.expire_all()
    assert (oak.currency, oak.tags, acorn.tags) == ("EUR", ["gold"], [])
    with pytest.raises(Invalid):
        customers.update_many(clerk, [acorn.id, oak.id], {"tax_percent": "101"})


def test_each_change_is_recorded_with_its_reason(clerk, acorn):
    customers.update(clerk.saying("asked by phone"), acorn.id, {"status": "inactive"})
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.table_name, entry.action, entry.comment) == ("customer", "update", "asked by phone")
    assert entry.changes["status"] == ["active", "inactive"]


# At once


def test_a_currency_and_a_first_invoice_at_once(app, clerk):
    for attempt in range(5):
        made = customers.create(clerk, {"name": f"Example {attempt}", "currency": "USD"})
        at_once(
            app,
            [
                lambda key=made.id: customers.update(clerk, key, {"currency": "EUR"}),
                lambda one=made: make_draft(one),
            ],
        )
        invoice = db.session.scalars(select(Invoice).where(Invoice.customer_id == made.id)).one()
        assert invoice.currency == fresh(made).currency


def test_a_delete_and_a_first_invoice_at_once(app, manager):
    for attempt in range(5):
        made = customers.create(manager, {"name": f"Example {attempt}", "currency": "USD"})
        results = at_once(
            app, [lambda key=made.id: customers.delete(manager, key), lambda one=made: make_draft(one)]
        )
        refused = [one for one in results if isinstance(one, OperationError)]
        assert len(refused) == 1
        left = db.session.scalar(select(func.count()).where(Invoice.customer_id == made.id))
        assert left == (0 if results[1] in refused else 1)


def test_a_customer_comes_with_its_contacts(app: Flask) -> None:
    rows = [
        {"name": "Accounts Payable", "email": "accounts@example.com", "type": "billing"},
        {"name": "Technical Desk", "phone": "020 7946 0000", "type": "technical"},
    ]
    made = customers.create(SYSTEM, {"name": "Acorn Example", "currency": "USD", "contacts": rows})
    assert [contact.name for contact in made.contacts] == ["Accounts Payable", "Technical Desk"]


def test_a_wrong_contact_keeps_the_customer_out_too(app: Flask) -> None:
    rows = [{"name": "Accounts Payable"}, {"name": "", "email": "not an address"}]
    with pytest.raises(Invalid) as refused:
        customers.create(SYSTEM, {"name": "Acorn Example", "currency": "USD", "contacts": rows})
    assert any(name.startswith("contacts-1-") for name in refused.value.errors)
    assert db.session.query(Customer).count() == 0


def test_a_schedule_set_later_begins_now_where_there_are_invoices_already(clerk):
    billed = customers.create(clerk, {"name": "Billed by hand", "currency": "USD"})
    fresh_one = customers.create(clerk, {"name": "Never billed", "currency": "USD"})
    make_draft(billed)
    customers.update(clerk, billed.id, {"invoice_schedule": "monthly"})
    customers.update(clerk, fresh_one.id, {"invoice_schedule": "monthly"})
    assert fresh(billed).invoice_from == settings.today().replace(day=1)
    assert fresh(fresh_one).invoice_from is None
    customers.update(clerk, billed.id, {"invoice_from": dt.date(2026, 1, 1)})
    customers.update(clerk, billed.id, {"invoice_schedule": "none"})
    customers.update(clerk, billed.id, {"invoice_schedule": "weekly"})
    assert fresh(billed).invoice_from == dt.date(2026, 1, 1), "a day that staff chose stays"
