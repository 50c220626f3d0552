"""Which calls of an invoice are free by the customer's packages of Free Minutes; nothing is written here.

Free seconds belong to a span of the package, are used by its calls in the order in which they were made, and
expire with it. Calls that come late use what is left of the span in which they were made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from dashboard.extensions import db
from dashboard.models import (
    Customer,
    CustomerPackage,
    FreeMinuteUse,
    Package,
    Rate,
    RateCard,
    UsageDay,
    UsageDayOpen,
    UsageRecord,
)
from dashboard.queries.package_lines import NEVER
from dashboard.queries.package_plan import held, recurrence_of
from dashboard.queries.packages import default_tax
from dashboard.rules.free_minutes import Call, Use, prefixes, use
from dashboard.rules.money import add
from dashboard.rules.periods import Period
from dashboard.rules.proration import prorate_seconds
from dashboard.rules.rating import Terms, charge_of_billed
from dashboard.rules.recurrence import Span

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class FreeLine:
    """Free seconds of one span of an assigned package; `amount` is what they take off, so it is negative."""

    customer_package: CustomerPackage
    span: Span
    seconds: int
    amount: Decimal
    calls: int
    date_from: dt.date
    date_to: dt.date
    description: str
    tax_name: str
    tax_percent: Decimal
    uses: tuple[Use, ...] = ()

    item_kind = "free_minutes"
    quantity = Decimal(1)

    @property
    def unit_price(self) -> Decimal:
        return self.amount

    def item_values(self) -> dict[str, Any]:
        """The invoice line as `invoices.create` takes it."""
        return {
            "package_id": self.customer_package.package_id,
            "description": self.description,
            "date_from": self.date_from,
            "date_to": self.date_to,
            "quantity": self.quantity,
            "unit_price": self.amount,
            "tax_name": self.tax_name,
            "tax_percent": self.tax_percent,
        }


def customers_with_free_minutes(customer_ids: Iterable[int]) -> set[int]:
    """Those of them that have, or had, a package of Free Minutes."""
    return set(
        db.session.scalars(
            select(CustomerPackage.customer_id)
            .join(Package, Package.id == CustomerPackage.package_id)
            .where(CustomerPackage.customer_id.in_(list(customer_ids)), Package.type == "free_minutes")
        )
    )


def free_minutes_plan(customer: Customer, period: Period, day_ids: Sequence[int]) -> list[FreeLine]:
    """What is free of the calls of these days of the ledger, which one invoice is about to bill.

    A call that several packages make free uses the one that began first, then the next.
    """
    found = held([customer]).get(customer.id)
    free = [one for one in found.assigned if one.package.type == "free_minutes"] if found else []
    if not free or not day_ids:
        return []
    days = db.session.scalars(
        select(UsageDay.day).where(UsageDay.id.in_(list(day_ids))).distinct().order_by(UsageDay.day)
    ).all()
    if not days:
        return []
    taken: dict[int, int] = {}
    lines: list[FreeLine] = []
    for assigned in free:
        for span in _spans(assigned, days[0], days[-1]):
            line = _used(customer, assigned, span, day_ids, taken)
            if line is not None:
                lines.append(line)
    return lines


def free_of_open(customer: Customer, span: Span) -> Decimal:
    """What open calls of the span will have free once they are invoiced; negative, or nothing.

    Calls use free minutes in their order, so it is what all up to its end will have, less what those before
    its start will.
    """
    if not customers_with_free_minutes([customer.id]):
        return Decimal(0)
    found = db.session.execute(
        select(UsageDay.id, UsageDay.day)
        .join(UsageDayOpen, UsageDayOpen.usage_day_id == UsageDay.id)
        .where(
            UsageDayOpen.customer_id == customer.id,
            UsageDayOpen.rated,
            UsageDayOpen.day < (span.end or NEVER),
            UsageDay.invoice_item_id.is_(None),
        )
    ).all()
    period = Period(span.start, span.end or NEVER)
    until, before = (
        add(line.amount for line in free_minutes_plan(customer, period, days))
        for days in ([row.id for row in found], [row.id for row in found if row.day < span.start])
    )
    return until - before


def seconds_of(assigned: CustomerPackage, span: Span) -> int:
    """Free seconds of a span: minutes x quantity, by days where the span is not whole."""
    minutes = assigned.free_minutes or assigned.package.free_minutes or 0
    return prorate_seconds(int(minutes * 60 * assigned.quantity), span.days, span.of_days)


def seconds_left(assigned: CustomerPackage, span: Span) -> int:
    """What invoices have not used of a span's free seconds."""
    used = db.session.scalar(
        select(func.sum(FreeMinuteUse.seconds)).where(
            FreeMinuteUse.customer_package_id == assigned.id,
            FreeMinuteUse.span_start >= span.start,
            FreeMinuteUse.span_start < (span.end or NEVER),
        )
    )
    return max(0, seconds_of(assigned, span) - int(used or 0))


def _spans(assigned: CustomerPackage, first: dt.date, last: dt.date) -> list[Span]:
    """The package's spans that hold any of the days."""
    spans = recurrence_of(assigned).spans(assigned.end_date, last + DAY)
    return [span for span in spans if span.end is None or span.end > first]


def _used(
    customer: Customer, assigned: CustomerPackage, span: Span, day_ids: Sequence[int], taken: dict[int, int]
) -> FreeLine | None:
    """The line of one span; `taken` are the seconds of each call that another package made free."""
    left = seconds_left(assigned, span)
    digits = prefixes(assigned.package.destination_prefixes)
    if left <= 0 or not digits:
        return None
    seen: dict[int, dt.date] = {}
    uses = uses_of((customer.id, day_ids), span, digits, left, taken, seen=seen)
    if not uses:
        return None
    days = [seen[one.call_id] for one in uses]
    seconds = sum(one.seconds for one in uses)
    tax_name, tax_percent = default_tax(customer)
    return FreeLine(
        customer_package=assigned,
        span=span,
        seconds=seconds,
        amount=-add(one.amount for one in uses),
        calls=len(uses),
        date_from=min(days),
        date_to=max(days),
        description=f"{assigned.package.name}: {_minutes(seconds)} free",
        tax_name=tax_name,
        tax_percent=tax_percent,
        uses=tuple(uses),
    )


def uses_of(
    of: tuple[int, Sequence[int]],
    span: Span,
    digits: list[str],
    left: int,
    taken: dict[int, int],
    *,
    seen: dict[int, dt.date] | None = None,
) -> list[Use]:
    """What so many free seconds take off the calls of a customer and days of the ledger, in their order;
    `taken` is carried on, and `seen` gets the days of the calls."""
    customer_id, day_ids = of

    def calls() -> Iterable[Call]:
        for row in _calls(customer_id, span, day_ids, digits):
            call = _call(row, taken.get(row.id, 0))
            if call.billed > 0 and call.charge > 0:
                if seen is not None:
                    seen[row.id] = row.day
                yield call

    uses = list(use(calls(), left))
    for one in uses:
        taken[one.call_id] = taken.get(one.call_id, 0) + one.seconds
    return uses


def _calls(customer_id: int, span: Span, day_ids: Sequence[int], digits: list[str]) -> Iterable[Any]:
    """The calls in their order, read in portions: most are never reached."""
    begins = dt.datetime.combine(span.start - DAY, dt.time.min, dt.UTC)
    # Local days reach over a day of UTC to both sides.
    ends = dt.datetime.combine((span.end or NEVER - 3 * DAY) + DAY, dt.time.min, dt.UTC)
    statement = (
        select(
            UsageRecord.id,
            UsageRecord.billed_duration,
            UsageRecord.charge,
            UsageRecord.rate_per_minute,
            UsageDay.day,
            Rate.connection_fee,
            RateCard.cost_rounding,
            RateCard.cost_places,
        )
        .join(UsageDay, UsageDay.id == UsageRecord.usage_day_id)
        .outerjoin(Rate, Rate.id == UsageRecord.rate_id)
        .outerjoin(RateCard, RateCard.id == Rate.rate_card_id)
        .where(
            UsageRecord.customer_id == customer_id,
            UsageRecord.usage_day_id == any_(cast(list(day_ids), ARRAY(BigInteger))),
            UsageRecord.started_at >= begins,
            UsageRecord.started_at < ends,
            UsageDay.day >= span.start,
            UsageDay.day < (span.end or NEVER),
            UsageRecord.billed_duration > 0,
            UsageRecord.charge > 0,
            UsageRecord.number.regexp_match("^(" + "|".join(digits) + ")"),
        )
        # The same order whatever order they were loaded in.
        .order_by(UsageRecord.started_at, UsageRecord.identity)
    )
    with db.session.execute(statement.execution_options(yield_per=1000)) as found:
        yield from found


def _call(row: Any, gone: int) -> Call:
    """A call as it stands after `gone` of its seconds became free by another package."""
    if row.cost_places is None or row.rate_per_minute is None:
        left = row.billed_duration - gone
        return Call(row.id, left, row.charge * left / row.billed_duration)
    terms = Terms(
        rate_per_minute=row.rate_per_minute,
        connection_fee=row.connection_fee,
        minimum_seconds=0,
        pulse_seconds=1,
        duration_rounding="up",
        cost_rounding=row.cost_rounding,
        cost_places=row.cost_places,
    )
    # No seconds cost nothing by the rule; here the call was made, so that its fee is owed.
    fee_alone = Terms(Decimal(0), terms.connection_fee, 0, 1, "up", terms.cost_rounding, terms.cost_places)

    def charge_of(billed: int) -> Decimal:
        return charge_of_billed(billed, terms) if billed else charge_of_billed(1, fee_alone)

    billed = row.billed_duration - gone
    return Call(row.id, billed, charge_of(billed) if gone else row.charge, charge_of)


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not rest:
        return f"{minutes:,} minute" + ("" if minutes == 1 else "s")
    return f"{minutes:,} min {rest} s" if minutes else f"{rest} s"
