"""Random usage: lines = days = calls, each call on one live line at most, and the order never matters."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.extensions import db
from dashboard.operations import billing, invoices
from dashboard.operations.base import SYSTEM
from dashboard.rules.money import add, round_money
from dashboard.rules.periods import period_of
from tests.support.bills import (
    RATES,
    billed_wrongly,
    figures,
    lines_of,
    live_invoices,
    make_caller,
    open_charge,
    told,
)
from tests.support.calls import load

pytestmark = pytest.mark.usefixtures("app")

START = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
HOUR = 3600
CALLS = st.lists(
    st.tuples(
        st.integers(0, 92 * 24 * HOUR),
        st.sampled_from(["4420794600", "1202555010", "331234", "44"]),
        st.decimals(0, 4000, places=1),
        st.sampled_from(["answered", "answered", "answered", "busy"]),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda call: call[0],
)
MONTHS = [period_of("monthly", dt.date(2025, month, 1)) for month in (8, 9, 10)]
count = iter(range(1, 100_000))


def rows_of(calls: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [
        ((START + dt.timedelta(seconds=at)).isoformat(), number, seconds, {"result": result})
        for at, number, seconds, result in calls
    ]


def caller(**values: Any) -> Any:
    return make_caller(f"Example Caller {next(count)}", **values)


def a_bill(customer: Any) -> list[Any]:
    return [told(invoice) for invoice in live_invoices(customer)]


@settings(max_examples=15)
@given(
    CALLS, st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Pacific/Auckland"]), st.booleans()
)
def test_lines_are_the_sum_of_days_are_the_sum_of_calls(calls: Any, zone: str, by_day: bool) -> None:
    customer = caller(time_zone=zone, currency="USD")
    half = len(calls) // 2
    load(customer, rows_of(calls[:half]))
    grouping = "day" if by_day else "destination"
    billing.generate(SYSTEM, customer.id, MONTHS[0], grouping=grouping)
    # What comes after the first invoice is late for it, or belongs to the months to come.
    load(customer, rows_of(calls[half:]))
    billing.generate_many(SYSTEM, [(customer.id, month) for month in MONTHS], grouping=grouping)
    assert billed_wrongly() == []
    rated = figures(
        "SELECT coalesce(sum(charge), 0) FROM usage_record WHERE customer_id = :key", key=customer.id
    )
    billed = add(line.unit_price for invoice in live_invoices(customer) for line in lines_of(invoice))
    assert add([billed, open_charge(customer)]) == rated[0][0]
    assert (
        figures(
            "SELECT count(*) FROM usage_record r JOIN usage_day u ON u.id = r.usage_day_id"
            " JOIN invoice_item i ON i.id = u.invoice_item_id WHERE r.customer_id = :key"
            " GROUP BY r.id HAVING count(*) > 1",
            key=customer.id,
        )
        == []
    )
    for invoice in live_invoices(customer):
        lines = lines_of(invoice)
        assert invoice.subtotal == add(round_money(line.unit_price, "USD") for line in lines)
        assert invoice.total == add(line.gross for line in lines)
    _tidy()


@settings(max_examples=10)
@given(CALLS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_of_rows_in_any_portions_gives_the_same_bill(
    calls: Any, chance: Any, portions: int
) -> None:
    one, other = caller(), caller()
    rows = rows_of(calls)
    load(one, rows)
    shuffled = rows[:]
    chance.shuffle(shuffled)
    for at in range(portions):
        load(other, shuffled[at::portions])
    for customer in (one, other):
        billing.generate_many(SYSTEM, [(customer.id, month) for month in MONTHS])
    assert a_bill(one) == a_bill(other)
    assert billed_wrongly() == []
    _tidy()


@settings(max_examples=10)
@given(CALLS, st.permutations(MONTHS))
def test_void_and_again_in_any_order_gives_the_same_bill(calls: Any, order: Any) -> None:
    customer = caller()
    load(customer, rows_of(calls))
    pairs = [(customer.id, month) for month in MONTHS]
    billing.generate_many(SYSTEM, pairs, issue=True)
    before = a_bill(customer)
    for invoice in live_invoices(customer):
        invoices.void(SYSTEM, invoice.id, "Again")
    for month in order:
        billing.generate(SYSTEM, customer.id, month)
    assert a_bill(customer) == before
    assert billed_wrongly() == []
    _tidy()


def test_a_preview_says_what_generating_makes() -> None:
    customer = caller()
    load(
        customer, [(f"2025-10-{day:02}T10:00Z", prefix, day * 7) for day in range(1, 29) for prefix in RATES]
    )
    pairs = [(customer.id, MONTHS[2])]
    (preview,) = billing.preview_many(pairs)
    assert live_invoices(customer) == []
    billing.generate_many(SYSTEM, pairs)
    (invoice,) = live_invoices(customer)
    assert (preview.net, preview.tax, preview.total) == (invoice.subtotal, invoice.tax, invoice.total)
    assert [(line["description"], Decimal(line["net"])) for line in preview.lines] == [
        (line.description, line.net) for line in lines_of(invoice)
    ]


def _tidy() -> None:
    db.session.rollback()
