"""What packages charge: on invoices and against the account, each due day once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, PackageCharge, Payment
from dashboard.operations import assignments, invoices, package_charges, packages, payments
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Refused
from dashboard.queries.package_accounts import customers_to_charge
from dashboard.queries.package_plan import due_until
from dashboard.rules.periods import Period, bounds
from tests.support.books import at_once, give, make_customer, make_draft
from tests.support.usage_rows import put_call

D = Decimal
DAY = dt.date
NOVEMBER = Period(DAY(2026, 11, 1), DAY(2026, 12, 1))
OCTOBER = Period(DAY(2026, 10, 1), DAY(2026, 11, 1))
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=D(20), tax_name="VAT")


def told(lines):
    return [(line.kind, str(line.due_on), line.amount) for line in lines]


def planned(customer, period=NOVEMBER, net="0"):
    return told(package_charges.plan(customer, period, D(net)))


def invoiced(customer, period=OCTOBER) -> Invoice:
    """A generated invoice of the period, as far as packages see it, with what it charges for them."""
    start, end = bounds(period, customer.time_zone or "UTC")
    lines = package_charges.plan(customer, period, D(0))
    invoice = make_draft(customer, *[line.item_values() for line in lines])
    invoice.origin, invoice.period_start, invoice.period_end = "generated", start, end
    package_charges.record(lines, invoice.items)
    db.session.commit()
    return invoice


def charges() -> int:
    return db.session.scalar(select(func.count(PackageCharge.id))) or 0


# What is due


def test_setup_once_then_each_month(acorn):
    give(acorn, setup_retail=D(10), quantity="2")
    assert planned(acorn) == [("setup", "2026-11-01", D(20)), ("recurring", "2026-11-01", D(62))]
    december = Period(DAY(2026, 12, 1), DAY(2027, 1, 1))
    assert planned(acorn, december) == [("recurring", "2026-12-01", D(62))]


def test_first_and_last_span_by_days(acorn):
    # From the 1st, charged on the 15th: 14 days of the span that began on 15 October, which has 31.
    give(acorn, end="2026-11-24", frequency_match=[15])
    lines = package_charges.plan(acorn, NOVEMBER, D(0))
    assert told(lines) == [("recurring", "2026-11-01", D(14)), ("recurring", "2026-11-15", D("10.33"))]
    assert (lines[0].span.days, lines[0].span.of_days) == (14, 31)
    assert (lines[1].span.days, lines[1].span.of_days, lines[1].span.last) == (10, 30, DAY(2026, 11, 24))
    assert lines[0].description == "Line rental (14 of 31 days)"


def test_weekly_daily_and_once(acorn):
    give(acorn, name="Weekly", frequency="weekly", frequency_match=[1, 5], retail=D(1), start="2026-11-20")
    give(acorn, name="Daily", frequency="daily", retail=D(1), start="2026-11-28")
    give(acorn, name="Once", frequency="once", retail=D(7), start="2026-11-05")
    found = planned(acorn)
    assert [day for kind, day, _ in found] == [
        "2026-11-05",
        "2026-11-20",
        "2026-11-23",
        "2026-11-27",
        "2026-11-30",
        "2026-11-28",
    ]
    assert sum(amount for _, _, amount in found) == 14


def test_days_in_a_row_are_one_line_and_each_is_charged_once(acorn):
    give(acorn, name="Daily", frequency="daily", retail=D("0.675"), quantity="3", start="2026-11-21")
    [line] = package_charges.plan(acorn, NOVEMBER, D(0))
    assert (line.quantity, line.unit_price, line.amount) == (30, D("0.675"), D("20.25"))
    assert (line.span.start, line.span.last, line.description) == (
        DAY(2026, 11, 21),
        DAY(2026, 11, 30),
        "Daily (10 days)",
    )
    assert [part.due_on.day for part in line.charges] == list(range(21, 31))
    assert [part.amount for part in line.charges] == [D("2.03")] * 5 + [D("2.02")] * 5
    first = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 22)).invoice
    assert (len(first.items), first.subtotal, charges()) == (1, D("4.05"), 2)
    assert [str(one.due_on) for one in package_charges.plan(acorn, NOVEMBER, D(0))] == ["2026-11-23"]
    invoices.delete(SYSTEM, first.id)
    assert charges() == 0


def test_a_run_from_a_day_on_leaves_what_was_due_before(acorn):
    give(acorn, start="2026-09-10", minimum_spend=True, frequency_match=[1])
    give(acorn, start="2026-09-01", name="Line")
    since, today = DAY(2026, 11, 1), DAY(2026, 11, 23)
    assert told(due_until(acorn, today, since=since)) == [("recurring", "2026-11-01", D(31))]
    # October's minimum is over on the 31st, and counted as due before.
    assert [str(line.due_on) for line in due_until(acorn, DAY(2026, 10, 31))] == [
        "2026-09-01",
        "2026-09-30",
        "2026-10-01",
        "2026-10-31",
    ]
    made = package_charges.charge(SYSTEM, acorn.id, today, since=since)
    assert made.invoice.subtotal == 31


def test_not_before_the_start_nor_after_the_end(acorn):
    give(acorn, name="Ended", start="2026-09-01", end="2026-10-31")
    give(acorn, name="Later", start="2026-12-01")
    assert planned(acorn) == []


def test_tax_of_the_package_then_of_the_customer(acorn):
    give(acorn)
    give(acorn, name="Reduced", tax_percent=D(5), tax_name="Reduced")
    lines = package_charges.plan(acorn, NOVEMBER, D(0))
    assert [(line.tax_name, line.tax_percent) for line in lines] == [("VAT", 20), ("Reduced", 5)]


def test_case_5_minimum_spend_on_an_invoice_of_the_period(acorn):
    give(acorn, retail=D(25), quantity="2", minimum_spend=True)
    assert planned(acorn, net="25") == [("minimum_spend", "2026-11-30", D(25))]
    assert planned(acorn, net="50") == []
    assert planned(acorn, net="50.01") == []
    line = package_charges.plan(acorn, NOVEMBER, D(25))[0]
    assert line.description == "Line rental: minimum spend $50.00, spent $25.00"
    assert (line.minimum, line.spent) == (50, 25)


def test_minimum_spend_of_another_span_is_held_against_the_ledger(acorn):
    give(acorn, retail=D(50), minimum_spend=True, start="2026-10-15")
    for day, charge in ((14, "100"), (15, "20"), (30, "5.50")):
        put_call(acorn, dt.datetime(2026, 10, day, 9, tzinfo=dt.UTC), charge=charge)
    put_call(acorn, dt.datetime(2026, 11, 15, 9, tzinfo=dt.UTC), charge="100")
    # The span from 15 October ends on 14 November; that of 15 November is not over in this period.
    assert planned(acorn, net="999") == [("minimum_spend", "2026-11-14", D("24.50"))]


def test_minimum_spend_of_a_part_of_a_span_is_a_part(acorn):
    give(acorn, retail=D(30), minimum_spend=True, start="2026-11-16", frequency_match=[1])
    assert planned(acorn) == [("minimum_spend", "2026-11-30", D(15))]


def test_late_where_the_period_of_the_due_day_is_invoiced(acorn):
    give(acorn, start="2026-09-01", name="Before")
    invoiced(acorn)
    give(acorn, start="2026-09-10", name="Given too late")
    lines = package_charges.plan(acorn, NOVEMBER, D(0))
    # September has no invoice yet: it will be charged by its own.
    assert [(str(line.due_on), line.late) for line in lines] == [
        ("2026-11-01", False),
        ("2026-10-10", True),
        ("2026-11-10", False),
    ]


def test_days_are_charged_once_though_the_frequency_changes(acorn):
    given = give(acorn, retail=D(30))
    invoiced(acorn, NOVEMBER)
    packages.update(SYSTEM, given.package_id, {"frequency_match": [15]})
    december = Period(DAY(2026, 12, 1), DAY(2027, 1, 1))
    lines = package_charges.plan(acorn, december, D(0))
    # 15 November to 14 December: its days of November are paid for.
    assert told(lines) == [("recurring", "2026-12-01", D(14)), ("recurring", "2026-12-15", D(30))]
    assert (lines[0].span.last, lines[0].span.days) == (DAY(2026, 12, 14), 14)


def test_what_was_bought_once_is_never_charged_in_parts(acorn):
    given = give(acorn, retail=D(30), end="2026-12-31")
    package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23))
    packages.update(SYSTEM, given.package_id, {"frequency": "once"})
    assert due_until(acorn, DAY(2026, 12, 31)) == []


def test_many_customers_are_planned_like_one(acorn):
    other = make_customer("Other Example")
    give(acorn)
    give(other, name="Other line", retail=D(9))
    idle = make_customer("Idle Example")
    asked = [(one, NOVEMBER, D(0)) for one in (idle, other, acorn)]
    assert [told(lines) for lines in package_charges.plan_many(asked)] == [
        [],
        planned(other),
        planned(acorn),
    ]


# On an invoice


def test_run_makes_a_draft_and_charges_once(acorn, as_role):
    give(acorn, setup_retail=D(10))
    made = package_charges.charge(as_role("clerk"), acorn.id, DAY(2026, 11, 23))
    invoice = made.invoice
    assert (invoice.state, invoice.origin, invoice.subtotal, invoice.total) == (
        "draft",
        "package",
        41,
        D("49.2"),
    )
    assert [item.kind for item in invoice.items] == ["setup", "package"]
    assert [(item.date_from, item.date_to) for item in invoice.items] == [
        (None, None),
        (DAY(2026, 11, 1), DAY(2026, 11, 30)),
    ]
    assert made.payments == []
    assert planned(acorn) == []
    with pytest.raises(Refused, match="Nothing is due"):
        package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23))


def test_only_what_is_chosen_and_as_it_was_seen(acorn):
    given = give(acorn, start="2026-10-01", retail=D(10))
    day = DAY(2026, 11, 23)
    lines = due_until(acorn, day)
    old = {lines[0].key: package_charges.fingerprint(lines[0])}
    packages.update(SYSTEM, given.package_id, {"retail": D(11)})
    with pytest.raises(Refused, match="changed since"):
        package_charges.charge(SYSTEM, acorn.id, day, chosen=old)
    now = due_until(acorn, day)[0]
    new = {now.key: package_charges.fingerprint(now)}
    made = package_charges.charge(SYSTEM, acorn.id, day, chosen=new)
    assert made.invoice.subtotal == 11
    assert [line.key for line in due_until(acorn, day)] == [lines[1].key]
    with pytest.raises(Refused, match="changed since"):
        package_charges.charge(SYSTEM, acorn.id, day, chosen=new)
    with pytest.raises(Refused, match="Tick at least one"):
        package_charges.charge(SYSTEM, acorn.id, day, chosen={})


def test_a_form_sent_twice_charges_once(acorn):
    give(acorn)
    made = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23), form_key="one")
    key = made.invoice.id
    with pytest.raises(Duplicate) as raised:
        package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23), form_key="one")
    assert raised.value.result == f"invoice:{key}"


def test_not_beyond_today_and_not_by_viewers(acorn, as_role):
    give(acorn)
    with pytest.raises(Refused, match="up to today, 2026-11-23"):
        package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 24))
    with pytest.raises(Forbidden):
        package_charges.charge(as_role("viewer"), acorn.id, DAY(2026, 11, 23))


def test_a_removed_line_a_deleted_draft_and_a_void_invoice_free_what_they_charged(acorn):
    give(acorn, setup_retail=D(10))
    due = planned(acorn)
    first = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23)).invoice
    invoices.update(SYSTEM, first.id, {"items": [{"id": first.items[1].id}]})
    assert planned(acorn) == due[:1]
    invoices.delete(SYSTEM, first.id)
    assert charges() == 0
    second = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23)).invoice
    invoices.issue(SYSTEM, second.id)
    assert planned(acorn) == []
    invoices.void(SYSTEM, second.id, "Wrong price")
    assert charges() == 0
    assert planned(acorn) == due
    assert len(second.items) == 2


def test_two_at_once_charge_once(app, acorn):
    give(acorn, setup_retail=D(5))
    give(acorn, name="To the account", auto=True)
    key = acorn.id
    db.session.rollback()

    def run():
        return package_charges.charge(SYSTEM, key, DAY(2026, 11, 23))

    answers = at_once(app, [run] * 4)
    assert sum(isinstance(answer, package_charges.Charged) for answer in answers) == 1
    assert all(isinstance(one, (package_charges.Charged, Refused)) for one in answers)
    assert charges() == 3
    assert db.session.scalar(select(func.count(Invoice.id))) == 1
    assert db.session.scalar(select(func.count(Payment.id))) == 1


def test_a_charged_package_stays_with_its_start(acorn):
    given = give(acorn)
    package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23))
    with pytest.raises(Refused, match="Set its End Date instead"):
        assignments.delete(SYSTEM, given.id)
    with pytest.raises(Invalid, match="charged from 2026-11-01"):
        assignments.update(SYSTEM, given.id, {"start_date": "2026-11-02"})
    assert assignments.update(SYSTEM, given.id, {"end_date": "2026-11-30"}).end_date == DAY(2026, 11, 30)


# Against the account


def account() -> list[tuple[str, Decimal, str]]:
    found = db.session.scalars(select(Payment).order_by(Payment.paid_on, Payment.id))
    return [(str(one.paid_on), one.amount, one.description) for one in found]


def test_auto_decrement_credit_charges_the_account_at_each_due_day(acorn):
    give(acorn, auto=True, start="2026-10-10", setup_retail=D(5), frequency_match=[15], quantity="2")
    assert planned(acorn) == []
    assert package_charges.charge_accounts() == 4
    assert account() == [
        ("2026-10-10", D("-12.0000"), "Line rental: setup"),
        ("2026-10-10", D("-12.4000"), "Line rental, 2026-10-10 to 2026-10-14 (5 of 30 days)"),
        ("2026-10-15", D("-74.4000"), "Line rental, 2026-10-15 to 2026-11-14"),
        ("2026-11-15", D("-74.4000"), "Line rental, 2026-11-15 to 2026-12-14"),
    ]
    made = db.session.scalars(select(Payment)).first()
    assert (made.status, made.currency, made.customer_id) == ("completed", "USD", acorn.id)
    assert package_charges.charge_accounts() == 0
    with time_machine.travel(dt.datetime(2026, 12, 15, 0, 1, tzinfo=dt.UTC)):
        assert package_charges.charge_accounts() == 1


def test_the_day_begins_where_the_customer_is(acorn):
    acorn.time_zone = "Pacific/Auckland"
    db.session.commit()
    give(acorn, auto=True, start="2026-11-24")
    # Noon in London on the 23rd is the first hour of the 24th in Auckland.
    assert package_charges.charge_accounts() == 1


@pytest.mark.parametrize("status", ["inactive", "pending_approval"])
def test_who_is_inactive_or_waits_for_approval_is_not_charged(acorn, status):
    give(acorn, auto=True)
    acorn.status = status
    db.session.commit()
    assert package_charges.charge_accounts() == 0
    acorn.status = "active"
    db.session.commit()
    assert package_charges.charge_accounts() == 1


def test_one_failure_stops_nobody_else(acorn, caplog):
    dear = make_customer("Dear Example")
    give(dear, auto=True, retail=D(10) ** 13, quantity="1000000", name="Dear")
    give(acorn, auto=True)
    assert package_charges.charge_accounts() == 1
    assert f"customer {dear.id} could not be charged" in caplog.text


def test_two_ticks_at_once_charge_once(app, acorn):
    for n in range(3):
        give(make_customer(f"Example {n}"), auto=True, name=f"Package {n}", start="2026-10-01")
    db.session.rollback()
    made = at_once(app, [package_charges.charge_accounts] * 3)
    assert sum(made) == 6
    assert charges() == 6
    assert len(account()) == 6


def test_a_tick_passes_over_a_customer_that_somebody_works_on(app, acorn):
    give(acorn, auto=True)
    key = acorn.id
    db.session.commit()
    with unit_of_work(SYSTEM):
        db.session.get(Customer, key, with_for_update=True)
        assert at_once(app, [package_charges.charge_accounts]) == [0]
    assert package_charges.charge_accounts() == 1


def test_a_charge_to_the_account_is_cancelled_never_deleted(acorn):
    give(acorn, auto=True)
    package_charges.charge_accounts()
    payment = db.session.scalars(select(Payment)).one()
    with pytest.raises(Refused, match="charged again at once"):
        payments.delete(SYSTEM, payment.id)
    with pytest.raises(Invalid, match="stays with its customer"):
        payments.update(SYSTEM, payment.id, {"customer_id": make_customer("Other Example").id})
    payments.cancel(SYSTEM, payment.id)
    assert package_charges.charge_accounts() == 0


def test_minimum_spend_is_never_charged_to_the_account(acorn):
    with pytest.raises(Invalid, match="put on the invoice"):
        give(acorn, auto=True, minimum_spend=True)
    given = give(acorn, name="Became one", auto=True, start="2026-10-01")
    packages.update(SYSTEM, given.package_id, {"minimum_spend": True})
    assert customers_to_charge(10) == []
    assert planned(acorn, net="1") == [("minimum_spend", "2026-11-30", D(30))]
