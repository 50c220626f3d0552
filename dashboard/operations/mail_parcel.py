"""A mail of the ledger made ready for the server: its files fetched or printed, everything in one message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from sqlalchemy import select

from dashboard.documents.invoice_pdf import (
    PdfFailed,
    PdfUnavailable,
    invoice_pdf,
    load_for_print,
    render_many,
)
from dashboard.documents.mail import MailServer, NotSent
from dashboard.documents.mail_message import Attached, compose, html_of
from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Document, Mail, MailAttachment
from dashboard.queries import settings

# What most servers would not take, and what would fill our memory.
BIGGEST = 25_000_000


@dataclass(frozen=True)
class PackedFile:
    document_id: int
    size: int
    sha256: str


@dataclass
class Parcel:
    message: EmailMessage
    recipients: list[str]
    server_name: str
    files: dict[int, PackedFile] = field(default_factory=dict)


def pack(mail_id: int, server: MailServer) -> Parcel:
    """Outside of any transaction, as printing takes its time. NotSent where it can't be made ready."""
    mail = db.session.get_one(Mail, mail_id, populate_existing=True)
    files: dict[int, PackedFile] = {}
    attached: list[Attached] = []
    for one in mail.attachments:
        document = _document(one)
        if sum(len(file.content) for file in attached) + document.size > BIGGEST:
            raise NotSent(f"Its files have more than {BIGGEST // 1_000_000} MB.", permanent=True)
        content = b"".join(store.open_stream(document))
        files[one.position] = PackedFile(document.id, len(content), hashlib.sha256(content).hexdigest())
        attached.append(Attached(one.filename, one.media_type, content))
    try:
        message = compose(
            server.sender,
            mail.recipients,
            mail.subject,
            mail.body,
            sender_name=settings.current().company_name,
            html=mail.html or html_of(mail.body),
            attachments=attached,
            known_as=mail.message_id,
        )
    except ValueError as fault:
        raise NotSent(f"It can't be put together: {fault}", permanent=True) from fault
    recipients = list(mail.recipients)
    # Nothing is held in the database while a distant server takes its time.
    db.session.rollback()
    return Parcel(message, recipients, str(server), files)


def print_ahead(ids: Sequence[int]) -> None:
    """Print the invoices that these mails bring in one run, which costs a sixth of one by one; `pack` then
    finds them kept. What can't be printed is told of when its own mail is packed."""
    wanted = select(MailAttachment.invoice_id).where(
        MailAttachment.mail_id.in_(ids), MailAttachment.invoice_id.is_not(None)
    )
    papers = [key for key in db.session.scalars(wanted.distinct()) if key is not None]
    if len(papers) > 1:
        with suppress(PdfUnavailable):
            for _ in render_many(one for one in load_for_print(papers) if one.state == "issued"):
                pass
    db.session.rollback()


def _document(one: MailAttachment) -> Document:
    if one.invoice_id is not None:
        return _printed(one.invoice_id)
    if one.document is None:
        raise NotSent(f"The file {one.filename} is no longer kept.", permanent=True)
    return one.document


def _printed(invoice_id: int) -> Document:
    """The invoice as it stands now. What was taken back meanwhile must not go out."""
    found = load_for_print([invoice_id])
    if not found or found[0].state != "issued":
        state = "no longer there" if not found else "void" if found[0].state == "void" else "a draft again"
        raise NotSent(
            f"{found[0] if found else 'The invoice'} is {state}, so it was not sent.", permanent=True
        )
    try:
        return invoice_pdf(found[0]).document
    except PdfUnavailable as fault:
        raise NotSent(str(fault), of_server=True) from fault
    except PdfFailed as fault:
        raise NotSent(str(fault)) from fault
