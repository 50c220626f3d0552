from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.money import exponent, round_to
from dashboard.rules.proration import priced, prorate, prorate_seconds, uncovered

MONEY = st.decimals(Decimal(0), Decimal(10**9), places=6)
QUANTITIES = st.decimals(Decimal("0.000001"), Decimal(10**6), places=6)
DAY = date(2026, 11, 1)


def test_case_15_fourteen_of_thirty_one_days() -> None:
    assert prorate(Decimal(31), 14, 31, 2) == Decimal("14.00")
    assert prorate(Decimal(100), 14, 31, 2) == Decimal("45.16")


def test_rounded_half_up_away_from_zero() -> None:
    assert prorate(Decimal("0.01"), 1, 2, 2) == Decimal("0.01")
    assert prorate(Decimal("-0.01"), 1, 2, 2) == Decimal("-0.01")
    assert prorate(Decimal(1000), 1, 3, 0) == Decimal(333)


@pytest.mark.parametrize("days", [(-1, 30), (31, 30), (0, 0)])
def test_days_outside_the_span_are_refused(days: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="days"):
        prorate(Decimal(1), *days, 2)


@given(MONEY, st.integers(1, 366), st.data())
def test_two_parts_add_up_to_the_whole_within_a_cent(
    amount: Decimal, of_days: int, data: st.DataObject
) -> None:
    days = data.draw(st.integers(0, of_days))
    parts = prorate(amount, days, of_days, 2) + prorate(amount, of_days - days, of_days, 2)
    assert abs(parts - round_to(amount, 2)) <= Decimal("0.01")


@given(QUANTITIES, MONEY, st.integers(1, 366), st.data(), st.sampled_from(["USD", "JPY", "BHD"]))
def test_the_line_comes_to_the_amount(
    quantity: Decimal, price: Decimal, of_days: int, data: st.DataObject, currency: str
) -> None:
    days = data.draw(st.integers(1, of_days))
    shown, unit, amount = priced(quantity, price, days, of_days, currency)
    assert round_to(shown * unit, exponent(currency)) == amount
    assert amount == prorate(quantity * price, days, of_days, exponent(currency))
    assert round_to(unit, 6) == unit


def test_a_whole_span_keeps_price_and_quantity() -> None:
    assert priced(Decimal(3), Decimal("9.99"), 31, 31, "USD") == (
        Decimal(3),
        Decimal("9.99"),
        Decimal("29.97"),
    )
    assert priced(Decimal(2), Decimal(31), 14, 31, "USD") == (Decimal(2), Decimal(14), Decimal(28))
    # 1/3 of 100,000 x 1 would lose 3 cents by six decimals.
    assert priced(Decimal(100_000), Decimal(1), 10, 30, "USD") == (
        Decimal(1),
        Decimal("33333.33"),
        Decimal("33333.33"),
    )


@given(st.integers(0, 10**9), st.integers(1, 366), st.data())
def test_free_seconds_of_parts_never_fall_short_by_more_than_a_second(
    seconds: int, of_days: int, data: st.DataObject
) -> None:
    days = data.draw(st.integers(0, of_days))
    part = prorate_seconds(seconds, days, of_days)
    assert 0 <= part <= seconds
    assert 0 <= part + prorate_seconds(seconds, of_days - days, of_days) - seconds <= 1


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=5), st.integers(1, 60))
def test_what_is_uncovered_is_each_day_that_no_other_span_holds(
    spans: list[tuple[int, int]], length: int
) -> None:
    covered = [(DAY + timedelta(days=at), DAY + timedelta(days=at + days)) for at, days in spans]
    end = DAY + timedelta(days=length)
    left = {
        begun + timedelta(days=n)
        for begun, ended in uncovered(DAY, end, covered)
        for n in range((ended - begun).days)
    }
    days = (DAY + timedelta(days=n) for n in range(length))
    assert left == {day for day in days if not any(a <= day < b for a, b in covered)}
