"""The invented packages, priced in each currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.rules.money import exponent, round_money

# Units of each currency that the price list counts for one dollar.
RATES = {"USD": Decimal(1), "EUR": Decimal("0.9"), "GBP": Decimal("0.8"), "JPY": Decimal(150)}


@dataclass(frozen=True)
class Product:
    code: str
    name: str
    description: str
    retail: Decimal
    cost: Decimal
    more: dict[str, Any]

    def price(self, currency: str) -> Decimal:
        return priced(self.retail, currency)

    def values(self, currency: str) -> dict[str, Any]:
        """What the operation that makes the package takes."""
        setup = self.more.get("setup_retail")
        return {
            **self.more,
            "name": f"{self.name} {currency}",
            "description": self.description,
            "currency": currency,
            "retail": self.price(currency),
            "cost": priced(self.cost, currency),
            **({"setup_retail": priced(setup, currency)} if setup is not None else {}),
        }


def priced(dollars: Decimal, currency: str) -> Decimal:
    """At the currency's own decimals; prices under one unit keep four more."""
    amount = dollars * RATES[currency]
    if abs(amount) < 1:
        return amount.quantize(Decimal(1).scaleb(-exponent(currency) - 2))
    return round_money(amount, currency)


PRODUCTS: tuple[Product, ...] = (
    Product(
        "trunk",
        "SIP Trunk",
        "SIP trunk, per channel",
        Decimal("12.50"),
        Decimal("5.20"),
        {"frequency_match": [1]},
    ),
    Product("desk", "Hosted Desk Phone", "Hosted telephony, per seat", Decimal("9.95"), Decimal("4.10"), {}),
    Product("number", "Number Rental", "Rental of a telephone number", Decimal("1.25"), Decimal("0.35"), {}),
    Product(
        "fibre",
        "Fibre Line 500",
        "Fibre access, 500 Mbit/s",
        Decimal("59.00"),
        Decimal("31.00"),
        {"minimum_days": 365, "setup_retail": Decimal("99.00")},
    ),
    Product(
        "support",
        "Priority Support",
        "Priority support, four hours' response",
        Decimal("150.00"),
        Decimal("60.00"),
        {"minimum_spend": True, "frequency_match": [1, 15]},
    ),
    Product(
        "minutes",
        "Minutes 1000",
        "1,000 minutes to Great Britain, India and North America",
        Decimal("18.00"),
        Decimal("11.00"),
        {"type": "free_minutes", "free_minutes": 1000, "destination_prefixes": "^44|^91|^1"},
    ),
    Product(
        "watch",
        "Line Monitoring",
        "Monitoring of a line",
        Decimal("0.75"),
        Decimal("0.20"),
        {"frequency": "daily"},
    ),
    Product(
        "report",
        "Weekly Report",
        "Traffic report by week",
        Decimal("4.00"),
        Decimal("0.50"),
        {"frequency": "weekly", "frequency_match": [1]},
    ),
    Product(
        "visit",
        "Installation Visit",
        "Visit of an engineer",
        Decimal("120.00"),
        Decimal("70.00"),
        {"frequency": "once"},
    ),
)
BY_CODE = {product.code: product for product in PRODUCTS}
