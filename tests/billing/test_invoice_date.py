"""Generated invoices have the date of the day they are made, or the one that is asked for."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.models import Invoice
from dashboard.operations import billing, billing_runs
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid
from dashboard.queries import settings
from tests.support.bills import OCTOBER, call, get, live_invoices, make_caller, set_up

pytestmark = pytest.mark.usefixtures("staff")

LAST = dt.date(2025, 10, 31)


@pytest.fixture
def caller(app):
    customer = make_caller(invoice_due_days=10)
    call(customer, "2025-10-02")
    return customer


def dates(invoice: Invoice) -> tuple[dt.date, dt.date]:
    return invoice.issue_date, invoice.due_date


def test_today_unless_another_date_is_asked_for(caller):
    made = get(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)
    today = settings.today()
    assert dates(made) == (today, today + dt.timedelta(days=10))


def test_the_due_date_and_the_number_follow_the_date_asked_for(caller):
    set_up(generated_invoices="issued")
    made = get(billing.generate(SYSTEM, caller.id, OCTOBER, dated=LAST).invoice_id)
    assert dates(made) == (LAST, dt.date(2025, 11, 10))
    assert made.state == "issued"
    assert "2025" in (made.number or "")


def test_not_after_today(caller):
    later = settings.today() + dt.timedelta(days=1)
    with pytest.raises(Invalid, match="can't be dated after today"):
        billing.generate(SYSTEM, caller.id, OCTOBER, dated=later)
    with pytest.raises(Invalid, match="can't be dated after today"):
        billing_runs.start(SYSTEM, OCTOBER.start, OCTOBER.end, {"customers": "all", "dated": later})
    assert live_invoices(caller) == []


def test_a_run_keeps_the_date_until_it_is_carried_out(caller):
    options = {"customers": "chosen", "customer_ids": [caller.id], "dated": LAST}
    run = billing_runs.start(SYSTEM, OCTOBER.start, OCTOBER.end, options)
    billing_runs.work_out(run.id, lambda done: None, lambda note: None)
    billing_runs.commit(SYSTEM, run.id)
    billing_runs.carry_out(SYSTEM, run.id, lambda done: None)
    assert [dates(made) for made in live_invoices(caller)] == [(LAST, dt.date(2025, 11, 10))]


def test_the_summary_asks_for_it(caller, client_as):
    client = client_as("clerk")
    page = client.get(f"/admin/customer/summary?id={caller.id}&span=monthly")
    assert 'name="invoice_date"' in page.text
    there = f"/admin/customer/summary/generate?id={caller.id}"
    given = {"span": "monthly", "start": "2025-10-01"}
    client.post(there, data={**given, "invoice_date": "31/10/2025"})
    told = client.get(f"/admin/customer/summary?id={caller.id}&span=monthly")
    assert "Give the Invoice Date as in" in told.text
    assert live_invoices(caller) == []
    client.post(there, data={**given, "invoice_date": "2025-10-31"})
    assert [made.issue_date for made in live_invoices(caller)] == [LAST]


def test_the_form_of_a_billing_run_asks_for_it(client_as):
    assert 'name="invoice_date"' in client_as("manager").get("/admin/billing_run/new/").text
