"""The invented calls of the demo: three months of them, the same on every machine.

Numbers come from the ranges that regulators keep free for films and books, so that none of them is anybody's.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from dashboard.demo.companies import COMPANIES, Company

SEED = 20261124
CALLS = 50_000


@dataclass(frozen=True)
class Range:
    """Numbers reserved for fiction: `digits` more digits follow the prefix. Prices are dollars a minute."""

    prefix: str
    digits: int
    destination: str
    sell: Decimal
    cost: Decimal
    weight: int


RANGES: tuple[Range, ...] = (
    Range("44207946", 4, "United Kingdom London", Decimal("0.0080"), Decimal("0.0031"), 14),
    Range("44161496", 4, "United Kingdom", Decimal("0.0090"), Decimal("0.0035"), 8),
    Range("447700900", 3, "United Kingdom Mobile", Decimal("0.0240"), Decimal("0.0115"), 12),
    Range("120255501", 2, "United States", Decimal("0.0060"), Decimal("0.0024"), 14),
    Range("131255501", 2, "United States", Decimal("0.0060"), Decimal("0.0024"), 8),
    Range("4930231250", 2, "Germany Berlin", Decimal("0.0100"), Decimal("0.0042"), 8),
    Range("4917139200", 2, "Germany Mobile", Decimal("0.0290"), Decimal("0.0170"), 6),
    Range("3319900", 4, "France", Decimal("0.0085"), Decimal("0.0030"), 8),
    Range("3363998", 4, "France Mobile", Decimal("0.0310"), Decimal("0.0190"), 5),
    Range("61255501", 3, "Australia", Decimal("0.0180"), Decimal("0.0090"), 4),
    Range("35320910", 4, "Ireland", Decimal("0.0120"), Decimal("0.0056"), 5),
    Range("463139006", 2, "Sweden", Decimal("0.0110"), Decimal("0.0050"), 3),
)
# Minimum and pulse in seconds of a destination's calls; the card's own elsewhere.
INCREMENTS = {"United Kingdom Mobile": (60, 6), "Germany Mobile": (30, 6), "Australia": (60, 60)}
# By the currency that each bills in, with the trunk's name; whose currency none has goes by the first.
CARRIERS = {
    "USD": ("Example Carrier One", "one"),
    "EUR": ("Sample Route Two", "two"),
    "GBP": ("Demo Trunk Three", "three"),
}
_RESULTS = ("answered",) * 78 + ("no_answer",) * 13 + ("busy",) * 6 + ("failed",) * 3
# How busy each hour of the day is.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 18, 14, 16, 18, 18, 16, 12, 8, 5, 4, 3, 2, 1)


@dataclass(frozen=True)
class Call:
    account: str
    source: str
    number: str
    started: dt.datetime
    seconds: int
    result: str
    trunk: str
    unique_id: str


def account_code(company: Company) -> str:
    """What the switch writes into the calls of a company."""
    return f"demo-{company.key}"


def callers() -> list[Company]:
    """The companies that make calls: those that are invoiced by schedule."""
    return [company for company in COMPANIES if company.schedule != "none"]


def calls(first: dt.date, until: dt.date, count: int = CALLS) -> Iterator[Call]:
    """About `count` calls of the days from `first` to the day before `until`, in no particular order."""
    days = [first + dt.timedelta(days=at) for at in range((until - first).days)]
    shares = [company.calls for company in callers()]
    for company, share in zip(callers(), shares, strict=True):
        dice = random.Random(f"{SEED} {company.name}")  # noqa: S311 - invented calls, not a secret
        wanted = count * share // sum(shares)
        weights = [(3 if day.weekday() < 5 else 1) for day in days]
        for at, day in enumerate(dice.choices(days, weights, k=wanted) if days else ()):
            yield _call(company, dice, day, at)


def _call(company: Company, dice: random.Random, day: dt.date, at: int) -> Call:
    place = dice.choices(RANGES, [one.weight for one in RANGES])[0]
    hour = dice.choices(range(24), _HOURS)[0]
    started = dt.datetime(
        day.year, day.month, day.day, hour, dice.randrange(60), dice.randrange(60), tzinfo=dt.UTC
    )
    result = dice.choice(_RESULTS)
    seconds = int(min(3600, dice.expovariate(1 / 150))) + 1 if result == "answered" else 0
    return Call(
        account=account_code(company),
        source=f"442079460{dice.randrange(1000):03}",
        number=f"{place.prefix}{dice.randrange(10**place.digits):0{place.digits}}",
        started=started,
        seconds=seconds,
        result=result,
        trunk=CARRIERS.get(company.currency, CARRIERS["USD"])[1],
        unique_id=f"demo-{company.key}-{at}",
    )
