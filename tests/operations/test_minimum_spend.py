"""Minimum spend: what calls came to falls short of what was promised."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import PackageCharge
from dashboard.operations import billing, package_charges, packages
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid
from dashboard.queries.package_accounts import customers_to_charge
from dashboard.queries.package_plan import due_until
from tests.support.books import give, make_customer
from tests.support.charged import DAY, NOON, NOVEMBER, OCTOBER, planned, told
from tests.support.usage_rows import put_call

D = Decimal


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=D(20), tax_name="VAT")


def test_case_5_minimum_spend_on_an_invoice_of_the_period(acorn):
    give(acorn, retail=D(25), quantity="2", minimum_spend=True)
    assert planned(acorn, net="25") == [("minimum_spend", "2026-11-30", D(25))]
    assert planned(acorn, net="50") == []
    assert planned(acorn, net="50.01") == []
    line = package_charges.plan(acorn, NOVEMBER, D(25))[0]
    assert line.description == "Line rental: minimum spend $50.00, spent $25.00"
    assert (line.minimum, line.spent) == (50, 25)


def test_minimum_spend_of_another_span_is_held_against_the_ledger(acorn):
    give(acorn, retail=D(50), minimum_spend=True, start="2026-10-15")
    for day, charge in ((14, "100"), (15, "20"), (30, "5.50")):
        put_call(acorn, dt.datetime(2026, 10, day, 9, tzinfo=dt.UTC), charge=charge)
    put_call(acorn, dt.datetime(2026, 11, 15, 9, tzinfo=dt.UTC), charge="100")
    # The span from 15 October ends on 14 November; that of 15 November is not over in this period.
    assert planned(acorn, net="999") == [("minimum_spend", "2026-11-14", D("24.50"))]


def test_minimum_spend_of_a_part_of_a_span_is_a_part(acorn):
    give(acorn, retail=D(30), minimum_spend=True, start="2026-11-16", frequency_match=[1])
    assert planned(acorn) == [("minimum_spend", "2026-11-30", D(15))]


def test_minimum_spend_is_never_charged_to_the_account(acorn):
    with pytest.raises(Invalid, match="put on the invoice"):
        give(acorn, auto=True, minimum_spend=True)
    given = give(acorn, name="Became one", auto=True, start="2026-10-01")
    packages.update(SYSTEM, given.package_id, {"minimum_spend": True})
    assert customers_to_charge(10) == []
    assert planned(acorn, net="1") == [("minimum_spend", "2026-11-30", D(30))]


def test_run_package_counts_the_free_minutes_that_calls_will_have(acorn):
    """Charged before the calls are invoiced, it comes to what the invoice would have charged."""
    give(acorn, retail=D(50), minimum_spend=True, start="2026-10-01")
    free = {"type": "free_minutes", "free_minutes": 3, "destination_prefixes": "^44"}
    give(acorn, "2026-10-01", name="Minutes", retail=D(9), **free)
    for day in (5, 12, 20):
        put_call(acorn, dt.datetime(2026, 10, day, 9, tzinfo=dt.UTC), seconds="120", charge="10")
    # Three of six minutes are free: 15 of 30 were spent.
    before = [line for line in due_until(acorn, DAY(2026, 11, 23)) if line.kind == "minimum_spend"]
    assert told(before) == [("minimum_spend", "2026-10-31", D(35))]
    made = billing.generate(SYSTEM, acorn.id, OCTOBER)
    by_generation = select(PackageCharge.amount).where(PackageCharge.kind == "minimum_spend")
    assert (made.state, db.session.scalar(by_generation)) == ("made", D(35))


def test_free_minutes_used_up_before_the_span_are_not_counted_in_it(acorn):
    give(acorn, retail=D(50), minimum_spend=True, start="2026-10-15", frequency_match=[15])
    free = {"type": "free_minutes", "free_minutes": 3, "destination_prefixes": "^44"}
    give(acorn, "2026-10-01", name="Minutes", retail=D(9), **free)
    for day in (5, 20):
        put_call(acorn, dt.datetime(2026, 10, day, 9, tzinfo=dt.UTC), seconds="120", charge="10")
    # Two minutes were free on the 5th; one of the two of the 20th is.
    (line,) = [line for line in due_until(acorn, DAY(2026, 11, 23)) if line.kind == "minimum_spend"]
    assert (line.spent, line.amount) == (D(5), D(45))
