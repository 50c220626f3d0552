"""Nets, taxes and totals of an invoice's lines.

Per rate, the group's tax is rounded once (EN 16931) and shared out over its lines, so printed rows always
add up to printed totals. Everything is counted in whole units of the currency (cents), so nothing is lost on
the way. `static/js/money.js` does the same in the browser.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dashboard.rules.money import EXACT, exponent, round_to

TaxMode = Literal["per_rate", "per_line"]


@dataclass(frozen=True)
class Line:
    """`tax_percent` is 20 for 20 %; lines share a group when their tax name and percent are equal."""

    quantity: Decimal
    unit_price: Decimal
    tax_percent: Decimal
    tax_name: str = ""


@dataclass(frozen=True)
class LineTotals:
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True)
class TaxGroup:
    name: str
    percent: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True)
class Totals:
    """`lines` in the order given, `groups` in the order their first line comes."""

    lines: list[LineTotals]
    groups: list[TaxGroup]
    subtotal: Decimal
    tax: Decimal
    total: Decimal


def round_ratio(numerator: int, denominator: int) -> int:
    """The nearest whole number, halves away from zero. The denominator is positive."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def share(total: int, numerators: Sequence[int], denominator: int) -> list[int]:
    """Whole shares that add up to `total`, each less than one unit from its exact numerator / denominator.

    Largest remainder: every exact share is cut toward zero, then the units left over go to those that lost
    most, the earlier first where they lost the same. Cutting toward zero makes negated lines give negated
    shares (case 14). `total` must be the rounded sum of the exact shares.
    """
    cut = [abs(n) // denominator * (1 if n >= 0 else -1) for n in numerators]
    left = total - sum(cut)
    step = 1 if left > 0 else -1
    lost = [step * (n - c * denominator) for n, c in zip(numerators, cut, strict=True)]
    for at in sorted(range(len(cut)), key=lambda i: -lost[i])[: abs(left)]:
        cut[at] += step
    return cut


def _ratio(percent: Decimal, inclusive: bool) -> tuple[int, int]:
    """The part of a net (or, inclusive, of a gross) that is tax, as (numerator, positive denominator)."""
    if not percent.is_finite() or percent < 0:
        raise ValueError("Tax % cannot be below 0.")
    top, bottom = percent.as_integer_ratio()
    return (top, 100 * bottom + top) if inclusive else (top, 100 * bottom)


def _round_tax(amount: int, top: int, bottom: int, inclusive: bool) -> int:
    """Tax of an amount in units. Inclusive, it is the net that is rounded, and the tax is what is left."""
    if inclusive:
        return amount - round_ratio(amount * (bottom - top), bottom)
    return round_ratio(amount * top, bottom)


def _group_taxes(amounts: list[int], percent: Decimal, mode: TaxMode, inclusive: bool) -> list[int]:
    top, bottom = _ratio(percent, inclusive)
    if mode == "per_line":
        return [_round_tax(amount, top, bottom, inclusive) for amount in amounts]
    whole = _round_tax(sum(amounts), top, bottom, inclusive)
    return share(whole, [amount * top for amount in amounts], bottom)


def _units(line: Line, places: int) -> int:
    """quantity x unit price, rounded, in units of the currency."""
    amount = round_to(EXACT.multiply(line.quantity, line.unit_price), places)
    return int(EXACT.scaleb(amount, places))


def compute(
    lines: Iterable[Line], currency: str, mode: TaxMode = "per_rate", inclusive: bool = False
) -> Totals:
    """Totals of an invoice; `inclusive` means that unit prices contain the tax (cases 9 to 14).

    Always exact: subtotal = sum of line nets = sum of group nets; tax likewise; total = subtotal + tax.
    """
    if mode not in ("per_rate", "per_line"):
        raise ValueError(f"No such tax mode: {mode}")
    rows = list(lines)
    places = exponent(currency)
    amounts = [_units(row, places) for row in rows]
    members: dict[tuple[str, Decimal], list[int]] = {}
    for at, row in enumerate(rows):
        members.setdefault((row.tax_name, row.tax_percent), []).append(at)

    def money(units: int) -> Decimal:
        return EXACT.scaleb(Decimal(units), -places)

    shown: dict[int, LineTotals] = {}
    groups: list[TaxGroup] = []
    subtotal = tax = 0
    for (name, percent), at_rows in members.items():
        taxes = _group_taxes([amounts[at] for at in at_rows], percent, mode, inclusive)
        for at, line_tax in zip(at_rows, taxes, strict=True):
            net = amounts[at] - line_tax if inclusive else amounts[at]
            shown[at] = LineTotals(money(net), money(line_tax), money(net + line_tax))
        group_tax = sum(taxes)
        group_net = sum(amounts[at] for at in at_rows) - (group_tax if inclusive else 0)
        groups.append(TaxGroup(name, percent, money(group_net), money(group_tax)))
        subtotal += group_net
        tax += group_tax
    return Totals(
        [shown[at] for at in range(len(rows))], groups, money(subtotal), money(tax), money(subtotal + tax)
    )
