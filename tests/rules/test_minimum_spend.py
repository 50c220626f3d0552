from decimal import Decimal

import pytest

from dashboard.rules.minimum_spend import shortfall


@pytest.mark.parametrize(
    ("spent", "charged"), [("25", "25"), ("50", "0"), ("51", "0"), ("0", "50"), ("-5", "55")]
)
def test_case_5_what_the_spend_falls_short(spent: str, charged: str) -> None:
    assert shortfall(Decimal(50), Decimal(spent)) == Decimal(charged)


def test_no_minimum_is_no_charge() -> None:
    assert shortfall(Decimal(0), Decimal(-5)) == 0
