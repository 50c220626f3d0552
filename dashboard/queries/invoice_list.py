"""The list of invoices: `Global > Invoices`, and a customer's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select
from sqlalchemy.types import String

from dashboard.models import Customer, Invoice
from dashboard.models.mail import MAIL_STATES
from dashboard.queries import settings
from dashboard.queries.invoice_mail import state_of_invoice
from dashboard.queries.listing import Column, Listing, Tab, key_filter

STATUSES = {
    "draft": "Draft",
    "open": "Open",
    "overdue": "Overdue",
    "part_paid": "Part paid",
    "paid": "Paid",
    "void": "Void",
}

_issued = Invoice.state == "issued"
_owed = and_(_issued, Invoice.balance > 0)
# The account's own date, so that an index on the due date serves the comparison.
_TODAY: ColumnElement[dt.date] = literal_column(
    "(now() AT TIME ZONE (SELECT time_zone FROM setting WHERE id = 1))::date"
)


def status() -> ColumnElement[str]:
    """The one word of an invoice's state, as `rules.receivables.invoice_state` decides it."""
    return case(
        (Invoice.state != "issued", Invoice.state),
        (Invoice.balance <= 0, "paid"),
        (Invoice.due_date < _TODAY, "overdue"),
        (Invoice.paid > 0, "part_paid"),
        else_="open",
    ).cast(String)


def _overdue() -> ColumnElement[bool]:
    return and_(_owed, Invoice.due_date < settings.today())


def _part_paid() -> ColumnElement[bool]:
    return and_(_owed, Invoice.paid > 0)


TABS = (
    Tab("draft", "Draft", lambda: Invoice.state == "draft"),
    Tab("open", "Open", lambda: _owed),
    Tab("overdue", "Overdue", _overdue),
    Tab("part_paid", "Part paid", _part_paid),
    Tab("paid", "Paid", lambda: and_(_issued, Invoice.balance <= 0)),
    Tab("void", "Void", lambda: Invoice.state == "void"),
    Tab("all", "All", lambda: None),
)


def search(words: str) -> Sequence[Select[Any]]:
    """By number (a prefix, or its digits), by reference, by the customer's name."""
    branches = [
        select(Invoice.id).where(Invoice.number.startswith(words.upper(), autoescape=True)),
        select(Invoice.id).where(func.lower(Invoice.reference).startswith(words.lower(), autoescape=True)),
        select(Invoice.id).where(
            Invoice.customer_id.in_(
                select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
            )
        ),
    ]
    if words.isascii() and words.isdigit():
        # Turned round, the last digits are a prefix, which an index serves.
        branches.append(select(Invoice.id).where(func.reverse(Invoice.number).startswith(words[::-1])))
    return branches


ORIGINS = {
    "manual": "By hand",
    "generated": "From usage and packages",
    "package": "By a package run",
    "payment": "By a payment",
    "import": "From a file",
    "adjustment": "As an adjustment",
}

LISTING = Listing(
    model=Invoice,
    columns=(
        Column(
            "number",
            "Invoice ID",
            Invoice.number,
            blank="Draft",
            sortable=True,
            filterable=True,
            nullable=True,
        ),
        Column("customer_name", "Name", Invoice.customer_name, sortable=True),
        key_filter("customer", "Customer", Invoice.customer_id),
        Column("issue_date", "Invoice Date", Invoice.issue_date, kind="date", sortable=True, filterable=True),
        Column(
            "due_date",
            "Due Date",
            Invoice.due_date,
            kind="date",
            sortable=True,
            filterable=True,
            editable="due_date",
        ),
        Column("status", "Status", status(), kind="choice", choices=STATUSES, badge=True, filterable=True),
        Column("total", "Total", Invoice.total, kind="money", sortable=True, filterable=True),
        Column("paid", "Paid", Invoice.paid, kind="money", sortable=True, filterable=True),
        Column("balance", "Balance", Invoice.balance, kind="money", sortable=True, filterable=True),
        Column("reference", "Reference", Invoice.reference, filterable=True, editable="reference"),
        Column("currency", "Currency", Invoice.currency, filterable=True, hidden=True),
        Column("subtotal", "Sub Total", Invoice.subtotal, kind="money", hidden=True),
        Column("tax", "Tax", Invoice.tax, kind="money", hidden=True),
        Column(
            "origin",
            "Made",
            Invoice.origin,
            kind="choice",
            choices=ORIGINS,
            filterable=True,
            hidden=True,
        ),
        Column(
            "mail_state",
            "E-mail",
            state_of_invoice(),
            kind="choice",
            choices=MAIL_STATES,
            badge=True,
            nullable=True,
            hidden=True,
            exported=False,
        ),
        Column("created_at", "Created", Invoice.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", Invoice.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="-id",
    search=search,
    search_hint="Number, reference or customer",
    tabs=TABS,
    totals=("total", "paid", "balance"),
    extra=(Column("state", "State", Invoice.state),),
)
