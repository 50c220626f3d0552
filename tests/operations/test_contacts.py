"""Contacts: whom a customer's mail and calls go to."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import AuditEntry, Contact
from dashboard.operations import contacts, customers
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, Stale


@pytest.fixture
def acorn(clerk):
    return customers.create(clerk, {"name": "Acorn Example Networks", "currency": "USD"})


@pytest.fixture
def payable(clerk, acorn):
    return contacts.create(
        clerk,
        {
            "customer_id": acorn.id,
            "name": " Accounts Payable ",
            "email": "Accounts@EXAMPLE.com",
            "type": "Billing",
        },
    )


def test_a_contact_is_kept_as_it_was_meant(payable):
    assert (payable.name, payable.email, payable.type) == (
        "Accounts Payable",
        "Accounts@example.com",
        "billing",
    )


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Fill this in"),
        ("name", "A\x1bB", "control character"),
        ("email", "accounts", "not an e-mail address"),
        ("email", "accounts@example", "not an e-mail address"),
        ("email", "a@example.com, b@example.com", "not an e-mail address"),
        ("email", "a@example.com\nBcc: b@example.com", "control character"),
        ("email", "x" * 250 + "@example.com", "not an e-mail address"),
        ("type", "pet", "is not a choice here"),
        ("customer_id", None, "Choose a customer"),
        ("customer_id", 404, "Choose a customer"),
        ("phone", "0" * 41, "at most 40"),
        ("public_notes", "x" * 10_001, "at most 10,000"),
    ],
)
def test_values_that_are_refused(clerk, acorn, field, value, words):
    with pytest.raises(Invalid) as raised:
        contacts.create(clerk, {"customer_id": acorn.id, "name": "Accounts", field: value})
    assert words in " ".join(raised.value.errors[field])
    assert db.session.scalar(select(func.count(Contact.id))) == 0


def test_a_partial_update(clerk, payable):
    changed = contacts.update(clerk, payable.id, {"phone": "020 7946 0000"}, version=payable.version)
    assert (changed.phone, changed.email) == ("020 7946 0000", "Accounts@example.com")
    with pytest.raises(Stale):
        contacts.update(clerk, payable.id, {"phone": ""}, version=1)


def test_a_contact_stays_with_its_customer(clerk, payable):
    oak = customers.create(clerk, {"name": "Oak Example", "currency": "USD"})
    with pytest.raises(Invalid, match="can't move to another customer"):
        contacts.update(clerk, payable.id, {"customer_id": oak.id})
    contacts.update(clerk, payable.id, {"customer_id": payable.customer_id, "mobile": "1"})


def test_delete(clerk, payable):
    contacts.delete(clerk, payable.id)
    with pytest.raises(Missing):
        contacts.delete(clerk, payable.id)


def test_bulk_delete(clerk, payable):
    result = contacts.delete_many(clerk, [404, payable.id])
    assert result.done == [payable.id]
    assert [one.label for one in result.refused] == ["Contact 404"]


def test_one_form_makes_one_contact(clerk, acorn):
    contacts.create(clerk, {"customer_id": acorn.id, "name": "Accounts"}, form_key="k")
    with pytest.raises(Duplicate):
        contacts.create(clerk, {"customer_id": acorn.id, "name": "Accounts"}, form_key="k")


def test_rights(as_role, payable):
    viewer = as_role("viewer")
    for act in (
        lambda: contacts.create(viewer, {"customer_id": payable.customer_id, "name": "Accounts"}),
        lambda: contacts.update(viewer, payable.id, {"phone": "1"}),
        lambda: contacts.delete(viewer, payable.id),
        lambda: contacts.delete_many(viewer, [payable.id]),
    ):
        with pytest.raises(Forbidden):
            act()


def test_changes_stand_in_the_customers_timeline(clerk, payable):
    contacts.update(clerk, payable.id, {"phone": "1"})
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.table_name, entry.subject_table) == ("contact", "customer")
    assert entry.subject_id == str(payable.customer_id)
