"""How far a run of invoices is, what its log says of a period, and the mails that bring its invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from dashboard.models import Invoice
from dashboard.operations import mails
from dashboard.operations.base import SYSTEM, Actor, session
from dashboard.operations.billing import Outcome
from dashboard.operations.errors import OperationError
from dashboard.operations.schedule_hold import Held
from dashboard.queries.coverage import Cell
from dashboard.rules.periods import Period

# What one row keeps of a run for thousands of customers; the counts are of all.
MOST_LINES = 1_000
DAY = dt.timedelta(days=1)


@dataclass
class Progress:
    """A run under way, as its row says it after the last commit."""

    held: Held
    run: Any
    schedule: Any
    made: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    over: bool = False

    @property
    def actor(self) -> Actor:
        run = self.run
        return SYSTEM if run.asked_by is None else Actor(run.asked_by, run.asked_by_name, None)

    def told(self, lines: Sequence[str], made: dict[str, Any], faults: Sequence[str]) -> Progress:
        """The same with more to tell; this one stays as it is, for the case that nothing comes of it."""
        log = [*self.log, *lines[: max(0, MOST_LINES - len(self.log))]]
        return Progress(self.held, self.run, self.schedule, made, log, [*self.faults, *faults])


def summary(faults: Sequence[str]) -> str:
    if len(faults) <= 3:
        return " ".join(faults)
    return f"{len(faults):,} invoices could not be made or sent; the log says why. The first: {faults[0]}"


def told(outcome: Outcome, papers: dict[int, Invoice], cell: Cell | None) -> tuple[list[str], str]:
    """What the log says of a period, and its fault where there is one."""
    period: Period = outcome.period
    paper = papers.get(outcome.invoice_id or 0)
    fault = f"{period}: {outcome.reason}" if outcome.state in ("refused", "failed") else ""
    if outcome.state == "made":
        number = paper.number if paper is not None and paper.number else "a draft"
        lines = [f"{period}: {number}. {outcome.reason}".rstrip()]
    else:
        lines = [f"{period}: {outcome.reason}"]
    if cell is not None and cell.unrated:
        calls = "1 call has" if cell.unrated == 1 else f"{cell.unrated:,} calls have"
        lines.append(f"{period}: {calls} no rate, so no invoice has them yet.")
    return lines, fault


def send(progress: Progress, paper: Invoice, made: dict[str, Any]) -> str:
    """File the mail with the invoice; the answer says why that can't be."""
    try:
        with session().begin_nested():
            mail = mails.send_invoice(progress.actor, paper.id, schedule_run_id=progress.held.run_id)
    except OperationError as error:
        made["unsent"] = [*made.get("unsent", ()), paper.id]
        return f"{paper.number} was made and could not be sent: {error}"
    made["mails"] = [*made.get("mails", ()), mail.id][:MOST_LINES]
    return ""


def papers_of(ids: Sequence[int]) -> dict[int, Invoice]:
    if not ids:
        return {}
    found = session().scalars(
        select(Invoice)
        .where(Invoice.id.in_(ids))
        .order_by(Invoice.id)
        .execution_options(populate_existing=True)
    )
    return {invoice.id: invoice for invoice in found}
