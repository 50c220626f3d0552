"""Prices by days: what a part of a span costs, and how that is written on a line."""

from datetime import date
from decimal import Decimal

from dashboard.rules.money import EXACT, exponent, round_to
from dashboard.rules.tax import round_ratio

# A unit price keeps so many decimals.
PRICE_PLACES = 6


def prorate(amount: Decimal, days: int, of_days: int, places: int) -> Decimal:
    """amount x days / of_days, rounded half-up away from zero once (case 15)."""
    if of_days < 1 or not 0 <= days <= of_days:
        raise ValueError("The days of a part must lie between none and all.")
    top, bottom = amount.as_integer_ratio()
    units = round_ratio(top * days * 10**places, bottom * of_days)
    return EXACT.scaleb(Decimal(units), -places)


def priced(
    quantity: Decimal, price: Decimal, days: int, of_days: int, currency: str
) -> tuple[Decimal, Decimal, Decimal]:
    """(quantity, unit price, amount) of a line for so many days, where quantity x unit price is the amount.

    The amount is rounded once, from the exact product. Where a prorated unit price of six decimals would miss
    it, the line is one of the whole amount.
    """
    places = exponent(currency)
    amount = prorate(EXACT.multiply(quantity, price), days, of_days, places)
    unit = price if days == of_days else prorate(price, days, of_days, PRICE_PLACES)
    if round_to(EXACT.multiply(quantity, unit), places) == amount:
        return quantity, unit, amount
    return Decimal(1), amount, amount


def prorate_seconds(seconds: int, days: int, of_days: int) -> int:
    """Free seconds of a part of a span; a second begun counts."""
    return -(-seconds * days // of_days)


def uncovered(start: date, end: date, covered: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """What of [start, end) lies in none of the half-open spans `covered`."""
    left: list[tuple[date, date]] = []
    for begun, ended in sorted(covered):
        if begun > start:
            left.append((start, min(begun, end)))
        start = max(start, ended)
        if start >= end:
            break
    if start < end:
        left.append((start, end))
    return [(begun, ended) for begun, ended in left if begun < ended]
