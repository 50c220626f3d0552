"""The rates of one card, as a list: in force, to come, past."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import wants_fragment
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.list_page import ListPage, RowAction
from dashboard.extensions import db
from dashboard.models import Rate, RateCard
from dashboard.operations import rates as operations
from dashboard.queries import rate_lists
from dashboard.queries.listing import State


class RateView(AdminView):
    """Rates are changed by new ones, on the card's own pages."""

    model = Rate
    operations = operations
    form = Form
    listing = rate_lists.RATES
    rights: ClassVar[dict[str, str]] = {"read": "rate.read"}
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
    }
    title = "Rates"
    singular = "rate"
    icon = "coins"
    empty_text = "Import the card's rates from a CSV file, or add them one by one."
    has_details = False

    def is_visible(self) -> bool:
        # Reached from a card; rates of all cards together would mean nothing.
        return False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        state = self.read_state(request.args)
        card = _card(state)
        if card is None:
            return redirect(url_for("rate_card.index_view"), 303)
        crumbs = [
            {"label": "Rate cards", "href": url_for("rate_card.index_view")},
            {"label": card.name, "href": url_for("rate_card.details_view", id=card.id)},
            {"label": "Rates", "href": ""},
        ]
        template = "admin/_list.html" if wants_fragment() else self.list_template
        return self.render(template, page=self.build_page(state), crumbs=crumbs)  # type: ignore[no-any-return]

    def base_state(self, state: State) -> State:
        asked = _card_id(state)
        if asked is None:
            return replace(state, errors=(*state.errors, "Choose a rate card to see its rates."))
        return rate_lists.held_to(state, asked)

    def build_page(self, state: State, *, whole: bool = False) -> ListPage:
        page = super().build_page(state, whole=whole)
        page.search_hint = "Prefix or destination"
        card = _card(state)
        if card is None:
            return page
        page.title = f"Rates of {card.name}"
        page.chips = [chip for chip in page.chips if not chip["label"].startswith("Rate Card is")]
        page.buttons = [_button("Test a number", "wand", "rate_card.test_view", rate_card_id=card.id)]
        if self.may("rate.write"):
            here = page.base + page.query
            page.buttons.insert(0, _button("Import", "upload", "rate_card.import_view", id=card.id))
            page.create_href = url_for("rate_card.rate_view", id=card.id, next=here)
            page.create_label = "Add rate"
        return page

    def row_href(self, row: Any) -> str:
        """Everything that the prefix has cost and will cost."""
        return url_for(
            ".index_view", **{"rate_card.is": row.rate_card, "prefix.is": row.prefix, "tab": "all"}
        )

    def row_label(self, row: Any) -> str:
        return f"{row.prefix} {row.destination}"

    def row_actions(self, row: Any) -> list[RowAction]:
        actions = [RowAction("All dates of this prefix", "clock", self.row_href(row))]
        if self.may("rate.write") and not row.withdrawn:
            asked = {"id": row.rate_card, "prefix": row.prefix, "next": request.full_path.rstrip("?")}
            actions.append(RowAction("Change from a date", "edit", url_for("rate_card.rate_view", **asked)))
            actions.append(RowAction("Withdraw", "trash", url_for("rate_card.withdraw_view", **asked)))
        return actions


def _button(label: str, icon: str, endpoint: str, **values: Any) -> dict[str, str]:
    return {"label": label, "icon": icon, "href": url_for(endpoint, **values)}


def _card_id(state: State) -> int | None:
    for one in state.filters:
        if one.column == "rate_card" and one.operator == "is" and one.values:
            return int(one.values[0])
    return None


def _card(state: State) -> RateCard | None:
    key = _card_id(state)
    return db.session.get(RateCard, key) if key is not None else None
