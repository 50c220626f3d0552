"""Management > Customers: the list, a customer's page with its tabs, the form, bulk edit."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request, url_for
from wtforms import FieldList, FormField
from wtforms import Form as WTForm

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.customer_billing import CustomerBilling
from dashboard.admin_views.customer_import import CustomerImport
from dashboard.admin_views.customer_summary import CustomerSummary
from dashboard.admin_views.forms import Form
from dashboard.admin_views.invoice_page import status_of
from dashboard.admin_views.list_page import Action, RowAction
from dashboard.models import Customer
from dashboard.models.customer import (
    CONTACT_TYPES,
    CUSTOMER_STATUSES,
    INVOICE_SCHEDULES,
    INVOICE_TEMPLATES,
    LINE_GROUPINGS,
)
from dashboard.models.usage import RULE_KINDS
from dashboard.operations import customers
from dashboard.operations.errors import Invalid
from dashboard.queries import customer_list, rates, settings, usage_rules
from dashboard.queries import customers as customer_queries
from dashboard.queries.invoices import open_invoices
from dashboard.queries.package_notices import outlook
from dashboard.queries.package_plan import today_of
from dashboard.queries.payments import balances, last_payments
from dashboard.rules.money import currencies
from dashboard.rules.places import countries, time_zones

OWN = "As in Settings"
MOST_CONTACTS = 20


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
    invoice_due_days = fields.whole("Invoice Due Days", min=0, max=365, help="Empty: as in Settings.")
    invoice_template = fields.choice("Invoice Template", INVOICE_TEMPLATES, blank=OWN)
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
                "invoice_due_days",
                "invoice_template",
                "invoice_line_grouping",
                "time_zone",
                "create_invoice_on_payment",
                "empty_invoices",
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
    "invoice_template": "Invoice Template",
    "tax_percent": "Tax %",
    "tax_name": "Tax Name",
    "tags": "Tags",
    "create_invoice_on_payment": "Create Invoice on Payment",
    "rate_card_id": "Rate Card",
    "empty_invoices": "Empty invoices",
}


class BulkEditForm(Form):
    """What is ticked is changed on every row, to empty too; what is not ticked stays as it is."""

    change = fields.choices("Change", list(BULK_FIELDS.items()), help="Tick what to change.")
    status = fields.choice("Status", CUSTOMER_STATUSES)
    account_manager_id = fields.lookup("Account Manager", "manager", hint="Nobody")
    invoice_due_days = fields.whole("Invoice Due Days", min=0, max=365)
    invoice_schedule = fields.choice("Invoice Schedule", INVOICE_SCHEDULES)
    invoice_template = fields.choice("Invoice Template", INVOICE_TEMPLATES, blank=OWN)
    tax_percent = fields.decimal("Tax %", places=4, min=0, max=100)
    tax_name = fields.text("Tax Name", max=40)
    tags = fields.tags("Tags")
    create_invoice_on_payment = fields.flag("Create Invoice on Payment")
    rate_card_id = fields.lookup("Rate Card", "rate_card", hint="None")
    empty_invoices = fields.flag("Empty invoices")

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


SUMMARY = "summary"
TABS = {
    "main": "Main",
    SUMMARY: "Summary",
    "invoices": "Invoices",
    "payments": "Payments",
    "packages": "Packages",
    "usage_rules": "Usage rules",
    "history": "History",
}


class CustomerView(CustomerImport, CustomerSummary, CustomerBilling, AdminView):
    model = Customer
    operations = customers
    form = CustomerForm
    listing = customer_list.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "customer.read",
        "create": "customer.write",
        "edit": "customer.write",
        "delete": "customer.delete",
    }
    title = "Customers"
    singular = "customer"
    create_template = "admin/customer/create.html"
    icon = "customer"
    create_label = "Add Customer"
    empty_text = "Add a customer, or upload many from a CSV file."
    list_template = "admin/customer/list.html"
    details_template = "admin/customer/details.html"
    toolbar = (("Upload", "customer.import_view", "upload", "import"),)
    bulk_actions = (
        Action("edit", "Edit", "customer.write", "Change {n} customers.", icon="edit", form="bulk_edit_form"),
        Action(
            "generate",
            "Generate invoices",
            "invoice.draft",
            "Generate the invoices of {n} customers, from calls not billed yet and packages that fall"
            " due. What is invoiced already is never billed twice.",
            icon="play",
            form="generate_form",
            changes=False,
        ),
        Action(
            "delete",
            "Delete",
            "customer.delete",
            "Delete {n} customers? Those with invoices or payments are left as they are.",
            icon="trash",
            danger=True,
            done="deleted",
        ),
    )

    # The list ----------------------------------------------------------------------------------

    def row_actions(self, row: Any) -> list[RowAction]:
        actions = super().row_actions(row)
        if self.may("invoice.draft"):
            actions.append(
                RowAction("Add Invoice", "invoice", url_for("invoice.create_view", customer_id=row.id))
            )
        return actions

    def bulk_edit_form(self, formdata: Any = None) -> Form:
        return BulkEditForm(formdata)

    def do_edit(self, actor: Any, keys: list[int], form: Form) -> Any:
        assert isinstance(form, BulkEditForm)
        return customers.update_many(actor, keys, form.changes())

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return customers.delete_many(actor, keys)

    # The page ----------------------------------------------------------------------------------

    def form_class(self, record: Any) -> type[Form]:
        """A new customer can bring its contacts; later they are added on its page."""
        return NewCustomerForm if record is None else CustomerForm

    def form_context(self, form: Form, record: Any) -> dict[str, Any]:
        return {"blank_contact": ContactRow(prefix="contacts-__index__-")}

    def defaults(self) -> dict[str, Any]:
        return {"currency": settings.current().currency}

    def details_context(self, record: Any) -> dict[str, Any]:
        wanted = request.args.get("tab", "main")
        tab = wanted if wanted in TABS and wanted != SUMMARY else "main"
        return {**self.tab_frame(record, tab), **getattr(self, f"_{tab}_tab")(record)}

    def tab_frame(self, record: Any, tab: str) -> dict[str, Any]:
        """What every part of a customer's page needs: the tabs, and what the reader may do."""
        counts = customer_queries.counts(record.id)
        tabs = [
            {
                "label": label,
                "href": self.tab_href(record.id, name),
                "active": name == tab,
                "count": counts.get(name),
            }
            for name, label in TABS.items()
        ]
        may = {
            "invoices": self.may("invoice.draft"),
            "contacts": self.may("contact.write"),
            "packages": self.may("customer.write"),
            "rules": self.may("usage.import"),
        }
        return {
            "tabs": tabs,
            "tab": tab,
            "may": may,
            "status_of": status_of,
            "record_status": record.status,
            "here": self.tab_href(record.id, tab),
        }

    def tab_href(self, key: int, tab: str) -> str:
        if tab == SUMMARY:
            return url_for(".usage_view", id=key)
        return url_for(".details_view", id=key, **({"tab": tab} if tab != "main" else {}))

    def summary_page(self, record: Any, **more: Any) -> str:
        """The customer's page with its Summary."""
        return self.render(
            self.details_template,
            record=record,
            record_title=str(record),
            crumbs=self.crumbs(str(record)),
            # Here the rows say which periods; a button that asks for them would be a second one of its name.
            actions=[one for one in self.page_actions(record) if one["label"] != "Generate Invoice"],
            **{**self.tab_frame(record, SUMMARY), **more},
        )

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        actions = super().page_actions(record)
        wanted = (
            ("invoice.draft", "Add Invoice", "invoice.create_view", "invoice"),
            ("payment.write", "Add Payment", "payment.create_view", "payment"),
        )
        made = [
            {"label": label, "href": url_for(endpoint, customer_id=record.id), "icon": icon}
            for right, label, endpoint, icon in wanted
            if self.may(right)
        ]
        if self.may("invoice.draft"):
            generate = {"label": "Generate Invoice", "href": url_for(".generate_view", id=record.id)}
            made.insert(0, {**generate, "icon": "play", "modal": True})
        return [*made, *actions]

    def _main_tab(self, record: Any) -> dict[str, Any]:
        return {
            "contacts": customer_queries.contacts(record.id),
            "balances": balances(record.id),
            "invoices": open_invoices(record.id, 10),
            "payments": last_payments(record.id),
            "rates": rates.cards_of(record) if self.may("rate.read") else None,
            "may_add_rates": self.may("rate.write"),
        }

    def _invoices_tab(self, record: Any) -> dict[str, Any]:
        return {"invoices": customer_queries.latest_invoices(record.id)}

    def _payments_tab(self, record: Any) -> dict[str, Any]:
        return {"payments": last_payments(record.id, customer_queries.LATEST)}

    def _packages_tab(self, record: Any) -> dict[str, Any]:
        assigned = customer_queries.assigned_packages(record.id)
        return {"assigned": assigned, "outlook": outlook(record, assigned), "today": today_of(record)}

    def _usage_rules_tab(self, record: Any) -> dict[str, Any]:
        return {"rules": usage_rules.of_customer(record.id), "rule_kinds": RULE_KINDS}

    def _history_tab(self, record: Any) -> dict[str, Any]:
        return {}
