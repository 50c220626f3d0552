"""Which rate holds for a number at a moment: the customer's own card first, then the longest prefix."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from dashboard.extensions import db
from dashboard.models import Customer, Provider, Rate, RateCard
from dashboard.queries.list_filters import digits
from dashboard.rules.destinations import place_of

LONGEST_PREFIX = 20


def dialled(text: str) -> str:
    """The digits of a number as it is matched: without + or 00 in front. ValueError in words."""
    try:
        found = digits(text.strip())
    except ValueError:
        raise ValueError("Type the number, such as +44 20 7946 0000.") from None
    if not found.isascii() or not found.isdigit() or len(found) > 40:
        raise ValueError("A number has digits only, with the country code in front.")
    return found


def destination_of(number: str) -> str:
    """What the number's destination is called where no rate says it."""
    return place_of(dialled(number))


def find(customer: Customer, number: str, at: dt.datetime) -> Rate | None:
    """The rate that a call of the customer to these digits is charged by, at that moment."""
    own = card_of_customer(customer.id)
    for card_id in (own.id if own is not None else None, customer.rate_card_id):
        found = find_in_card(card_id, number, at) if card_id is not None else None
        if found is not None:
            return found
    return None


def find_in_card(card_id: int, number: str, at: dt.datetime) -> Rate | None:
    """The card's longest prefix of these digits that is in force, as its latest row by then says it."""
    heads = [number[:size] for size in range(min(len(number), LONGEST_PREFIX) + 1)]
    latest = (
        select(Rate.id)
        .where(Rate.rate_card_id == card_id, Rate.prefix.in_(heads), Rate.valid_from <= at)
        .ext(distinct_on(Rate.prefix))
        .order_by(Rate.prefix, Rate.valid_from.desc())
    )
    return db.session.scalars(
        select(Rate)
        .options(joinedload(Rate.rate_card), joinedload(Rate.revision))
        .where(Rate.id.in_(latest), Rate.withdrawn.is_(False))
        .order_by(func.length(Rate.prefix).desc())
        .limit(1)
    ).one_or_none()


def in_force(card_id: int, prefix: str, at: dt.datetime) -> Rate | None:
    """The row of exactly this prefix that holds at the moment; None also where it is withdrawn."""
    found = db.session.scalars(
        select(Rate)
        .where(Rate.rate_card_id == card_id, Rate.prefix == prefix, Rate.valid_from <= at)
        .order_by(Rate.valid_from.desc())
        .limit(1)
    ).one_or_none()
    return found if found is not None and not found.withdrawn else None


def card_of_customer(customer_id: int) -> RateCard | None:
    """The customer's own card, whose rates go before those of the card it is sold by."""
    return db.session.scalars(select(RateCard).where(RateCard.customer_id == customer_id)).one_or_none()


@dataclass(frozen=True)
class Cards:
    """What a customer's calls are charged by: rates of its own, then the card it is sold by."""

    own: RateCard | None
    sold: RateCard | None


def cards_of(customer: Customer) -> Cards:
    sold = db.session.get(RateCard, customer.rate_card_id) if customer.rate_card_id is not None else None
    return Cards(card_of_customer(customer.id), sold)


def card_of_provider(provider_id: int) -> RateCard | None:
    return db.session.scalars(select(RateCard).where(RateCard.provider_id == provider_id)).one_or_none()


@dataclass(frozen=True)
class Cost:
    """What a provider takes: its own card's rate for the number, or none."""

    provider: Provider
    card: RateCard
    rate: Rate | None


def costs(number: str, at: dt.datetime) -> list[Cost]:
    """Every active provider that has a card, by name, with its rate for the number."""
    rows = db.session.execute(
        select(Provider, RateCard)
        .join(RateCard, RateCard.provider_id == Provider.id)
        .where(Provider.status == "active")
        .order_by(Provider.name)
        .limit(50)
    )
    return [Cost(provider, card, find_in_card(card.id, number, at)) for provider, card in rows]
