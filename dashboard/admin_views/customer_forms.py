"""The forms of a customer: a new one with its contacts, one that is there, many at once."""

from __future__ import annotations

from typing import Any

from wtforms import FieldList, FormField
from wtforms import Form as WTForm

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form
from dashboard.models.customer import (
    CONTACT_TYPES,
    CUSTOMER_STATUSES,
    INVOICE_SCHEDULES,
    ISSUES,
    LINE_GROUPINGS,
)
from dashboard.operations.errors import Invalid
from dashboard.queries.invoice_templates import TEMPLATE_NAMES
from dashboard.rules.money import currencies
from dashboard.rules.places import countries, time_zones

OWN = "As in Settings"
MOST_CONTACTS = 20


HOURS = {str(hour): f"{hour:02}:00" for hour in range(24)}
ISSUING = dict(zip(("True", "False"), ISSUES, strict=True))
SENDING = {"True": "Sent by e-mail", "False": "Not sent"}


def _zones() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in time_zones()]


class CustomerForm(Form):
    name = fields.text("Name", max=200, required=True)
    status = fields.choice("Status", CUSTOMER_STATUSES, default="active")
    currency = fields.choice(
        "Currency", currencies, search=True, help="Fixed once the customer has invoices, payments or usage."
    )
    debit_limit = fields.decimal("Debit Limit", places=4, min=0)
    tax_percent = fields.decimal("Tax %", places=4, min=0, max=100, help="Empty: as in Settings.")
    tax_name = fields.text("Tax Name", max=40)
    website = fields.text("Website", max=200)
    tags = fields.tags("Tags")
    account_manager_id = fields.lookup("Account Manager", "manager", hint="Nobody")
    invoice_schedule = fields.choice("Invoice Schedule", INVOICE_SCHEDULES, default="none")
    invoice_from = fields.day(
        "Invoice From",
        help="The schedule begins on this day. Empty: with the first usage or package.",
    )
    invoice_hour = fields.choice("Invoice Hour", HOURS, blank=OWN, help="On the clocks of its time zone.")
    invoice_delay_hours = fields.whole(
        "Invoice Delay Hours",
        min=0,
        max=240,
        help="So long after its end a period is invoiced, when its usage is complete. Empty: as in Settings.",
    )
    invoice_issue = fields.choice("Invoices by schedule", ISSUING, blank=OWN)
    invoice_send = fields.choice(
        "Issued invoices", SENDING, blank=OWN, help="To its contacts of the type Billing."
    )
    invoice_due_days = fields.whole("Invoice Due Days", min=0, max=365, help="Empty: as in Settings.")
    invoice_template = fields.choice("Invoice Template", TEMPLATE_NAMES, blank=OWN)
    invoice_line_grouping = fields.choice("Invoice Line Grouping", LINE_GROUPINGS, blank=OWN)
    time_zone = fields.choice("Time Zone", _zones, blank=OWN, search=True)
    external_accounting_id = fields.text("External Accounting ID", max=80)
    create_invoice_on_payment = fields.flag(
        "Create Invoice on Payment", help="A completed payment makes an invoice by itself."
    )
    rate_card_id = fields.lookup(
        "Rate Card",
        "rate_card",
        search_with="currency",
        hint="None",
        help="What its calls are charged by; rates of its own go first.",
    )
    empty_invoices = fields.flag(
        "Empty invoices", help="Make an invoice for a period without anything to bill, too."
    )
    no_reminders = fields.flag("No reminders", help="No e-mail about what is due or overdue.")
    registration_number = fields.text("Registration Number", max=40)
    vat_number = fields.text("VAT Number", max=40)
    address1 = fields.text("Address 1", max=120)
    address2 = fields.text("Address 2", max=120)
    city = fields.text("City", max=80)
    county = fields.text("County", max=80)
    postcode = fields.text("Postcode", max=20)
    country = fields.choice("Country", countries, blank="Not given", search=True)
    phone = fields.text("Phone", max=40)
    notes = fields.long_text("Notes", help="For staff only.")

    sections = (
        ("Basic", ("name", "status", "currency", "rate_card_id", "debit_limit", "tax_percent", "tax_name")),
        (
            "Invoices",
            (
                "invoice_schedule",
                "invoice_from",
                "invoice_hour",
                "invoice_delay_hours",
                "invoice_issue",
                "invoice_send",
                "invoice_due_days",
                "invoice_template",
                "invoice_line_grouping",
                "time_zone",
                "create_invoice_on_payment",
                "empty_invoices",
                "no_reminders",
            ),
        ),
        ("Address", ("address1", "address2", "city", "county", "postcode", "country", "phone", "website")),
        (
            "More",
            (
                "account_manager_id",
                "tags",
                "external_accounting_id",
                "registration_number",
                "vat_number",
                "notes",
            ),
        ),
    )


class ContactRow(WTForm):
    """A contact given together with its new customer."""

    name = fields.text("Name", max=120, required=True)
    email = fields.email("E-mail")
    phone = fields.text("Phone", max=40)
    type = fields.choice("Type", CONTACT_TYPES, default="billing")


class NewCustomerForm(CustomerForm):
    contacts = FieldList(FormField(ContactRow), max_entries=MOST_CONTACTS)

    def values(self) -> dict[str, Any]:
        return {**super().values(), "contacts": [entry.form.data for entry in self.contacts]}


BULK_FIELDS = {
    "status": "Status",
    "account_manager_id": "Account Manager",
    "invoice_due_days": "Invoice Due Days",
    "invoice_schedule": "Invoice Schedule",
    "invoice_hour": "Invoice Hour",
    "invoice_delay_hours": "Invoice Delay Hours",
    "invoice_issue": "Invoices by schedule",
    "invoice_send": "Issued invoices",
    "invoice_template": "Invoice Template",
    "tax_percent": "Tax %",
    "tax_name": "Tax Name",
    "tags": "Tags",
    "create_invoice_on_payment": "Create Invoice on Payment",
    "rate_card_id": "Rate Card",
    "empty_invoices": "Empty invoices",
    "no_reminders": "No reminders",
}


class BulkEditForm(Form):
    """What is ticked is changed on every row, to empty too; what is not ticked stays as it is."""

    change = fields.choices("Change", list(BULK_FIELDS.items()), help="Tick what to change.")
    status = fields.choice("Status", CUSTOMER_STATUSES)
    account_manager_id = fields.lookup("Account Manager", "manager", hint="Nobody")
    invoice_due_days = fields.whole("Invoice Due Days", min=0, max=365)
    invoice_schedule = fields.choice("Invoice Schedule", INVOICE_SCHEDULES)
    invoice_hour = fields.choice("Invoice Hour", HOURS, blank=OWN)
    invoice_delay_hours = fields.whole("Invoice Delay Hours", min=0, max=240)
    invoice_issue = fields.choice("Invoices by schedule", ISSUING, blank=OWN)
    invoice_send = fields.choice("Issued invoices", SENDING, blank=OWN)
    invoice_template = fields.choice("Invoice Template", TEMPLATE_NAMES, blank=OWN)
    tax_percent = fields.decimal("Tax %", places=4, min=0, max=100)
    tax_name = fields.text("Tax Name", max=40)
    tags = fields.tags("Tags")
    create_invoice_on_payment = fields.flag("Create Invoice on Payment")
    rate_card_id = fields.lookup("Rate Card", "rate_card", hint="None")
    empty_invoices = fields.flag("Empty invoices")
    no_reminders = fields.flag("No reminders")

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Only what is ticked must be right."""
        super().validate(*args, **kwargs)
        for name in set(BULK_FIELDS) - set(self.change.data or ()):
            self[name].errors = []
        return not any(field.errors for field in self)

    def changes(self) -> dict[str, Any]:
        values = self.values()
        chosen = values.pop("change") or []
        if not chosen:
            raise Invalid({"change": "Tick at least one field to change."})
        return {name: values[name] for name in chosen}
