from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.rating import (
    MODES,
    Terms,
    billed_seconds,
    charge,
    charge_of_billed,
    explain,
    round_duration,
)


def terms(
    rate: str = "0.015",
    increments: str = "1/1",
    *,
    fee: str = "0",
    duration: str = "up",
    cost: str = "half_up",
    places: int = 4,
) -> Terms:
    least, pulse = increments.split("/")
    return Terms(Decimal(rate), Decimal(fee), int(least), int(pulse), duration, cost, places)


@pytest.mark.parametrize(("seconds", "billed"), [(10, 60), (60, 60), (61, 66), (66, 66), (67, 72)])
def test_case_1_minimum_then_pulses(seconds: int, billed: int) -> None:
    assert billed_seconds(Decimal(seconds), terms(increments="60/6")) == billed


@pytest.mark.parametrize(
    ("increments", "price"), [("6/6", "0.0030"), ("12/6", "0.0030"), ("30/6", "0.0075"), ("60/6", "0.0150")]
)
def test_case_2_seven_seconds(increments: str, price: str) -> None:
    assert str(charge(Decimal(7), terms("0.015", increments))) == price


@pytest.mark.parametrize(
    ("seconds", "mode", "rounded"),
    [
        ("60.5", "down", 60),
        ("60.5", "up", 61),
        ("60.5", "half_up", 61),
        ("60.5", "half_down", 60),
        ("60.4", "up", 61),
        ("60.501", "half_down", 61),
        ("60.499", "half_up", 60),
        ("60", "up", 60),
        ("60.000", "down", 60),
    ],
)
def test_case_3_duration_is_rounded_first(seconds: str, mode: str, rounded: int) -> None:
    assert round_duration(Decimal(seconds), mode) == rounded


@pytest.mark.parametrize(("duration", "total"), [("down", "0.0800"), ("half_up", "0.0800"), ("up", "0.0900")])
def test_case_4_each_call_is_rounded_then_added(duration: str, total: str) -> None:
    one = charge(Decimal("9.1"), terms("0.005", duration=duration, cost="up"))
    assert str(sum([one] * 100, Decimal(0))) == total


def test_case_6_blocks_of_a_minute() -> None:
    assert billed_seconds(Decimal(90), terms(increments="60/60")) == 120


def test_case_7_what_is_left_after_free_minutes() -> None:
    assert charge_of_billed(420 - 300, terms("0.14", places=2)) == Decimal("0.28")


def test_case_8_halves_of_a_cent_go_up() -> None:
    assert str(charge(Decimal(55 * 60), terms("0.067", places=2))) == "3.69"


@pytest.mark.parametrize(
    ("mode", "expected"), [("up", "3.69"), ("down", "3.68"), ("half_up", "3.69"), ("half_down", "3.68")]
)
def test_each_mode_rounds_a_half(mode: str, expected: str) -> None:
    assert str(charge_of_billed(55 * 60, terms("0.067", cost=mode, places=2))) == expected


def test_a_call_of_no_seconds_costs_nothing_even_with_a_fee() -> None:
    dear = terms("1", "60/60", fee="5")
    assert charge(Decimal(0), dear) == 0
    assert billed_seconds(Decimal("0.4"), terms(increments="60/60", duration="half_up")) == 0


def test_the_fee_comes_before_rounding() -> None:
    assert str(charge(Decimal(1), terms("0.001", fee="0.00004"))) == "0.0001"


@pytest.mark.parametrize("seconds", ["-1", "-0.001"])
def test_durations_below_zero_are_refused(seconds: str) -> None:
    with pytest.raises(ValueError, match="below 0"):
        charge(Decimal(seconds), terms())
    with pytest.raises(ValueError, match="below 0"):
        charge_of_billed(-1, terms())


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="no rounding 'banker'"):
        round_duration(Decimal(1), "banker")


def test_every_step_is_shown() -> None:
    steps = explain(Decimal("60.5"), terms("0.015", "60/6", fee="0.01", cost="up"))
    assert [(step.label, step.formula, step.value) for step in steps] == [
        ("Duration", "60.5 s, rounded up", "61 s"),
        ("Billed duration", "minimum (MCD) 60 s + 1 x pulse of 6 s", "66 s"),
        ("Price before rounding", "0.01 + 0.015 x 66 / 60", "0.0265"),
        ("Charge", "rounded up at 4 decimals", "0.0265"),
    ]


def test_a_price_without_end_is_shown_with_dots() -> None:
    steps = explain(Decimal(10), terms("0.005", cost="up"))
    assert steps[1].formula == "minimum (MCD) 1 s + 9 x pulse of 1 s"
    assert steps[2].value == "0.0008333333..."
    assert steps[3].value == "0.0009"


def test_the_steps_of_a_call_of_no_seconds() -> None:
    steps = explain(Decimal(0), terms(fee="1"))
    assert [step.label for step in steps] == ["Duration", "Billed duration", "Charge"]
    assert steps[-1].formula == "nothing to charge"


modes = st.sampled_from(sorted(MODES))
prices = st.decimals(min_value=0, max_value=10**6, places=6)
durations = st.decimals(min_value=0, max_value=10**6, places=3)
any_terms = st.builds(
    Terms,
    rate_per_minute=prices,
    connection_fee=prices,
    minimum_seconds=st.integers(0, 3600),
    pulse_seconds=st.integers(1, 3600),
    duration_rounding=modes,
    cost_rounding=modes,
    cost_places=st.integers(0, 6),
)


@given(durations, any_terms)
def test_billed_seconds_are_the_least_increment_that_holds_the_call(seconds: Decimal, rate: Terms) -> None:
    rounded = round_duration(seconds, rate.duration_rounding)
    billed = billed_seconds(seconds, rate)
    assert abs(rounded - seconds) < 1
    if not rounded:
        assert billed == 0
        return
    assert billed >= max(rounded, rate.minimum_seconds)
    assert (billed - rate.minimum_seconds) % rate.pulse_seconds == 0
    assert billed == rate.minimum_seconds or billed - rate.pulse_seconds < rounded


@given(st.integers(0, 10**7), any_terms)
def test_the_charge_is_the_exact_price_rounded_once(billed: int, rate: Terms) -> None:
    exact = Fraction(rate.connection_fee) + Fraction(rate.rate_per_minute) * billed / 60 if billed else 0
    got = charge_of_billed(billed, rate)
    assert -got.as_tuple().exponent == rate.cost_places
    off = (Fraction(got) - exact) * 10**rate.cost_places
    half = Fraction(1, 2)
    within = {"up": 0 <= off < 1, "down": -1 < off <= 0, "half_up": -half < off <= half}
    assert within.get(rate.cost_rounding, -half <= off < half)


@given(durations, durations, any_terms)
def test_a_longer_call_never_costs_less(one: Decimal, other: Decimal, rate: Terms) -> None:
    short, long = sorted((one, other))
    assert charge(short, rate) <= charge(long, rate)


@given(durations, any_terms)
def test_the_steps_end_at_the_charge(seconds: Decimal, rate: Terms) -> None:
    assert Decimal(explain(seconds, rate)[-1].value) == charge(seconds, rate)
