"""The lists of providers, of rate cards, and of the rates of one card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from dashboard.extensions import db
from dashboard.models import Customer, Provider, Rate, RateCard, RateRevision, Staff
from dashboard.models.rate import CARD_KINDS, PROVIDER_STATUSES, ROUNDINGS
from dashboard.queries.list_filters import Filter
from dashboard.queries.listing import Column, Listing, State, Tab, key_filter

REVISIONS_SHOWN = 30


def search_providers(words: str) -> Sequence[Select[Any]]:
    trunks = func.array_to_string(Provider.trunks, ",")
    return [
        select(Provider.id).where(Provider.name.icontains(words, autoescape=True)),
        select(Provider.id).where(trunks.icontains(words, autoescape=True)),
    ]


def _card_of_provider() -> ColumnElement[Any]:
    found = select(RateCard.name).where(RateCard.provider_id == Provider.id)
    return found.correlate(Provider).scalar_subquery()


PROVIDERS = Listing(
    model=Provider,
    columns=(
        Column("name", "Name", Provider.name, sortable=True, filterable=True),
        Column(
            "status",
            "Status",
            Provider.status,
            kind="choice",
            choices=PROVIDER_STATUSES,
            filterable=True,
            badge=True,
            editable="status",
        ),
        Column("currency", "Currency", Provider.currency, filterable=True),
        Column("trunks", "Trunks", Provider.trunks, kind="tags"),
        Column("rate_card", "Rate Card", _card_of_provider(), nullable=True, blank="None"),
        Column("created_at", "Created", Provider.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", Provider.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="name",
    search=search_providers,
    search_hint="Name or trunk",
    tabs=(
        Tab("active", "Active", lambda: Provider.status == "active"),
        Tab("inactive", "Inactive", lambda: Provider.status == "inactive"),
        Tab("all", "All", lambda: None),
    ),
)


def _sold_to() -> ColumnElement[int]:
    """How many customers are charged by the card."""
    found = select(func.count(Customer.id)).where(Customer.rate_card_id == RateCard.id)
    return found.correlate(RateCard).scalar_subquery()


def _latest() -> ColumnElement[dt.datetime]:
    found = select(func.max(RateRevision.valid_from)).where(RateRevision.rate_card_id == RateCard.id)
    return found.correlate(RateCard).scalar_subquery()


def _owner() -> ColumnElement[Any]:
    customer = select(Customer.name).where(Customer.id == RateCard.customer_id)
    provider = select(Provider.name).where(Provider.id == RateCard.provider_id)
    return func.coalesce(
        customer.correlate(RateCard).scalar_subquery(), provider.correlate(RateCard).scalar_subquery()
    )


def search_cards(words: str) -> Sequence[Select[Any]]:
    customers = select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
    providers = select(Provider.id).where(Provider.name.icontains(words, autoescape=True))
    return [
        select(RateCard.id).where(RateCard.name.icontains(words, autoescape=True)),
        select(RateCard.id).where(RateCard.customer_id.in_(customers)),
        select(RateCard.id).where(RateCard.provider_id.in_(providers)),
    ]


CARDS = Listing(
    model=RateCard,
    columns=(
        Column("name", "Name", RateCard.name, sortable=True, filterable=True),
        Column("kind", "For", RateCard.kind, kind="choice", choices=CARD_KINDS, filterable=True),
        Column("owner", "Customer or Provider", _owner(), nullable=True),
        key_filter("customer", "Customer", RateCard.customer_id),
        Column("customer_name", "Customer", _owner(), nullable=True, hidden=True, exported=False),
        Column("currency", "Currency", RateCard.currency, filterable=True),
        Column("sold_to", "Customers", _sold_to(), kind="number"),
        Column("latest", "Latest Rates From", _latest(), kind="moment", nullable=True, blank="No rates yet"),
        Column("minimum_seconds", "MCD", RateCard.minimum_seconds, kind="number", hidden=True),
        Column("pulse_seconds", "Pulse", RateCard.pulse_seconds, kind="number", hidden=True),
        Column(
            "duration_rounding",
            "Duration Rounding",
            RateCard.duration_rounding,
            kind="choice",
            choices=ROUNDINGS,
            hidden=True,
        ),
        Column(
            "cost_rounding",
            "Cost Rounding",
            RateCard.cost_rounding,
            kind="choice",
            choices=ROUNDINGS,
            hidden=True,
        ),
        Column("cost_places", "Cost Precision", RateCard.cost_places, kind="number", hidden=True),
        Column("created_at", "Created", RateCard.created_at, kind="moment", filterable=True, hidden=True),
        Column("id", "Record", RateCard.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="name",
    search=search_cards,
    search_hint="Card, customer or provider",
    tabs=(
        Tab("sell", "For customers", lambda: RateCard.kind == "sell"),
        Tab("account", "Customers' own", lambda: RateCard.kind == "account"),
        Tab("cost", "Providers'", lambda: RateCard.kind == "cost"),
        Tab("all", "All", lambda: None),
    ),
)


# The rates of a card ------------------------------------------------------------------------------


def _superseded() -> ColumnElement[bool]:
    """A later row of the same prefix holds by now."""
    later = aliased(Rate)
    return (
        select(literal_column("1"))
        .where(
            later.rate_card_id == Rate.rate_card_id,
            later.prefix == Rate.prefix,
            later.valid_from > Rate.valid_from,
            later.valid_from <= func.now(),
        )
        .correlate(Rate)
        .exists()
    )


def in_force_now() -> ColumnElement[bool]:
    return and_(Rate.valid_from <= func.now(), Rate.withdrawn.is_(False), ~_superseded())


def to_come() -> ColumnElement[bool]:
    return Rate.valid_from > func.now()


def past() -> ColumnElement[bool]:
    return and_(Rate.valid_from <= func.now(), or_(_superseded(), Rate.withdrawn.is_(True)))


def _joined(statement: Select[Any]) -> Select[Any]:
    return statement.join(RateCard, RateCard.id == Rate.rate_card_id)


RATES = Listing(
    model=Rate,
    columns=(
        Column("prefix", "Prefix", Rate.prefix, sortable=True, filterable=True),
        Column("destination", "Destination", Rate.destination, filterable=True),
        Column(
            "rate_per_minute",
            "Rate per Minute",
            Rate.rate_per_minute,
            kind="number",
            price=True,
            filterable=True,
        ),
        Column("connection_fee", "Connection Fee", Rate.connection_fee, kind="number", price=True),
        Column(
            "minimum_seconds", "MCD", func.coalesce(Rate.minimum_seconds, RateCard.minimum_seconds), "number"
        ),
        Column("pulse_seconds", "Pulse", func.coalesce(Rate.pulse_seconds, RateCard.pulse_seconds), "number"),
        Column("valid_from", "From", Rate.valid_from, kind="moment", filterable=True),
        Column("withdrawn", "Withdrawn", Rate.withdrawn, kind="flag", filterable=True, hidden=True),
        Column("currency", "Currency", RateCard.currency, hidden=True),
        key_filter("rate_card", "Rate Card", Rate.rate_card_id),
        Column("rate_card_name", "Rate Card", RateCard.name, hidden=True),
        Column("revision", "Revision", Rate.revision_id, kind="number", filterable=True, hidden=True),
        Column("id", "Record", Rate.id, kind="number", hidden=True, exported=False),
    ),
    default_sort="prefix",
    joined=_joined,
    tabs=(
        Tab("current", "In force", in_force_now),
        Tab("future", "To come", to_come),
        Tab("past", "Past", past),
        Tab("all", "All", lambda: None),
    ),
)


def held_to(state: State, card_id: int) -> State:
    """The rates of one card; what is searched for is a prefix or the beginning of a destination."""
    own = Filter("rate_card", "is", str(card_id), "key", (card_id,))
    others = tuple(one for one in state.filters if one.column != "rate_card")
    pinned = [*state.pinned, Rate.rate_card_id == card_id]
    if state.search:
        pinned.append(_found(state.search))
    return replace(state, filters=(own, *others), pinned=tuple(pinned))


def _found(words: str) -> ColumnElement[bool]:
    number = words.replace(" ", "").removeprefix("+")
    if number.isascii() and number.isdigit():
        return Rate.prefix.startswith(number, autoescape=True)
    return func.lower(Rate.destination).startswith(words.lower(), autoescape=True)


@dataclass(frozen=True)
class Revision:
    """Rates that came in together, as the card's page shows them."""

    id: int
    valid_from: dt.datetime
    source: str
    whole: bool
    rates: int
    created_at: dt.datetime
    by: str | None
    coming: bool


def revisions(card_id: int) -> list[Revision]:
    """The card's latest revisions, those to come first."""
    rows = db.session.execute(
        select(
            RateRevision.id,
            RateRevision.valid_from,
            RateRevision.source,
            RateRevision.whole,
            RateRevision.rates,
            RateRevision.created_at,
            Staff.name,
            RateRevision.valid_from > func.now(),
        )
        .outerjoin(Staff, Staff.id == RateRevision.created_by)
        .where(RateRevision.rate_card_id == card_id)
        .order_by(RateRevision.valid_from.desc(), RateRevision.id.desc())
        .limit(REVISIONS_SHOWN)
    )
    return [Revision(*row) for row in rows]


def counts(card_id: int) -> dict[str, int]:
    """How many rates of the card are in force, and how many are to come."""
    row = db.session.execute(
        select(
            func.count().filter(in_force_now()).label("current"),
            func.count().filter(to_come()).label("future"),
        ).where(Rate.rate_card_id == card_id)
    ).one()
    return dict(row._mapping)


def buyers(card_id: int, most: int = 20) -> tuple[list[Customer], int]:
    """The first customers charged by the card, and how many there are."""
    found = db.session.scalars(
        select(Customer)
        .where(Customer.rate_card_id == card_id)
        .order_by(Customer.name, Customer.id)
        .limit(most)
    ).all()
    count = db.session.scalar(select(func.count()).where(Customer.rate_card_id == card_id)) or 0
    return list(found), count
