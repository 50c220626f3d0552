"""What packages were planned to charge and have charged, for tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, PackageCharge
from dashboard.operations import package_charges
from dashboard.queries.package_lines import ChargeLine
from dashboard.rules.periods import Period, bounds
from tests.support.books import make_draft

DAY = dt.date
NOVEMBER = Period(DAY(2026, 11, 1), DAY(2026, 12, 1))
OCTOBER = Period(DAY(2026, 10, 1), DAY(2026, 11, 1))
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def told(lines: Iterable[ChargeLine]) -> list[tuple[str, str, Decimal]]:
    return [(line.kind, str(line.due_on), line.amount) for line in lines]


def planned(customer: Customer, period: Period = NOVEMBER, net: str = "0") -> list[tuple[str, str, Decimal]]:
    return told(package_charges.plan(customer, period, Decimal(net)))


def invoiced(customer: Customer, period: Period = OCTOBER) -> Invoice:
    """A generated invoice of the period, as far as packages see it, with what it charges for them."""
    start, end = bounds(period, customer.time_zone or "UTC")
    lines = package_charges.plan(customer, period, Decimal(0))
    invoice = make_draft(customer, *[line.item_values() for line in lines])
    invoice.origin, invoice.period_start, invoice.period_end = "generated", start, end
    package_charges.record(lines, invoice.items)
    db.session.commit()
    return invoice


def charges() -> int:
    return db.session.scalar(select(func.count(PackageCharge.id))) or 0
