"""Global > Contacts, and the dialog that adds one on a customer's page."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import url_for

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.in_dialog import InDialog
from dashboard.admin_views.list_page import RowAction, delete_action
from dashboard.models import Contact
from dashboard.models.customer import CONTACT_TYPES
from dashboard.operations import contacts
from dashboard.queries import contact_list


class ContactForm(Form):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    name = fields.text("Name", max=120, required=True)
    email = fields.email("E-mail")
    phone = fields.text("Phone", max=40)
    mobile = fields.text("Mobile", max=40)
    type = fields.choice("Type", CONTACT_TYPES, default="billing")
    public_notes = fields.long_text("Public Notes", help="The customer may see these.")
    private_notes = fields.long_text("Private Notes", help="For staff only.")


class ContactView(InDialog, AdminView):
    model = Contact
    operations = contacts
    form = ContactForm
    listing = contact_list.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "contact.read",
        "create": "contact.write",
        "edit": "contact.write",
        "delete": "contact.write",
    }
    title = "Contacts"
    singular = "contact"
    icon = "contact"
    create_label = "Add Contact"
    empty_text = "People and departments at customers: whom invoices and questions go to."
    bulk_actions = (delete_action("contact.write", "Delete {n} contacts? This can't be undone."),)

    def row_actions(self, row: Any) -> list[RowAction]:
        customer = RowAction("Open customer", "customer", url_for("customer.details_view", id=row.customer))
        return [*super().row_actions(row), customer]

    def row_label(self, row: Any) -> str:
        return f"{row.name}, {row.customer_name}"

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return contacts.delete_many(actor, keys)
