"""What a call costs: duration rounding, minimum and pulse, then fee and rate, each call by itself.

Everything is exact until the card's rounding: durations and prices become whole numbers of their
smallest part, and the one division (by 60 seconds) happens in the rounding.
`operations/usage_rating_sql.py` says the same in SQL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from dashboard.rules.money import plain

Mode = Literal["up", "down", "half_up", "half_down"]
MODES: Final[dict[str, str]] = {
    "up": "up",
    "down": "down",
    "half_up": "to the nearest, halves up",
    "half_down": "to the nearest, halves down",
}


@dataclass(frozen=True)
class Terms:
    """A rate with everything that its card adds: per-minute price, fee a call, MCD and pulse in seconds."""

    rate_per_minute: Decimal
    connection_fee: Decimal
    minimum_seconds: int
    pulse_seconds: int
    duration_rounding: str
    cost_rounding: str
    cost_places: int


@dataclass(frozen=True)
class Step:
    """One line of the arithmetic: what it is, how it is worked out, what comes of it."""

    label: str
    formula: str
    value: str


def round_duration(seconds: Decimal, mode: str) -> int:
    """Whole seconds of a duration (cases 3 and 4). ValueError below zero or for an unknown mode."""
    return _divided(*seconds.as_integer_ratio(), mode)


def billed_seconds(seconds: Decimal, terms: Terms) -> int:
    """Seconds that are charged (cases 1, 2 and 6): the minimum, then whole pulses. Nothing for 0 s."""
    rounded = round_duration(seconds, terms.duration_rounding)
    if rounded == 0:
        return 0
    over = max(0, rounded - terms.minimum_seconds)
    return terms.minimum_seconds + -(-over // terms.pulse_seconds) * terms.pulse_seconds


def charge(seconds: Decimal, terms: Terms) -> Decimal:
    """Price of a connected call of so many seconds; 0 for a call of 0 s, whatever the connection fee."""
    return charge_of_billed(billed_seconds(seconds, terms), terms)


def charge_of_billed(billed: int, terms: Terms) -> Decimal:
    """Fee and rate for seconds that are rounded to increments already; `cost_places` decimals."""
    if billed < 0:
        raise ValueError("A duration cannot be below 0.")
    zero = Decimal(0).scaleb(-terms.cost_places)
    if billed == 0:
        return zero
    above, below = _exact(billed, terms)
    units = _divided(above * 10**terms.cost_places, below, terms.cost_rounding)
    return Decimal(f"{units}E-{terms.cost_places}")


def explain(seconds: Decimal, terms: Terms) -> list[Step]:
    """The arithmetic of `charge`, line by line, as it is shown to staff."""
    rounded = round_duration(seconds, terms.duration_rounding)
    billed = billed_seconds(seconds, terms)
    steps = [
        Step("Duration", f"{plain(seconds)} s, rounded {MODES[terms.duration_rounding]}", f"{rounded} s"),
        Step("Billed duration", _increments(rounded, terms), f"{billed} s"),
    ]
    if billed:
        steps.append(Step("Price before rounding", _formula(billed, terms), _shown(billed, terms)))
    result = charge_of_billed(billed, terms)
    places = f"{terms.cost_places} decimal" + ("" if terms.cost_places == 1 else "s")
    how = f"rounded {MODES[terms.cost_rounding]} at {places}" if billed else "nothing to charge"
    return [*steps, Step("Charge", how, f"{result:f}")]


def _increments(rounded: int, terms: Terms) -> str:
    least, pulse = terms.minimum_seconds, terms.pulse_seconds
    if rounded == 0:
        return "no seconds, so neither the minimum nor a fee"
    if rounded <= least:
        return f"minimum (MCD) of {least} s"
    pulses = -(-(rounded - least) // pulse)
    return f"minimum (MCD) {least} s + {pulses} x pulse of {pulse} s"


def _formula(billed: int, terms: Terms) -> str:
    minutes = f"{plain(terms.rate_per_minute)} x {billed} / 60"
    return f"{plain(terms.connection_fee)} + {minutes}" if terms.connection_fee else minutes


def _shown(billed: int, terms: Terms) -> str:
    """The exact price where ten decimals hold it, else its first ten and dots."""
    above, below = _exact(billed, terms)
    units, rest = divmod(above * 10**10, below)
    price = plain(Decimal(f"{units}E-10"))
    return f"{price}..." if rest else price


def _exact(billed: int, terms: Terms) -> tuple[int, int]:
    """fee + rate x billed / 60 as a fraction of whole numbers."""
    fee, fee_part = terms.connection_fee.as_integer_ratio()
    rate, rate_part = terms.rate_per_minute.as_integer_ratio()
    return fee * 60 * rate_part + rate * billed * fee_part, 60 * fee_part * rate_part


_ROUNDED: Final[dict[str, Callable[[int, int], int]]] = {
    "up": lambda above, below: -(-above // below),
    "down": lambda above, below: above // below,
    "half_up": lambda above, below: (2 * above + below) // (2 * below),
    "half_down": lambda above, below: -((below - 2 * above) // (2 * below)),
}


def _divided(above: int, below: int, mode: str) -> int:
    """above / below as a whole number, by the mode."""
    if above < 0:
        raise ValueError("A duration or price cannot be below 0.")
    if mode not in _ROUNDED:
        raise ValueError(f"There is no rounding {mode!r}.")
    return _ROUNDED[mode](above, below)
