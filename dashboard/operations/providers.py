"""Providers: the carriers that calls go out by, and the names a switch writes for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, or_, select

from dashboard.models import Provider, RateCard, UsageDay
from dashboard.models.rate import PROVIDER_STATUSES
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused

MOST_TRUNKS = 50
_trunk = checks.text(80)


def trunks(value: Any) -> list[str]:
    """Names of trunks, each once whatever its case, in the order given; a list, or parted by commas."""
    parts = value.split(",") if isinstance(value, str) else [str(part) for part in value or ()]
    found: dict[str, str] = {}
    for part in parts:
        name = _trunk(part)
        if name:
            found.setdefault(name.casefold(), name)
    if len(found) > MOST_TRUNKS:
        raise ValueError(f"Use at most {MOST_TRUNKS} trunks.")
    return list(found.values())


CHECKS: dict[str, checks.Check] = {
    "name": checks.text(120, required=True),
    "currency": checks.currency,
    "status": checks.choice(PROVIDER_STATUSES),
    "trunks": trunks,
    "notes": checks.long_text(),
}


@operation("provider.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Provider:
    file = once(actor, form_key)
    taken = checks.read(values, CHECKS, required=("name", "currency"))
    provider = Provider(**{"status": "active", "trunks": [], **taken})
    _check_together(provider)
    session().add(provider)
    session().flush()
    file(f"provider:{provider.id}")
    return provider


@operation("provider.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Provider:
    taken = checks.read(values, CHECKS)
    provider = fetch(Provider, key, lock=True)
    check_version(provider, version)
    if taken.get("currency", provider.currency) != provider.currency:
        held = _held_by(provider)
        if held:
            raise Invalid(
                {"currency": f"{provider.name} has {held} in {provider.currency}, so its currency is fixed."}
            )
    for name, value in taken.items():
        setattr(provider, name, value)
    _check_together(provider)
    session().flush()
    return provider


@operation("provider.write")
def delete(actor: Actor, key: int) -> None:
    provider = fetch(Provider, key, lock=True)
    held = _held_by(provider)
    if held:
        raise Refused(
            f"{provider.name} has {held}, so it can't be deleted. Set its status to Inactive instead."
        )
    session().delete(provider)


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "provider.write")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    return session().scalar(select(Provider.name).where(Provider.id == key)) or f"Provider {key}"


def _held_by(provider: Provider) -> str:
    """ "a rate card and calls", or nothing."""
    card = session().scalar(select(RateCard.id).where(RateCard.provider_id == provider.id))
    calls = session().scalar(select(UsageDay.id).where(UsageDay.provider_id == provider.id).limit(1))
    found = (card and "a rate card", calls and "calls")
    return " and ".join(str(one) for one in found if one)


def _check_together(provider: Provider) -> None:
    """A name in a record of calls must lead to one provider."""
    errors: dict[str, str] = {}
    with session().no_autoflush:
        for field, names in (("name", [provider.name]), ("trunks", provider.trunks or [])):
            for name in names:
                holder = _known_as(name, provider.id)
                if holder is not None:
                    errors[field] = f"{holder} is already known by the name “{name}”."
    if errors:
        raise Invalid(errors)


def _known_as(name: str, but: int | None) -> str | None:
    """The other provider that has this name or a trunk of it."""
    among = select(func.lower(func.unnest(Provider.trunks)).label("trunk")).correlate(Provider).subquery()
    return session().scalar(
        select(Provider.name)
        .where(
            or_(
                func.lower(Provider.name) == name.lower(),
                select(among).where(among.c.trunk == name.lower()).exists(),
            ),
            Provider.id.is_distinct_from(but),
        )
        .limit(1)
    )
