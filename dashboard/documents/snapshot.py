"""Who sells to whom, as an invoice says it. Issuing freezes this, so that a later change of address or
of bank details alters no invoice already sent."""

from __future__ import annotations

from typing import Any

from babel import Locale

from dashboard.models import Customer, Invoice, Setting
from dashboard.models.customer import INVOICE_TEMPLATES

# What the keys of the account's own templates begin with.
OWN_TEMPLATE = "own-"
_PARTS = ("address1", "address2", "city", "county", "postcode", "phone")
_LOCALE = Locale("en", "US")


def build_snapshot(invoice: Invoice, setting: Setting) -> dict[str, Any]:
    """Buyer, seller, payment details and template as they stand now, ready for JSON."""
    return snapshot_of(invoice.customer, setting)


def snapshot_of(buyer: Customer, setting: Setting) -> dict[str, Any]:
    """The same of an invoice that is only about to be."""
    return {
        "buyer": {
            "name": buyer.name,
            "address_lines": address_of(buyer),
            **_parts(buyer),
            "vat_number": buyer.vat_number or "",
            "registration_number": buyer.registration_number or "",
        },
        "seller": {
            "name": setting.company_name,
            "address_lines": address_of(setting),
            **_parts(setting),
            "vat_number": setting.vat_number or "",
            "registration_number": setting.registration_number or "",
            "phone": setting.phone or "",
            "email": setting.email or "",
            "website": setting.website or "",
        },
        "payment_details": setting.payment_details or "",
        "template": _template(buyer.invoice_template, setting.invoice_template),
    }


def _parts(record: Customer | Setting) -> dict[str, str]:
    """The address piece by piece, for templates that set it out their own way; only what is there."""
    code = record.country or ""
    found = {name: getattr(record, name) for name in _PARTS}
    found["country"] = _LOCALE.territories.get(code.upper(), code)
    return {name: value for name, value in found.items() if value}


def address_of(record: Customer | Setting) -> list[str]:
    """As on an envelope, with the country in words."""
    lines = record.address_lines()
    if record.country:
        lines[-1] = _LOCALE.territories.get(record.country.upper(), record.country)
    return lines


def _template(*wanted: str | None) -> str:
    return next((name for name in wanted if name and is_template(name)), "standard")


def is_template(key: str) -> bool:
    """A stock template, or one of the account's own, which may be gone by the time of printing."""
    return key in INVOICE_TEMPLATES or key.startswith(OWN_TEMPLATE)
