"""The demo's story as plain data."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.demo.companies import COMPANIES
from dashboard.demo.story import Bill, Pay, month_before, tell

DAYS = [
    dt.date(2026, 11, 23),
    dt.date(2026, 1, 1),
    dt.date(2026, 12, 31),
    dt.date(2028, 2, 29),
    dt.date(2027, 3, 1),
]


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_the_same_day_always_tells_the_same(today):
    assert tell(today) == tell(today)


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_nothing_happens_in_the_future_nor_before_a_year_ago(today):
    story = tell(today)
    assert all(month_before(today, 12) <= event.day <= today for event in story.events)
    assert [event.day for event in story.events] == sorted(event.day for event in story.events)


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_a_bill_comes_before_its_payment(today):
    told: list[int] = []
    for event in tell(today).events:
        if isinstance(event, Bill):
            told.append(id(event))
        else:
            assert all(id(bill) in told for bill in event.bills)


def test_the_companies_are_plainly_invented():
    assert len(COMPANIES) == 40
    assert len({company.key for company in COMPANIES}) == 40
    assert all({"Example", "Sample", "Demo"} & set(company.name.split()) for company in COMPANIES)
    assert {company.currency for company in COMPANIES} == {"USD", "EUR", "GBP", "JPY"}


def test_months_before():
    assert month_before(dt.date(2026, 1, 31), 1) == dt.date(2025, 12, 1)
    assert month_before(dt.date(2026, 3, 31), 0) == dt.date(2026, 3, 1)


def test_there_is_some_of_everything():
    events = tell(DAYS[0]).events
    bills = [event for event in events if isinstance(event, Bill)]
    pays = [event for event in events if isinstance(event, Pay)]
    assert {bill.state for bill in bills} == {"draft", "issued", "void"}
    assert {pay.status for pay in pays} == {"pending", "completed", "cancelled"}
    assert {pay.use for pay in pays} == {"each", "oldest", "no"}
    assert max(len(bill.charges) for bill in bills) > 30
