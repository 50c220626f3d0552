"""The lines of an invoice that is planned: usage, late usage, free minutes, and what packages charge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dashboard.operations.package_charges import ChargeLine, FreeLine, free_minutes_plan, plan_many
from dashboard.queries.billing_facts import Facts, Usage
from dashboard.queries.free_minutes import customers_with_free_minutes
from dashboard.queries.packages import default_tax
from dashboard.rules.money import add

# Beyond so many lines of usage the smallest are put together, so that the invoice can still be edited.
MOST_USAGE_LINES = 800
MOST_LATE_LINES = 100
NOTHING = "Nothing to bill in this period"
UNKNOWN = "an unknown destination"
OTHERS = "other destinations"


@dataclass(frozen=True)
class PlanLine:
    """A line to be. It bills `days` days of the ledger: those of `day_ids` or, where there are none, all open
    days of its destinations in the period. `source` is a package's own plan."""

    kind: str
    description: str
    date_from: dt.date | None
    date_to: dt.date | None
    quantity: Decimal
    unit_price: Decimal
    tax_name: str
    tax_percent: Decimal
    package_id: int | None = None
    destination: str | None = None
    connected: int | None = None
    billed_duration: int | None = None
    days: int = 0
    day_ids: Sequence[int] = field(default=(), compare=False)
    destinations: Sequence[str] = field(default=(), compare=False)
    source: Any = field(default=None, compare=False)

    def foreign(self, currency: str) -> bool:
        """Whether a package's price is in another currency than the invoice."""
        return isinstance(self.source, ChargeLine) and self.source.currency != currency


def usage_lines(facts: Facts) -> list[PlanLine]:
    """By destination or by day; what came late stands after what belongs to the period."""
    name, percent = default_tax(facts.customer)
    return [
        _usage_line(kind, usage, facts, name, percent)
        for kind, listed, most in (
            ("usage", facts.usage, MOST_USAGE_LINES),
            ("late_usage", facts.late, MOST_LATE_LINES),
        )
        for usage in _folded(listed, most)
    ]


def package_lines(found: Sequence[Facts], usage: Mapping[int, list[PlanLine]]) -> dict[int, list[PlanLine]]:
    """By customer: free minutes of these calls, then what packages charge."""
    holders = [facts for facts in found if facts.has_packages]
    if not holders:
        return {}
    made: dict[int, list[PlanLine]] = {}
    spent: dict[int, Decimal] = {}
    freed: dict[int, list[tuple[dt.date, Decimal]]] = {}
    with_free = customers_with_free_minutes(facts.customer.id for facts in holders)
    for facts in holders:
        key, lines = facts.customer.id, usage[facts.customer.id]
        days = [day for line in lines for day in line.day_ids]
        free = free_minutes_plan(facts.customer, facts.period, days) if key in with_free and days else []
        made[key] = [_package_line(line) for line in free]
        freed[key] = [(line.date_from, line.amount) for line in free]
        # Minimum spend is held against what the calls of the period itself cost.
        own = [line.unit_price for line in lines if line.kind == "usage"]
        spent[key] = add([*own, *(line.amount for line in free if line.date_from in facts.period)])
    asked = [(facts.customer, facts.period, spent[facts.customer.id]) for facts in holders]
    for facts, charges in zip(holders, plan_many(asked, freed), strict=True):
        made[facts.customer.id] += [_package_line(line) for line in charges]
    return made


def _package_line(line: ChargeLine | FreeLine) -> PlanLine:
    return PlanLine(kind=line.item_kind, source=line, **line.item_values())


def _usage_line(kind: str, usage: Usage, facts: Facts, tax_name: str, percent: Decimal) -> PlanLine:
    """Quantity 1 and the exact sum of the calls as the price: the line is rounded once, after adding up."""
    late = kind == "late_usage"
    if usage.day is not None:
        description = "Late calls of this day" if late else "Calls of this day"
    else:
        where = UNKNOWN if usage.destination == "" else usage.destination or OTHERS
        description = f"Late calls to {where}" if late else f"Calls to {where}"
    whole = usage.day is None and not late
    return PlanLine(
        kind,
        description,
        facts.period.start if whole else usage.first,
        facts.period.last if whole else usage.last,
        Decimal(1),
        usage.charge,
        tax_name,
        percent,
        destination=usage.destination,
        connected=usage.connected,
        billed_duration=usage.billed_duration,
        days=usage.days,
        day_ids=usage.day_ids,
        destinations=usage.destinations,
    )


def _folded(usage: list[Usage], most: int) -> list[Usage]:
    """The largest as they are, the rest as one: nothing is left out, and the order stays."""
    if len(usage) <= most:
        return usage
    by_size = sorted(range(len(usage)), key=lambda at: (-abs(usage[at].charge), at))
    kept = set(by_size[: most - 1])
    rest = [row for at, row in enumerate(usage) if at not in kept]
    together = Usage(
        None,
        None,
        min(row.first for row in rest),
        max(row.last for row in rest),
        add(row.charge for row in rest),
        sum(row.connected for row in rest),
        sum(row.billed_duration for row in rest),
        sum(row.days for row in rest),
        [key for row in rest for key in row.day_ids],
        [name for row in rest for name in row.destinations],
    )
    return [*(row for at, row in enumerate(usage) if at in kept), together]


def empty_line(facts: Facts) -> PlanLine:
    """What stands on the invoice of a customer who wants one of nothing, too."""
    period = facts.period
    tax_name, percent = default_tax(facts.customer)
    return PlanLine("line", NOTHING, period.start, period.last, Decimal(1), Decimal(0), tax_name, percent)
