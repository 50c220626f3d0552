"""What packages a customer would be charged for, and why; nothing is written here.

Recurring charges are due in advance, on the day their span begins. Minimum spend is due in arrears, on the
last day of its span. What was charged once is never due again, whatever became of the package since: spans
that overlap a charged one are cut down to what is left.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Invoice, Package, PackageCharge
from dashboard.queries import settings
from dashboard.queries.package_lines import NEVER, ChargeLine, Spend, Writer, joined
from dashboard.rules.periods import Period
from dashboard.rules.proration import uncovered
from dashboard.rules.recurrence import Recurrence, Span

Wanted = Callable[[dt.date], bool]


@dataclass
class Held:
    """A customer's packages, what of them was charged, and the periods that are invoiced."""

    customer: Customer
    assigned: list[CustomerPackage] = field(default_factory=list)
    charged: dict[int, list[PackageCharge]] = field(default_factory=dict)
    invoiced: list[Period] = field(default_factory=list)


def recurrence_of(assigned: CustomerPackage) -> Recurrence:
    package = assigned.package
    return Recurrence(package.frequency, assigned.start_date, tuple(package.frequency_match or ()))


def zone_of(customer: Customer) -> ZoneInfo:
    return ZoneInfo(customer.time_zone or settings.current().time_zone)


def today_of(customer: Customer) -> dt.date:
    """Today where the customer is."""
    return dt.datetime.now(zone_of(customer)).date()


def plan(customer: Customer, period: Period, usage_net: Decimal) -> list[ChargeLine]:
    """What an invoice of the period charges for packages: due in it, or late from an invoiced one."""
    return plan_many([(customer, period, usage_net)])[0]


def plan_many(
    asked: Sequence[tuple[Customer, Period, Decimal]],
    free: Mapping[int, Sequence[tuple[dt.date, Decimal]]] | None = None,
) -> list[list[ChargeLine]]:
    """`plan` for many, in the order asked; reads once for all of them. `free` is what these invoices make
    free of each customer's calls, by first day."""
    found = held([customer for customer, _, _ in asked])
    plans = []
    for customer, period, usage_net in asked:
        spend = Spend(customer, period, usage_net, (free or {}).get(customer.id, ()))
        plans.append(list(_of_period(found[customer.id], period, spend)) if customer.id in found else [])
    return plans


def due_until(
    customer: Customer,
    day: dt.date,
    *,
    since: dt.date | None = None,
    package_id: int | None = None,
    auto: bool | None = None,
) -> list[ChargeLine]:
    """Everything not charged yet that is due from `since` up to `day`, of one package or of all; the oldest
    first.

    Minimum spend is due once its last day is over. `auto`: only what is charged to the account, or only what
    is not.
    """
    one = held([customer], package_id=package_id).get(customer.id)
    if one is None:
        return []
    spend = Spend(customer, None, Decimal(0), to_be_free=lambda span: _free_of_open(customer, span))
    over = max(day, today_of(customer))

    def wanted(due: dt.date) -> bool:
        return due <= day and (since is None or due >= since)

    found: list[ChargeLine] = []
    for assigned in one.assigned:
        reach = Period(min(since or assigned.start_date, day), day + dt.timedelta(days=1))
        lines = [
            line
            for line in _lines(one, assigned, reach, wanted, spend)
            if line.kind != "minimum_spend" or line.due_on < over
        ]
        found += (line for line in lines if charges_account(line))
        found += joined(line for line in lines if not charges_account(line))
    return sorted(
        (line for line in found if auto is None or charges_account(line) == auto),
        key=lambda line: (line.due_on, line.customer_package.id, line.kind != "setup"),
    )


def _free_of_open(customer: Customer, span: Span) -> Decimal:
    # Free minutes are worked out from the packages held, which are read here.
    from dashboard.queries.free_minutes import free_of_open

    return free_of_open(customer, span)


def charges_account(line: ChargeLine) -> bool:
    """Whether the account is charged by a negative payment. Minimum spend follows from the period's usage,
    so it is always put on an invoice."""
    return line.customer_package.auto_decrement_credit and line.kind != "minimum_spend"


def held(customers: Iterable[Customer], *, package_id: int | None = None) -> dict[int, Held]:
    """By customer; those without packages are left out."""
    by_id = {customer.id: customer for customer in customers}
    statement = (
        select(CustomerPackage)
        .join(Package, Package.id == CustomerPackage.package_id)
        .options(contains_eager(CustomerPackage.package))
        .where(CustomerPackage.customer_id.in_(by_id))
        .order_by(CustomerPackage.start_date, CustomerPackage.id)
    )
    if package_id is not None:
        statement = statement.where(CustomerPackage.package_id == package_id)
    found: dict[int, Held] = {}
    owners: dict[int, Held] = {}
    for assigned in db.session.scalars(statement.execution_options(populate_existing=True)):
        one = found.setdefault(assigned.customer_id, Held(by_id[assigned.customer_id]))
        one.assigned.append(assigned)
        owners[assigned.id] = one
    if not found:
        return found
    for charge in db.session.scalars(
        select(PackageCharge).where(PackageCharge.customer_package_id.in_(owners))
    ):
        charged = owners[charge.customer_package_id].charged
        charged.setdefault(charge.customer_package_id, []).append(charge)
    _add_invoiced(found)
    return found


def _add_invoiced(found: dict[int, Held]) -> None:
    rows = db.session.execute(
        select(Invoice.customer_id, Invoice.period_start, Invoice.period_end).where(
            Invoice.customer_id.in_(found), Invoice.origin == "generated", Invoice.state != "void"
        )
    )
    for customer_id, start, end in rows:
        if start is None or end is None:
            continue
        # The day that began at that moment, or nearest to it where the customer's zone was another then.
        zone, noon = zone_of(found[customer_id].customer), dt.timedelta(hours=12)
        first, after = (start.astimezone(zone) + noon).date(), (end.astimezone(zone) + noon).date()
        if first < after:
            found[customer_id].invoiced.append(Period(first, after))


def _of_period(one: Held, period: Period, spend: Spend) -> Iterator[ChargeLine]:
    earlier = [done for done in one.invoiced if done.start < period.start]
    first = min([period.start, *(done.start for done in earlier)])

    def wanted(day: dt.date) -> bool:
        return day in period or (day < period.start and any(day in done for done in earlier))

    for assigned in one.assigned:
        lines = _lines(one, assigned, Period(first, period.end), wanted, spend)
        yield from joined(line for line in lines if not charges_account(line))


def _lines(
    one: Held,
    assigned: CustomerPackage,
    reach: Period,
    wanted: Wanted,
    spend: Spend,
) -> Iterator[ChargeLine]:
    """The charges of one assigned package, of spans that touch `reach`, that are wanted by their due day and
    not charged yet."""
    package = assigned.package
    charged = one.charged.get(assigned.id, [])
    done = {(charge.kind, charge.due_on) for charge in charged}
    covered = [
        (charge.span_start, charge.span_end or NEVER)
        for charge in charged
        if charge.kind != "setup" and charge.span_start is not None
    ]
    write = Writer(one.customer, assigned, spend)
    start = assigned.start_date
    if package.setup_retail > 0 and wanted(start) and not any(charge.kind == "setup" for charge in charged):
        yield from write.setup(start)
    if package.retail <= 0:
        return
    for span in recurrence_of(assigned).spans(assigned.end_date, reach.end, reach.start):
        parts = _left_of(span, covered)
        if not package.minimum_spend:
            for part in parts:
                if wanted(part.due_on):
                    yield from write.recurring(part)
        elif parts and span.last and wanted(span.last) and ("minimum_spend", span.last) not in done:
            yield from write.minimum(_together(parts, span), span.last)


def _left_of(span: Span, covered: list[tuple[dt.date, dt.date]]) -> list[Span]:
    """What of the span was not charged yet, each part due on its first day.

    So no day is charged twice, and none forgotten, though the package's days were others before.
    """
    parts = uncovered(span.start, span.end or NEVER, covered)
    if parts == [(span.start, span.end or NEVER)]:
        return [span]
    if span.end is None or span.days != (span.end - span.start).days:
        # Bought once: not divided by days.
        return []
    return [Span(begun, begun, ended, (ended - begun).days, span.of_days) for begun, ended in parts]


def _together(parts: list[Span], span: Span) -> Span:
    days = sum(part.days for part in parts)
    return Span(span.due_on, parts[0].start, parts[-1].end, days, span.of_days)
