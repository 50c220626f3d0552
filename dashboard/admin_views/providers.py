"""Management > Providers: the carriers that calls go out by."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import url_for

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.list_page import delete_action
from dashboard.models import Provider
from dashboard.models.rate import PROVIDER_STATUSES
from dashboard.operations import providers
from dashboard.queries import rate_lists, rates, settings
from dashboard.rules.money import currencies


class ProviderForm(Form):
    name = fields.text("Name", max=120, required=True)
    status = fields.choice("Status", PROVIDER_STATUSES, default="active")
    currency = fields.choice(
        "Currency", currencies, search=True, help="Fixed once it has a rate card or calls."
    )
    trunks = fields.tags("Trunks", help="The names your switch writes for it, parted by commas.")
    notes = fields.long_text("Notes", help="For staff only.")


class ProviderView(AdminView):
    model = Provider
    operations = providers
    form = ProviderForm
    listing = rate_lists.PROVIDERS
    rights: ClassVar[dict[str, str]] = {
        "read": "provider.read",
        "create": "provider.write",
        "edit": "provider.write",
        "delete": "provider.write",
    }
    title = "Providers"
    singular = "provider"
    icon = "link"
    create_label = "Add Provider"
    empty_text = (
        "A provider carries your calls. With its rate card, every call knows its cost and its profit."
    )
    details_template = "admin/provider/details.html"
    bulk_actions = (
        delete_action(
            "provider.write", "Delete {n} providers? Those with calls or a rate card are left as they are."
        ),
    )

    def defaults(self) -> dict[str, Any]:
        return {"currency": settings.current().currency}

    def details_context(self, record: Any) -> dict[str, Any]:
        card = rates.card_of_provider(record.id) if self.may("rate.read") else None
        add = ""
        if card is None and self.may("rate.write"):
            add = url_for(
                "rate_card.create_view",
                kind="cost",
                provider_id=record.id,
                currency=record.currency,
                name=f"{record.name} cost",
            )
        return {"card": card, "add_card": add, "record_status": record.status}

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return providers.delete_many(actor, keys)
