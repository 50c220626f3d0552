"""The first five minutes of somebody who has never seen the product, by the words on the screen alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Invoice, Payment

pytestmark = pytest.mark.browser


def menu(page: Page, size: str, name: str) -> None:
    if size == "phone":
        page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name=name).click()


def choose(page: Page, label: str, typed: str) -> None:
    """Pick from a drop-down that searches on the server."""
    field = page.get_by_role("combobox", name=label)
    field.click()
    page.keyboard.type(typed)
    page.get_by_role("option", name=typed).first.click()
    expect(page.locator(".ts-dropdown:visible")).to_have_count(0)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_nothing_to_a_paid_invoice(
    page_as: Callable[..., Page], app: Any, size: str, tmp_path: Path
) -> None:
    page = page_as("admin", size=size)
    page.goto("/admin/")

    menu(page, size, "Customers")
    page.get_by_role("link", name="Add Customer").first.click()
    page.get_by_label("Name", exact=False).first.fill("Acorn Example Networks")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Acorn Example Networks")).to_be_visible()

    menu(page, size, "Packages")
    page.get_by_role("link", name="Add Package").first.click()
    page.get_by_label("Name", exact=False).first.fill("Fibre Line 500")
    page.get_by_label("Retail", exact=True).fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Fibre Line 500")).to_be_visible()

    menu(page, size, "Invoices")
    page.get_by_role("link", name="Add Invoice").first.click()
    choose(page, "Customer", "Acorn Example Networks")
    expect(page.locator("[data-to]")).to_contain_text("Acorn Example Networks")
    page.get_by_role("button", name="Edit Invoice Item").first.click()
    dialog = page.get_by_role("dialog", name="Edit Invoice Line")
    dialog.get_by_role("combobox", name="Package").click()
    page.keyboard.type("Fibre")
    page.get_by_role("option", name="Fibre Line 500").click()
    expect(dialog.get_by_label("Unit Price")).to_have_value("50.00")
    expect(dialog.get_by_text("Net: $50.00 USD")).to_be_visible()
    expect(dialog.get_by_text("Total: $60.00 USD")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Save and issue").click()
    page.wait_for_url("**/admin/invoice/details/**")

    invoice = db.session.query(Invoice).one()
    assert invoice.number is not None
    assert (invoice.state, str(invoice.total)) == ("issued", "60.0000")

    menu(page, size, "Invoices")
    with page.expect_download() as loading:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert loading.value.suggested_filename == f"{invoice.number}.pdf"
    loading.value.save_as(tmp_path / "invoice.pdf")
    assert (tmp_path / "invoice.pdf").read_bytes().startswith(b"%PDF-")

    menu(page, size, "Payments")
    page.get_by_role("link", name="Add Payment").first.click()
    choose(page, "Customer", "Acorn Example Networks")
    page.get_by_label("Total", exact=False).first.fill("60")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/admin/payment/details/**")

    menu(page, size, "Invoices")
    page.get_by_role("link", name="View Payments").click()
    page.get_by_role("link", name="Allocate payment").or_(
        page.get_by_role("button", name="Allocate payment")
    ).first.click()
    dialog = page.get_by_role("dialog", name="Allocate payment")
    expect(dialog.get_by_label("Total paid")).to_have_value("60.00")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Payment 1")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Paid", exact=True).first).to_be_visible()

    db.session.expire_all()
    invoice, payment = db.session.query(Invoice).one(), db.session.query(Payment).one()
    assert (str(invoice.paid), str(invoice.balance)) == ("60.0000", "0.0000")
    assert str(payment.unallocated) == "0.0000"
