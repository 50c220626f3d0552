from collections.abc import Callable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.free_minutes import Call, Use, prefixes, use


def by_rate(rate: str, fee: str = "0") -> Callable[[int], Decimal]:
    return lambda billed: Decimal(fee) + Decimal(rate) * billed / 60


def call(key: int, billed: int, rate: str = "0.14", fee: str = "0") -> Call:
    charge_of = by_rate(rate, fee)
    return Call(key, billed, charge_of(billed), charge_of)


def left(calls: list[Call], free: int) -> Decimal:
    return sum((one.charge for one in calls), Decimal(0)) - sum(
        (one.amount for one in use(calls, free)), Decimal(0)
    )


def test_case_7_five_minutes_free_of_a_call_of_seven() -> None:
    assert left([call(1, 420)], 300) == Decimal("0.28")


def test_free_seconds_go_to_the_calls_in_their_order() -> None:
    calls = [call(1, 120), call(2, 60), call(3, 300)]
    assert list(use(calls, 240)) == [
        Use(1, 120, Decimal("0.28")),
        Use(2, 60, Decimal("0.14")),
        Use(3, 60, Decimal("0.14")),
    ]


def test_the_connection_fee_stays() -> None:
    assert left([call(1, 60, fee="0.05")], 300) == Decimal("0.05")


def test_no_second_minimum_for_what_is_left() -> None:
    # 60/60: a call of 61 s was billed 120 s. After 100 free ones 20 s are left, not 60.
    assert left([call(1, 120, rate="0.6")], 100) == Decimal("0.2")


def test_a_charge_without_a_rate_is_shared_out_by_seconds() -> None:
    assert list(use([Call(1, 90, Decimal("1.00"))], 30)) == [Use(1, 30, Decimal("0.333333"))]
    assert list(use([Call(1, 90, Decimal("1.00"))], 90)) == [Use(1, 90, Decimal("1.000000"))]


def test_calls_of_no_seconds_and_no_free_seconds() -> None:
    assert list(use([call(1, 0), call(2, 60)], 60)) == [Use(2, 60, Decimal("0.14"))]
    assert list(use([call(1, 60)], 0)) == []


def test_prefixes_are_the_digits() -> None:
    assert prefixes("^44|^91|^1") == ["44", "91", "1"]
    assert prefixes(None) == []


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(["0", "0.0125", "0.5"])), max_size=12),
    st.integers(0, 20_000),
)
def test_free_seconds_never_exceed_and_take_off_no_more_than_the_charge(
    given_calls: list[tuple[int, str]], free: int
) -> None:
    calls = [call(at, billed, rate) for at, (billed, rate) in enumerate(given_calls)]
    used = list(use(calls, free))
    assert sum(one.seconds for one in used) == min(free, sum(one.billed for one in calls))
    by_id = {one.id: one for one in calls}
    for one in used:
        assert 0 < one.seconds <= by_id[one.call_id].billed
        assert 0 <= one.amount <= by_id[one.call_id].charge
