"""Schedule Report in a real browser: from Breakout to a form, its preview, a run and its file."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.extensions import db
from dashboard.rules.periods import add_months
from tests.support import access
from tests.support.books import make_customer
from tests.support.reports import of_csv
from tests.support.usage_rows import put_call

pytestmark = pytest.mark.browser


@pytest.fixture
def usage(app):
    acorn, birch = make_customer("Acorn Example"), make_customer("Birch Sample")
    first = add_months(dt.datetime.now(dt.UTC).date().replace(day=1), -1)
    noon = dt.datetime.combine(first, dt.time(12), dt.UTC) + dt.timedelta(days=9)
    put_call(acorn, noon, charge="1234.5")
    put_call(birch, noon, charge="0.25", destination="Spain")
    db.session.commit()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_breakout_to_a_run_and_its_file(page_as, page_watch, usage, worker_process, size):
    access.expect_axe(page_watch)
    page_watch.allow("status of 422")
    page = page_as("manager", size=size)
    page.goto("/admin/breakout/?dates=last_month&group=destination")
    page.get_by_role("link", name="Schedule this report").click()
    preview = page.locator("#preview")
    preview.get_by_role("cell", name="Spain").wait_for()
    assert preview.locator("ol.next-runs li").count() == 5
    # A name is wanted, and addresses that can be read.
    page.get_by_role("button", name="Save").click()
    page.locator("[data-errors]").wait_for()
    page.get_by_label("Name").fill("Usage of the month")
    page.locator("#emails").fill("reports@retail.example\nnobody")
    preview.get_by_text("nobody yet").wait_for()
    preview.get_by_text('"nobody":').wait_for()
    page.locator("#emails").fill("reports@retail.example")
    preview.get_by_text("Usage of the month: ").wait_for()
    # The preview follows the form.
    group = page.locator("#groups-ts-control")
    group.click()
    page.get_by_role("option", name="Customer", exact=True).click()
    page.keyboard.press("Escape")
    preview.get_by_role("cell", name="Acorn Example").wait_for()
    page.get_by_label("Frequency").select_option("daily")
    preview.get_by_text("Each day").wait_for()
    page.get_by_label("Frequency").select_option("monthly")
    preview.get_by_text("Each month").wait_for()
    access.check(page)
    with page.expect_download() as early:
        preview.get_by_role("button", name="Download the file").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Usage of the month").wait_for()
    access.check(page)
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/schedule_run/details/**")
    page.locator(".run-state").get_by_text("Done").wait_for(timeout=60_000)
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download the file").click()
    rows = of_csv(kept.value.path().read_bytes())
    assert early.value.path().read_bytes() == kept.value.path().read_bytes()
    assert [row[:3] for row in rows[1:]] == [
        ["Spain", "Birch Sample", "0.250000"],
        ["United Kingdom - Mobile", "Acorn Example", "1234.500000"],
    ]
    page.get_by_role("link", name="Usage of the month", exact=True).first.click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused", exact=True).first.wait_for()
    page.get_by_role("button", name="Resume").wait_for()


def test_fields_follow_what_is_produced(page_as, page_watch, app):
    access.expect_axe(page_watch)
    page = page_as("manager")
    page.goto("/admin/schedule/new/")
    page.get_by_text("No usage in").wait_for()
    page.get_by_label("Produces").select_option("invoices")
    page.get_by_text("What a run makes").wait_for()
    assert not page.locator("#groups-ts-control").is_visible()
    assert not page.locator("#format").is_visible()
    assert page.locator("#issue").is_visible()
    page.locator("#issue").select_option("False")
    assert not page.locator("#send").is_visible()
    page.get_by_text("They stay drafts").wait_for()
    access.check(page)
    page.get_by_label("Produces").select_option("statements")
    page.get_by_text("the statement of account").wait_for()
    assert not page.locator("#emails").is_visible()
    assert page.locator("#customer_ids-ts-control").is_visible()
