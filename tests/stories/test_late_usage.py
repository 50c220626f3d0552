"""Calls that a switch delivers after their month was invoiced: billed once, on the next invoice."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import billing, customers, invoices
from dashboard.operations.base import SYSTEM
from dashboard.queries import coverage, explain, summary
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import period_of
from tests.support.bills import billed_wrongly, figures, get, lines_of, make_caller, open_charge, told
from tests.support.calls import load

D = Decimal
JULY, AUGUST, SEPTEMBER = (period_of("monthly", dt.date(2026, month, 1)) for month in (7, 8, 9))

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def caller():
    """0.60 a minute to the United Kingdom, 0.30 to the United States, at 20 % tax, billed by the month."""
    customer = make_caller()
    customers.update(SYSTEM, customer.id, {"invoice_schedule": "monthly"})
    return customer


def rows(customer):
    return {row.period: row for row in summary.periods(customer, "monthly").rows}


def test_late_calls_go_on_the_next_invoice_and_only_there(caller, as_role):
    clerk = as_role("clerk")
    load(caller, [("2026-07-31T23:58:00Z", "442079460000", 60), ("2026-07-10T10:00:00Z", "12025550100", 60)])
    july = billing.generate(clerk, caller.id, JULY)
    # 0.60 + 0.30 = 0.90; tax 0.18.
    assert (get(july.invoice_id).subtotal, get(july.invoice_id).total) == (D("0.90"), D("1.08"))
    before = told(july.invoice_id)

    # On 5 August the switch delivers two calls of July, and one that it delivered already.
    counts = load(
        caller,
        [
            ("2026-07-31T23:58:00Z", "442079460000", 60),
            ("2026-07-31T23:59:30Z", "442079460001", 90),
            ("2026-07-30T12:00:00Z", "12025550101", 120),
        ],
    )
    assert (counts.loaded, counts.duplicates, counts.late) == (2, 1, 2)
    # The invoice of July is as it was; what came late stands open: 90 s at 0.60 + 120 s at 0.30.
    assert told(july.invoice_id) == before
    assert open_charge(caller, JULY) == D("1.50")
    assert rows(caller)[JULY].late
    assert rows(caller)[JULY].figures.charge == D("2.40"), "the Summary shows all of July's calls"
    again = billing.generate(clerk, caller.id, JULY)
    assert (again.state, again.invoice_id) == ("exists", july.invoice_id)

    load(caller, [("2026-08-03T09:00:00Z", "442079460002", 600)])
    (shown,) = billing.preview_many([(caller.id, AUGUST)])
    assert shown.warnings[0] == "Includes $1.50 USD of late usage of earlier periods"
    august = billing.generate(clerk, caller.id, AUGUST)
    assert told(august.invoice_id) == [
        ("usage", "Calls to United Kingdom", "6.00"),
        ("late_usage", "Late calls to United Kingdom", "0.90"),
        ("late_usage", "Late calls to United States", "0.60"),
    ]
    # 7.50 + 20 % = 9.00, as the preview said.
    assert get(august.invoice_id).total == shown.total == D("9.00")
    # The late line leads to the late calls alone.
    late = lines_of(august.invoice_id)[1]
    (day,) = explain.days(late.id)
    assert (day.day, day.attempts, day.after) == (dt.date(2026, 7, 31), 1, D("0.90"))

    # September owes nothing for them, and nothing is left open.
    load(caller, [("2026-09-03T09:00:00Z", "12025550100", 60)])
    september = billing.generate(clerk, caller.id, SEPTEMBER)
    assert told(september.invoice_id) == [("usage", "Calls to United States", "0.30")]
    assert open_charge(caller) == 0
    assert not rows(caller)[JULY].late
    # Three invoices together are all six calls, exactly: 0.90 + 7.50 + 0.30.
    assert figures("SELECT sum(charge), count(*) FROM usage_record") == [(D("8.70"), 6)]
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_usage_of_a_month_that_was_never_invoiced_is_missing_not_late(caller):
    load(caller, [("2026-08-03T09:00:00Z", "442079460002", 60)])
    billing.generate(SYSTEM, caller.id, AUGUST)
    assert load(caller, [("2026-07-03T09:00:00Z", "442079460002", 120)]).late == 0
    load(caller, [("2026-09-03T09:00:00Z", "442079460002", 180)])
    september = billing.generate(SYSTEM, caller.id, SEPTEMBER)
    assert told(september.invoice_id) == [("usage", "Calls to United Kingdom", "1.80")]
    assert JULY in coverage.missing(caller)
    july = billing.generate(SYSTEM, caller.id, JULY)
    assert told(july.invoice_id) == [("usage", "Calls to United Kingdom", "1.20")]
    assert (open_charge(caller), billed_wrongly()) == (0, [])


def test_late_usage_comes_back_when_the_invoice_that_had_it_is_void(caller, as_role):
    """Void August: its own calls and July's late ones are free again, July's invoice is not touched."""
    manager = as_role("manager")
    load(caller, [("2026-07-10T10:00:00Z", "442079460000", 60)])
    billing.generate(manager, caller.id, JULY, issue=True)
    load(caller, [("2026-07-11T10:00:00Z", "442079460000", 120), ("2026-08-11T10:00:00Z", "12025550100", 60)])
    august = billing.generate(manager, caller.id, AUGUST, issue=True)
    assert get(august.invoice_id).subtotal == D("1.50")
    invoices.void(manager, august.invoice_id, "Wrong address")
    assert (open_charge(caller, JULY), open_charge(caller, AUGUST)) == (D("1.20"), D("0.30"))

    # A third batch of the same day, while the second is open, joins it.
    load(caller, [("2026-07-11T11:00:00Z", "442079460000", 1)])
    again = billing.generate(manager, caller.id, AUGUST, issue=True)
    assert told(again.invoice_id) == [
        ("usage", "Calls to United States", "0.30"),
        ("late_usage", "Late calls to United Kingdom", "1.21"),
    ]
    assert (open_charge(caller), billed_wrongly(), discrepancies()) == (0, [], [])


def test_late_calls_of_three_months_each_once(caller):
    """However often something comes late, every invoice after it takes what is open, and no more."""
    total = D(0)
    for month, period in zip((7, 8, 9), (JULY, AUGUST, SEPTEMBER), strict=True):
        for earlier in range(7, month + 1):
            # 10 s a call: 0.10 each.
            load(caller, [(f"2026-0{earlier}-15T1{month}:00:00Z", "442079460000", 10)], ids=f"file {month}")
        outcome = billing.generate(SYSTEM, caller.id, period)
        total += get(outcome.invoice_id).subtotal
        assert open_charge(caller) == 0
    # 1 + 2 + 3 calls; two rows of the ledger a late day, each with an invoice of its own.
    assert total == D("0.60")
    assert figures("SELECT day, batch FROM usage_day ORDER BY day, batch") == [
        (dt.date(2026, 7, 15), 1),
        (dt.date(2026, 7, 15), 2),
        (dt.date(2026, 7, 15), 3),
        (dt.date(2026, 8, 15), 1),
        (dt.date(2026, 8, 15), 2),
        (dt.date(2026, 9, 15), 1),
    ]
    assert billed_wrongly() == []
