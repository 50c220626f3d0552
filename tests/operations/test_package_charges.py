"""What is due of packages, on invoices: setup, spans and their parts, each due day once."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine

from dashboard.operations import invoices, package_charges, packages
from dashboard.operations.base import SYSTEM
from dashboard.queries.package_plan import due_until
from dashboard.rules.periods import Period
from tests.support.books import give, make_customer
from tests.support.charged import DAY, NOON, NOVEMBER, charges, invoiced, planned, told

D = Decimal


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=D(20), tax_name="VAT")


def test_setup_once_then_each_month(acorn):
    give(acorn, setup_retail=D(10), quantity="2")
    assert planned(acorn) == [("setup", "2026-11-01", D(20)), ("recurring", "2026-11-01", D(62))]
    december = Period(DAY(2026, 12, 1), DAY(2027, 1, 1))
    assert planned(acorn, december) == [("recurring", "2026-12-01", D(62))]


def test_first_and_last_span_by_days(acorn):
    # From the 1st, charged on the 15th: 14 days of the span that began on 15 October, which has 31.
    give(acorn, end="2026-11-24", frequency_match=[15])
    lines = package_charges.plan(acorn, NOVEMBER, D(0))
    assert told(lines) == [("recurring", "2026-11-01", D(14)), ("recurring", "2026-11-15", D("10.33"))]
    assert (lines[0].span.days, lines[0].span.of_days) == (14, 31)
    assert (lines[1].span.days, lines[1].span.of_days, lines[1].span.last) == (10, 30, DAY(2026, 11, 24))
    assert lines[0].description == "Line rental (14 of 31 days)"


def test_weekly_daily_and_once(acorn):
    give(acorn, name="Weekly", frequency="weekly", frequency_match=[1, 5], retail=D(1), start="2026-11-20")
    give(acorn, name="Daily", frequency="daily", retail=D(1), start="2026-11-28")
    give(acorn, name="Once", frequency="once", retail=D(7), start="2026-11-05")
    found = planned(acorn)
    assert [day for kind, day, _ in found] == [
        "2026-11-05",
        "2026-11-20",
        "2026-11-23",
        "2026-11-27",
        "2026-11-30",
        "2026-11-28",
    ]
    assert sum(amount for _, _, amount in found) == 14


def test_days_in_a_row_are_one_line_and_each_is_charged_once(acorn):
    give(acorn, name="Daily", frequency="daily", retail=D("0.675"), quantity="3", start="2026-11-21")
    [line] = package_charges.plan(acorn, NOVEMBER, D(0))
    assert (line.quantity, line.unit_price, line.amount) == (30, D("0.675"), D("20.25"))
    assert (line.span.start, line.span.last, line.description) == (
        DAY(2026, 11, 21),
        DAY(2026, 11, 30),
        "Daily (10 days)",
    )
    assert [part.due_on.day for part in line.charges] == list(range(21, 31))
    assert [part.amount for part in line.charges] == [D("2.03")] * 5 + [D("2.02")] * 5
    first = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 22)).invoice
    assert (len(first.items), first.subtotal, charges()) == (1, D("4.05"), 2)
    assert [str(one.due_on) for one in package_charges.plan(acorn, NOVEMBER, D(0))] == ["2026-11-23"]
    invoices.delete(SYSTEM, first.id)
    assert charges() == 0


def test_a_run_from_a_day_on_leaves_what_was_due_before(acorn):
    give(acorn, start="2026-09-10", minimum_spend=True, frequency_match=[1])
    give(acorn, start="2026-09-01", name="Line")
    since, today = DAY(2026, 11, 1), DAY(2026, 11, 23)
    assert told(due_until(acorn, today, since=since)) == [("recurring", "2026-11-01", D(31))]
    # October's minimum is over on the 31st, and counted as due before.
    assert [str(line.due_on) for line in due_until(acorn, DAY(2026, 10, 31))] == [
        "2026-09-01",
        "2026-09-30",
        "2026-10-01",
        "2026-10-31",
    ]
    made = package_charges.charge(SYSTEM, acorn.id, today, since=since)
    assert made.invoice.subtotal == 31


def test_not_before_the_start_nor_after_the_end(acorn):
    give(acorn, name="Ended", start="2026-09-01", end="2026-10-31")
    give(acorn, name="Later", start="2026-12-01")
    assert planned(acorn) == []


def test_tax_of_the_package_then_of_the_customer(acorn):
    give(acorn)
    give(acorn, name="Reduced", tax_percent=D(5), tax_name="Reduced")
    lines = package_charges.plan(acorn, NOVEMBER, D(0))
    assert [(line.tax_name, line.tax_percent) for line in lines] == [("VAT", 20), ("Reduced", 5)]


def test_late_where_the_period_of_the_due_day_is_invoiced(acorn):
    give(acorn, start="2026-09-01", name="Before")
    invoiced(acorn)
    give(acorn, start="2026-09-10", name="Given too late")
    lines = package_charges.plan(acorn, NOVEMBER, D(0))
    # September has no invoice yet: it will be charged by its own.
    assert [(str(line.due_on), line.late) for line in lines] == [
        ("2026-11-01", False),
        ("2026-10-10", True),
        ("2026-11-10", False),
    ]


def test_days_are_charged_once_though_the_frequency_changes(acorn):
    given = give(acorn, retail=D(30))
    invoiced(acorn, NOVEMBER)
    packages.update(SYSTEM, given.package_id, {"frequency_match": [15]})
    december = Period(DAY(2026, 12, 1), DAY(2027, 1, 1))
    lines = package_charges.plan(acorn, december, D(0))
    # 15 November to 14 December: its days of November are paid for.
    assert told(lines) == [("recurring", "2026-12-01", D(14)), ("recurring", "2026-12-15", D(30))]
    assert (lines[0].span.last, lines[0].span.days) == (DAY(2026, 12, 14), 14)


def test_what_was_bought_once_is_never_charged_in_parts(acorn):
    given = give(acorn, retail=D(30), end="2026-12-31")
    package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23))
    packages.update(SYSTEM, given.package_id, {"frequency": "once"})
    assert due_until(acorn, DAY(2026, 12, 31)) == []


def test_many_customers_are_planned_like_one(acorn):
    other = make_customer("Other Example")
    give(acorn)
    give(other, name="Other line", retail=D(9))
    idle = make_customer("Idle Example")
    asked = [(one, NOVEMBER, D(0)) for one in (idle, other, acorn)]
    assert [told(lines) for lines in package_charges.plan_many(asked)] == [
        [],
        planned(other),
        planned(acorn),
    ]
