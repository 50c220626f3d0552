"""What the audit log's columns and values are called on screen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Boolean, DateTime, Numeric

from dashboard.extensions import db
from dashboard.models.customer import (
    CONTACT_TYPES,
    CUSTOMER_STATUSES,
    INVOICE_SCHEDULES,
    INVOICE_TEMPLATES,
    LINE_GROUPINGS,
)
from dashboard.models.invoice import TAX_MODES
from dashboard.models.package import FREQUENCIES, PACKAGE_TYPES
from dashboard.models.payment import PAYMENT_METHODS, PAYMENT_STATUSES
from dashboard.models.rate import CARD_KINDS, PROVIDER_STATUSES, ROUNDINGS
from dashboard.models.setting import GENERATED_INVOICES, NUMBER_RESETS, SMTP_SECURITY
from dashboard.models.staff import ROLE_NAMES
from dashboard.queries.invoice_templates import TEMPLATE_NAMES
from dashboard.rules.money import format_money, plain

HIDDEN = "(hidden)"

# Table: one, many.
NOUNS: dict[str, tuple[str, str]] = {
    "customer": ("customer", "customers"),
    "contact": ("contact", "contacts"),
    "customer_package": ("package of the customer", "packages of the customer"),
    "package": ("package", "packages"),
    "invoice": ("invoice", "invoices"),
    "invoice_item": ("line", "lines"),
    "payment": ("payment", "payments"),
    "allocation": ("allocation", "allocations"),
    "refund": ("refund", "refunds"),
    "provider": ("provider", "providers"),
    "rate_card": ("rate card", "rate cards"),
    "rate_revision": ("revision", "revisions"),
    "usage_rule": ("usage rule", "usage rules"),
    "usage_format": ("usage format", "usage formats"),
    "package_charge": ("package charge", "package charges"),
    "billing_run": ("billing run", "billing runs"),
    "invoice_template": ("invoice template", "invoice templates"),
    "mail_template": ("e-mail text", "e-mail texts"),
    "schedule": ("schedule", "schedules"),
    "setting": ("settings", "settings"),
    "staff": ("staff account", "staff accounts"),
}

# Copies of what another line of the same entry says, and what means nothing to a reader.
LEFT_OUT = frozenset("created_by created_by_name customer_name origin_key logo_type fs_uniquifier".split())

# What a new record begins with, and what would only lengthen the tale.
USUAL_AT_FIRST = frozenset({"position", "revision", "origin"})

_LABELS: dict[str, str] = {
    "account_manager_id": "Account manager",
    "rate_card_id": "Rate card",
    "minimum_seconds": "MCD",
    "pulse_seconds": "Pulse",
    "cost_places": "Cost precision",
    "valid_from": "From",
    "whole": "Whole card",
    "amount": "Total",
    "vat_number": "VAT number",
    "tax_percent": "Tax %",
    "tax_name": "Tax description",
    "address1": "Address",
    "address2": "Address, second line",
    "invoice_id": "Invoice",
    "created_invoice_id": "Invoice made of it",
    "external_accounting_id": "External accounting ID",
    "date_from": "From",
    "date_to": "To",
    "gross": "Row total",
    "subtotal": "Sub total",
    "logo": "Logo",
    "invoice_issue": "Issue invoices",
    "invoice_send": "Send invoices",
    "delay_hours": "Wait, hours",
    "smtp_host": "Mail server",
    "smtp_port": "Mail server's port",
    "smtp_security": "Mail server's security",
    "smtp_user": "Mail server's user",
    "smtp_password": "Mail server's password",
    "smtp_from": "Mail is sent from",
    "audit_comment": "Ask for a reason",
    "auto_logout_minutes": "Auto logout, minutes",
    "tf_primary_method": "Two-step sign-in",
    "tf_totp_secret": "Secret of two-step sign-in",
    "mf_recovery_codes": "Recovery codes",
    "email": "E-mail",
    "based_on": "Copy of",
    "failed_sign_ins": "Failed sign-ins",
}

_STATES = {"draft": "Draft", "issued": "Issued", "void": "Void"}
_ORIGINS = {"manual": "By hand", "import": "Import", "payment": "A payment", "generated": "Schedule"}
_CHOICES: dict[tuple[str, str], Mapping[str, str]] = {
    ("customer", "status"): CUSTOMER_STATUSES,
    ("customer", "invoice_schedule"): INVOICE_SCHEDULES,
    ("customer", "invoice_template"): TEMPLATE_NAMES,
    ("customer", "invoice_line_grouping"): LINE_GROUPINGS,
    ("contact", "type"): CONTACT_TYPES,
    ("package", "frequency"): FREQUENCIES,
    ("package", "type"): PACKAGE_TYPES,
    ("invoice_template", "based_on"): INVOICE_TEMPLATES,
    ("invoice", "state"): _STATES,
    ("invoice", "tax_mode"): TAX_MODES,
    ("invoice", "origin"): _ORIGINS,
    ("payment", "status"): PAYMENT_STATUSES,
    ("payment", "method"): PAYMENT_METHODS,
    ("provider", "status"): PROVIDER_STATUSES,
    ("rate_card", "kind"): CARD_KINDS,
    ("rate_card", "duration_rounding"): ROUNDINGS,
    ("rate_card", "cost_rounding"): ROUNDINGS,
    ("setting", "generated_invoices"): GENERATED_INVOICES,
    ("setting", "number_reset"): NUMBER_RESETS,
    ("setting", "tax_mode"): TAX_MODES,
    ("setting", "invoice_line_grouping"): LINE_GROUPINGS,
    ("setting", "invoice_template"): TEMPLATE_NAMES,
    ("setting", "smtp_security"): SMTP_SECURITY,
    ("staff", "role"): {name: name.capitalize() for name in ROLE_NAMES},
    ("staff", "tf_primary_method"): {"authenticator": "Authenticator app"},
}


def noun(table: str, count: int = 1) -> str:
    one, many = NOUNS.get(table, (table.replace("_", " "), table.replace("_", " ")))
    return one if count == 1 else many


def in_order(table: str, columns: Iterable[str]) -> list[str]:
    """Columns in the order of their table; JSON keeps them in another."""
    found = db.metadata.tables.get(table)
    places = {column.name: number for number, column in enumerate(found.columns)} if found is not None else {}
    return sorted(columns, key=lambda column: (places.get(column, len(places)), column))


def label(column: str) -> str:
    found = _LABELS.get(column)
    return found or column.removesuffix("_id").replace("_", " ").capitalize()


def value(table: str, column: str, stored: Any, *, currency: str | None, zone: ZoneInfo) -> str:
    """A stored value as staff would write it; "" for none. References are resolved by the caller."""
    if stored is None or stored in ("", []):
        return ""
    if stored == HIDDEN:
        return HIDDEN
    choices = _CHOICES.get((table, column))
    if choices is not None:
        return choices.get(str(stored), str(stored))
    found = db.metadata.tables.get(table)
    kind = found.c[column].type if found is not None and column in found.c else None
    if isinstance(kind, Boolean):
        return "Yes" if stored else "No"
    if isinstance(kind, Numeric):
        return _number(Decimal(stored), kind, currency)
    if isinstance(kind, DateTime):
        return dt.datetime.fromisoformat(str(stored)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(kind, ARRAY):
        return ", ".join(str(one) for one in stored)
    return str(stored)


def _number(amount: Decimal, kind: Numeric[Any], currency: str | None) -> str:
    """Columns of (20, 4) are amounts of money; every other number is written as it is."""
    if currency and (kind.precision, kind.scale) == (20, 4):
        return format_money(amount, currency, code=True)
    return plain(amount)


def is_nothing(stored: Any) -> bool:
    """Values of a new record that say nothing about it."""
    return stored in (None, "", [], {}, False, 0)
