"""An invoice of a customer and period: its lines, its tax, its state, and what makes none."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import billing, billing_outcome, customers, invoices
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Forbidden
from dashboard.queries.settings import today
from dashboard.rules.periods import Period, period_of
from tests.support.bills import (
    NOVEMBER,
    OCTOBER,
    billed_wrongly,
    call,
    figures,
    get,
    lines_of,
    live_invoices,
    make_caller,
    open_charge,
    set_for,
    set_up,
    told,
)
from tests.support.calls import load

D = Decimal

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def caller(app):
    return make_caller()


def test_one_line_a_destination_with_tax_and_terms(caller, as_role):
    load(
        caller,
        [
            ("2025-10-01T00:00:00Z", "442079460001", 90),
            ("2025-10-31T23:59:59Z", "442079460002", 60),
            ("2025-10-05T10:00:00Z", "12025550100", 60),
            ("2025-09-30T23:59:59Z", "12025550100", 600),
            ("2025-11-01T00:00:00Z", "12025550100", 600),
        ],
    )
    customers.update(SYSTEM, caller.id, {"invoice_due_days": 14})
    outcome = billing.generate(as_role("clerk"), caller.id, OCTOBER)
    assert (outcome.state, outcome.reason) == ("made", "")
    invoice = get(outcome.invoice_id)
    assert told(invoice) == [
        ("usage", "Calls to United Kingdom", "1.50"),
        ("usage", "Calls to United States", "0.30"),
    ]
    first = invoice.items[0]
    assert (first.quantity, first.unit_price, first.connected, first.billed_duration) == (1, D("1.5"), 2, 150)
    assert (first.date_from, first.date_to) == (dt.date(2025, 10, 1), dt.date(2025, 10, 31))
    assert (first.tax_name, first.tax_percent, first.destination) == ("VAT", 20, "United Kingdom")
    assert (invoice.subtotal, invoice.tax, invoice.total) == (D("1.80"), D("0.36"), D("2.16"))
    assert (invoice.state, invoice.origin, invoice.number) == ("draft", "generated", None)
    assert (invoice.issue_date, invoice.due_date) == (today(), today() + dt.timedelta(days=14))
    assert invoice.period_start == dt.datetime(2025, 10, 1, tzinfo=dt.UTC)
    assert invoice.period_end == dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
    assert billed_wrongly() == []
    assert open_charge(caller) == D(6)


def test_one_line_a_day_by_setting_customer_or_call(caller):
    load(caller, [("2025-10-02T10:00Z", "4420", 60), ("2025-10-02T11:00Z", "1202", 60)])
    call(caller, "2025-10-09")
    set_up(invoice_line_grouping="day")
    by_setting = billing.generate(SYSTEM, caller.id, OCTOBER)
    days = [
        (line.description, line.date_from, line.date_to, line.net) for line in lines_of(by_setting.invoice_id)
    ]
    second, ninth = dt.date(2025, 10, 2), dt.date(2025, 10, 9)
    assert days == [
        ("Calls of this day", second, second, D("0.90")),
        ("Calls of this day", ninth, ninth, D("0.60")),
    ]
    invoices.delete(SYSTEM, by_setting.invoice_id)
    customers.update(SYSTEM, caller.id, {"invoice_line_grouping": "destination"})
    by_customer = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert [line.net for line in lines_of(by_customer.invoice_id)] == [D("1.20"), D("0.30")]
    invoices.delete(SYSTEM, by_customer.invoice_id)
    by_call = billing.generate(SYSTEM, caller.id, OCTOBER, grouping="day")
    assert len(lines_of(by_call.invoice_id)) == 2
    assert {get(key.invoice_id).total for key in (by_call,)} == {D("1.80")}
    assert billed_wrongly() == []


def test_a_line_is_rounded_once_after_adding_up(caller):
    """Ten calls of 0.005 are 0.05, not ten times 0.01."""
    load(caller, [(f"2025-10-02T10:{at:02}:00Z", "12025550100", 1) for at in range(10)])
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert [(line.unit_price, line.net) for line in lines_of(outcome.invoice_id)] == [(D("0.05"), D("0.05"))]


def test_a_second_time_it_is_there_already(caller):
    call(caller, "2025-10-02")
    first = billing.generate(SYSTEM, caller.id, OCTOBER)
    again = billing.generate(SYSTEM, caller.id, OCTOBER)
    inside = billing.generate(SYSTEM, caller.id, period_of("weekly", dt.date(2025, 10, 8)))
    assert (again.state, again.invoice_id) == ("exists", first.invoice_id)
    assert again.reason == f"Draft {first.invoice_id} covers 2025-10-01 to 2025-10-31 already."
    assert (inside.state, inside.invoice_id) == ("exists", first.invoice_id)
    assert len(live_invoices(caller)) == 1


def test_the_same_form_twice_makes_one(caller):
    call(caller, "2025-10-02")
    made = billing.generate(SYSTEM, caller.id, OCTOBER, form_key="a form")
    with pytest.raises(Duplicate) as told_of:
        billing.generate(SYSTEM, caller.id, OCTOBER, form_key="a form")
    assert told_of.value.result == f"invoice:{made.invoice_id}"


def test_nothing_to_bill_makes_none_unless_the_customer_asks(caller):
    load(caller, [("2025-10-02T10:00Z", "4420", 0, {"result": "no_answer"})])
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert (outcome.state, outcome.invoice_id) == ("nothing", None)
    assert outcome.reason == "There is nothing to bill for 2025-10-01 to 2025-10-31."
    set_for(caller, empty_invoices=True)
    asked = billing.generate(SYSTEM, caller.id, OCTOBER, issue=True)
    assert told(asked.invoice_id) == [("line", "Nothing to bill in this period", "0.00")]
    assert (get(asked.invoice_id).state, get(asked.invoice_id).total) == ("issued", 0)


def test_issued_at_once_by_setting_but_only_by_those_who_may(caller, as_role):
    call(caller, "2025-10-02")
    call(caller, "2025-11-02")
    set_up(generated_invoices="issued", company_name="Example Telecom")
    clerk = billing.generate(as_role("clerk"), caller.id, OCTOBER)
    manager = billing.generate(as_role("manager"), caller.id, NOVEMBER)
    assert get(clerk.invoice_id).state == "draft"
    paper = get(manager.invoice_id)
    assert (paper.state, paper.balance) == ("issued", D("0.72"))
    assert paper.number == f"INV-{today().year}-000001"
    assert paper.snapshot["seller"]["name"] == "Example Telecom"
    assert paper.issued_at is not None
    with pytest.raises(Forbidden):
        billing.generate(as_role("clerk"), caller.id, OCTOBER, issue=True)
    with pytest.raises(Forbidden):
        billing.generate(as_role("viewer"), caller.id, OCTOBER)


def test_a_period_not_over_or_just_over_waits(caller, monkeypatch):
    call(caller, "2025-10-02")

    def at(moment: str):
        monkeypatch.setattr(billing_outcome, "now", lambda: dt.datetime.fromisoformat(moment))
        outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
        return outcome.state, outcome.reason

    assert at("2025-09-30T23:59:59+00:00") == ("refused", "2025-10-01 to 2025-10-31 lies in the future.")
    assert at("2025-10-31T23:59:59+00:00")[0] == "waiting"
    assert at("2025-11-01T23:59:59+00:00") == (
        "waiting",
        "Usage of 2025-10-01 to 2025-10-31 may still be coming in. "
        "It can be billed from 2025-11-02 00:00 UTC on, 24 hours after its end.",
    )
    assert live_invoices(caller) == []
    assert at("2025-11-02T00:00:00+00:00")[0] == "made"


def test_the_period_ends_at_the_customers_own_midnight(app, monkeypatch):
    caller = make_caller(time_zone="America/New_York")
    load(caller, [("2025-11-01T03:59:59Z", "4420", 60), ("2025-11-01T04:00:00Z", "4420", 600)])
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    invoice = get(outcome.invoice_id)
    assert invoice.subtotal == D("0.60")
    assert invoice.period_end == dt.datetime(2025, 11, 1, 4, tzinfo=dt.UTC)
    assert billing.generate(SYSTEM, caller.id, OCTOBER).state == "exists"


@pytest.mark.parametrize(
    "zone", ["Europe/Madrid", "America/New_York", "Pacific/Auckland", "America/Sao_Paulo"]
)
def test_a_period_stays_billed_when_the_customer_moves_to_another_zone(caller, zone):
    call(caller, "2025-10-15")
    made = billing.generate(SYSTEM, caller.id, OCTOBER)
    customers.update(SYSTEM, caller.id, {"time_zone": zone})
    again = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert (again.state, again.invoice_id) == ("exists", made.invoice_id)
    assert again.reason.endswith("covers 2025-10-01 to 2025-10-31 already.")


def test_a_customer_who_waits_for_approval_is_refused_in_words(caller):
    call(caller, "2025-10-02")
    customers.update(SYSTEM, caller.id, {"status": "pending_approval"})
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert outcome.state == "refused"
    assert "waiting for approval" in outcome.reason
    assert billing.generate(SYSTEM, 999_999, OCTOBER).reason == "This customer no longer exists."


def test_late_usage_comes_on_the_next_invoice(caller):
    call(caller, "2025-10-02")
    billing.generate(SYSTEM, caller.id, OCTOBER)
    call(caller, "2025-10-02", seconds=120)
    call(caller, "2025-10-03", "12025550100", 60)
    call(caller, "2025-09-03", "12025550100", 600)
    call(caller, "2025-11-05", seconds=60)
    assert billing.generate(SYSTEM, caller.id, OCTOBER).state == "exists"
    outcome = billing.generate(SYSTEM, caller.id, NOVEMBER)
    assert told(outcome.invoice_id) == [
        ("usage", "Calls to United Kingdom", "0.60"),
        ("late_usage", "Late calls to United Kingdom", "1.20"),
        ("late_usage", "Late calls to United States", "0.30"),
    ]
    late = lines_of(outcome.invoice_id)[1]
    assert (late.date_from, late.date_to) == (dt.date(2025, 10, 2), dt.date(2025, 10, 2))
    assert open_charge(caller) == D(3), "September was never invoiced, so it is not late but missing"
    assert billed_wrongly() == []


def test_unrated_calls_are_never_billed(caller):
    call(caller, "2025-10-02")
    call(caller, "2025-10-02", "33123456789", 60)
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert told(outcome.invoice_id) == [("usage", "Calls to United Kingdom", "0.60")]
    assert figures("SELECT attempts FROM usage_day WHERE NOT rated AND invoice_item_id IS NULL") == [(1,)]
    assert billed_wrongly() == []


def test_yen_have_no_decimals(app):
    caller = make_caller(currency="JPY", tax_percent="10")
    load(caller, [("2025-10-02T10:00Z", "44", 7), ("2025-10-03T10:00Z", "1202", 130)], charge=D("1234.99"))
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    invoice = get(outcome.invoice_id)
    assert [(line.unit_price, line.net) for line in lines_of(invoice)] == [(D("1234.99"), D(1235))] * 2
    assert (invoice.subtotal, invoice.tax, invoice.total) == (2470, 247, 2717)


def test_tax_included_by_setting(caller):
    call(caller, "2025-10-02", seconds=6000)
    set_up(tax_inclusive=True, tax_mode="per_line")
    invoice = get(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)
    assert (invoice.tax_inclusive, invoice.tax_mode) == (True, "per_line")
    assert (invoice.subtotal, invoice.tax, invoice.total) == (50, 10, 60)


def test_a_month_of_weeks_billed_at_once_is_the_month(caller):
    load(caller, [(f"2025-09-{day:02}T12:00Z", "4420", 60) for day in range(1, 31)])
    weeks = [(caller.id, Period(dt.date(2025, 9, day), dt.date(2025, 9, day + 7))) for day in (22, 1, 15, 8)]
    outcomes = billing.generate_many(SYSTEM, weeks)
    assert [outcome.state for outcome in outcomes] == ["made"] * 4
    assert [outcome.period.start.day for outcome in outcomes] == [22, 1, 15, 8], "as they were asked for"
    month = billing.generate(SYSTEM, caller.id, period_of("monthly", dt.date(2025, 9, 1)))
    assert get(month.invoice_id).subtotal == D("1.20"), "the two days that no week covers"
    assert open_charge(caller) == 0
    assert billed_wrongly() == []


def test_very_many_destinations_fold_into_one_last_line(caller, monkeypatch):
    from dashboard.operations import billing_lines

    monkeypatch.setattr(billing_lines, "MOST_USAGE_LINES", 3)
    for at in range(1, 7):
        load(caller, [(f"2025-10-02T10:00:0{at}Z", f"9{at}", 60)], destination=f"Place {at}", charge=D(at))
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert told(outcome.invoice_id) == [
        ("usage", "Calls to Place 5", "5.00"),
        ("usage", "Calls to Place 6", "6.00"),
        ("usage", "Calls to other destinations", "10.00"),
    ]
    assert billed_wrongly() == []


def test_what_came_before_the_schedule_is_not_billed_by_it(caller):
    call(caller, "2025-10-05")
    customers.update(SYSTEM, caller.id, {"invoice_from": dt.date(2025, 11, 1)})
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert (outcome.state, outcome.invoice_id) == ("refused", None)
    assert "2025-11-01" in outcome.reason
    customers.update(SYSTEM, caller.id, {"invoice_from": None})
    assert billing.generate(SYSTEM, caller.id, OCTOBER).state == "made"
