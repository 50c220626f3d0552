"""Which customers have packages that charge the account today, or should have before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Date, DateTime, and_, cast, exists, func, literal, or_, select

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Package, PackageCharge, Setting

# Who waits for approval, or is inactive, is not charged; what fell due meanwhile is charged afterwards.
CHARGED_STATUSES = ("active", "penalty")
NEVER = dt.date(9999, 12, 31)


def local_today() -> ColumnElement[dt.date]:
    """Today where each customer is, in SQL."""
    account = select(Setting.time_zone).scalar_subquery()
    now = literal(dt.datetime.now(dt.UTC), DateTime(timezone=True))
    return cast(func.timezone(func.coalesce(Customer.time_zone, account), now), Date)


def customers_to_charge(limit: int, *, after: int = 0) -> Sequence[int]:
    """Customers with ids above `after` whose account is to be charged now, in order of their ids.

    Spans tile the time and are charged once, so something is due where fewer days were charged than have
    begun.
    """
    mine = PackageCharge.customer_package_id == CustomerPackage.id
    today = local_today()
    after_last = func.least(today, func.coalesce(CustomerPackage.end_date, NEVER)) + 1
    ended = func.least(func.coalesce(PackageCharge.span_end, NEVER), after_last)
    days_charged = (
        select(func.sum(func.greatest(ended - PackageCharge.span_start, 0)))
        .where(mine, PackageCharge.kind != "setup")
        .correlate(CustomerPackage, Customer)
        .scalar_subquery()
    )
    again = and_(
        Package.retail > 0,
        Package.minimum_spend.is_(False),
        func.coalesce(days_charged, 0) < after_last - CustomerPackage.start_date,
    )
    setup = and_(Package.setup_retail > 0, ~exists().where(mine, PackageCharge.kind == "setup"))
    return db.session.scalars(
        select(Customer.id)
        .join(CustomerPackage, CustomerPackage.customer_id == Customer.id)
        .join(Package, Package.id == CustomerPackage.package_id)
        .where(
            CustomerPackage.auto_decrement_credit,
            Customer.status.in_(CHARGED_STATUSES),
            CustomerPackage.start_date <= today,
            Customer.id > after,
            or_(again, setup),
        )
        .distinct()
        .order_by(Customer.id)
        .limit(limit)
    ).all()
