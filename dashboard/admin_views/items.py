"""Global > Items: every line across invoices; its invoice is where it is made and removed."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import url_for

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.list_page import RowAction
from dashboard.models import InvoiceItem
from dashboard.operations import invoice_lines
from dashboard.queries import item_list
from dashboard.queries.listing import Column


class CellForm(Form):
    """The cells that can be edited in the list."""

    description = fields.text("Description", max=1000)
    quantity = fields.decimal("Quantity", places=6, required=True)
    unit_price = fields.decimal("Unit Price", places=6, required=True)
    tax_percent = fields.decimal("Tax", places=4, min=0, max=100, required=True)


class ItemView(AdminView):
    model = InvoiceItem
    operations = invoice_lines
    form = CellForm
    listing = item_list.LISTING
    rights: ClassVar[dict[str, str]] = {"read": "item.read", "edit": "invoice.draft"}
    # Lines are made, opened and removed on their invoice.
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
        "ajax_update": "edit",
        "ajax_lookup": "read",
    }
    title = "Items"
    singular = "item"
    icon = "item"
    has_details = False
    empty_text = "Every line of every invoice is listed here."

    def __init__(self) -> None:
        super().__init__(endpoint="item")

    def row_href(self, row: Any) -> str:
        return url_for("invoice.details_view", id=row.invoice_id)

    def row_actions(self, row: Any) -> list[RowAction]:
        return [RowAction("Open invoice", "invoice", self.row_href(row))]

    def row_editable(self, column: Column, row: Any) -> bool:
        return bool(row.state == "draft")

    def row_label(self, row: Any) -> str:
        return f"{row.number or 'a draft'}, {row.description or 'line'}"
