"""Contacts: whom a customer's mail and calls go to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from dashboard.models import Contact, Customer
from dashboard.models.customer import CONTACT_TYPES
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid

CHECKS: dict[str, checks.Check] = {
    "customer_id": checks.key,
    "name": checks.text(120, required=True),
    "email": checks.email,
    "phone": checks.text(40),
    "mobile": checks.text(40),
    "type": checks.choice(CONTACT_TYPES),
    "public_notes": checks.long_text(),
    "private_notes": checks.long_text(),
}


@operation("contact.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Contact:
    file = once(actor, form_key)
    taken = checks.read(values, CHECKS, required=("customer_id", "name"))
    _check_customer(taken["customer_id"])
    contact = Contact(**taken)
    session().add(contact)
    session().flush()
    file(f"contact:{contact.id}")
    return contact


@operation("contact.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Contact:
    """Change the fields given. A contact stays with its customer."""
    contact = fetch(Contact, key, lock=True)
    check_version(contact, version)
    taken = checks.read(values, CHECKS)
    if taken.get("customer_id", contact.customer_id) != contact.customer_id:
        raise Invalid({"customer_id": "A contact can't move to another customer. Add it there instead."})
    for name, value in taken.items():
        setattr(contact, name, value)
    session().flush()
    return contact


@operation("contact.write")
def delete(actor: Actor, key: int) -> None:
    session().delete(fetch(Contact, key, lock=True))


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "contact.write")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    return session().scalar(select(Contact.name).where(Contact.id == key)) or f"Contact {key}"


def _check_customer(key: int | None) -> None:
    if key is None or session().get(Customer, key) is None:
        raise Invalid({"customer_id": "Choose a customer."})
