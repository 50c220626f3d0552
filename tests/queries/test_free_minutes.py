"""Free minutes of a package: which calls they go to, across invoices, and what is left of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import FreeMinuteUse, Rate, RateCard, RateRevision, UsageDay
from dashboard.operations import assignments, invoices
from dashboard.operations.base import SYSTEM
from dashboard.operations.package_charges import free_minutes_plan, record
from dashboard.queries.free_minutes import customers_with_free_minutes, seconds_left
from dashboard.queries.package_plan import recurrence_of
from dashboard.rules.periods import Period
from tests.support.books import make_customer, make_draft, make_package
from tests.support.usage_rows import put_call

D = Decimal
NOVEMBER = Period(dt.date(2026, 11, 1), dt.date(2026, 12, 1))


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=D(20), tax_name="VAT")


@pytest.fixture
def rate(app):
    """0.14 a minute with a fee of 0.05, rounded half up at four places."""
    card = RateCard(name="Example card", currency="USD", cost_places=4)
    db.session.add(card)
    db.session.flush()
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    revision = RateRevision(rate_card_id=card.id, valid_from=at)
    db.session.add(revision)
    db.session.flush()
    made = Rate(
        rate_card_id=card.id,
        revision_id=revision.id,
        prefix="44",
        destination="United Kingdom",
        rate_per_minute=D("0.14"),
        connection_fee=D(0),
        valid_from=at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def give(customer, minutes=5, start="2026-11-01", quantity="1", prefixes="^44|^1", name="Minutes", **package):
    made = make_package(
        name,
        type="free_minutes",
        free_minutes=minutes,
        destination_prefixes=prefixes,
        **{"retail": D(9), **package},
    )
    return assignments.create(
        SYSTEM,
        {
            "customer_id": customer.id,
            "package_id": made.id,
            "quantity": D(quantity),
            "start_date": start,
        },
    )


def call(customer, rate, when, seconds, number="447700900123"):
    """A rated call; `when` is day and time of November."""
    day, _, time = when.partition(" ")
    at = dt.datetime.fromisoformat(f"2026-11-{day}T{time or '09:00'}+00:00")
    charge = (rate.connection_fee + rate.rate_per_minute * seconds / 60) if rate else D(1)
    made = put_call(customer, at, seconds=str(seconds), charge=str(charge), number=number)
    made.rate_id = rate.id if rate else None
    made.rate_per_minute = rate.rate_per_minute if rate else None
    db.session.flush()
    return made


def open_days(customer) -> list[int]:
    days = select(UsageDay.id).where(UsageDay.customer_id == customer.id, UsageDay.invoice_item_id.is_(None))
    return list(db.session.scalars(days))


def plan(customer):
    return free_minutes_plan(customer, NOVEMBER, open_days(customer))


def bill(customer):
    """An invoice of all open days and what is free of them, as far as free minutes see it."""
    days, lines = open_days(customer), plan(customer)
    invoice = make_draft(customer, *[line.item_values() for line in lines])
    record(lines, [item.id for item in invoice.items])
    for day in db.session.scalars(select(UsageDay).where(UsageDay.id.in_(days))):
        day.invoice_item_id = invoice.items[0].id
    db.session.commit()
    return invoice


def test_case_7_five_of_seven_minutes_are_free(acorn, rate):
    give(acorn)
    made = call(acorn, rate, "03", 420)
    assert made.charge == D("0.98")
    [line] = plan(acorn)
    assert (line.seconds, line.amount, line.calls) == (300, D("-0.70"), 1)
    assert made.charge + line.amount == D("0.28")
    assert (line.tax_name, line.tax_percent) == ("VAT", 20)
    assert (line.date_from, line.date_to) == (dt.date(2026, 11, 3), dt.date(2026, 11, 3))
    assert line.description == "Minutes: 5 minutes free"


def test_in_the_order_of_the_calls_whatever_the_order_they_came_in(acorn, rate):
    give(acorn)
    call(acorn, rate, "03 12:00", 120)
    late, first = call(acorn, rate, "20", 600), call(acorn, rate, "02", 240)
    [line] = plan(acorn)
    assert line.uses[0].call_id == first.id
    assert [use.seconds for use in line.uses] == [240, 60]
    assert late.id not in [use.call_id for use in line.uses]


def test_only_the_prefixes_of_the_package(acorn, rate):
    give(acorn)
    call(acorn, rate, "02", 60, number="34600000000")
    call(acorn, rate, "02", 60, number="12025550123")
    [line] = plan(acorn)
    assert line.calls == 1


def test_the_connection_fee_stays(acorn, rate):
    rate.connection_fee = D("0.05")
    give(acorn)
    call(acorn, rate, "02", 60)
    assert plan(acorn)[0].amount == D("-0.14")


def test_a_charge_that_came_with_the_file_is_shared_out_by_seconds(acorn):
    give(acorn, minutes=1)
    call(acorn, None, "02", 90)
    assert plan(acorn)[0].amount == D("-0.666667")


def test_quantity_times_the_minutes_and_a_part_of_them_in_a_part_of_a_span(acorn, rate):
    # 14 of 31 days of 2 x 5 minutes: 270.97 s, and a second begun counts.
    given = give(acorn, quantity="2", frequency_match=[15])
    call(acorn, rate, "02", 600)
    call(acorn, rate, "15", 900)
    assert [line.seconds for line in plan(acorn)] == [271, 600]
    span = recurrence_of(given).span_of(dt.date(2026, 11, 2), None)
    assert seconds_left(given, span) == 271


def test_what_is_left_goes_to_the_next_invoice_and_to_late_calls_of_the_same_span(acorn, rate):
    give(acorn)
    call(acorn, rate, "02", 120)
    first = bill(acorn)
    call(acorn, rate, "01", 60)
    call(acorn, rate, "25", 600)
    [line] = plan(acorn)
    assert [use.seconds for use in line.uses] == [60, 120]
    bill(acorn)
    assert sum(db.session.scalars(select(FreeMinuteUse.seconds))) == 300
    call(acorn, rate, "26", 600)
    assert plan(acorn) == []
    # The first invoice is not wanted after all: its calls and its minutes are free again.
    invoices.delete(SYSTEM, first.id)
    assert [line.seconds for line in plan(acorn)] == [120]


def test_unused_minutes_expire_with_their_span(acorn, rate):
    given = give(acorn, frequency="weekly", frequency_match=[1])
    call(acorn, rate, "03", 60)
    call(acorn, rate, "10", 600)
    # 1 November is a Sunday, so the second span is the week of the 2nd.
    assert [line.seconds for line in plan(acorn)] == [60, 300]
    assert [str(line.span.start) for line in plan(acorn)] == ["2026-11-02", "2026-11-09"]
    given.end_date = dt.date(2026, 11, 9)
    db.session.flush()
    assert [line.seconds for line in plan(acorn)] == [60]


def test_bought_once_they_last_until_they_are_used(acorn, rate):
    give(acorn, frequency="once", start="2026-10-15")
    call(acorn, rate, "02", 120)
    bill(acorn)
    call(acorn, rate, "25", 600)
    assert [line.seconds for line in plan(acorn)] == [180]


def test_two_packages_make_a_call_free_one_after_the_other(acorn, rate):
    give(acorn, minutes=1, name="First")
    give(acorn, minutes=2, name="Second", start="2026-11-02")
    call(acorn, rate, "03", 420)
    lines = plan(acorn)
    assert [(line.seconds, line.amount) for line in lines] == [(60, D("-0.14")), (120, D("-0.28"))]


def test_customers_without_such_packages_are_left_out(acorn, rate):
    call(acorn, rate, "02", 60)
    assert plan(acorn) == []
    assert customers_with_free_minutes([acorn.id]) == set()
    give(acorn)
    assert customers_with_free_minutes([acorn.id]) == {acorn.id}
    assert free_minutes_plan(acorn, NOVEMBER, []) == []


def test_thousands_of_calls_are_read_only_as_far_as_minutes_last(acorn, rate):
    give(acorn, minutes=2)
    for n in range(30):
        call(acorn, rate, f"{n % 20 + 1:02} {n // 20:02}:00", 60)
    [line] = plan(acorn)
    assert (line.calls, line.amount) == (2, D("-0.28"))
    # The connection is free for the next statement.
    assert db.session.scalar(select(1)) == 1
