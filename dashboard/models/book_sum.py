"""Sums of the books, kept as they change, so that the first page need not add up a million rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import BigInteger, Date, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Key

# What is added up, and by what: every kind by currency, too.
BOOK_SUMS = {
    "draft": "drafts; amount is their total",
    "issued": "issued invoices by issue date; amount is their total, rest what of it is owed",
    "due": "what is owed by due date",
    "debtor": "what is owed by customer",
    "collected": "completed payments by their date; amount came in, rest was given back",
    "pending": "payments that are expected",
    "unallocated": "what payments have left for invoices to come",
}


class BookSum(Base):
    """A part of a sum: the sum is that of all rows with its kind, currency, day and customer.

    Triggers on `invoice` and `payment` put in what a statement changed, within its transaction, and never
    change a row: whoever issues or pays waits for nobody here. A task of the tick folds the parts of a sum
    into one. `refill_book_sums()` works all of it out anew.
    """

    __tablename__ = "book_sum"
    __table_args__ = (
        Index("ix_book_sum_kind_day", "kind", "day"),
        # Twenty thousand customers are added up without a look at their rows.
        Index(
            "ix_book_sum_debtor",
            "currency",
            "customer_id",
            postgresql_include=["amount", "number"],
            postgresql_where=text("kind = 'debtor'"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(12))
    currency: Mapped[str] = mapped_column(String(3))
    day: Mapped[dt.date | None] = mapped_column(Date)
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric(30, 4))
    rest: Mapped[Decimal] = mapped_column(Numeric(30, 4))
