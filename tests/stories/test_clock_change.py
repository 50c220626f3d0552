"""A customer in Madrid and one in New York, across the nights on which their clocks are changed.

A second costs 0.01, and the calls last 1, 2, 4, 8 ... seconds: each sum can come from one set of calls only.
"""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import pytest

from dashboard.extensions import db
from dashboard.models import UsageImport
from dashboard.operations import billing, billing_outcome, usage_load
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_files import Reading
from dashboard.queries import summary
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import Period, period_of
from tests.support.bills import billed_wrongly, figures, get, lines_of, open_charge
from tests.support.books import make_customer
from tests.support.calls import load, make_card, make_rule

D = Decimal
DAY = dt.date
SECOND = {prefix: {"rate_per_minute": "0.6", "destination": "Anywhere"} for prefix in ("1", "34", "44")}

pytestmark = pytest.mark.usefixtures("app")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


def caller(name: str, currency: str, zone: str):
    customer = make_customer(name, currency, time_zone=zone)
    make_card(f"Rates of {name}", currency, rates=SECOND, sold_to=customer, valid_from="2015-01-01T00:00:00Z")
    return customer


@pytest.fixture
def madrid():
    return caller("Example Madrid SL", "EUR", "Europe/Madrid")


@pytest.fixture
def new_york():
    return caller("Example New York Inc", "USD", "America/New_York")


def days(customer) -> dict[DAY, Decimal]:
    found = figures(
        "SELECT day, sum(charge) FROM usage_day WHERE customer_id = :key GROUP BY day ORDER BY day",
        key=customer.id,
    )
    return dict(found)


def billed(customer, period: Period) -> tuple[Decimal, dt.datetime, dt.datetime]:
    """Net, first and last moment of the period's invoice."""
    outcome = billing.generate(SYSTEM, customer.id, period)
    assert outcome.state == "made", outcome.reason
    invoice = get(outcome.invoice_id)
    assert billed_wrongly() == []
    return invoice.subtotal, invoice.period_start, invoice.period_end


def test_madrid_by_the_week_on_the_10th_of_december_2018(madrid, monkeypatch):
    """Case 18."""
    calls = [
        ("2018-12-02T22:59:59Z", "34", 1),  # Sunday 2 December, a second before midnight
        ("2018-12-02T23:00:00Z", "34", 2),  # Monday 3 December, 00:00
        ("2018-12-09T22:59:59Z", "34", 4),  # Sunday 9 December, the last second of the week
        ("2018-12-09T23:00:00Z", "34", 8),  # Monday 10 December
    ]
    load(madrid, calls)
    week = period_of("weekly", DAY(2018, 12, 9))
    assert week == Period(DAY(2018, 12, 3), DAY(2018, 12, 10))
    monkeypatch.setattr(billing_outcome, "now", lambda: utc("2018-12-10T12:00:00"))
    assert billing.generate(SYSTEM, madrid.id, week).state == "waiting", "24 hours are not over"
    monkeypatch.setattr(billing_outcome, "now", lambda: utc("2018-12-10T23:00:00"))
    # 2 s and 4 s at 0.01.
    assert billed(madrid, week) == (D("0.06"), utc("2018-12-02T23:00:00"), utc("2018-12-09T23:00:00"))


def test_new_york_by_the_month_in_january_2022(new_york):
    """Case 19."""
    calls = [
        ("2022-01-01T04:59:59Z", "1", 1),  # still 2021 in New York
        ("2022-01-01T05:00:00Z", "1", 2),
        ("2022-02-01T04:59:59Z", "1", 4),
        ("2022-02-01T05:00:00Z", "1", 8),  # February
    ]
    load(new_york, calls)
    january = period_of("monthly", DAY(2022, 1, 15))
    assert billed(new_york, january) == (D("0.06"), utc("2022-01-01T05:00:00"), utc("2022-02-01T05:00:00"))
    december = period_of("monthly", DAY(2021, 12, 15))
    assert billed(new_york, december)[0] == D("0.01")
    assert open_charge(new_york) == D("0.08")


def test_the_week_that_madrid_has_an_hour_twice(madrid):
    """On Sunday 26 October 2025 it is 02:00 to 03:00 twice: UTC+2, then UTC+1 from 01:00Z on."""
    calls = [
        ("2025-10-19T21:30:00Z", "34", 1),  # Sunday 19th, 23:30
        ("2025-10-19T22:30:00Z", "34", 2),  # Monday 20th, 00:30
        ("2025-10-25T21:30:00Z", "34", 4),  # Saturday 25th, 23:30
        ("2025-10-25T22:30:00Z", "34", 8),  # Sunday 26th, 00:30
        ("2025-10-26T00:30:00Z", "34", 16),  # Sunday 26th, 02:30, the first time
        ("2025-10-26T01:30:00Z", "34", 32),  # Sunday 26th, 02:30, the second time
        ("2025-10-26T22:30:00Z", "34", 64),  # Sunday 26th, 23:30, and the 27th had the clock stayed
        ("2025-10-26T23:30:00Z", "34", 128),  # Monday 27th, 00:30
    ]
    load(madrid, calls)
    assert days(madrid) == {
        DAY(2025, 10, 19): D("0.01"),
        DAY(2025, 10, 20): D("0.02"),
        DAY(2025, 10, 25): D("0.04"),
        DAY(2025, 10, 26): D("1.20"),  # 8 + 16 + 32 + 64
        DAY(2025, 10, 27): D("1.28"),
    }
    week = period_of("weekly", DAY(2025, 10, 26))
    net, start, end = billed(madrid, week)
    assert (start, end) == (utc("2025-10-19T22:00:00"), utc("2025-10-26T23:00:00"))
    assert end - start == dt.timedelta(days=7, hours=1)
    assert net == D("1.26")  # 2 + 4 + 8 + 16 + 32 + 64
    assert billed(madrid, period_of("weekly", DAY(2025, 10, 27)))[0] == D("1.28")
    assert billed(madrid, period_of("weekly", DAY(2025, 10, 19)))[0] == D("0.01")
    assert (open_charge(madrid), discrepancies()) == (0, [])


def test_the_day_that_madrid_has_no_hour_from_two_to_three(madrid):
    """On Sunday 30 March 2025 01:59 is followed by 03:00, at 01:00Z; the day has 23 hours."""
    calls = [
        ("2025-03-29T22:30:00Z", "34", 1),  # Saturday 23:30
        ("2025-03-29T23:30:00Z", "34", 2),  # Sunday 00:30
        ("2025-03-30T00:59:59Z", "34", 4),  # Sunday 01:59:59
        ("2025-03-30T01:00:00Z", "34", 8),  # Sunday 03:00
        ("2025-03-30T21:30:00Z", "34", 16),  # Sunday 23:30
        ("2025-03-30T22:30:00Z", "34", 32),  # Monday 00:30; Sunday had the clock stayed
    ]
    load(madrid, calls)
    sunday = period_of("daily", DAY(2025, 3, 30))
    net, start, end = billed(madrid, sunday)
    assert (net, end - start) == (D("0.30"), dt.timedelta(hours=23))
    assert (start, end) == (utc("2025-03-29T23:00:00"), utc("2025-03-30T22:00:00"))
    # The next day's line begins where this one ended: nothing between them, nothing twice.
    assert billed(madrid, period_of("daily", DAY(2025, 3, 31)))[:2] == (D("0.32"), end)
    assert billed(madrid, period_of("daily", DAY(2025, 3, 29)))[0] == D("0.01")


def test_the_month_of_new_york_that_ends_in_another_hour_than_it_began(new_york):
    """In New York it is 01:00 to 02:00 twice on 2 November 2025: UTC-4, then UTC-5."""
    calls = [
        ("2025-11-01T03:30:00Z", "1", 1),  # Friday 31 October, 23:30
        ("2025-11-01T04:30:00Z", "1", 2),  # Saturday 1 November, 00:30
        ("2025-11-02T05:30:00Z", "1", 4),  # Sunday 01:30, the first time
        ("2025-11-02T06:30:00Z", "1", 8),  # Sunday 01:30, the second time
        ("2025-11-03T04:30:00Z", "1", 16),  # Sunday 23:30; Monday had the clock stayed
        ("2025-12-01T04:30:00Z", "1", 32),  # Sunday 30 November, 23:30
        ("2025-12-01T05:30:00Z", "1", 64),  # Monday 1 December, 00:30
    ]
    load(new_york, calls)
    assert days(new_york)[DAY(2025, 11, 2)] == D("0.28")  # 4 + 8 + 16
    net, start, end = billed(new_york, period_of("monthly", DAY(2025, 11, 1)))
    assert (start, end) == (utc("2025-11-01T04:00:00"), utc("2025-12-01T05:00:00"))
    assert net == D("0.62")  # 2 + 4 + 8 + 16 + 32
    assert billed(new_york, period_of("monthly", DAY(2025, 10, 1)))[0] == D("0.01")
    assert open_charge(new_york) == D("0.64")


def test_the_same_calls_fall_on_each_customers_own_day_and_invoice(madrid, new_york):
    """November begins at 23:00Z in Madrid, and five hours later in New York."""
    for customer in (madrid, new_york):
        load(customer, [("2025-10-31T22:30:00Z", "44", 1), ("2025-10-31T23:30:00Z", "44", 2)])
        load(customer, [("2025-11-01T03:30:00Z", "44", 4), ("2025-11-01T04:30:00Z", "44", 8)])
    october, november = (period_of("monthly", DAY(2025, month, 1)) for month in (10, 11))
    assert (billed(madrid, october)[0], billed(madrid, november)[0]) == (D("0.01"), D("0.14"))
    assert (billed(new_york, october)[0], billed(new_york, november)[0]) == (D("0.07"), D("0.08"))


def test_a_switch_in_madrid_writes_its_own_clock(madrid):
    """The file says no zone. Which 02:30 of that night is meant it can't tell; it is the 26th either way."""
    make_rule(madrid, "account_code", "MADRID")
    rows = [
        ("2025-10-25 23:30:00", 1),
        ("2025-10-26 00:30:00", 2),
        ("2025-10-26 02:30:00", 4),
        ("2025-10-26 23:30:00", 8),
        ("2025-10-27 00:30:00", 16),
    ]
    text = "".join(f"{start},MADRID,3491{at},{seconds}\n" for at, (start, seconds) in enumerate(rows))
    reading = Reading(
        header=False,
        width=4,
        columns={"started_at": 0, "account_code": 1, "number": 2, "billsec": 3},
        time_zone="Europe/Madrid",
    )
    made = UsageImport(filename="madrid.csv", options={"reading": reading.to_json()})
    db.session.add(made)
    db.session.commit()
    usage_load.load_stream(SYSTEM, made, io.BytesIO(text.encode()), usage_load.Silent())
    db.session.expire_all()
    assert (made.loaded, made.bad) == (5, 0)
    assert days(madrid) == {
        DAY(2025, 10, 25): D("0.01"),
        DAY(2025, 10, 26): D("0.14"),
        DAY(2025, 10, 27): D("0.16"),
    }
    assert billed(madrid, period_of("weekly", DAY(2025, 10, 26)))[0] == D("0.15")


def test_the_summary_shows_the_week_as_it_is_invoiced(madrid):
    load(madrid, [("2025-10-26T22:30:00Z", "34", 64), ("2025-10-26T23:30:00Z", "34", 128)])
    billed(madrid, period_of("weekly", DAY(2025, 10, 26)))
    rows = {str(row.period): row for row in summary.periods(madrid, "weekly").rows}
    before, after = rows["2025-10-20 to 2025-10-26"], rows["2025-10-27 to 2025-11-02"]
    assert (before.figures.charge, before.invoice is not None) == (D("0.64"), True)
    assert (after.figures.charge, after.invoice, after.open_charge) == (D("1.28"), None, D("1.28"))


def test_a_line_by_day_has_the_local_days(new_york):
    load(new_york, [("2025-11-02T05:30:00Z", "1", 4), ("2025-11-03T04:30:00Z", "1", 16)])
    november = period_of("monthly", DAY(2025, 11, 1))
    outcome = billing.generate(SYSTEM, new_york.id, november, grouping="day")
    (line,) = lines_of(outcome.invoice_id)
    assert (line.date_from, line.date_to, line.net) == (DAY(2025, 11, 2), DAY(2025, 11, 2), D("0.20"))
