"""The list of contacts: `Global > Contacts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from dashboard.models import Contact, Customer
from dashboard.models.customer import CONTACT_TYPES
from dashboard.queries.listing import Column, Listing, key_filter


def search(words: str) -> Sequence[Select[Any]]:
    """By name, by the beginning of the e-mail address, by the customer's name."""
    named = select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
    return [
        select(Contact.id).where(Contact.name.icontains(words, autoescape=True)),
        select(Contact.id).where(func.lower(Contact.email).startswith(words.lower(), autoescape=True)),
        select(Contact.id).where(Contact.customer_id.in_(named)),
    ]


LISTING = Listing(
    model=Contact,
    columns=(
        Column("name", "Name", Contact.name, sortable=True, filterable=True),
        Column("customer_name", "Customer", Customer.name),
        key_filter("customer", "Customer", Contact.customer_id),
        Column(
            "type",
            "Type",
            Contact.type,
            kind="choice",
            choices=CONTACT_TYPES,
            filterable=True,
            editable="type",
        ),
        Column("email", "E-mail", Contact.email, filterable=True, editable="email"),
        Column("phone", "Phone", Contact.phone, editable="phone"),
        Column("mobile", "Mobile", Contact.mobile, editable="mobile"),
        Column("public_notes", "Public Notes", Contact.public_notes, hidden=True),
        Column("private_notes", "Private Notes", Contact.private_notes, hidden=True),
        Column("created_at", "Created", Contact.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", Contact.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="name",
    joined=lambda statement: statement.join(Customer, Customer.id == Contact.customer_id),
    search=search,
    search_hint="Name, e-mail or customer",
)
