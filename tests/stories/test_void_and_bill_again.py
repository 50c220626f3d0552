"""An invoice that must be made anew: void it, bill again, and every amount is the same to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import allocations, assignments, billing, customers, invoices, payments
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Refused
from dashboard.queries import settings
from dashboard.queries.checks import discrepancies
from dashboard.queries.payments import balances
from dashboard.rules.periods import period_of
from tests.support.bills import billed_wrongly, figures, get, lines_of, make_caller, open_charge
from tests.support.books import make_package
from tests.support.calls import load

D = Decimal
JULY, AUGUST = (period_of("monthly", dt.date(2026, month, 1)) for month in (7, 8))

pytestmark = pytest.mark.usefixtures("app")


def give(customer, start: str = "2026-07-01", quantity: str = "1", **package) -> None:
    made = make_package(package.pop("name"), customer.currency, **package)
    assignments.create(
        SYSTEM,
        {"customer_id": customer.id, "package_id": made.id, "quantity": quantity, "start_date": start},
    )


@pytest.fixture
def caller():
    """Calls of odd amounts, a line rental from the middle of the month, ten free minutes, a minimum spend."""
    customer = make_caller(
        rates={
            "44": {"rate_per_minute": "0.0137", "connection_fee": "0.0055", "destination": "United Kingdom"},
            "1": {"rate_per_minute": "0.0071", "destination": "United States"},
        }
    )
    customers.update(SYSTEM, customer.id, {"invoice_due_days": 14})
    give(
        customer, "2026-07-12", "3", name="Line", retail=D("9.99"), setup_retail=D("25"), frequency_match=[1]
    )
    give(
        customer,
        name="Ten minutes",
        type="free_minutes",
        retail=D("0.50"),
        free_minutes=10,
        destination_prefixes="^44",
    )
    give(customer, name="At least", retail=D("12.34"), minimum_spend=True)
    load(
        customer,
        [(f"2026-07-{1 + at % 31:02}T{at % 24:02}:17:00Z", "442079460000", 7 + at) for at in range(90)],
    )
    load(
        customer,
        [(f"2026-07-{1 + at % 31:02}T{at % 24:02}:41:00Z", "12025550100", 5 + at) for at in range(70)],
    )
    return customer


def said(key: int | None) -> list[tuple]:
    names = (
        "kind description date_from date_to quantity unit_price tax_name tax_percent net tax gross connected"
        " billed_duration package_id"
    ).split()
    return [tuple(getattr(line, name) for name in names) for line in lines_of(key)]


def sums(key: int | None) -> tuple[Decimal, Decimal, Decimal]:
    invoice = get(key)
    return invoice.subtotal, invoice.tax, invoice.total


def test_void_and_again_is_the_same_to_the_cent(caller, as_role):
    manager = as_role("manager")
    first = billing.generate(manager, caller.id, JULY, issue=True).invoice_id
    before, amounts = said(first), sums(first)
    kinds = [line[0] for line in before]
    assert sorted(set(kinds)) == ["free_minutes", "minimum_spend", "package", "setup", "usage"]
    charged = figures("SELECT kind, due_on, amount FROM package_charge ORDER BY customer_package_id, kind")
    free = figures("SELECT seconds FROM free_minute_use")
    assert free == [(600,)]
    uncharged = open_charge(caller)
    assert uncharged == 0

    for _ in range(3):
        invoices.void(manager, first, "The address was wrong")
        assert (said(first), sums(first)) == (before, amounts), "what was printed can still be read"
        assert figures("SELECT count(*) FROM package_charge") == [(0,)]
        assert figures("SELECT count(*) FROM free_minute_use") == [(0,)]
        (shown,) = billing.preview_many([(caller.id, JULY)])
        again = billing.generate(manager, caller.id, JULY, issue=True)
        assert again.state == "made", again.reason
        assert (said(again.invoice_id), sums(again.invoice_id)) == (before, amounts)
        assert shown.total == amounts[2]
        first = again.invoice_id
    assert (
        figures("SELECT kind, due_on, amount FROM package_charge ORDER BY customer_package_id, kind")
        == charged
    )
    assert figures("SELECT seconds FROM free_minute_use") == free
    # The numbers of the void ones are not given out again.
    year = settings.today().year
    assert [row[0] for row in figures("SELECT number FROM invoice ORDER BY id")] == [
        f"INV-{year}-{at:06}" for at in (1, 2, 3, 4)
    ]
    # Only the live one is owed.
    assert sum(row.owed for row in balances(caller.id)) == amounts[2]
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_a_deleted_draft_is_made_again_the_same(caller, as_role):
    clerk = as_role("clerk")
    first = billing.generate(clerk, caller.id, JULY).invoice_id
    before, amounts = said(first), sums(first)
    invoices.delete(clerk, first)
    assert open_charge(caller) > 0
    again = billing.generate(clerk, caller.id, JULY).invoice_id
    assert (said(again), sums(again)) == (before, amounts)
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_money_holds_an_invoice_in_place(caller, as_role):
    manager = as_role("manager")
    key = billing.generate(manager, caller.id, JULY, issue=True).invoice_id
    total = get(key).total
    payment = payments.create(manager, {"customer_id": caller.id, "amount": total, "status": "completed"})
    made = allocations.allocate(manager, payment.id, key, total)
    with pytest.raises(Refused):
        invoices.void(manager, key, "Wrong")
    assert open_charge(caller) == 0, "a refused void frees nothing"
    allocations.remove(manager, made.id)
    invoices.void(manager, key, "Wrong")
    again = billing.generate(manager, caller.id, JULY, issue=True).invoice_id
    allocations.allocate(manager, payment.id, again, total)
    assert get(again).balance == 0
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_the_month_after_is_the_same_whether_the_month_before_was_void_or_not(caller, as_role):
    """Packages of July that were charged again are not charged in August too."""
    manager = as_role("manager")
    load(caller, [("2026-08-02T10:00:00Z", "442079460000", 3600)])
    july = billing.generate(manager, caller.id, JULY).invoice_id
    (expected,) = billing.preview_many([(caller.id, AUGUST)])
    invoices.delete(manager, july)
    issued = billing.generate(manager, caller.id, JULY, issue=True).invoice_id
    invoices.void(manager, issued, "Wrong")
    billing.generate(manager, caller.id, JULY, issue=True)
    august = billing.generate(manager, caller.id, AUGUST)
    assert sums(august.invoice_id) == (expected.net, expected.tax, expected.total)
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_a_line_taken_out_of_a_draft_can_be_billed_on_the_next_invoice(caller, as_role):
    """Calls to the United States are taken out of July's draft: they come late in August."""
    clerk = as_role("clerk")
    july = billing.generate(clerk, caller.id, JULY).invoice_id
    lines = lines_of(july)
    (taken,) = [line for line in lines if line.destination == "United States"]
    price = taken.unit_price
    # What made calls free goes with them; the free minutes of July are worked out again in August.
    kept = [{"id": line.id} for line in lines if line.id != taken.id and line.kind != "free_minutes"]
    invoices.save(clerk, july, {"items": kept}, version=get(july).version)
    assert open_charge(caller) == price
    august = billing.generate(clerk, caller.id, AUGUST).invoice_id
    (late,) = [line for line in lines_of(august) if line.kind == "late_usage"]
    assert (late.destination, late.unit_price) == ("United States", price)
    assert (billed_wrongly(), discrepancies()) == ([], [])
