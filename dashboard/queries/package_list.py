"""The lists of packages and of their assignment to customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from dashboard.models import Customer, CustomerPackage, Package
from dashboard.models.package import FREQUENCIES, PACKAGE_TYPES
from dashboard.queries import settings
from dashboard.queries.listing import Column, Listing, Tab, key_filter


def running_today() -> ColumnElement[bool]:
    """An assignment that today falls into."""
    today = settings.today()
    ends_later = or_(CustomerPackage.end_date.is_(None), CustomerPackage.end_date >= today)
    return and_(CustomerPackage.start_date <= today, ends_later)


def _held() -> ColumnElement[int]:
    """How many customers have ever been given the package."""
    return (
        select(func.count(CustomerPackage.customer_id.distinct()))
        .where(CustomerPackage.package_id == Package.id)
        .correlate(Package)
        .scalar_subquery()
    )


def search_packages(words: str) -> Sequence[Select[Any]]:
    return [
        select(Package.id).where(Package.name.icontains(words, autoescape=True)),
        select(Package.id).where(Package.description.icontains(words, autoescape=True)),
    ]


LISTING = Listing(
    model=Package,
    columns=(
        Column("name", "Name", Package.name, sortable=True, filterable=True),
        Column("currency", "Currency", Package.currency, filterable=True),
        Column(
            "retail", "Retail", Package.retail, kind="number", price=True, filterable=True, editable="retail"
        ),
        Column("cost", "Cost", Package.cost, kind="number", price=True, filterable=True, hidden=True),
        Column("setup_retail", "Setup Retail", Package.setup_retail, kind="number", price=True, hidden=True),
        Column("setup_cost", "Setup Cost", Package.setup_cost, kind="number", price=True, hidden=True),
        Column(
            "frequency",
            "Frequency",
            Package.frequency,
            kind="choice",
            choices=FREQUENCIES,
            filterable=True,
        ),
        Column("type", "Type", Package.type, kind="choice", choices=PACKAGE_TYPES, filterable=True),
        Column("tax_name", "Tax Name", Package.tax_name, hidden=True),
        Column("tax_percent", "Tax %", Package.tax_percent, kind="percent", nullable=True, hidden=True),
        Column("customers", "Customers", _held(), kind="number"),
        Column(
            "minimum_days", "Minimum Days", Package.minimum_days, kind="number", filterable=True, hidden=True
        ),
        Column(
            "minimum_spend",
            "Minimum Spend",
            Package.minimum_spend,
            kind="flag",
            filterable=True,
            hidden=True,
        ),
        Column("description", "Description", Package.description, editable="description"),
        Column("active", "Active", Package.active, kind="flag", filterable=True, editable="active"),
        Column("created_at", "Created", Package.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", Package.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="name",
    search=search_packages,
    search_hint="Name or description",
    tabs=(
        Tab("active", "Active", lambda: Package.active.is_(True)),
        Tab("inactive", "Not offered", lambda: Package.active.is_(False)),
        Tab("all", "All", lambda: None),
    ),
)


def search_assignments(words: str) -> Sequence[Select[Any]]:
    packages = select(Package.id).where(Package.name.icontains(words, autoescape=True))
    customers = select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
    return [
        select(CustomerPackage.id).where(CustomerPackage.package_id.in_(packages)),
        select(CustomerPackage.id).where(CustomerPackage.customer_id.in_(customers)),
    ]


def _joined(statement: Select[Any]) -> Select[Any]:
    statement = statement.join(Customer, Customer.id == CustomerPackage.customer_id)
    return statement.join(Package, Package.id == CustomerPackage.package_id)


ASSIGNMENTS = Listing(
    model=CustomerPackage,
    columns=(
        Column("package_name", "Package", Package.name),
        Column("customer_name", "Customer", Customer.name),
        key_filter("package", "Package", CustomerPackage.package_id),
        key_filter("customer", "Customer", CustomerPackage.customer_id),
        Column(
            "quantity",
            "Quantity",
            CustomerPackage.quantity,
            kind="number",
            filterable=True,
            editable="quantity",
        ),
        Column("start_date", "Start Date", CustomerPackage.start_date, kind="date", filterable=True),
        Column(
            "end_date",
            "End Date",
            CustomerPackage.end_date,
            kind="date",
            nullable=True,
            filterable=True,
            editable="end_date",
        ),
        Column("retail", "Retail", Package.retail, kind="number", price=True),
        Column("currency", "Currency", Package.currency, filterable=True),
        Column(
            "free_minutes",
            "Free Minutes",
            CustomerPackage.free_minutes,
            kind="number",
            nullable=True,
            hidden=True,
        ),
        Column(
            "auto_decrement_credit",
            "Auto Decrement Credit",
            CustomerPackage.auto_decrement_credit,
            kind="flag",
            filterable=True,
            hidden=True,
        ),
        Column("id", "Record", CustomerPackage.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="-id",
    joined=_joined,
    search=search_assignments,
    search_hint="Package or customer",
    tabs=(Tab("running", "Running today", running_today), Tab("all", "All", lambda: None)),
)
