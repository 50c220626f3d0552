from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.periods import add_months, due_date, last_months, month_bounds


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
