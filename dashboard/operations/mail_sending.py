"""Sending what the ledger holds. The row is the truth: the queue only calls somebody to look at it.

A mail is claimed and that is committed; right before it is handed to the server a try without a result is
committed; then comes the handing over, then its outcome. Whoever is lost in between leaves a trace by which
the next can tell a mail that never left from one that may have.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import redis
from flask import current_app
from sqlalchemy import ColumnElement, and_, exists, func, select, update
from sqlalchemy.orm import Session

from dashboard.documents.mail import NotSent, Receipt
from dashboard.models import Mail, MailAttachment, MailAttempt
from dashboard.operations import mail_split
from dashboard.operations.base import SYSTEM, on_commit, session, unit_of_work
from dashboard.operations.mail_parcel import Parcel
from dashboard.work_queue import redis_connection, work_queue

log = logging.getLogger("mail")

ENTRY = "jobs.mails.send_due"
# Somebody was called and has not yet begun; the mark ends by itself where the queue was wiped meanwhile.
CALL_LASTS = 30
LONGEST_SECONDS = 600

# How long after the first, second, ... failure it is tried again; after the last it is parked.
BACK_OFF = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
    dt.timedelta(hours=6),
)
# `attempts` only grows, so that it tells senders apart: staff's Resend begins at the next ten.
ROUND = 10
# A sender shows a sign of life every few seconds; without one for so long it is taken for dead.
STALE = dt.timedelta(seconds=30)
BEAT_SECONDS = 5

LOST = "The program was stopped after it handed the mail over and before it noted the answer."
INTERRUPTED = "Sending was interrupted again and again, so it was given up. Send it again."


@dataclass(frozen=True)
class Claim:
    """A sender's hold on a mail. It ends when another attempt begins."""

    mail_id: int
    attempt: int

    @property
    def held(self) -> ColumnElement[bool]:
        return and_(Mail.id == self.mail_id, Mail.attempts == self.attempt, Mail.state == "sending")


# Calling somebody


def call_after_commit() -> None:
    """Once, however many mails the transaction under way files."""
    if call_senders not in session().info.get("after_commit", ()):
        on_commit(call_senders)


def call_senders() -> None:
    """Have a worker look for mail that is due. Where the queue does not answer, the next tick calls again."""
    settings = current_app.extensions["settings"]
    try:
        with redis_connection(settings) as connection:
            if not connection.set(_call_mark(), "1", nx=True, ex=CALL_LASTS):
                return
            queue = work_queue(settings, connection)
            queue.enqueue_call(ENTRY, timeout=LONGEST_SECONDS, result_ttl=0, failure_ttl=24 * 3600)
    except redis.RedisError as error:
        log.warning("the queue does not answer, the next tick sends the mail: %s", error)


def answer_call() -> None:
    """Somebody has come. Mail filed from now on calls anew: they may have looked already."""
    try:
        with redis_connection(current_app.extensions["settings"]) as connection:
            connection.delete(_call_mark())
    except redis.RedisError as error:
        log.warning("the queue does not answer: %s", error)


def _call_mark() -> str:
    return f"{current_app.extensions['settings'].queue_name}:mail-call"


def is_any_due() -> bool:
    return bool(session().scalar(select(exists().where(_due()))))


def due(limit: int) -> list[int]:
    """The mails that come next, at most so many."""
    coming = select(Mail.id).where(_due()).order_by(Mail.next_try_at, Mail.id).limit(limit)
    return list(session().scalars(coming))


def _due() -> ColumnElement[bool]:
    return and_(Mail.state == "queued", Mail.next_try_at <= func.now())


# One mail


def claim() -> Claim | None:
    """The mail that is due longest and that nobody else has."""
    oldest = (
        select(Mail.id)
        .where(_due())
        .order_by(Mail.next_try_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    with unit_of_work(SYSTEM) as current:
        row = current.execute(
            update(Mail)
            .where(Mail.id == oldest)
            .values(state="sending", attempts=Mail.attempts + 1, claimed_at=func.now())
            .returning(Mail.id, Mail.attempts)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    return None if row is None else Claim(row.id, row.attempts)


def beat(held: Claim) -> bool:
    """A sign of life; False when the mail is no longer ours."""
    with unit_of_work(SYSTEM) as current:
        return _change(current, held.held, claimed_at=func.now())


def begin(held: Claim, parcel: Parcel) -> int | None:
    """Note that the mail is about to be handed over, and what goes with it: the key of the try. None when the
    mail is no longer ours: then it must not be."""
    with unit_of_work(SYSTEM) as current:
        if not _change(current, held.held, claimed_at=func.now()):
            return None
        for position, file in parcel.files.items():
            current.execute(
                update(MailAttachment)
                .where(MailAttachment.mail_id == held.mail_id, MailAttachment.position == position)
                .values(document_id=file.document_id, size=file.size, sha256=file.sha256)
            )
        attempt = MailAttempt(
            mail_id=held.mail_id, at=func.now(), result="unsure", server=parcel.server_name[:260]
        )
        current.add(attempt)
        current.flush()
        return attempt.id


def sent(held: Claim, attempt_id: int, receipt: Receipt) -> None:
    """The server took it. Whom it would not have gets a mail of their own, with a fate of its own."""
    # Also where it was taken for lost meanwhile: what we know is more than what was guessed.
    ours = and_(Mail.id == held.mail_id, Mail.attempts == held.attempt, Mail.state.in_(("sending", "unsure")))
    with unit_of_work(SYSTEM) as current:
        if not _change(
            current, ours, state="sent", sent_at=func.now(), error=None, next_try_at=None, claimed_at=None
        ):
            return
        said = receipt.reply
        if receipt.refused:
            said += mail_split.split(held.mail_id, receipt.refused, BACK_OFF[0])
        _conclude(current, attempt_id, "sent", said)


def failed(held: Claim, attempt_id: int | None, fault: NotSent, server_name: str = "") -> None:
    """It did not go out: another try later, or given up; or nobody knows."""
    with unit_of_work(SYSTEM) as current:
        if not _change(current, held.held, **_after(held, fault)):
            return
        result = "unsure" if fault.unsure else "failed"
        if attempt_id is None:
            said = MailAttempt(
                mail_id=held.mail_id,
                at=func.now(),
                result=result,
                server=server_name[:260],
                reply=str(fault),
            )
            current.add(said)
        else:
            _conclude(current, attempt_id, result, str(fault))


def _after(held: Claim, fault: NotSent) -> dict[str, object]:
    values: dict[str, object] = {"error": str(fault), "claimed_at": None, "next_try_at": None, "seen": False}
    if fault.unsure:
        return values | {"state": "unsure"}
    tries = held.attempt % ROUND
    if fault.permanent or tries > len(BACK_OFF):
        return values | {"state": "parked"}
    return values | {"state": "queued", "next_try_at": func.now() + BACK_OFF[tries - 1]}


def _conclude(current: Session, attempt_id: int, result: str, said: str) -> None:
    current.execute(
        update(MailAttempt).where(MailAttempt.id == attempt_id).values(result=result, reply=said or "-")
    )


def _change(current: Session, which: ColumnElement[bool], **values: object) -> bool:
    found = current.scalar(
        update(Mail)
        .where(which)
        .values(**values)
        .returning(Mail.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


def keep_all() -> None:
    """There is no mail server any more: what waits is kept, to be read on screen or sent later."""
    with unit_of_work(SYSTEM) as current:
        waiting = select(Mail.id).where(Mail.state == "queued").with_for_update(skip_locked=True)
        current.execute(
            update(Mail)
            .where(Mail.id.in_(waiting))
            .values(state="kept", next_try_at=None)
            .execution_options(synchronize_session=False)
        )


# Those who were lost


def take_up_lost() -> int:
    """Mails whose sender is gone: back into the queue where they never left, else for staff to decide."""
    with unit_of_work(SYSTEM) as current:
        lost = current.scalars(
            select(Mail)
            .where(Mail.state == "sending", Mail.claimed_at < func.now() - STALE)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        begun = _begun(current, [mail.id for mail in lost])
        for mail in lost:
            mail.claimed_at = None
            if mail.id in begun:
                mail.state, mail.error, mail.seen, mail.next_try_at = "unsure", LOST, False, None
                _conclude(current, begun[mail.id], "unsure", LOST)
            elif mail.attempts % ROUND > len(BACK_OFF):
                mail.state, mail.error, mail.seen, mail.next_try_at = "parked", INTERRUPTED, False, None
            else:
                mail.state, mail.next_try_at = "queued", func.now()
    return len(lost)


def _begun(current: Session, ids: Iterable[int]) -> dict[int, int]:
    """The tries that have no result yet, by mail."""
    open_tries = select(MailAttempt.mail_id, MailAttempt.id).where(
        MailAttempt.mail_id.in_(list(ids)), MailAttempt.result == "unsure", MailAttempt.reply == ""
    )
    return {one.mail_id: one.id for one in current.execute(open_tries)}
