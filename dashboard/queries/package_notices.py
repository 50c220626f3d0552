"""Charges of packages that fall due soon, for notices, and when each assigned package is charged next.

`begins_in_sql` says in SQL what `rules.recurrence` says in Python, so that all customers are read at once;
`tests/queries/test_package_notices.py` holds the two together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    or_,
    select,
    true,
)

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Invoice, InvoiceItem, Package, PackageCharge
from dashboard.queries import settings
from dashboard.queries.package_accounts import CHARGED_STATUSES, NEVER, local_today
from dashboard.queries.package_plan import due_until, recurrence_of, today_of
from dashboard.rules.money import EXACT
from dashboard.rules.proration import priced

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Notice:
    """A charge that is coming: whose, which, when; the amount is before tax."""

    customer_package_id: int
    customer_id: int
    customer_name: str
    package_id: int
    package_name: str
    due_on: dt.date
    amount: Decimal
    currency: str
    auto_decrement_credit: bool


@dataclass(frozen=True)
class Place:
    """A charge that was made, and where it stands: on an invoice, or as a payment."""

    charge: PackageCharge
    package_name: str
    invoice_id: int | None
    invoice_name: str


@dataclass(frozen=True)
class Outlook:
    """Of an assigned package: its next due day and amount (None: not known before), the last charge, and how
    many charges are due by now and not made."""

    next_due: dt.date | None
    next_amount: Decimal | None
    last: Place | None
    waiting: int


def begins_in_sql(day: ColumnElement[dt.date]) -> ColumnElement[bool]:
    """Whether an assigned package begins a span on the day: on its start, or on a due day after it."""
    start, match = CustomerPackage.start_date, Package.frequency_match
    count = func.coalesce(func.cardinality(match), 0)
    of_week = cast(extract("isodow", day), Integer)
    of_month = cast(extract("day", day), Integer)
    month_end = cast(extract("day", func.date_trunc("month", day) + func.make_interval(0, 1, 0, -1)), Integer)
    weekly = case((count > 0, of_week == func.any(match)), else_=of_week == extract("isodow", start))
    # The last day of a month stands for those that it does not have; the days chosen are in order.
    at_end = and_(of_month == month_end, match[count] >= of_month)
    monthly = case(
        (count > 0, or_(of_month == func.any(match), at_end)),
        else_=of_month == func.least(extract("day", start), month_end),
    )
    falls = case(
        (Package.frequency == "daily", true()),
        (Package.frequency == "weekly", weekly),
        (Package.frequency == "monthly", monthly),
        else_=literal(False),
    )
    running = or_(CustomerPackage.end_date.is_(None), CustomerPackage.end_date >= day)
    return and_(running, or_(day == start, and_(day > start, falls)))


def upcoming(
    *,
    customer_id: int | None = None,
    package_id: int | None = None,
    days: int | None = None,
    every_day: bool = False,
    limit: int = 50,
) -> list[Notice]:
    """Charges that fall due from tomorrow on within so many days, by default the account's notification
    days; the soonest first. Minimum spend is not known before its period is over, so it is left out. Nobody
    needs to be told of what is charged every day, so that is left out unless it begins, or is asked for."""
    statement = _coming(settings.current().package_notification_days if days is None else days, every_day)
    if customer_id is not None:
        statement = statement.where(CustomerPackage.customer_id == customer_id)
    if package_id is not None:
        statement = statement.where(CustomerPackage.package_id == package_id)
    return notices_of(statement.order_by("due_on", Customer.name, CustomerPackage.id).limit(limit))


def coming(ahead: int) -> Any:
    """(assigned, package, customer, due_on) of the charges within so many days that customers are told of."""
    return _coming(ahead, False)


def notices_of(statement: Any) -> list[Notice]:
    return [
        Notice(
            assigned.id,
            customer.id,
            customer.name,
            package.id,
            package.name,
            due_on,
            _amount(assigned, package, due_on),
            package.currency,
            assigned.auto_decrement_credit,
        )
        for assigned, package, customer, due_on in db.session.execute(statement)
    ]


def count_upcoming() -> int:
    """How many charges fall due within the account's notification days."""
    coming = _coming(settings.current().package_notification_days, False).with_only_columns(func.count())
    return db.session.scalar(coming) or 0


def outlook(customer: Customer, assigned: Sequence[CustomerPackage]) -> dict[int, Outlook]:
    """By assigned package, for the customer's page."""
    today = today_of(customer)
    waiting: dict[int, int] = {}
    for line in due_until(customer, today):
        key = line.customer_package.id
        waiting[key] = waiting.get(key, 0) + len(line.charges)
    last: dict[int, Place] = {}
    for place in charged(customer.id, limit=None):
        last.setdefault(place.charge.customer_package_id, place)
    found: dict[int, Outlook] = {}
    for one in assigned:
        due, amount = next_charge(one, today)
        found[one.id] = Outlook(due, amount, last.get(one.id), waiting.get(one.id, 0))
    return found


def next_charge(assigned: CustomerPackage, day: dt.date) -> tuple[dt.date | None, Decimal | None]:
    """The first due day after `day`, and what it comes to before tax; nothing where none follows."""
    package, end = assigned.package, assigned.end_date
    recurrence = recurrence_of(assigned)
    later = max(day + DAY, assigned.start_date)
    if package.minimum_spend:
        span = recurrence.span_of(later, end)
        return (span.last if span else None), None
    due = assigned.start_date if assigned.start_date > day else recurrence.after(day)
    if due is None or (end is not None and due > end):
        return None, None
    amount = _amount(assigned, package, due)
    return (due, amount) if amount else (None, None)


def charged(customer_id: int, *, package_id: int | None = None, limit: int | None = 20) -> list[Place]:
    """What the customer was charged for packages, the latest due day first, and where it stands."""
    statement = (
        select(PackageCharge, Package.name, Invoice)
        .join(CustomerPackage, CustomerPackage.id == PackageCharge.customer_package_id)
        .join(Package, Package.id == CustomerPackage.package_id)
        .outerjoin(InvoiceItem, InvoiceItem.id == PackageCharge.invoice_item_id)
        .outerjoin(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(CustomerPackage.customer_id == customer_id)
        .order_by(PackageCharge.due_on.desc(), PackageCharge.id.desc())
        .limit(limit)
    )
    if package_id is not None:
        statement = statement.where(CustomerPackage.package_id == package_id)
    return [
        Place(charge, name, invoice.id if invoice else None, str(invoice) if invoice else "")
        for charge, name, invoice in db.session.execute(statement)
    ]


def _coming(ahead: int, every_day: bool) -> Any:
    """(assigned, package, customer, due day) of each charge within so many days from today."""
    steps = func.generate_series(1, max(ahead, 0)).table_valued("step").render_derived()
    ahead_of = select((local_today() + cast(steps.c.step, Integer)).label("day")).select_from(steps)
    coming = ahead_of.correlate(Customer).lateral("coming")
    day = coming.c.day
    done = exists().where(
        PackageCharge.customer_package_id == CustomerPackage.id,
        PackageCharge.kind != "setup",
        PackageCharge.span_start <= day,
        func.coalesce(PackageCharge.span_end, NEVER) > day,
    )
    return (
        select(CustomerPackage, Package, Customer, day.label("due_on"))
        .join(Package, Package.id == CustomerPackage.package_id)
        .join(Customer, Customer.id == CustomerPackage.customer_id)
        .join(coming, true())
        .where(
            Package.minimum_spend.is_(False),
            or_(Package.retail > 0, and_(Package.setup_retail > 0, day == CustomerPackage.start_date)),
            Customer.status.in_(CHARGED_STATUSES),
            begins_in_sql(day),
            ~done,
            or_(literal(every_day), Package.frequency != "daily", day == CustomerPackage.start_date),
        )
    )


def _amount(assigned: CustomerPackage, package: Package, due: dt.date) -> Decimal:
    """What falls due on the day: the span that begins then, and on the first day the setup."""
    span = recurrence_of(assigned).span_of(due, assigned.end_date)
    days, of_days = (span.days, span.of_days) if span else (1, 1)
    amount = priced(assigned.quantity, package.retail, days, of_days, package.currency)[2]
    if due != assigned.start_date:
        return amount
    setup = priced(assigned.quantity, package.setup_retail, 1, 1, package.currency)[2]
    return EXACT.add(amount, setup)
