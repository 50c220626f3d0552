"""Lists: one declaration of columns, tabs and search serves the screen, its filters, totals and export.

A page is read by keyset: the sort column and the key of the row where the reader stands, never an OFFSET.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, any_, cast, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from dashboard.extensions import db
from dashboard.models import Base
from dashboard.queries.list_filters import Filter, condition
from dashboard.queries.list_keyset import Cursor, after, before

COUNT_CAP = 10_000
SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50

Expression = InstrumentedAttribute[Any] | ColumnElement[Any]


@dataclass(frozen=True)
class Column:
    """One column of a list.

    `kind` is text, money, number, percent, date, moment, choice, flag, tags or key (a foreign key, filtered
    by the records of the view `lookup`). `shows` names the column whose text stands for a key; `currency`
    the one that holds a money column's currency. `editable` names the form field that edits the cell in
    place; "" where it can't be.
    """

    name: str
    label: str
    expression: Expression
    kind: str = "text"
    sortable: bool = False
    filterable: bool = False
    editable: str = ""
    currency: str = "currency"
    choices: Mapping[str, str] = field(default_factory=dict)
    lookup: str = ""
    shows: str = ""
    hidden: bool = False
    exported: bool = True
    nullable: bool = False
    # A choice shown as a coloured badge, and the word for a missing value.
    badge: bool = False
    # A number that is a unit price, written with every decimal it has in the row's currency.
    price: bool = False
    # By currency, the decimals that all prices of a page are written with, where they are to stand evenly.
    places: Mapping[str, int] = field(default_factory=dict)
    blank: str = ""


def key_filter(name: str, label: str, expression: Expression) -> Column:
    """A filter by a record of the view `name`; the column `<name>_name` holds what the record is called."""
    return Column(
        name,
        label,
        expression,
        kind="key",
        lookup=name,
        shows=f"{name}_name",
        filterable=True,
        hidden=True,
        exported=False,
    )


@dataclass(frozen=True)
class Tab:
    """A named slice of a list, shown with its count. `condition` is asked when it is used, as today moves."""

    name: str
    label: str
    condition: Callable[[], ColumnElement[bool] | None]


def everything() -> None:
    """The condition of a tab that leaves nothing out."""


@dataclass(frozen=True)
class Listing:
    model: type[Base]
    columns: tuple[Column, ...]
    default_sort: str
    # Adds joins to the select; every column's expression must be reachable.
    joined: Callable[[Select[Any]], Select[Any]] = lambda statement: statement
    # Conditions, each served by its own index; a row matches when one of them holds.
    search: Callable[[str], Sequence[Select[Any]]] | None = None
    search_hint: str = "Search"
    tabs: tuple[Tab, ...] = ()
    totals: tuple[str, ...] = ()
    # Columns that actions need, selected with every row and never shown.
    extra: tuple[Column, ...] = ()
    # A quicker way to the count, where the state allows it; None where it doesn't.
    counted: Callable[[State], int | None] = lambda state: None
    # Beyond so many rows a count says "and more".
    cap: int = COUNT_CAP

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def key(self) -> Expression:
        return self.model.__mapper__.primary_key[0]

    def tab(self, name: str) -> Tab | None:
        return next((tab for tab in self.tabs if tab.name == name), None)


@dataclass(frozen=True)
class State:
    """Which rows, in what order, and where in them: all of it stands in the URL."""

    tab: str = ""
    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: str = ""
    after: Cursor | None = None
    before: Cursor | None = None
    last: bool = False
    size: int = DEFAULT_SIZE
    columns: tuple[str, ...] = ()
    # The keys that the search found, once `look_up` has asked; None where it has not, or found too many.
    found: tuple[int, ...] | None = None
    # What the reader is held to whatever the URL says, such as their own rows.
    pinned: tuple[ColumnElement[bool], ...] = ()
    # What in the URL could not be understood, in words; a list with errors shows no rows.
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    rows: list[Row[Any]]
    first: int
    previous: Cursor | None
    next: Cursor | None


def page(listing: Listing, state: State) -> Page:
    """The rows where the reader stands, with the cursors to either side."""
    if state.errors:
        return Page([], 0, None, None)
    column, descending = sort_of(listing, state)
    backwards = state.before is not None or state.last
    statement = _selected(listing, state)
    cursor = state.before if state.before is not None else state.after
    nullable = column.nullable
    if cursor is not None:
        ahead = before if backwards else after
        statement = statement.where(
            ahead(column.expression, listing.key, cursor, descending=descending, nullable=nullable)
        )
    flip = descending != backwards
    order = [column.expression.desc() if flip else column.expression.asc()]
    if column.expression is not listing.key:
        order.append(listing.key.desc() if flip else listing.key.asc())
    found = list(db.session.execute(statement.order_by(*order).limit(state.size + 1)))
    more = len(found) > state.size
    rows = found[: state.size]
    if backwards:
        rows.reverse()
    return _placed(rows, more, state, column)


def _placed(rows: list[Row[Any]], more: bool, state: State, column: Column) -> Page:
    backwards = state.before is not None or state.last
    if not rows:
        return Page([], 0, None, None)
    if state.before is not None:
        first = max(1, state.before.position - len(rows))
    elif state.last:
        first = 0
    else:
        first = state.after.position + 1 if state.after else 1
    at_start = not more if backwards else state.after is None
    at_end = state.last or (not more if not backwards else False)
    previous = None if at_start else _cursor(rows[0], column, first)
    following = None if at_end else _cursor(rows[-1], column, first + len(rows) - 1)
    return Page(rows, first, previous, following)


def _cursor(row: Row[Any], column: Column, position: int) -> Cursor:
    return Cursor(value=row._mapping[column.name], key=row._mapping["id"], position=position)


def sort_of(listing: Listing, state: State) -> tuple[Column, bool]:
    """The column to sort by and whether it descends; the listing's own where the state names none."""
    wanted = state.sort or listing.default_sort
    column = listing.column(wanted.removeprefix("-"))
    if column is None or not (column.sortable or wanted == listing.default_sort):
        wanted = listing.default_sort
        column = listing.column(wanted.removeprefix("-"))
    if column is None:
        column = Column("id", "ID", listing.key, kind="number", sortable=True)
    return column, wanted.startswith("-")


def _selected(listing: Listing, state: State) -> Select[Any]:
    chosen = [column.expression.label(column.name) for column in (*listing.columns, *listing.extra)]
    named = {column.name for column in (*listing.columns, *listing.extra)}
    if "id" not in named:
        chosen.append(listing.key.label("id"))
    version = getattr(listing.model, "version", None)
    if version is not None and "version" not in named:
        chosen.append(version.label("version"))
    return filtered(listing, state, select(*chosen))


def filtered(listing: Listing, state: State, statement: Select[Any]) -> Select[Any]:
    """The statement narrowed to the state's tab, filters and search."""
    statement = listing.joined(statement.select_from(listing.model))
    statement = statement.where(*state.pinned)
    tab = listing.tab(state.tab)
    if tab is not None:
        narrowed = tab.condition()
        if narrowed is not None:
            statement = statement.where(narrowed)
    for one in state.filters:
        column = listing.column(one.column)
        if column is not None:
            statement = statement.where(condition(column.expression, one))
    if state.found is not None:
        return statement.where(listing.key == any_(cast(list(state.found), ARRAY(BigInteger))))
    if state.search and listing.search is not None:
        matches = union(*listing.search(state.search)).subquery()
        statement = statement.where(listing.key.in_(select(matches.c[0])))
    return statement


def look_up(listing: Listing, state: State) -> State:
    """The state with the keys that its search finds, so that rows, counts and totals need not search again.

    Each branch is served by its own index. More than COUNT_CAP matches stay a condition: they are then so
    many that a page of them is found at once.
    """
    if not state.search or listing.search is None or state.errors:
        return state
    branches = [branch.limit(COUNT_CAP + 1).subquery() for branch in listing.search(state.search)]
    matches = union(*(select(branch.c[0]) for branch in branches)).limit(COUNT_CAP + 1)
    found = tuple(db.session.scalars(matches))
    return state if len(found) > COUNT_CAP else replace(state, found=found)


def keys(listing: Listing, state: State, limit: int) -> list[int]:
    """The keys of the matching rows in list order, at most `limit`."""
    if state.errors:
        return []
    column, descending = sort_of(listing, state)
    order = [column.expression.desc() if descending else column.expression.asc()]
    order.append(listing.key.desc() if descending else listing.key.asc())
    statement = filtered(listing, state, select(listing.key)).order_by(*order).limit(limit)
    return list(db.session.scalars(statement))


def row(listing: Listing, key: int, pinned: tuple[ColumnElement[bool], ...] = ()) -> Row[Any] | None:
    """One row as the list shows it, whatever the tab and filters."""
    statement = _selected(listing, State(pinned=pinned)).where(listing.key == key)
    return db.session.execute(statement).one_or_none()
