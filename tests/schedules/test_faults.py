"""Whatever happens to ticks, queue, workers and clocks: every due slot is one run, done once, oldest first.

Ticks and workers are real processes on a real queue; only clocks are set.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
import time_machine
from sqlalchemy import text, update

from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.models import Job, Schedule, ScheduleRun
from dashboard.operations import schedule_align, schedules
from dashboard.rules.schedules import Rule
from tests.support.bills import live_invoices, make_caller, set_for
from tests.support.processes import Running, start_elsewhen, start_tick
from tests.support.runs import aligned, due_since, month, move_to, runs, schedule_of, tick, work
from tests.support.usage_rows import put_call
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("app")

HOUR = dt.timedelta(hours=1)
Start = Callable[..., Running]


@pytest.fixture
def ticks(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Starts ticks of a round each 0.2 s; `shift` sets the clock of its machine."""
    started: list[Running] = []

    def begin(shift: dt.timedelta | None = None, **changes: Any) -> Running:
        theirs, name = replace(settings, **changes), f"tick-{len(started) + 1}"
        if shift is None:
            started.append(start_tick(theirs, tmp_path, "0.2", name))
        else:
            started.append(start_elsewhen(theirs, tmp_path, "jobs.tick", name, shift))
        return started[-1]

    yield begin
    for one in started:
        if one.alive:
            one.stop()


@pytest.fixture
def many(app) -> list[Schedule]:
    """Forty customers by day, whose last slots nobody has looked at for six days."""
    first = make_caller("Example Caller 00", invoice_schedule="daily")
    columns = "currency, status, invoice_schedule"
    db.session.execute(
        text(
            f"INSERT INTO customer (name, {columns}) SELECT 'Example Caller ' || n, {columns} FROM customer,"
            " generate_series(1, 39) n WHERE id = :first"
        ),
        {"first": first.id},
    )
    db.session.commit()
    schedule_align.align_missing()
    found = list(db.session.query(Schedule).order_by(Schedule.id))
    since = schedules.database_now() - dt.timedelta(days=6)
    slot = schedules.rule_of(found[0]).after(since)
    db.session.execute(update(Schedule).values(next_slot=slot))
    db.session.commit()
    return found


def owed(schedule: Schedule, since: dt.datetime) -> list[dt.datetime]:
    """The slots from `since` up to now."""
    rule, now = schedules.rule_of(schedule), schedules.database_now()
    found, slot = [], since
    while slot <= now:
        found.append(slot)
        slot = rule.after(slot)
    return found


def once_each(found: list[ScheduleRun], wanted: list[dt.datetime], of: int = 1) -> None:
    assert Counter(run.slot for run in found) == Counter(dict.fromkeys(wanted, of))


def all_done() -> bool:
    found = runs()
    return bool(found) and all(run.state == "done" for run in found)


def no_slot_left() -> bool:
    db.session.rollback()
    query = db.session.query(Schedule).filter(Schedule.next_slot <= schedules.database_now())
    return query.count() == 0


def in_order(found: list[ScheduleRun]) -> bool:
    """Each run of a schedule was begun when the one before it had ended."""
    return all(one.finished_at <= two.started_at for one, two in pairwise(found))


@pytest.mark.parametrize("number", [2, 3])
def test_several_ticks_at_once_make_each_slot_one_run(
    ticks: Start, many: list[Schedule], number: int
) -> None:
    wanted = owed(many[0], many[0].next_slot)
    assert len(wanted) >= 6
    started = [ticks() for _ in range(number)]
    wait_until(no_slot_left, 20, "every slot is taken")
    assert all(one.alive for one in started)
    once_each(runs(), wanted, of=len(many))
    # Few jobs for many runs, however many ticks there are.
    wait_until(lambda: db.session.query(Job).count(), 20, "a job is there for them")
    kinds = [job.params["lane"] for job in db.session.query(Job).filter_by(kind="schedule_runs")]
    assert kinds == ["customers"]


def test_a_tick_that_was_down_for_a_week_makes_up_for_it_in_order(
    ticks: Start, start_worker: Callable[[], Running]
) -> None:
    schedule = aligned(make_caller("Example Caller", invoice_schedule="daily"))
    slot = schedules.rule_of(schedule).after(schedules.database_now() - dt.timedelta(days=7))
    move_to(schedule, slot)
    wanted = owed(schedule, slot)
    assert len(wanted) == 7
    start_worker()
    ticks()
    wait_until(lambda: len(runs(schedule)) == 7 and all_done(), 30, "the week is done")
    found = runs(schedule)
    once_each(found, wanted)
    assert in_order(found)
    assert schedule_of(schedule.customer_id).next_slot == schedules.rule_of(schedule).after(wanted[-1])


def test_a_queue_that_forgets_everything(
    ticks: Start,
    many: list[Schedule],
    queue_connection: redis.Redis,
    start_worker: Callable[[], Running],
) -> None:
    wanted = owed(many[0], many[0].next_slot)
    ticks()
    wait_until(no_slot_left, 20, "every slot is taken")
    wait_until(lambda: db.session.query(Job).filter(Job.enqueued_at.is_not(None)).count(), 10, "it is queued")
    queue_connection.flushdb()
    start_worker()
    assert {run.state for run in runs()} == {"queued"}
    # Half a minute later, as far as the books know.
    db.session.execute(update(Job).values(enqueued_at=Job.enqueued_at - dt.timedelta(minutes=1)))
    db.session.commit()
    wait_until(all_done, 30, "all runs are done")
    once_each(runs(), wanted, of=len(many))


def test_a_tick_that_can_not_reach_the_queue_loses_nothing(
    ticks: Start, many: list[Schedule], start_worker: Callable[[], Running]
) -> None:
    wanted = owed(many[0], many[0].next_slot)
    lonely = ticks(redis_url="redis://127.0.0.1:9/0")
    wait_until(no_slot_left, 30, "every slot is taken")
    lonely.kill()
    once_each(runs(), wanted, of=len(many))
    start_worker()
    ticks()
    wait_until(all_done, 30, "all runs are done")
    once_each(runs(), wanted, of=len(many))


@pytest.fixture
def slow(app: Any) -> Iterator[None]:
    """Each portion of invoices takes a second more: there is a middle to be killed in."""
    for line in (
        "CREATE FUNCTION wait_a_second() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'",
        "CREATE TRIGGER slow AFTER INSERT ON invoice EXECUTE FUNCTION wait_a_second()",
    ):
        db.session.execute(text(line))
    db.session.commit()
    yield
    db.session.rollback()
    db.session.execute(text("DROP FUNCTION wait_a_second() CASCADE"))
    db.session.commit()


def test_a_worker_killed_in_the_middle(ticks: Start, start_worker: Callable[[], Running], slow: None) -> None:
    """Two months of three customers: killed while the first invoices are written, and while the next are."""
    callers = [make_caller(f"Example Caller {n}", invoice_schedule="monthly") for n in range(3)]
    for caller in callers:
        for period in (month(1), month()):
            noon = dt.datetime.combine(period.start, dt.time(12), dt.UTC)
            put_call(caller, noon, charge="0.60")
    db.session.commit()
    for caller in callers:
        due_since(aligned(caller), month(1))
    ticks()
    for at in range(2):
        worker = start_worker()
        wait_until(_inserting, 20, "invoices are being written")
        worker.kill()
        wait_until(lambda: not _inserting(), 20, "its connections end")
        # A minute later, as far as the books know.
        for table in ("job", "schedule_run"):
            db.session.execute(
                text(f"UPDATE {table} SET heartbeat_at = now() - interval '1 minute' WHERE state = 'running'")
            )
        db.session.commit()
        if at == 0:
            assert not any(live_invoices(caller) for caller in callers)
    start_worker()
    wait_until(all_done, 40, "all runs are done")
    for caller in callers:
        months = [str(paper.period_start.date()) for paper in live_invoices(caller)]
        assert months == [str(month(1).start), str(month().start)]
        found = runs(schedule_of(caller))
        assert [run.made["count"] for run in found] == [1, 1]
        assert in_order(found)
    assert max(run.attempts for run in runs()) == 3


def _inserting() -> bool:
    db.session.rollback()
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    )
    return bool(db.session.scalar(text(asked)))


@pytest.mark.parametrize("shift", [-HOUR, HOUR], ids=["an hour back", "an hour forward"])
def test_a_machine_whose_clock_steps(ticks: Start, shift: dt.timedelta) -> None:
    """Only the database's clock says what is due: half an hour ago is due, in half an hour is not."""
    now = schedules.database_now()
    due, ahead = (
        aligned(make_caller(name, invoice_schedule="daily")) for name in ("Example Due", "Example Ahead")
    )
    move_to(due, now - HOUR / 2)
    move_to(ahead, now + HOUR / 2)
    ticks(shift)
    wait_until(no_slot_left, 30, "the slot is taken")
    ticks()
    wait_until(lambda: db.session.query(Job).count(), 20, "a job is there for it")
    assert [run.slot for run in runs(due)] == [now - HOUR / 2]
    assert runs(ahead) == []
    assert schedule_of(ahead.customer_id).next_slot == now + HOUR / 2
    assert schedule_of(due.customer_id).next_slot > now


def test_a_worker_whose_clock_is_an_hour_behind(app: Any) -> None:
    """A day that ended within the last hour is over, whatever the worker's own clock says."""
    now = schedules.database_now()
    # Where it is between midnight and one o'clock now.
    zone = f"Etc/GMT+{now.hour}" if now.hour <= 12 else f"Etc/GMT-{24 - now.hour}"
    caller = make_caller("Example Caller", invoice_schedule="daily", invoice_hour=0, invoice_delay_hours=0)
    set_for(caller, time_zone=zone)
    yesterday = Rule("daily", 0, zone, 0).last_ended(now)
    put_call(caller, dt.datetime.combine(yesterday.start, dt.time(12), ZoneInfo(zone)), charge="0.60")
    db.session.commit()
    due_since(aligned(caller), yesterday)
    with time_machine.travel(now - HOUR):
        tick()
        work()
    (run,) = runs()
    assert (run.state, run.made["count"]) == ("done", 1)
    assert [paper.state for paper in live_invoices(caller)] == ["draft"]


def test_the_end_of_january_and_a_leap_day(ticks: Start) -> None:
    """Every slot from 30 January 2024 on, over 29 February, in a zone that changes its clocks."""
    wanted: dict[int, list[dt.datetime]] = {}
    for frequency in ("daily", "weekly", "monthly"):
        values = {"invoice_schedule": frequency, "time_zone": "America/New_York"}
        schedule = aligned(make_caller(f"Example {frequency}", **values))
        slot = Rule(frequency, 6, "America/New_York", 24).after(dt.datetime(2024, 1, 30, tzinfo=dt.UTC))
        move_to(schedule, slot)
        wanted[schedule.id] = owed(schedule, slot)
    ticks()
    wait_until(no_slot_left, 30, "every slot is taken")
    for schedule in db.session.query(Schedule).all():
        found = runs(schedule)
        once_each(found, wanted[schedule.id])
        assert [run.slot for run in found] == wanted[schedule.id]
        days = [(run.period_start, run.period_end) for run in found]
        assert all(one[1] == two[0] for one, two in pairwise(days))
        leap = dt.date(2024, 2, 29)
        assert sum(start <= leap < end for start, end in days) == 1
