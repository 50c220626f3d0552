"""Packages assigned to customers: a list of its own, and the dialog on a customer's page."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import url_for

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.in_dialog import InDialog
from dashboard.admin_views.list_page import RowAction, delete_action
from dashboard.models import CustomerPackage
from dashboard.operations import assignments
from dashboard.operations.packages import MOST_MINUTES
from dashboard.queries import package_list, settings


class AssignmentForm(Form):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    package_id = fields.lookup(
        "Package", "package", required=True, hint="Choose a package", search_with="customer_id"
    )
    quantity = fields.decimal("Quantity", places=6, min=0, required=True)
    start_date = fields.day("Start Date", required=True)
    end_date = fields.day("End Date", help="The last day; empty: until further notice.")
    auto_decrement_credit = fields.flag(
        "Auto Decrement Credit", help="Charge the account each time the package falls due, tax included."
    )
    free_minutes = fields.whole(
        "Free Minutes",
        min=1,
        max=MOST_MINUTES,
        help="For packages of that type, for each of the quantity; empty: the package's own.",
    )


class AssignmentView(InDialog, AdminView):
    model = CustomerPackage
    operations = assignments
    form = AssignmentForm
    listing = package_list.ASSIGNMENTS
    rights: ClassVar[dict[str, str]] = {
        "read": "customer.read",
        "create": "customer.write",
        "edit": "customer.write",
        "delete": "customer.write",
    }
    title = "Assigned packages"
    singular = "assigned package"
    icon = "package"
    create_label = "Assign package"
    empty_text = "Assign packages to customers on their pages, under Packages."
    has_details = False
    bulk_actions = (
        delete_action(
            "customer.write",
            "Remove {n} packages from their customers? Minimum Days are kept to.",
            label="Remove",
            done="removed",
        ),
    )

    def __init__(self) -> None:
        super().__init__(endpoint="assignment")

    def is_visible(self) -> bool:
        # Reached from customers and packages; a place in the menu would only crowd it.
        return False

    def defaults(self) -> dict[str, Any]:
        return {"quantity": 1, "start_date": settings.today()}

    def row_href(self, row: Any) -> str:
        return url_for("customer.details_view", id=row.customer, tab="packages")

    def row_actions(self, row: Any) -> list[RowAction]:
        customer = RowAction("Open customer", "customer", self.row_href(row))
        return [*super().row_actions(row), customer]

    def row_label(self, row: Any) -> str:
        return f"{row.package_name}, {row.customer_name}"

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return assignments.delete_many(actor, keys)
