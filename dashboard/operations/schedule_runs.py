"""Runs of schedules: made by the tick when they are due, cancelled and tried again by staff.

A slot becomes a run by one insert that is unique over schedule and slot, in the transaction that moves the
schedule on; only when that is committed is the queue told. So however many ticks there are, wherever one of
them dies and whatever the queue forgets, each slot is one run.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.models import Customer, Job, Schedule, ScheduleRun
from dashboard.operations import jobs
from dashboard.operations.base import SYSTEM, Actor, fetch, operation, session, unit_of_work
from dashboard.operations.errors import Refused
from dashboard.operations.schedules import database_now, drop_runs, hand_to_job, rule_of

log = logging.getLogger("schedule")

__all__ = ["cancel", "drop_runs", "ensure_jobs", "recover", "retry", "take_due"]

MANY_RUNS = "schedule_runs"
# Schedules taken at once, and slots that one of them may have missed; what is left comes in the next round.
PORTION = 200
MOST_SLOTS = 366
# What the runs are spread over. Reports take long each, so that they don't stand before the invoices.
LANES = ("customers", "reports")
RUNS_A_JOB = 300
MOST_JOBS = 4
MOST_ATTEMPTS = 3
LOST = "The worker was lost in the middle of it."
TRIED_AGAIN = " had it tried again."
GIVEN_UP = (
    f"The work was interrupted {MOST_ATTEMPTS} times and was given up. Retry it; if that fails too, tell your"
    " administrator."
)
NO_SCHEDULE = "The schedule was deleted before this run began."


# The tick


def take_due() -> int:
    """Make a run of every slot that has come, the oldest first; how many. Schedules that another tick has in
    hand are left to it."""
    made, after = 0, 0
    while True:
        with unit_of_work(SYSTEM):
            now = database_now()
            found = session().execute(
                select(Schedule.id, Schedule.customer_id)
                .where(Schedule.next_slot <= now, Schedule.paused.is_(False), Schedule.id > after)
                .order_by(Schedule.id)
                .limit(PORTION)
            )
            wanted = {row.id: row.customer_id for row in found}
            made += _file(_taken(wanted, now), now)
        if len(wanted) < PORTION:
            return made
        after = max(wanted)


def _taken(wanted: Mapping[int, int | None], now: dt.datetime) -> Sequence[Schedule]:
    """Those of the schedules, by customer, that nobody else has in hand; locked. Customers come first, as
    for whoever deletes one."""
    owners = [key for key in wanted.values() if key is not None]
    free = session().scalars(
        select(Customer.id)
        .where(Customer.id.in_(owners))
        .order_by(Customer.id)
        .with_for_update(read=True, key_share=True, skip_locked=True)
    )
    owned_by_free = Schedule.customer_id.in_(free.all())
    return (
        session()
        .scalars(
            select(Schedule)
            .where(
                Schedule.id.in_(wanted),
                or_(Schedule.customer_id.is_(None), owned_by_free),
                Schedule.next_slot <= now,
                Schedule.paused.is_(False),
            )
            .order_by(Schedule.id)
            .with_for_update(skip_locked=True, key_share=True)
            .execution_options(populate_existing=True)
        )
        .all()
    )


def _file(due: Sequence[Schedule], now: dt.datetime) -> int:
    rows: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for schedule in due:
        try:
            slots, following = _slots(schedule, now)
        except Exception:
            # Such as a time zone that this machine does not know: the others go on.
            log.exception("schedule %s can't be reckoned", schedule.id)
            continue
        rows += slots
        moved.append({"of": schedule.id, "to": following})
    if not moved:
        return 0
    rows.sort(key=lambda row: (row["slot"], row["schedule_id"]))
    made = session().scalars(
        insert(ScheduleRun)
        .on_conflict_do_nothing(constraint="uq_schedule_run_slot")
        .returning(ScheduleRun.id),
        rows,
    )
    count = len(made.all())
    # The version is for what staff change; a schedule that moves on is the same one.
    session().connection().execute(
        update(Schedule.__table__)  # type: ignore[arg-type]
        .where(Schedule.__table__.c.id == bindparam("of"))
        .values(next_slot=bindparam("to"), updated_at=Schedule.__table__.c.updated_at),
        moved,
    )
    for schedule in due:
        session().expire(schedule)
    return count


def _slots(schedule: Schedule, now: dt.datetime) -> tuple[list[dict[str, Any]], dt.datetime]:
    """The runs of all slots up to now, and the slot that follows."""
    rule, slot = rule_of(schedule), schedule.next_slot
    assert slot is not None
    found: list[dict[str, Any]] = []
    period = rule.period_of_slot(slot)
    while slot <= now and len(found) < MOST_SLOTS:
        found.append(
            {
                "schedule_id": schedule.id,
                "customer_id": schedule.customer_id,
                "name": schedule.name[:200],
                "produces": schedule.produces,
                "slot": slot,
                "period_start": period.start,
                "period_end": period.end,
            }
        )
        period = rule.following(period)
        slot = rule.slot(period)
    return found, slot


def ensure_jobs() -> int:
    """See to it that there are jobs for the runs that wait: few, each of which does many. How many began."""
    began = 0
    for lane in LANES:
        with unit_of_work(SYSTEM):
            # One tick at a time, so that two don't both begin them.
            if not session().scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(f"runs-{lane}")))):
                continue
            waiting = session().scalar(
                select(func.count()).select_from(ScheduleRun).where(of_lane(lane), startable())
            )
            live = session().scalar(
                select(func.count(Job.id)).where(
                    Job.kind == MANY_RUNS,
                    Job.state.in_(("queued", "running")),
                    Job.params["lane"].astext == lane,
                )
            )
            wanted = min(MOST_JOBS, -(-(waiting or 0) // RUNS_A_JOB)) - (live or 0)
            title = "Invoices by schedule" if lane == "customers" else "Scheduled reports"
            for _ in range(wanted):
                jobs.start(SYSTEM, MANY_RUNS, title, {"lane": lane}, waiting or 0)
                began += 1
    return began


def of_lane(lane: str) -> ColumnElement[bool]:
    if lane == "customers":
        return ScheduleRun.customer_id.is_not(None)
    return ScheduleRun.customer_id.is_(None)


def startable() -> ColumnElement[bool]:
    """Runs that wait for a worker; those that have a living job of their own wait for that one."""
    own = select(Job.id).where(
        Job.id == ScheduleRun.job_id, Job.kind != MANY_RUNS, Job.state.in_(("queued", "running"))
    )
    return and_(ScheduleRun.state == "queued", ~own.exists())


def recover() -> list[int]:
    """Runs whose worker died wait again, or are given up after three attempts. Gives their ids."""
    alive = select(Job.id).where(
        Job.id == ScheduleRun.job_id, Job.state == "running", Job.heartbeat_at >= func.now() - jobs.STALE
    )
    with unit_of_work(SYSTEM):
        lost = (
            session()
            .scalars(
                select(ScheduleRun)
                .where(
                    ScheduleRun.state == "running",
                    ScheduleRun.heartbeat_at < func.now() - jobs.STALE,
                    ~alive.exists(),
                )
                .with_for_update(skip_locked=True, of=ScheduleRun)
                .execution_options(populate_existing=True)
            )
            .all()
        )
        for run in lost:
            give_back(run)
        gone = and_(ScheduleRun.schedule_id.is_(None), ScheduleRun.state == "queued")
        session().execute(
            update(ScheduleRun)
            .where(gone)
            .values(state="cancelled", finished_at=func.now(), log=ScheduleRun.log.concat([NO_SCHEDULE]))
            .execution_options(synchronize_session=False)
        )
        return [run.id for run in lost]


def give_back(run: ScheduleRun) -> None:
    """A run whose worker is gone: cancelled where that was asked, given up after some attempts, or
    queued again."""
    if run.cancel_requested:
        run.state, run.finished_at = "cancelled", func.now()
        return
    run.log = [*run.log, LOST]
    since = max((at for at, line in enumerate(run.log) if line.endswith(TRIED_AGAIN)), default=-1)
    if run.log[since + 1 :].count(LOST) >= MOST_ATTEMPTS:
        run.state, run.error, run.finished_at = "failed", GIVEN_UP, func.now()
    else:
        run.state, run.job_id = "queued", None


# What staff do


@operation("schedule.write")
def cancel(actor: Actor, run_id: int) -> ScheduleRun:
    """A run that waits ends at once, one under way at its next chunk. What it has made stays whole."""
    run = fetch(ScheduleRun, run_id, "run", lock=True)
    if run.state not in ("queued", "running"):
        raise Refused("This run has already ended.")
    said = f"{actor.name} cancelled it."
    run.cancel_requested, run.log = True, [*run.log, said]
    if run.state == "queued":
        run.state, run.finished_at = "cancelled", func.now()
    session().flush()
    return run


@operation("schedule.write")
def retry(actor: Actor, run_id: int) -> ScheduleRun:
    """Do a failed or cancelled run again, for its own period. What there is already is not made twice."""
    run = fetch(ScheduleRun, run_id, "run", lock=True)
    if run.state not in ("failed", "cancelled"):
        raise Refused("Only a run that failed or was cancelled can be tried again.")
    if run.schedule_id is None:
        raise Refused("The schedule of this run was deleted, so it can't be done again.")
    # The attempts go on counting, so that a worker of an earlier one never takes this one for its own.
    run.state, run.cancel_requested = "queued", False
    run.error = run.started_at = run.heartbeat_at = run.finished_at = None
    run.log = [*run.log, f"{actor.name}{TRIED_AGAIN}"]
    session().flush()
    hand_to_job(actor, run)
    return run


def blocked_by(other: Any) -> ColumnElement[bool]:
    """Whether the run `other` must end before this one may begin: runs of one schedule are done one at a
    time, in the order of their slots."""
    earlier = tuple_(other.slot, other.id) < tuple_(ScheduleRun.slot, ScheduleRun.id)
    return and_(
        other.schedule_id == ScheduleRun.schedule_id,
        other.id != ScheduleRun.id,
        or_(other.state == "running", and_(other.state == "queued", earlier)),
    )
