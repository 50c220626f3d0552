"""Providers, rate cards, and single rates of a card."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Provider, Rate, RateCard, RateRevision, UsageRecord
from dashboard.operations import customers, providers, rate_cards, rates
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, Refused, Stale
from dashboard.queries import rates as queries
from tests.support.books import fresh, make_customer
from tests.support.calls import load, make_card, make_provider

JULY = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
AUGUST = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)


@pytest.fixture
def card(app) -> RateCard:
    return rate_cards.create(SYSTEM, {"name": "Example Rates", "currency": "USD"})


def rate(prefix: str = "44", price: str = "0.01", **more) -> dict[str, object]:
    return {"prefix": prefix, "destination": "United Kingdom", "rate_per_minute": price, **more}


def said(refused) -> dict[str, list[str]]:
    return refused.value.errors


# Providers


def test_a_provider_is_known_by_its_trunks(app):
    made = providers.create(
        SYSTEM, {"name": "Example Carrier", "currency": "usd", "trunks": ["sip-a", " SIP-A ", "sip-b"]}
    )
    assert (made.currency, made.trunks, made.status) == ("USD", ["sip-a", "sip-b"], "active")
    changed = providers.update(SYSTEM, made.id, {"trunks": "sip-c, sip-d"}, version=made.version)
    assert changed.trunks == ["sip-c", "sip-d"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "example carrier"}, "name"),
        ({"name": "SIP-A"}, "name"),
        ({"name": "Other", "trunks": ["Example Carrier"]}, "trunks"),
        ({"name": "Other", "trunks": ["Sip-A"]}, "trunks"),
        ({"name": "", "trunks": []}, "name"),
        ({"name": "Other", "trunks": ["x" * 81]}, "trunks"),
        ({"name": "Other", "trunks": [f"t{n}" for n in range(51)]}, "trunks"),
        ({"name": "Other", "currency": "XXX"}, "currency"),
    ],
)
def test_names_that_a_switch_writes_lead_to_one_provider(app, values, field):
    providers.create(SYSTEM, {"name": "Example Carrier", "currency": "USD", "trunks": ["sip-a"]})
    with pytest.raises(Invalid) as refused:
        providers.create(SYSTEM, {"currency": "USD", **values})
    assert field in said(refused)
    assert db.session.scalar(select(func.count(Provider.id))) == 1


def test_a_provider_in_use_stays_and_keeps_its_currency(app):
    made = make_provider()
    make_card("Cost", kind="cost", provider_id=made.id)
    with pytest.raises(Refused, match="has a rate card"):
        providers.delete(SYSTEM, made.id)
    with pytest.raises(Invalid) as refused:
        providers.update(SYSTEM, made.id, {"currency": "EUR"})
    assert "currency is fixed" in said(refused)["currency"][0]
    free = make_provider("Example Other")
    providers.delete(SYSTEM, free.id)
    result = providers.delete_many(SYSTEM, [made.id])
    assert [one.label for one in result.refused] == ["Example Carrier"]


def test_two_people_and_rights(app, as_role):
    made = make_provider()
    with pytest.raises(Stale):
        providers.update(SYSTEM, made.id, {"name": "B"}, version=made.version + 1)
    for role in ("viewer", "clerk"):
        for act in (
            lambda actor: providers.create(actor, {}),
            lambda actor: rate_cards.create(actor, {}),
            lambda actor: rates.add(actor, 1, {}, valid_from=JULY),
            lambda actor: rates.withdraw(actor, 1, "44", valid_from=JULY),
            lambda actor: rates.take_back(actor, 1),
        ):
            with pytest.raises(Forbidden):
                act(as_role(role))


# Cards


def test_a_card_begins_with_the_usual_terms(card):
    assert (card.kind, card.duration_rounding, card.cost_rounding) == ("sell", "up", "half_up")
    assert (card.cost_places, card.minimum_seconds, card.pulse_seconds) == (4, 1, 1)
    with pytest.raises(Invalid) as refused:
        rate_cards.create(SYSTEM, {"name": "example rates", "currency": "USD"})
    assert said(refused)["name"] == ["There is already a rate card called example rates."]


def test_a_card_of_one_customer_is_in_its_currency(app):
    customer = make_customer("Acorn Example", currency="EUR")
    made = rate_cards.create(SYSTEM, {"name": "Own", "kind": "account", "customer_id": customer.id})
    assert made.currency == "EUR"
    with pytest.raises(Invalid) as refused:
        rate_cards.create(SYSTEM, {"name": "Twice", "kind": "account", "customer_id": customer.id})
    assert "already has a card of its own, Own" in said(refused)["customer_id"][0]
    with pytest.raises(Invalid) as refused:
        rate_cards.update(SYSTEM, made.id, {"currency": "USD"})
    assert "must be too" in said(refused)["currency"][0]
    with pytest.raises(Invalid) as refused:
        customers.update(SYSTEM, customer.id, {"currency": "USD"})
    assert "rates of its own" in said(refused)["currency"][0]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "account"}, "customer_id"),
        ({"kind": "cost"}, "provider_id"),
        ({"kind": "cost", "provider_id": 404}, "provider_id"),
        ({"kind": "cost", "provider_id": "x"}, "provider_id"),
        ({"kind": "gift"}, "kind"),
        ({"cost_places": 7}, "cost_places"),
        ({"pulse_seconds": 0}, "pulse_seconds"),
        ({"minimum_seconds": -1}, "minimum_seconds"),
        ({"minimum_seconds": 86_401}, "minimum_seconds"),
        ({"cost_rounding": "banker"}, "cost_rounding"),
        ({"currency": ""}, "currency"),
    ],
)
def test_cards_that_can_not_be(app, values, field):
    with pytest.raises(Invalid) as refused:
        rate_cards.create(SYSTEM, {"name": "Rates", "currency": "USD", **values})
    assert field in said(refused)


def test_a_card_keeps_only_the_owner_of_its_kind(app):
    customer, provider = make_customer(), make_provider()
    made = rate_cards.create(
        SYSTEM,
        {
            "name": "Cost",
            "kind": "cost",
            "currency": "USD",
            "customer_id": customer.id,
            "provider_id": provider.id,
        },
    )
    assert (made.customer_id, made.provider_id) == (None, provider.id)
    sold = rate_cards.update(SYSTEM, made.id, {"kind": "sell"})
    assert sold.provider_id is None


def test_a_card_that_customers_are_charged_by(card):
    make_customer("Acorn Example", rate_card_id=card.id)
    with pytest.raises(Refused, match="1 customer is charged by Example Rates"):
        rate_cards.delete(SYSTEM, card.id)
    with pytest.raises(Invalid) as refused:
        rate_cards.update(SYSTEM, card.id, {"currency": "EUR"})
    assert said(refused)["currency"] == ["1 customer is charged by this card."]
    rate_cards.update(SYSTEM, card.id, {"cost_rounding": "up"})


def test_terms_are_fixed_once_calls_were_rated_by_them(app):
    customer = make_customer()
    card = make_card(rates={"44": "0.01"}, sold_to=customer)
    load(customer, [("2026-07-05T10:00:00Z", "442079460000", 60)])
    with pytest.raises(Invalid) as refused:
        rate_cards.update(SYSTEM, card.id, {"pulse_seconds": 6, "cost_rounding": "up", "name": "Renamed"})
    assert set(said(refused)) == {"pulse_seconds", "cost_rounding"}
    assert rate_cards.update(SYSTEM, card.id, {"name": "Renamed", "pulse_seconds": 1}).name == "Renamed"
    customers.update(SYSTEM, customer.id, {"rate_card_id": None})
    with pytest.raises(Refused, match="arithmetic needs it"):
        rate_cards.delete(SYSTEM, card.id)
    with pytest.raises(Invalid) as refused:
        customers.update(SYSTEM, customer.id, {"currency": "EUR"})
    assert "1 day of usage" in said(refused)["currency"][0]
    with pytest.raises(Refused, match="1 day of usage"):
        customers.delete(SYSTEM, customer.id)


def test_a_card_goes_with_its_rates(card):
    rates.add(SYSTEM, card.id, rate(), valid_from=JULY)
    rate_cards.delete(SYSTEM, card.id)
    assert db.session.scalar(select(func.count(Rate.id))) == 0
    assert db.session.scalar(select(func.count(RateRevision.id))) == 0


def test_a_customers_card_is_sold_in_its_currency(card):
    euro = make_customer("Birch Sample", currency="EUR")
    cost = make_card("Cost", kind="cost", provider_id=make_provider().id)
    for wrong, words in ((card.id, "is in USD"), (cost.id, "for customers"), (404, "for customers")):
        with pytest.raises(Invalid) as refused:
            customers.update(SYSTEM, euro.id, {"rate_card_id": wrong})
        assert words in said(refused)["rate_card_id"][0]
    sold = make_customer("Acorn Example", rate_card_id=card.id)
    with pytest.raises(Invalid) as refused:
        customers.update(SYSTEM, sold.id, {"currency": "EUR"})
    assert "is in USD" in said(refused)["rate_card_id"][0]


# Rates


def test_another_price_is_another_row(card):
    first = rates.add(SYSTEM, card.id, rate("+44", "0.01"), valid_from=JULY, form_key="a")
    second = rates.add(SYSTEM, card.id, rate("0044", "0.02", minimum_seconds=60), valid_from=AUGUST)
    assert (first.prefix, second.prefix) == ("44", "44")
    assert fresh(first).rate_per_minute == Decimal("0.01")
    for at, price in ((JULY, "0.01"), (AUGUST - dt.timedelta(seconds=1), "0.01"), (AUGUST, "0.02")):
        found = queries.find_in_card(card.id, "442079460000", at)
        assert found is not None
        assert found.rate_per_minute == Decimal(price)
    assert queries.find_in_card(card.id, "442079460000", JULY - dt.timedelta(seconds=1)) is None
    with pytest.raises(Duplicate):
        rates.add(SYSTEM, card.id, rate("45"), valid_from=JULY, form_key="a")
    revisions = db.session.scalars(select(RateRevision).order_by(RateRevision.valid_from)).all()
    assert [(one.rates, one.source) for one in revisions] == [
        (1, "44 United Kingdom: 0.01"),
        (1, "44 United Kingdom: 0.02"),
    ]


def test_nothing_is_overwritten(card):
    rates.add(SYSTEM, card.id, rate(), valid_from=JULY)
    with pytest.raises(Invalid) as refused:
        rates.add(SYSTEM, card.id, rate(price="0.5"), valid_from=JULY)
    assert "never overwritten" in said(refused)["from_day"][0]
    assert db.session.scalar(select(func.count(RateRevision.id))) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (rate(""), "prefix"),
        (rate("+"), "prefix"),
        (rate("44x"), "prefix"),
        (rate("٤٤"), "prefix"),
        (rate("4" * 21), "prefix"),
        (rate("-1"), None),
        (rate(price="-0.01"), "rate_per_minute"),
        (rate(price="NaN"), "rate_per_minute"),
        (rate(price="1e5"), "rate_per_minute"),
        (rate(price="0.0000001"), "rate_per_minute"),
        (rate(price="100000"), "rate_per_minute"),
        (rate(price=""), "rate_per_minute"),
        (rate(connection_fee="-1"), "connection_fee"),
        (rate(minimum_seconds="-1"), "minimum_seconds"),
        (rate(pulse_seconds="0"), "pulse_seconds"),
        (rate(destination=" "), "destination"),
        (rate(destination="x" * 121), "destination"),
        (rate(withdrawn=True), "withdrawn"),
    ],
)
def test_rates_that_can_not_be(card, values, field):
    if field is None:
        assert rates.add(SYSTEM, card.id, values, valid_from=JULY).prefix == "1"
        return
    with pytest.raises(Invalid) as refused:
        rates.add(SYSTEM, card.id, values, valid_from=JULY)
    assert field in said(refused)
    assert db.session.scalar(select(func.count(Rate.id))) == 0


def test_a_withdrawn_prefix_leaves_the_shorter_one(card):
    rates.add(SYSTEM, card.id, rate("44", "0.01"), valid_from=JULY)
    rates.add(SYSTEM, card.id, rate("4420", "0.02"), valid_from=JULY)
    rates.withdraw(SYSTEM, card.id, "4420", valid_from=AUGUST)
    before = queries.find_in_card(card.id, "442079460000", AUGUST - dt.timedelta(seconds=1))
    after = queries.find_in_card(card.id, "442079460000", AUGUST)
    assert (before.prefix, after.prefix) == ("4420", "44")
    with pytest.raises(Invalid) as refused:
        rates.withdraw(SYSTEM, card.id, "4420", valid_from=AUGUST + dt.timedelta(days=1))
    assert "There is no rate for 4420" in said(refused)["prefix"][0]
    with pytest.raises(Invalid):
        rates.withdraw(SYSTEM, card.id, "x", valid_from=AUGUST)
    with pytest.raises(Missing):
        rates.add(SYSTEM, 404, rate(), valid_from=JULY)


def test_only_what_is_to_come_can_be_taken_back(card):
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    rates.add(SYSTEM, card.id, rate(), valid_from=JULY)
    coming = rates.add(SYSTEM, card.id, rate(price="0.5"), valid_from=ahead)
    held = db.session.scalar(select(RateRevision.id).where(RateRevision.valid_from == JULY))
    rates.take_back(SYSTEM, coming.revision_id)
    assert db.session.scalar(select(func.count(Rate.id))) == 1
    with pytest.raises(Refused, match="in force already"):
        rates.take_back(SYSTEM, held)


def test_the_start_is_midnight_of_the_account(app):
    day = dt.date(2026, 7, 1)
    assert rates.start_of(day) == JULY
    assert rates.start_of(day, "14:30") == JULY.replace(hour=14, minute=30)
    for wrong in ("24:00", "1:00", "ab:cd", "14:30:00"):
        with pytest.raises(Invalid):
            rates.start_of(day, wrong)


# Which rate


def test_own_rates_go_before_the_card_even_where_their_prefix_is_shorter(app):
    customer = make_customer()
    make_card(rates={"44": "0.02", "442079": "0.03"}, sold_to=customer)
    make_card("Own", kind="account", customer_id=customer.id, rates={"44": "0.01"})
    found = queries.find(customer, "442079460000", JULY)
    assert (found.rate_card.name, found.prefix) == ("Own", "44")
    other = queries.find(customer, "33123", JULY)
    assert other is None
    assert queries.find(make_customer("Bare"), "44", JULY) is None


def test_find_says_what_the_ledger_charges(app):
    """The same call rated by the pipeline and looked up here."""
    customer = make_customer()
    make_card(rates={"4": "0.04", "44": "0.02", "4420": "0.03", "": "1"}, sold_to=customer)
    numbers = ["442079460000", "441234", "4", "49301234567", "1202555010"]
    load(customer, [("2026-07-05T10:00:00Z", number, 60) for number in numbers])
    rated = {
        row.number: row.rate_id for row in db.session.execute(select(UsageRecord.number, UsageRecord.rate_id))
    }
    for number in numbers:
        found = queries.find(customer, number, dt.datetime(2026, 7, 5, 10, tzinfo=dt.UTC))
        assert found is not None
        assert found.id == rated[number], number


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("+44 20 7946-0000", "442079460000"),
        ("0044 (20) 79460000", "442079460000"),
        ("1.202.555.0100", "12025550100"),
    ],
)
def test_numbers_as_people_type_them(typed, digits):
    assert queries.dialled(typed) == digits


@pytest.mark.parametrize("typed", ["", "+", "00", "abc", "٤٤", "4" * 41, "44;45"])
def test_what_is_no_number(typed):
    with pytest.raises(ValueError, match=r"number"):
        queries.dialled(typed)


def test_the_destination_without_a_card():
    assert queries.destination_of("+34 910 000 000") == "Spain"
