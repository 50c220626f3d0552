"""Calls in the books: rated, written once, added up by day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import UsageDay, UsageRecord, UsageUnmatched
from tests.support.books import make_customer
from tests.support.calls import add_rates, load, make_card, make_provider

pytestmark = pytest.mark.usefixtures("app")


def records() -> list[UsageRecord]:
    return list(db.session.scalars(select(UsageRecord).order_by(UsageRecord.started_at, UsageRecord.id)))


def days() -> list[UsageDay]:
    return list(
        db.session.scalars(select(UsageDay).order_by(UsageDay.day, UsageDay.destination, UsageDay.batch))
    )


def test_a_call_is_rated_by_the_longest_prefix_and_added_up_by_day():
    customer = make_customer()
    make_card(rates={"44": "0.0600", "4420": "0.1200"}, sold_to=customer, minimum_seconds=60, pulse_seconds=6)
    counts = load(
        customer,
        [("2026-11-02T10:00", "442079460000", 61), ("2026-11-02T11:00", "441632960000", 10)],
    )
    assert (counts.rows, counts.loaded, counts.duplicates) == (2, 2, 0)
    assert [(call.destination, call.billed_duration, call.charge) for call in records()] == [
        ("Destination 4420", 66, Decimal("0.132000")),
        ("Destination 44", 60, Decimal("0.060000")),
    ]
    assert [(day.day, day.destination, day.attempts, day.connected, day.charge) for day in days()] == [
        (dt.date(2026, 11, 2), "Destination 44", 1, 1, Decimal("0.060000")),
        (dt.date(2026, 11, 2), "Destination 4420", 1, 1, Decimal("0.132000")),
    ]


def test_the_same_calls_again_change_nothing():
    customer = make_customer()
    make_card(rates={"44": "0.06"}, sold_to=customer)
    calls = [("2026-11-02T10:00", "442079460000", 60), ("2026-11-03T10:00", "442079460001", 60)]
    load(customer, calls)
    before = [(day.day, day.attempts, day.charge) for day in days()]
    counts = load(customer, [*calls, calls[0]])
    assert (counts.loaded, counts.duplicates) == (0, 3)
    assert [(day.day, day.attempts, day.charge) for day in days()] == before
    assert len(records()) == 2


def test_own_rates_come_first_then_the_card_of_its_time_and_a_withdrawn_prefix_is_none():
    customer = make_customer()
    card = make_card(rates={"44": "0.06", "4420": "0.12"}, sold_to=customer)
    add_rates(card, {"4420": {"withdrawn": True}, "44": "0.09"}, valid_from="2026-11-10")
    make_card("Own", kind="account", customer_id=customer.id, rates={"34": "0.30"})
    load(
        customer,
        [
            ("2026-11-09T23:59:59", "442079460000", 60),
            ("2026-11-10T00:00", "442079460000", 60),
            ("2026-11-10T01:00", "34600000000", 60),
        ],
    )
    assert [call.charge for call in records()] == [Decimal("0.12"), Decimal("0.09"), Decimal("0.30")]


def test_unanswered_calls_cost_nothing_and_unrated_ones_stand_by_themselves():
    customer = make_customer()
    load(
        customer,
        [
            ("2026-11-02T10:00", "442079460000", 0, {"result": "busy"}),
            ("2026-11-02T10:01", "442079460000", 30),
            ("2026-11-02T10:02", "442079460000", 30, {"charge": Decimal("0.5"), "destination": "London"}),
        ],
    )
    assert [(call.rating, call.charge) for call in records()] == [
        ("rated", Decimal(0)),
        ("unrated", None),
        ("given", Decimal("0.5")),
    ]
    assert [(day.destination == "London", day.rated, day.charge) for day in days()].count(
        (True, True, Decimal("0.5"))
    ) == 1
    assert sum(not day.rated for day in days()) == 1


def test_the_provider_is_known_by_its_trunk_and_its_cost_by_its_card():
    customer, carrier = make_customer(), make_provider(trunks=["Carrier-A"])
    make_card(rates={"44": "0.06"}, sold_to=customer)
    make_card(
        "Cost",
        kind="cost",
        provider_id=carrier.id,
        rates={"442": {"rate_per_minute": "0.02", "destination": "UK"}},
    )
    load(customer, [("2026-11-02T10:00", "442079460000", 60)], trunk="carrier-a")
    (call,) = records()
    assert (call.provider_id, call.provider_destination, call.cost) == (carrier.id, "UK", Decimal("0.02"))
    assert days()[0].cost == Decimal("0.02")


def test_a_day_is_the_customers_own():
    customer = make_customer(time_zone="America/New_York")
    make_card(rates={"44": "0.06"}, sold_to=customer)
    load(customer, [("2026-11-02T04:59:59", "44", 60), ("2026-11-02T05:00", "44", 60)])
    assert [day.day for day in days()] == [dt.date(2026, 11, 1), dt.date(2026, 11, 2)]


def test_calls_without_a_customer_wait():
    counts = load(None, [("2026-11-02T10:00", "442079460000", 60)], account_code="example-1")
    assert (counts.loaded, counts.unmatched) == (0, 1)
    assert db.session.scalars(select(UsageUnmatched)).one().account_code == "example-1"
