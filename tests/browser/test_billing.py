"""Billing in a browser: preview, untick, commit, results; a line down to its calls; the calendar."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Customer, Invoice
from dashboard.operations import billing
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from dashboard.rules.periods import Period, period_of, previous
from tests.support.access import check, expect_axe
from tests.support.books import make_customer
from tests.support.calls import load, make_card

pytestmark = pytest.mark.browser
LOOKS = [("desktop", False), ("desktop", True), ("phone", False), ("phone", True)]
RATES = {
    "44": {
        "rate_per_minute": "0.15",
        "destination": "United Kingdom",
        "minimum_seconds": 60,
        "pulse_seconds": 6,
    }
}


def last_month() -> Period:
    return previous("monthly", period_of("monthly", settings.today()))


@pytest.fixture
def customers(staff: dict[str, Any]) -> list[Customer]:
    """Three with calls of last month; one of them has a call that no rate fits."""
    card = make_card("Example Card", rates=RATES)
    day = last_month().start
    made = []
    for at, name in enumerate(("Example Ash", "Example Birch", "Example Cedar"), start=1):
        customer = make_customer(name, invoice_schedule="monthly", address1="1 Example Street")
        customer.rate_card_id = card.id
        db.session.commit()
        load(customer, [(f"{day}T10:00:{second:02}", "442079460000", 67 * at) for second in range(3)])
        made.append(customer)
    load(made[1], [(f"{day}T11:00:00", "999000", 30)])
    return made


def ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_be_attached()


def ask_for_a_run(page: Page) -> None:
    page.goto("/admin/billing_run/new/")
    ready(page)
    expect(page.get_by_label("First Day")).to_be_hidden()
    page.get_by_role("button", name="Work out the preview").click()
    page.wait_for_url("**/admin/billing_run/details/**")


def test_preview_untick_commit_results(
    page_as: Callable[..., Page],
    customers: list[Customer],
    worker_process: Any,
    tmp_path: Path,
    page_watch: Any,
) -> None:
    expect_axe(page_watch)
    page = page_as("manager")
    ask_for_a_run(page)
    # The page goes on by itself when the worker has done its part.
    sums = page.locator("#run-sums")
    expect(sums.get_by_role("button", name="Make 3 draft invoices")).to_be_visible(timeout=30_000)
    row = page.get_by_role("row", name=re.compile("Example Birch"))
    expect(row).to_contain_text("1 call has no rate and will not be billed")
    check(page)
    row.get_by_role("button", name="Lines of Example Birch").click()
    expect(page.get_by_role("table", name="Lines of the invoice for Example Birch")).to_contain_text(
        "Calls to United Kingdom"
    )
    page.get_by_label("Invoice Example Birch").uncheck()
    expect(sums.get_by_role("button", name="Make 2 draft invoices")).to_be_visible()
    page.reload()
    ready(page)
    expect(page.get_by_label("Invoice Example Birch")).not_to_be_checked()
    sums.get_by_role("button", name="Make 2 draft invoices").click()
    question = page.get_by_role("dialog", name="Are you sure?")
    expect(question).to_contain_text(re.compile(r"Make drafts of 2 invoices: \$\d+\.\d\d USD\?"))
    question.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("2 invoices made")).to_be_visible(timeout=30_000)
    check(page)
    made = db.session.query(Invoice).order_by(Invoice.customer_name).all()
    assert [one.customer_name for one in made] == ["Example Ash", "Example Cedar"]
    with page.expect_download() as loading:
        page.get_by_role("link", name="Results as CSV").click()
    path = tmp_path / "results.csv"
    loading.value.save_as(path)
    found = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [one["Result"] for one in found] == ["Invoiced", "Unticked", "Invoiced"]
    page.get_by_role("link", name=f"Draft {made[0].id}").click()
    expect(page.get_by_text("From usage and packages")).to_be_visible()
    page.get_by_role("link", name="Invoices for").click()
    expect(page.get_by_text("2 invoices made")).to_be_visible()


def test_all_are_ticked_and_unticked_and_narrowed(
    page_as: Callable[..., Page], customers: list[Customer], worker_process: Any
) -> None:
    page = page_as("manager")
    ask_for_a_run(page)
    sums = page.locator("#run-sums")
    expect(sums.get_by_role("button", name="Make 3 draft invoices")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Untick all 3").click()
    expect(sums.get_by_role("button", name="Make 0 draft invoices")).to_be_disabled()
    search = page.get_by_label("Search customers")
    search.fill("cedar")
    search.press("Enter")
    expect(page.get_by_role("button", name="Tick all 1", exact=True)).to_be_visible()
    page.get_by_role("button", name="Tick all 1", exact=True).click()
    expect(sums.get_by_role("button", name="Make 1 draft invoice", exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile("^Unticked")).click()
    expect(page.get_by_label("Invoice Example Ash")).not_to_be_checked()
    expect(page.get_by_label("Invoice Example Cedar")).to_have_count(0)


def test_what_changed_since_the_preview_is_refused_and_named(
    page_as: Callable[..., Page], customers: list[Customer], worker_process: Any
) -> None:
    page = page_as("manager")
    ask_for_a_run(page)
    button = page.locator("#run-sums").get_by_role("button", name="Make 3 draft invoices")
    expect(button).to_be_visible(timeout=30_000)
    load(customers[0], [(f"{last_month().start}T12:00:00", "442079460000", 600)], ids="later")
    button.click()
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Commit").click()
    expect(page.get_by_text("1 invoice was not made.")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name=re.compile("^Refused")).click()
    expect(page.get_by_role("row", name=re.compile("Example Ash"))).to_contain_text("Refused")
    db.session.rollback()
    assert db.session.query(Invoice).count() == 2


@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_a_line_opens_down_to_the_arithmetic(
    page_as: Callable[..., Page], customers: list[Customer], page_watch: Any, size: str, dark: bool
) -> None:
    expect_axe(page_watch)
    outcome = billing.generate(SYSTEM, customers[0].id, last_month())
    page = page_as("viewer", size=size, dark=dark)
    page.goto(f"/admin/invoice/details/?id={outcome.invoice_id}")
    ready(page)
    page.get_by_role("link", name="Explain line 1").click()
    page.wait_for_url("**/explain/**")
    ready(page)
    expect(page.get_by_text("The running sum of the calls ends at the unit price")).to_be_visible()
    day = page.get_by_role("button", name=f"Calls of {last_month().start}")
    day.click()
    expect(day).to_have_attribute("aria-expanded", "true")
    # 67 s come to 72 s: 0.18 each; the third call ends at the line's price.
    calls = page.get_by_role("table", name=f"Calls of {last_month().start}")
    expect(calls).to_contain_text("$0.54")
    page.get_by_role("button", name=re.compile("^Arithmetic of the call at 10:00:02")).click()
    steps = page.get_by_role("table", name="How the charge was worked out")
    expect(steps).to_contain_text("0.15 x 72 / 60")
    check(page)
    day.click()
    expect(calls).to_be_hidden()


@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_previews_and_the_calendar_can_be_used_by_everybody(
    page_as: Callable[..., Page],
    customers: list[Customer],
    page_watch: Any,
    size: str,
    dark: bool,
) -> None:
    from dashboard.operations import billing_runs

    expect_axe(page_watch)
    period = last_month()
    options = {"customers": "schedule", "schedule": "monthly"}
    run = billing_runs.start(SYSTEM, period.start, period.end, options)
    billing_runs.work_out(run.id, lambda done: None, lambda note: None)
    page = page_as("manager", size=size, dark=dark)
    for path in (
        "/admin/billing_run/",
        "/admin/billing_run/new/",
        f"/admin/billing_run/details/?id={run.id}",
        "/admin/coverage/",
        "/admin/coverage/?schedule=daily",
    ):
        page.goto(path)
        check(page)


def test_a_click_on_what_is_missing_makes_it(
    page_as: Callable[..., Page], customers: list[Customer], page_watch: Any
) -> None:
    expect_axe(page_watch)
    page = page_as("clerk")
    page.goto("/admin/coverage/")
    ready(page)
    page.get_by_role("link", name=f"Missing Example Ash, {last_month()}").click()
    dialog = page.get_by_role("dialog", name=f"Example Ash, {last_month()}")
    expect(dialog).to_contain_text("There is something to bill, and no invoice.")
    check(page)
    dialog.get_by_role("button", name="Generate invoice").click()
    expect(page.get_by_text(f"The invoice of Example Ash for {last_month()} was made.")).to_be_visible()
    page.get_by_role("link", name=f"Draft Example Ash, {last_month()}").click()
    page.wait_for_url("**/admin/invoice/details/**")


def test_ticked_customers_are_invoiced_from_their_list(
    page_as: Callable[..., Page], customers: list[Customer], page_watch: Any
) -> None:
    expect_axe(page_watch)
    make_customer("Example Nothing", invoice_schedule="monthly")
    page = page_as("clerk")
    page.goto("/admin/customer/")
    ready(page)
    page.locator("[data-pick-all]").check()
    page.get_by_role("button", name="Generate invoices", exact=True).click()
    dialog = page.get_by_role("dialog", name="Generate invoices")
    expect(dialog.get_by_label("First Day")).to_be_hidden()
    dialog.get_by_label("Period").select_option("custom")
    expect(dialog.get_by_label("First Day")).to_be_visible()
    dialog.get_by_label("Period").select_option("own")
    dialog.get_by_role("button", name="Generate invoices").click()
    expect(dialog).to_contain_text("3 made")
    expect(dialog).to_contain_text("1 nothing to bill")
    check(page)
    dialog.get_by_role("link", name="Close").click()
    page.wait_for_url("**/admin/customer/**")
    assert db.session.query(Invoice).count() == 3
