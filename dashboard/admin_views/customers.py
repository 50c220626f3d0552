"""Management > Customers: the list, a customer's page with its tabs, the form, bulk edit."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request, url_for

from dashboard.admin_views.base import AdminView
from dashboard.admin_views.customer_billing import CustomerBilling
from dashboard.admin_views.customer_forms import BulkEditForm, ContactRow, CustomerForm, NewCustomerForm
from dashboard.admin_views.customer_import import CustomerImport
from dashboard.admin_views.customer_messages import SEND_MAIL, CustomerMessages
from dashboard.admin_views.customer_schedule import CustomerSchedule, card
from dashboard.admin_views.customer_summary import CustomerSummary
from dashboard.admin_views.forms import Form
from dashboard.admin_views.invoice_page import status_of
from dashboard.admin_views.list_page import Action, RowAction, delete_action
from dashboard.admin_views.statements import CustomerStatements
from dashboard.models import Customer
from dashboard.models.usage import RULE_KINDS
from dashboard.operations import customers
from dashboard.queries import customer_list, rates, settings, usage_rules
from dashboard.queries import customers as customer_queries
from dashboard.queries.invoices import open_invoices
from dashboard.queries.package_notices import outlook
from dashboard.queries.package_plan import today_of
from dashboard.queries.payments import balances, last_payments

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


class CustomerView(
    CustomerImport,
    CustomerSummary,
    CustomerBilling,
    CustomerSchedule,
    CustomerStatements,
    CustomerMessages,
    AdminView,
):
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
        SEND_MAIL,
        delete_action(
            "customer.delete", "Delete {n} customers? Those with invoices or payments are left as they are."
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
        return [*made, *self.statement_action(record), *actions]

    def _main_tab(self, record: Any) -> dict[str, Any]:
        return {
            "contacts": customer_queries.contacts(record.id),
            "balances": balances(record.id),
            "invoices": open_invoices(record.id, 10),
            "payments": last_payments(record.id),
            "rates": rates.cards_of(record) if self.may("rate.read") else None,
            "may_add_rates": self.may("rate.write"),
            "card": card(record) if self.may("schedule.read") else None,
            "may_run": self.may("schedule.write"),
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
