"""A customer's Invoice Schedule in the browser: set, run now, watched until it is done, tried again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.models import Customer
from tests.support.bills import call, make_caller, set_for
from tests.support.runs import due_since, month, on, runs, schedule_of, tick, work

pytestmark = pytest.mark.browser


@pytest.fixture
def caller(app: Any) -> Customer:
    made = make_caller("Example Caller Ltd", status="pending_approval")
    call(made, on(month(), 5))
    return made


def test_a_schedule_is_set_runs_fails_and_is_tried_again(page_as: Any, caller: Customer) -> None:
    page: Page = page_as("manager")
    page.goto(f"/admin/customer/details/?id={caller.id}")
    card = page.locator("section", has=page.get_by_role("heading", name="Invoice Schedule"))
    expect(card).to_contain_text("its invoices are made by hand")
    card.get_by_role("link", name="Choose daily, weekly or monthly").click()
    page.get_by_label("Invoice Schedule").select_option("Monthly")
    page.get_by_label("Invoice Hour").select_option("06:00")
    page.get_by_label("Invoices by schedule").select_option("Issued at once")
    page.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("Each month: 24 hours after its end, then at 06:00")
    expect(card).to_contain_text("waits for approval")

    due_since(schedule_of(caller), month())
    tick()
    page.get_by_role("link", name="Runs", exact=True).click()
    row = page.get_by_role("row", name="Example Caller Ltd")
    expect(row).to_contain_text("Waiting")
    work()
    # The list asks for itself again.
    expect(row).to_contain_text("Failed", timeout=15_000)
    row.get_by_role("link", name="Example Caller Ltd").click()
    expect(page.get_by_role("alert")).to_contain_text("waiting for approval")

    set_for(caller, status="active")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    work()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden(timeout=15_000)
    (run,) = runs()
    assert run.state == "done"
    expect(page.locator("#run")).to_contain_text("1 invoice")
    page.locator("#run").get_by_role("link", name="INV-").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("INV-")


def test_run_now_on_a_phone(page_as: Any, caller: Customer) -> None:
    set_for(caller, status="active", invoice_schedule="monthly")
    tick()
    page: Page = page_as("manager", size="phone")
    page.goto(f"/admin/customer/details/?id={caller.id}")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator("#run")).to_contain_text("Waiting")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#run")).to_contain_text("Cancelled")
    expect(page.locator("#run")).to_contain_text("cancelled it.")
    page.goto("/admin/schedule_run/")
    expect(page.get_by_role("row", name="Example Caller Ltd")).to_contain_text("Cancelled")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
