"""Global > Usage: every call, the newest first, found through the ledger of days.

A page walks the index of (started_at, id), month by month. A destination or a provider is looked up in
`usage_day`, which is small: few days of them lead straight to their calls, many make the walk short by
themselves, and their first and last day say where it begins and ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
)

from dashboard.extensions import db
from dashboard.models import Customer, Provider, UsageDay, UsageRecord
from dashboard.models.usage import RATINGS, RESULTS
from dashboard.queries.list_filters import Filter, condition, digits
from dashboard.queries.listing import Column, Listing, State, key_filter
from dashboard.queries.usage_late import LATE_CALL, LATE_DAY

# So many days of the ledger are followed to their calls; more of them are found on the way.
MOST_DAYS = 2_000
MOST_COUNTED = 1_000
# A call's day in its customer's zone is at most so far from its day in UTC.
ZONE = dt.timedelta(days=2)
# What the ledger knows of a call, so that it can count without reading calls.
IN_LEDGER = {"customer", "destination", "provider", "late"}

_NAMES = text("""
WITH RECURSIVE names(name) AS (
    (SELECT destination FROM usage_day ORDER BY destination LIMIT 1)
    UNION ALL
    SELECT (SELECT destination FROM usage_day WHERE destination > name ORDER BY destination LIMIT 1)
    FROM names WHERE name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL
""")
_SPAN = {
    "destination": text("""
SELECT min(low), max(high) FROM unnest(CAST(:these AS varchar[])) AS one CROSS JOIN LATERAL (SELECT
    (SELECT day FROM usage_day WHERE destination = one ORDER BY day LIMIT 1) AS low,
    (SELECT day FROM usage_day WHERE destination = one ORDER BY day DESC LIMIT 1) AS high) AS days
"""),
    "provider": text("""
SELECT min(low), max(high) FROM unnest(CAST(:these AS bigint[])) AS one CROSS JOIN LATERAL (SELECT
    (SELECT day FROM usage_day WHERE provider_id = one ORDER BY day LIMIT 1) AS low,
    (SELECT day FROM usage_day WHERE provider_id = one ORDER BY day DESC LIMIT 1) AS high) AS days
"""),
}


def destination_names() -> list[str]:
    """Every destination of the ledger, by name: as many steps in an index as there are names."""
    return list(db.session.scalars(_NAMES))


def narrowed(state: State) -> State:
    """The state held to what its filters mean in the ledger."""
    if state.errors:
        return state
    asked = _Asked.read(state)
    pinned = [*state.pinned, *_number(state.search)]
    if asked.names is not None and not asked.names:
        return replace(state, pinned=(*pinned, literal_column("false")))
    if asked.wants_days:
        days = asked.days(MOST_DAYS + 1)
        if len(days) <= MOST_DAYS:
            found = cast([day.id for day in days], ARRAY(BigInteger))
            pinned.append(UsageRecord.usage_day_id == any_(found))
            pinned.extend(
                _between(min((d.day for d in days), default=None), max((d.day for d in days), default=None))
            )
        else:
            pinned.extend(asked.span())
    return replace(state, pinned=tuple(pinned))


def _number(words: str) -> list[ColumnElement[bool]]:
    """What stands in the search box: a number from its beginning."""
    if not words:
        return []
    try:
        return [UsageRecord.number.startswith(digits(words), autoescape=True)]
    except ValueError:
        return [literal_column("false")]


def _days_of(state: State) -> list[ColumnElement[bool]]:
    """The days of the ledger on which calls of the chosen days may stand."""
    found: list[ColumnElement[bool]] = []
    for one in state.filters:
        if one.column == "started_at":
            low, high = one.values if one.operator == "between" else (one.values[0], one.values[0])
            if low is not None and one.operator != "lte":
                found.append(UsageDay.day >= low - ZONE)
            if high is not None and one.operator != "gte":
                found.append(UsageDay.day <= high + ZONE)
    return found


def _between(first: dt.date | None, last: dt.date | None) -> list[ColumnElement[bool]]:
    if first is None or last is None:
        return []
    low = dt.datetime.combine(first, dt.time(), dt.UTC) - ZONE
    high = dt.datetime.combine(last, dt.time(), dt.UTC) + ZONE
    return [UsageRecord.started_at >= low, UsageRecord.started_at < high]


@dataclass(frozen=True)
class _Asked:
    """What of a state's filters the ledger can answer."""

    conditions: tuple[ColumnElement[bool], ...]
    names: tuple[str, ...] | None
    providers: tuple[int, ...]
    late: bool
    # Nothing but the ledger is asked for, so that its attempts are the count.
    whole: bool

    @classmethod
    def read(cls, state: State) -> _Asked:
        found: list[ColumnElement[bool]] = []
        names: set[str] | None = None
        providers: tuple[int, ...] = ()
        late = any(one.column == "late" and one.values[0] for one in state.filters)
        if late:
            found += [LATE_DAY, *_days_of(state)]
        for one in state.filters:
            if one.column == "destination" and one.operator in ("is", "starts", "contains"):
                these = set(_matching(one))
                names = these if names is None else names & these
            elif one.column == "provider" and one.operator in ("is", "in"):
                providers = one.values
                found.append(condition(UsageDay.provider_id, one))
            elif one.column == "customer" and one.operator in ("is", "in"):
                found.append(condition(UsageDay.customer_id, one))
        if names is not None:
            found.append(UsageDay.destination == any_(cast(sorted(names), ARRAY(String))))
        whole = not state.search and all(
            one.column in IN_LEDGER
            and one.operator in ("is", "in", "starts", "contains")
            and (late or one.column != "late")
            for one in state.filters
        )
        chosen = None if names is None else tuple(sorted(names))
        return cls(tuple(found), chosen, providers, late, whole)

    @property
    def wants_days(self) -> bool:
        return self.names is not None or bool(self.providers) or self.late

    def days(self, most: int) -> Sequence[Any]:
        return db.session.execute(select(UsageDay.id, UsageDay.day).where(*self.conditions).limit(most)).all()

    def span(self) -> list[ColumnElement[bool]]:
        """From the first day to the last one of what is asked for."""
        found: list[ColumnElement[bool]] = []
        for kind, these in (("destination", self.names), ("provider", self.providers)):
            if these:
                row = db.session.execute(_SPAN[kind].bindparams(bindparam("these", list(these)))).one()
                found.extend(_between(*row))
        return found


def _matching(one: Filter) -> list[str]:
    """The destinations whose names the filter means."""
    return [name for name in destination_names() if _fits(name.lower(), one.operator, one.values[0].lower())]


def _fits(name: str, operator: str, wanted: str) -> bool:
    if operator == "is":
        return name == wanted
    return name.startswith(wanted) if operator == "starts" else wanted in name


def counted(state: State) -> int | None:
    """The attempts of the ledger, where it knows all that is asked for; each of its rows is at least one."""
    asked = _Asked.read(state)
    if not asked.whole or not asked.wants_days:
        return None
    few = select(UsageDay.attempts).where(*asked.conditions).limit(MOST_COUNTED + 1).subquery()
    return int(db.session.scalar(select(func.coalesce(func.sum(few.c.attempts), 0))) or 0)


def _joined(statement: Select[Any]) -> Select[Any]:
    # Outer joins by key: where only calls are counted, the planner leaves them out.
    statement = statement.outerjoin(Customer, Customer.id == UsageRecord.customer_id)
    return statement.outerjoin(Provider, Provider.id == UsageRecord.provider_id)


# A cost without a provider came with the file, in the customer's currency.
COST_CURRENCY = func.coalesce(Provider.currency, Customer.currency)

LISTING = Listing(
    model=UsageRecord,
    columns=(
        Column(
            "started_at", "Start (UTC)", UsageRecord.started_at, kind="moment", sortable=True, filterable=True
        ),
        Column("customer_name", "Customer", Customer.name),
        key_filter("customer", "Customer", UsageRecord.customer_id),
        Column("source", "Source", UsageRecord.source),
        Column("number", "Number", UsageRecord.number, kind="digits", filterable=True),
        Column("destination", "Destination", UsageRecord.destination, filterable=True),
        Column("duration", "Duration", UsageRecord.duration, kind="number"),
        Column("billed_duration", "Billed", UsageRecord.billed_duration, kind="number"),
        Column(
            "rate_per_minute", "Rate", UsageRecord.rate_per_minute, kind="number", price=True, nullable=True
        ),
        Column("charge", "Charge", UsageRecord.charge, kind="number", price=True, nullable=True),
        Column("currency", "Currency", Customer.currency, hidden=True),
        Column("provider_name", "Provider", Provider.name),
        key_filter("provider", "Provider", UsageRecord.provider_id),
        Column(
            "cost",
            "Cost",
            UsageRecord.cost,
            kind="number",
            price=True,
            nullable=True,
            currency="cost_currency",
        ),
        Column("cost_currency", "Cost Currency", COST_CURRENCY, hidden=True),
        Column(
            "result",
            "Result",
            UsageRecord.result,
            kind="choice",
            choices=RESULTS,
            badge=True,
            filterable=True,
        ),
        Column(
            "rating",
            "Rating",
            UsageRecord.rating,
            kind="choice",
            choices=RATINGS,
            filterable=True,
        ),
        Column("late", "Late", LATE_CALL, kind="flag", filterable=True, hidden=True, exported=False),
        Column("provider_destination", "Provider Destination", UsageRecord.provider_destination, hidden=True),
        Column("account_code", "Account Code", UsageRecord.account_code, hidden=True),
        Column("trunk", "Trunk", UsageRecord.trunk, hidden=True),
        Column("import", "Import", UsageRecord.usage_import_id, kind="number", filterable=True, hidden=True),
        Column("id", "Record", UsageRecord.id, kind="number", hidden=True),
    ),
    default_sort="-started_at",
    joined=_joined,
    counted=counted,
    # Two filters that few calls fit together take a long walk; it is not made longer for the count's sake.
    cap=MOST_COUNTED,
)


def of_ledger(days: Select[Any], first: dt.date, last: dt.date) -> ColumnElement[bool]:
    """The calls of rows of the ledger (a select of their ids) from the first day to the last."""
    return and_(UsageRecord.usage_day_id.in_(days), *_between(first, last))


__all__ = ["LISTING", "destination_names", "narrowed", "of_ledger"]
