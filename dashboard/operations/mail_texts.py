"""Subject and body of each kind of mail: the text staff wrote, or the stock one, filled in."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import select

from dashboard.models import Customer, Invoice, MailTemplate, Setting
from dashboard.models.mail import MAIL_KINDS
from dashboard.operations.base import session
from dashboard.operations.mail_stock import SAMPLES, STOCK, VARIABLES
from dashboard.queries import settings
from dashboard.rules.money import format_money

__all__ = ["SAMPLES", "STOCK", "VARIABLES", "account", "company", "invoice", "render"]

log = logging.getLogger("mail")

LONGEST_SUBJECT = 300


def render(kind: str, variables: Mapping[str, Any]) -> tuple[str, str]:
    """(subject, body) of a mail of this kind. `account` is filled in here. A text that fails gives way to
    the stock one, and its row says why."""
    known = {"account": account(settings.current()), **variables}
    own = session().scalar(select(MailTemplate).where(MailTemplate.kind == kind))
    if own is not None:
        try:
            return fill(own.subject, own.body, known)
        except TemplateError as fault:
            log.warning("the text for %s fails, the stock one is used: %s", MAIL_KINDS[kind], fault)
    return fill(*STOCK[kind], known)


def fill(subject: str, body: str, variables: Mapping[str, Any]) -> tuple[str, str]:
    """Both texts filled in; a subject is one line and never longer than a mail's may be."""
    line = " ".join(_fill(subject, variables).split())[:LONGEST_SUBJECT]
    return line, _fill(body, variables).strip("\n") + "\n"


def _fill(source: str, variables: Mapping[str, Any]) -> str:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(source).render(dict(variables))


# What the texts name


def account(setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.company_name,
        "address": "\n".join(setting.address_lines()),
        "email": setting.email or "",
        "phone": setting.phone or "",
        "website": setting.website or "",
        "payment_details": setting.payment_details or "",
    }


def company(customer: Customer) -> dict[str, Any]:
    """A customer, as the texts know it."""
    return {
        "name": customer.name,
        "address": "\n".join(customer.address_lines()),
        "currency": customer.currency,
        "account_id": customer.external_accounting_id or "",
    }


def invoice(found: Invoice) -> dict[str, Any]:
    """An invoice, as the texts know it. `paid` is empty where nothing is."""

    def money(amount: Any) -> str:
        return format_money(amount, found.currency)

    return {
        "number": str(found),
        "date": found.issue_date.isoformat(),
        "due_date": found.due_date.isoformat(),
        "reference": found.reference or "",
        "period": _period(found),
        "currency": found.currency,
        "subtotal": money(found.subtotal),
        "tax": money(found.tax),
        "total": money(found.total),
        "paid": money(found.paid) if found.paid else "",
        "balance": money(found.balance),
    }


def _period(found: Invoice) -> str:
    """The days an invoice was made for, on the customer's clocks; empty for one written by hand."""
    if found.period_start is None or found.period_end is None:
        return ""
    zone = ZoneInfo(found.customer.time_zone or settings.current().time_zone)
    first = found.period_start.astimezone(zone).date()
    last = (found.period_end.astimezone(zone) - dt.timedelta(microseconds=1)).date()
    return first.isoformat() if first >= last else f"{first} to {last}"
