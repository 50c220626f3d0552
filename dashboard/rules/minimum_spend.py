"""Minimum spend: what a customer's spend falls short of what it promised."""

from decimal import Decimal

from dashboard.rules.money import EXACT


def shortfall(minimum: Decimal, spent: Decimal) -> Decimal:
    """Retail 50 and spent 25 come to 25; spent 50 or more to nothing (case 5)."""
    short = EXACT.subtract(minimum, spent)
    return max(short, Decimal(0)) if minimum > 0 else Decimal(0)
