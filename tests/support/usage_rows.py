"""Calls and their ledger as rows, put there without the import: for tests of what is read from them."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import text

from dashboard.extensions import db
from dashboard.models import Customer, Provider, UsageDay, UsageRecord

DESTINATIONS = ("United Kingdom - Mobile", "United States", "Spain", "=1+1 Land", "Île de Ré")
RESULTS = ("answered", "answered", "answered", "no_answer", "busy", "failed")


def make_provider(name: str = "Example Carrier", currency: str = "USD") -> Provider:
    made = Provider(name=name, currency=currency)
    db.session.add(made)
    db.session.flush()
    return made


def ensure_months(*days: dt.date) -> None:
    for month in {day.replace(day=1) for day in days}:
        db.session.execute(text("SELECT ensure_usage_month(:month)"), {"month": month})


def put_call(
    customer: Customer,
    started_at: dt.datetime,
    *,
    seconds: str = "60",
    charge: str | None = "0.01",
    cost: str = "0.005",
    destination: str = DESTINATIONS[0],
    provider: Provider | None = None,
    result: str = "answered",
    number: str = "447700900123",
) -> UsageRecord:
    """One call, added to its day of the ledger; without a charge it is unrated."""
    ensure_months(started_at.astimezone(dt.UTC).date())
    answered = result == "answered"
    rated = charge is not None or not answered
    day = _day(customer, started_at, destination, provider, rated)
    record = UsageRecord(
        identity=uuid.uuid4(),
        customer_id=customer.id,
        usage_day_id=day.id,
        started_at=started_at,
        number=number,
        source="15550100",
        destination=destination,
        provider_id=provider.id if provider else None,
        provider_destination=destination if provider else "",
        result=result,
        rating="rated" if rated else "unrated",
        duration=Decimal(seconds) if answered else Decimal(0),
        billed_duration=int(Decimal(seconds)) if answered and rated else 0,
        rate_per_minute=Decimal("0.01") if rated else None,
        charge=(Decimal(charge or 0) if answered else Decimal(0)) if rated else None,
        cost=Decimal(cost) if answered and provider else None,
    )
    db.session.add(record)
    day.attempts += 1
    day.connected += 1 if answered else 0
    day.duration += record.duration
    day.billed_duration += record.billed_duration
    day.charge += record.charge or 0
    day.cost += record.cost or 0
    db.session.flush()
    return record


def _day(
    customer: Customer, started_at: dt.datetime, destination: str, provider: Provider | None, rated: bool
) -> UsageDay:
    zone = ZoneInfo(customer.time_zone or "UTC")
    key = {
        "customer_id": customer.id,
        "day": started_at.astimezone(zone).date(),
        "destination": destination,
        "provider_id": provider.id if provider else None,
        "provider_destination": destination if provider else "",
        "rated": rated,
    }
    newest = db.session.query(UsageDay).filter_by(**key).order_by(UsageDay.batch.desc()).first()
    if newest is not None and newest.invoice_item_id is None:
        return newest
    zero = Decimal(0)
    made = UsageDay(
        **key,
        batch=newest.batch + 1 if newest else 1,
        attempts=0,
        connected=0,
        duration=zero,
        billed_duration=0,
        charge=zero,
        cost=zero,
    )
    db.session.add(made)
    db.session.flush()
    return made


def put_random(
    customers: list[Customer], providers: list[Provider | None], count: int, seed: int, until: dt.datetime
) -> list[UsageRecord]:
    """Calls of all kinds over the ninety days before `until`."""
    chance = random.Random(seed)
    return [
        put_call(
            chance.choice(customers),
            until - dt.timedelta(seconds=chance.randint(0, 90 * 86_400)),
            seconds=str(Decimal(chance.randint(1, 3_600_000)) / 1000),
            charge=None if chance.random() < 0.1 else str(Decimal(chance.randint(0, 99_999)) / 10_000),
            cost=str(Decimal(chance.randint(0, 9_999_999)) / 1_000_000),
            destination=chance.choice(DESTINATIONS),
            provider=chance.choice(providers),
            result=chance.choice(RESULTS),
            number=chance.choice(("447700900123", "12025550123", "34600000000", "anonymous")),
        )
        for _ in range(count)
    ]
