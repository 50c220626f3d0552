"""The theme in a real browser: signing in, lists, cells, forms that outlive a session, and access for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.access import check, expect_axe
from tests.support.books import make_customer, make_draft, make_issued
from tests.support.staff import PASSWORD, email_of

pytestmark = pytest.mark.browser

ROWS = "#list tbody tr"


def sign_in(page: Page, role: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email_of(role))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")


def ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_be_attached()


@pytest.fixture
def books(staff: dict[str, Any]) -> None:
    first = make_customer("Harbour Line Example Ltd")
    second = make_customer("Northwind Example GmbH", "EUR")
    make_draft(first, reference="PO 1")
    make_issued(first, "250")
    make_issued(second, "75.50")


def test_a_wrong_password_is_said_at_its_place(page: Page, staff: dict[str, Any]) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email_of("clerk"))
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator(".err, .note--bad").first).to_be_visible()


def test_search_tabs_and_filters_stand_in_the_url(page: Page, books: None) -> None:
    sign_in(page, "clerk")
    page.goto("/admin/invoice/")
    ready(page)
    page.keyboard.press("/")
    page.keyboard.type("harbour")
    page.wait_for_url("**search=harbour**")
    expect(page.locator(ROWS)).to_have_count(2)
    page.get_by_label("Search invoices").fill("")
    expect(page.locator(ROWS)).to_have_count(3)

    page.get_by_role("navigation", name="Status").get_by_role("link", name="Draft").click()
    page.wait_for_url("**tab=draft**")
    expect(page.locator(ROWS)).to_have_count(1)
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(3)

    ready(page)
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Column").select_option("total")
    page.get_by_label("Value").fill("200")
    page.get_by_role("button", name="Add filter").click()
    page.wait_for_url("**total.gte=200**")
    expect(page.locator(ROWS)).to_have_count(1)
    page.get_by_role("link", name="Remove filter").click()
    expect(page.locator(ROWS)).to_have_count(3)


def test_the_columns_chosen_are_remembered(page: Page, books: None) -> None:
    sign_in(page, "clerk")
    page.goto("/admin/invoice/")
    ready(page)
    head = page.get_by_role("columnheader", name="Reference")
    expect(head).to_be_visible()
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("group", name="Columns to show").get_by_label("Reference").uncheck()
    expect(head).to_have_count(0)
    page.goto("/admin/invoice/")
    expect(head).to_have_count(0)


def test_a_cell_is_edited_in_place(page: Page, books: None) -> None:
    sign_in(page, "clerk")
    page.goto("/admin/invoice/?tab=draft")
    ready(page)
    page.get_by_role("button", name="Reference: PO 1. Edit").click()
    page.get_by_role("textbox", name="Reference").fill("PO 2")
    page.keyboard.press("Enter")
    cell = page.get_by_role("button", name="Reference: PO 2. Edit")
    expect(cell).to_be_focused()
    cell.click()
    page.get_by_role("textbox", name="Reference").fill("never saved")
    page.keyboard.press("Escape")
    expect(cell).to_be_focused()


def test_rows_are_picked_by_range_and_acted_on_after_a_question(page: Page, books: None) -> None:
    sign_in(page, "manager")
    page.goto("/admin/invoice/")
    ready(page)
    boxes = page.locator("[data-pick]")
    boxes.first.click()
    boxes.last.click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected", exact=True)).to_be_visible()
    page.get_by_role("button", name="Issue", exact=True).click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("3")
    question.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("3 selected", exact=True)).to_be_visible()


def test_a_form_outlives_its_session(page: Page, staff: dict[str, Any], page_watch: Any) -> None:
    page_watch.allow("status of 401", "status of 400")
    sign_in(page, "clerk")
    page.goto("/admin/customer/new/")
    ready(page)
    page.get_by_label("Name", exact=True).fill("Kept Example Ltd")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("E-mail").fill(email_of("clerk"))
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/customer/details/**")
    expect(page.get_by_role("heading", name="Kept Example Ltd")).to_be_visible()


def test_a_refused_form_keeps_what_was_typed_and_leads_to_the_field(
    page: Page, staff: dict[str, Any], page_watch: Any
) -> None:
    page_watch.allow("status of 422")
    sign_in(page, "clerk")
    page.goto("/admin/customer/new/")
    ready(page)
    page.get_by_label("Debit Limit").fill("a lot")
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page.get_by_label("Debit Limit")).to_have_value("a lot")
    summary.get_by_role("link", name="Debit Limit").click()
    expect(page.get_by_label("Debit Limit")).to_be_focused()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_no_serious_fault_of_access_and_nothing_too_wide(
    new_page: Callable[..., Page], books: None, page_watch: Any, size: str, dark: bool
) -> None:
    expect_axe(page_watch)
    page = new_page(size, dark=dark)
    page.goto("/login")
    check(page)
    sign_in(page, "admin")
    check(page)
