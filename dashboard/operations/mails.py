"""The ledger of e-mail: a mail is filed with the change that causes it, and sent once that is committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.documents.invoice_context import file_name
from dashboard.documents.mail_message import message_id
from dashboard.models import Contact, Invoice, Mail, MailAttachment
from dashboard.models.mail import MAIL_KINDS
from dashboard.operations import checks, mail_addresses, mail_texts
from dashboard.operations.base import Actor, fetch, operation, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.mail_sending import call_after_commit
from dashboard.queries import settings

LONGEST_BODY = 200_000
LONGEST_HTML = 4_000_000


@dataclass(frozen=True)
class File:
    """What goes with a mail: a document that is kept, or the PDF of an invoice, made when it is sent."""

    filename: str
    media_type: str
    document_id: int | None = None
    invoice_id: int | None = None


@dataclass(frozen=True)
class Draft:
    """A mail to be. `once` names what is said only once, whoever asks and how often."""

    kind: str
    recipients: Sequence[str]
    subject: str
    body: str
    html: str | None = None
    customer_id: int | None = None
    invoice_id: int | None = None
    payment_id: int | None = None
    schedule_run_id: int | None = None
    once: str | None = None
    attachments: Sequence[File] = ()


@operation("mail.send")
def file(actor: Actor, draft: Draft) -> Mail | None:
    """Write the mail into the ledger, in the transaction under way; it is sent once that is committed.

    None where `once` was said already. Invalid where an address, the subject or the text can't be sent.
    """
    if draft.kind not in MAIL_KINDS:
        raise ValueError(f"There is no kind of mail named {draft.kind!r}.")
    values = _checked(draft)
    setting = settings.current()
    ready = bool(setting.smtp_host and setting.smtp_from)
    made = session().scalar(
        insert(Mail)
        .values(
            kind=draft.kind,
            state="queued" if ready else "kept",
            customer_id=draft.customer_id,
            invoice_id=draft.invoice_id,
            payment_id=draft.payment_id,
            schedule_run_id=draft.schedule_run_id,
            once=draft.once,
            html=draft.html,
            message_id=message_id(setting.smtp_from),
            next_try_at=func.now() if ready else None,
            created_by=actor.id,
            created_by_name=actor.name,
            **values,
        )
        .on_conflict_do_nothing(index_elements=[Mail.once])
        .returning(Mail.id)
    )
    if made is None:
        return None
    for position, one in enumerate(draft.attachments):
        session().add(
            MailAttachment(
                mail_id=made,
                position=position,
                filename=" ".join(one.filename.split())[:200],
                media_type=one.media_type,
                document_id=one.document_id,
                invoice_id=one.invoice_id,
            )
        )
    session().flush()
    if ready:
        call_after_commit()
    return session().get_one(Mail, made)


def _checked(draft: Draft) -> dict[str, object]:
    errors: dict[str, str] = {}
    values: dict[str, object] = {}
    for name, value, check in (
        ("recipients", draft.recipients, mail_addresses.read),
        ("subject", draft.subject, checks.text(mail_texts.LONGEST_SUBJECT, required=True)),
        ("body", draft.body, checks.long_text(LONGEST_BODY)),
    ):
        try:
            values[name] = check(value) or ""
        except ValueError as fault:
            errors[name] = str(fault)
    if draft.html is not None and len(draft.html) > LONGEST_HTML:
        errors["html"] = f"Use at most {LONGEST_HTML:,} characters; this has {len(draft.html):,}."
    if errors:
        raise Invalid(errors)
    return values


def billing_addresses(customer_id: int) -> list[str]:
    """Where a customer's invoices go: the addresses of its contacts of the type billing."""
    found = session().scalars(
        select(Contact.email)
        .where(Contact.customer_id == customer_id, Contact.type == "billing", Contact.email.is_not(None))
        .order_by(Contact.id)
        .limit(mail_addresses.MOST_ADDRESSES)
    )
    return list({address.casefold(): address for address in found if address}.values())


@operation("mail.send")
def send_invoice(actor: Actor, invoice_id: int, *, schedule_run_id: int | None = None) -> Mail:
    """File the mail that brings an issued invoice to its customer, with the PDF. Refused where it can't.
    A run brings an invoice once, however often it is carried out."""
    found = fetch(Invoice, invoice_id, "invoice")
    said = None if schedule_run_id is None else f"invoice:{invoice_id}:run:{schedule_run_id}"
    draft = invoice_draft(found)
    made = file(actor, replace(draft, schedule_run_id=schedule_run_id, once=said))
    if made is None:
        made = session().scalars(select(Mail).where(Mail.once == said)).one()
    return made


def invoice_draft(found: Invoice, *, recipients: Sequence[str] | None = None) -> Draft:
    """What `send_invoice` would file. Refused where the invoice can't go out or nobody would get it."""
    if found.state != "issued":
        raise Refused(f"{found} is {'a draft' if found.state == 'draft' else 'void'}, so it is not sent.")
    to = billing_addresses(found.customer_id) if recipients is None else list(recipients)
    if not to:
        raise Refused(f"{found.customer.name} has no contact of the type billing with an e-mail address.")
    said = {"invoice": mail_texts.invoice(found), "company": mail_texts.company(found.customer)}
    subject, body = mail_texts.render("invoice", said)
    paper = File(file_name(found), "application/pdf", invoice_id=found.id)
    return Draft(
        "invoice",
        to,
        subject,
        body,
        customer_id=found.customer_id,
        invoice_id=found.id,
        attachments=(paper,),
    )
