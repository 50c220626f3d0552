import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.periods import (
    SCHEDULES,
    Period,
    add_months,
    anchored_month,
    bounds,
    due_date,
    last_months,
    midnight,
    month_bounds,
    period_of,
    periods,
    previous,
)

ZONES = sorted(available_timezones() - {"localtime"})
DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))


def test_month_bounds_are_half_open() -> None:
    assert month_bounds(date(2024, 2, 29)) == (date(2024, 2, 1), date(2024, 3, 1))
    assert month_bounds(date(2026, 12, 31)) == (date(2026, 12, 1), date(2027, 1, 1))


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(-500, 500))
def test_adding_months_goes_there_and_back(day: date, months: int) -> None:
    first = day.replace(day=1)
    assert add_months(add_months(day, months), -months) == first
    start, end = month_bounds(day)
    assert start <= day < end
    assert month_bounds(end)[0] == end


def test_the_last_twelve_months_join_without_a_gap() -> None:
    months = last_months(date(2026, 11, 23), 12)
    assert (months[0][0], months[-1]) == (date(2025, 12, 1), (date(2026, 11, 1), date(2026, 12, 1)))
    assert [end for _, end in months[:-1]] == [start for start, _ in months[1:]]


def test_due_dates() -> None:
    assert due_date(date(2026, 11, 23), 0) == date(2026, 11, 23)
    assert due_date(date(2026, 11, 23), 30) == date(2026, 12, 23)
    with pytest.raises(ValueError, match="below 0"):
        due_date(date(2026, 11, 23), -1)
    with pytest.raises(ValueError, match="too far"):
        due_date(date(2026, 11, 23), 10**8)
    with pytest.raises(ValueError, match="too far"):
        due_date(date(2026, 11, 23), 10**12)


def test_case_16_an_anchor_of_31_is_the_last_day_of_shorter_months() -> None:
    assert [anchored_month(31, 2023, month).day for month in (1, 2, 3, 4)] == [31, 28, 31, 30]
    assert anchored_month(31, 2024, 2) == date(2024, 2, 29)
    assert anchored_month(15, 2023, 2) == date(2023, 2, 15)


def test_case_18_a_week_in_madrid() -> None:
    week = previous("weekly", period_of("weekly", date(2018, 12, 10)))
    assert week == Period(date(2018, 12, 3), date(2018, 12, 10))
    assert bounds(week, "Europe/Madrid") == (
        datetime(2018, 12, 2, 23, tzinfo=UTC),
        datetime(2018, 12, 9, 23, tzinfo=UTC),
    )


def test_case_19_a_month_in_new_york() -> None:
    month = period_of("monthly", date(2022, 1, 31))
    assert bounds(month, "America/New_York") == (
        datetime(2022, 1, 1, 5, tzinfo=UTC),
        datetime(2022, 2, 1, 5, tzinfo=UTC),
    )


def test_a_month_with_a_clock_change_is_an_hour_shorter_or_longer() -> None:
    for day, hours in ((date(2026, 3, 1), 743), (date(2026, 10, 1), 745), (date(2026, 7, 1), 744)):
        start, end = bounds(period_of("monthly", day), "Europe/Madrid")
        assert end - start == timedelta(hours=hours)


def test_a_period_needs_a_day_and_a_schedule_that_exists() -> None:
    with pytest.raises(ValueError, match="end after"):
        Period(date(2026, 1, 1), date(2026, 1, 1))
    with pytest.raises(ValueError, match="No such schedule"):
        period_of("yearly", date(2026, 1, 1))
    assert str(period_of("daily", date(2026, 1, 1))) == "2026-01-01"
    assert str(period_of("weekly", date(2026, 1, 1))) == "2025-12-29 to 2026-01-04"


@given(st.sampled_from(SCHEDULES), DAYS, st.integers(0, 400))
def test_periods_tile_the_days(schedule: str, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    found = periods(schedule, first, last)
    assert first in found[0]
    assert last in found[-1]
    for one, after in itertools.pairwise(found):
        assert one.end == after.start
        assert previous(schedule, after) == one
    for one in found:
        assert period_of(schedule, one.start) == period_of(schedule, one.last) == one


@given(st.sampled_from(ZONES), DAYS)
def test_a_day_begins_at_its_first_moment_in_every_zone(zone: str, day: date) -> None:
    where = ZoneInfo(zone)
    start = midnight(day, where)
    assert start.astimezone(where).date() >= day
    assert (start - timedelta(microseconds=1)).astimezone(where).date() < day


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        # Clocks go from 24:00 to 01:00, from 23:30 to 00:30, and over a whole day.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),
        ("America/Toronto", date(1919, 3, 31), datetime(1919, 3, 31, 4, 30, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 31), datetime(2011, 12, 30, 10, tzinfo=UTC)),
        # Clocks go back over midnight: it is shown twice.
        ("America/St_Johns", date(2010, 11, 7), datetime(2010, 11, 7, 2, 30, tzinfo=UTC)),
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ],
)
def test_days_that_begin_at_a_clock_change(zone: str, day: date, begins: datetime) -> None:
    assert midnight(day, ZoneInfo(zone)) == begins


def test_days_join_in_every_zone_around_every_change_of_its_clocks() -> None:
    """Each day of two years: bounds meet, and no day is shorter than 0 or longer than 26 hours."""
    first = date(2025, 12, 28)
    for zone in ZONES:
        found = [midnight(first + timedelta(days=at), ZoneInfo(zone)) for at in range(740)]
        lengths = {after - before for before, after in itertools.pairwise(found)}
        assert lengths <= {timedelta(hours=hours) for hours in (22, 23, 23.5, 24, 24.5, 25, 26)}, zone
