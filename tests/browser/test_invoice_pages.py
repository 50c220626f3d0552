"""The pages around the editor: issued invoices, their payments, and access for all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.invoice_page import cell, line_dialog, lines, open_editor, save
from tests.browser.test_theme import check
from tests.support.books import fresh, line, make_customer, make_draft, make_issued, make_payment

pytestmark = pytest.mark.browser


@pytest.fixture
def customer(staff: dict[str, Any]) -> Any:
    return make_customer("Example Telecom Ltd")


def test_an_issued_invoice_says_why_it_is_fixed(page_as: Callable[..., Page], customer: Any) -> None:
    invoice = make_issued(customer, "325")
    page = page_as("manager")
    open_editor(page, invoice)
    expect(page.get_by_text("only its due date, reference and notes can be changed")).to_be_visible()
    page.get_by_label("Reference").fill("PO 7")
    save(page)
    assert fresh(invoice).reference == "PO 7"
    open_editor(page, invoice)
    page.get_by_role("button", name="Reopen").click()
    page.wait_for_url("**/admin/invoice/edit/**")
    cell(page, 0, "Unit Price").fill("300")
    save(page, "Save and issue")
    assert (fresh(invoice).total, invoice.number) == (Decimal("300.0000"), "INV-2026-000001")


def test_case_21_payments_are_allocated_and_taken_back(page_as: Callable[..., Page], customer: Any) -> None:
    invoice = make_issued(customer, "325")
    make_payment(customer, "163", reference="TT-1")
    make_payment(customer, "500", reference="TT-2")
    page = page_as("clerk")
    page.goto(f"/admin/invoice/{invoice.id}/payments")
    page.get_by_role("button", name="Allocate payment").click()
    dialog = page.get_by_role("dialog", name="Allocate payment")
    expect(dialog.get_by_label("Total paid")).to_have_value("163.00")
    dialog.get_by_label("Payment", exact=True).select_option(index=1)
    expect(dialog.get_by_label("Total paid")).to_have_value("325.00")
    dialog.get_by_label("Payment", exact=True).select_option(index=0)
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".sums")).to_contain_text("$162.00")
    page.get_by_role("link", name="Record payment").click()
    dialog = page.get_by_role("dialog", name="Record payment")
    expect(dialog.get_by_label("Total", exact=True)).to_have_value("162.00")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_contain_text("Paid")
    page.get_by_role("button", name="Remove").last.click()
    page.get_by_role("button", name="Remove allocation").click()
    expect(page.locator(".sums")).to_contain_text("$162.00")
    assert fresh(invoice).balance == Decimal("162.0000")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_nobody_is_left_out(
    page_as: Callable[..., Page], customer: Any, page_watch: Any, size: str, dark: bool
) -> None:
    page_watch.allow("style-src-elem refused inline at :", "Applying inline style violates")
    draft = make_draft(customer, line(description="A line", date_from=dt.date(2026, 1, 1)), line())
    issued = make_issued(customer, "80")
    payment = make_payment(customer, "100", description="Shown # not shown")
    page = page_as("manager", size=size, dark=dark)
    open_editor(page, draft)
    cell(page, 1, "Unit Price").fill("x")
    expect(lines(page).nth(1)).to_contain_text("not a number")
    check(page)
    page.get_by_role("button", name="Edit line 1").click()
    expect(line_dialog(page)).to_be_visible()
    check(page)
    for address in (
        f"/admin/invoice/details/?id={draft.id}",
        f"/admin/invoice/edit/?id={issued.id}",
        f"/admin/invoice/{issued.id}/payments",
        f"/admin/payment/details/?id={payment.id}",
    ):
        page.goto(address)
        check(page)
