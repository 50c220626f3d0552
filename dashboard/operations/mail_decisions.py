"""What staff decide about a mail of the ledger: send it again, cancel it, say that it arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import func, select

from dashboard.models import Mail, MailAttempt
from dashboard.operations.base import Actor, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Refused
from dashboard.operations.mail_sending import ROUND, call_after_commit
from dashboard.operations.mail_split import copy_of
from dashboard.queries import settings

NO_SERVER = "There is no mail server yet. Fill it in under Setup > Settings; then send this again."
IN_HAND = "This e-mail is being handed to the mail server right now. Look again in a moment."


@operation("mail.send")
def resend(actor: Actor, mail_id: int, *, form_key: str | None = None) -> Mail:
    """Send a mail that did not go out, or once more one that did: then a new one is filed. Gives the mail
    that will be sent."""
    file = once(actor, form_key)
    mail = _locked(mail_id)
    setting = settings.current()
    if not setting.smtp_host or not setting.smtp_from:
        raise Refused(NO_SERVER)
    if mail.state == "sent":
        mail = copy_of(mail, list(mail.recipients))
        mail.created_by, mail.created_by_name = actor.id, actor.name
    else:
        # A new round of tries. Never back to a number that a sender taken for dead may still hold.
        mail.attempts = (mail.attempts // ROUND + 1) * ROUND if mail.attempts % ROUND else mail.attempts
    mail.state, mail.error, mail.seen = "queued", None, False
    mail.next_try_at = func.now()
    session().flush()
    file(f"mail:{mail.id}")
    call_after_commit()
    return mail


@operation("mail.send")
def cancel(actor: Actor, mail_id: int) -> Mail:
    mail = _locked(mail_id)
    if mail.state in ("sent", "cancelled"):
        raise Refused(f"This e-mail was {'sent' if mail.state == 'sent' else 'cancelled'} already.")
    mail.state, mail.next_try_at = "cancelled", None
    mail.error = f"Cancelled by {actor.name}."
    session().flush()
    return mail


@operation("mail.send")
def arrived(actor: Actor, mail_id: int) -> Mail:
    """Staff asked the reader: the mail that may have gone out did."""
    mail = _locked(mail_id)
    if mail.state != "unsure":
        raise Refused("Only of an e-mail whose fate is unknown can you say that it arrived.")
    mail.state, mail.error, mail.sent_at = "sent", None, func.now()
    said = f"{actor.name} says that it arrived."
    session().add(MailAttempt(mail_id=mail.id, at=func.now(), result="sent", reply=said))
    session().flush()
    return mail


@operation("mail.send")
def mark_seen(actor: Actor, mail_id: int) -> Mail:
    """No longer told of on the dashboard."""
    mail = _locked(mail_id)
    if mail.state not in ("parked", "unsure"):
        raise Refused("Only an e-mail that failed, or whose fate is unknown, waits to be seen.")
    mail.seen = True
    session().flush()
    return mail


def resend_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    return _many(actor, ids, resend)


def cancel_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    return _many(actor, ids, cancel)


def mark_seen_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    return _many(actor, ids, mark_seen)


def _many(actor: Actor, ids: Iterable[int], one: Callable[[Actor, int], Mail]) -> BulkResult:
    require(actor, "mail.send")
    return each(actor, ids, lambda key: one(actor, key), label=label)


def label(key: int) -> str:
    return session().scalar(select(Mail.subject).where(Mail.id == key)) or f"E-mail {key}"


def _locked(mail_id: int) -> Mail:
    mail = fetch(Mail, mail_id, "e-mail", lock=True)
    if mail.state == "sending":
        raise Refused(IN_HAND)
    return mail
