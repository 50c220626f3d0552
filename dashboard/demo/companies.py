"""The invented customers: forty companies that nobody could take for real ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# How a company pays, over and over.
PROMPT, LATE, HALVES, LUMPS, SILENT, OVER = "prompt", "late", "halves", "lumps", "silent", "over"


@dataclass(frozen=True)
class Company:
    name: str
    currency: str
    city: str
    postcode: str
    country: str
    pays: str
    every: int = 1  # months between two invoices
    status: str = "active"
    # Those with a schedule make calls, and are invoiced for them; `calls` is their share.
    schedule: str = "none"
    calls: int = 0

    @property
    def key(self) -> str:
        return self.name.split()[0].lower()


@dataclass(frozen=True)
class Tax:
    name: str
    percent: Decimal


# By country; None takes the account's own.
TAXES: dict[str, Tax | None] = {
    "GB": None,
    "US": Tax("Sales Tax", Decimal("8.25")),
    "DE": Tax("VAT", Decimal(19)),
    "FR": Tax("VAT", Decimal(20)),
    "IE": Tax("VAT", Decimal(23)),
    "NL": Tax("VAT reverse charge", Decimal(0)),
    "ES": Tax("VAT", Decimal(21)),
    "JP": Tax("Consumption Tax", Decimal(10)),
}

TIME_ZONES = {
    "GB": "Europe/London",
    "US": "America/New_York",
    "DE": "Europe/Berlin",
    "FR": "Europe/Paris",
    "IE": "Europe/Dublin",
    "NL": "Europe/Amsterdam",
    "ES": "Europe/Madrid",
    "JP": "Asia/Tokyo",
}

COMPANIES: tuple[Company, ...] = (
    Company("Acorn Example Networks", "USD", "Boston", "02101", "US", PROMPT, schedule="monthly", calls=9),
    Company("Birch Sample Telecom", "USD", "Denver", "80201", "US", LATE, every=3),
    Company("Cedar Demo Voice", "USD", "Austin", "73301", "US", LUMPS, every=2),
    Company("Dogwood Example Calls", "USD", "Seattle", "98101", "US", HALVES, every=3),
    Company(
        "Elm Sample Carrier Services",
        "USD",
        "Chicago",
        "60601",
        "US",
        PROMPT,
        every=4,
        schedule="weekly",
        calls=14,
    ),
    Company("Fir Demo Contact Centres", "USD", "Miami", "33101", "US", SILENT, every=2, status="penalty"),
    Company("Ginkgo Example Hosting", "USD", "Portland", "97201", "US", OVER, every=2),
    Company(
        "Hazel Sample Wholesale",
        "USD",
        "Atlanta",
        "30301",
        "US",
        PROMPT,
        every=6,
        schedule="monthly",
        calls=20,
    ),
    Company("Ironwood Demo Trunks", "USD", "Phoenix", "85001", "US", LATE, every=4),
    Company("Juniper Example Resellers", "USD", "Dallas", "75201", "US", HALVES, every=3),
    Company("Katsura Sample Lines", "USD", "Detroit", "48201", "US", SILENT, every=6, status="inactive"),
    Company("Larch Demo Startups", "USD", "Boulder", "80301", "US", PROMPT, status="pending_approval"),
    Company(
        "Northwind Sample Telecom Ltd", "GBP", "London", "N1 1AA", "GB", PROMPT, schedule="monthly", calls=12
    ),
    Company("Maple Example Broadband", "GBP", "Leeds", "LS1 1AA", "GB", LATE, every=3),
    Company("Nutmeg Demo Telephony", "GBP", "Bristol", "BS1 1AA", "GB", HALVES, every=2),
    Company("Oak Sample Switchboards", "GBP", "Glasgow", "G1 1AA", "GB", LUMPS, every=2),
    Company(
        "Poplar Example Exchange",
        "GBP",
        "Cardiff",
        "CF10 1AA",
        "GB",
        PROMPT,
        every=4,
        schedule="weekly",
        calls=8,
    ),
    Company("Quince Demo Conferencing", "GBP", "Belfast", "BT1 1AA", "GB", OVER, every=4),
    Company("Rowan Sample Dialling", "GBP", "York", "YO1 1AA", "GB", SILENT, every=2, status="penalty"),
    Company(
        "Spruce Example Mobile",
        "GBP",
        "Exeter",
        "EX1 1AA",
        "GB",
        PROMPT,
        every=6,
        schedule="monthly",
        calls=6,
    ),
    Company("Teak Demo Messaging", "GBP", "Norwich", "NR1 1AA", "GB", LATE, every=4),
    Company("Umbrella Example Care Homes", "GBP", "Bath", "BA1 1AA", "GB", HALVES, every=6),
    Company("Viburnum Sample Schools", "EUR", "Berlin", "10115", "DE", PROMPT, schedule="monthly", calls=8),
    Company("Willow Demo Clinics", "EUR", "Hamburg", "20095", "DE", LATE, every=2),
    Company("Yew Example Logistics", "EUR", "Lyon", "69001", "FR", LUMPS, every=2),
    Company("Zelkova Sample Hotels", "EUR", "Nice", "06000", "FR", PROMPT, every=3),
    Company("Almond Demo Travel", "EUR", "Dublin", "D01 A0A0", "IE", HALVES, every=3),
    Company(
        "Beech Example Insurance",
        "EUR",
        "Cork",
        "T12 A0A0",
        "IE",
        PROMPT,
        every=3,
        schedule="monthly",
        calls=5,
    ),
    Company("Chestnut Sample Transit", "EUR", "Utrecht", "3511 AA", "NL", LATE, every=3),
    Company(
        "Damson Demo Interconnect",
        "EUR",
        "Rotterdam",
        "3011 AA",
        "NL",
        OVER,
        every=3,
        schedule="weekly",
        calls=10,
    ),
    Company("Elder Example Carriers", "EUR", "Valencia", "46001", "ES", SILENT, every=2),
    Company("Fig Sample Retail", "EUR", "Seville", "41001", "ES", PROMPT, every=6),
    Company("Gorse Demo Energy", "EUR", "Munich", "80331", "DE", LATE, every=6, status="inactive"),
    Company("Heather Example Studios", "EUR", "Nantes", "44000", "FR", PROMPT, status="pending_approval"),
    Company("Ivy Sample Trading", "JPY", "Osaka", "530-0001", "JP", PROMPT, schedule="monthly", calls=5),
    Company(
        "Jasmine Demo Networks", "JPY", "Nagoya", "450-0001", "JP", LATE, every=3, schedule="monthly", calls=3
    ),
    Company("Kumquat Example Systems", "JPY", "Sapporo", "060-0001", "JP", LUMPS, every=2),
    Company("Lilac Sample Calls", "JPY", "Kobe", "650-0001", "JP", PROMPT, every=3),
    Company("Mulberry Demo Voice", "JPY", "Fukuoka", "810-0001", "JP", HALVES, every=3),
    Company("Nettle Example Trunks", "JPY", "Sendai", "980-0001", "JP", SILENT, every=3),
)
