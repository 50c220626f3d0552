"""Free minutes: which seconds of which calls they take off, in the order of the calls."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from dashboard.rules.money import EXACT

# The decimals of a call's charge.
CHARGE_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Call:
    """`charge_of` gives the charge of so many billed seconds; None where the call came with its charge."""

    id: int
    billed: int
    charge: Decimal
    charge_of: Callable[[int], Decimal] | None = None


@dataclass(frozen=True)
class Use:
    """Seconds of one call that were free, and what they take off its charge (not negative)."""

    call_id: int
    seconds: int
    amount: Decimal


def use(calls: Iterable[Call], free: int) -> Iterator[Use]:
    """What `free` seconds take off the calls, in their order, until none are left (case 7).

    Free are billed seconds. What is left of a call is charged by its rate without another minimum or pulse,
    and the connection fee stays.
    """
    for call in calls:
        if free <= 0:
            return
        seconds = min(free, call.billed)
        if seconds <= 0:
            continue
        free -= seconds
        yield Use(call.id, seconds, _saved(call, seconds))


def _saved(call: Call, seconds: int) -> Decimal:
    left = call.billed - seconds
    if call.charge_of is not None:
        return max(EXACT.subtract(call.charge, call.charge_of(left)), Decimal(0))
    # A charge without a rate is shared out by seconds.
    part = EXACT.divide(EXACT.multiply(call.charge, Decimal(seconds)), Decimal(call.billed))
    return part.quantize(CHARGE_PLACES, rounding=ROUND_HALF_UP, context=EXACT)


def prefixes(written: str | None) -> list[str]:
    """The digits of prefixes such as `^44|^91|^1`."""
    return re.findall(r"[0-9]+", written or "")
