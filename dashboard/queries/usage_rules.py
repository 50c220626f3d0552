"""Rules by which calls find their customer, and the calls that found none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, literal, or_, select

from dashboard.extensions import db
from dashboard.models import Customer, UsageRule, UsageUnmatched
from dashboard.models.usage import RULE_KINDS
from dashboard.queries.listing import Column, Listing, Tab, everything, key_filter

MOST_GROUPS = 100


def search(words: str) -> Sequence[Select[Any]]:
    customers = select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
    return [
        select(UsageRule.id).where(UsageRule.value.icontains(words, autoescape=True)),
        select(UsageRule.id).where(UsageRule.customer_id.in_(customers)),
    ]


LISTING = Listing(
    model=UsageRule,
    columns=(
        Column("customer_name", "Customer", Customer.name, sortable=True),
        key_filter("customer", "Customer", UsageRule.customer_id),
        Column("kind", "Calls with", UsageRule.kind, kind="choice", choices=RULE_KINDS, filterable=True),
        Column("value", "Value", UsageRule.value, sortable=True, filterable=True, editable="value"),
        Column("created_at", "Added", UsageRule.created_at, kind="moment", filterable=True),
        Column("id", "Record", UsageRule.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    extra=(Column("version", "Version", UsageRule.version),),
    default_sort="-id",
    joined=lambda statement: statement.join(Customer, Customer.id == UsageRule.customer_id),
    search=search,
    search_hint="Value or customer",
    tabs=(Tab("all", "All", everything),),
)


def of_customer(customer_id: int) -> Sequence[UsageRule]:
    return db.session.scalars(
        select(UsageRule)
        .where(UsageRule.customer_id == customer_id)
        .order_by(UsageRule.kind, UsageRule.value)
    ).all()


# What calls without a customer are grouped by, and the kind of rule that would take up such a group.
GROUPS = {
    "account_code": ("Account code", UsageUnmatched.account_code, "account_code"),
    "caller": ("Caller number", UsageUnmatched.source, "caller"),
    "trunk": ("Trunk", UsageUnmatched.trunk, "trunk"),
}


@dataclass(frozen=True)
class Group:
    """Calls that have something in common. `customer` is who they may belong to, by name or accounting ID."""

    value: str
    calls: int
    seconds: Decimal
    first: dt.datetime
    last: dt.datetime
    other: str
    customer_id: int | None = None
    customer: str = ""


@dataclass(frozen=True)
class Waiting:
    groups: list[Group]
    calls: int
    more: int


def count_unmatched() -> int:
    return db.session.scalar(select(func.count()).select_from(UsageUnmatched)) or 0


def unmatched(by: str, *, most: int = MOST_GROUPS) -> Waiting:
    """The calls that wait for a customer, by what they have in common, the largest groups first."""
    column = GROUPS[by][1]
    others = [other for name, (_, other, _) in GROUPS.items() if name != by]
    rows = db.session.execute(
        select(
            column.label("value"),
            func.count().label("calls"),
            func.sum(UsageUnmatched.duration).label("seconds"),
            func.min(UsageUnmatched.started_at).label("first"),
            func.max(UsageUnmatched.started_at).label("last"),
            *[func.max(other).label(f"other_{at}") for at, other in enumerate(others)],
            func.count().over().label("groups"),
        )
        .group_by(column)
        .order_by(func.count().desc(), column)
        .limit(most)
    ).all()
    hints = _hints([row.value for row in rows if row.value])
    groups = [
        Group(
            row.value,
            row.calls,
            row.seconds,
            row.first,
            row.last,
            ", ".join(filter(None, (row.other_0, row.other_1))),
            *hints.get(row.value.casefold(), (None, "")),
        )
        for row in rows
    ]
    return Waiting(groups, count_unmatched(), rows[0].groups - len(rows) if rows else 0)


def _hints(values: list[str]) -> dict[str, tuple[int, str]]:
    """Customers who are called exactly so, or have this accounting ID or telephone number."""
    lowered = [value.casefold() for value in values]
    if not lowered:
        return {}
    phone = func.regexp_replace(func.coalesce(Customer.phone, ""), "[^0-9]", "", "g")
    found: dict[str, tuple[int, str]] = {}
    for name, external, number, key, shown in db.session.execute(
        select(
            func.lower(Customer.name),
            func.lower(func.coalesce(Customer.external_accounting_id, literal(""))),
            phone,
            Customer.id,
            Customer.name,
        )
        .where(
            or_(
                func.lower(Customer.name).in_(lowered),
                func.lower(Customer.external_accounting_id).in_(lowered),
                phone.in_([value for value in lowered if value.isdigit()]),
            )
        )
        .order_by(Customer.id)
    ):
        for value in (name, external, number):
            if value in lowered:
                found.setdefault(value, (key, shown))
    return found
