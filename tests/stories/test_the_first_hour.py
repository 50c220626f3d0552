"""What somebody new does with the sample file: import, rule, Summary, billing run, Explain and PDF.

Each destination comes to its billed seconds (60/6, counted with a spreadsheet) x rate / 60: United Kingdom
5064 s at 0.10, its mobiles 7836 s at 0.30, United States 8454 s at 0.08, France 2040 s at 0.12, its mobiles
1452 s at 0.45, Germany 1752 s at 0.11, its mobiles 3210 s at 0.40, Ireland 1176 s at 0.15, Sweden 708 s at
0.09, Australia 678 s at 0.20. That is 104.736 in all, 104.73 by lines, and 125.68 with a tax of 20 %.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Invoice
from dashboard.queries.checks import discrepancies
from tests.support import pdf
from tests.support.access import check, expect_axe
from tests.support.bills import billed_wrongly
from tests.support.books import make_customer
from tests.support.calls import make_card
from tests.support.usage_pages import give_calls_to_acorn

pytestmark = pytest.mark.browser

MASTER = Path(__file__).parents[2] / "docs/samples/Master.csv"
RATES = {
    "44": ("United Kingdom", "0.10"),
    "447": ("United Kingdom Mobile", "0.30"),
    "1": ("United States", "0.08"),
    "33": ("France", "0.12"),
    "336": ("France Mobile", "0.45"),
    "49": ("Germany", "0.11"),
    "4917": ("Germany Mobile", "0.40"),
    "353": ("Ireland", "0.15"),
    "46": ("Sweden", "0.09"),
    "61": ("Australia", "0.20"),
}


@pytest.fixture
def acorn(staff: dict[str, Any]) -> Any:
    customer = make_customer(
        "Acorn Example Ltd", tax_percent="20", tax_name="VAT", invoice_schedule="monthly"
    )
    rates = {
        prefix: {"destination": name, "rate_per_minute": price} for prefix, (name, price) in RATES.items()
    }
    make_card(rates=rates, sold_to=customer, minimum_seconds=60, pulse_seconds=6)
    return customer


def ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_be_attached()


def bring_in(page: Page) -> None:
    page.goto("/admin/usage_import/new/")
    ready(page)
    page.get_by_label("File with call records").set_input_files(str(MASTER))
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/usage_import/columns/**")
    expect(page.get_by_text("Recognised: Asterisk Master.csv")).to_be_visible()
    page.get_by_role("button", name="Preview").click()
    page.wait_for_url("**/usage_import/preview/**")
    page.get_by_role("button", name="Load 240 rows").click()
    page.wait_for_url("**/usage_import/details/**")
    expect(page.get_by_role("status").get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)


def make_the_rule(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Unmatched 240")).click()
    page.wait_for_url("**/usage_unmatched/**")
    ready(page)
    give_calls_to_acorn(page)


def run_october(page: Page) -> None:
    page.goto("/admin/billing_run/new/")
    ready(page)
    page.get_by_label("Period").select_option("custom")
    page.get_by_label("First Day").fill("2026-10-01")
    page.get_by_label("Last Day").fill("2026-10-31")
    page.get_by_role("button", name="Work out the preview").click()
    page.wait_for_url("**/admin/billing_run/details/**")
    button = page.locator("#run-sums").get_by_role("button", name="Make 1 draft invoice")
    expect(button).to_be_visible(timeout=60_000)
    check(page)
    button.click()
    question = page.get_by_role("dialog", name="Are you sure?")
    expect(question).to_contain_text("$125.68 USD")
    question.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("1 invoice made")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_the_sample_file_to_a_pdf(
    page_as: Callable[..., Page], acorn: Any, worker_process: Any, page_watch: Any, size: str
) -> None:
    expect_axe(page_watch)
    page = page_as("manager", size=size)
    bring_in(page)
    make_the_rule(page)

    page.goto(f"/admin/customer/summary?id={acorn.id}&tab=monthly")
    ready(page)
    expect(page.get_by_text("$104.736").first).to_be_visible()
    check(page)

    run_october(page)
    db.session.rollback()
    invoice = db.session.query(Invoice).one()
    assert (invoice.subtotal, invoice.tax, invoice.total) == (
        Decimal("104.73"),
        Decimal("20.95"),
        Decimal("125.68"),
    )
    assert (billed_wrongly(), discrepancies()) == ([], [])

    page.get_by_role("link", name=f"Draft {invoice.id}").click()
    page.wait_for_url("**/admin/invoice/details/**")
    ready(page)
    # The first line is Australia: 678 s at 0.20 are 2.26.
    page.get_by_role("link", name="Explain line 1", exact=True).click()
    page.wait_for_url("**/explain/**")
    ready(page)
    expect(page.get_by_text("The running sum of the calls ends at the unit price")).to_be_visible()
    expect(page.get_by_text("$2.26").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Calls of 2026-10-")).first.click()
    page.get_by_role("button", name=re.compile("^Arithmetic of the call")).first.click()
    expect(page.get_by_role("table", name="How the charge was worked out")).to_contain_text("0.2 x ")
    check(page)

    found = page.request.get(f"/admin/invoice/{invoice.id}/pdf")
    said = pdf.said(found.body())
    for words in ("AcornExampleLtd", "CallstoUnitedKingdomMobile", "$39.18", "$125.68"):
        assert words in said, words
