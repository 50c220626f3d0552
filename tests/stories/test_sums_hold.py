"""Whatever calls come, in whatever order, however often, and whatever is billed and voided in between:

a line is the sum of its days, a day the sum of its calls, a call is on one live line at most, and the bill is
what the rules of rating say, worked out here call by call.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from dashboard.extensions import db
from dashboard.models import Customer, UsageImport
from dashboard.operations import assignments, billing, invoices, usage_load
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_files import Reading
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import Period, period_of
from dashboard.rules.rating import MODES, Terms, charge
from tests.support.bills import billed_wrongly, figures, get, lines_of, live_invoices, open_charge
from tests.support.books import make_customer, make_package
from tests.support.calls import load, make_card, make_rule

D = Decimal
OCTOBER, NOVEMBER, DECEMBER = (period_of("monthly", dt.date(2025, month, 1)) for month in (10, 11, 12))
FIRST = dt.datetime(2025, 10, 1, tzinfo=dt.UTC)
ZONES = ["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]
# By the customer's own card: 447. By the card that it is sold: 44, 4477 and 1. By none: 33.
NUMBERS = ["442079460000", "447700900123", "441632960999", "12025550100", "33199000042"]
_names = itertools.count(1)

pytestmark = pytest.mark.usefixtures("app")

# Round prices make halves, at which the modes of rounding part.
prices = st.one_of(
    st.integers(0, 2_000_000).map(lambda units: D(units).scaleb(-6)),
    st.integers(0, 40).map(lambda units: D(units * 5).scaleb(-2)),
)


@dataclass(frozen=True)
class World:
    """A customer's cards and zone. `terms` by prefix: those of the own card, then those of the sold one."""

    zone: str
    own: Terms
    sold: Terms
    dearer: Terms


@st.composite
def worlds(draw: Any) -> World:
    shared = {
        "duration_rounding": draw(st.sampled_from(sorted(MODES))),
        "cost_rounding": draw(st.sampled_from(sorted(MODES))),
        "cost_places": draw(st.integers(0, 6)),
    }

    def terms(**more: Any) -> Terms:
        fee = draw(st.one_of(st.just(D(0)), prices))
        return Terms(draw(prices), fee, draw(st.integers(0, 60)), draw(st.integers(1, 60)), **more)

    own = {**shared, "cost_places": draw(st.integers(2, 6))}
    return World(draw(st.sampled_from(ZONES)), terms(**own), terms(**shared), terms(**shared))


@dataclass(frozen=True)
class Call:
    at: int  # seconds from the beginning of October
    number: str
    seconds: Decimal
    result: str
    given: Decimal | None

    def row(self) -> tuple[Any, ...]:
        start = FIRST + dt.timedelta(seconds=self.at)
        return start, self.number, self.seconds, {"result": self.result, "charge": self.given}


calls = st.builds(
    Call,
    at=st.integers(-86_400, 62 * 86_400),
    number=st.sampled_from(NUMBERS),
    seconds=st.one_of(st.integers(0, 600).map(D), st.integers(0, 4_000_000).map(lambda ms: D(ms).scaleb(-3))),
    result=st.sampled_from(["answered"] * 5 + ["no_answer"]),
    given=st.one_of(st.none(), st.none(), st.none(), prices),
)
some_calls = st.lists(calls, max_size=40, unique_by=lambda call: (call.at, call.number, call.seconds))


def make(world: World) -> Customer:
    name = f"Example {next(_names)}"
    customer = make_customer(name, tax_percent="19", tax_name="VAT", time_zone=world.zone)
    for title, prefixes, more in (
        ("own", {"447": world.own}, {"kind": "account", "customer_id": customer.id}),
        ("sold", {"44": world.sold, "4477": world.dearer, "1": world.dearer}, {"sold_to": customer}),
    ):
        one = next(iter(prefixes.values()))
        rates = {
            prefix: {
                "rate_per_minute": terms.rate_per_minute,
                "connection_fee": terms.connection_fee,
                "minimum_seconds": terms.minimum_seconds,
                "pulse_seconds": terms.pulse_seconds,
            }
            for prefix, terms in prefixes.items()
        }
        names = ("duration_rounding", "cost_rounding", "cost_places")
        make_card(f"{name} {title}", rates=rates, **more, **{key: getattr(one, key) for key in names})
    return customer


def examples(count: int) -> Any:
    """What fails is told as it was found: making it smaller would take minutes at a bill each."""
    return settings(max_examples=count, phases=[Phase.explicit, Phase.generate])


def worth(world: World, call: Call) -> tuple[str, Decimal] | None:
    """What the rules say: destination and charge, or None for a call that nothing prices."""
    spoken = call.result == "answered" and call.seconds > 0
    cards = {"447": world.own, "44": world.sold, "1": world.dearer, "33": None}
    prefix = next(prefix for prefix in cards if call.number.startswith(prefix))
    terms = cards[prefix]
    where = f"Destination {prefix}" if terms else "France"
    if call.given is not None:
        return where, call.given
    if not spoken:
        return where, D(0)
    return (where, charge(call.seconds, terms)) if terms else None


def by_day(world: World, given_calls: Sequence[Call]) -> dict[tuple[dt.date, str], Decimal]:
    found: dict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    for call in given_calls:
        priced = worth(world, call)
        if priced is not None:
            start = (FIRST + dt.timedelta(seconds=call.at)).astimezone(ZoneInfo(world.zone))
            found[start.date(), priced[0]] += priced[1]
    return found


def within(days: dict[tuple[dt.date, str], Decimal], period: Period) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for (day, where), amount in days.items():
        if day in period:
            found[where] += amount
    return dict(found)


def usage(customer: Customer) -> list[Any]:
    """The usage lines of all that is live."""
    return [
        line
        for invoice in live_invoices(customer)
        for line in lines_of(invoice)
        if line.kind in ("usage", "late_usage")
    ]


def on_two_lines() -> list[Any]:
    """Calls that more than one live line leads to. The ledger can't say so; so look for it all the same."""
    return figures(
        "SELECT r.identity FROM usage_record r JOIN usage_day u ON u.id = r.usage_day_id"
        " JOIN invoice_item i ON i.id = u.invoice_item_id JOIN invoice v ON v.id = i.invoice_id"
        " WHERE v.state <> 'void' GROUP BY r.identity HAVING count(DISTINCT i.id) > 1 OR count(*) > 1"
    )


def sound() -> None:
    assert billed_wrongly() == []
    assert on_two_lines() == []
    assert discrepancies() == []


# A second at 0.30 is half a cent.
HALVES = Terms(D("0.3"), D(0), 0, 1, "up", "half_up", 2)


@examples(12)
@given(world=worlds(), given_calls=some_calls)
@example(World("UTC", HALVES, HALVES, HALVES), [Call(100, "442079460000", D(1), "answered", None)])
def test_the_bill_is_what_the_rules_say(world, given_calls):
    """Line by line, and to the cent: each line is the sum of its calls, rounded once."""
    customer = make(world)
    load(customer, [call.row() for call in given_calls])
    for period in (OCTOBER, NOVEMBER):
        answered = [call for call in given_calls if call.result == "answered"]
        spoken = within(by_day(world, answered), period)
        days = by_day(world, given_calls)
        # A destination that nobody answered at is not told.
        wanted = {
            where: amount for where, amount in within(days, period).items() if amount or where in spoken
        }
        outcome = billing.generate(SYSTEM, customer.id, period)
        if not any(wanted.values()):
            assert outcome.state == "nothing"
            continue
        lines = {line.destination: line for line in lines_of(outcome.invoice_id)}
        assert {where: line.unit_price for where, line in lines.items()} == wanted
        nets = {where: amount.quantize(D("0.01"), ROUND_HALF_UP) for where, amount in wanted.items()}
        assert {where: line.net for where, line in lines.items()} == nets
        invoice = get(outcome.invoice_id)
        assert invoice.subtotal == sum(nets.values())
        assert invoice.tax == (invoice.subtotal * 19 / 100).quantize(D("0.01"), ROUND_HALF_UP)
    sound()


@examples(12)
@given(world=worlds(), given_calls=some_calls)
def test_by_day_and_by_destination_come_to_the_same(world, given_calls):
    """Before rounding, that is: by day there may be more lines, and each is rounded."""
    customer = make(world)
    load(customer, [call.row() for call in given_calls])
    asked = [(customer.id, period) for period in (OCTOBER, NOVEMBER)]
    by_destination = billing.preview_many(asked, grouping="destination")
    days = billing.preview_many(asked, grouping="day")
    for one, other in zip(by_destination, days, strict=True):
        sums = [sum((D(line["unit_price"]) for line in shown.lines), D(0)) for shown in (one, other)]
        assert sums[0] == sums[1] == sum(within(by_day(world, given_calls), one.period).values())
        assert sum(line["connected"] or 0 for line in one.lines) == sum(
            line["connected"] or 0 for line in other.lines
        )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("load"), some_calls),
        st.tuples(st.just("bill"), st.sampled_from([OCTOBER, NOVEMBER])),
        st.tuples(st.just("void"), st.integers(0, 3)),
        st.tuples(st.just("again"), st.integers(0, 3)),
    ),
    min_size=3,
    max_size=9,
)


@examples(12)
@given(world=worlds(), taken=steps)
def test_loading_billing_and_voiding_in_any_order(world, taken):
    """Late usage, voids and files loaded again: in the end every priced call is billed once, exactly."""
    customer = make(world)
    loaded: dict[tuple[Any, ...], Call] = {}
    batches: list[list[Call]] = []
    for what, with_what in taken:
        if what == "load":
            new = [call for call in with_what if (call.at, call.number, call.seconds) not in loaded]
            loaded.update(((call.at, call.number, call.seconds), call) for call in new)
            batches.append(new)
            assert load(customer, [call.row() for call in new]).loaded == len(new)
        elif what == "bill":
            billing.generate(SYSTEM, customer.id, with_what, issue=True)
        elif what == "again" and batches:
            batch = batches[with_what % len(batches)]
            counts = load(customer, [call.row() for call in batch])
            assert (counts.loaded, counts.duplicates) == (0, len(batch))
        elif what == "void" and (papers := live_invoices(customer)):
            invoices.void(SYSTEM, papers[with_what % len(papers)].id, "Wrong")
        assert billed_wrongly() == []
    september = period_of("monthly", dt.date(2025, 9, 1))
    for period in (september, OCTOBER, NOVEMBER, DECEMBER):
        billing.generate(SYSTEM, customer.id, period, issue=True)
    total = sum(by_day(world, list(loaded.values())).values(), D(0))
    assert sum((line.unit_price for line in usage(customer)), D(0)) == total
    assert open_charge(customer) == 0
    sound()


@examples(12)
@given(world=worlds(), data=st.data())
def test_any_order_of_rows_gives_the_same_bill(world, data):
    """With free minutes, too, which are used up in the order of the calls and not in that of the file."""
    given_calls = data.draw(st.lists(calls, min_size=2, max_size=30, unique_by=lambda call: call.row()[:3]))
    customer = make(world)
    package = make_package(
        f"Minutes {next(_names)}",
        customer.currency,
        type="free_minutes",
        free_minutes=data.draw(st.integers(1, 60)),
        destination_prefixes="^44|^1",
    )
    assignments.create(
        SYSTEM,
        {
            "customer_id": customer.id,
            "package_id": package.id,
            "quantity": D(1),
            "start_date": dt.date(2025, 9, 20),
        },
    )

    def bill(order: Sequence[Call], pieces: int) -> list[Any]:
        for at in range(pieces):
            load(customer, [call.row() for call in order[at::pieces]])
        shown = billing.preview_many([(customer.id, period) for period in (OCTOBER, NOVEMBER)])
        for table in ("usage_record", "usage_day"):
            figures(f"DELETE FROM {table} WHERE customer_id = :key RETURNING 1", key=customer.id)
        db.session.commit()
        return [one.said for one in shown]

    first = bill(given_calls, 1)
    assert bill(list(reversed(given_calls)), 1) == first
    assert bill(data.draw(st.permutations(given_calls)), data.draw(st.integers(1, 4))) == first


COLUMNS = {"unique_id": 0, "account_code": 1, "number": 2, "started_at": 3, "billsec": 4, "result": 5}


def load_file(rows: Sequence[str]) -> UsageImport:
    reading = Reading(header=False, width=6, columns=COLUMNS, source="example switch")
    made = UsageImport(filename="example.csv", options={"reading": reading.to_json()})
    db.session.add(made)
    db.session.commit()
    stream = io.BytesIO("".join(f"{row}\n" for row in rows).encode())
    usage_load.load_stream(SYSTEM, made, stream, usage_load.Silent())
    db.session.expire_all()
    return made


def ledger(customer: Customer) -> list[Any]:
    return figures(
        "SELECT day, destination, rated, batch, attempts, connected, duration, billed_duration, charge"
        " FROM usage_day WHERE customer_id = :key ORDER BY day, destination, rated, batch",
        key=customer.id,
    )


@examples(5)
@given(world=worlds(), given_calls=some_calls, data=st.data())
def test_a_file_imported_twice_is_imported_once(world, given_calls, data):
    """The whole file again, a part of it, and a file that has it twice over in another order."""
    customer = make(world)
    code = f"code-{customer.id}"
    make_rule(customer, "account_code", code)
    words = {"answered": "ANSWERED", "no_answer": "NO ANSWER"}
    rows = [
        f"{code}-{at},{code},{call.number},{call.row()[0]:%Y-%m-%d %H:%M:%S}"
        f",{call.seconds},{words[call.result]}"
        for at, call in enumerate(given_calls)
    ]
    first = load_file(rows)
    assert (first.loaded, first.bad) == (len(rows), 0)
    before = ledger(customer)
    assert sum(row[4] for row in before) == len(rows)
    cut = data.draw(st.integers(0, len(rows)))
    for again in (rows, rows[:cut], data.draw(st.permutations(rows + rows))):
        made = load_file(again)
        assert (made.loaded, made.duplicates) == (0, len(again))
        assert ledger(customer) == before
    billing.generate(SYSTEM, customer.id, OCTOBER)
    load_file(rows)
    assert ledger(customer) == before, "nor does a bill in between change that"
    sound()
