"""How many rows of a list there are, in all and by tab, and what they add up to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, select

from dashboard.extensions import db
from dashboard.queries.listing import COUNT_CAP, Listing, State, filtered


def count(listing: Listing, state: State, cap: int | None = None) -> int:
    """How many rows match, at most `cap` + 1."""
    cap = cap or listing.cap
    if state.errors:
        return 0
    known = listing.counted(state)
    if known is not None:
        return min(known, cap + 1)
    inner = filtered(listing, state, select(literal_column("1"))).limit(cap + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(inner)) or 0


def tab_counts(listing: Listing, state: State, cap: int = COUNT_CAP) -> dict[str, int]:
    """How many rows each tab would show under the same search and filters; at most `cap` + 1 each."""
    if not listing.tabs or state.errors:
        return {}
    if state.found is not None:
        return _tabs_of_few(listing, state)
    counted = []
    for tab in listing.tabs:
        sliced = replace(state, tab=tab.name)
        inner = filtered(listing, sliced, select(literal_column("1"))).limit(cap + 1).subquery()
        counted.append(select(func.count()).select_from(inner).scalar_subquery().label(tab.name))
    return dict(db.session.execute(select(*counted)).one()._mapping)


def _tabs_of_few(listing: Listing, state: State) -> dict[str, int]:
    """The same where the rows are few: one look at them counts every tab."""
    counted: list[ColumnElement[int]] = []
    for tab in listing.tabs:
        narrowed = tab.condition()
        one = func.count() if narrowed is None else func.count().filter(narrowed)
        counted.append(one.label(tab.name))
    everything = filtered(listing, replace(state, tab=""), Select(*counted))
    return dict(db.session.execute(everything).one()._mapping)


def totals(listing: Listing, state: State) -> list[Row[Any]]:
    """The sums of the money columns over every matching row: one row a currency, never mixed."""
    if not listing.totals or state.errors:
        return []
    currency = listing.column("currency") or next(c for c in listing.extra if c.name == "currency")
    summed = [func.sum(c.expression).label(c.name) for c in listing.columns if c.name in listing.totals]
    chosen = [currency.expression.label("currency"), func.count().label("count"), *summed]
    statement = filtered(listing, state, select(*chosen)).group_by(currency.expression)
    return list(db.session.execute(statement.order_by(currency.expression)))
