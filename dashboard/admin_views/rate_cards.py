"""Management > Rate cards: what calls are sold for and what they cost, by prefix."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.answers import download
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import RowAction, delete_action
from dashboard.admin_views.rate_changes import RateChanges
from dashboard.admin_views.rate_import import RateImport
from dashboard.admin_views.rate_test import RateTest
from dashboard.extensions import db
from dashboard.models import Customer, Provider, RateCard, RateRevision
from dashboard.models.rate import CARD_KINDS, ROUNDINGS
from dashboard.operations import rate_cards, rates
from dashboard.operations.errors import Missing, Refused
from dashboard.operations.rate_cards import LONGEST_INCREMENT
from dashboard.queries import rate_file, rate_lists, settings
from dashboard.rules.money import currencies


class RateCardForm(Form):
    name = fields.text("Name", max=120, required=True)
    kind = fields.choice("For", CARD_KINDS, default="sell")
    customer_id = fields.lookup(
        "Customer", "customer", help="Its own rates go before those of its rate card."
    )
    provider_id = fields.lookup("Provider", "provider", help="What its calls cost you.")
    currency = fields.choice(
        "Currency", currencies, search=True, help="The customer's or provider's own, where it is for one."
    )
    minimum_seconds = fields.whole(
        "MCD",
        max=LONGEST_INCREMENT,
        required=True,
        help="Seconds that every answered call is charged at least.",
    )
    pulse_seconds = fields.whole(
        "Pulse",
        min=1,
        max=LONGEST_INCREMENT,
        required=True,
        help="Seconds in each step after that: 60/6 is MCD 60, pulse 6.",
    )
    duration_rounding = fields.choice(
        "Duration Rounding", ROUNDINGS, help="To whole seconds, before MCD and pulse."
    )
    cost_rounding = fields.choice("Cost Rounding", ROUNDINGS, help="Of each call.")
    cost_places = fields.whole("Cost Precision", max=6, required=True, help="Decimals of a call's cost.")
    notes = fields.long_text("Notes", help="For staff only.")

    sections = (
        ("Rate card", ("name", "kind", "customer_id", "provider_id", "currency")),
        ("Increments", ("minimum_seconds", "pulse_seconds")),
        ("Rounding", ("duration_rounding", "cost_rounding", "cost_places")),
        ("More", ("notes",)),
    )


class RateCardView(RateImport, RateChanges, RateTest, AdminView):
    model = RateCard
    operations = rate_cards
    form = RateCardForm
    listing = rate_lists.CARDS
    rights: ClassVar[dict[str, str]] = {
        "read": "rate.read",
        "create": "rate.write",
        "edit": "rate.write",
        "delete": "rate.write",
    }
    title = "Rate cards"
    singular = "rate card"
    icon = "coins"
    create_label = "Add Rate Card"
    empty_text = (
        "A rate card says what calls cost, by the beginning of the number. Add one and import its rates."
    )
    create_template = "admin/rate_card/form.html"
    edit_template = "admin/rate_card/form.html"
    details_template = "admin/rate_card/details.html"
    toolbar = (("Test a number", "rate_card.test_view", "wand", "rate.read"),)
    bulk_actions = (
        delete_action(
            "rate.write", "Delete {n} rate cards with their rates? Those in use are left as they are."
        ),
    )

    def defaults(self) -> dict[str, Any]:
        return {**rate_cards.USUAL, "currency": settings.current().currency}

    def row_actions(self, row: Any) -> list[RowAction]:
        rates_of = RowAction("Rates", "eye", rates_href(row.id))
        return [rates_of, *super().row_actions(row)]

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        actions = super().page_actions(record)
        for action in actions:
            action.pop("primary", None)
        own = [
            {"label": "Test a number", "icon": "wand", "href": url_for(".test_view", rate_card_id=record.id)}
        ]
        if self.may("export"):
            own.append(
                {"label": "Export", "icon": "download", "href": url_for(".rates_csv_view", id=record.id)}
            )
        if self.may("rate.write"):
            href = url_for(".rate_view", id=record.id, next=self.href(record.id))
            own.insert(0, {"label": "Add rate", "icon": "plus", "href": href, "modal": True})
            href = url_for(".import_view", id=record.id)
            own.insert(0, {"label": "Import", "icon": "upload", "href": href, "primary": True})
        return [*own, *actions]

    def details_context(self, record: Any) -> dict[str, Any]:
        buyers, count = rate_lists.buyers(record.id)
        return {
            "revisions": rate_lists.revisions(record.id),
            "counts": rate_lists.counts(record.id),
            "buyers": buyers,
            "buyers_count": count,
            "customer": db.session.get(Customer, record.customer_id) if record.customer_id else None,
            "provider": db.session.get(Provider, record.provider_id) if record.provider_id else None,
            "rates_href": rates_href(record.id),
            "local": settings.local,
            "may_write": self.may("rate.write"),
        }

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return rate_cards.delete_many(actor, keys)

    @expose("/rates.csv")
    @needs("export")
    def rates_csv_view(self) -> ResponseReturnValue:
        """The rates in force now, as a file that can be imported again."""
        card = self.asked()
        return download(rate_file.chunks(card.id), f"rates-{card.id}-{settings.today()}.csv", "text/csv")

    @expose("/take-back/", methods=("POST",))
    @needs("rate.write")
    def take_back_view(self) -> ResponseReturnValue:
        """Remove a revision that is not in force yet."""
        revision = db.session.get(RateRevision, self.key_of(request.form.get("revision")))
        if revision is None:
            raise Missing("revision")
        page = self.href(revision.rate_card_id)
        try:
            rates.take_back(self.actor_of(None), revision.id)
        except Refused as error:
            flash(str(error), "error")
        else:
            flash("The rates that were to come are taken back.", "success")
        return redirect(page, 303)


def rates_href(card_id: int) -> str:
    """The list of a card's rates."""
    return url_for("rate.index_view", **{"rate_card.is": card_id, "tab": "current"})
