"""What was invoiced and collected, what is owed and since when: exact sums, a row a currency, never mixed.

All of it is read from `book_sum`, which triggers keep, so that a million invoices cost as much as a hundred.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Date, DateTime, Integer, and_, case, cast, func, literal, literal_column, select

from dashboard.extensions import db
from dashboard.models import BookSum, Customer, Invoice
from dashboard.rules.periods import last_months
from dashboard.rules.receivables import Bucket

# How many months the chart goes back, this one included.
MONTHS: Final = 12
AGES: Final[tuple[Bucket, ...]] = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")
NOTHING: Final = Decimal(0)


@dataclass(frozen=True)
class Sum:
    """How many, and how much of one currency. `rest` is a part of the amount, as `BOOK_SUMS` says."""

    count: int = 0
    amount: Decimal = NOTHING
    rest: Decimal = NOTHING


@dataclass(frozen=True)
class Month:
    """A month of one currency: `first` is its first day, `end` the first of the next."""

    first: dt.date
    end: dt.date
    invoiced: Sum
    collected: Sum

    @property
    def last(self) -> dt.date:
        return self.end - dt.timedelta(days=1)


@dataclass(frozen=True)
class Books:
    """What one currency's books come to today. `months` goes from the oldest to this one."""

    currency: str
    months: list[Month]
    ages: dict[Bucket, Sum] = field(default_factory=dict)
    draft: Sum = Sum()
    pending: Sum = Sum()
    unallocated: Sum = Sum()

    @property
    def this(self) -> Month:
        return self.months[-1]

    @property
    def before(self) -> Month:
        return self.months[-2]

    @property
    def owed(self) -> Sum:
        return _added(self.ages.values())

    @property
    def overdue(self) -> Sum:
        return _added(one for age, one in self.ages.items() if age != "not_due")


def _added(parts: Any) -> Sum:
    found = list(parts)
    return Sum(
        sum(one.count for one in found),
        sum((one.amount for one in found), NOTHING),
        sum((one.rest for one in found), NOTHING),
    )


def books(today: dt.date) -> list[Books]:
    """Of every currency in which there is anything to say, by its code."""
    months = last_months(today, MONTHS)
    monthly = _monthly(months[0][0], months[-1][1])
    ages = _ages(today)
    standing = _standing()
    currencies = sorted({key[0] for found in (monthly, ages, standing) for key in found})
    return [
        Books(
            currency,
            [
                Month(
                    first,
                    end,
                    monthly.get((currency, "issued", first), Sum()),
                    monthly.get((currency, "collected", first), Sum()),
                )
                for first, end in months
            ],
            {age: ages.get((currency, age), Sum()) for age in AGES},
            *(standing.get((currency, kind), Sum()) for kind in _STANDING),
        )
        for currency in currencies
    ]


_STANDING: Final = ("draft", "pending", "unallocated")
_SUMMED = (
    func.sum(BookSum.number).label("number"),
    func.sum(BookSum.amount).label("amount"),
    func.sum(BookSum.rest).label("rest"),
)


def _sums(*by: Any, where: Any) -> dict[tuple[Any, ...], Sum]:
    """The sums by these columns; those that have come to nothing are left out."""
    names = [one.label(f"by_{at}") for at, one in enumerate(by)]
    rows = db.session.execute(
        select(*names, *_SUMMED).where(where).group_by(*names).having(func.sum(BookSum.number) != 0)
    )
    return {tuple(row[: len(by)]): Sum(int(row.number), row.amount, row.rest) for row in rows}


def _monthly(first: dt.date, end: dt.date) -> dict[tuple[Any, ...], Sum]:
    month = cast(func.date_trunc("month", cast(BookSum.day, DateTime)), Date)
    span = and_(BookSum.kind.in_(("issued", "collected")), BookSum.day >= first, BookSum.day < end)
    return _sums(BookSum.currency, BookSum.kind, month, where=span)


def _ages(today: dt.date) -> dict[tuple[Any, ...], Sum]:
    """As `rules.receivables.bucket` sorts them."""
    late = cast(literal(today, Date) - BookSum.day, Integer)
    age = case(
        (late <= 0, "not_due"),
        (late <= 30, "days_1_30"),
        (late <= 60, "days_31_60"),
        (late <= 90, "days_61_90"),
        else_="days_over_90",
    )
    return _sums(BookSum.currency, age, where=BookSum.kind == "due")


def _standing() -> dict[tuple[Any, ...], Sum]:
    return _sums(BookSum.currency, BookSum.kind, where=BookSum.kind.in_(_STANDING))


@dataclass(frozen=True)
class Debtor:
    customer_id: int
    name: str
    owed: Sum
    # The due date of the oldest invoice that is not paid.
    since: dt.date | None


def debtors(currency: str, limit: int = 8) -> list[Debtor]:
    """Who owes most in this currency, the largest first."""
    owed = (
        select(BookSum.customer_id, *_SUMMED[:2])
        # Written out, so that the index of debtors is seen to serve.
        .where(literal_column("kind = 'debtor'"), BookSum.currency == currency)
        .group_by(BookSum.customer_id)
        .having(func.sum(BookSum.amount) > 0)
        .order_by(func.sum(BookSum.amount).desc(), BookSum.customer_id)
        .limit(limit)
        .subquery()
    )
    since = (
        select(Invoice.due_date)
        .where(
            Invoice.customer_id == owed.c.customer_id,
            Invoice.state == "issued",
            Invoice.balance > 0,
            Invoice.currency == currency,
        )
        .order_by(Invoice.due_date)
        .limit(1)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(owed, Customer.name, since.label("since"))
        .join(Customer, Customer.id == owed.c.customer_id)
        .order_by(owed.c.amount.desc(), owed.c.customer_id)
    )
    return [Debtor(row.customer_id, row.name, Sum(int(row.number), row.amount), row.since) for row in rows]


def longest_overdue(today: dt.date, limit: int = 6) -> Sequence[Invoice]:
    """The invoices that are late the longest: whom to remind first. Their sums say where to begin."""
    first = db.session.scalar(
        select(BookSum.day)
        .where(BookSum.kind == "due", BookSum.day < today)
        .group_by(BookSum.day)
        .having(func.sum(BookSum.number) > 0)
        .order_by(BookSum.day)
        .limit(1)
    )
    if first is None:
        return []
    late = select(Invoice).where(
        Invoice.state == "issued", Invoice.balance > 0, Invoice.due_date >= first, Invoice.due_date < today
    )
    return db.session.scalars(late.order_by(Invoice.due_date, Invoice.id).limit(limit)).all()
