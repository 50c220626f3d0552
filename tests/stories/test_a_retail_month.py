"""A household until it leaves: setup, parts of months, free minutes and minimum spend, each by hand.

To the United Kingdom a minute costs 0.10, by whole minutes; to the United States 0.05, by the second.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import assignments, billing, customers, packages
from dashboard.queries import explain, summary
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import period_of
from tests.support.bills import billed_wrongly, figures, get, lines_of, open_charge, told
from tests.support.calls import load, make_card

D = Decimal
JULY, AUGUST, SEPTEMBER, OCTOBER = (period_of("monthly", dt.date(2026, month, 1)) for month in (7, 8, 9, 10))
UK, US = "442079460000", "12025550100"

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def clerk(as_role):
    return as_role("clerk")


@pytest.fixture
def elm(clerk):
    """Comes on 10 July with two lines, sixty free minutes and a promise to spend 20 a month."""
    customer = customers.create(
        clerk,
        {
            "name": "Elm Example Household",
            "currency": "USD",
            "tax_name": "VAT",
            "tax_percent": "20",
            "invoice_schedule": "monthly",
        },
    )
    uk = {
        "rate_per_minute": "0.10",
        "destination": "United Kingdom",
        "minimum_seconds": 60,
        "pulse_seconds": 60,
    }
    us = {"rate_per_minute": "0.05", "destination": "United States"}
    make_card("Example Retail", rates={"44": uk, "1": us}, sold_to=customer)
    monthly = {"currency": "USD", "frequency": "monthly", "frequency_match": [1]}
    for quantity, values in (
        ("2", {"name": "Line", "retail": "31", "setup_retail": "25"}),
        (
            "1",
            {
                "name": "Sixty to the UK",
                "type": "free_minutes",
                "retail": "5",
                "free_minutes": 60,
                "destination_prefixes": "^44",
            },
        ),
        ("1", {"name": "Twenty at least", "retail": "20", "minimum_spend": True}),
    ):
        package = packages.create(clerk, {**monthly, **values})
        assignments.create(
            clerk,
            {
                "customer_id": customer.id,
                "package_id": package.id,
                "quantity": quantity,
                "start_date": dt.date(2026, 7, 10),
            },
        )
    return customer


def bill(actor, customer, period) -> int:
    (shown,) = billing.preview_many([(customer.id, period)])
    outcome = billing.generate(actor, customer.id, period)
    assert outcome.state == "made", outcome.reason
    invoice = get(outcome.invoice_id)
    assert (shown.net, shown.tax, shown.total) == (invoice.subtotal, invoice.tax, invoice.total)
    assert (billed_wrongly(), discrepancies()) == ([], [])
    return invoice.id


def sums(key: int) -> tuple[Decimal, Decimal, Decimal]:
    invoice = get(key)
    return invoice.subtotal, invoice.tax, invoice.total


def july(customer) -> None:
    load(
        customer,
        [
            ("2026-07-12T10:00:00Z", UK, 1800),  # 30 minutes: 3.00
            ("2026-07-20T10:00:00Z", UK, 790),  # 14 minutes begun: 1.40
            ("2026-07-31T23:59:59Z", UK, 61),  # 2 minutes begun: 0.20
            ("2026-07-15T18:00:00Z", US, 2400),  # 40 minutes: 2.00
            ("2026-07-16T18:00:00Z", UK, 0, {"result": "no_answer"}),
        ],
    )


def test_the_month_that_it_comes_in(elm, clerk):
    july(elm)
    key = bill(clerk, elm, JULY)
    # It has 22 of July's 31 days. Line: 2 x 31 x 22/31 = 44. Sixty: 5 x 22/31 = 3.5484. Twenty: 14.1935.
    # Free are 3600 x 22/31 = 2554.8, so 2555 s: all of the 1800, then 755 of the 840. What is left of that
    # call, 85 s, costs 0.1417; so free are 3.00 + 1.40 - 0.1417 = 4.2583.
    # Spent 6.60 - 4.2583 = 2.34, which is 11.85 short of 14.19.
    assert told(key) == [
        ("usage", "Calls to United Kingdom", "4.60"),
        ("usage", "Calls to United States", "2.00"),
        ("free_minutes", "Sixty to the UK: 42 min 35 s free", "-4.26"),
        ("setup", "Line: setup", "50.00"),
        ("package", "Line (22 of 31 days)", "44.00"),
        ("package", "Sixty to the UK (22 of 31 days)", "3.55"),
        ("minimum_spend", "Twenty at least: minimum spend $14.19 (22 of 31 days), spent $2.34", "11.85"),
    ]
    # 4.60 + 2.00 - 4.26 + 50 + 44 + 3.55 + 11.85 = 111.74; a fifth of it 22.348.
    assert sums(key) == (D("111.74"), D("22.35"), D("134.09"))
    assert figures("SELECT seconds, span_start, span_end FROM free_minute_use") == [
        (2555, dt.date(2026, 7, 10), dt.date(2026, 8, 1))
    ]
    # The Summary has the calls as they cost, before what was free: 4.60 + 2.00.
    (month,) = summary.periods(elm, "monthly").rows
    assert (month.figures.charge, month.figures.attempts, month.figures.connected) == (D("6.60"), 5, 4)
    assert month.figures.billed_duration == 1800 + 840 + 120 + 2400
    assert month.invoice is not None
    assert month.invoice.id == key
    days = explain.days(lines_of(key)[0].id)
    assert [(day.day.day, day.charge, day.after) for day in days] == [
        (12, D("3.00"), D("3.00")),
        (16, D(0), D("3.00")),
        (20, D("1.40"), D("4.40")),
        (31, D("0.20"), D("4.60")),
    ]


def test_whole_months_spend_short_and_spend_enough(elm, clerk):
    july(elm)
    bill(clerk, elm, JULY)
    # The first call is 62 minutes begun, 60 of them free: 0.20 is left. The second finds none left: 1.00.
    load(elm, [("2026-08-03T10:00:00Z", UK, 3700), ("2026-08-04T10:00:00Z", UK, 600)])
    august = bill(clerk, elm, AUGUST)
    assert told(august) == [
        ("usage", "Calls to United Kingdom", "7.20"),
        ("free_minutes", "Sixty to the UK: 60 minutes free", "-6.00"),
        ("package", "Line", "62.00"),
        ("package", "Sixty to the UK", "5.00"),
        ("minimum_spend", "Twenty at least: minimum spend $20.00, spent $1.20", "18.80"),
    ]
    assert sums(august) == (D("87.00"), D("17.40"), D("104.40"))

    # Of September's minutes one is used and 59 expire. 20.00 is spent: nothing is short (case 5).
    load(elm, [("2026-09-03T10:00:00Z", UK, 31), ("2026-09-04T10:00:00Z", US, 24000)])
    september = bill(clerk, elm, SEPTEMBER)
    assert told(september) == [
        ("usage", "Calls to United Kingdom", "0.10"),
        ("usage", "Calls to United States", "20.00"),
        ("free_minutes", "Sixty to the UK: 1 minute free", "-0.10"),
        ("package", "Line", "62.00"),
        ("package", "Sixty to the UK", "5.00"),
    ]
    assert sums(september) == (D("87.00"), D("17.40"), D("104.40"))
    assert open_charge(elm) == 0


def test_the_month_that_it_leaves_in(elm, clerk):
    for month in (JULY, AUGUST, SEPTEMBER):
        bill(clerk, elm, month)
    for assigned in list(elm.packages):
        assignments.update(clerk, assigned.id, {"end_date": dt.date(2026, 10, 10)})
    load(
        elm,
        [
            ("2026-10-05T10:00:00Z", UK, 1200),  # 2.00
            ("2026-10-20T10:00:00Z", UK, 60),  # 0.10, after the packages ended
        ],
    )
    key = bill(clerk, elm, OCTOBER)
    # 10 of 31 days. Free: 1161.3, so 1162 s of the 1200; 38 s are left: 0.0633. Free are 1.9367.
    # Twenty: 6.45. Spent in its ten days 2.00 - 1.9367 = 0.06, so 6.39 is short.
    assert told(key) == [
        ("usage", "Calls to United Kingdom", "2.10"),
        ("free_minutes", "Sixty to the UK: 19 min 22 s free", "-1.94"),
        ("package", "Line (10 of 31 days)", "20.00"),
        ("package", "Sixty to the UK (10 of 31 days)", "1.61"),
        ("minimum_spend", "Twenty at least: minimum spend $6.45 (10 of 31 days), spent $0.06", "6.39"),
    ]
    # 2.10 - 1.94 + 20 + 1.61 + 6.39 = 28.16; a fifth of it 5.632.
    assert sums(key) == (D("28.16"), D("5.63"), D("33.79"))
    november = billing.generate(clerk, elm.id, period_of("monthly", dt.date(2026, 11, 1)))
    assert november.state in ("nothing", "waiting"), "it has left"


def test_a_late_call_uses_the_minutes_of_its_own_month(elm, clerk):
    """August's free minutes are all used; a call of July comes late, and July has 20 s left."""
    load(elm, [("2026-07-12T10:00:00Z", UK, 2520)])  # 42 minutes of the 2555 s: 35 s are left
    bill(clerk, elm, JULY)
    load(elm, [("2026-07-30T10:00:00Z", UK, 30), ("2026-08-02T10:00:00Z", UK, 3600)])
    key = bill(clerk, elm, AUGUST)
    # The late call is one minute, 0.10; 35 s of it free, so 25 s are left: 0.0417, and 0.0583 is free.
    assert told(key)[:4] == [
        ("usage", "Calls to United Kingdom", "6.00"),
        ("late_usage", "Late calls to United Kingdom", "0.10"),
        ("free_minutes", "Sixty to the UK: 35 s free", "-0.06"),
        ("free_minutes", "Sixty to the UK: 60 minutes free", "-6.00"),
    ]
    # What is late counts for July's promise, not for August's: nothing of August's 20 was spent.
    assert told(key)[-1] == (
        "minimum_spend",
        "Twenty at least: minimum spend $20.00, spent $0.00",
        "20.00",
    )
    assert figures("SELECT span_start, sum(seconds) FROM free_minute_use GROUP BY 1 ORDER BY 1") == [
        (dt.date(2026, 7, 10), 2555),
        (dt.date(2026, 8, 1), 3600),
    ]
