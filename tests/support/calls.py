"""Rate cards and calls for tests, put into the books by the very code that loads files of usage."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from dashboard.extensions import db
from dashboard.models import Customer, Provider, Rate, RateCard, RateRevision, UsageRule
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.usage_ledger import Counts, load_calls

LONG_AGO = "2020-01-01T00:00:00Z"


def moment(text: str | dt.datetime) -> dt.datetime:
    """ISO; without an offset it is UTC."""
    found = dt.datetime.fromisoformat(text) if isinstance(text, str) else text
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def make_provider(name: str = "Example Carrier", currency: str = "USD", **values: Any) -> Provider:
    return _added(Provider(name=name, currency=currency, **values))


def make_rule(customer: Customer, kind: str, value: str) -> UsageRule:
    """A rule as it stands in the books; calls that wait are not taken up."""
    return _added(UsageRule(customer_id=customer.id, kind=kind, value=value))


def make_card(
    name: str = "Example Rates",
    currency: str = "USD",
    *,
    rates: Mapping[str, Any] | None = None,
    sold_to: Customer | None = None,
    valid_from: str = LONG_AGO,
    **values: Any,
) -> RateCard:
    """A card with its rates; `sold_to` makes it the customer's card. `kind="account", customer_id=...` makes
    a customer's own, `kind="cost", provider_id=...` a provider's."""
    card = _added(RateCard(name=name, currency=currency, **values))
    if rates:
        add_rates(card, rates, valid_from=valid_from)
    if sold_to is not None:
        sold_to.rate_card_id = card.id
        db.session.commit()
    return card


def add_rates(
    card: RateCard, rates: Mapping[str, Any], *, valid_from: str = LONG_AGO, whole: bool = False
) -> RateRevision:
    """`{"44": "0.0100"}`, or the values of a rate by name: `{"44": {"rate_per_minute": "0.01",
    "connection_fee": "0.05", "destination": "United Kingdom", "withdrawn": True}}`."""
    start = moment(valid_from)
    revision = _added(RateRevision(rate_card_id=card.id, valid_from=start, whole=whole, rates=len(rates)))
    for prefix, given in rates.items():
        values = dict(given) if isinstance(given, Mapping) else {"rate_per_minute": given}
        for price in ("rate_per_minute", "connection_fee"):
            values[price] = Decimal(values.get(price, 0))
        values = {"destination": f"Destination {prefix}", **values}
        row = Rate(rate_card_id=card.id, revision_id=revision.id, prefix=prefix, valid_from=start, **values)
        db.session.add(row)
    db.session.commit()
    return revision


def load(
    customer: Customer | None, calls: Iterable[tuple[Any, ...]], *, ids: str = "test", **more: Any
) -> Counts:
    """Calls as (start, number, seconds) or (start, number, seconds, {further values}); `more` holds for all.

    Such values are `result`, `source`, `account_code`, `trunk`, `provider_name`, `destination`, `charge`,
    `cost`, `line`, `unique_id`. The same call loaded twice is the same call, unless `unique_id` or `ids`
    differ. Without a customer the rules find it.
    """
    rows = [_row(customer, call, ids, more) for call in calls]
    with unit_of_work(SYSTEM):
        counts = load_calls(rows)
    db.session.expire_all()
    return counts


def _row(
    customer: Customer | None, call: tuple[Any, ...], ids: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    start, number, seconds, *rest = call
    row: dict[str, Any] = {"result": "answered", **more, **(rest[0] if rest else {})}
    unique = row.pop("unique_id", None) or f"{ids}|{customer and customer.id}|{start}|{number}|{seconds}"
    row["identity"] = uuid.UUID(hashlib.md5(unique.encode(), usedforsecurity=False).hexdigest())
    row.update(started_at=moment(start), number=str(number), duration=Decimal(str(seconds)))
    row["customer_id"] = customer.id if customer is not None else None
    return row


def _added(record: Any) -> Any:
    db.session.add(record)
    db.session.commit()
    return record
