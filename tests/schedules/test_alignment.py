"""A customer's schedule follows the customer and the account, and loses no period on the way."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text, update

from dashboard.extensions import db
from dashboard.models import Customer, Schedule
from dashboard.operations import customers, schedule_align, schedules, settings
from dashboard.operations.base import SYSTEM
from dashboard.operations.customer_columns import TARGETS
from dashboard.operations.errors import Invalid
from dashboard.rules.periods import Period, period_of
from dashboard.rules.schedules import Rule
from tests.support.bills import make_caller
from tests.support.books import fresh
from tests.support.runs import due_since, month, runs, schedule_of, tick, told

pytestmark = pytest.mark.usefixtures("app")


def new(**values) -> Customer:
    return customers.create(SYSTEM, {"name": "Example Caller", "currency": "USD", **values})


def rule(customer: Customer) -> Rule:
    return schedules.rule_of(schedule_of(customer))


def test_a_new_customer_has_its_row_at_once():
    made = new(invoice_schedule="weekly", invoice_hour="22:00", invoice_delay_hours=0, time_zone="Asia/Tokyo")
    assert rule(made) == Rule("weekly", 22, "Asia/Tokyo", 0)
    row = schedule_of(made)
    assert (row.name, row.produces) == ("Example Caller", "invoices")
    assert row.next_slot == rule(made).after(schedules.database_now())


def test_a_customer_without_a_schedule_has_none():
    made = new()
    tick()
    assert db.session.query(Schedule).filter_by(customer_id=made.id).count() == 0


def test_what_the_customer_leaves_open_the_account_says():
    made = new(invoice_schedule="monthly")
    own = new(name="Own", invoice_schedule="monthly", invoice_hour=3, invoice_delay_hours=7, time_zone="UTC")
    assert rule(made) == Rule("monthly", 6, "UTC", 24)
    settings.update(SYSTEM, {"schedule_hour": "9", "billing_delay_hours": 48, "time_zone": "Europe/Madrid"})
    assert rule(made) == Rule("monthly", 9, "Europe/Madrid", 48)
    assert rule(own) == Rule("monthly", 3, "UTC", 7)


@pytest.mark.parametrize("value", ["24", "6:30", "six", "-1"])
def test_an_hour_that_is_none_is_refused(value):
    with pytest.raises(Invalid):
        new(invoice_hour=value)


def test_a_new_name_goes_along():
    made = new(invoice_schedule="daily")
    customers.update(SYSTEM, made.id, {"name": "Example Other"})
    assert schedule_of(made).name == "Example Other"


def test_many_at_once_and_by_an_uploaded_file():
    made = [new(name=f"Example {n}") for n in range(3)]
    done = customers.update_many(
        SYSTEM, [one.id for one in made], {"invoice_schedule": "daily", "invoice_hour": "23"}
    )
    assert len(done.done) == 3
    assert {rule(one) for one in made} == {Rule("daily", 23, "UTC", 24)}
    named = {target.name for target in TARGETS}
    assert {"invoice_hour", "invoice_delay_hours", "invoice_issue", "invoice_send"} <= named


def test_rows_that_differ_are_put_right_by_the_tick():
    made = make_caller(invoice_schedule="monthly")
    gone = new(name="Gone", invoice_schedule="daily")
    db.session.execute(update(Customer).where(Customer.id == gone.id).values(invoice_schedule="none"))
    db.session.commit()
    tick()
    assert rule(made) == Rule("monthly", 6, "UTC", 24)
    assert schedule_of(gone).next_slot is None
    db.session.execute(text("UPDATE customer SET invoice_hour = 4"))
    db.session.commit()
    assert schedule_align.align_missing() == 1
    assert rule(made).hour == 4
    assert schedule_align.align_missing() == 0


def test_a_time_zone_that_is_none_stops_nobody_else(caplog):
    broken, made = make_caller("Broken", invoice_schedule="daily"), make_caller(invoice_schedule="daily")
    db.session.execute(update(Customer).where(Customer.id == broken.id).values(time_zone="Mars/Base"))
    db.session.commit()
    tick()
    assert rule(made) == Rule("daily", 6, "UTC", 24)
    assert "Mars/Base" in caplog.text


LAST = month()


@pytest.mark.parametrize(
    "values",
    [
        {"invoice_hour": 23},
        {"invoice_hour": 0, "invoice_delay_hours": 0},
        {"invoice_delay_hours": 240},
        {"time_zone": "Pacific/Auckland"},
    ],
)
def test_the_next_run_keeps_its_period_whatever_moves_it(values):
    made = new(invoice_schedule="monthly")
    due_since(schedule_of(made), LAST)
    customers.update(SYSTEM, made.id, values)
    row = schedule_of(made)
    assert schedules.period_of_slot(row, row.next_slot) == LAST
    assert row.next_slot == rule(made).slot(LAST)


def test_a_shorter_wait_after_a_run_loses_no_period_and_repeats_none():
    """Yesterday's slot was that of the day before; without the wait it is yesterday's own, too."""
    made = new(invoice_schedule="daily")
    day = period_of("daily", schedules.database_now().date() - dt.timedelta(days=5))
    due_since(schedule_of(made), day)
    tick()
    last = runs()[-1]
    customers.update(SYSTEM, made.id, {"invoice_delay_hours": 0})
    tick()
    days = [run.period_start for run in runs()]
    assert days == sorted(set(days))
    assert (days[-1] - days[0]).days == len(days) - 1
    assert last.period_end in days


def test_another_rhythm_begins_with_its_next_slot():
    made = new(invoice_schedule="monthly")
    due_since(schedule_of(made), LAST)
    customers.update(SYSTEM, made.id, {"invoice_schedule": "daily"})
    assert schedule_of(made).next_slot == rule(made).after(schedules.database_now())


def test_none_ends_it_and_what_has_not_begun():
    made = new(invoice_schedule="monthly")
    due_since(schedule_of(made), LAST)
    tick()
    assert told(runs()) == [(str(LAST.start), "queued")]
    customers.update(SYSTEM, made.id, {"invoice_schedule": "none"})
    (run,) = runs()
    assert run.state == "cancelled"
    assert "set to None" in run.log[-1]
    assert schedule_of(made).next_slot is None
    customers.update(SYSTEM, made.id, {"invoice_schedule": "monthly"})
    assert schedule_of(made).next_slot > schedules.database_now()


def test_a_deleted_customer_takes_its_schedule_along_and_leaves_its_runs():
    made = new(invoice_schedule="monthly")
    due_since(schedule_of(made), LAST)
    tick()
    customers.delete(SYSTEM, made.id)
    assert db.session.query(Schedule).count() == 0
    tick()
    (run,) = runs()
    assert (run.state, run.name, run.schedule_id) == ("cancelled", "Example Caller", None)


def test_a_row_of_twenty_thousand_is_aligned_in_portions():
    db.session.execute(
        text(
            "INSERT INTO customer (name, currency, invoice_schedule)"
            " SELECT 'Example ' || n, 'USD', 'monthly' FROM generate_series(1, 2500) n"
        )
    )
    db.session.commit()
    assert schedule_align.align_missing() == 2500
    assert db.session.query(Schedule).filter(Schedule.next_slot.is_not(None)).count() == 2500


def test_a_report_without_a_zone_of_its_own_keeps_its_period_when_the_account_moves():
    """At six in New York it is still to come, and not the month before once more."""
    values = {"name": "Monthly", "frequency": "monthly", "groups": ["customer"], "emails": "a@example.com"}
    made = schedules.create(SYSTEM, values)
    own = schedules.create(SYSTEM, {**values, "time_zone": "UTC"})
    for row in (made, own):
        due_since(row, LAST)
    settings.update(SYSTEM, {"time_zone": "America/New_York"})
    assert schedules.period_of_slot(fresh(made), fresh(made).next_slot) == LAST
    assert fresh(made).next_slot == Rule("monthly", 6, "America/New_York", 24).slot(LAST)
    assert fresh(own).next_slot == Rule("monthly", 6, "UTC", 24).slot(LAST)


def test_periods_of_slots_as_reports_ask_for_them():
    made = new(invoice_schedule="weekly")
    row = schedule_of(made)
    coming = schedules.next_slots(row, 5)
    assert len(coming) == 5
    assert coming[0] == row.next_slot
    periods = [schedules.period_of_slot(row, slot) for slot in coming]
    assert all(isinstance(one, Period) and one.start.weekday() == 0 for one in periods)
    row.paused = True
    assert schedules.next_slots(row, 5) == []
