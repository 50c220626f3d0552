"""Single rates of a card: a new one, another price from a day on, a prefix's end. Rows are only added."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete as delete_rows
from sqlalchemy import select

from dashboard.models import Rate, RateCard, RateRevision
from dashboard.operations import checks
from dashboard.operations.base import Actor, fetch, once, operation, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.rate_cards import LONGEST_INCREMENT
from dashboard.queries import rates, settings
from dashboard.rules import money

# Above this a price is a slip of the keyboard; below it the arithmetic in SQL stays in whole numbers.
MOST_PRICE = Decimal("99999.999999")
price = checks.number(places=6, minimum=Decimal(0), maximum=MOST_PRICE)
minimum = checks.whole(0, LONGEST_INCREMENT)
pulse = checks.whole(1, LONGEST_INCREMENT)


def prefix(value: Any) -> str:
    """The digits that numbers begin with; + and 00 in front are left out."""
    found = re.sub(r"[\s().-]", "", str(value or ""))
    found = found[1:] if found.startswith("+") else found.removeprefix("00")
    if not found:
        raise ValueError("Fill in the prefix, such as 4420.")
    if not found.isascii() or not found.isdigit():
        raise ValueError("A prefix has digits only, such as 4420.")
    if len(found) > rates.LONGEST_PREFIX:
        raise ValueError(f"A prefix has at most {rates.LONGEST_PREFIX} digits.")
    return found


def _price(value: Any) -> Decimal:
    return price(value) or Decimal(0)


CHECKS: dict[str, checks.Check] = {
    "prefix": prefix,
    "destination": checks.text(120, required=True),
    "rate_per_minute": checks.number(places=6, minimum=Decimal(0), maximum=MOST_PRICE, required=True),
    "connection_fee": _price,
    "minimum_seconds": minimum,
    "pulse_seconds": pulse,
}


def start_of(day: dt.date, time: str = "") -> dt.datetime:
    """The moment on the account's clocks from which rates hold. Raises Invalid at `from_time`."""
    hour = dt.time()
    if time:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", time):
            raise Invalid({"from_time": "Write the time like 14:30."})
        hour = dt.time.fromisoformat(time)
    return dt.datetime.combine(day, hour, ZoneInfo(settings.current().time_zone)).astimezone(dt.UTC)


@operation("rate.write")
def add(
    actor: Actor,
    card_id: int,
    values: Mapping[str, Any],
    *,
    valid_from: dt.datetime,
    form_key: str | None = None,
) -> Rate:
    """A rate from that moment on: of a new prefix, or in place of what its prefix costs until then."""
    file = once(actor, form_key)
    taken = checks.read(values, CHECKS, required=("prefix", "destination", "rate_per_minute"))
    written = money.plain(taken["rate_per_minute"])
    made = _added(actor, card_id, valid_from, taken, f"{taken['prefix']} {taken['destination']}: {written}")
    file(f"rate_card:{card_id}")
    return made


@operation("rate.write")
def withdraw(
    actor: Actor, card_id: int, written: str, *, valid_from: dt.datetime, form_key: str | None = None
) -> Rate:
    """End a prefix from that moment on: calls then go by the next shorter prefix, or find no rate."""
    file = once(actor, form_key)
    try:
        wanted = prefix(written)
    except ValueError as fault:
        raise Invalid({"prefix": str(fault)}) from fault
    held = rates.in_force(card_id, wanted, valid_from)
    if held is None:
        raise Invalid({"prefix": f"There is no rate for {wanted} at that time."})
    taken = {
        "prefix": wanted,
        "destination": held.destination,
        "rate_per_minute": Decimal(0),
        "connection_fee": Decimal(0),
        "withdrawn": True,
    }
    made = _added(actor, card_id, valid_from, taken, f"{wanted} {held.destination} withdrawn")
    file(f"rate_card:{card_id}")
    return made


@operation("rate.write")
def take_back(actor: Actor, revision_id: int) -> None:
    """Remove a revision that is not in force yet."""
    revision = fetch(RateRevision, revision_id, "revision", lock=True)
    _locked(revision.rate_card_id)
    if revision.valid_from <= dt.datetime.now(dt.UTC):
        raise Refused("These rates are in force already. Add new ones with a later date instead.")
    session().execute(delete_rows(Rate).where(Rate.revision_id == revision_id))
    session().delete(revision)


def _locked(card_id: int) -> RateCard:
    """The card, held until this is done: what came in before is seen by what comes after."""
    return fetch(RateCard, card_id, "rate card", lock=True)


def _added(
    actor: Actor, card_id: int, valid_from: dt.datetime, values: Mapping[str, Any], source: str
) -> Rate:
    card = _locked(card_id)
    there = session().scalar(
        select(Rate.id).where(
            Rate.rate_card_id == card.id, Rate.prefix == values["prefix"], Rate.valid_from == valid_from
        )
    )
    if there is not None:
        raise Invalid(
            {
                "from_day": f"There is already a rate for {values['prefix']} from that very moment, and "
                "rates are never overwritten. Choose a later day or time."
            }
        )
    revision = RateRevision(
        rate_card_id=card.id, valid_from=valid_from, source=source, rates=1, created_by=actor.id
    )
    session().add(revision)
    session().flush()
    made = Rate(rate_card_id=card.id, revision_id=revision.id, valid_from=valid_from, **values)
    session().add(made)
    session().flush()
    return made
