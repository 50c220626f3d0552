"""What the invoice editor in the browser needs to know: currency, tax rules, the customer's block."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from dashboard.admin_views.forms import Form
from dashboard.documents.invoice_context import PrintedInvoice, printed
from dashboard.documents.snapshot import address_of
from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Package
from dashboard.models.invoice import SUMMED_KINDS
from dashboard.queries import settings
from dashboard.queries.explain import made_by
from dashboard.queries.packages import default_tax
from dashboard.rules.money import currency_format, plain
from dashboard.rules.periods import Period
from dashboard.rules.receivables import invoice_state


def status_of(invoice: Invoice) -> str:
    """The one word of an invoice's state today."""
    return invoice_state(invoice.state, invoice.total, invoice.paid, invoice.due_date, settings.today())


def paper_of(invoice: Invoice) -> PrintedInvoice:
    """What the invoice says in print, for the pages that show it."""
    return printed(invoice, settings.current())


ORIGINS = {
    "import": "From a file of invoices",
    "payment": "By a payment",
    "generated": "From usage and packages",
    "package": "By a package run",
    "adjustment": "As an adjustment",
}


def made_of(invoice: Invoice) -> dict[str, Any]:
    """What the invoice is for and what made it; empty for one written by hand."""
    found: dict[str, Any] = {}
    if invoice.period_start is not None and invoice.period_end is not None:
        zone = invoice.customer.time_zone or settings.current().time_zone
        start, end = (
            at.astimezone(ZoneInfo(zone)).date() for at in (invoice.period_start, invoice.period_end)
        )
        if start < end:
            found.update(period=Period(start, end), zone=zone)
    if invoice.origin in ORIGINS:
        found.update(
            how=ORIGINS[invoice.origin], run=made_by(invoice) if invoice.origin == "generated" else None
        )
    return found


def customer_data(customer: Customer) -> dict[str, Any]:
    """The "To" block and the defaults that follow from the choice of a customer."""
    setting = settings.current()
    name, percent = default_tax(customer)
    days = customer.invoice_due_days
    return {
        "id": customer.id,
        "name": customer.name,
        "address": address_of(customer),
        "vat_number": customer.vat_number or "",
        "status": customer.status,
        "currency": currency_format(customer.currency),
        "due_days": setting.invoice_due_days if days is None else days,
        "tax_percent": plain(percent),
        "tax_name": name,
    }


def editor_data(form: Form, record: Invoice | None) -> dict[str, Any]:
    """The state that the editor starts from, beside the fields themselves."""
    setting = settings.current()
    field = form._fields.get("customer_id")
    key = field.data if field is not None else None
    customer = db.session.get(Customer, key) if key else None
    tax_name, tax_percent = default_tax(customer)
    return {
        "tax_mode": record.tax_mode if record is not None else setting.tax_mode,
        "tax_inclusive": record.tax_inclusive if record is not None else setting.tax_inclusive,
        "currency": currency_format(customer.currency if customer else setting.currency),
        "customer": customer_data(customer) if customer else None,
        "tax": {"percent": plain(tax_percent), "name": tax_name},
        "packages": _packages(form),
        # Lines that are sums of calls: their figures are shown, not edited.
        "summed": [item.id for item in record.items if item.kind in SUMMED_KINDS]
        if record is not None
        else [],
    }


def _packages(form: Form) -> dict[str, dict[str, str]]:
    """Name and currency of the packages on the form's lines, in one query."""
    entries = form._fields["items"].entries if "items" in form._fields else []
    keys = {entry.form.package_id.data for entry in entries} - {None}
    if not keys:
        return {}
    found = db.session.query(Package.id, Package.name, Package.currency).filter(Package.id.in_(keys))
    return {str(key): {"name": name, "currency": currency} for key, name, currency in found}
