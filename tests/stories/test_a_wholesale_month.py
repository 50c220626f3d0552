"""October 2026 of a wholesale customer, from `docs/samples/Master.csv` to an invoice that explains itself.

Seconds are billed 60/6 by the card, 6/6 by the customer's own rates and the carrier's, and every rate gives
whole hundredths of a cent for six seconds. So no call is rounded, and a destination comes to rate x billed
seconds / 60. Calls and seconds were counted from the file with a spreadsheet.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from dashboard.extensions import db
from dashboard.models import Customer, RateCard, UsageRecord
from dashboard.operations import (
    billing,
    customers,
    providers,
    rate_cards,
    rate_import,
    rates,
    usage_rerate,
    usage_rules,
)
from dashboard.operations.rate_import import Choice
from dashboard.operations.usage_moves import Filters
from dashboard.queries import explain, summary
from dashboard.queries.checks import discrepancies
from dashboard.queries.usage_rules import unmatched
from dashboard.rules.periods import period_of
from tests.support import pdf
from tests.support.bills import billed_wrongly, figures, get, lines_of, told

D = Decimal
FILE = Path(__file__).parents[2] / "docs/samples/Master.csv"
OCTOBER = period_of("monthly", dt.date(2026, 10, 1))
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MIDDLE = dt.datetime(2026, 10, 15, tzinfo=dt.UTC)
CARD = """Prefix,Destination,Rate
44,United Kingdom,0.10
447,United Kingdom Mobile,0.30
1,United States,0.08
33,France,0.12
336,France Mobile,0.45
49,Germany,0.11
4917,Germany Mobile,0.40
353,Ireland,0.15
"""
COLUMNS = {0: "prefix", 1: "destination", 2: "rate_per_minute"}

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def manager(as_role):
    return as_role("manager")


@pytest.fixture
def clerk(as_role):
    return as_role("clerk")


@pytest.fixture
def card(manager) -> RateCard:
    """The card from its CSV, and from 15 October on a cheaper 447 and no 4917, so that 49 holds there."""
    made = rate_cards.create(
        manager,
        {"name": "Example Wholesale", "currency": "USD", "minimum_seconds": 60, "pulse_seconds": 6},
    )
    token = rate_import.UPLOAD.keep(manager, CARD.encode())
    rate_import.run(manager, made.id, token, Choice(COLUMNS, LONG_AGO, False, False))
    cheaper = {"prefix": "447", "destination": "United Kingdom Mobile", "rate_per_minute": "0.20"}
    rates.add(manager, made.id, cheaper, valid_from=MIDDLE)
    rates.withdraw(manager, made.id, "4917", valid_from=MIDDLE)
    return made


@pytest.fixture
def oak(manager, card) -> Customer:
    customer = customers.create(
        manager,
        {
            "name": "Oak Example Wholesale",
            "currency": "USD",
            "tax_name": "VAT",
            "tax_percent": "21",
            "invoice_schedule": "monthly",
            "rate_card_id": card.id,
        },
    )
    increments = {"minimum_seconds": 6, "pulse_seconds": 6}
    own = rate_cards.create(
        manager,
        {"name": "Oak's own", "kind": "account", "currency": "USD", "customer_id": customer.id, **increments},
    )
    washington = {"prefix": "1202", "destination": "Washington DC", "rate_per_minute": "0.05"}
    rates.add(manager, own.id, washington, valid_from=LONG_AGO)
    one = providers.create(manager, {"name": "Carrier One", "currency": "USD", "trunks": "one, PJSIP/one"})
    providers.create(manager, {"name": "Carrier Two", "currency": "USD", "trunks": "two, PJSIP/two"})
    cost = rate_cards.create(
        manager,
        {
            "name": "Carrier One's rates",
            "kind": "cost",
            "currency": "USD",
            "provider_id": one.id,
            **increments,
        },
    )
    for prefix in ("1", "3", "4", "6"):
        values = {"prefix": prefix, "destination": f"Zone {prefix}", "rate_per_minute": "0.06"}
        rates.add(manager, cost.id, values, valid_from=LONG_AGO)
    return customer


def command(app, *arguments: str) -> str:
    done = app.test_cli_runner().invoke(args=["usage", "import", str(FILE), *arguments])
    assert done.exit_code == 0, done.output
    db.session.rollback()
    return done.output


def loaded(app, clerk, oak) -> None:
    usage_rules.create(clerk, {"customer_id": oak.id, "kind": "account_code", "value": "example-pbx"})
    assert "240 loaded" in command(app)


def test_the_file_finds_its_customer_by_and_by(app, clerk, oak):
    assert "240 without a customer" in command(app, "--dry-run")
    assert figures("SELECT count(*) FROM usage_record") == [(0,)]

    # Callers 44207946011x are known; there are 29 such calls.
    usage_rules.create(clerk, {"customer_id": oak.id, "kind": "caller_prefix", "value": "+44 20 7946 011"})
    told_of = command(app)
    assert "29 loaded" in told_of
    assert "211 without a customer" in told_of
    waiting = unmatched("account_code")
    assert [(group.value, group.calls) for group in waiting.groups] == [("example-pbx", 211)]

    # A rule for the account code takes up the rest; the file again brings nothing.
    rule = {"customer_id": oak.id, "kind": "account_code", "value": "example-pbx"}
    assert usage_rules.create(clerk, rule).taken_up == 211
    assert unmatched("account_code").calls == 0
    assert "240 there already" in command(app)
    assert figures("SELECT count(*), count(DISTINCT identity) FROM usage_record") == [(240, 240)]
    # In two steps it comes to what it comes to at once (below).
    assert figures("SELECT sum(charge) FROM usage_day") == [(D("83.736"),)]
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_the_summary_and_the_invoice_of_october(app, clerk, manager, oak, card, client_as):
    loaded(app, clerk, oak)
    # 240 attempts, 195 of them answered; nobody has a rate for 46 and 61, where 12 were.
    (shown,) = billing.preview_many([(oak.id, OCTOBER)])
    assert "12 calls have no rate and will not be billed" in shown.warnings
    assert shown.net == D("83.73")

    # Sweden and Australia get rates; rating again says first what it changes.
    for prefix, name, price in (("46", "Sweden", "0.09"), ("61", "Australia", "0.20")):
        values = {"prefix": prefix, "destination": name, "rate_per_minute": price}
        rates.add(manager, card.id, values, valid_from=LONG_AGO)
    asked = Filters(customer_id=oak.id, unrated_only=True)
    # Sweden: 708 s x 0.09 / 60. Australia: 678 s x 0.20 / 60.
    assert [
        (row.destination, row.unrated_before, row.unrated_after, row.difference)
        for row in usage_rerate.rerate_preview(manager, asked)
    ] == [("Australia", 6, 0, D("2.26")), ("Sweden", 6, 0, D("1.062"))]
    assert figures("SELECT sum(charge) FROM usage_day") == [(D("83.736"),)], "so far it was only shown"
    assert usage_rerate.rerate(manager, asked) == 12

    (month,) = summary.periods(oak, "monthly").rows
    found = month.figures
    assert (found.attempts, found.connected, month.unrated) == (240, 195, 0)
    assert (found.duration, found.billed_duration) == (29944, 32076)
    # 83.736 + 1.062 + 2.26; the carrier takes 0.06 x 21738 s / 60.
    assert (found.charge, found.cost, found.profit) == (D("87.058"), D("21.738"), D("65.32"))
    # 195 of 240; 29944 s of 195 calls.
    assert (found.asr, found.acd) == (D("81.25"), D("153.56"))
    page = client_as("viewer").get(f"/admin/customer/summary?id={oak.id}&tab=monthly").get_data(as_text=True)
    for figure in ("240", "195", "81.25", "$87.058", "$65.320", "2026-10-01"):
        assert figure in page, figure

    outcome = billing.generate(manager, oak.id, OCTOBER, issue=True)
    assert told(outcome.invoice_id) == [
        ("usage", "Calls to Australia", "2.26"),  # 678 s at 0.20
        ("usage", "Calls to France", "4.08"),  # 2040 s at 0.12
        ("usage", "Calls to France Mobile", "10.89"),  # 1452 s at 0.45
        ("usage", "Calls to Germany", "6.18"),  # 1752 s, and 1620 s of mobiles from the 15th, at 0.11: 6.182
        ("usage", "Calls to Germany Mobile", "10.60"),  # 1590 s at 0.40, until the 15th
        ("usage", "Calls to Ireland", "2.94"),  # 1176 s at 0.15
        ("usage", "Calls to Sweden", "1.06"),  # 708 s at 0.09: 1.062
        ("usage", "Calls to United Kingdom", "8.44"),  # 5064 s at 0.10
        ("usage", "Calls to United Kingdom Mobile", "32.37"),  # 3750 s at 0.30, then 4086 s at 0.20
        ("usage", "Calls to United States", "3.82"),  # 2868 s at 0.08: 3.824
        ("usage", "Calls to Washington DC", "4.41"),  # 5292 s at 0.05, its own rate
    ]
    invoice = get(outcome.invoice_id)
    # The nets add up to 87.05; 21 % of it is 18.2805.
    assert (invoice.subtotal, invoice.tax, invoice.total) == (D("87.05"), D("18.28"), D("105.33"))
    lines = lines_of(invoice)
    assert sum(line.connected for line in lines) == 195
    assert sum(line.billed_duration for line in lines) == 32076
    assert (billed_wrongly(), discrepancies()) == ([], [])

    paper = client_as("viewer").get(f"/admin/invoice/{invoice.id}/pdf")
    assert paper.status_code == 200
    text = pdf.said(paper.data)
    for words in (invoice.number, "OakExampleWholesale", "CallstoUnitedKingdomMobile", "$32.37", "$105.33"):
        assert words in text, words


def test_a_line_is_explained_down_to_a_call(app, clerk, manager, oak, client_as):
    loaded(app, clerk, oak)
    outcome = billing.generate(manager, oak.id, OCTOBER)
    (line,) = [one for one in lines_of(outcome.invoice_id) if one.destination == "United Kingdom Mobile"]
    days = explain.days(line.id)
    assert days[-1].after == line.unit_price == D("32.37")
    total = D(0)
    for day in days:
        assert day.before == total
        shown = list(explain.calls(line, day).running())
        assert shown[-1][1] == day.after
        total = day.after
    assert sum(day.connected for day in days) == 25

    def explained(number: str):
        call = db.session.query(UsageRecord).filter_by(number=number).one()
        found = explain.arithmetic(line, call.id, call.started_at)
        assert found is not None
        return found

    # The first of the file: 178 s on 1 October, so 60 s and twenty times 6 s, at 0.30.
    first = explained("447700900573")
    assert (first.rate.prefix, first.rate.rate_per_minute) == ("447", D("0.30"))
    assert (first.record.billed_duration, first.record.charge, first.differs) == (180, D("0.90"), None)
    assert any("0.3 x 180 / 60" in step.formula for step in first.steps)
    assert D(first.steps[-1].value) == D("0.90")
    # After the 15th the same prefix is another revision's, at 0.20.
    prices = {
        (row.started_at >= MIDDLE, row.rate_per_minute)
        for row in db.session.query(UsageRecord).filter_by(destination="United Kingdom Mobile")
        if row.result == "answered"
    }
    assert prices == {(False, D("0.30")), (True, D("0.20"))}
    client = client_as("viewer")
    page = client.get(f"/admin/invoice/{outcome.invoice_id}/explain/{line.id}").get_data(as_text=True)
    assert "$32.37" in page
    rows = client.get(f"/admin/invoice/{outcome.invoice_id}/explain/{line.id}/calls.csv").get_data(
        as_text=True
    )
    last = rows.strip().splitlines()[-1].split(",")
    # Thirty attempts below the headings, and the running sum of the last is the line's.
    assert len(rows.strip().splitlines()) == 31
    assert D("32.37") in [D(cell) for cell in last if cell.replace(".", "", 1).isdigit()]
