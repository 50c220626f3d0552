"""Global > Usage: every call, and the page of one: what it cost and why, and where it is billed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import show
from dashboard.admin_views.audit import href_of
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import ListPage, RowAction
from dashboard.admin_views.usage_rerate import UsageRerate
from dashboard.models import UsageRecord
from dashboard.operations import base as operations
from dashboard.operations.errors import Missing
from dashboard.queries import usage_calls, usage_list
from dashboard.queries.listing import Column, State


class UsageView(UsageRerate, AdminView):
    """Calls come in by import and are never changed by hand."""

    model = UsageRecord
    operations = operations
    form = Form
    listing = usage_list.LISTING
    rights: ClassVar[dict[str, str]] = {"read": "usage.read"}
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
        "ajax_lookup": "read",
    }
    title = "Usage"
    singular = "call"
    icon = "usage"
    list_template = "admin/usage/list.html"
    empty_text = "Calls stand here once usage has been imported."
    toolbar = (("Rate again", "usage.rerate_view", "refresh", "usage.rerate"),)

    def __init__(self) -> None:
        super().__init__(endpoint="usage")

    def base_state(self, state: State) -> State:
        return usage_list.narrowed(state)

    def build_page(self, state: State, *, whole: bool = False) -> ListPage:
        page = super().build_page(state, whole=whole)
        page.search_hint = "Number, from its beginning"
        return page

    def columns_of(self, columns: list[Column], rows: Sequence[Any]) -> list[Column]:
        """Amounts of one currency with the same decimals, so that they can be compared at a glance."""
        return show.evenly(columns, rows)

    def row_href(self, row: Any) -> str:
        return call_href(row.id, row.started_at)

    def row_actions(self, row: Any) -> list[RowAction]:
        # When it began leads to the call; the room is the columns'.
        return []

    def row_label(self, row: Any) -> str:
        return f"call to {row.number or 'nowhere'} at {row.started_at:%Y-%m-%d %H:%M}"

    @expose("/details/")
    @needs("usage.read")
    def details_view(self) -> ResponseReturnValue:
        """One call. `at` is when it began: calls are kept by month, a key alone would search them all."""
        call = usage_calls.one(self.key_of(request.args.get("id")), _moment(request.args.get("at", "")))
        if call is None:
            raise Missing(self.singular)
        return self.render(
            "admin/usage/details.html",
            call=call,
            record_href=href_of,
            crumbs=self.crumbs(str(call)),
        )


def call_href(key: int, started_at: dt.datetime) -> str:
    """The page of a call."""
    at = started_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return url_for("usage.details_view", id=key, at=at)


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Missing("call") from None
    if found.tzinfo is None or not 1970 <= found.year <= 2999:
        raise Missing("call")
    return found
