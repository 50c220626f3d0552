"""A mail that the server took for some of its readers only becomes two, each with a fate of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import func

from dashboard.documents.mail_message import message_id
from dashboard.models import Mail, MailAttachment, MailAttempt
from dashboard.operations.base import session
from dashboard.queries import settings


def split(mail_id: int, refused: Mapping[str, tuple[int, str]], later: dt.timedelta) -> str:
    """File copies for the readers refused: given up where that is final, else tried again. Says where to."""
    mail = session().get_one(Mail, mail_id, populate_existing=True, with_for_update=True)
    mail.recipients = [one for one in mail.recipients if one not in refused]
    final = {one: said for one, said in refused.items() if said[0] >= 500}
    made = []
    for some, permanent in ((final, True), ({k: v for k, v in refused.items() if k not in final}, False)):
        if some:
            other = copy_of(mail, list(some))
            said = "; ".join(f"{one}: {code} {words}" for one, (code, words) in some.items())
            other.error = f"The mail server refused the recipient: {said}"
            other.attempts = 1
            other.state = "parked" if permanent else "queued"
            other.next_try_at = None if permanent else func.now() + later
            session().flush()
            session().add(
                MailAttempt(mail_id=other.id, at=func.now(), result="failed", reply=str(other.error))
            )
            made.append(f"{', '.join(some)} (e-mail {other.id})")
    return f". Not to {' and '.join(made)}"


def copy_of(mail: Mail, recipients: list[str]) -> Mail:
    """The same once more, filed anew, with the same files to be made anew."""
    copy = Mail(
        kind=mail.kind,
        customer_id=mail.customer_id,
        invoice_id=mail.invoice_id,
        payment_id=mail.payment_id,
        schedule_run_id=mail.schedule_run_id,
        recipients=recipients,
        subject=mail.subject,
        body=mail.body,
        html=mail.html,
        message_id=message_id(settings.current().smtp_from),
        created_by=mail.created_by,
        created_by_name=mail.created_by_name,
    )
    session().add(copy)
    session().flush()
    for one in mail.attachments:
        session().add(
            MailAttachment(
                mail_id=copy.id,
                position=one.position,
                filename=one.filename,
                media_type=one.media_type,
                invoice_id=one.invoice_id,
                document_id=one.document_id,
            )
        )
    session().flush()
    return copy
