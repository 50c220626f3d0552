"""Reminders of what is due or overdue: by themselves on the days that Settings name, and by hand."""

from __future__ import annotations

import datetime as dt
import logging
import time
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select, update

from dashboard.documents.invoice_context import file_name
from dashboard.models import Customer, Invoice, Mail
from dashboard.operations import mail_texts, mails
from dashboard.operations.base import SYSTEM, Actor, fetch, operation, session, unit_of_work
from dashboard.operations.errors import Duplicate, OperationError, Refused
from dashboard.queries import reminders, settings

log = logging.getLogger("mail")

# Looked for together, and how long one round of the tick may take; the next goes on.
PORTION = 200
ROUND_SECONDS = 10


def send_due() -> int:
    """The tick's task: file each reminder whose day has come; how many. What was paid or taken back before
    its reminder left is not reminded of."""
    withdraw()
    until = time.monotonic() + ROUND_SECONDS
    filed = 0
    for days in sorted(settings.current().reminder_days, reverse=True):
        after = 0
        while found := reminders.due(days, limit=PORTION, after=after):
            session().rollback()
            for invoice_id in found:
                filed += _send_one(invoice_id, days)
                if time.monotonic() > until:
                    return filed
            after = found[-1]
    session().rollback()
    return filed


def _send_one(invoice_id: int, days: int) -> int:
    """In a transaction of its own, so that one that fails stops no other."""
    try:
        with unit_of_work(SYSTEM):
            # Whoever pays it now waits for us, or we leave it to the next round.
            invoice = session().scalar(
                select(Invoice)
                .where(Invoice.id == invoice_id, Invoice.state == "issued", Invoice.balance > 0)
                .with_for_update(read=True, skip_locked=True)
                .execution_options(populate_existing=True)
            )
            if invoice is None or _is_silenced(invoice.customer_id):
                return 0
            recipients = mails.billing_addresses(invoice.customer_id)
            if not recipients:
                return 0
            once = reminders.once_key(invoice_id, days)
            return int(mails.file(SYSTEM, _draft(invoice, recipients, once)) is not None)
    except OperationError as error:
        log.warning("invoice %s is not reminded of: %s", invoice_id, error)
    except Exception:
        log.exception("invoice %s can't be reminded of; the others go on", invoice_id)
    return 0


def _is_silenced(customer_id: int) -> bool:
    return bool(session().scalar(select(Customer.no_reminders).where(Customer.id == customer_id)))


def withdraw() -> int:
    """Reminders that wait for the mail server, of invoices that owe nothing any more; how many."""
    owed = exists().where(Invoice.id == Mail.invoice_id, Invoice.state == "issued", Invoice.balance > 0)
    waiting = select(Mail.id).where(Mail.state == "queued", Mail.kind == "reminder", ~owed)
    with unit_of_work(SYSTEM):
        gone = session().scalars(
            update(Mail)
            .where(Mail.id.in_(waiting.with_for_update(skip_locked=True)))
            .values(
                state="cancelled",
                next_try_at=None,
                error="The invoice was paid or taken back before this could be sent.",
            )
            .returning(Mail.id)
            .execution_options(synchronize_session=False)
        )
        return len(gone.all())


@operation("mail.send")
def send(actor: Actor, invoice_id: int, *, form_key: str | None = None) -> Mail:
    """A reminder by hand, whatever the days in the settings and also where reminders are silenced. Refused
    where nothing is owed or nobody would get it; Duplicate where the same form was sent before."""
    invoice = fetch(Invoice, invoice_id, "invoice")
    if invoice.state != "issued":
        state = "a draft" if invoice.state == "draft" else "void"
        raise Refused(f"{invoice} is {state}, so there is nothing to remind of.")
    if invoice.balance <= 0:
        raise Refused(f"Nothing is owed on {invoice}, so there is nothing to remind of.")
    recipients = mails.billing_addresses(invoice.customer_id)
    if not recipients:
        raise Refused(f"{invoice.customer.name} has no contact of the type billing with an e-mail address.")
    once = f"reminder:{invoice_id}:by-hand:{form_key[:64]}" if form_key else None
    made = mails.file(actor, _draft(invoice, recipients, once))
    if made is None:
        raise Duplicate(f"invoice:{invoice_id}")
    return made


def _draft(invoice: Invoice, recipients: list[str], once: str | None) -> mails.Draft:
    zone = ZoneInfo(invoice.customer.time_zone or settings.current().time_zone)
    late = (dt.datetime.now(zone).date() - invoice.due_date).days
    said = {
        "invoice": mail_texts.invoice(invoice),
        "company": mail_texts.company(invoice.customer),
        "reminder": {"overdue": late > 0, "days": abs(late)},
    }
    subject, body = mail_texts.render("reminder", said)
    return mails.Draft(
        "reminder",
        recipients,
        subject,
        body,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        once=once,
        attachments=(mails.File(file_name(invoice), "application/pdf", invoice_id=invoice.id),),
    )
