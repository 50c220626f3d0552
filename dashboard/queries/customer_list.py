"""The list of customers: `Management > Customers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, Numeric, Select, case, cast, func, select

from dashboard.models import Contact, Customer, Invoice, Payment, Schedule, Setting, Staff
from dashboard.models.customer import CUSTOMER_STATUSES, INVOICE_SCHEDULES
from dashboard.queries.invoice_templates import TEMPLATE_NAMES
from dashboard.queries.listing import Column, Listing, Tab
from dashboard.rules.places import countries


def _balance() -> ColumnElement[Decimal]:
    """What the customer owes: open invoices and charges, less what its payments have left.

    Asked for each row that is shown; a customer's books are in its one currency.
    """
    owed = (
        select(func.coalesce(func.sum(Invoice.balance), 0))
        .where(Invoice.customer_id == Customer.id, Invoice.state == "issued", Invoice.balance > 0)
        .correlate(Customer)
        .scalar_subquery()
    )
    charge = case((Payment.amount < 0, Payment.amount), else_=0)
    settled = (
        select(func.coalesce(func.sum(Payment.unallocated + charge), 0))
        .where(Payment.customer_id == Customer.id, Payment.status == "completed")
        .correlate(Customer)
        .scalar_subquery()
    )
    return (owed - settled).cast(Numeric(20, 4))


def _next_invoice() -> ColumnElement[dt.date]:
    """The account's day on which the customer's Invoice Schedule comes due."""
    zone = select(Setting.time_zone).where(Setting.id == 1).scalar_subquery()
    return (
        select(cast(func.timezone(zone, Schedule.next_slot), Date))
        .where(Schedule.customer_id == Customer.id, Schedule.paused.is_(False))
        .correlate(Customer)
        .scalar_subquery()
    )


def _of_status(status: str) -> Callable[[], ColumnElement[bool]]:
    return lambda: Customer.status == status


TABS = (
    *(Tab(status, label, _of_status(status)) for status, label in CUSTOMER_STATUSES.items()),
    Tab("all", "All", lambda: None),
)


def search(words: str) -> Sequence[Select[Any]]:
    """By name, by accounting ID or VAT number, by the e-mail address of a contact."""
    lowered = words.lower()
    return [
        select(Customer.id).where(Customer.name.icontains(words, autoescape=True)),
        select(Customer.id).where(
            func.lower(Customer.external_accounting_id).startswith(lowered, autoescape=True)
        ),
        select(Customer.id).where(func.lower(Customer.vat_number) == lowered),
        select(Contact.customer_id).where(func.lower(Contact.email).startswith(lowered, autoescape=True)),
    ]


LISTING = Listing(
    model=Customer,
    columns=(
        Column("name", "Name", Customer.name, sortable=True, filterable=True),
        Column(
            "status",
            "Status",
            Customer.status,
            kind="choice",
            choices=CUSTOMER_STATUSES,
            badge=True,
            filterable=True,
            editable="status",
        ),
        Column("currency", "Currency", Customer.currency, filterable=True),
        Column("balance", "Balance", _balance(), kind="money"),
        Column(
            "invoice_due_days",
            "Due Days",
            Customer.invoice_due_days,
            kind="number",
            nullable=True,
            filterable=True,
            editable="invoice_due_days",
        ),
        Column(
            "account_manager",
            "Account Manager",
            Customer.account_manager_id,
            kind="key",
            lookup="manager",
            shows="manager_name",
            nullable=True,
            filterable=True,
            editable="account_manager_id",
            exported=False,
        ),
        Column("manager_name", "Account Manager", Staff.name, hidden=True),
        Column(
            "invoice_schedule",
            "Invoice Schedule",
            Customer.invoice_schedule,
            kind="choice",
            choices=INVOICE_SCHEDULES,
            filterable=True,
        ),
        Column(
            "next_invoice",
            "Next Invoice",
            _next_invoice(),
            kind="date",
            nullable=True,
            filterable=True,
            hidden=True,
        ),
        Column("tags", "Tags", Customer.tags, kind="tags", filterable=True),
        Column("debit_limit", "Debit Limit", Customer.debit_limit, kind="money", hidden=True),
        Column("tax_name", "Tax Name", Customer.tax_name, hidden=True),
        Column("tax_percent", "Tax %", Customer.tax_percent, kind="percent", filterable=True, hidden=True),
        Column(
            "external_accounting_id", "External Accounting ID", Customer.external_accounting_id, hidden=True
        ),
        Column("vat_number", "VAT Number", Customer.vat_number, hidden=True),
        Column("registration_number", "Registration Number", Customer.registration_number, hidden=True),
        Column("address1", "Address 1", Customer.address1, hidden=True),
        Column("address2", "Address 2", Customer.address2, hidden=True),
        Column("city", "City", Customer.city, filterable=True, hidden=True),
        Column("county", "County", Customer.county, hidden=True),
        Column("postcode", "Postcode", Customer.postcode, hidden=True),
        Column(
            "country",
            "Country",
            Customer.country,
            kind="choice",
            choices=dict(countries()),
            filterable=True,
            hidden=True,
        ),
        Column("phone", "Phone", Customer.phone, hidden=True),
        Column("website", "Website", Customer.website, hidden=True),
        Column("time_zone", "Time Zone", Customer.time_zone, hidden=True),
        Column(
            "invoice_template",
            "Invoice Template",
            Customer.invoice_template,
            kind="choice",
            choices=TEMPLATE_NAMES,
            nullable=True,
            filterable=True,
            hidden=True,
        ),
        Column(
            "create_invoice_on_payment",
            "Create Invoice on Payment",
            Customer.create_invoice_on_payment,
            kind="flag",
            filterable=True,
            hidden=True,
        ),
        Column("created_at", "Created", Customer.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", Customer.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="name",
    joined=lambda statement: statement.outerjoin(Staff, Staff.id == Customer.account_manager_id),
    search=search,
    search_hint="Name, accounting ID, VAT number or e-mail",
    tabs=TABS,
)
