from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.allocation import (
    Open,
    Side,
    allocate_oldest_first,
    check_amount,
    check_pair,
    check_refund,
    oldest_first,
    shrink,
    suggest,
    usable,
)

DAY = date(2026, 1, 31)


def owed(key: int, due: date, balance: str, issued: date = DAY, number: str = "") -> Open:
    return Open(key, due, issued, number or f"INV-{key}", Decimal(balance))


def rows(*pairs: tuple[int, int]) -> list[tuple[int, Decimal]]:
    return [(key, Decimal(amount)) for key, amount in pairs]


def paid(*allocations: list[tuple[int, Decimal]]) -> Decimal:
    return sum((amount for pairs in allocations for _, amount in pairs), Decimal(0))


def test_case_21_pay_in_two_refund_a_part_cancel() -> None:
    total = Decimal(325)
    first = allocate_oldest_first(Decimal(163), [owed(1, DAY, "325")])
    assert total - paid(first) == 162
    second = allocate_oldest_first(Decimal(162), [owed(1, DAY, "162")])
    assert total - paid(first, second) == 0
    refunded = shrink(second, usable(Decimal(162), Decimal(63), "completed"))
    assert total - paid(first, refunded) == 63
    cancelled = shrink(refunded, usable(Decimal(162), Decimal(63), "cancelled"))
    assert total - paid(first, cancelled) == 162


def test_oldest_due_first_then_issue_date_then_number() -> None:
    later = DAY + timedelta(days=1)
    items = [
        owed(1, later, "10"),
        owed(2, DAY, "10", issued=later),
        owed(3, DAY, "10", number="INV-10"),
        owed(4, DAY, "10", number="INV-9"),
    ]
    assert [item.id for item in oldest_first(items)] == [4, 3, 2, 1]
    assert allocate_oldest_first(Decimal(25), items) == rows((4, 10), (3, 10), (2, 5))


def test_settled_items_and_credits_are_passed_over() -> None:
    items = [owed(1, DAY, "0"), owed(2, DAY, "-5"), owed(3, DAY, "7")]
    assert allocate_oldest_first(Decimal(10), items) == rows((3, 7))
    assert allocate_oldest_first(Decimal(0), items) == []
    assert allocate_oldest_first(Decimal(-10), items) == []


def test_what_is_suggested() -> None:
    assert suggest(Decimal(50), Decimal(30)) == 30
    assert suggest(Decimal(20), Decimal(30)) == 20
    assert suggest(Decimal(-20), Decimal(30)) == 0


def test_only_completed_payments_can_be_used_and_refunds_take_from_them() -> None:
    assert usable(Decimal(100), Decimal(30), "completed") == 70
    assert usable(Decimal(100), Decimal(0), "pending") == 0
    assert usable(Decimal(100), Decimal(0), "cancelled") == 0
    assert usable(Decimal(-100), Decimal(0), "completed") == 0


def test_the_latest_allocation_shrinks_first() -> None:
    before = rows((7, 40), (3, 30), (5, 30))
    assert shrink(before, Decimal(100)) == before
    assert shrink(before, Decimal(55)) == rows((7, 40), (3, 15), (5, 0))
    assert shrink(before, Decimal(-1)) == rows((7, 0), (3, 0), (5, 0))


PAYMENT = Side(1, "USD", "completed")
INVOICE = Side(1, "USD", "issued")


@pytest.mark.parametrize(
    ("payment", "invoice", "words"),
    [
        (
            Side(1, "USD", "pending"),
            INVOICE,
            "This payment is pending. Only a completed payment can be allocated.",
        ),
        (Side(1, "USD", "cancelled"), INVOICE, "Only a completed payment"),
        (
            PAYMENT,
            Side(1, "USD", "draft"),
            "This invoice is draft. Payments are allocated to issued invoices only.",
        ),
        (PAYMENT, Side(1, "USD", "void"), "This invoice is void."),
        (PAYMENT, Side(2, "USD", "issued"), "belong to different customers"),
        (PAYMENT, Side(1, "EUR", "issued"), "The payment is in USD and the invoice in EUR."),
    ],
)
def test_pairs_that_do_not_match(payment: Side, invoice: Side, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_pair(payment, invoice)


def test_a_pair_that_matches() -> None:
    check_pair(PAYMENT, INVOICE)


@pytest.mark.parametrize(
    ("amount", "left", "owed_amount", "words"),
    [
        ("0", "50", "50", "The amount must be more than zero."),
        ("-1", "50", "50", "The amount must be more than zero."),
        ("NaN", "50", "50", "The amount must be more than zero."),
        ("1.005", "50", "50", "1.005 has more decimals than USD has."),
        ("1", "0", "50", "Nothing is left on this payment."),
        ("1", "50", "0", "Nothing is owed on this invoice."),
        ("50.01", "50", "60", "Only $50.00 USD is left on this payment."),
        ("50.01", "60", "50", "Only $50.00 USD is owed on this invoice."),
    ],
)
def test_amounts_that_are_refused(amount: str, left: str, owed_amount: str, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        check_amount(Decimal(amount), "USD", left=Decimal(left), owed=Decimal(owed_amount))
    assert str(refusal.value) == words


def test_amounts_that_fit_exactly() -> None:
    check_amount(Decimal("50.00"), "USD", left=Decimal(50), owed=Decimal(50))
    check_refund(Decimal(37), "USD", paid=Decimal(100), refunded=Decimal(63))


def test_refunds_that_are_refused() -> None:
    with pytest.raises(ValueError, match=r"At most \$37\.00 USD of this payment can be refunded\."):
        check_refund(Decimal("37.01"), "USD", paid=Decimal(100), refunded=Decimal(63))
    with pytest.raises(ValueError, match="more than zero"):
        check_refund(Decimal(0), "USD", paid=Decimal(100), refunded=Decimal(0))
    with pytest.raises(ValueError, match=r"At most \$0\.00 USD"):
        check_refund(Decimal(1), "USD", paid=Decimal(-100), refunded=Decimal(0))


cents = st.decimals(min_value=-1000, max_value=1000, places=2)
open_items = st.lists(
    st.builds(
        Open,
        st.integers(1, 10**6),
        st.dates(date(2026, 1, 1), date(2026, 1, 9)),
        st.dates(date(2025, 12, 1), date(2025, 12, 3)),
        st.integers(1, 99).map("INV-{}".format),
        cents,
    ),
    unique_by=lambda item: item.id,
    max_size=15,
)


@given(cents, open_items)
def test_nothing_is_allocated_twice_or_beyond_what_is_there(available: Decimal, items: list[Open]) -> None:
    pairs = allocate_oldest_first(available, items)
    balances = {item.id: item.balance for item in items}
    assert len({key for key, _ in pairs}) == len(pairs)
    assert all(0 < amount <= balances[key] for key, amount in pairs)
    wanted = sum((balance for balance in balances.values() if balance > 0), Decimal(0))
    assert paid(pairs) == max(Decimal(0), min(available, wanted)), "all that can be allocated is"


@given(cents, open_items)
def test_no_younger_invoice_is_paid_before_an_older_one(available: Decimal, items: list[Open]) -> None:
    pairs = dict(allocate_oldest_first(available, items))
    ordered = [item for item in oldest_first(items) if item.balance > 0]
    full = [pairs.get(item.id) == item.balance for item in ordered]
    assert full == sorted(full, reverse=True)
    assert pairs == dict(allocate_oldest_first(available, items[::-1])), "the order given does not matter"


@given(st.lists(st.tuples(st.integers(), cents.filter(lambda amount: amount > 0))), cents)
def test_shrinking_keeps_as_much_as_fits(before: list[tuple[int, Decimal]], room: Decimal) -> None:
    after = shrink(before, room)
    assert [key for key, _ in after] == [key for key, _ in before]
    assert all(0 <= new <= old for (_, new), (_, old) in zip(after, before, strict=True))
    assert paid(after) == max(Decimal(0), min(room, paid(before)))
    untouched = [new == old for (_, new), (_, old) in zip(after, before, strict=True)]
    assert untouched == sorted(untouched, reverse=True)
