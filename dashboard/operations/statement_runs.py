"""Statements of account that a schedule makes: each customer's is a mail and a transaction of its own, once
for a run, whoever does it again."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from dashboard.documents import statement_pdf
from dashboard.documents.statement_pdf import PdfFailed
from dashboard.documents.store import store
from dashboard.models import Customer, Mail, Schedule, ScheduleRun
from dashboard.models.statement import Statement
from dashboard.operations import mails
from dashboard.operations.base import SYSTEM, Actor, session, unit_of_work
from dashboard.operations.errors import OperationError, Refused
from dashboard.operations.schedule_hold import Held, RunCancelled, end, write
from dashboard.operations.statements import draft, key_of
from dashboard.queries import settings
from dashboard.queries import statements as queries
from dashboard.queries.statements import TooLong
from dashboard.rules.money import format_money

log = logging.getLogger("schedule")

# Printed with one run of the renderer.
PORTION = 25
MOST_LINES = 1_000
DAY = dt.timedelta(days=1)
NOT_PRINTED = "it could not be printed. Retry the run; if that fails too, tell your administrator."


def carry_out(held: Held, chunk_done: Callable[[], None]) -> None:
    """Do the run, and note after each portion how far it is. `chunk_done` may raise."""
    work = _load(held.run_id)
    for _ in work.portions():
        with unit_of_work(SYSTEM):
            if write(held, made=work.made, log=[*work.before, *work.lines]):
                raise RunCancelled
        chunk_done()
    error = None
    if work.faults:
        count = "1 statement" if work.faults == 1 else f"{work.faults:,} statements"
        error = f"{count} could not be sent. The log says why; Retry sends these alone."
    lines = work.lines or ["Nobody had anything to be told of."]
    with unit_of_work(SYSTEM):
        state = "failed" if error else "done"
        end(held, state, made=work.made, log=[*work.before, *lines], error=error)


def _load(run_id: int) -> _Work:
    run = session().get_one(ScheduleRun, run_id, populate_existing=True)
    schedule = session().get(Schedule, run.schedule_id) if run.schedule_id else None
    if schedule is None or run.period_start is None or run.period_end is None:
        raise Refused("The schedule of this run was deleted, or it has no period.")
    actor = SYSTEM if run.asked_by is None else Actor(run.asked_by, run.asked_by_name, None)
    chosen = sorted(set(schedule.customer_ids))
    work = _Work(run_id, actor, run.period_start, run.period_end - DAY, chosen, list(run.log))
    session().rollback()
    return work


@dataclass
class _Work:
    """A run under way, and what it has come to."""

    run_id: int
    actor: Actor
    first: dt.date
    last: dt.date
    # None chosen: every active customer with something to say.
    chosen: list[int]
    # The log as it was.
    before: list[str]
    lines: list[str] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)
    faults: int = 0

    @property
    def made(self) -> dict[str, Any]:
        return {"count": len(self.mails), "mails": self.mails[:MOST_LINES]}

    def say(self, name: str, what: str) -> None:
        if len(self.lines) < MOST_LINES:
            self.lines.append(f"{name}: {what}")

    def fault(self, name: str, what: str) -> None:
        self.faults += 1
        self.say(name, what)

    def portions(self) -> Iterator[None]:
        """One portion of customers after the other is sent."""
        for ids in self._keys():
            self._send_some(ids)
            session().rollback()
            yield

    def _keys(self) -> Iterator[Sequence[int]]:
        ids = self.chosen or queries.with_something_to_say(self.first, self.last)
        session().rollback()
        for start in range(0, len(ids), PORTION):
            yield ids[start : start + PORTION]

    def _send_some(self, ids: Sequence[int]) -> None:
        sent = self._sent_before(ids)
        self.mails += sent.values()
        ready = [self._ready(key) for key in ids if key not in sent]
        found = [one for one in ready if one is not None]
        printed = list(statement_pdf.make_many(found, settings.current()))
        session().rollback()
        for one, made in zip(found, printed, strict=True):
            if isinstance(made, PdfFailed):
                log.warning("statement of customer %s can't be printed: %s", one.customer.id, made.reason)
                self.fault(one.customer.name, NOT_PRINTED)
                continue
            try:
                self._send_one(one, made)
            except OperationError as error:
                self.fault(one.customer.name, str(error))

    def _sent_before(self, ids: Sequence[int]) -> dict[int, int]:
        """What an earlier attempt of the run has sent: customer and mail."""
        keys = {self._once(customer_id): customer_id for customer_id in ids}
        rows = session().execute(select(Mail.once, Mail.id).where(Mail.once.in_(keys)))
        return {keys[row.once]: row.id for row in rows if row.once}

    def _once(self, customer_id: int) -> str:
        return f"statement:{self.run_id}:{customer_id}"

    def _ready(self, customer_id: int) -> Statement | None:
        """The customer's statement; None with a line of the log where there is none to send."""
        customer = session().get(Customer, customer_id)
        if customer is None:
            return None
        if not mails.billing_addresses(customer_id):
            self.say(customer.name, "left out, no contact of the type billing has an e-mail address.")
            return None
        try:
            found = queries.statement(customer, self.first, self.last)
        except TooLong as fault:
            self.fault(customer.name, str(fault))
            return None
        if not found.says_something:
            self.say(customer.name, "left out, there is nothing to say.")
            return None
        return found

    def _send_one(self, found: Statement, made: bytes) -> None:
        document = store.put(key_of(made), statement_pdf.MEDIA_TYPE, [made])
        customer = found.customer
        name = statement_pdf.file_name(found)
        with unit_of_work(self.actor):
            subject, body = draft(found)
            mail = mails.file(
                self.actor,
                mails.Draft(
                    "statement",
                    mails.billing_addresses(customer.id),
                    subject,
                    body,
                    customer_id=customer.id,
                    schedule_run_id=self.run_id,
                    once=self._once(customer.id),
                    attachments=(mails.File(name, statement_pdf.MEDIA_TYPE, document_id=document.id),),
                ),
            )
            made_id = mail.id if mail is not None else None
        if made_id is not None:
            self.mails.append(made_id)
            self.say(
                customer.name, f"balance {format_money(found.closing, found.currency, code=True)}, sent."
            )
