"""Slots that become runs, and what runs of invoices make."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.operations import schedules
from dashboard.rules.periods import period_of
from tests.support.bills import call, live_invoices, make_caller
from tests.support.runs import aligned, due_since, runs, schedule_of, tick, told, work

pytestmark = pytest.mark.usefixtures("app")

AUGUST = period_of("monthly", dt.date(2025, 8, 1))


@pytest.fixture
def manager(as_role):
    return as_role("manager")


def monthly(name="Example Caller Ltd", **values):
    return make_caller(name, invoice_schedule="monthly", **values)


def test_a_slot_is_one_run_and_the_schedule_moves_on(app):
    schedule = aligned(monthly())
    assert schedule.next_slot > schedules.database_now()
    slot = due_since(schedule, AUGUST)
    assert slot == dt.datetime(2025, 9, 2, 6, tzinfo=dt.UTC)
    tick()
    tick()
    found = runs(schedule)
    assert [run.slot for run in found][:3] == [
        dt.datetime(2025, month, 2, 6, tzinfo=dt.UTC) for month in (9, 10, 11)
    ]
    assert told(found)[0] == ("2025-08-01", "queued")
    assert (found[0].period_start, found[0].period_end) == (AUGUST.start, AUGUST.end)
    assert all(run.slot <= schedules.database_now() for run in found)
    assert schedule_of(schedule.customer_id).next_slot > schedules.database_now()


def test_each_run_makes_what_is_due_up_to_its_own_period(app):
    caller = monthly()
    for day in ("2025-07-03", "2025-08-03", "2025-10-03"):
        call(caller, day)
    schedule = aligned(caller)
    due_since(schedule, AUGUST)
    tick()
    work()
    found = runs(schedule)
    assert {run.state for run in found} == {"done"}, [run.error for run in found]
    assert [str(paper.period_start.date()) for paper in live_invoices(caller)] == [
        "2025-07-01",
        "2025-08-01",
        "2025-10-01",
    ]
    assert found[0].made["count"] == 2
    assert found[1].made.get("count", 0) == 0
    assert found[2].made["count"] == 1
    assert "nothing to bill" in found[1].log[-1]
