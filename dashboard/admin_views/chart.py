"""A chart of charges and profits, drawn by the server, beside a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.rules.figures import Figures
from dashboard.rules.money import format_money, round_to

WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True)
class Bar:
    """Left edge, width, top and height in the chart's own units, as attributes of a shape."""

    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True)
class Place:
    """One period: what is said of it, its charge and, inside, its profit."""

    label: str
    title: str
    charge: Bar
    profit: Bar | None
    loss: bool


@dataclass(frozen=True)
class Chart:
    places: list[Place]
    first: str
    last: str
    top: str
    bottom: str
    # Where zero is, from the top.
    zero: str
    label: str


def chart(points: Sequence[tuple[str, Figures]], currency: str) -> Chart | None:
    """From the oldest to the newest; None where there is nothing to draw."""
    charges = [figures.charge for _, figures in points]
    profits = [figures.profit for _, figures in points if figures.profit is not None]
    high = max([*charges, *profits, Decimal(0)], default=Decimal(0))
    low = min([*charges, *profits, Decimal(0)], default=Decimal(0))
    if len(points) < 2 or high == low:
        return None
    plot = _Plot(Decimal(WIDTH) / len(points), high, HEIGHT / (high - low))
    places = [
        Place(
            label=label,
            title=_title(label, figures, currency),
            charge=plot.bar(number, Decimal("0.12"), figures.charge),
            profit=None if figures.profit is None else plot.bar(number, Decimal("0.32"), figures.profit),
            loss=figures.profit is not None and figures.profit < 0,
        )
        for number, (label, figures) in enumerate(points)
    ]
    top = max(points, key=lambda point: point[1].charge)
    said = (
        f"Customer Charge and Profit from {points[0][0]} to {points[-1][0]}. The highest charge is"
        f" {format_money(top[1].charge, currency, code=True)}, {top[0]}. The table has every figure."
    )
    return Chart(
        places,
        # The day that a period begins is enough below the chart.
        points[0][0].split()[0],
        points[-1][0].split()[0],
        format_money(high, currency),
        format_money(low, currency),
        _number(high * plot.scale),
        said,
    )


def _title(label: str, figures: Figures, currency: str) -> str:
    profit = "" if figures.profit is None else f", profit {format_money(figures.profit, currency)}"
    return f"{label}: {format_money(figures.charge, currency)}{profit}"


@dataclass(frozen=True)
class _Plot:
    """How wide a place is, which value the top has, and how high one unit of money."""

    step: Decimal
    high: Decimal
    scale: Decimal

    def bar(self, number: int, inset: Decimal, value: Decimal) -> Bar:
        """`inset` is the part of the place that stays free on either side."""
        top, bottom = sorted((self.high - value, self.high))
        return Bar(
            x=_number(self.step * (number + inset)),
            width=_number(self.step * (1 - 2 * inset)),
            y=_number(top * self.scale),
            height=_number((bottom - top) * self.scale),
        )


def _number(value: Decimal) -> str:
    return f"{round_to(value, 2):f}"
