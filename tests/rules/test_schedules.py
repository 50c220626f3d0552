"""When a schedule is due: one slot a period, always later than the one before, on the zone's own clocks."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.rules.periods import Period, bounds, period_of
from dashboard.rules.schedules import Rule, first_shown

# Clocks change by an hour, by half an hour, at midnight; and once a whole day was left out.
ZONES = (
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
HOUR = dt.timedelta(hours=1)

rules = st.builds(
    Rule,
    st.sampled_from(("daily", "weekly", "monthly")),
    st.integers(0, 23),
    st.sampled_from(ZONES),
    st.one_of(st.sampled_from((0, 1, 23, 24, 25, 48, 240)), st.integers(0, 240)),
)
moments = st.datetimes(
    dt.datetime(2011, 1, 1), dt.datetime(2030, 12, 31), timezones=st.just(dt.UTC), allow_imaginary=False
)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def month(year: int, number: int) -> Period:
    return period_of("monthly", dt.date(year, number, 1))


@given(rules, moments)
@example(Rule("daily", 0, "Europe/Madrid", 24), utc("2026-03-27T12:00"))
@example(Rule("daily", 23, "Europe/Madrid", 24), utc("2026-10-23T12:00"))
@example(Rule("daily", 0, "Pacific/Apia", 0), utc("2011-12-28T12:00"))
@example(Rule("daily", 2, "Australia/Lord_Howe", 0), utc("2026-10-02T12:00"))
def test_each_period_has_one_slot_later_than_the_one_before(rule: Rule, moment: dt.datetime) -> None:
    slots = rule.next_slots(moment, 8)
    assert slots[0] > moment
    assert all(one < two for one, two in pairwise(slots))
    found = [rule.period_of_slot(slot) for slot in slots]
    assert all(one.start < two.start for one, two in pairwise(found))
    # Nothing in between is left out: only days that the zone never had.
    for one, two in pairwise(found):
        assert (
            one.end == two.start
            or bounds(Period(one.end, two.start), rule.zone)[0]
            == bounds(Period(one.end, two.start), rule.zone)[1]
        )
    assert [rule.slot(period) for period in found] == slots


@given(rules, moments)
def test_a_slot_comes_after_the_wait_at_its_hour(rule: Rule, moment: dt.datetime) -> None:
    slot = rule.after(moment)
    ended = bounds(rule.period_of_slot(slot), rule.zone)[1]
    waited = slot - ended
    assert waited >= rule.delay_hours * HOUR
    # Never more than a day later than it could, and the hour or two by which clocks change.
    assert waited <= rule.delay_hours * HOUR + 26 * HOUR
    shown = slot.astimezone(ZoneInfo(rule.zone))
    on_time = (shown.hour, shown.minute) == (rule.hour, 0)
    changed = ZoneInfo(rule.zone).utcoffset(ended) != ZoneInfo(rule.zone).utcoffset(slot) or _jumps(
        slot, rule
    )
    assert on_time or changed


def _jumps(slot: dt.datetime, rule: Rule) -> bool:
    zone = ZoneInfo(rule.zone)
    return any(
        (slot + step).astimezone(zone).utcoffset() != slot.astimezone(zone).utcoffset()
        for step in (-26 * HOUR, -dt.timedelta(seconds=1), 26 * HOUR)
    )


@given(rules, moments, moments)
def test_the_slot_follows_from_the_period_and_not_from_when_one_asks(
    rule: Rule, one: dt.datetime, two: dt.datetime
) -> None:
    slot = rule.after(one)
    later = max(one, min(two, slot - dt.timedelta(seconds=1)))
    assert rule.after(later) == slot
    assert rule.period_of_slot(slot) == rule.period_of_slot(slot + dt.timedelta(minutes=1))


@pytest.mark.parametrize(
    ("hour", "delay", "slot"),
    [
        (6, 24, "2026-11-02T06:00"),
        (6, 0, "2026-11-01T06:00"),
        (0, 0, "2026-11-01T00:00"),
        (6, 30, "2026-11-02T06:00"),
        (6, 31, "2026-11-03T06:00"),
        (23, 240, "2026-11-11T23:00"),
    ],
)
def test_october_is_done_at_the_first_such_hour_after_the_wait(hour: int, delay: int, slot: str) -> None:
    assert Rule("monthly", hour, "UTC", delay).slot(month(2026, 10)) == utc(slot)


def test_months_follow_the_calendar_whatever_their_length() -> None:
    """31 January, 29 February and 28 February: the day of the slot never wanders."""
    rule = Rule("monthly", 6, "UTC", 24)
    slots = rule.next_slots(utc("2024-01-31T12:00"), 14)
    assert [f"{slot:%Y-%m-%d %H}" for slot in slots[:4]] == [
        "2024-02-02 06",
        "2024-03-02 06",
        "2024-04-02 06",
        "2024-05-02 06",
    ]
    assert f"{slots[13]:%Y-%m-%d}" == "2025-03-02"
    assert rule.period_of_slot(slots[1]) == Period(dt.date(2024, 2, 1), dt.date(2024, 3, 1))
    daily = Rule("daily", 6, "UTC", 0)
    found = [str(daily.period_of_slot(slot)) for slot in daily.next_slots(utc("2024-02-28T06:00"), 3)]
    assert found == ["2024-02-28", "2024-02-29", "2024-03-01"]


def test_weeks_end_on_sunday() -> None:
    rule = Rule("weekly", 6, "UTC", 24)
    assert rule.after(utc("2026-11-23T12:00")) == utc("2026-11-24T06:00")
    assert rule.period_of_slot(utc("2026-11-24T06:00")) == Period(
        dt.date(2026, 11, 16), dt.date(2026, 11, 23)
    )


@pytest.mark.parametrize(
    ("zone", "hour", "last_day", "slot"),
    [
        # 02:00 is left out: the jump, at 01:00 UTC.
        ("Europe/Madrid", 2, "2026-03-28", "2026-03-29T01:00"),
        ("America/New_York", 2, "2026-03-07", "2026-03-08T07:00"),
        # 02:00 to 02:30 is left out.
        ("Australia/Lord_Howe", 2, "2026-10-03", "2026-10-03T15:30"),
        # Midnight is left out.
        ("America/Santiago", 0, "2026-09-05", "2026-09-06T04:00"),
        ("Africa/Cairo", 0, "2026-04-23", "2026-04-23T22:00"),
        # Shown twice: the first.
        ("Europe/Madrid", 2, "2026-10-24", "2026-10-25T00:00"),
        ("America/New_York", 1, "2026-10-31", "2026-11-01T05:00"),
        ("Australia/Lord_Howe", 1, "2026-04-04", "2026-04-04T14:00"),
    ],
)
def test_an_hour_that_is_left_out_or_comes_twice(zone: str, hour: int, last_day: str, slot: str) -> None:
    day = dt.date.fromisoformat(last_day)
    period = Period(day, day + dt.timedelta(days=1))
    assert Rule("daily", hour, zone, 0).slot(period) == utc(slot)
    shown = first_shown(period.end, hour, ZoneInfo(zone))
    assert shown == utc(slot)
    assert (shown - dt.timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(
        tzinfo=None
    ) < dt.datetime.combine(period.end, dt.time(hour))


def test_the_wait_is_kept_where_clocks_jump_during_it() -> None:
    """24 hours after midnight of a day that has 23 is one o'clock; the next day has its own slot."""
    rule = Rule("daily", 0, "Europe/Madrid", 24)
    slots = rule.next_slots(utc("2026-03-28T12:00"), 3)
    assert [f"{slot.astimezone(ZoneInfo('Europe/Madrid')):%d %H:%M}" for slot in slots] == [
        "29 00:00",
        "30 01:00",
        "31 00:00",
    ]


def test_a_day_that_never_was_has_no_slot() -> None:
    rule = Rule("daily", 6, "Pacific/Apia", 0)
    found = [str(rule.period_of_slot(slot)) for slot in rule.next_slots(utc("2011-12-29T00:00"), 3)]
    assert found == ["2011-12-28", "2011-12-29", "2011-12-31"]


def test_the_last_period_that_is_over() -> None:
    rule = Rule("monthly", 6, "Europe/Madrid", 24)
    assert rule.last_ended(utc("2026-10-31T23:00")) == month(2026, 10)
    assert rule.last_ended(utc("2026-10-31T22:59")) == month(2026, 9)
