"""Statements of account say what the books say, over any period."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from decimal import Decimal

import pytest
from sqlalchemy import update

from dashboard.extensions import db
from dashboard.models import Allocation
from dashboard.operations import allocations, invoices, payments, refunds
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import OperationError
from dashboard.queries.payments import balances
from dashboard.queries.statements import statement
from dashboard.rules.money import add
from tests.support.books import make_customer, make_draft, make_issued, make_payment

D = dt.date
OCTOBER = (D(2026, 10, 1), D(2026, 10, 31))


def told(found):
    return [
        (str(one.day), one.kind, str(one.amount.normalize()), str(one.balance.normalize()))
        for one in found.entries
    ]


def test_a_month_with_what_came_before_and_what_is_left(app):
    customer = make_customer()
    before = make_issued(customer, "100", issue_date=D(2026, 9, 10))
    make_payment(customer, "40", paid_on=D(2026, 9, 20))
    first = make_issued(customer, "200", issue_date=D(2026, 10, 5))
    paid = make_payment(customer, "150", paid_on=D(2026, 10, 10))
    make_payment(customer, "-30", paid_on=D(2026, 10, 12), description="Late fee # he shouted")
    refunds.refund(SYSTEM, paid.id, Decimal(20), refunded_on=D(2026, 10, 15))
    make_issued(customer, "70", issue_date=D(2026, 11, 1))
    make_draft(customer, issue_date=D(2026, 10, 6))
    make_payment(customer, "5", status="pending", paid_on=D(2026, 10, 7))
    make_payment(customer, "5", status="cancelled", paid_on=D(2026, 10, 7))
    invoices.void(SYSTEM, make_issued(customer, "9", issue_date=D(2026, 10, 8)).id, "A slip")
    found = statement(customer, *OCTOBER)
    assert found.opening == 60
    assert told(found) == [
        ("2026-10-05", "invoice", "2E+2", "2.6E+2"),
        ("2026-10-10", "payment", "-1.5E+2", "1.1E+2"),
        ("2026-10-12", "charge", "3E+1", "1.4E+2"),
        ("2026-10-15", "refund", "2E+1", "1.6E+2"),
    ]
    assert found.closing == 160
    assert [one.id for one in found.open] == [before.id, first.id]
    assert (found.owed, found.charges, found.unused) == (300, 30, 170)


def test_what_is_private_is_never_told(app):
    customer = make_customer()
    make_payment(customer, "5", paid_on=OCTOBER[0], description="Thanks # pays late", reference="TX-1")
    make_payment(customer, "-5", paid_on=OCTOBER[0], description="# pays late")
    said = " ".join(one.text + one.note for one in statement(customer, *OCTOBER).entries)
    assert "pays late" not in said
    assert "Thanks" in said
    assert "Charge to the account" in said


def test_allocations_stand_on_their_own_day_in_the_customers_zone(app):
    customer = make_customer(time_zone="Pacific/Auckland")
    invoice = make_issued(customer, "100", issue_date=D(2026, 10, 5))
    payment = make_payment(customer, "60", paid_on=D(2026, 10, 6))
    made = allocations.allocate(SYSTEM, payment.id, invoice.id, Decimal(60))
    # 30 September in UTC is 1 October there.
    moment = dt.datetime(2026, 10, 7, 20, 0, tzinfo=dt.UTC)
    db.session.execute(update(Allocation).where(Allocation.id == made.id).values(created_at=moment))
    db.session.commit()
    found = statement(customer, *OCTOBER)
    (one,) = [entry for entry in found.entries if entry.kind == "allocation"]
    assert (one.day, one.memo, one.amount, one.balance) == (D(2026, 10, 8), 60, 0, 40)
    assert one.text == f"$60.00 of the payment of 2026-10-06 used for {invoice.number}"
    # Before that day the whole invoice was open, and the payment unused.
    earlier = statement(customer, OCTOBER[0], D(2026, 10, 7))
    assert (earlier.owed, earlier.unused, earlier.closing) == (100, 60, 40)
    assert (found.owed, found.unused, found.closing) == (40, 0, 40)


def test_ageing_is_of_the_last_day(app):
    customer = make_customer(invoice_due_days=10)
    for total, issued in (
        ("1", D(2026, 7, 1)),
        ("20", D(2026, 9, 1)),
        ("300", D(2026, 10, 15)),
        ("4000", D(2026, 10, 30)),
    ):
        make_issued(customer, total, issue_date=issued)
    columns = statement(customer, *OCTOBER).ageing.columns
    assert [
        int(columns[name]) for name in ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")
    ] == [
        4000,
        300,
        20,
        0,
        1,
    ]
    assert statement(customer, *OCTOBER).overdue == 321


def test_another_customer_and_nothing_at_all(app):
    make_issued(make_customer("Other Example Ltd"), "500", issue_date=D(2026, 10, 5))
    found = statement(make_customer(), *OCTOBER)
    assert (found.opening, found.closing, found.entries, found.says_something) == (0, 0, (), False)


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_books_whatever_happened(app, seed):
    """Random invoices, payments, allocations, refunds, voids: any period joins the next, and the last closing
    balance is what the customer's page says is owed."""
    chance = random.Random(seed)
    customer = make_customer(currency=chance.choice(["USD", "JPY", "BHD"]))
    start = D(2026, 1, 1)

    def day():
        return start + dt.timedelta(days=chance.randrange(300))

    def amount(most=900):
        return str(chance.randrange(1, most))

    made, paid = [], []
    for _ in range(60):
        what = chance.random()
        try:
            if what < 0.35:
                made.append(make_issued(customer, amount(), issue_date=day()).id)
            elif what < 0.55:
                paid.append(make_payment(customer, amount(), paid_on=day()).id)
            elif what < 0.6:
                make_payment(customer, "-" + amount(50), paid_on=day())
            elif what < 0.8 and made and paid:
                allocations.allocate(SYSTEM, chance.choice(paid), chance.choice(made), Decimal(amount(300)))
            elif what < 0.88 and paid:
                refunds.refund(
                    SYSTEM,
                    chance.choice(paid),
                    Decimal(amount(200)),
                    refunded_on=start + dt.timedelta(days=301),
                )
            elif what < 0.94 and made:
                invoices.void(SYSTEM, chance.choice(made), "A slip")
            elif paid:
                payments.set_status(SYSTEM, chance.choice(paid), "cancelled")
        except OperationError:
            continue
    cuts = sorted({day() for _ in range(4)} | {start, D(2026, 12, 31)})
    closing = Decimal(0)
    for first, following in itertools.pairwise(cuts):
        last = following - dt.timedelta(days=1)
        found = statement(customer, first, last)
        assert found.opening == closing
        assert add([found.opening, *(one.amount for one in found.entries)]) == found.closing
        assert add([found.opening, *found.sums.values()]) == found.closing
        closing = found.closing
    whole = statement(customer, start, D(2027, 12, 31))
    owed = {one.currency: one for one in balances(customer.id)}.get(customer.currency)
    assert whole.closing == (owed.owed if owed else 0)
    assert whole.owed == (owed.outstanding if owed else 0)
    assert (whole.unused, whole.charges) == ((owed.unallocated, owed.charges) if owed else (0, 0))
