"""What a statement of account says: values read out of the books, shown and printed. No table has them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from dashboard.models.customer import Customer
from dashboard.rules.money import add
from dashboard.rules.receivables import Ageing

ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """`amount` is what it changes the balance by; an allocation changes nothing and tells of `memo`."""

    day: dt.date
    kind: str
    id: int
    text: str
    note: str = ""
    amount: Decimal = ZERO
    memo: Decimal = ZERO
    balance: Decimal = ZERO
    invoice_id: int | None = None
    payment_id: int | None = None

    @property
    def charged(self) -> Decimal | None:
        """What stands in the left column of the two: what is owed for it; a credit below zero."""
        return self.amount if self.kind in ("invoice", "charge", "refund") else None

    @property
    def paid(self) -> Decimal | None:
        return -self.amount if self.kind == "payment" else None


@dataclass(frozen=True)
class OpenInvoice:
    id: int
    number: str
    issued: dt.date
    due: dt.date
    total: Decimal
    open: Decimal
    days_late: int


@dataclass(frozen=True)
class Statement:
    """Open invoices and charges, less what of payments is `unused`, are `closing`."""

    customer: Customer
    currency: str
    first: dt.date
    last: dt.date
    opening: Decimal
    closing: Decimal
    entries: tuple[Entry, ...]
    sums: dict[str, Decimal]
    open: tuple[OpenInvoice, ...]
    # Open invoices that the list does not name.
    more_open: int
    ageing: Ageing
    # All charges against the account up to the last day: no payment covers them by allocation.
    charges: Decimal

    @property
    def owed(self) -> Decimal:
        """What open invoices are short of."""
        return self.ageing.total

    @property
    def unused(self) -> Decimal:
        return add([self.owed, self.charges, -self.closing])

    @property
    def overdue(self) -> Decimal:
        columns = self.ageing.columns
        return add([columns[name] for name in columns if name.startswith("days_")])

    @property
    def says_something(self) -> bool:
        return bool(self.entries or self.opening or self.closing or self.open)
