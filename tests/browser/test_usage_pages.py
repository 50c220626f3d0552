"""Usage, a customer's Summary and the Breakout in a real browser: on a desk and a phone, light and dark."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dashboard.extensions import db
from dashboard.models import Invoice
from tests.support.access import check, expect_axe
from tests.support.books import make_customer
from tests.support.usage_rows import make_provider, put_call

pytestmark = pytest.mark.browser

OCTOBER = dt.datetime(2026, 10, 14, 9, tzinfo=dt.UTC)


@pytest.fixture
def acorn(app):
    made = make_customer("Acorn Example Networks", invoice_schedule="weekly")
    birch = make_customer("Birch Sample Telecom", currency="JPY")
    carrier, other = make_provider(), make_provider("Euro Sample Carrier", "EUR")
    for week in range(6):
        at = OCTOBER - dt.timedelta(weeks=week)
        put_call(made, at, provider=carrier, charge="1.2345", cost="0.4", seconds="3700.5")
        put_call(made, at, provider=carrier, charge="0.5", cost="0.9", destination="Spain", seconds="12")
        put_call(made, at, result="no_answer", destination="Spain")
        put_call(birch, at, provider=other, charge="120", cost="0.25")
    put_call(made, OCTOBER, charge=None, number="8835100", destination="Unknown")
    put_call(made, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=90), provider=carrier, charge="0.25")
    put_call(made, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=3), provider=carrier, charge="0.125")
    db.session.commit()
    return made


LOOKS = pytest.mark.parametrize(
    ("size", "dark"), [("desktop", False), ("desktop", True), ("phone", False), ("phone", True)]
)


@LOOKS
def test_pages_can_be_used_by_everybody(page_as, page_watch, acorn, size, dark):
    expect_axe(page_watch)
    page = page_as("manager", size=size, dark=dark)
    days = "from=2026-09-01&to=2026-10-31"
    opened = f"open=USD|USD|{acorn.id}&open=USD|USD|{acorn.id}|Spain"
    for path in (
        "/admin/usage/",
        f"/admin/customer/summary?id={acorn.id}",
        f"/admin/customer/summary?id={acorn.id}&span=hours",
        f"/admin/customer/summary?id={acorn.id}&span=daily",
        f"/admin/customer/summary?id={acorn.id}&span=monthly",
        f"/admin/breakout/?{days}&group=customer&group=destination&group=week&{opened}",
        "/admin/breakout/?from=2020-01-01&to=2020-01-01",
        "/admin/breakout/?from=never",
    ):
        page.goto(path)
        check(page)
    page.goto("/admin/usage/?number.is=8835100")
    page.locator("[data-row] a").first.click()
    page.get_by_role("heading", name="Call to 8835100").wait_for()
    check(page)


def test_an_empty_summary(page_as, page_watch, app):
    expect_axe(page_watch)
    birch = make_customer("Birch Sample Telecom")
    page = page_as("clerk")
    page.goto(f"/admin/customer/summary?id={birch.id}")
    page.get_by_text("No usage yet").wait_for()
    check(page)


def test_checked_weeks_become_invoices(page_as, acorn):
    page = page_as("clerk")
    page.goto(f"/admin/customer/details/?id={acorn.id}")
    page.get_by_role("link", name="Summary").click()
    page.get_by_role("link", name="Weekly").and_(page.locator("[aria-current]")).wait_for()
    button = page.get_by_role("button", name="Generate Invoice", exact=False).and_(
        page.locator("[data-picked]")
    )
    expect(button).to_be_disabled()
    page.get_by_role("checkbox", name="Invoice 2026-09-07 to 2026-09-13").check()
    page.get_by_role("checkbox", name="Invoice 2026-09-21 to 2026-09-27").click(modifiers=["Shift"])
    expect(button).to_contain_text("3")
    button.click()
    page.get_by_role("heading", name="3 invoices made").wait_for()
    page.get_by_role("link", name="Back to the Summary").click()
    expect(page.get_by_role("link", name="View Invoice")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Invoice of 2026-09-07 to 2026-09-13").click()
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("\n") == 4
    assert db.session.query(Invoice).filter_by(origin="generated").count() == 3


def test_automatic_invoices_ask_first(page_as, acorn):
    page = page_as("clerk")
    page.goto(f"/admin/customer/summary?id={acorn.id}")
    page.get_by_role("button", name="Auto Generate Invoice").click()
    page.get_by_role("dialog").get_by_role("button", name="Generate").click()
    page.get_by_role("heading", name="invoices made").wait_for()
    assert db.session.query(Invoice).filter_by(origin="generated").count() >= 5


def test_a_breakout_opens_in_place_and_in_the_address(page_as, acorn):
    page = page_as("viewer")
    page.goto("/admin/breakout/?from=2026-09-01&to=2026-10-31&group=customer&group=destination&group=month")
    table = page.get_by_role("region", name="Breakout, table")
    branch = table.get_by_role("link", name="Acorn Example Networks").first
    expect(branch).to_have_attribute("aria-expanded", "false")
    rows = table.locator("tbody tr")
    before = rows.count()
    branch.press("Enter")
    expect(table.get_by_role("link", name="Spain")).to_be_visible()
    expect(branch).to_be_focused()
    expect(branch).to_have_attribute("aria-expanded", "true")
    table.get_by_role("link", name="Spain").click()
    expect(table.get_by_text("2026-10", exact=True)).to_be_visible()
    assert page.url.count("open=") == 2
    page.reload()
    expect(table.get_by_text("2026-10", exact=True)).to_be_visible()
    table.get_by_role("link", name="Acorn Example Networks").first.click()
    expect(rows).to_have_count(before)
    page.go_back()
    expect(table.get_by_text("2026-10", exact=True)).to_be_visible()


def test_dates_and_groups_are_chosen(page_as, acorn):
    page = page_as("viewer")
    page.goto("/admin/breakout/?from=2026-10-01&to=2026-10-31&group=customer")
    expect(page.get_by_label("Dates")).to_have_value("days")
    page.get_by_label("Dates").select_option("this_year")
    assert page.get_by_label("From").input_value().endswith("-01-01")
    page.get_by_label("From").fill("2026-10-01")
    expect(page.get_by_label("Dates")).to_have_value("days")
    page.get_by_role("combobox", name="Group by").click()
    page.get_by_role("option", name="Month", exact=True).click()
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="Customer, then Month").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    assert download.value.suggested_filename.endswith(".xlsx")


def test_a_number_is_found_while_it_is_typed(page_as, acorn):
    page = page_as("viewer")
    page.goto("/admin/usage/")
    page.get_by_role("searchbox").fill("8835")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("link", name="2026-10-14").click()
    page.get_by_text("No rate fits this number, so the call has no charge yet.").wait_for()
