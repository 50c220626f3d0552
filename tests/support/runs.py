"""Schedules that are due, the rounds of a tick and of a worker, here and now, and what came of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from flask import current_app
from sqlalchemy import select, update

from dashboard.extensions import db
from dashboard.models import Customer, Job, Schedule, ScheduleRun
from dashboard.operations import schedule_align, schedule_runs
from dashboard.operations.schedules import rule_of
from dashboard.rules.periods import Period, previous
from dashboard.rules.schedules import Rule
from jobs import runner


def schedule_of(customer: Customer | int) -> Schedule:
    key = customer if isinstance(customer, int) else customer.id
    return db.session.scalars(
        select(Schedule).where(Schedule.customer_id == key).execution_options(populate_existing=True)
    ).one()


def aligned(customer: Customer) -> Schedule:
    """The customer's row, put right as the tick does it."""
    schedule_align.align_missing()
    return schedule_of(customer)


def due_since(schedule: Schedule, period: Period) -> dt.datetime:
    """As if no tick had run since before the slot of this period; gives the slot."""
    slot = rule_of(schedule).slot(period)
    move_to(schedule, slot)
    return slot


def move_to(schedule: Schedule, slot: dt.datetime) -> None:
    db.session.execute(update(Schedule).where(Schedule.id == schedule.id).values(next_slot=slot))
    db.session.commit()
    db.session.refresh(schedule)


def runs(schedule: Schedule | None = None, *states: str) -> list[ScheduleRun]:
    """As the database has them, by slot."""
    query = select(ScheduleRun).order_by(ScheduleRun.slot, ScheduleRun.id)
    if schedule is not None:
        query = query.where(ScheduleRun.schedule_id == schedule.id)
    if states:
        query = query.where(ScheduleRun.state.in_(states))
    db.session.rollback()
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def told(found: Sequence[ScheduleRun]) -> list[tuple[str, str]]:
    """The first day of each run's period, and its state."""
    return [(str(run.period_start), run.state) for run in found]


def tick() -> None:
    """What a tick's round does about schedules."""
    for task in (
        schedule_align.align_missing,
        schedule_runs.recover,
        schedule_runs.take_due,
        schedule_runs.ensure_jobs,
    ):
        with current_app.app_context():
            task()
            db.session.remove()


def work() -> None:
    """What a worker does with the jobs of schedules that wait, here and now, in a session of its own."""
    waiting = select(Job.id).where(Job.state == "queued", Job.kind.in_(("schedule_run", "schedule_runs")))
    for key in db.session.scalars(waiting.order_by(Job.id)).all():
        db.session.rollback()
        with current_app.app_context():
            runner.run(key)
            db.session.remove()


def month(back: int = 0, zone: str = "UTC") -> Period:
    """The last month that is done by now (at 6:00, a day after its end), or one so many before it."""
    period = Rule("monthly", 6, zone, 24).period_of_slot(dt.datetime.now(dt.UTC))
    for _ in range(back):
        period = previous("monthly", period)
    return period


def on(period: Period, number: int) -> str:
    """The day of that number."""
    return str(period.start + dt.timedelta(days=number - 1))
