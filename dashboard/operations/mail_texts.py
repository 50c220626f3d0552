"""Subject and body of each kind of mail: the text staff wrote, or the stock one, filled in."""

from __future__ import annotations

import datetime as dt
import logging
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from dashboard.documents import sandbox
from dashboard.models import Customer, Invoice, MailTemplate, Setting
from dashboard.models.mail import MAIL_KINDS
from dashboard.operations.base import Actor, check_version, operation, session
from dashboard.operations.errors import Invalid, Missing, Refused, Stale
from dashboard.operations.mail_stock import SAMPLES, STOCK, VARIABLES
from dashboard.queries import settings
from dashboard.rules.money import format_money

__all__ = ["SAMPLES", "STOCK", "VARIABLES", "account", "company", "invoice", "render"]

log = logging.getLogger("mail")

LONGEST_SUBJECT = 300
LONGEST_TEXT = 20_000
LIMITS = sandbox.Limits(output=200_000)


def render(kind: str, variables: Mapping[str, Any]) -> tuple[str, str]:
    """(subject, body) of a mail of this kind. `account` is filled in here. A text that fails gives way to
    the stock one, and Setup > E-mail texts says why."""
    known = {"account": account(settings.current()), **variables}
    own = own_text(kind)
    if own is None:
        return fill(*STOCK[kind], known)
    try:
        made = fill(own.subject, own.body, known)
        fault = None
    except Invalid as error:
        log.warning("the text for %s fails, the stock one is used: %s", MAIL_KINDS[kind], error)
        made = fill(*STOCK[kind], known)
        fault = str(error)
    if own.fault != fault:
        session().execute(
            update(MailTemplate)
            .where(MailTemplate.kind == kind)
            .values(fault=fault)
            .execution_options(synchronize_session=False)
        )
    return made


def fill(subject: str, body: str, variables: Mapping[str, Any]) -> tuple[str, str]:
    """Both texts filled in; a subject is one line and never longer than a mail's may be. Invalid, by field,
    with the line and the reason, where one of them fails."""
    errors: dict[str, str] = {}
    made: dict[str, str] = {}
    for name, source in (("subject", subject), ("body", body)):
        try:
            made[name] = sandbox.render(source, variables, LIMITS)
        except sandbox.TemplateFault as fault:
            errors[name] = str(fault) if name == "body" else fault.reason
    if errors:
        raise Invalid(errors)
    made = {name: _printable(text) for name, text in made.items()}
    line = " ".join(made["subject"].split())[:LONGEST_SUBJECT]
    if not line:
        raise Invalid({"subject": "The subject comes out empty."})
    # A part that is left out leaves its empty lines behind.
    text = re.sub(r"\n{3,}", "\n\n", made["body"]).strip("\n") + "\n"
    return line, text


def _printable(text: str) -> str:
    """Without the control characters that no mail can carry."""
    return "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs"))


# What staff write


def current(kind: str) -> tuple[str, str]:
    """Subject and body in use, as they were written."""
    own = own_text(kind)
    return STOCK[kind] if own is None else (own.subject, own.body)


def own_text(kind: str) -> MailTemplate | None:
    return session().scalar(select(MailTemplate).where(MailTemplate.kind == kind))


def check(kind: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The text as it can be stored: readable, naming only what there is, and filled in by the sample. Invalid
    with the line and the reason."""
    if kind not in MAIL_KINDS:
        raise Missing("kind of e-mail")
    subject = str(values.get("subject") or "").strip()
    body = str(values.get("body") or "").replace("\r\n", "\n").strip("\n")
    errors: dict[str, str] = {}
    for name, text, most in (("subject", subject, LONGEST_SUBJECT), ("body", body, LONGEST_TEXT)):
        if not text.strip():
            errors[name] = "Fill this in."
        elif len(text) > most:
            errors[name] = f"Use at most {most:,} characters; this has {len(text):,}."
        elif "\0" in text or (name == "subject" and "\n" in text):
            errors[name] = "This has an invisible control character in it. Type it again without."
    if errors:
        raise Invalid(errors)
    setting = {"account": account(settings.current())}
    fill(subject, body, setting | SAMPLES[kind])
    # Where nothing else stands in the subject it is empty then, and the stock text is used.
    fill("-" + subject, body, setting | emptied(SAMPLES[kind]))
    return subject, body


def emptied(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The same with nothing in its texts and lists: what is not always there must not break a text."""
    if_empty: dict[type, Any] = {str: "", bool: False, int: 0, list: []}
    return {
        name: emptied(value) if isinstance(value, Mapping) else if_empty[type(value)]
        for name, value in sample.items()
    }


@operation("template.write")
def save(actor: Actor, kind: str, values: Mapping[str, Any], *, version: int | None = None) -> MailTemplate:
    """From now on mails of this kind say this."""
    subject, body = check(kind, values)
    own = session().scalar(select(MailTemplate).where(MailTemplate.kind == kind).with_for_update())
    if own is None:
        if version:
            raise Stale(None)
        own = MailTemplate(kind=kind, subject=subject, body=body)
        session().add(own)
    else:
        check_version(own, version or 0)
        own.subject, own.body, own.fault = subject, body, None
    session().flush()
    return own


@operation("template.write")
def reset(actor: Actor, kind: str) -> None:
    """Back to the stock text."""
    own = own_text(kind)
    if own is None:
        raise Refused("This is the stock text already.")
    session().delete(own)


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
