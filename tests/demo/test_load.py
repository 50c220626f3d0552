"""Loading the demo into real books."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from sqlalchemy import func, select

from dashboard.demo.calls import calls
from dashboard.demo.load import load
from dashboard.extensions import db
from dashboard.models import (
    Allocation,
    Contact,
    Customer,
    Invoice,
    Package,
    Payment,
    Refund,
    Setting,
    UsageDay,
    UsageRecord,
    UsageUnmatched,
)
from dashboard.operations import customers
from dashboard.queries.checks import discrepancies


def count(*conditions) -> int:
    return db.session.scalar(select(func.count()).where(*conditions)) or 0


@pytest.mark.parametrize("today", [dt.date(2026, 11, 23), dt.date(2028, 2, 29), dt.date(2027, 1, 1)], ids=str)
def test_every_state_is_there_and_the_books_are_right(app, today):
    before = os.times()
    assert load(today) is True
    after = os.times()
    # Our own share of the work; the wall's clock would also count whatever else the machine does.
    assert after.user + after.system - before.user - before.system < 10

    issued = Invoice.state == "issued"
    assert count(Customer.id > 0) == 40
    assert count(Invoice.state == "draft") >= 2
    assert count(Invoice.state == "void") >= 2
    assert count(issued, Invoice.balance == 0) >= 50
    assert count(issued, Invoice.paid > 0, Invoice.balance > 0) >= 3
    assert count(issued, Invoice.balance > 0, Invoice.due_date < today) >= 3
    if today <= dt.date.today():
        # Nothing is billed before its time, whatever day the demo is told of.
        assert count(issued, Invoice.paid == 0, Invoice.due_date >= today) >= 3
        assert count(issued, Invoice.origin == "generated") >= 40
    assert {row.currency for row in db.session.execute(select(Invoice.currency).distinct())} == {
        "EUR",
        "GBP",
        "JPY",
        "USD",
    }
    for status in ("pending", "completed", "cancelled"):
        assert count(Payment.status == status) >= 1
    assert count(Payment.unallocated > 0) >= 3
    assert count(Payment.amount < 0) >= 1
    assert count(Refund.id > 0) == 1
    assert count(Allocation.id > 0) >= 100
    assert {code for (code,) in db.session.execute(select(Package.currency).distinct())} == {
        "EUR",
        "GBP",
        "JPY",
        "USD",
    }
    assert count(Invoice.issue_date > today) == count(Payment.paid_on > today) == 0
    assert discrepancies() == []


def test_calls_are_rated_billed_and_left_to_bill(app):
    today = dt.date(2026, 11, 23)
    load(today)
    made = count(UsageRecord.id > 0)
    assert 49_000 < made <= 50_000
    assert count(UsageRecord.rating == "rated") == made
    assert count(UsageUnmatched.id > 0) == 0
    assert count(UsageDay.invoice_item_id.is_not(None)) > 5_000
    # October waits to be billed.
    october = UsageDay.day.between(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
    assert count(october, UsageDay.invoice_item_id.is_(None)) > 1_000
    assert db.session.scalar(select(func.count(UsageDay.provider_id.distinct()))) == 3


def test_the_same_calls_every_time():
    days = (dt.date(2026, 8, 1), dt.date(2026, 8, 9))
    assert list(calls(*days, count=500)) == list(calls(*days, count=500))
    assert all(days[0] <= call.started.date() < days[1] for call in calls(*days, count=500))


def test_numbers_follow_the_days(app):
    load(dt.date(2026, 11, 23))
    rows = db.session.execute(
        select(Invoice.number, Invoice.issue_date).where(Invoice.number.is_not(None)).order_by(Invoice.id)
    ).all()
    sequence = [int(number.rsplit("-", 1)[1]) for number, _ in rows]
    assert sequence == list(range(1, len(rows) + 1))
    assert [day for _, day in rows] == sorted(day for _, day in rows)


def test_nobody_in_it_is_a_person(app):
    load(dt.date(2026, 11, 23))
    names = set(db.session.scalars(select(Contact.name).distinct()))
    assert names == {"Accounts Payable", "Technical Desk"}
    assert all(
        address.endswith(".example.com") for address in db.session.scalars(select(Contact.email)) if address
    )
    setting = db.session.get_one(Setting, 1)
    assert setting.company_name == "Example Connect Ltd"
    assert "Example Bank" in (setting.payment_details or "")


def test_books_in_use_stay_as_they_are(app, as_role):
    customers.create(as_role("clerk"), {"name": "Acorn", "currency": "USD"})
    assert load() is False
    assert count(Customer.id > 0) == 1
    assert count(Invoice.id > 0) == count(Package.id > 0) == 0
    assert db.session.get_one(Setting, 1).company_name == ""


def test_the_command_loads_once(app):
    runner = app.test_cli_runner()
    first = runner.invoke(args=["demo", "load"])
    assert (first.exit_code, first.output) == (0, "The demo is loaded.\n")
    made = count(Customer.id > 0)
    again = runner.invoke(args=["demo", "load"])
    assert (again.exit_code, again.output) == (0, "There are customers already, so no demo was loaded.\n")
    assert count(Customer.id > 0) == made == 40
