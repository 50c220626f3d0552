"""The coverage calendar: what each period of a customer stands at, and why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, PackageCharge, UsageDay
from dashboard.operations import assignments
from dashboard.operations.base import SYSTEM
from dashboard.queries import coverage, settings
from dashboard.rules.periods import Period, bounds, periods
from tests.support.books import make_customer, make_draft, make_package
from tests.support.counting import counted

pytestmark = pytest.mark.usefixtures("staff")

TODAY = dt.date(2026, 11, 20)
MONTHS = periods("monthly", dt.date(2026, 7, 1), dt.date(2026, 10, 31))


def use(customer: Customer, day: str, charge: str = "1", **values: Any) -> UsageDay:
    """An open day of the ledger."""
    given = {"attempts": 10, "connected": 8, "destination": "Example Land", **values}
    made = UsageDay(customer_id=customer.id, day=dt.date.fromisoformat(day), charge=Decimal(charge), **given)
    db.session.add(made)
    db.session.commit()
    return made


def bill(customer: Customer, period: Period, zone: str = "UTC", *days: UsageDay) -> Invoice:
    """A generated invoice of the period, and the days on its line."""
    invoice = make_draft(customer)
    invoice.origin = "generated"
    invoice.period_start, invoice.period_end = bounds(period, zone)
    for day in days:
        day.invoice_item_id = invoice.items[0].id
    db.session.commit()
    return invoice


def states(customer: Customer, columns: list[Period] = MONTHS) -> list[str]:
    found = coverage.of_customers([customer.id], customer.invoice_schedule, columns)
    assert [cell.period for cell in found[customer.id]] == columns
    return [cell.state for cell in found[customer.id]]


def month(number: int) -> Period:
    return periods("monthly", dt.date(2026, number, 1), dt.date(2026, number, 1))[0]


def test_a_period_is_invoiced_missing_empty_or_before_the_first_day() -> None:
    customer = make_customer(invoice_schedule="monthly")
    bill(customer, month(8), "UTC", use(customer, "2026-08-31"))
    use(customer, "2026-10-01")
    assert states(customer) == ["before", "invoiced", "empty", "missing"]


def test_open_usage_of_an_invoiced_period_is_late() -> None:
    customer = make_customer(invoice_schedule="monthly")
    bill(customer, month(8))
    use(customer, "2026-08-15", "0.123456")
    cell = coverage.of_customers([customer.id], "monthly", MONTHS)[customer.id][1]
    assert (cell.state, cell.open_charge, cell.open_calls) == ("late", Decimal("0.123456"), 10)


def test_calls_without_a_rate_block_and_say_how_many() -> None:
    customer = make_customer(invoice_schedule="monthly")
    use(customer, "2026-10-15")
    use(customer, "2026-10-15", "0", rated=False, connected=3)
    cell = coverage.of_customers([customer.id], "monthly", MONTHS)[customer.id][3]
    assert (cell.state, cell.unrated, cell.open_charge) == ("blocked", 3, 1)


def test_packages_that_fall_due_are_missing_until_they_are_charged() -> None:
    customer = make_customer(invoice_schedule="monthly")
    package = make_package(retail=Decimal(10), frequency="monthly", frequency_match=[31])
    assigned = assignments.create(
        SYSTEM,
        {
            "customer_id": customer.id,
            "package_id": package.id,
            "quantity": Decimal(1),
            "start_date": dt.date(2026, 8, 31),
            "end_date": dt.date(2026, 10, 30),
        },
    )
    assert states(customer) == ["before", "missing", "missing", "empty"]
    line = make_draft(customer).items[0]
    charge = {"kind": "recurring", "due_on": dt.date(2026, 9, 30), "quantity": 1, "unit_price": 10}
    db.session.add(
        PackageCharge(
            customer_package_id=assigned.id, amount=10, currency="USD", invoice_item_id=line.id, **charge
        )
    )
    db.session.commit()
    assert states(customer) == ["before", "missing", "empty", "empty"]


def test_minimum_spend_is_due_on_the_last_day_of_its_span_where_less_was_spent() -> None:
    customer = make_customer(invoice_schedule="monthly")
    package = make_package(
        retail=Decimal(10), frequency="monthly", frequency_match=[15], minimum_spend=True, name="Least"
    )
    given = {"customer_id": customer.id, "package_id": package.id, "quantity": Decimal(1)}
    days = {"start_date": dt.date(2026, 7, 15), "end_date": dt.date(2026, 10, 14)}
    assigned = assignments.create(SYSTEM, {**given, **days})
    # Due on the 14th of August, September and October; nothing in July, in which the first span begins.
    assert states(customer) == ["empty", "missing", "missing", "missing"]
    line = make_draft(customer).items[0]
    charge = {"kind": "minimum_spend", "due_on": dt.date(2026, 8, 14), "quantity": 1, "unit_price": 10}
    db.session.add(
        PackageCharge(
            customer_package_id=assigned.id, amount=10, currency="USD", invoice_item_id=line.id, **charge
        )
    )
    # Enough was spent from 15 August to 14 September, and all of it is billed.
    day = use(customer, "2026-09-02", "10")
    day.invoice_item_id = line.id
    db.session.commit()
    assert states(customer) == ["empty", "empty", "empty", "missing"]


def test_a_void_invoice_covers_nothing() -> None:
    customer = make_customer(invoice_schedule="monthly")
    invoice = bill(customer, month(10))
    use(customer, "2026-10-15")
    assert states(customer)[3] == "late"
    invoice.state = "void"
    db.session.commit()
    assert states(customer)[3] == "missing"


def test_an_invoice_of_a_longer_period_covers_the_shorter_ones() -> None:
    customer = make_customer(invoice_schedule="weekly")
    bill(customer, month(10), "UTC", use(customer, "2026-10-01"))
    weeks = periods("weekly", dt.date(2026, 9, 28), dt.date(2026, 10, 31))
    assert states(customer, weeks) == ["invoiced"] * 5
    use(customer, "2026-09-30")
    assert states(customer, weeks) == ["missing", "invoiced", "invoiced", "invoiced", "invoiced"]


def test_who_wants_empty_invoices_misses_them() -> None:
    customer = make_customer(invoice_schedule="monthly")
    use(customer, "2026-08-15")
    customer.empty_invoices = True
    db.session.commit()
    assert states(customer) == ["before", "missing", "missing", "missing"]


def test_a_period_waits_until_its_usage_is_complete() -> None:
    today = dt.datetime.now(dt.UTC).date()
    columns = periods("daily", today - dt.timedelta(days=3), today - dt.timedelta(days=1))
    customer = make_customer(invoice_schedule="daily")
    for period in columns:
        use(customer, period.start.isoformat())
    assert states(customer, columns) == ["missing", "missing", "waiting"]
    settings.current().billing_delay_hours = 0
    db.session.commit()
    assert states(customer, columns) == ["missing", "missing", "missing"]


def test_the_bounds_are_midnights_of_the_customers_own_zone() -> None:
    here = make_customer("Example Madrid", invoice_schedule="monthly", time_zone="Europe/Madrid")
    there = make_customer("Example New York", invoice_schedule="monthly", time_zone="America/New_York")
    for customer, zone in ((here, "Europe/Madrid"), (there, "America/New_York")):
        bill(customer, month(10), zone, use(customer, "2026-10-31"))
        assert states(customer) == ["before", "before", "before", "invoiced"]


def test_due_periods_run_from_the_first_day_to_the_last_that_has_ended() -> None:
    customer = make_customer(invoice_schedule="monthly")
    assert coverage.due_periods(customer, TODAY) == []
    use(customer, "2026-08-31")
    assert coverage.due_periods(customer, TODAY) == [month(8), month(9), month(10)]
    assert coverage.due_periods(customer, dt.date(2026, 9, 1)) == [month(8)]
    assert coverage.due_periods(customer, dt.date(2026, 8, 31)) == []


def test_missing_names_what_should_be_there_and_is_not() -> None:
    customer = make_customer(invoice_schedule="monthly")
    bill(customer, month(8), "UTC", use(customer, "2026-08-10"))
    use(customer, "2026-10-10")
    assert coverage.missing(customer) == [month(10)]
    assert coverage.missing(make_customer("Example None")) == []


def test_a_page_goes_on_by_name_and_can_be_narrowed() -> None:
    made = [make_customer(f"Example {letter}", invoice_schedule="monthly") for letter in "CABDE"]
    use(made[0], "2026-10-10")
    use(made[4], "2026-10-10")
    first = coverage.page("monthly", MONTHS, size=2)
    assert [row.name for row in first.rows] == ["Example A", "Example B"]
    second = coverage.page("monthly", MONTHS, size=2, after=first.after)
    assert [row.name for row in second.rows] == ["Example C", "Example D"]
    last = coverage.page("monthly", MONTHS, size=2, after=second.after)
    assert ([row.name for row in last.rows], last.after) == (["Example E"], None)
    found = coverage.page("monthly", MONTHS, state="missing")
    assert [row.name for row in found.rows] == ["Example C", "Example E"]
    assert [row.name for row in coverage.page("monthly", MONTHS, search="ple_").rows] == []
    assert [row.name for row in coverage.page("monthly", MONTHS, search="ple d").rows] == ["Example D"]
    assert coverage.counts("monthly", MONTHS)["missing"] == 2


def test_no_query_a_cell() -> None:
    for at in range(30):
        use(make_customer(f"Example {at:02}", invoice_schedule="monthly"), "2026-10-10")
    settings.current()
    with counted() as few:
        coverage.page("monthly", MONTHS, size=2)
    with counted() as many:
        coverage.page("monthly", MONTHS, size=30)
    assert many.total == few.total <= 6


def test_nothing_is_missing_before_the_schedule_begins() -> None:
    customer = make_customer(invoice_schedule="monthly", invoice_from="2026-09-01")
    use(customer, "2026-07-15")
    use(customer, "2026-10-01")
    assert states(customer) == ["before", "before", "empty", "missing"]
    assert [period.start.month for period in coverage.due_periods(customer, TODAY)] == [9, 10]
