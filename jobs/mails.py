"""Mail in the background: what is due goes out, many to one connection; many invoices are made mails of."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import cast

from flask import Flask, current_app

from dashboard.documents.mail import Connection, MailServer, NotSent
from dashboard.extensions import db
from dashboard.models import Job
from dashboard.operations import invoice_mails as filing
from dashboard.operations import mail_sending
from dashboard.operations.base import Actor
from dashboard.operations.errors import Refused
from dashboard.operations.mail_parcel import pack, print_ahead
from dashboard.operations.settings import mail_server
from dashboard.queries import settings
from jobs.report import Report, Result

log = logging.getLogger("mail")

# One turn of a worker; what is left then waits behind the other jobs of the queue.
TURN_SECONDS = 20.0
# Invoices made mails of between two looks at whether the job should stop: well within a second.
CHUNK = 20
# So many invoices are printed together, about a second's work.
AHEAD = 50

UNFORESEEN = "Something went wrong here that was not foreseen, before the mail was handed over."


def send_due() -> None:
    """The queue's entry: send what is due, and call another worker where more is left after a while."""
    mail_sending.answer_call()
    with _asked_to_stop() as stop:
        until = time.monotonic() + TURN_SECONDS
        while not stop.is_set() and time.monotonic() < until:
            if not _send_some(lambda: stop.is_set() or time.monotonic() >= until):
                return
    mail_sending.call_senders()


def invoice_mails(job: Job, report: Report) -> Result:
    """`params`: {"ids": [...], "again": bool}. One mail an invoice; those that can't go are named in the
    notes. What an earlier attempt filed is not filed again."""
    ids = [int(key) for key in job.params["ids"]]
    # The right was checked when it was asked for.
    actor = Actor(job.created_by, job.created_by_name or "System", None)
    again, mark = bool(job.params.get("again")), f"job:{job.id}"
    for start in range(0, len(ids), CHUNK):
        made = filing.send_many(actor, ids[start : start + CHUNK], again=again, mark=mark)
        for one in made.refused:
            report.note(f"{one.label}: {one.reason}")
        report.reached(min(start + CHUNK, len(ids)))
    return Result()


def call_for_due() -> None:
    """The tick's task: whatever was lost, or is due by now, is seen to."""
    mail_sending.take_up_lost()
    if mail_sending.is_any_due():
        mail_sending.call_senders()


def _send_some(stop: Callable[[], bool]) -> bool:
    """Over one connection, as long as it holds. False when nothing is due, or the server is at fault."""
    setting = settings.current()
    if not setting.smtp_host or not setting.smtp_from:
        mail_sending.keep_all()
        return False
    held = mail_sending.claim()
    if held is None:
        return False
    try:
        server = mail_server(settings.current())
    except Refused as error:
        mail_sending.failed(held, None, NotSent(str(error), of_server=True))
        return False
    db.session.rollback()
    with ExitStack() as stack:
        try:
            with _signs_of_life(held):
                connection = stack.enter_context(Connection(server))
        except NotSent as error:
            # Nobody to hand it to. The others wait for the next tick.
            mail_sending.failed(held, None, error, str(server))
            return False
        ahead = 1
        while held is not None:
            if not _send(held, server, connection):
                return False
            ahead -= 1
            if not ahead and not stop():
                print_ahead(mail_sending.due(AHEAD))
                ahead = AHEAD
            if stop() or not connection.is_alive():
                return True
            held = mail_sending.claim()
    return False


def _send(held: mail_sending.Claim, server: MailServer, connection: Connection) -> bool:
    """One mail. False where the next would fare the same."""
    attempt: int | None = None
    try:
        with _signs_of_life(held):
            parcel = pack(held.mail_id, server)
            attempt = mail_sending.begin(held, parcel)
            if attempt is None:
                return True
            receipt = connection.hand_over(server.sender, parcel.recipients, parcel.message)
    except NotSent as error:
        db.session.rollback()
        mail_sending.failed(held, attempt, error, str(server))
        return not error.of_server
    except Exception:
        log.exception("mail %s could not be sent", held.mail_id)
        db.session.rollback()
        if attempt is not None:
            raise  # nobody knows how far it came: the tick will ask
        mail_sending.failed(held, None, NotSent(UNFORESEEN), str(server))
        return True
    mail_sending.sent(held, attempt, receipt)
    return True


@contextmanager
def _signs_of_life(held: mail_sending.Claim) -> Iterator[None]:
    """Says every few seconds that the mail is in hand, while the server takes its time."""
    app = cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]
    ended = threading.Event()

    def show() -> None:
        while not ended.wait(mail_sending.BEAT_SECONDS):
            try:
                with app.app_context():
                    if not mail_sending.beat(held):
                        return
            except Exception:  # noqa: S112 - the database is away for a moment; the next beat tries again
                continue

    thread = threading.Thread(target=show, name=f"mail-{held.mail_id}-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=mail_sending.BEAT_SECONDS)


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by SIGTERM, so that the mail in hand ends first."""
    stop = threading.Event()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, asked)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
