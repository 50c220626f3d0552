"""Reads of one customer's page, and of a package's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from dashboard.extensions import db
from dashboard.models import Contact, Customer, CustomerPackage, Invoice, Payment, Staff, UsageRule

# So many rows stand on a tab; the list behind its link has the rest.
LATEST = 50


def contacts(customer_id: int) -> Sequence[Contact]:
    return db.session.scalars(
        select(Contact).where(Contact.customer_id == customer_id).order_by(Contact.name, Contact.id)
    ).all()


def latest_invoices(customer_id: int, limit: int = LATEST) -> Sequence[Invoice]:
    """The newest first; drafts, which are of today or later, stand on top."""
    return db.session.scalars(
        select(Invoice)
        .where(Invoice.customer_id == customer_id)
        .order_by(Invoice.issue_date.desc(), Invoice.id.desc())
        .limit(limit)
    ).all()


def assigned_packages(customer_id: int) -> Sequence[CustomerPackage]:
    """What the customer has, had and will have, the latest start first; each with its package."""
    return db.session.scalars(
        select(CustomerPackage)
        .where(CustomerPackage.customer_id == customer_id)
        .options(joinedload(CustomerPackage.package))
        .order_by(CustomerPackage.start_date.desc(), CustomerPackage.id.desc())
    ).all()


def holders(package_id: int, limit: int = LATEST) -> Sequence[CustomerPackage]:
    """Who has the package, the latest first; each with its customer."""
    return db.session.scalars(
        select(CustomerPackage)
        .where(CustomerPackage.package_id == package_id)
        .options(joinedload(CustomerPackage.customer))
        .order_by(CustomerPackage.id.desc())
        .limit(limit)
    ).all()


def counts(customer_id: int) -> dict[str, int]:
    """How many invoices, payments and packages: the figures on the tabs."""
    parts: list[tuple[str, Any]] = [
        ("invoices", Invoice.customer_id),
        ("payments", Payment.customer_id),
        ("packages", CustomerPackage.customer_id),
        ("usage_rules", UsageRule.customer_id),
    ]
    counted = [
        select(func.count()).where(column == customer_id).scalar_subquery().label(name)
        for name, column in parts
    ]
    return dict(db.session.execute(select(*counted)).one()._mapping)


def manager_of(customer: Customer) -> str:
    """The account manager's name, "" where there is none."""
    if customer.account_manager_id is None:
        return ""
    return db.session.scalar(select(Staff.name).where(Staff.id == customer.account_manager_id)) or ""
