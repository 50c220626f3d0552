"""What is owed, how late it is, and the one word that says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from dashboard.rules.money import add

Status = Literal["draft", "issued", "void"]
InvoiceState = Literal["draft", "open", "overdue", "part_paid", "paid", "void"]
Bucket = Literal["not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "credit"]

BUCKETS: Final[tuple[Bucket, ...]] = (
    "not_due",
    "days_1_30",
    "days_31_60",
    "days_61_90",
    "days_over_90",
    "credit",
)


def balance(total: Decimal, paid: Decimal) -> Decimal:
    return add([total, -paid])


def invoice_state(
    status: Status, total: Decimal, paid: Decimal, due: date | None, today: date
) -> InvoiceState:
    """The word shown for an invoice, derived and never stored.

    Nothing left to pay is paid, also for a total of zero or below. Late wins over part paid: an invoice past
    its due date with anything owed is overdue. On its due date it is not late yet.
    """
    if status != "issued":
        return status
    if balance(total, paid) <= 0:
        return "paid"
    if due is not None and due < today:
        return "overdue"
    return "part_paid" if paid > 0 else "open"


def bucket(due: date | None, on: date) -> Bucket:
    """The ageing column of an amount due on that date, seen on the day `on`."""
    days = (on - due).days if due is not None else 0
    if days <= 0:
        return "not_due"
    if days <= 30:
        return "days_1_30"
    if days <= 60:
        return "days_31_60"
    return "days_61_90" if days <= 90 else "days_over_90"


@dataclass(frozen=True)
class Ageing:
    """One currency's amounts by column; credits are negative and have their own."""

    columns: dict[Bucket, Decimal]
    total: Decimal


def ageing(items: Iterable[tuple[date | None, Decimal]], on: date) -> Ageing:
    """Sums (due date, open balance) pairs of one currency by how late they are on that day (case 22)."""
    sorted_out: dict[Bucket, list[Decimal]] = {name: [] for name in BUCKETS}
    for due, amount in items:
        sorted_out["credit" if amount < 0 else bucket(due, on)].append(amount)
    columns = {name: add(amounts) for name, amounts in sorted_out.items()}
    return Ageing(columns, add(columns.values()))
