"""The days of reminders as staff write them, and which of them an invoice is to have."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.reminders import LATEST, newest, read_days, say_days, say_one, windows

DUE = dt.date(2026, 11, 10)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3 before, 1, 7 and 14 after", [-3, 1, 7, 14]),
        ("3 days before, on the due date, 7 days after.", [-3, 0, 7]),
        ("7, 14", [7, 14]),
        ("7 and 3 before; 1 after; 30", [-7, -3, 1, 30]),
        ("-3, 1, 7", [-3, 1, 7]),
        ("0", [0]),
        ("on the day", [0]),
        ("14 late, 14 overdue", [14]),
        ("3 days before the due date", [-3]),
        ("", []),
        ("Never", []),
        ("1 day after", [1]),
    ],
)
def test_days_are_read_as_they_are_written(text, days):
    assert read_days(text) == days


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("after", "Say how many days"),
        ("soon", '"soon" is not understood'),
        ("3 weeks after", '"weeks" is not understood'),
        ("400 after", "At most 365 days"),
        ("99999999", "At most 365 days"),
        ("1,2,3,4,5,6,7,8,9,10,11,12,13", "At most 12 reminders"),
        ("<b>3</b>", "not a list of days"),
        ("1½", "not a list of days"),
    ],
)
def test_what_is_no_list_of_days_is_refused_in_words(text, said):
    with pytest.raises(ValueError, match=said):
        read_days(text)


@given(st.lists(st.integers(-365, 365), max_size=12))
def test_what_is_said_is_read_back(days):
    assert read_days(say_days(days)) == sorted(set(days))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        found = read_days(text)
    except ValueError:
        return
    assert found == sorted(set(found))


def test_one_reminder_in_words():
    assert [say_one(days) for days in (-3, -1, 0, 1, 7)] == [
        "3 days before the due date",
        "1 day before the due date",
        "on the due date",
        "1 day after the due date",
        "7 days after the due date",
    ]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (-4, None),
        (-3, -3),
        (0, -3),
        (1, 1),
        (6, 1),
        (7, 7),
        (13, 7),
        (14, 14),
        (14 + LATEST, 14),
        (15 + LATEST, None),
    ],
)
def test_only_the_newest_is_to_be_had(late, expected):
    assert newest([-3, 1, 7, 14], DUE, DUE + dt.timedelta(days=late)) == expected


@given(st.sets(st.integers(-60, 90), max_size=8), st.integers(-200, 200))
def test_an_invoice_is_in_one_window_at_most(days, late):
    today = DUE + dt.timedelta(days=late)
    found = [day for day, first, last in windows(days, today) if first <= DUE <= last]
    assert len(found) <= 1
    come = [day for day in days if day <= late]
    expected = [max(come)] if come and late - max(come) <= LATEST else []
    assert found == expected
