"""Runs as workers do them: taken in portions, in the order of their slots, and each ended on its own row.

Runs begin under the lock of their schedule, so that two of one schedule are never under way at once. A run
that was taken for lost and begun anew by somebody else can't be written to by the first any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import aliased

from dashboard.documents.pdf_renderer import PdfUnavailable
from dashboard.models import Job, Schedule, ScheduleRun
from dashboard.operations import jobs, schedule_invoices, statement_runs
from dashboard.operations.base import SYSTEM, session, unit_of_work
from dashboard.operations.errors import OperationError
from dashboard.operations.schedule_hold import Held, Overtaken, RunCancelled, end
from dashboard.operations.schedule_runs import MANY_RUNS, blocked_by, give_back, of_lane, startable
from dashboard.operations.schedules import ONE_RUN

log = logging.getLogger("schedule")

PORTION = 100
UNFORESEEN = (
    "Something went wrong that was not foreseen, so nothing was made. Retry it; if it fails again, tell your"
    " administrator the number of this run."
)
Reached = Callable[[int], None]
# Makes what a run is about, inside the transaction that ends the run, and says what it made.
Producer = Callable[[ScheduleRun], Mapping[str, Any]]


def take(job_id: int, condition: ColumnElement[bool], size: int) -> list[Held]:
    """Begin the oldest runs that may begin now."""
    other = aliased(ScheduleRun)
    free = ~select(other.id).where(blocked_by(other)).exists()
    found = select(ScheduleRun.schedule_id, ScheduleRun.slot, ScheduleRun.id).where(condition, free)
    with unit_of_work(SYSTEM):
        wanted = [
            row.schedule_id
            for row in session().execute(found.order_by(ScheduleRun.slot, ScheduleRun.id).limit(size))
        ]
        locked = (
            session()
            .scalars(
                select(Schedule.id)
                .where(Schedule.id.in_(wanted))
                .order_by(Schedule.id)
                .with_for_update(skip_locked=True, key_share=True)
            )
            .all()
        )
        # Asked again: under the locks nobody begins another run of these schedules.
        chosen = (
            session()
            .scalars(
                select(ScheduleRun.id)
                .where(ScheduleRun.schedule_id.in_(locked), condition, free)
                .with_for_update(skip_locked=True)
            )
            .all()
        )
        begun = session().execute(
            update(ScheduleRun)
            .where(ScheduleRun.id.in_(chosen), ScheduleRun.state == "queued")
            .values(
                state="running",
                attempts=ScheduleRun.attempts + 1,
                job_id=job_id,
                error=None,
                started_at=func.coalesce(ScheduleRun.started_at, func.now()),
                heartbeat_at=func.now(),
            )
            .returning(ScheduleRun.id, ScheduleRun.attempts, ScheduleRun.slot)
            .execution_options(synchronize_session=False)
        )
        rows = sorted(begun.all(), key=lambda row: (row.slot, row.id))
        return [Held(row.id, row.attempts) for row in rows]


def do_many(job_id: int, lane: str, producers: Mapping[str, Producer], reached: Reached) -> int:
    """Do what waits in the lane until nothing is left; how many runs were done."""
    _take_back(job_id)
    done, size = 0, PORTION if lane == "customers" else 1
    while held := take(job_id, of_lane(lane) & startable(), size):
        _do(held, producers, lambda: reached(done))  # noqa: B023 - called within this round only
        done += len(held)
        reached(done)
    return done


def do_one(job_id: int, run_id: int, producers: Mapping[str, Producer], reached: Reached) -> str:
    """Do this run; the answer says why it was not done now."""
    _take_back(job_id)
    held = take(job_id, (ScheduleRun.id == run_id) & (ScheduleRun.state == "queued"), 1)
    if held:
        _do(held, producers, lambda: reached(0))
        return ""
    with unit_of_work(SYSTEM):
        run = session().get(ScheduleRun, run_id, with_for_update=True, populate_existing=True)
        if run is None or run.state != "queued":
            return "There was nothing left to do."
        # The next job of the lane takes it as soon as its turn has come.
        run.job_id = None
        return "It waits for an earlier run of the same schedule."


def _do(held: Sequence[Held], producers: Mapping[str, Producer], chunk_done: Callable[[], None]) -> None:
    """Do these runs. One that somebody else has by now is left to them, the others are done."""
    while held:
        try:
            return _carry_out(held, producers, chunk_done)
        except Overtaken:
            mine = [one for one in held if _is_held(one)]
            log.warning("%s runs were taken over by another worker", len(held) - len(mine))
            held = mine if len(mine) < len(held) else []
        except (jobs.Cancelled, jobs.Overtaken):
            # What has not ended ends or waits with the job.
            raise
        except Exception:
            log.exception("scheduled runs failed: %s", [one.run_id for one in held])
            for one in held:
                _failed(one, UNFORESEEN)
            return


def _carry_out(
    held: Sequence[Held], producers: Mapping[str, Producer], chunk_done: Callable[[], None]
) -> None:
    with unit_of_work(SYSTEM):
        ids = [one.run_id for one in held]
        rows = session().execute(select(ScheduleRun.id, ScheduleRun.produces).where(ScheduleRun.id.in_(ids)))
        produces = {row.id: row.produces for row in rows}
    invoices = [one for one in held if produces.get(one.run_id) == "invoices"]
    if invoices:
        schedule_invoices.carry_out(invoices, chunk_done)
    for one in held:
        if produces.get(one.run_id) == "statements":
            _send_statements(one, chunk_done)
        elif one not in invoices:
            _produce(one, producers)


def _is_held(held: Held) -> bool:
    with unit_of_work(SYSTEM):
        return session().scalar(select(ScheduleRun.id).where(held.holds)) is not None


def _produce(held: Held, producers: Mapping[str, Producer]) -> None:
    try:
        with unit_of_work(SYSTEM):
            run = session().get_one(ScheduleRun, held.run_id, populate_existing=True)
            made = dict(producers[run.produces](run))
            said = [*run.log, *(str(line) for line in made.pop("log", ()))]
            document_id = made.pop("document_id", None) or run.document_id
            end(held, "done", made=made, log=said, document_id=document_id)
    except Overtaken:
        log.warning("run %s was taken over by another worker", held.run_id)
    except RunCancelled:
        _ended(held, "cancelled", None)
    except OperationError as error:
        _failed(held, str(error))
    except jobs.Cancelled:
        raise
    except Exception:
        log.exception("run %s failed", held.run_id)
        _failed(held, UNFORESEEN)


def _send_statements(held: Held, chunk_done: Callable[[], None]) -> None:
    """In transactions of their own, as they are many."""
    try:
        statement_runs.carry_out(held, chunk_done)
    except Overtaken:
        log.warning("run %s was taken over by another worker", held.run_id)
    except RunCancelled:
        _ended(held, "cancelled", None)
    except (OperationError, PdfUnavailable) as error:
        _failed(held, str(error))
    except (jobs.Cancelled, jobs.Overtaken):
        raise
    except Exception:
        log.exception("run %s failed", held.run_id)
        _failed(held, UNFORESEEN)


def _failed(held: Held, message: str) -> None:
    _ended(held, "failed", message)


def _ended(held: Held, state: str, error: str | None) -> None:
    try:
        with unit_of_work(SYSTEM):
            end(held, state, error=error)
    except Overtaken:
        log.info("run %s has ended already", held.run_id)


def _take_back(job_id: int) -> None:
    """What an earlier attempt of this job had under way: its worker is gone."""
    with unit_of_work(SYSTEM):
        mine = select(ScheduleRun).where(ScheduleRun.job_id == job_id, ScheduleRun.state == "running")
        for run in session().scalars(mine.with_for_update()).all():
            give_back(run)


def _job_ended(job: Job) -> None:
    """Runs end with their job where that was cancelled or failed."""
    if job.state not in ("cancelled", "failed"):
        return
    states = ("queued", "running") if job.kind == ONE_RUN else ("running",)
    mine = select(ScheduleRun).where(ScheduleRun.job_id == job.id, ScheduleRun.state.in_(states))
    for run in session().scalars(mine.with_for_update().execution_options(populate_existing=True)).all():
        run.state, run.finished_at = job.state, func.now()
        if job.state == "failed":
            run.error = job.error
        else:
            run.log = [*run.log, "Its job was cancelled."]
    session().flush()


def _job_returned(job: Job) -> None:
    """The worker stops, and another goes on: this attempt does not count."""
    session().execute(
        update(ScheduleRun)
        .where(ScheduleRun.job_id == job.id, ScheduleRun.state == "running")
        .values(state="queued")
        .execution_options(synchronize_session=False)
    )


jobs.ENDINGS.update({MANY_RUNS: _job_ended, ONE_RUN: _job_ended})
jobs.RETURNS.update({MANY_RUNS: _job_returned, ONE_RUN: _job_returned})
