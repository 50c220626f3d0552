from datetime import date, timedelta
from decimal import Decimal

import pytest

from dashboard.rules.receivables import BUCKETS, Status, ageing, bucket, invoice_state

TODAY = date(2026, 11, 23)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "total", "paid", "due", "state"),
    [
        ("draft", "100", "0", YESTERDAY, "draft"),
        ("void", "100", "0", YESTERDAY, "void"),
        ("issued", "100", "0", TODAY, "open"),
        ("issued", "100", "0", None, "open"),
        ("issued", "100", "0", YESTERDAY, "overdue"),
        ("issued", "100", "40", TODAY, "part_paid"),
        ("issued", "100", "40", YESTERDAY, "overdue"),
        ("issued", "100", "99.99", TODAY, "part_paid"),
        ("issued", "100", "100", YESTERDAY, "paid"),
        ("issued", "0", "0", YESTERDAY, "paid"),
        ("issued", "-20", "0", YESTERDAY, "paid"),
    ],
)
def test_one_word_says_how_an_invoice_stands(
    status: Status, total: str, paid: str, due: date | None, state: str
) -> None:
    assert invoice_state(status, Decimal(total), Decimal(paid), due, TODAY) == state


def test_case_22_ageing() -> None:
    on = date(2019, 4, 30)
    items: list[tuple[date | None, Decimal]] = [
        (date(2019, 5, 31), Decimal(100_000)),
        (date(2019, 4, 10), Decimal(50_000)),
        (date(2019, 4, 1), Decimal(-1_000)),
    ]
    result = ageing(items, on)
    assert result.total == 149_000
    filled = {name: amount for name, amount in result.columns.items() if amount}
    assert filled == {"not_due": 100_000, "days_1_30": 50_000, "credit": -1_000}
    assert list(result.columns) == list(BUCKETS)


@pytest.mark.parametrize(
    ("days", "column"),
    [
        (-1, "not_due"),
        (0, "not_due"),
        (1, "days_1_30"),
        (30, "days_1_30"),
        (31, "days_31_60"),
        (60, "days_31_60"),
        (61, "days_61_90"),
        (90, "days_61_90"),
        (91, "days_over_90"),
        (4000, "days_over_90"),
    ],
)
def test_the_edges_of_the_columns(days: int, column: str) -> None:
    assert bucket(TODAY - timedelta(days=days), TODAY) == column


def test_without_a_due_date_nothing_is_late() -> None:
    assert bucket(None, TODAY) == "not_due"
