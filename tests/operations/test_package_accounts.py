"""Packages charged against the account, by negative payments."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import Customer, Payment
from dashboard.operations import package_charges, payments
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import Invalid, Refused
from tests.support.books import at_once, give, make_customer
from tests.support.charged import NOON, charges, planned

D = Decimal


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=D(20), tax_name="VAT")


def account() -> list[tuple[str, Decimal, str]]:
    found = db.session.scalars(select(Payment).order_by(Payment.paid_on, Payment.id))
    return [(str(one.paid_on), one.amount, one.description) for one in found]


def test_auto_decrement_credit_charges_the_account_at_each_due_day(acorn):
    give(acorn, auto=True, start="2026-10-10", setup_retail=D(5), frequency_match=[15], quantity="2")
    assert planned(acorn) == []
    assert package_charges.charge_accounts() == 4
    assert account() == [
        ("2026-10-10", D("-12.0000"), "Line rental: setup"),
        ("2026-10-10", D("-12.4000"), "Line rental, 2026-10-10 to 2026-10-14 (5 of 30 days)"),
        ("2026-10-15", D("-74.4000"), "Line rental, 2026-10-15 to 2026-11-14"),
        ("2026-11-15", D("-74.4000"), "Line rental, 2026-11-15 to 2026-12-14"),
    ]
    made = db.session.scalars(select(Payment)).first()
    assert (made.status, made.currency, made.customer_id) == ("completed", "USD", acorn.id)
    assert package_charges.charge_accounts() == 0
    with time_machine.travel(dt.datetime(2026, 12, 15, 0, 1, tzinfo=dt.UTC)):
        assert package_charges.charge_accounts() == 1


def test_the_day_begins_where_the_customer_is(acorn):
    acorn.time_zone = "Pacific/Auckland"
    db.session.commit()
    give(acorn, auto=True, start="2026-11-24")
    # Noon in London on the 23rd is the first hour of the 24th in Auckland.
    assert package_charges.charge_accounts() == 1


@pytest.mark.parametrize("status", ["inactive", "pending_approval"])
def test_who_is_inactive_or_waits_for_approval_is_not_charged(acorn, status):
    give(acorn, auto=True)
    acorn.status = status
    db.session.commit()
    assert package_charges.charge_accounts() == 0
    acorn.status = "active"
    db.session.commit()
    assert package_charges.charge_accounts() == 1


def test_one_failure_stops_nobody_else(acorn, caplog):
    dear = make_customer("Dear Example")
    give(dear, auto=True, retail=D(10) ** 13, quantity="1000000", name="Dear")
    give(acorn, auto=True)
    assert package_charges.charge_accounts() == 1
    assert f"customer {dear.id} could not be charged" in caplog.text


def test_two_ticks_at_once_charge_once(app, acorn):
    for n in range(3):
        give(make_customer(f"Example {n}"), auto=True, name=f"Package {n}", start="2026-10-01")
    db.session.rollback()
    made = at_once(app, [package_charges.charge_accounts] * 3)
    assert sum(made) == 6
    assert charges() == 6
    assert len(account()) == 6


def test_a_tick_passes_over_a_customer_that_somebody_works_on(app, acorn):
    give(acorn, auto=True)
    key = acorn.id
    db.session.commit()
    with unit_of_work(SYSTEM):
        db.session.get(Customer, key, with_for_update=True)
        assert at_once(app, [package_charges.charge_accounts]) == [0]
    assert package_charges.charge_accounts() == 1


def test_a_charge_to_the_account_is_cancelled_never_deleted(acorn):
    give(acorn, auto=True)
    package_charges.charge_accounts()
    payment = db.session.scalars(select(Payment)).one()
    with pytest.raises(Refused, match="charged again at once"):
        payments.delete(SYSTEM, payment.id)
    with pytest.raises(Invalid, match="stays with its customer"):
        payments.update(SYSTEM, payment.id, {"customer_id": make_customer("Other Example").id})
    payments.cancel(SYSTEM, payment.id)
    assert package_charges.charge_accounts() == 0
