"""Packages on generated invoices: charges, free minutes and minimum spend beside usage, and given back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.operations import assignments, billing, invoices
from dashboard.operations.base import SYSTEM
from tests.support.bills import NOVEMBER, OCTOBER, billed_wrongly, call, figures, get, make_caller, told
from tests.support.books import make_package

D = Decimal

pytestmark = pytest.mark.usefixtures("app")


def give(customer, package, **values):
    given = {"quantity": D(1), "start_date": dt.date(2025, 10, 1), **values}
    return assignments.create(SYSTEM, {"customer_id": customer.id, "package_id": package.id, **given})


@pytest.fixture
def caller(app):
    return make_caller()


def test_charges_stand_beside_usage_once_each(caller):
    line = make_package("Example Line", retail=D("10"), setup_retail=D("5"), frequency="monthly")
    give(caller, line, quantity=D(2))
    call(caller, "2025-10-02")
    october = billing.generate(SYSTEM, caller.id, OCTOBER)
    november = billing.generate(SYSTEM, caller.id, NOVEMBER)
    assert told(october.invoice_id) == [
        ("usage", "Calls to United Kingdom", "0.60"),
        ("setup", "Example Line: setup", "10.00"),
        ("package", "Example Line", "20.00"),
    ]
    assert told(november.invoice_id) == [("package", "Example Line", "20.00")]
    assert figures("SELECT kind, due_on FROM package_charge ORDER BY due_on, kind") == [
        ("recurring", dt.date(2025, 10, 1)),
        ("setup", dt.date(2025, 10, 1)),
        ("recurring", dt.date(2025, 11, 1)),
    ]
    assert billing.generate(SYSTEM, caller.id, NOVEMBER).state == "exists"


def test_void_gives_charges_and_free_minutes_back(caller):
    give(caller, make_package("Example Line", retail=D("10"), frequency="monthly"))
    minutes = make_package(
        "Example Minutes",
        retail=D(0),
        type="free_minutes",
        free_minutes=1,
        destination_prefixes="^44",
        frequency="monthly",
    )
    give(caller, minutes)
    call(caller, "2025-10-02", seconds=90)
    first = billing.generate(SYSTEM, caller.id, OCTOBER)
    lines = told(first.invoice_id)
    assert [kind for kind, _, _ in lines] == ["usage", "free_minutes", "package"]
    assert [net for _, _, net in lines] == ["0.90", "-0.60", "10.00"]
    assert figures("SELECT seconds FROM free_minute_use") == [(60,)]
    invoices.issue(SYSTEM, first.invoice_id)
    invoices.void(SYSTEM, first.invoice_id, "Again")
    assert figures("SELECT count(*) FROM package_charge") == [(0,)]
    assert figures("SELECT count(*) FROM free_minute_use") == [(0,)]
    again = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert told(again.invoice_id) == lines
    assert get(again.invoice_id).total == get(first.invoice_id).total
    assert billed_wrongly() == []


@pytest.mark.parametrize(("seconds", "short"), [(2500, "25.00"), (5000, None), (6000, None)])
def test_case_5_minimum_spend(caller, seconds, short):
    """Retail 50: spent 25 leaves 25 to charge; 50 or more leaves nothing."""
    give(caller, make_package("Example Minimum", retail=D("50"), minimum_spend=True, frequency="monthly"))
    call(caller, "2025-10-02", seconds=seconds)
    lines = told(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)
    assert lines[0][2] == f"{seconds / 100:.2f}"
    assert [net for kind, _, net in lines if kind == "minimum_spend"] == ([short] if short else [])


def test_packages_alone_make_an_invoice_and_many_customers_go_together(caller):
    line = make_package("Example Line", retail=D("10"), frequency="monthly")
    others = [make_caller(f"Example Caller {at}") for at in range(3)]
    for customer in (caller, others[1]):
        give(customer, line)
    wanted = [(customer.id, OCTOBER) for customer in (caller, *others)]
    assert [outcome.state for outcome in billing.generate_many(SYSTEM, wanted)] == [
        "made",
        "nothing",
        "made",
        "nothing",
    ]


def test_what_is_charged_to_the_account_is_on_no_invoice(caller):
    line = make_package("Example Line", retail=D("10"), frequency="monthly")
    give(caller, line, auto_decrement_credit=True)
    assert billing.generate(SYSTEM, caller.id, OCTOBER).state == "nothing"
