"""Packages assigned to customers: quantity, dates, Minimum Days, free minutes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import CustomerPackage
from dashboard.operations import assignments, customers, packages
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, Refused

START = dt.date(2026, 11, 1)


@pytest.fixture
def acorn(clerk):
    return customers.create(clerk, {"name": "Acorn Example Networks", "currency": "USD"})


@pytest.fixture
def line(clerk):
    return packages.create(clerk, {"name": "Line rental", "currency": "USD", "minimum_days": 30})


@pytest.fixture
def minutes(clerk):
    return packages.create(
        clerk,
        {
            "name": "Minutes",
            "currency": "USD",
            "type": "free_minutes",
            "free_minutes": 500,
            "destination_prefixes": "^44",
        },
    )


def values(customer, package, **more):
    return {"customer_id": customer.id, "package_id": package.id, "quantity": 2, "start_date": START, **more}


def refused(actor, given) -> dict[str, str]:
    with pytest.raises(Invalid) as raised:
        assignments.create(actor, given)
    assert db.session.scalar(select(func.count(CustomerPackage.id))) == 0
    return {field: " ".join(said) for field, said in raised.value.errors.items()}


def test_assign(clerk, acorn, line):
    made = assignments.create(
        clerk, values(acorn, line, quantity="2.5", end_date="2026-12-31", auto_decrement_credit=True)
    )
    db.session.refresh(made)
    assert (made.quantity, made.end_date) == (Decimal("2.5"), dt.date(2026, 12, 31))
    assert made.auto_decrement_credit is True
    assert str(made) == "Line rental × 2.5"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("quantity", 0, "more than zero"),
        ("quantity", "-1", "can't be less than 0"),
        ("quantity", None, "Fill this in"),
        ("quantity", "0.0000001", "at most 6 decimals"),
        ("quantity", 10**10, "can't be more than"),
        ("start_date", None, "Choose a date"),
        ("start_date", "2026-02-30", "no such day"),
        ("start_date", "01/02/2026", "like 2026-11-23"),
        ("start_date", dt.date(9999, 1, 1), "1970 to 2200"),
        ("end_date", dt.date(2026, 10, 31), "before the Start Date"),
        ("end_date", dt.date(2026, 11, 29), "minimum of 30 days. The End Date can't be before 2026-11-30"),
        ("free_minutes", 5, "is not a package of Free Minutes"),
        ("package_id", 404, "Choose a package"),
        ("customer_id", "x", "Choose one from the list"),
        ("customer_id", None, "Choose a customer"),
    ],
)
def test_values_that_are_refused(clerk, acorn, line, field, value, words):
    errors = refused(clerk, values(acorn, line, **{field: value}))
    assert words in errors[field]


def test_the_last_of_the_minimum_days_may_be_the_end(clerk, acorn, line):
    assert assignments.create(clerk, values(acorn, line, end_date=dt.date(2026, 11, 30))).id


def test_currencies_never_mix(clerk, acorn):
    euro = packages.create(clerk, {"name": "Euro line", "currency": "EUR"})
    errors = refused(clerk, values(acorn, euro))
    assert errors == {
        "package_id": "Euro line is in EUR, and Acorn Example Networks is billed in USD. "
        "Choose a package in USD."
    }


def test_a_package_no_longer_offered(clerk, acorn, line):
    made = assignments.create(clerk, values(acorn, line))
    packages.update(clerk, line.id, {"active": False})
    assert assignments.update(clerk, made.id, {"quantity": 3}).quantity == 3
    with pytest.raises(Invalid, match="no longer offered"):
        assignments.create(clerk, values(acorn, line))


def test_free_minutes(clerk, acorn, minutes):
    assert assignments.create(clerk, values(acorn, minutes)).free_minutes == 500
    made = assignments.create(clerk, values(acorn, minutes, free_minutes=20))
    assert made.free_minutes == 20
    with pytest.raises(Invalid, match="how many minutes"):
        assignments.update(clerk, made.id, {"free_minutes": None})


def test_customer_and_package_stay(clerk, acorn, line, minutes):
    made = assignments.create(clerk, values(acorn, line))
    with pytest.raises(Invalid, match="The package can't be changed"):
        assignments.update(clerk, made.id, {"package_id": minutes.id})
    changed = assignments.update(clerk, made.id, values(acorn, line, quantity=7))
    assert changed.quantity == 7


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", 0), ("end_date", dt.date(2026, 11, 29)), ("end_date", dt.date(2026, 1, 1))],
)
def test_an_update_keeps_the_rules(clerk, acorn, line, field, value):
    made = assignments.create(clerk, values(acorn, line))
    with pytest.raises(Invalid) as raised:
        assignments.update(clerk, made.id, {field: value})
    assert list(raised.value.errors) == [field]


def test_minimum_days_hold_a_package(clerk, acorn, line):
    made = assignments.create(clerk, values(acorn, line))
    with time_machine.travel("2026-11-30 12:00Z", tick=False), pytest.raises(Refused) as raised:
        assignments.delete(clerk, made.id)
    assert str(raised.value) == (
        "Line rental has a minimum of 30 days: it can be removed from 2026-12-01 on. "
        "Until then set its End Date to 2026-11-30 or later."
    )
    with time_machine.travel("2026-12-01 00:00Z", tick=False):
        assignments.delete(clerk, made.id)
    with pytest.raises(Missing):
        assignments.delete(clerk, made.id)


def test_what_has_not_begun_may_be_taken_back(clerk, acorn, line):
    made = assignments.create(clerk, values(acorn, line))
    with time_machine.travel("2026-10-31 23:00Z", tick=False):
        assignments.delete(clerk, made.id)


def test_the_day_is_the_accounts_own(clerk, acorn, line):
    from dashboard.queries import settings

    made = assignments.create(clerk, values(acorn, line))
    settings.current().time_zone = "Asia/Tokyo"
    db.session.commit()
    with time_machine.travel("2026-11-30 16:00Z", tick=False):
        assignments.delete(clerk, made.id)


def test_bulk_delete(clerk, acorn, line, minutes):
    held = assignments.create(clerk, values(acorn, line))
    free = assignments.create(clerk, values(acorn, minutes))
    with time_machine.travel("2026-11-02", tick=False):
        result = assignments.delete_many(clerk, [held.id, free.id])
    assert result.done == [free.id]
    assert [one.label for one in result.refused] == ["Line rental × 2"]


def test_rights_and_double_forms(as_role, clerk, acorn, line):
    made = assignments.create(clerk, values(acorn, line), form_key="k")
    with pytest.raises(Duplicate):
        assignments.create(clerk, values(acorn, line), form_key="k")
    for act in (
        lambda actor: assignments.create(actor, values(acorn, line)),
        lambda actor: assignments.update(actor, made.id, {"quantity": 1}),
        lambda actor: assignments.delete(actor, made.id),
    ):
        with pytest.raises(Forbidden):
            act(as_role("viewer"))
