"""Runs of invoices: every period that is due and not covered, up to the run's own, the oldest first.

What there is already is found by the period, never by a date of issue. Each chunk of customers commits with
what it made on the rows of its runs, and with the mails that carry the invoices. A chunk that fails is done
customer by customer, so that one's failure stops nobody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from dashboard.models import Customer, CustomerPackage, Schedule, ScheduleRun, UsageDay
from dashboard.operations import billing, report_runs
from dashboard.operations.base import SYSTEM, Actor, on_commit, session, unit_of_work
from dashboard.operations.billing import Options, Outcome
from dashboard.operations.billing_outcome import Pair, chunks
from dashboard.operations.schedule_hold import Held, Overtaken, RunCancelled, end, write
from dashboard.operations.schedule_progress import DAY, MOST_LINES, Progress, papers_of, send, summary, told
from dashboard.operations.schedules import database_now
from dashboard.queries import coverage, settings
from dashboard.queries.coverage import Cell
from dashboard.rules.periods import periods

# So many customers of one run are looked at together.
PORTION = 100
DUE = ("missing", "blocked")


def carry_out(held: Sequence[Held], chunk_done: Callable[[], None]) -> None:
    """Do these runs, each of another schedule. `chunk_done` is called after each chunk and may raise."""
    work = _Work(_load(held), chunk_done)
    work.send_again()
    customers = work.customers()
    for start in range(0, len(customers), PORTION):
        work.portion(customers[start : start + PORTION])
    work.finish()


def _load(held: Sequence[Held]) -> dict[int, Progress]:
    """The runs and their schedules as they stand now, whatever becomes of the rows."""
    wanted = select(*Schedule.__table__.columns, ScheduleRun.id.label("run_id")).join(
        ScheduleRun, ScheduleRun.schedule_id == Schedule.id
    )
    ids = [one.run_id for one in held]
    schedules = {row.run_id: row for row in session().execute(wanted.where(ScheduleRun.id.in_(ids)))}
    columns = select(*ScheduleRun.__table__.columns).where(ScheduleRun.id.in_(list(schedules)))
    runs = {row.id: row for row in session().execute(columns)}
    return {
        one.run_id: Progress(
            one,
            runs[one.run_id],
            schedules[one.run_id],
            dict(runs[one.run_id].made),
            list(runs[one.run_id].log),
        )
        for one in held
        if one.run_id in runs
    }


class _Work:
    """The runs of one portion, and the chunks of customers whose periods are made."""

    def __init__(self, runs: dict[int, Progress], chunk_done: Callable[[], None]) -> None:
        self.runs, self.chunk_done = runs, chunk_done
        # Whose run a customer belongs to: its own, or the one run that there is.
        self.of_customer: dict[int, int] = {}
        # By the database's clock, as all that schedules do.
        zone = ZoneInfo(settings.current().time_zone)
        self.today = database_now().astimezone(zone).date()
        session().rollback()

    def customers(self) -> list[int]:
        """The customers of all runs, each of which belongs to one of them."""
        for key, progress in self.runs.items():
            if progress.run.customer_id is not None:
                self.of_customer[progress.run.customer_id] = key
                continue
            chosen = progress.schedule.customer_ids
            keys = select(Customer.id).order_by(Customer.id)
            if chosen:
                keys = keys.where(Customer.id.in_(chosen))
            self.of_customer.update(dict.fromkeys(session().scalars(keys), key))
        session().rollback()
        return sorted(self.of_customer)

    def portion(self, ids: Sequence[int]) -> None:
        pairs: list[Pair] = []
        cells: dict[Pair, Cell] = {}
        for key in {self.of_customer[customer_id] for customer_id in ids}:
            pairs += self._due(key, [one for one in ids if self.of_customer[one] == key], cells)
        by_customer = _customers(ids)
        session().rollback()
        for chunk in chunks(pairs):
            for (actor, issue), some in self._alike(chunk, by_customer).items():
                self._heed()
                some = [pair for pair in some if not self.runs[self.of_customer[pair[0]]].over]
                billing.carry_out(
                    actor,
                    some,
                    Options(None, issue, self.today),
                    after=lambda outcomes: self._file(outcomes, by_customer, cells),
                )
            self.chunk_done()

    def _due(self, key: int, ids: Sequence[int], cells: dict[Pair, Cell]) -> list[Pair]:
        run, schedule = self.runs[key].run, self.runs[key].schedule
        assert run.period_end is not None
        first = _first_days(ids)
        if first is None or first >= run.period_end:
            return []
        columns = periods(schedule.frequency, first, run.period_end - dt.timedelta(days=1))
        found = coverage.of_customers(ids, schedule.frequency, columns)
        pairs = []
        for cell in (cell for row in found.values() for cell in row):
            if cell.state in DUE and cell.period.end <= run.period_end:
                cells[cell.customer_id, cell.period] = cell
                pairs.append((cell.customer_id, cell.period))
        return pairs

    def _alike(
        self, chunk: Sequence[Pair], customers: dict[int, Any]
    ) -> dict[tuple[Actor, bool], list[Pair]]:
        """The pairs by who makes their invoices, and whether these are issued."""
        found: dict[tuple[Actor, bool], list[Pair]] = {}
        for pair in chunk:
            progress = self.runs[self.of_customer[pair[0]]]
            issue = progress.schedule.issue
            if issue is None and pair[0] in customers:
                issue = customers[pair[0]].invoice_issue
            if issue is None:
                issue = settings.current().generated_invoices == "issued"
            found.setdefault((progress.actor, issue), []).append(pair)
        return found

    def _file(self, outcomes: Sequence[Outcome], customers: dict[int, Any], cells: dict[Pair, Cell]) -> None:
        """What became of each, on the rows of the runs; in the transaction that makes the invoices."""
        papers = papers_of([one.invoice_id for one in outcomes if one.state == "made" and one.invoice_id])
        by_run: dict[int, list[Outcome]] = {}
        for outcome in outcomes:
            by_run.setdefault(self.of_customer[outcome.customer_id], []).append(outcome)
        for key, theirs in by_run.items():
            progress = self.runs[key]
            lines: list[str] = []
            faults: list[str] = []
            made = dict(progress.made)
            for outcome in theirs:
                name = "" if progress.run.customer_id else _name_of(customers, outcome.customer_id)
                said, fault = told(outcome, papers, cells.get((outcome.customer_id, outcome.period)))
                lines += [name + line for line in said]
                faults += [name + fault] if fault else []
                paper = papers.get(outcome.invoice_id or 0)
                if paper is not None and outcome.state == "made":
                    made["count"] = made.get("count", 0) + 1
                    made["invoices"] = [*made.get("invoices", ()), paper.id][:MOST_LINES]
                    if paper.state == "issued" and self._sends(progress, customers[outcome.customer_id]):
                        unsent = send(progress, paper, made)
                        lines += [name + unsent] if unsent else []
            self._keep(key, progress.told(lines, made, faults))

    def _keep(self, key: int, after: Progress) -> None:
        write(after.held, made=after.made, log=after.log)
        on_commit(lambda: self.runs.update({key: after}))

    def _sends(self, progress: Progress, customer: Any) -> bool:
        for said in (progress.schedule.send, customer.invoice_send):
            if said is not None:
                return bool(said)
        return settings.current().send_invoices

    def _heed(self) -> None:
        """Runs that staff asked to stop end here; those that somebody else has are left alone."""
        with unit_of_work(SYSTEM):
            for progress in self.runs.values():
                if progress.over:
                    continue
                try:
                    if write(progress.held):
                        raise RunCancelled
                except RunCancelled:
                    end(progress.held, "cancelled")
                    progress.over = True
                except Overtaken:
                    progress.over = True

    def send_again(self) -> None:
        """Invoices that an earlier attempt made and could not send."""
        for key, progress in list(self.runs.items()):
            unsent = progress.made.get("unsent")
            if not unsent:
                continue
            with unit_of_work(SYSTEM):
                made, lines = {**progress.made, "unsent": []}, []
                for paper in papers_of(unsent).values():
                    fault = send(progress, paper, made)
                    lines.append(fault or f"{paper.number} is sent.")
                self._keep(key, progress.told(lines, made, ()))

    def finish(self) -> None:
        self._heed()
        with unit_of_work(SYSTEM):
            for progress in self.runs.values():
                if progress.over:
                    continue
                faults = list(progress.faults)
                unsent = len(progress.made.get("unsent", ()))
                if unsent:
                    what = "1 invoice was" if unsent == 1 else f"{unsent:,} invoices were"
                    faults.append(f"{what} made and could not be sent. The log says why.")
                log, made = progress.log, progress.made
                if not progress.made.get("count") and not progress.faults:
                    last = progress.run.period_end
                    said = f"There was nothing to bill that is not billed, up to {last and last - DAY}."
                    log = [*log, said]
                told_by = self._tell(progress, faults)
                if told_by:
                    made = {**made, "mails": [*made.get("mails", ()), *told_by]}
                end(
                    progress.held,
                    "failed" if faults else "done",
                    error=summary(faults) if faults else None,
                    log=log,
                    made=made,
                )

    def _tell(self, progress: Progress, faults: Sequence[str]) -> list[int]:
        """The mail to the addresses of the schedule that says which invoices were made."""
        run = session().get(ScheduleRun, progress.held.run_id, populate_existing=True)
        if run is None or not progress.schedule.emails:
            return []
        return report_runs.tell_of_invoices(run, progress.made, faults)


def _first_days(ids: Sequence[int]) -> dt.date | None:
    """The first day of which one of these customers could have anything to bill."""
    found = [
        session().scalar(select(func.min(UsageDay.day)).where(UsageDay.customer_id.in_(ids))),
        session().scalar(
            select(func.min(CustomerPackage.start_date)).where(CustomerPackage.customer_id.in_(ids))
        ),
    ]
    return min((day for day in found if day is not None), default=None)


def _customers(ids: Sequence[int]) -> dict[int, Any]:
    columns = (Customer.id, Customer.name, Customer.invoice_issue, Customer.invoice_send)
    found = session().execute(select(*columns).where(Customer.id.in_(ids)))
    return {customer.id: customer for customer in found}


def _name_of(customers: dict[int, Any], key: int) -> str:
    return f"{customers[key].name}, " if key in customers else ""
