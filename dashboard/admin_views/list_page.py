"""What the list template shows, put together from a listing, a state and its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from markupsafe import Markup

from dashboard.admin_views import list_state, lookups, show
from dashboard.queries import list_filters, listing
from dashboard.queries.listing import COUNT_CAP, SIZES, Column, Listing, Page, State


@dataclass(frozen=True)
class RowAction:
    """An icon at the end of a row: a link, or a button that posts."""

    label: str
    icon: str
    href: str
    method: str = "get"
    confirm: str = ""
    download: bool = False
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """A bulk action. `confirm` is the question, with {n} for the count. `form` names the view's method that
    makes the form of extra fields; such an action asks in a dialog of its own."""

    name: str
    label: str
    right: str
    confirm: str
    icon: str = "check"
    danger: bool = False
    form: str = ""
    download: bool = False
    dialog_href: str = ""
    # The word for rows to which it was done.
    done: str = "changed"
    # Whether rows are changed by it; then the account may ask for the reason.
    changes: bool = True


@dataclass(frozen=True)
class Cell:
    """`editable` is the form field that edits it, "" where it can't be; `raw` what the editor starts from."""

    column: Column
    html: Markup
    text: str
    kind: str
    editable: str
    raw: str
    version: int | None
    href: str = ""

    @property
    def edit_kind(self) -> str:
        return "bool" if self.kind == "flag" else self.kind

    @property
    def choices(self) -> dict[str, str]:
        blank = {"": "–"} if self.column.nullable else {}
        return {**blank, **self.column.choices} if self.column.choices else {}

    @property
    def lookup(self) -> str:
        return url_for(f"{self.column.lookup}.ajax_lookup") if self.column.lookup else ""


@dataclass(frozen=True)
class ShownRow:
    id: int
    label: str
    href: str
    version: int | None
    cells: list[Cell]
    actions: list[RowAction]


@dataclass
class ListPage:
    """The whole page. Totals are None where the list is too long to add up at once: they come after."""

    title: str
    singular: str
    base: str
    state: State
    columns: list[dict[str, Any]]
    rows: list[ShownRow]
    tabs: list[dict[str, Any]]
    chips: list[dict[str, str]]
    filters: list[dict[str, Any]]
    totals: list[dict[str, Any]] | None
    count: int | None
    first: int
    prev_href: str
    next_href: str
    first_href: str
    last_href: str
    actions: Sequence[Action]
    create_href: str = ""
    create_label: str = ""
    export_href: str = ""
    search_hint: str = "Search"
    empty_text: str = ""
    icon: str = "file"
    edit_href: str = ""
    action_href: str = ""
    buttons: list[dict[str, str]] = field(default_factory=list)
    cap: int = COUNT_CAP

    @property
    def search(self) -> str:
        return self.state.search

    @property
    def errors(self) -> tuple[str, ...]:
        return self.state.errors

    @property
    def page_size(self) -> int:
        return self.state.size

    @property
    def sizes(self) -> tuple[int, ...]:
        return SIZES

    @property
    def can_create(self) -> bool:
        return bool(self.create_href)

    @property
    def total_count(self) -> int:
        """How many "Select all" would take; none where there is nothing beyond the page."""
        return self.count or 0

    @property
    def total_text(self) -> str:
        return counted(self.count or 0, self.cap)

    @property
    def clear_href(self) -> str:
        return self.base + list_state.query(self.state, tab="", search="", filters=())

    @property
    def summary_href(self) -> str:
        """Where the counts and totals of a long list come from."""
        return self.base + "summary/" + list_state.query(self.state)

    @property
    def query(self) -> str:
        return list_state.query(self.state)

    @property
    def count_text(self) -> str:
        """`1–50 of 412`; the count is honest about its cap: `10,000+`."""
        if not self.rows:
            return f"of {counted(self.count, self.cap)}" if self.count else "No rows"
        first = self.first
        if first == 0 and self.count is not None and self.count <= self.cap:
            first = self.count - len(self.rows) + 1
        place = f"{first:,}–{first + len(self.rows) - 1:,}" if first else f"Last {len(self.rows):,}"
        return place if self.count is None else f"{place} of {counted(self.count, self.cap)}"


def counted(count: int, cap: int = COUNT_CAP) -> str:
    return f"{cap:,}+" if count > cap else f"{count:,}"


def shown_columns(described: Listing, state: State) -> list[Column]:
    chosen = [described.column(name) for name in state.columns]
    return [c for c in chosen if c is not None] or [c for c in described.columns if not c.hidden]


def shown_row(
    row: Any,
    columns: Sequence[Column],
    *,
    href: str,
    editable: Callable[[Column, Any], bool],
    link: Callable[[Column, Any], str],
    actions: list[RowAction],
    label: str,
) -> ShownRow:
    """One row as cells; `editable` says which the reader may change in place, `link` what they lead to."""
    values = row._mapping
    cells = [
        Cell(
            column=column,
            html=show.cell(column, values),
            text=show.plain_cell(column, values),
            kind=column.kind,
            editable=column.editable if column.editable and editable(column, row) else "",
            raw=show.raw(column, values),
            version=values.get("version"),
            href=link(column, row),
        )
        for column in columns
    ]
    return ShownRow(values["id"], label, href, values.get("version"), cells, actions)


def heads(described: Listing, state: State, base: str) -> list[dict[str, Any]]:
    """The header cells with their sort links; a second click turns the order round."""
    sorted_by, descending = listing.sort_of(described, state)
    found = []
    shown = shown_columns(described, state)
    for column in (*shown, *(one for one in described.columns if one not in shown)):
        active = column.name == sorted_by.name
        turn = f"-{column.name}" if active and not descending else column.name
        href = base + list_state.query(state, sort=turn) if column.sortable else ""
        direction = ("descending" if descending else "ascending") if active else ""
        found.append(
            {
                "name": column.name,
                "label": column.label,
                "kind": column.kind,
                "sortable": column.sortable,
                "sort_href": href,
                "sorted": {"descending": "desc", "ascending": "asc"}.get(direction),
                "aria_sort": direction,
                "hidden": column not in shown,
            }
        )
    return found


def tab_links(described: Listing, state: State, base: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    current = state.tab or (described.tabs[-1].name if described.tabs else "")
    return [
        {
            "name": tab.name,
            "label": tab.label,
            "count": counted(counts[tab.name]) if tab.name in counts else None,
            "href": base + list_state.query(state, tab=tab.name),
            "active": tab.name == current,
        }
        for tab in described.tabs
    ]


def chips(described: Listing, state: State, base: str) -> list[dict[str, str]]:
    """The filters in use, in words, each with the link that takes it away."""
    found = []
    for one in state.filters:
        column = described.column(one.column)
        if column is None:
            continue
        rest = tuple(other for other in state.filters if other is not one)
        found.append(
            {
                "label": _in_words(column, one),
                "remove_href": base + list_state.query(state, filters=rest),
            }
        )
    return found


def _in_words(column: Column, one: list_filters.Filter) -> str:
    if one.operator == "empty":
        return f"{column.label} is {'' if one.values[0] else 'not '}empty"
    if one.operator == "between":
        low, high = (str(value) if value is not None else "…" for value in one.values)
        return f"{column.label} between {low} and {high}"
    words = ", ".join(_value_in_words(column, value) for value in one.values)
    return f"{column.label} {list_filters.OPERATORS[one.operator]} {words}"


def _value_in_words(column: Column, value: Any) -> str:
    if column.choices:
        return column.choices.get(value, str(value))
    if column.kind == "key" and column.lookup:
        return lookups.label_of(column.lookup, value) or f"#{value}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def filter_fields(described: Listing) -> list[dict[str, Any]]:
    """What the filter builder offers: a field, its operators, and how its value is asked for."""
    return [
        {
            "name": column.name,
            "label": column.label,
            "kind": column.kind,
            "operators": [(op, list_filters.OPERATORS[op]) for op in list_filters.OFFERED[column.kind]],
            "choices": list(column.choices.items()),
            "lookup": url_for(f"{column.lookup}.ajax_lookup") if column.lookup else "",
        }
        for column in described.columns
        if column.filterable
    ]


def total_rows(described: Listing, sums: Sequence[Any]) -> list[dict[str, Any]]:
    """The totals of the filtered rows, one figure a currency."""
    return [
        {
            "currency": row.currency,
            "count": row.count,
            "values": {name: show.money(row._mapping[name], row.currency) for name in described.totals},
        }
        for row in sums
    ]


def pager(state: State, page: Page, base: str) -> dict[str, str]:
    def link(**changes: Any) -> str:
        return base + list_state.query(state, **changes)

    return {
        "prev_href": link(before=page.previous, after=None, last=False) if page.previous else "",
        "next_href": link(after=page.next, before=None, last=False) if page.next else "",
        "first_href": link(after=None, before=None, last=False) if page.previous else "",
        "last_href": link(after=None, before=None, last=True) if page.next else "",
    }
