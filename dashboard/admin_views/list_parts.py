"""The parts of a list page: cells, heads, tabs, chips, filters, totals, the pager, each from the listing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import url_for

from dashboard.admin_views import list_state, lookups, show
from dashboard.admin_views.list_page import Cell, RowAction, ShownRow, counted
from dashboard.queries import list_filters, listing
from dashboard.queries.listing import Column, Listing, Page, State


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
