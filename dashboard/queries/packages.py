"""What choosing a package puts on an invoice line."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import or_, select

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Package
from dashboard.queries import settings
from dashboard.rules.money import exponent, plain


def package_defaults(package: Package, customer: Customer | None) -> dict[str, str]:
    """The line that the package proposes to this customer, numbers as plain decimal texts.

    The quantity is that of the customer's assignment which runs today, else 1. The tax is the package's,
    else the customer's, else the account's.
    """
    name, percent = default_tax(customer, package)
    return {
        "quantity": plain(_quantity(package, customer)),
        "unit_price": plain(package.retail, exponent(package.currency)),
        "tax_percent": plain(percent),
        "tax_name": name,
        "description": (package.description or package.name)[:1000],
        "currency": package.currency,
    }


def default_tax(customer: Customer | None, package: Package | None = None) -> tuple[str, Decimal]:
    """(name, percent): the first percent of package, customer and account, and the name from there on."""
    setting = settings.current()
    sources = [
        (source.tax_name, source.tax_percent) for source in (package, customer, setting) if source is not None
    ]
    start = next(at for at, (_, percent) in enumerate(sources) if percent is not None)
    name = next((name for name, _ in sources[start:] if name), "")
    percent = sources[start][1]
    assert percent is not None
    return name, percent


def _quantity(package: Package, customer: Customer | None) -> Decimal:
    if customer is None:
        return Decimal(1)
    today = settings.today()
    found = db.session.scalar(
        select(CustomerPackage.quantity)
        .where(
            CustomerPackage.customer_id == customer.id,
            CustomerPackage.package_id == package.id,
            CustomerPackage.start_date <= today,
            or_(CustomerPackage.end_date.is_(None), CustomerPackage.end_date >= today),
        )
        .order_by(CustomerPackage.start_date.desc(), CustomerPackage.id.desc())
        .limit(1)
    )
    return Decimal(1) if found is None else found
