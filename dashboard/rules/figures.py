"""The figures of a sum of calls: ASR, ACD, profit. Averages follow from sums, never from averages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_PLACES: Final = Decimal("0.01")
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Figures:
    """Durations in seconds; `charge` and `cost` exact, each in one currency.

    `cost` is None where it is in another currency than the charge, or in several: then there is no profit.
    """

    attempts: int = 0
    connected: int = 0
    duration: Decimal = Decimal(0)
    billed_duration: int = 0
    charge: Decimal = Decimal(0)
    cost: Decimal | None = Decimal(0)

    @property
    def asr(self) -> Decimal | None:
        """Answered of a hundred attempts (answer seizure ratio), at two decimals."""
        return _percent(Decimal(self.connected), Decimal(self.attempts))

    @property
    def acd(self) -> Decimal | None:
        """Mean seconds of a connected call, at two decimals."""
        if not self.connected:
            return None
        return _rounded(_WIDE.divide(self.duration, Decimal(self.connected)))

    @property
    def profit(self) -> Decimal | None:
        return None if self.cost is None else _WIDE.subtract(self.charge, self.cost)

    @property
    def profit_percent(self) -> Decimal | None:
        """Profit of a hundred charged, at two decimals; None where nothing was charged."""
        return None if self.profit is None else _percent(self.profit, self.charge)

    def __add__(self, other: Figures) -> Figures:
        known = self.cost is not None and other.cost is not None
        return Figures(
            self.attempts + other.attempts,
            self.connected + other.connected,
            _WIDE.add(self.duration, other.duration),
            self.billed_duration + other.billed_duration,
            _WIDE.add(self.charge, other.charge),
            _WIDE.add(self.cost or Decimal(0), other.cost or Decimal(0)) if known else None,
        )


def total(parts: Iterable[Figures]) -> Figures:
    """The sum; the caller sees to it that all are in one currency."""
    found = Figures()
    for part in parts:
        found = found + part
    return found


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return _rounded(_WIDE.divide(part * 100, whole)) if whole else None


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_PLACES, context=_WIDE)


def clock(seconds: Decimal | int) -> str:
    """Seconds as hours, minutes and whole seconds: 1:02:03; under an hour 2:03."""
    whole = int(Decimal(seconds).to_integral_value(ROUND_HALF_UP))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
