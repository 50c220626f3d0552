"""Two people who generate the same invoices at the same moment, and two who commit the same billing run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.operations import billing, billing_runs, invoices
from dashboard.operations.billing_outcome import Outcome
from dashboard.operations.errors import OperationError
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import period_of
from tests.support.bills import billed_wrongly, figures, get, live_invoices, make_caller, open_charge
from tests.support.books import at_once, fresh
from tests.support.calls import load
from tests.support.waiting import wait_until

D = Decimal
JULY, AUGUST = (period_of("monthly", dt.date(2026, month, 1)) for month in (7, 8))

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def callers() -> list[Customer]:
    """Twenty customers; customer n made calls for n x 0.60 in July and for 0.60 in August, at 20 % tax."""
    made = [make_caller(f"Example {at:02} Ltd", invoice_schedule="monthly") for at in range(1, 21)]
    for at, customer in enumerate(made, start=1):
        load(customer, [(f"2026-07-{at:02}T10:00:00Z", "442079460000", 60 * at)])
        load(customer, [(f"2026-08-{at:02}T10:00:00Z", "442079460000", 60)])
    return made


def sound() -> None:
    db.session.rollback()
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_two_clerks_generate_the_same_two_months(app, callers, as_role):
    """Each asks for all twenty customers, one from the first to the last and one the other way round."""
    clerk, manager = as_role("clerk"), as_role("manager")
    pairs = [(customer.id, period) for customer in callers for period in (JULY, AUGUST)]
    answers = at_once(
        app,
        [
            partial(billing.generate_many, clerk, pairs),
            partial(billing.generate_many, manager, pairs[::-1], issue=True),
        ],
    )
    outcomes = [outcome for answer in answers for outcome in answer]
    assert sorted({outcome.state for outcome in outcomes}) == ["exists", "made"]
    made = [outcome for outcome in outcomes if outcome.state == "made"]
    assert sorted((outcome.customer_id, outcome.period) for outcome in made) == sorted(pairs)
    # Whoever came second was led to the invoice of the first.
    by_pair = {(one.customer_id, one.period): one.invoice_id for one in made}
    assert all(one.invoice_id == by_pair[one.customer_id, one.period] for one in outcomes)
    # July: 0.60 x (1 + 2 + ... + 20) = 126.00; August: 12.00.
    assert figures("SELECT sum(subtotal), count(*) FROM invoice") == [(D("138.00"), 40)]
    assert sum(open_charge(customer) for customer in callers) == 0
    sound()


def test_one_voids_while_the_other_generates(app, callers, as_role):
    """Either the void comes first and the period is billed again, or it comes second and is free."""
    manager = as_role("manager")
    customer = callers[4]
    customer_id = customer.id
    key = billing.generate(manager, customer.id, JULY, issue=True).invoice_id
    answers = at_once(
        app,
        [
            lambda: invoices.void(manager, key, "Wrong") and None,
            lambda: billing.generate(manager, customer_id, JULY),
        ],
    )
    assert not any(isinstance(answer, OperationError) for answer in answers)
    (outcome,) = [answer for answer in answers if isinstance(answer, Outcome)]
    assert outcome.state in ("made", "exists")
    db.session.rollback()
    live = live_invoices(customer)
    assert len(live) == (1 if outcome.state == "made" else 0)
    assert open_charge(customer, JULY) == (0 if live else D("3.00"))
    sound()


def test_two_managers_commit_the_same_run(app, callers, as_role):
    manager, admin = as_role("manager"), as_role("admin")
    run = billing_runs.start(manager, JULY.start, JULY.end, {"customers": "schedule"})
    key = run.id
    billing_runs.work_out(key, lambda done: None, lambda note: None)
    version = fresh(run).version
    answers = at_once(
        app,
        [
            lambda: billing_runs.commit(manager, key, version=version).id,
            lambda: billing_runs.commit(admin, key, version=version).id,
        ],
    )
    refused = [answer for answer in answers if isinstance(answer, OperationError)]
    assert len(refused) == 1, answers
    # Even where two workers carry it out, each invoice is made once.
    at_once(app, [partial(billing_runs.carry_out, manager, key, lambda done: None)] * 2)
    assert figures("SELECT count(*), sum(subtotal) FROM invoice") == [(20, D("126.00"))]
    assert figures("SELECT state, count(*) FROM billing_run_row GROUP BY 1") == [("done", 20)]
    sound()


@pytest.mark.browser
def test_two_browsers_commit_the_same_run(
    callers: list[Customer], page_as: Callable[..., Page], as_role: Any, worker_process: Any
) -> None:
    """Both look at the same preview and press Commit; the second is told what the first did."""
    run = billing_runs.start(as_role("manager"), JULY.start, JULY.end, {"customers": "schedule"})
    wait_until(lambda: fresh(run).state == "previewed", 60, "the preview is there")
    pages = [page_as("manager"), page_as("admin")]
    for page in pages:
        page.goto(f"/admin/billing_run/details/?id={run.id}")
        expect(page.locator("html[data-ready]")).to_be_attached()
        page.locator("#run-sums").get_by_role("button", name="Make 20 draft invoices").click()
        question = page.get_by_role("dialog", name="Are you sure?")
        # 126.00 and a fifth of it.
        expect(question).to_contain_text("$151.20 USD")
    for page in pages:
        page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Commit").click()
    expect(pages[0].get_by_text("20 invoices made")).to_be_visible(timeout=60_000)
    expect(pages[1].get_by_text(re.compile("decided already|has been changed|changed since"))).to_be_visible()
    pages[1].goto(f"/admin/billing_run/details/?id={run.id}")
    expect(pages[1].get_by_text("20 invoices made")).to_be_visible(timeout=30_000)
    db.session.rollback()
    assert figures("SELECT count(*), sum(total) FROM invoice") == [(20, D("151.20"))]
    assert get(live_invoices(callers[2])[0].id).total == D("2.16")
    sound()
