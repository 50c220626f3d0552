"""The explanation of a line: days, calls and running sums that end at its price, exactly."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, InvoiceItem, RateCard, UsageDay, UsageRecord
from dashboard.operations import billing, invoices
from dashboard.operations.base import SYSTEM
from dashboard.queries import explain
from dashboard.rules.periods import Period
from tests.support.books import make_customer
from tests.support.calls import load, make_card
from tests.support.counting import counted

pytestmark = pytest.mark.usefixtures("staff")
MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 4, 1))
RATES = {
    "44": {"rate_per_minute": "0.012345", "destination": "United Kingdom"},
    "447": {
        "rate_per_minute": "0.0345",
        "destination": "United Kingdom",
        "minimum_seconds": 60,
        "pulse_seconds": 6,
    },
    "1": {"rate_per_minute": "0.007", "connection_fee": "0.01", "destination": "United States"},
}


@pytest.fixture
def customer() -> Customer:
    found = make_customer(time_zone="America/New_York")
    make_card(rates=RATES, sold_to=found, cost_places=6)
    return found


def calls(count: int, seed: int = 1) -> list[tuple[Any, ...]]:
    """Calls of March in New York, some of them unanswered."""
    chance = random.Random(seed)
    start = dt.datetime(2026, 3, 1, 5, tzinfo=dt.UTC)
    made = []
    for _ in range(count):
        at = start + dt.timedelta(milliseconds=chance.randrange(30 * 86_400_000))
        number = chance.choice(("442079460000", "447700900123", "12025550123"))
        seconds = Decimal(chance.randrange(1, 900_000)) / 1000
        result = chance.choice(("answered", "answered", "no_answer"))
        made.append((at.isoformat(), number, seconds if result == "answered" else 0, {"result": result}))
    return made


def generated(customer: Customer, period: Period = MARCH) -> Invoice:
    outcome = billing.generate(SYSTEM, customer.id, period)
    assert outcome.invoice_id is not None, outcome.reason
    return db.session.get_one(Invoice, outcome.invoice_id)


def paged(item: InvoiceItem, day: explain.Day, size: int) -> list[tuple[Any, Decimal]]:
    """All calls of a day with their running sums, read page by page."""
    found: list[tuple[Any, Decimal]] = []
    place = None
    while True:
        page = explain.calls(item, day, place, size)
        found += page.running()
        if page.next is None:
            return found
        place = page.next


@pytest.mark.parametrize("grouping", ["destination", "day"])
def test_the_running_sum_ends_at_each_lines_price(customer: Customer, grouping: str) -> None:
    customer.invoice_line_grouping = grouping
    db.session.commit()
    load(customer, calls(300))
    invoice = generated(customer)
    assert len(invoice.items) > 1
    seen = 0
    for item in invoice.items:
        total = Decimal(0)
        for day in explain.days(item.id):
            assert day.before == total
            rows = paged(item, day, 7)
            assert [row.started_at for row, _ in rows] == sorted(row.started_at for row, _ in rows)
            assert len(rows) == day.attempts
            for row, running in rows:
                total += row.charge or 0
                assert running == total
            assert day.after == total
            seen += len(rows)
        assert total == item.unit_price
        assert explain.rounded(item) == item.net
    assert seen == db.session.query(UsageRecord).count() == 300


def test_each_calls_arithmetic_ends_at_its_charge(customer: Customer) -> None:
    load(customer, calls(60))
    for item in generated(customer).items:
        for day in explain.days(item.id):
            for row in explain.calls(item, day).rows:
                found = explain.arithmetic(item, row.id, row.started_at)
                assert found is not None
                assert found.differs is None
                if row.result == "answered":
                    assert found.rate is not None and found.revision is not None
                    assert row.number.startswith(found.rate.prefix)
                    assert Decimal(found.steps[-1].value) == row.charge
                else:
                    assert found.steps == []


def test_a_rounding_changed_since_is_told(customer: Customer) -> None:
    load(customer, [("2026-03-02T12:00:00Z", "442079460000", 61)])
    item = generated(customer).items[0]
    row = explain.calls(item, explain.days(item.id)[0]).rows[0]
    db.session.query(RateCard).one().cost_places = 2
    db.session.commit()
    found = explain.arithmetic(item, row.id, row.started_at)
    assert found is not None
    assert found.differs == Decimal("0.01")
    assert row.charge == Decimal("0.012551")


def test_a_call_of_another_line_is_none_of_this_one(customer: Customer) -> None:
    load(
        customer, [("2026-03-02T12:00:00Z", "442079460000", 60), ("2026-03-02T13:00:00Z", "12025550123", 60)]
    )
    first, second = generated(customer).items
    row = explain.calls(second, explain.days(second.id)[0]).rows[0]
    assert explain.arithmetic(first, row.id, row.started_at) is None
    assert explain.line_of(first.invoice_id + 1, first.id) is None


def test_late_usage_stands_on_its_own_line(customer: Customer) -> None:
    load(customer, [("2026-03-02T12:00:00Z", "442079460000", 60)])
    generated(customer)
    load(
        customer,
        [("2026-03-02T12:30:00Z", "442079460000", 120), ("2026-04-02T12:00:00Z", "442079460000", 60)],
    )
    april = generated(customer, Period(dt.date(2026, 4, 1), dt.date(2026, 5, 1)))
    late = next(item for item in april.items if item.kind == "late_usage")
    assert [day.day for day in explain.days(late.id)] == [dt.date(2026, 3, 2)]
    assert explain.days(late.id)[-1].after == late.unit_price


def test_a_void_invoice_explains_nothing_any_more(customer: Customer) -> None:
    load(customer, [("2026-03-02T12:00:00Z", "442079460000", 60)])
    invoice = generated(customer)
    invoices.issue(SYSTEM, invoice.id)
    invoices.void(SYSTEM, invoice.id, "Test")
    assert explain.days(invoice.items[0].id) == []


def test_a_page_takes_the_same_few_statements_whatever_its_size(customer: Customer) -> None:
    load(customer, [(f"2026-03-02T12:{at // 60:02}:{at % 60:02}Z", "442079460000", 60) for at in range(300)])
    item = generated(customer).items[0]
    day = explain.days(item.id)[0]
    assert item.invoice.customer_id
    with counted() as few:
        explain.calls(item, day, size=5)
    with counted() as many:
        explain.calls(item, day, size=200)
    assert few.total == many.total == 2
    assert db.session.query(UsageDay).count() == 1
