"""The sums of the first page equal what the invoices and payments themselves come to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from dashboard.extensions import db
from dashboard.models import BookSum, Customer, Invoice, Payment, Setting
from dashboard.operations import allocations, book_sums
from dashboard.operations.base import SYSTEM
from dashboard.queries import checks, receivables, settings
from dashboard.rules.receivables import bucket
from jobs import reaper
from tests.support.books import at_once, make_customer, make_issued, make_payment
from tests.support.busy_books import BusyBooks

pytestmark = pytest.mark.usefixtures("app")

TODAY = dt.date(2026, 11, 23)
ZERO = Decimal(0)


def of(currency: str) -> receivables.Books:
    return next(one for one in receivables.books(TODAY) if one.currency == currency)


def expected(currency: str) -> dict[str, tuple[int, Decimal]]:
    """The same figures, added up here from every row."""
    found: dict[str, list[Decimal]] = {}

    def put(name: str, amount: Decimal) -> None:
        found.setdefault(name, []).append(amount)

    for one in db.session.query(Invoice).filter_by(currency=currency):
        month = one.issue_date.replace(day=1)
        if one.state == "draft":
            put("draft", one.total)
        elif one.state == "issued":
            put(f"invoiced {month}", one.total)
            put(f"open {month}", max(one.balance, ZERO))
            if one.balance > 0:
                put(bucket(one.due_date, TODAY), one.balance)
                put(f"debtor {one.customer_id}", one.balance)
    for payment in db.session.query(Payment).filter_by(currency=currency):
        month = payment.paid_on.replace(day=1)
        if payment.status == "pending":
            put("pending", payment.amount)
        if payment.status == "completed" and payment.amount > 0:
            put(f"collected {month}", payment.amount)
            put(f"refunded {month}", payment.refunded)
        if payment.unallocated > 0:
            put("unallocated", payment.unallocated)
    return {name: (len(amounts), sum(amounts, ZERO)) for name, amounts in found.items()}


def shown(books: receivables.Books) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for month in books.months:
        invoiced, collected = month.invoiced, month.collected
        found[f"invoiced {month.first}"] = (invoiced.count, invoiced.amount)
        found[f"open {month.first}"] = (invoiced.count, invoiced.rest)
        found[f"collected {month.first}"] = (collected.count, collected.amount)
        found[f"refunded {month.first}"] = (collected.count, collected.rest)
    for name, one in books.ages.items():
        found[name] = (one.count, one.amount)
    for name in ("draft", "pending", "unallocated"):
        found[name] = (getattr(books, name).count, getattr(books, name).amount)
    for debtor in receivables.debtors(books.currency, limit=1_000):
        found[f"debtor {debtor.customer_id}"] = (debtor.owed.count, debtor.owed.amount)
    return {name: pair for name, pair in found.items() if pair[0]}


def agree() -> None:
    seen = {one.currency: shown(one) for one in receivables.books(TODAY)}
    wanted = {code: expected(code) for code in ("USD", "EUR", "JPY")}
    assert seen == {code: figures for code, figures in wanted.items() if figures}


@pytest.mark.parametrize("seed", range(6))
def test_after_anything_that_happens_the_figures_are_the_sums(seed: int) -> None:
    BusyBooks(seed, TODAY).happen()
    agree()
    book_sums.fold()
    agree()
    assert checks.discrepancies() == []
    before = kept()
    book_sums.refill()
    assert kept() == before


def test_the_books_of_these_tests_have_everything_in_them() -> None:
    for seed in range(6):
        BusyBooks(seed, TODAY).happen()
    found = {name.split()[0] for code in ("USD", "EUR", "JPY") for name in expected(code)}
    usual = {
        "draft",
        "invoiced",
        "open",
        "debtor",
        "pending",
        "collected",
        "refunded",
        "unallocated",
    }
    assert found == usual | set(receivables.AGES)
    assert db.session.query(Payment).filter(Payment.refunded > 0).count()
    assert db.session.query(Payment).filter(Payment.amount < 0, Payment.status == "completed").count()
    assert db.session.query(Invoice).filter(Invoice.paid > 0, Invoice.balance > 0).count()
    assert db.session.query(Invoice).filter_by(state="void").count()
    agree()


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-5, "not_due"),
        (0, "not_due"),
        (1, "days_1_30"),
        (30, "days_1_30"),
        (31, "days_31_60"),
        (60, "days_31_60"),
        (61, "days_61_90"),
        (90, "days_61_90"),
        (91, "days_over_90"),
        (400, "days_over_90"),
    ],
)
def test_each_day_of_lateness_has_its_age(days: int, age: str) -> None:
    due = TODAY - dt.timedelta(days=days)
    make_issued(make_customer(), "70", issue_date=due, due_date=due)
    books = of("USD")
    assert [name for name, one in books.ages.items() if one.count] == [age]
    assert books.owed == receivables.Sum(1, Decimal(70), ZERO)
    assert books.overdue.count == (age != "not_due")


@pytest.mark.parametrize(
    ("zone", "today", "age"),
    [
        ("Pacific/Kiritimati", dt.date(2026, 12, 1), "days_1_30"),
        ("Pacific/Pago_Pago", dt.date(2026, 11, 30), "not_due"),
        ("UTC", dt.date(2026, 11, 30), "not_due"),
    ],
)
def test_days_and_months_end_at_midnight_of_the_account(zone: str, today: dt.date, age: str) -> None:
    last = dt.date(2026, 11, 30)
    make_issued(make_customer(), "70", issue_date=last, due_date=last)
    db.session.execute(update(Setting).values(time_zone=zone))
    db.session.commit()
    db.session.info.pop("setting", None)
    with time_machine.travel(dt.datetime(2026, 11, 30, 23, 30, tzinfo=dt.UTC), tick=False):
        assert settings.today() == today
        books = receivables.books(settings.today())[0]
    assert books.this.first == today.replace(day=1)
    assert (books.this.invoiced.count, books.before.invoiced.count) == (
        (0, 1) if today.month == 12 else (1, 0)
    )
    assert books.ages[age].count == 1  # type: ignore[index]


def test_a_month_begins_and_ends_with_its_days() -> None:
    customer = make_customer()
    for day in ("2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"):
        made = dt.date.fromisoformat(day)
        make_issued(customer, "10", issue_date=made, due_date=made)
        make_payment(customer, "5", paid_on=made)
    books = of("USD")
    assert [month.invoiced.count for month in books.months[-3:]] == [1, 2, 2]
    assert [month.collected.amount for month in books.months[-3:]] == [5, 10, 10]
    assert (books.this.first, books.this.last) == (dt.date(2026, 11, 1), dt.date(2026, 11, 30))
    assert len(books.months) == 12


def test_debtors_are_those_who_owe_most_in_the_currency() -> None:
    small, large, paid = (
        make_customer("Small Example"),
        make_customer("Large Example"),
        make_customer("Paid Ltd"),
    )
    other = make_customer("Euro Example", "EUR")
    make_issued(small, "10", issue_date=TODAY, due_date=TODAY)
    for due in (dt.date(2026, 10, 5), dt.date(2026, 8, 1)):
        make_issued(large, "40", issue_date=due, due_date=due)
    make_issued(other, "999", issue_date=TODAY, due_date=TODAY)
    make_payment(paid, "50")
    allocations.allocate_automatically(SYSTEM, invoice_id=make_issued(paid, "50").id)
    found = receivables.debtors("USD")
    assert [(one.name, one.owed.count, one.owed.amount, one.since) for one in found] == [
        ("Large Example", 2, Decimal(80), dt.date(2026, 8, 1)),
        ("Small Example", 1, Decimal(10), TODAY),
    ]
    assert [one.name for one in receivables.debtors("USD", limit=1)] == ["Large Example"]
    assert receivables.debtors("GBP") == []


def test_the_longest_overdue_comes_first_and_what_is_paid_not_at_all() -> None:
    customer = make_customer()
    days = [dt.date(2026, 3, 1), dt.date(2026, 5, 1), dt.date(2026, 11, 22), TODAY]
    made = [make_issued(customer, "10", issue_date=day, due_date=day) for day in days]
    make_payment(customer, "10")
    allocations.allocate_automatically(SYSTEM, invoice_id=made[0].id)
    assert [one.id for one in receivables.longest_overdue(TODAY)] == [made[1].id, made[2].id]
    assert [one.id for one in receivables.longest_overdue(TODAY, limit=1)] == [made[1].id]


def test_what_is_rolled_back_was_never_counted(app: Flask) -> None:
    make_issued(make_customer(), "10")
    before = kept()
    db.session.execute(update(Invoice).values(total=99, subtotal=99))
    assert kept() != before
    db.session.rollback()
    assert kept() == before


def test_many_who_write_and_fold_at_once_lose_nothing(app: Flask) -> None:
    """Nobody waits for another at a sum, and folding beside them counts each part once."""
    keys = [make_customer(f"Example {n} Ltd").id for n in range(4)]

    def write(key: int) -> None:
        customer = db.session.get_one(Customer, key)
        for _ in range(6):
            made = make_issued(customer, "10", issue_date=TODAY)
            make_payment(customer, "4", paid_on=TODAY)
            allocations.allocate_automatically(SYSTEM, invoice_id=made.id)

    def fold() -> None:
        for _ in range(20):
            book_sums.fold()

    at_once(app, [*(partial(write, key) for key in keys), fold, fold])
    agree()
    book_sums.fold()
    agree()
    assert db.session.query(BookSum).filter_by(kind="issued").count() == 1
    books = of("USD")
    assert (books.this.invoiced.amount, books.owed.amount) == (Decimal(240), Decimal(144))


def test_a_tick_folds() -> None:
    customer = make_customer()
    for _ in range(3):
        make_issued(customer, "10")
    assert db.session.query(BookSum).filter_by(kind="due").count() == 3
    assert reaper.fold_book_sums in reaper.TASKS
    reaper.fold_book_sums()
    assert db.session.query(BookSum).filter_by(kind="due").count() == 1
    assert db.session.query(BookSum).filter_by(kind="draft").count() == 0


def test_the_proof_of_the_books_finds_a_sum_that_is_wrong() -> None:
    make_issued(make_customer(), "10", issue_date=TODAY)
    assert checks.discrepancies() == []
    db.session.execute(update(BookSum).where(BookSum.kind == "issued").values(amount=11))
    said = [str(one) for one in checks.discrepancies()]
    assert said == [f"book sum 0: amount of issued USD of {TODAY} is 11, but should be 10"]


def kept() -> list[tuple[object, ...]]:
    rows = db.session.query(BookSum).all()
    return sorted(
        (r.kind, r.currency, str(r.day), r.customer_id or 0, r.number, r.amount, r.rest) for r in rows
    )
