"""Charges to come that their customers were not told of yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import DateTime, Integer, cast, exists, extract, func, literal, select

from dashboard.extensions import db
from dashboard.models import Contact, Customer, CustomerPackage, PackageNotice, Setting
from dashboard.queries import settings
from dashboard.queries.package_notices import Notice, coming, notices_of

# A mail names no more; the rest come in the next.
MOST_NAMED = 50


def customers_to_tell(limit: int, *, after: int = 0) -> Sequence[int]:
    """Customers with ids above `after` who can be told of something now, in order of their ids: from the
    account's schedule hour on, on the customer's own clocks, and where a billing contact has an address."""
    setting = settings.current()
    if setting.package_notification_days < 1:
        return []
    zone = func.coalesce(Customer.time_zone, select(Setting.time_zone).scalar_subquery())
    now = literal(dt.datetime.now(dt.UTC), DateTime(timezone=True))
    reachable = exists().where(
        Contact.customer_id == Customer.id, Contact.type == "billing", Contact.email.is_not(None)
    )
    statement = (
        _untold()
        .with_only_columns(CustomerPackage.customer_id)
        .where(
            CustomerPackage.customer_id > after,
            cast(extract("hour", func.timezone(zone, now)), Integer) >= setting.schedule_hour,
            reachable,
        )
    )
    return db.session.scalars(statement.distinct().order_by(CustomerPackage.customer_id).limit(limit)).all()


def untold(customer_id: int) -> list[Notice]:
    """The customer's charges to come that it was not told of, the soonest first."""
    statement = _untold().where(CustomerPackage.customer_id == customer_id)
    return notices_of(statement.order_by("due_on", CustomerPackage.id).limit(MOST_NAMED))


def _untold() -> Any:
    statement = coming(settings.current().package_notification_days)
    due_on = statement.selected_columns["due_on"]
    told = exists().where(
        PackageNotice.customer_package_id == CustomerPackage.id,
        PackageNotice.due_on == getattr(due_on, "element", due_on),
    )
    return statement.where(~told)
