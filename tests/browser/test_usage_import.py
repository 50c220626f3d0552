"""Usage from a file to calls in the books, with a real worker: upload, columns, preview, load, unmatched."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import UsageRecord
from tests.support.access import check, expect_axe
from tests.support.books import make_customer
from tests.support.calls import make_card, make_rule
from tests.support.usage_pages import give_calls_to_acorn

pytestmark = pytest.mark.browser

MASTER = Path(__file__).parent.parent.parent / "docs" / "samples" / "Master.csv"
CHOSEN = "When;Whom;How long;Whose\n" + "".join(
    f"{day:02}/11/2026 10:00:00;442079460123;{day};acorn\n" for day in range(1, 21)
)


@pytest.fixture
def acorn(staff: dict[str, Any]) -> Any:
    customer = make_customer("Acorn Example Ltd")
    make_card(rates={"44": "0.06", "1": "0.02", "33": "0.05", "49": "0.05", "353": "0.05"}, sold_to=customer)
    return customer


def upload(page: Page, name: str, content: bytes) -> None:
    page.goto("/admin/usage_import/new/")
    expect(page.locator("html[data-ready]")).to_be_attached()
    check(page)
    page.get_by_label("File with call records").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/usage_import/columns/**")


def test_a_switchs_file_is_recognised_loaded_and_its_customer_found(
    page_as: Callable[..., Page], acorn: Any, worker_process: Any, page_watch: Any
) -> None:
    expect_axe(page_watch)
    page = page_as("clerk")
    upload(page, "Master.csv", MASTER.read_bytes())
    expect(page.get_by_text("Recognised: Asterisk Master.csv")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Preview").click()
    page.wait_for_url("**/usage_import/preview/**")
    expect(page.get_by_text("240 rows in the file.")).to_be_visible()
    expect(page.get_by_text("Unmatched").first).to_be_visible()
    check(page)
    page.get_by_role("button", name="Load 240 rows").click()
    page.wait_for_url("**/usage_import/details/**")
    expect(page.get_by_role("status").get_by_text("Done", exact=True)).to_be_visible(timeout=30_000)
    check(page)
    page.get_by_role("link", name=re.compile("^Unmatched 240")).click()
    page.wait_for_url("**/usage_unmatched/**")
    check(page)
    give_calls_to_acorn(page)
    expect(page.get_by_text("Every call has its customer")).to_be_visible()
    db.session.rollback()
    assert db.session.query(UsageRecord).filter_by(customer_id=acorn.id).count() == 240


@pytest.mark.parametrize("width", [1440, 390])
def test_columns_are_mapped_and_the_order_of_dates_is_asked(
    page_as: Callable[..., Page], acorn: Any, worker_process: Any, page_watch: Any, width: int
) -> None:
    expect_axe(page_watch)
    page_watch.allow("status of 422")
    make_rule(acorn, "account_code", "ACORN")
    page = page_as("clerk")
    page.set_viewport_size({"width": width, "height": 844})
    only_early = "\n".join(CHOSEN.splitlines()[:12]) + "\nnothing at all;442;x;acorn\n"
    upload(page, "own-switch.csv", only_early.encode())
    expect(page.get_by_text("Not a format known by itself")).to_be_visible()
    for heading, field in (
        ("When", "Start"),
        ("Whom", "Number called"),
        ("How long", "Duration, whole call"),
    ):
        page.get_by_label(heading, exact=True).select_option(label=field)
    page.get_by_label("Whose", exact=True).select_option(label="Account code")
    page.get_by_label("Save as a format").fill("Own switch")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("the file does not tell")
    check(page)
    page.get_by_label("Dates are written").select_option(label="Day, month, year")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_url("**/usage_import/preview/**")
    expect(page.get_by_text("2026-11-01 10:00:00")).to_be_visible()
    expect(page.get_by_text("The start is not a date and time")).to_be_visible()
    check(page)
    page.get_by_role("button", name=re.compile("^Load")).click()
    page.wait_for_url("**/usage_import/details/**")
    expect(page.get_by_role("status").get_by_text("Done", exact=True)).to_be_visible(timeout=30_000)
    bad = page.get_by_role("heading", name="Bad rows").last
    expect(bad).to_be_visible()
    check(page)
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download as CSV").click()
    assert loading.value.suggested_filename.startswith("bad-rows-")
    db.session.rollback()
    assert db.session.query(UsageRecord).count() == 11
    # The next file like it is known by its column names.
    upload(page, "next.csv", CHOSEN.encode())
    expect(page.get_by_text("Recognised: Own switch")).to_be_visible()
    page.goto(f"/admin/customer/details/?id={acorn.id}&tab=usage_rules")
    expect(page.get_by_role("cell", name="ACORN").first).to_be_visible()
    check(page)
