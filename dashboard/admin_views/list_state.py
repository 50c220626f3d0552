"""A list's state and its URL: the same words both ways.

    ?tab=overdue&search=acme&sort=-total&total.gte=100&issue_date.between=2026-01-01..2026-01-31&after=...

A parameter with a dot is a filter. What can't be understood is said to the reader, and no row is shown: a
filter that was quietly dropped would widen a bulk action.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from dashboard.queries.list_filters import Filter
from dashboard.queries.list_filters import read as read_filter
from dashboard.queries.list_keyset import Cursor, fits, read_token
from dashboard.queries.listing import DEFAULT_SIZE, SIZES, Column, Listing, State, sort_of

LONGEST_SEARCH = 200
MOST_FILTERS = 20


def read(listing: Listing, args: MultiDict[str, str]) -> State:
    """The state that a query string describes."""
    errors: list[str] = []
    tab = args.get("tab", "")
    if tab and listing.tab(tab) is None:
        errors.append(f"There is no tab “{tab[:40]}”.")
    search = " ".join(args.get("search", "").replace("\x00", "").split())
    if len(search) > LONGEST_SEARCH:
        errors.append("The text to search for is too long.")
        search = search[:LONGEST_SEARCH]
    sort = _sort(listing, args.get("sort", ""))
    column, _ = sort_of(listing, State(sort=sort))
    return State(
        tab=tab if listing.tab(tab) else "",
        search=search,
        filters=_filters(listing, args, errors),
        sort=sort,
        after=_cursor(args, "after", column),
        before=_cursor(args, "before", column),
        last=args.get("last") == "1",
        size=_size(args.get("size", "")),
        columns=_columns(listing, args.get("columns", "")),
        errors=tuple(errors),
    )


def query(state: State, **changes: Any) -> str:
    """The query string of a state with `changes`; changing anything but the place goes back to page one."""
    if not changes.keys() & {"after", "before", "last"}:
        changes = {"after": None, "before": None, "last": False, **changes}
    changed = replace(state, **changes)
    pairs: list[tuple[str, str]] = []
    if changed.tab:
        pairs.append(("tab", changed.tab))
    if changed.search:
        pairs.append(("search", changed.search))
    pairs.extend((f"{one.column}.{one.operator}", one.text) for one in changed.filters)
    if changed.sort:
        pairs.append(("sort", changed.sort))
    if changed.size != DEFAULT_SIZE:
        pairs.append(("size", str(changed.size)))
    if changed.columns:
        pairs.append(("columns", ",".join(changed.columns)))
    for name in ("after", "before"):
        cursor: Cursor | None = getattr(changed, name)
        if cursor is not None:
            pairs.append((name, cursor.token()))
    if changed.last:
        pairs.append(("last", "1"))
    return "?" + urlencode(pairs, safe=",.") if pairs else ""


def _filters(listing: Listing, args: MultiDict[str, str], errors: list[str]) -> tuple[Filter, ...]:
    found: list[Filter] = []
    for name, text in args.items(multi=True):
        field, dot, operator = name.partition(".")
        if not dot:
            continue
        column = listing.column(field)
        if column is None or not column.filterable:
            errors.append(f"This list can't be filtered by “{field[:40]}”.")
            continue
        if not text.strip():
            continue
        try:
            found.append(read_filter(column, operator, text))
        except ValueError as error:
            errors.append(str(error))
    if len(found) > MOST_FILTERS:
        errors.append(f"At most {MOST_FILTERS} filters at once.")
    return tuple(found[:MOST_FILTERS])


def _sort(listing: Listing, text: str) -> str:
    column = listing.column(text.removeprefix("-"))
    return text if column is not None and column.sortable and text != listing.default_sort else ""


def _cursor(args: MultiDict[str, str], name: str, column: Column) -> Cursor | None:
    """The place in the list; one that is not of this order is no place, and the list shows its beginning."""
    token = args.get(name, "")
    found = read_token(token) if 0 < len(token) <= 2_000 else None
    return found if found and fits(found, column.kind, nullable=column.nullable) else None


def _size(text: str) -> int:
    return int(text) if text in {str(size) for size in SIZES} else DEFAULT_SIZE


def _columns(listing: Listing, text: str) -> tuple[str, ...]:
    names = [name for name in text.split(",") if listing.column(name) is not None]
    return tuple(dict.fromkeys(names))
