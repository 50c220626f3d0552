"""Which payment settles which invoice, and how much of it.

Amounts are Decimals already rounded to their currency. A refusal is a ValueError whose text staff can read.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboard.rules.money import add, format_money, plain, round_money

ZERO = Decimal(0)


@dataclass(frozen=True)
class Open:
    """An issued invoice and what is still owed on it."""

    id: int
    due: date
    issued: date
    number: str
    balance: Decimal


@dataclass(frozen=True)
class Side:
    """What a payment and an invoice must have in common before one can settle the other."""

    customer_id: int
    currency: str
    status: str


def _natural(number: str) -> list[tuple[int, str]]:
    """INV-9 before INV-10: runs of digits compare as numbers."""
    parts = re.split("([0-9]+)", number)
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)]


def oldest_first(open_items: Iterable[Open]) -> list[Open]:
    """By due date, then issue date, then number."""
    return sorted(open_items, key=lambda item: (item.due, item.issued, _natural(item.number), item.id))


def suggest(available: Decimal, owed: Decimal) -> Decimal:
    """The amount to offer: the smaller of what is left on the payment and what is owed, never below zero."""
    return max(ZERO, min(available, owed))


def allocate_oldest_first(available: Decimal, open_items: Iterable[Open]) -> list[tuple[int, Decimal]]:
    """(invoice id, amount > 0) pairs that use up `available`, oldest due first; settled ones are left out."""
    pairs: list[tuple[int, Decimal]] = []
    for item in oldest_first(open_items):
        amount = suggest(available, item.balance)
        if amount > 0:
            pairs.append((item.id, amount))
            available = add([available, -amount])
    return pairs


def usable(amount: Decimal, refunded: Decimal, status: str) -> Decimal:
    """What a payment can settle: nothing unless completed; a charge (negative payment) settles nothing."""
    return max(ZERO, add([amount, -refunded])) if status == "completed" else ZERO


def shrink(allocations: Sequence[tuple[int, Decimal]], usable_amount: Decimal) -> list[tuple[int, Decimal]]:
    """The allocations of one payment after a refund or a cancellation (case 21).

    Takes (id, amount) in the order they were made and gives every (id, new amount) in that order; the latest
    shrinks first, and zero means: remove it.
    """
    room = max(ZERO, usable_amount)
    kept: list[tuple[int, Decimal]] = []
    for key, amount in allocations:
        amount = min(amount, room)
        room = add([room, -amount])
        kept.append((key, amount))
    return kept


def check_pair(payment: Side, invoice: Side) -> None:
    """Refuses a payment that cannot settle this invoice at all."""
    if payment.status != "completed":
        raise ValueError(f"This payment is {payment.status}. Only a completed payment can be allocated.")
    if invoice.status != "issued":
        raise ValueError(f"This invoice is {invoice.status}. Payments are allocated to issued invoices only.")
    if payment.customer_id != invoice.customer_id:
        raise ValueError("This payment and this invoice belong to different customers.")
    if payment.currency != invoice.currency:
        raise ValueError(
            f"The payment is in {payment.currency} and the invoice in {invoice.currency}. "
            "They must be in the same currency."
        )


def check_amount(amount: Decimal, currency: str, *, left: Decimal, owed: Decimal) -> None:
    """Refuses an amount that is not above zero, or is more than the payment has left or the invoice owes."""
    _check_positive(amount, currency)
    if left <= 0:
        raise ValueError("Nothing is left on this payment.")
    if owed <= 0:
        raise ValueError("Nothing is owed on this invoice.")
    if amount > left:
        raise ValueError(f"Only {format_money(left, currency, code=True)} is left on this payment.")
    if amount > owed:
        raise ValueError(f"Only {format_money(owed, currency, code=True)} is owed on this invoice.")


def check_refund(amount: Decimal, currency: str, *, paid: Decimal, refunded: Decimal) -> None:
    """Refuses a refund that is not above zero, or is more than is left of the payment to refund."""
    _check_positive(amount, currency)
    left = max(ZERO, add([paid, -refunded]))
    if amount > left:
        raise ValueError(
            f"At most {format_money(left, currency, code=True)} of this payment can be refunded."
        )


def _check_positive(amount: Decimal, currency: str) -> None:
    if not amount.is_finite() or amount <= 0:
        raise ValueError("The amount must be more than zero.")
    if round_money(amount, currency) != amount:
        raise ValueError(f"{plain(amount)} has more decimals than {currency} has.")
