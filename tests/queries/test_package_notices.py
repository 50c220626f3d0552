"""Which charges of packages are coming, and that SQL and the rules agree on the days."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from functools import partial

import pytest
import time_machine
from sqlalchemy import Date, cast, func, select

from dashboard.extensions import db
from dashboard.models import CustomerPackage, Package
from dashboard.operations import package_charges, settings
from dashboard.operations.base import SYSTEM
from dashboard.queries.package_notices import (
    begins_in_sql,
    charged,
    count_upcoming,
    next_charge,
    outlook,
    upcoming,
)
from dashboard.queries.package_plan import recurrence_of
from tests.support.books import give as given
from tests.support.books import make_customer

D = Decimal
give = partial(given, retail=D(30))
TODAY = dt.date(2026, 11, 23)


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


def test_the_days_in_sql_are_those_of_the_rules(acorn):
    chance = random.Random(11)
    first, days = dt.date(2024, 1, 1), 430
    for at in range(60):
        frequency = chance.choice(["once", "daily", "weekly", "monthly", "monthly", "monthly"])
        last = {"weekly": 7, "monthly": 31}.get(frequency, 0)
        match = chance.sample(range(1, last + 1), chance.randint(0, 3)) if last else []
        start = first + dt.timedelta(days=chance.randint(0, 200))
        end = start + dt.timedelta(days=chance.randint(0, 200)) if chance.random() < 0.4 else None
        give(acorn, start, end=end, name=f"Package {at}", frequency=frequency, frequency_match=match)
    steps = func.generate_series(0, days - 1).table_valued("step").render_derived()
    day = cast(func.date(first) + steps.c.step, Date)
    found = db.session.execute(
        select(CustomerPackage.id, day)
        .join(Package)
        .join(steps, begins_in_sql(day))
        .order_by(CustomerPackage.id, day)
    ).all()
    by_rule = [
        (one.id, span.start)
        for one in db.session.scalars(select(CustomerPackage).order_by(CustomerPackage.id))
        for span in recurrence_of(one).spans(one.end_date, first + dt.timedelta(days=days))
    ]
    assert [tuple(row) for row in found] == by_rule


def test_coming_within_the_notification_days(acorn):
    settings.update(SYSTEM, {"package_notification_days": 3})
    give(acorn, "2026-10-26", name="In three days", quantity="2", auto=True)
    give(acorn, "2026-10-27", name="In four days")
    give(acorn, "2026-10-23", name="Today")
    give(acorn, "2026-11-24", name="Begins tomorrow", setup_retail=D(5))
    give(acorn, "2026-10-25", end="2026-11-24", name="Ends before")
    give(acorn, "2026-10-25", name="Minimum", minimum_spend=True)
    found = upcoming()
    assert [(one.package_name, str(one.due_on), one.amount, one.auto_decrement_credit) for one in found] == [
        ("Begins tomorrow", "2026-11-24", D(35), False),
        ("In three days", "2026-11-26", D(60), True),
    ]
    assert count_upcoming() == 2
    assert [one.package_name for one in upcoming(days=4)][-1] == "In four days"
    assert upcoming(customer_id=make_customer("Other Example").id) == []
    assert upcoming(package_id=found[0].package_id) == found[:1]
    settings.update(SYSTEM, {"package_notification_days": 0})
    assert upcoming() == []
    assert count_upcoming() == 0


def test_what_is_charged_every_day_is_told_when_it_begins(acorn):
    give(acorn, "2026-10-01", name="Daily", frequency="daily")
    give(acorn, "2026-11-25", name="Begins", frequency="daily")
    assert [(one.package_name, str(one.due_on)) for one in upcoming(days=3)] == [("Begins", "2026-11-25")]
    assert len(upcoming(days=3, every_day=True)) == 5


def test_nobody_is_told_who_is_not_charged(acorn):
    give(acorn, "2026-11-24")
    acorn.status = "inactive"
    db.session.flush()
    assert upcoming(days=3) == []


def test_the_outlook_of_each_assigned_package(acorn):
    line = give(acorn, "2026-10-15")
    least = give(acorn, "2026-10-01", name="Minimum", minimum_spend=True)
    once = give(acorn, "2026-11-01", name="Once", frequency="once")
    made = package_charges.charge(SYSTEM, acorn.id, dt.date(2026, 10, 15))
    found = outlook(acorn, [line, least, once])
    assert (found[line.id].next_due, found[line.id].next_amount) == (dt.date(2026, 12, 15), D(30))
    assert found[line.id].waiting == 1
    assert found[line.id].last.invoice_id == made.invoice.id
    assert (found[least.id].next_due, found[least.id].next_amount) == (dt.date(2026, 11, 30), None)
    assert (found[once.id].next_due, found[once.id].waiting) == (None, 1)
    assert [place.package_name for place in charged(acorn.id)] == ["Line rental"]


def test_the_next_charge_of_a_part(acorn):
    ending = give(acorn, "2026-11-01", end="2026-12-10")
    assert next_charge(ending, TODAY) == (dt.date(2026, 12, 1), D("9.68"))
    assert next_charge(ending, dt.date(2026, 12, 1)) == (None, None)
