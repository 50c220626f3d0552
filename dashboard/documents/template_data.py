"""What an invoice template is given: the invoice as plain data, under the names that staff know."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.documents.invoice_context import Logo, logo_of, said_of
from dashboard.models import Invoice, InvoiceItem, Setting
from dashboard.rules.money import add

_ADDRESS = ("address1", "address2", "city", "county", "postcode", "country")
_NUMBERS = ("vat_number", "registration_number")
_NOTHING = Decimal(0)

# Shown beside the editor: name, what it is.
VARIABLES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "account: who sells",
        (
            ("account.name", "company name"),
            ("account.address", "list of the address's lines, as on an envelope"),
            ("account.address1, address2, city, county, postcode, country", "the same piece by piece"),
            ("account.phone, email, website", ""),
            ("account.vat_number, registration_number", ""),
            ("account.payment_details", "bank details, of several lines; empty on a void invoice"),
            ("account.logo", "the logo, for the src of an <img>; empty without one"),
            ("account.logo_width, logo_height", "of the logo, in pixels"),
        ),
    ),
    (
        "company: the customer",
        (
            ("company.name", ""),
            ("company.address", "list of lines"),
            ("company.address1, address2, city, county, postcode, country", ""),
            ("company.phone", ""),
            ("company.vat_number, registration_number", ""),
        ),
    ),
    (
        "invoice",
        (
            ("invoice.number", "such as INV-2026-000012, or Draft 12"),
            ("invoice.state", "draft, issued or void"),
            ("invoice.mark", "DRAFT or VOID, else empty: print it across the page"),
            ("invoice.date, due_date", "dates"),
            ("invoice.currency", "such as USD"),
            ("invoice.reference, notes", "empty where there is none"),
            ("invoice.period_start, period_end", "first and last day billed; empty on one made by hand"),
            ("invoice.prices_include_tax", "true or false"),
            ("invoice.script", "jp, kr or sc where the texts hold such signs: a class for fonts"),
        ),
    ),
    (
        "lines: one each",
        (
            ("line.package", "the package's name; empty on a free line"),
            ("line.description", ""),
            ("line.start, end", "dates; empty where the line has none"),
            ("line.quantity, unit_price", "numbers"),
            ("line.net, tax, sub_total", "amounts; the sub total is net and tax together"),
            ("line.tax_name, tax_percent", ""),
            ("line.connected", "answered calls; empty on a line that is not usage"),
            ("line.duration", "billed seconds; empty on a line that is not usage"),
            ("line.destination, kind", "kind: line, usage, package, setup, free_minutes, …"),
        ),
    ),
    (
        "totals",
        (
            ("totals.net, tax, total", "amounts"),
            ("totals.paid, due", "what is paid already, and what is still to pay"),
            ("totals.taxes", "list: tax.name, tax.percent, tax.net, tax.tax"),
        ),
    ),
)
NAMES = ("account", "company", "customer", "invoice", "lines", "totals")


def variables(invoice: Invoice, setting: Setting, *, script: str = "") -> dict[str, Any]:
    """The plain data of an invoice: as frozen where it is issued, as it stands where it is a draft."""
    said = said_of(invoice, setting)
    buyer = _party(said.get("buyer") or {})
    seller = said.get("seller") or {}
    logo = logo_of(bytes(setting.logo)) if setting.logo else None
    void = invoice.state == "void"
    return {
        "account": {
            **_party(seller),
            **{name: seller.get(name) or "" for name in ("email", "website")},
            "payment_details": "" if void else said.get("payment_details") or "",
            **_picture(logo),
        },
        "company": buyer,
        "customer": buyer,
        "invoice": _invoice(invoice, setting, script),
        "lines": [_line(item) for item in invoice.items],
        "totals": _totals(invoice),
    }


def _picture(logo: Logo | None) -> dict[str, Any]:
    if logo is None:
        return {"logo": "", "logo_width": 0, "logo_height": 0}
    return {"logo": logo.uri, "logo_width": logo.width, "logo_height": logo.height}


def _party(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": said.get("name") or "",
        "address": list(said.get("address_lines") or ()),
        # Invoices issued long ago froze the lines alone.
        **{name: said.get(name) or "" for name in (*_ADDRESS, "phone", *_NUMBERS)},
    }


def _invoice(invoice: Invoice, setting: Setting, script: str) -> dict[str, Any]:
    zone = ZoneInfo(invoice.customer.time_zone or setting.time_zone)
    start, end = invoice.period_start, invoice.period_end
    return {
        "number": str(invoice),
        "state": invoice.state,
        "mark": {"draft": "DRAFT", "void": "VOID"}.get(invoice.state, ""),
        "date": invoice.issue_date,
        "due_date": invoice.due_date,
        "currency": invoice.currency,
        "reference": invoice.reference or "",
        "notes": invoice.notes or "",
        "period_start": start.astimezone(zone).date() if start else None,
        # A period ends at the midnight after its last day.
        "period_end": (end - dt.timedelta(microseconds=1)).astimezone(zone).date() if end else None,
        "prices_include_tax": bool(invoice.tax_inclusive),
        "script": script,
    }


def _line(item: InvoiceItem) -> dict[str, Any]:
    package = item.package.name if item.package else ""
    return {
        "package": package,
        "description": item.description or package,
        "start": item.date_from,
        "end": item.date_to,
        "quantity": item.quantity,
        "unit_price": item.unit_price,
        "net": item.net,
        "tax": item.tax,
        "sub_total": item.gross,
        "tax_name": item.tax_name or "",
        "tax_percent": item.tax_percent,
        "connected": item.connected,
        "duration": item.billed_duration,
        "destination": item.destination or "",
        "kind": item.kind or "line",
    }


def _totals(invoice: Invoice) -> dict[str, Any]:
    taxes: dict[tuple[str, Decimal], list[InvoiceItem]] = {}
    for item in invoice.items:
        taxes.setdefault((item.tax_name or "", item.tax_percent.normalize()), []).append(item)
    paid = invoice.paid if invoice.state == "issued" else _NOTHING
    return {
        "net": invoice.subtotal,
        "tax": invoice.tax,
        "total": invoice.total,
        "paid": paid,
        "due": _NOTHING if invoice.state == "void" else add([invoice.total, -paid]),
        "taxes": [
            {
                "name": name or "Tax",
                "percent": percent,
                "net": add(item.net for item in items),
                "tax": add(item.tax for item in items),
            }
            for (name, percent), items in taxes.items()
        ],
    }
