"""What the list template shows: the page, its rows and cells, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from markupsafe import Markup

from dashboard.admin_views import list_state
from dashboard.queries.listing import COUNT_CAP, SIZES, Column, State


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


def delete_action(right: str, confirm: str, label: str = "Delete", done: str = "deleted") -> Action:
    return Action("delete", label, right, confirm, icon="trash", danger=True, done=done)


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
