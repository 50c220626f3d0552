"""The next five runs beside the form: over clock changes and the ends of months, in words and dates."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.admin_views.schedule_preview import coming, ended
from dashboard.models import Schedule
from dashboard.operations import schedules
from dashboard.operations.base import SYSTEM
from tests.support.reports import make_schedule

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def at(monkeypatch):
    def set_clock(text: str) -> None:
        monkeypatch.setattr(schedules, "database_now", lambda: dt.datetime.fromisoformat(text))

    return set_clock


def drafted(**values) -> Schedule:
    given = {
        "name": "Report",
        "emails": ["reports@retail.example"],
        "groups": ["customer"],
        "frequency": "daily",
        "hour": 2,
        "delay_hours": 0,
        "time_zone": "Europe/Madrid",
    }
    return schedules.drafted({**given, **values})


def told(schedule: Schedule, stored: Schedule | None = None) -> list[tuple[str, str]]:
    """The hour on the clocks of the schedule, and the period of each run."""
    return [(f"{one.at:%Y-%m-%d %H:%M %z}", str(one.period)) for one in coming(schedule, stored)]


def test_where_clocks_jump_over_the_hour_it_is_the_moment_of_the_jump(at):
    at("2026-03-27T12:00:00+00:00")
    assert told(drafted()) == [
        ("2026-03-28 02:00 +0100", "2026-03-27"),
        ("2026-03-29 03:00 +0200", "2026-03-28"),
        ("2026-03-30 02:00 +0200", "2026-03-29"),
        ("2026-03-31 02:00 +0200", "2026-03-30"),
        ("2026-04-01 02:00 +0200", "2026-03-31"),
    ]


def test_where_clocks_show_the_hour_twice_it_is_the_first(at):
    at("2026-10-23T12:00:00+00:00")
    assert [moment for moment, _ in told(drafted())][:3] == [
        "2026-10-24 02:00 +0200",
        "2026-10-25 02:00 +0200",
        "2026-10-26 02:00 +0100",
    ]


def test_months_end_where_they_end(at):
    at("2028-01-31T23:30:00+00:00")
    monthly = drafted(frequency="monthly", hour=0, time_zone="UTC")
    assert told(monthly) == [
        ("2028-02-01 00:00 +0000", "2028-01-01 to 2028-01-31"),
        ("2028-03-01 00:00 +0000", "2028-02-01 to 2028-02-29"),
        ("2028-04-01 00:00 +0000", "2028-03-01 to 2028-03-31"),
        ("2028-05-01 00:00 +0000", "2028-04-01 to 2028-04-30"),
        ("2028-06-01 00:00 +0000", "2028-05-01 to 2028-05-31"),
    ]
    assert str(ended(monthly)) == "2027-12-01 to 2027-12-31"
    assert coming(monthly)[0].words == "Tuesday 1 February, tomorrow"


def test_weeks_begin_on_monday_and_the_wait_moves_the_run(at):
    at("2026-11-23T15:00:00+00:00")
    weekly = drafted(frequency="weekly", hour=6, time_zone="UTC", delay_hours=24)
    assert told(weekly)[:2] == [
        ("2026-11-24 06:00 +0000", "2026-11-16 to 2026-11-22"),
        ("2026-12-01 06:00 +0000", "2026-11-23 to 2026-11-29"),
    ]


@pytest.mark.parametrize(
    "change", [{"hour": 23}, {"hour": 0}, {"frequency": "weekly"}, {"time_zone": "Asia/Tokyo"}, {"name": "X"}]
)
def test_what_the_preview_of_a_stored_schedule_says_is_what_saving_does(change):
    schedule = make_schedule(frequency="daily", hour=12)
    values = {
        name: getattr(schedule, name)
        for name in ("name", "produces", "emails", "groups", "frequency", "hour", "time_zone", "delay_hours")
    }
    shown = [one.at for one in coming(schedules.drafted({**values, **change}), schedule)]
    schedules.update(SYSTEM, schedule.id, change)
    assert shown == schedules.next_slots(schedule, 5)
