"""Test a number: which card, prefix and rate it finds at a moment, and what a call costs, step by step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.extensions import db
from dashboard.models import Customer, Rate, RateCard
from dashboard.operations.errors import Invalid
from dashboard.operations.rates import start_of
from dashboard.queries import rates, settings
from dashboard.queries.usage_calls import terms_of
from dashboard.rules.destinations import place_of
from dashboard.rules.rating import Step, billed_seconds, charge, explain

LONGEST = 31 * 24 * 3600


class TestForm(Form):
    __test__ = False

    number = fields.text("Number", max=60, required=True, inputmode="tel", placeholder="+44 20 7946 0000")
    customer_id = fields.lookup("Customer", "customer", hint="Whose call it is")
    rate_card_id = fields.lookup("Rate Card", "rate_card", hint="Or one card alone")
    on_day = fields.day("On", required=True)
    at_time = fields.text("At", max=5, type="time")
    seconds = fields.decimal("Seconds", places=3, min=0, max=LONGEST, required=True)


@dataclass(frozen=True)
class Looked:
    """A card that was looked into: why, and the rate found there."""

    why: str
    card: RateCard
    rate: Rate | None


@dataclass(frozen=True)
class Cost:
    """What a provider would take for the call; `margin` where it is in the currency of the charge."""

    provider: Any
    card: RateCard
    rate: Rate | None
    cost: Decimal | None
    margin: Decimal | None
    steps: list[Step]


@dataclass(frozen=True)
class Answer:
    digits: str
    at: dt.datetime
    looked: list[Looked]
    rate: Rate | None
    destination: str
    billed: int
    charge: Decimal | None
    steps: list[Step]
    costs: list[Cost]


class RateTest:
    """Mixed into RateCardView."""

    @expose("/test/")
    @needs("rate.read")
    def test_view(self) -> ResponseReturnValue:
        view: Any = self
        asked = "number" in request.args
        form = TestForm(request.args) if asked else _blank()
        answer = None
        if asked and form.validate():
            answer = _answered(form)
        wrong = asked and answer is None
        page = view.render(
            "admin/rate_card/test.html",
            form=form,
            answer=answer,
            customer=_chosen(Customer, form.customer_id.data),
            local=settings.local,
            crumbs=view.crumbs("Test a number"),
        )
        return page, 422 if wrong else 200


def _blank() -> TestForm:
    data: dict[str, Any] = {"on_day": settings.today(), "at_time": "12:00", "seconds": Decimal(60)}
    for name in ("customer_id", "rate_card_id"):
        written = request.args.get(name, "")
        if written.isascii() and written.isdigit() and len(written) < 19:
            data[name] = int(written)
    return TestForm(data=data)


def _answered(form: TestForm) -> Answer | None:
    """What is found; None where the form says what is missing."""
    customer, card = _chosen(Customer, form.customer_id.data), _chosen(RateCard, form.rate_card_id.data)
    if customer is None and card is None:
        form.show({"customer_id": ["Choose a customer, or a rate card."]})
        return None
    try:
        number = rates.dialled(form.number.data or "")
        at = _moment(form, customer)
    except ValueError as fault:
        form.show({"number": [str(fault)]})
        return None
    except Invalid as fault:
        form.show({"at_time": fault.errors.get("from_time", [])})
        return None
    looked = [] if card is None else [Looked("Chosen", card, rates.find_in_card(card.id, number, at))]
    if card is None and customer is not None:
        looked = _looked(customer, number, at)
    return _worked_out(number, at, looked, Decimal(form.seconds.data))


def _moment(form: TestForm, customer: Customer | None) -> dt.datetime:
    """On the customer's clocks where there is one, else on the account's."""
    start = start_of(form.on_day.data, form.at_time.data or "")
    if customer is None or not customer.time_zone:
        return start
    there = settings.local(start).replace(tzinfo=ZoneInfo(customer.time_zone))
    return there.astimezone(dt.UTC)


def _looked(customer: Customer, number: str, at: dt.datetime) -> list[Looked]:
    """The customer's cards in the order in which they count, as far as they had to be looked into."""
    own = rates.card_of_customer(customer.id)
    sold = _chosen(RateCard, customer.rate_card_id)
    found: list[Looked] = []
    for why, card in (("Its own rates, which go first", own), ("The card it is sold by", sold)):
        if card is not None and not any(one.rate for one in found):
            found.append(Looked(why, card, rates.find_in_card(card.id, number, at)))
    return found


def _worked_out(number: str, at: dt.datetime, looked: list[Looked], seconds: Decimal) -> Answer:
    rate = next((one.rate for one in looked if one.rate is not None), None)
    terms = terms_of(rate) if rate is not None else None
    price = charge(seconds, terms) if terms is not None else None
    currency = rate.rate_card.currency if rate is not None else ""
    sold = rate is None or rate.rate_card.kind != "cost"
    costs = [_cost(one, seconds, price, currency) for one in rates.costs(number, at)] if sold else []
    return Answer(
        digits=number,
        at=at,
        looked=looked,
        rate=rate,
        destination=rate.destination if rate is not None else place_of(number),
        billed=billed_seconds(seconds, terms) if terms is not None else 0,
        charge=price,
        steps=explain(seconds, terms) if terms is not None else [],
        costs=costs,
    )


def _cost(found: rates.Cost, seconds: Decimal, price: Decimal | None, currency: str) -> Cost:
    if found.rate is None:
        return Cost(found.provider, found.card, None, None, None, [])
    terms = terms_of(found.rate)
    cost = charge(seconds, terms)
    same = price is not None and currency == found.card.currency
    margin = price - cost if price is not None and same else None
    return Cost(found.provider, found.card, found.rate, cost, margin, explain(seconds, terms))


def _chosen(model: Any, key: int | None) -> Any:
    return db.session.get(model, key) if key is not None and key < 2**63 else None
