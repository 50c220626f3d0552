"""Every figure of Summary and Breakout is the sum of its calls, on usage made at random."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.extensions import db
from dashboard.models import UsageRecord
from dashboard.queries import breakout, breakout_file, summary
from dashboard.queries.breakout import Ask, Path
from dashboard.rules.figures import Figures
from dashboard.rules.periods import period_of
from tests.support import calls as pipeline
from tests.support.books import make_customer
from tests.support.usage_rows import make_provider, put_random

NOW = dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)
ZONES = {"Acorn": "UTC", "Birch": "America/New_York", "Cedar": "Europe/Madrid"}
CENT = Decimal("0.01")


class Books:
    """Random calls with what they are sums of, worked out call by call, in Python."""

    def __init__(self, seed: int, count: int = 160) -> None:
        self.customers = {
            made.id: made
            for name, zone in ZONES.items()
            for made in [
                make_customer(
                    f"{name} Example {seed}", time_zone=zone, currency="EUR" if name == "Cedar" else "USD"
                )
            ]
        }
        self.providers = {
            made.id: made
            for code in ("USD", "EUR")
            for made in [make_provider(f"{code} Carrier {seed}", code)]
        }
        self.calls = put_random(
            list(self.customers.values()), [None, *self.providers.values()], count, seed, NOW
        )
        db.session.commit()

    def day(self, call: UsageRecord) -> dt.date:
        zone = self.customers[call.customer_id].time_zone
        return call.started_at.astimezone(ZoneInfo(zone)).date()

    def cost_currency(self, call: UsageRecord) -> str:
        own = self.customers[call.customer_id].currency
        return self.providers[call.provider_id].currency if call.provider_id else own

    def key(self, call: UsageRecord, name: str) -> str:
        day = self.day(call)
        keys = {
            "customer": str(call.customer_id),
            "provider": str(call.provider_id or ""),
            "destination": call.destination,
            "provider_destination": call.provider_destination,
            "day": str(day),
            "week": str(period_of("weekly", day).start),
            "month": str(period_of("monthly", day).start),
        }
        return keys[name]


class Loaded(Books):
    """Calls that came in by the pipeline that loads files: rated by cards, given a charge, or unrated."""

    def __init__(self, seed: int, count: int = 300) -> None:
        chance = random.Random(seed)
        customers = [
            make_customer(f"{name} Example", time_zone=zone, currency="EUR" if name == "Cedar" else "USD")
            for name, zone in ZONES.items()
        ]
        self.customers = {made.id: made for made in customers}
        self.providers = {
            made.id: made for made in (make_provider("Dollar", "USD"), make_provider("Euro", "EUR"))
        }
        for currency in ("USD", "EUR"):
            card = pipeline.make_card(f"Sold in {currency}", currency, minimum_seconds=30, pulse_seconds=6)
            pipeline.add_rates(
                card, {"44": "0.0123", "447": {"rate_per_minute": "0.2", "connection_fee": "0.01"}}
            )
            for customer in customers:
                if customer.currency == currency:
                    customer.rate_card_id = card.id
        for provider in self.providers.values():
            card = pipeline.make_card(
                f"Cost of {provider.name}", provider.currency, kind="cost", provider_id=provider.id
            )
            pipeline.add_rates(card, {"4": "0.0077"})
        for customer in customers:
            pipeline.load(customer, [self._call(chance) for _ in range(count // 3)])
        self.calls = db.session.query(UsageRecord).all()

    def _call(self, chance: random.Random) -> tuple[Any, ...]:
        more: dict[str, Any] = {
            "result": chance.choice(("answered", "answered", "busy", "failed")),
            "provider_name": chance.choice(("", "dollar", "Euro")),
        }
        if chance.random() < 0.1:
            more["charge"] = Decimal(chance.randint(0, 99_999)) / 1_000_000
        start = NOW - dt.timedelta(seconds=chance.randint(0, 60 * 86_400))
        number = chance.choice(("447700900123", "442079460123", "12025550123"))
        return start, number, Decimal(chance.randint(0, 900_000)) / 1000, more


def sums(calls: list[UsageRecord]) -> tuple[object, ...]:
    answered = sum(1 for call in calls if call.result == "answered")
    return (
        len(calls),
        answered,
        sum((call.duration for call in calls), Decimal(0)),
        sum(call.billed_duration for call in calls),
        sum((call.charge or Decimal(0) for call in calls), Decimal(0)),
        sum((call.cost or Decimal(0) for call in calls), Decimal(0)),
    )


def told(figures: Figures, cost: Decimal | None) -> tuple[object, ...]:
    return (
        figures.attempts,
        figures.connected,
        figures.duration,
        figures.billed_duration,
        figures.charge,
        cost,
    )


def averages(calls: list[UsageRecord]) -> tuple[Decimal | None, Decimal | None]:
    attempts, answered, duration, *_ = sums(calls)
    assert isinstance(attempts, int) and isinstance(answered, int) and isinstance(duration, Decimal)
    asr = (Decimal(100 * answered) / attempts).quantize(CENT, ROUND_HALF_UP) if attempts else None
    acd = (duration / answered).quantize(CENT, ROUND_HALF_UP) if answered else None
    return asr, acd


@pytest.mark.parametrize(("made", "seed"), [(Books, 0), (Books, 1), (Loaded, 2), (Loaded, 3)])
def test_every_row_of_a_summary_is_the_sum_of_its_calls(app, made, seed):
    books = made(seed)
    for customer, schedule in itertools.product(books.customers.values(), ("daily", "weekly", "monthly")):
        page = summary.periods(customer, schedule, size=1_000)
        own = [call for call in books.calls if call.customer_id == customer.id]
        expected: dict[dt.date, list[UsageRecord]] = {}
        for call in own:
            expected.setdefault(period_of(schedule, books.day(call)).start, []).append(call)
        assert [row.period.start for row in page.rows] == sorted(expected, reverse=True)
        for row in page.rows:
            calls = expected[row.period.start]
            foreign = any(call.cost and books.cost_currency(call) != customer.currency for call in calls)
            wanted = sums(calls)
            assert told(row.figures, wanted[5] if foreign else row.figures.cost) == wanted
            assert (row.figures.asr, row.figures.acd) == averages(calls)
            assert (row.figures.profit is None) == foreign
            assert row.unrated == sum(1 for call in calls if call.rating == "unrated")
            # The calls that its download would hold.
            held = db.session.query(UsageRecord.id).filter(*summary.calls_of(customer, row.period))
            assert {key for (key,) in held} == {call.id for call in calls}
        assert (page.whole.attempts, page.whole.charge) == (len(own), sums(own)[4])
        assert (page.whole.asr, page.whole.acd) == averages(own)


@pytest.mark.parametrize("seed", range(2))
def test_every_hour_is_the_sum_of_its_calls(app, seed):
    books = Books(seed, count=40)
    for call in books.calls:
        call.started_at = NOW - dt.timedelta(minutes=37 * books.calls.index(call))
    db.session.commit()
    for customer in books.customers.values():
        hours = summary.hours(customer, NOW)
        assert len(hours) == 24
        for hour in hours:
            calls = [
                call
                for call in books.calls
                if call.customer_id == customer.id
                and hour.start <= call.started_at < hour.start + summary.HOUR
            ]
            assert told(hour.figures, None)[:5] == sums(calls)[:5]


GROUPS = [
    ("customer", "destination"),
    ("provider", "month", "customer"),
    ("day", "provider_destination"),
    ("week", "provider", "destination", "customer"),
    ("destination", "day", "week", "month", "customer", "provider", "provider_destination"),
]


@pytest.mark.parametrize("made", [Books, Loaded])
def test_a_breakout_opens_down_to_its_calls_and_adds_up(app, made):
    books = made(7)
    for groups in GROUPS:
        _adds_up(books, groups)


def _adds_up(books: Books, groups: tuple[str, ...]) -> None:
    first, last = dt.date(2026, 8, 1), dt.date(2026, 11, 2)
    everything = Ask(first, last, groups, opened=opened_down(books, groups))
    tree = breakout.tree(everything)
    stack: list[breakout.Node] = []
    children: dict[Path, list[breakout.Node]] = {}
    for node in tree.rows:
        assert node.path is not None
        del stack[node.level :]
        calls = [
            call
            for call in books.calls
            if books.customers[call.customer_id].currency == node.currency
            and books.cost_currency(call) == node.cost_currency
            and all(books.key(call, name) == key for name, key in zip(groups, node.path.keys, strict=False))
        ]
        assert calls
        assert told(node.figures, node.cost) == sums(calls)
        assert (node.figures.asr, node.figures.acd) == averages(calls)
        assert (node.figures.profit is None) == (node.currency != node.cost_currency)
        if stack:
            parent = stack[-1].path
            assert parent is not None
            children.setdefault(parent, []).append(node)
        stack.append(node)
    for node in tree.rows:
        if node.opened and node.path is not None:
            below = children[node.path]
            assert sum((one.figures.charge for one in below), Decimal(0)) == node.figures.charge
            assert sum((one.cost for one in below), Decimal(0)) == node.cost
            assert sum(one.figures.attempts for one in below) == node.figures.attempts
    assert sum(node.figures.attempts for node in tree.totals) == len(books.calls)
    assert len({(node.currency, node.cost_currency) for node in tree.totals}) == len(tree.totals)


def opened_down(books: Books, groups: tuple[str, ...]) -> frozenset[str]:
    """One branch opened at each level, and every row of the first."""
    found = set()
    for call in books.calls[:12]:
        pair = (books.customers[call.customer_id].currency, books.cost_currency(call))
        keys = tuple(books.key(call, name) for name in groups)
        found |= {Path(*pair, keys[:depth]).token() for depth in range(1, len(groups))}
    return frozenset(found)


def test_the_file_adds_up_to_the_tree(app):
    books = Books(3)
    ask = Ask(dt.date(2026, 8, 1), dt.date(2026, 11, 2), ("provider", "destination", "week"))
    heads = breakout_file.columns(ask)
    rows = [dict(zip(heads, row, strict=True)) for row in breakout_file.rows(ask)]
    assert sum(row["Attempts"] for row in rows) == len(books.calls)
    for node in breakout.tree(ask).totals:
        of_pair = [
            row
            for row in rows
            if (row["Customer Currency"], row["Provider Currency"]) == (node.currency, node.cost_currency)
        ]
        assert sum(row["Customer Charge"] for row in of_pair) == node.figures.charge
        assert sum(row["Provider Charge"] for row in of_pair) == node.cost


def test_filters_hold_at_every_level(app):
    books = Books(5)
    customer, provider = next(iter(books.customers)), next(iter(books.providers))
    ask = Ask(dt.date(2026, 8, 1), dt.date(2026, 11, 2), ("month", "day"), (customer,), (provider,))
    own = [c for c in books.calls if (c.customer_id, c.provider_id) == (customer, provider)]
    assert sum(node.figures.attempts for node in breakout.tree(ask).totals) == len(own)


def test_a_long_level_still_adds_up(app, monkeypatch):
    books = Books(4)
    monkeypatch.setattr(breakout, "MOST_ROWS", 5)
    tree = breakout.tree(Ask(dt.date(2026, 8, 1), dt.date(2026, 11, 2), ("day",)))
    left = [node for node in tree.rows if node.path is None]
    assert left and all(node.label.endswith(" more") for node in left)
    assert sum(node.figures.attempts for node in tree.rows) == len(books.calls)


def test_every_order(app):
    Books(6, count=60)
    for way, name in itertools.product(("", "-"), breakout.SORTS):
        ask = Ask(dt.date(2026, 8, 1), dt.date(2026, 11, 2), ("provider",), sort=way + name)
        values = [(node.currency, node.figures.charge) for node in breakout.tree(ask).rows]
        if name == "charge":
            for _, group in itertools.groupby(values, key=lambda pair: pair[0]):
                charges = [charge for _, charge in group]
                assert charges == sorted(charges, reverse=way == "-")
        assert len(values) > 2
