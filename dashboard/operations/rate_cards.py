"""Rate cards: for whom they are, in which currency, and how calls are rounded by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from dashboard.models import Customer, Provider, Rate, RateCard, UsageRecord
from dashboard.models.rate import CARD_KINDS, ROUNDINGS
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused

LONGEST_INCREMENT = 86_400

CHECKS: dict[str, checks.Check] = {
    "name": checks.text(120, required=True),
    "kind": checks.choice(CARD_KINDS),
    "currency": checks.currency,
    "customer_id": checks.key,
    "provider_id": checks.key,
    "duration_rounding": checks.choice(ROUNDINGS),
    "cost_rounding": checks.choice(ROUNDINGS),
    "cost_places": checks.whole(0, 6, required=True),
    "minimum_seconds": checks.whole(0, LONGEST_INCREMENT, required=True),
    "pulse_seconds": checks.whole(1, LONGEST_INCREMENT, required=True),
    "notes": checks.long_text(),
}
# What a call's arithmetic follows from: fixed once calls were rated by the card, to explain them by.
TERMS = {
    "kind": "what it is for",
    "currency": "its currency",
    "customer_id": "its customer",
    "provider_id": "its provider",
    "duration_rounding": "duration rounding",
    "cost_rounding": "cost rounding",
    "cost_places": "cost precision",
    "minimum_seconds": "MCD",
    "pulse_seconds": "pulse",
}
USUAL = {
    "kind": "sell",
    "duration_rounding": "up",
    "cost_rounding": "half_up",
    "cost_places": 4,
    "minimum_seconds": 1,
    "pulse_seconds": 1,
}


@operation("rate.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> RateCard:
    """A card without rates yet. That of one customer or a provider takes its currency if none is given."""
    file = once(actor, form_key)
    taken = checks.read(_with_currency(values), CHECKS, required=("name", "currency"))
    card = RateCard(**{**USUAL, **taken})
    _settle_owner(card)
    _check_together(card)
    session().add(card)
    session().flush()
    file(f"rate_card:{card.id}")
    return card


@operation("rate.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> RateCard:
    taken = checks.read(values, CHECKS)
    card = fetch(RateCard, key, "rate card", lock=True)
    check_version(card, version)
    before = {name: getattr(card, name) for name in TERMS}
    for name, value in taken.items():
        setattr(card, name, value)
    _settle_owner(card)
    changed = [name for name in TERMS if getattr(card, name) != before[name]]
    with session().no_autoflush:
        _check_change(card, changed)
        _check_together(card)
    session().flush()
    return card


@operation("rate.write")
def delete(actor: Actor, key: int) -> None:
    card = fetch(RateCard, key, "rate card", lock=True)
    sold = _sold_to(key)
    if sold:
        raise Refused(
            f"{sold:,} {'customer is' if sold == 1 else 'customers are'} charged by {card.name}. "
            "Give them another rate card first."
        )
    if has_rated(card):
        raise Refused(f"Calls were rated by {card.name}, and their arithmetic needs it, so it stays.")
    session().delete(card)


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "rate.write")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    return session().scalar(select(RateCard.name).where(RateCard.id == key)) or f"Rate card {key}"


def has_rated(card: RateCard) -> bool:
    """Whether a call in the books was rated by this card. It may have to look through all of them."""
    rate = UsageRecord.provider_rate_id if card.kind == "cost" else UsageRecord.rate_id
    found = select(UsageRecord.id).join(Rate, Rate.id == rate).where(Rate.rate_card_id == card.id).limit(1)
    with session().no_autoflush:
        return session().scalar(found) is not None


def _sold_to(key: int) -> int:
    return session().scalar(select(func.count()).where(Customer.rate_card_id == key)) or 0


def _with_currency(values: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(values)
    if not given.get("currency"):
        owners: tuple[tuple[str, type[Any]], ...] = (("customer_id", Customer), ("provider_id", Provider))
        for name, model in owners:
            owner = session().get(model, _key(given.get(name)))
            if owner is not None:
                given["currency"] = owner.currency
    return given


def _key(value: Any) -> int:
    """The key given, or that of no record: what is wrong with it is said at its field."""
    try:
        return checks.key(value) or 0
    except ValueError:
        return 0


def _settle_owner(card: RateCard) -> None:
    """A card keeps only the owner that its kind has."""
    if card.kind != "account":
        card.customer_id = None
    if card.kind != "cost":
        card.provider_id = None


def _check_change(card: RateCard, changed: list[str]) -> None:
    if changed and has_rated(card):
        raise Invalid(
            {
                name: f"Calls were rated by this card, so {TERMS[name]} is fixed. Make another card for new "
                "terms, or give MCD and pulse with new rates."
                for name in changed
            }
        )
    sold = _sold_to(card.id) if {"kind", "currency"} & set(changed) else 0
    if sold:
        many = "1 customer is" if sold == 1 else f"{sold:,} customers are"
        raise Invalid(
            {name: f"{many} charged by this card." for name in ("kind", "currency") if name in changed}
        )


def _check_together(card: RateCard) -> None:
    """What one value alone does not show."""
    errors: dict[str, str] = {}
    with session().no_autoflush:
        if card.kind == "account":
            errors.update(_owner_faults(card, "customer_id", Customer, "customer"))
        if card.kind == "cost":
            errors.update(_owner_faults(card, "provider_id", Provider, "provider"))
        twin = session().scalar(
            select(RateCard.id).where(
                func.lower(RateCard.name) == card.name.lower(), RateCard.id.is_distinct_from(card.id)
            )
        )
        if twin is not None:
            errors["name"] = f"There is already a rate card called {card.name}."
    if errors:
        raise Invalid(errors)


def _owner_faults(card: RateCard, field: str, model: type[Any], noun: str) -> dict[str, str]:
    owner = session().get(model, getattr(card, field) or 0)
    if owner is None:
        return {field: f"Choose the {noun} that the card is for."}
    if owner.currency != card.currency:
        return {"currency": f"{owner.name} is in {owner.currency}, so its card must be too."}
    other = session().scalar(
        select(RateCard.name).where(
            getattr(RateCard, field) == owner.id, RateCard.id.is_distinct_from(card.id)
        )
    )
    return {field: f"{owner.name} already has a card of its own, {other}."} if other else {}
