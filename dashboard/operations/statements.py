"""A statement of account by e-mail.

A statement is printed outside of any transaction, kept, and only then filed with the mail that brings it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from dashboard.documents import statement_pdf
from dashboard.documents.store import store
from dashboard.models import Customer, Mail
from dashboard.models.statement import Statement
from dashboard.operations import mail_texts, mails
from dashboard.operations.base import Actor, fetch, once, operation, require, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.queries import settings
from dashboard.queries import statements as queries
from dashboard.queries.statements import TooLong
from dashboard.rules.money import add, format_money

KEY_PREFIX = "statement-"


def get(customer_id: int, first: dt.date, last: dt.date) -> Statement:
    """Refused where the period is no period, or has too much in it."""
    customer = fetch(Customer, customer_id, "customer")
    if first > last:
        raise Invalid({"last": "The last day is before the first one."})
    try:
        return queries.statement(customer, first, last)
    except TooLong as fault:
        raise Refused(str(fault)) from fault


def draft(found: Statement) -> tuple[str, str]:
    """(subject, body) of the mail that brings it."""
    return mail_texts.render("statement", said_of(found))


def said_of(found: Statement) -> dict[str, Any]:
    """A statement, as the texts know it."""

    def money(*amounts: Any) -> str:
        return format_money(add(amounts), found.currency)

    sums = found.sums
    balance = {
        "currency": found.currency,
        "opening": money(found.opening),
        "invoiced": money(sums["invoice"], sums["charge"]),
        "paid": money(-sums["payment"], -sums["refund"]),
        "closing": money(found.closing),
        "overdue": money(found.overdue),
    }
    return {
        "statement": {
            "start": found.first.isoformat(),
            "end": found.last.isoformat(),
            "balances": [balance],
        },
        "company": mail_texts.company(found.customer),
    }


def send(
    actor: Actor,
    customer_id: int,
    first: dt.date,
    last: dt.date,
    values: Mapping[str, Any],
    *,
    form_key: str | None = None,
) -> Mail:
    """Mail the statement as staff have it before them: `values` are recipients, subject and body.

    PdfError where it can't be printed; Duplicate where the same form was sent before.
    """
    require(actor, "mail.send")
    found = get(customer_id, first, last)
    name = statement_pdf.file_name(found)
    made = statement_pdf.make(found, settings.current())
    session().rollback()
    document = store.put(key_of(made), statement_pdf.MEDIA_TYPE, [made])
    attached = mails.File(name, statement_pdf.MEDIA_TYPE, document_id=document.id)
    return _file(actor, customer_id, attached, values, form_key)


@operation("mail.send")
def _file(
    actor: Actor, customer_id: int, attached: mails.File, values: Mapping[str, Any], form_key: str | None
) -> Mail:
    filed = once(actor, form_key)
    mail = mails.file(
        actor,
        mails.Draft(
            "statement",
            values.get("recipients") or (),
            values.get("subject") or "",
            values.get("body") or "",
            customer_id=customer_id,
            attachments=(attached,),
        ),
    )
    assert mail is not None
    filed(f"mail:{mail.id}")
    return mail


def key_of(made: bytes) -> str:
    return KEY_PREFIX + hashlib.sha256(made).hexdigest()
