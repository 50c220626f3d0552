"""Invoices by e-mail as staff ask for it: one with its text looked at first, or many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from dashboard.models import Invoice, Mail
from dashboard.operations import mail_addresses, mails
from dashboard.operations.base import Actor, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused

# More than so many are filed by a job.
MOST_IN_REQUEST = 200
# Brought by these already: sending it once more is asked for in so many words.
BROUGHT = ("queued", "kept", "sending", "sent", "unsure")


@operation("mail.send")
def send_as(actor: Actor, invoice_id: int, values: Mapping[str, Any], *, form_key: str | None = None) -> Mail:
    """Send an invoice to the addresses and with the words that staff chose."""
    file = once(actor, form_key)
    found = fetch(Invoice, invoice_id, "invoice")
    try:
        to = mail_addresses.read(values.get("recipients"))
    except ValueError as fault:
        raise Invalid({"recipients": str(fault)}) from fault
    draft = mails.invoice_draft(found, recipients=to)
    mail = mails.file(
        actor, replace(draft, subject=str(values.get("subject") or ""), body=str(values.get("body") or ""))
    )
    assert mail is not None
    file(f"mail:{mail.id}")
    return mail


def send_many(
    actor: Actor,
    ids: Iterable[int],
    *,
    again: bool = False,
    mark: str = "",
) -> BulkResult:
    """One mail an invoice, each in a transaction of its own. Those that can't go are named with the reason;
    those that went before are left out unless `again`. `mark` names the whole, which so is done once only."""
    require(actor, "mail.send")
    return each(
        actor, ids, lambda key: _send(actor, key, again, f"{mark}:{key}" if mark else None), label=label
    )


def _send(actor: Actor, invoice_id: int, again: bool, said: str | None) -> None:
    found = fetch(Invoice, invoice_id, "invoice")
    draft = mails.invoice_draft(found)
    if said and session().scalar(select(Mail.id).where(Mail.once == said)) is not None:
        return
    if not again:
        before = select(Mail.id).where(
            Mail.invoice_id == invoice_id, Mail.kind == "invoice", Mail.state.in_(BROUGHT)
        )
        if session().scalar(before.limit(1)) is not None:
            raise Refused("It was sent before. Tick “Also those sent before” to send it once more.")
    mails.file(actor, replace(draft, once=said))


def label(key: int) -> str:
    found = session().get(Invoice, key)
    return str(found) if found is not None else f"Invoice {key}"
