"""The demo's rate cards, carriers and calls, and the invoices that are made from them."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from dashboard.demo.calls import CARRIERS, INCREMENTS, RANGES, account_code, callers, calls
from dashboard.demo.catalogue import RATES
from dashboard.demo.companies import Company
from dashboard.demo.story import BY_SCHEDULE, month_before
from dashboard.models import Customer, Rate, RateCard, RateRevision
from dashboard.operations import providers, rate_cards, usage_rules
from dashboard.operations.base import Actor, session
from dashboard.operations.usage_ledger import load_calls
from dashboard.rules.periods import Period, periods

# The last of the periods that are over is left to whoever looks around: it is theirs to bill.
LEFT = 1


@dataclass(frozen=True)
class Cycle:
    """An invoice made from usage, on the day after its period."""

    day: dt.date
    company: Company
    period: Period


def first_day(today: dt.date) -> dt.date:
    """From here on there are calls, and schedules bill."""
    return month_before(today, BY_SCHEDULE)


def cycles(today: dt.date) -> list[Cycle]:
    """What the schedules have invoiced by now: all but the newest period of each company."""
    found: list[Cycle] = []
    for company in callers():
        over = [
            period
            for period in periods(company.schedule, first_day(today), today)
            if period.end < today and period.start >= first_day(today)
        ]
        left = over[: len(over) - LEFT] if over else []
        found += [Cycle(period.end + dt.timedelta(days=1), company, period) for period in left]
    return found


def price(dollars: Decimal, currency: str) -> Decimal:
    return (dollars * RATES[currency]).quantize(Decimal("0.000001"))


def make_cards(actor: Actor, start: dt.datetime) -> dict[str, int]:
    """A card for customers in each currency, and each carrier's own. Gives the keys of those sold."""
    found: dict[str, int] = {}
    for currency in RATES:
        card = rate_cards.create(
            actor,
            {"name": f"Standard {currency}", "currency": currency, "minimum_seconds": 1, "pulse_seconds": 1},
        )
        _fill(card, currency, start, "sell")
        found[currency] = card.id
    for currency, (name, trunk) in CARRIERS.items():
        provider = providers.create(actor, {"name": name, "currency": currency, "trunks": [trunk]})
        card = rate_cards.create(
            actor,
            {"name": f"{name} rates", "kind": "cost", "provider_id": provider.id, "currency": currency},
        )
        _fill(card, currency, start, "cost")
    return found


def _fill(card: RateCard, currency: str, start: dt.datetime, side: str) -> None:
    revision = RateRevision(
        rate_card_id=card.id, valid_from=start, source="Demo price list", whole=True, rates=len(RANGES)
    )
    session().add(revision)
    session().flush()
    for place in RANGES:
        minimum, pulse = INCREMENTS.get(place.destination, (None, None)) if side == "sell" else (None, None)
        session().add(
            Rate(
                rate_card_id=card.id,
                revision_id=revision.id,
                prefix=place.prefix,
                destination=place.destination,
                rate_per_minute=price(place.sell if side == "sell" else place.cost, currency),
                minimum_seconds=minimum,
                pulse_seconds=pulse,
                valid_from=start,
            )
        )
    session().flush()


def load_usage(actor: Actor, customers: Mapping[Company, Customer], today: dt.date) -> None:
    """Three months of calls up to yesterday."""
    for company in callers():
        values = {
            "customer_id": customers[company].id,
            "kind": "account_code",
            "value": account_code(company),
        }
        usage_rules.create(actor, values)
    load_calls(_rows(today))
    # Tables that were empty a moment ago: without this the planner still thinks so.
    session().execute(text("ANALYZE usage_record, usage_day, rate"))


def _rows(today: dt.date) -> Iterator[dict[str, Any]]:
    for line, call in enumerate(calls(first_day(today), today), start=1):
        yield {
            "line": line,
            "identity": uuid.UUID(hashlib.md5(call.unique_id.encode(), usedforsecurity=False).hexdigest()),
            "started_at": call.started,
            "account_code": call.account,
            "source": call.source,
            "number": call.number,
            "trunk": call.trunk,
            "result": call.result,
            "duration": Decimal(call.seconds),
        }
