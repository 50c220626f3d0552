"""The list of payments: `Global > Payments`, and a customer's own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from dashboard.models import Customer, Payment
from dashboard.models.payment import PAYMENT_METHODS, PAYMENT_STATUSES
from dashboard.queries.listing import Column, Listing, Tab, key_filter


def _unallocated() -> ColumnElement[bool]:
    return Payment.unallocated > 0


TABS = (
    Tab("pending", "Pending", lambda: Payment.status == "pending"),
    Tab("completed", "Completed", lambda: Payment.status == "completed"),
    Tab("unallocated", "Unallocated", _unallocated),
    Tab("cancelled", "Cancelled", lambda: Payment.status == "cancelled"),
    Tab("all", "All", lambda: None),
)


def search(words: str) -> Sequence[Select[Any]]:
    """By exact amount, by reference, by the customer's name, by the words of the description."""
    branches = [
        select(Payment.id).where(func.lower(Payment.reference).startswith(words.lower(), autoescape=True)),
        select(Payment.id).where(
            Payment.customer_id.in_(
                select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
            )
        ),
        select(Payment.id).where(Payment.description.icontains(words, autoescape=True)),
    ]
    try:
        amount = Decimal(words.replace(",", ""))
    except InvalidOperation:
        return branches
    if amount.is_finite() and abs(amount) < 10**15:
        branches.append(select(Payment.id).where(Payment.amount == amount))
    return branches


LISTING = Listing(
    model=Payment,
    columns=(
        Column("id", "Payment", Payment.id, kind="number", sortable=True),
        Column("paid_on", "Date", Payment.paid_on, kind="date", sortable=True, filterable=True),
        Column("customer_name", "Name", Customer.name),
        key_filter("customer", "Customer", Payment.customer_id),
        Column("description", "Description", Payment.description, filterable=True),
        Column(
            "status",
            "Status",
            Payment.status,
            kind="choice",
            choices=PAYMENT_STATUSES,
            badge=True,
            filterable=True,
            editable="status",
        ),
        Column("amount", "Total", Payment.amount, kind="money", sortable=True, filterable=True),
        Column("allocated", "Allocated", Payment.allocated, kind="money", filterable=True),
        Column("unallocated", "Unallocated", Payment.unallocated, kind="money", filterable=True),
        Column("refunded", "Refunded", Payment.refunded, kind="money", filterable=True, hidden=True),
        Column("fee", "Payment Fee", Payment.fee, kind="money", hidden=True),
        Column("method", "Method", Payment.method, kind="choice", choices=PAYMENT_METHODS, filterable=True),
        Column("reference", "Reference", Payment.reference, filterable=True, editable="reference"),
        Column("currency", "Currency", Payment.currency, filterable=True, hidden=True),
        Column("created_at", "Created", Payment.created_at, kind="moment", filterable=True, hidden=True),
    ),
    default_sort="-id",
    joined=lambda statement: statement.join(Customer, Customer.id == Payment.customer_id),
    search=search,
    search_hint="Reference, amount, customer or description",
    tabs=TABS,
    totals=("amount", "allocated", "unallocated"),
)
