"""Every page in light and dark, on a desk and on a phone: axe finds nothing serious, nothing is too wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from dashboard.extensions import db
from dashboard.models import Job
from dashboard.operations import allocations, assignments, contacts
from dashboard.operations.base import SYSTEM
from tests.support.access import check, expect_axe
from tests.support.books import DAY, make_customer, make_draft, make_issued, make_package, make_payment

pytestmark = pytest.mark.browser

PAGES = (
    "/admin/",
    "/admin/customer/",
    "/admin/customer/?search=nothing",
    "/admin/customer/new/",
    "/admin/customer/edit/?id=1",
    "/admin/customer/details/?id=1",
    "/admin/customer/import/",
    "/admin/contact/",
    "/admin/package/",
    "/admin/package/new/",
    "/admin/package/details/?id=1",
    "/admin/assignment/",
    "/admin/invoice/",
    "/admin/invoice/new/",
    "/admin/invoice/edit/?id=1",
    "/admin/invoice/edit/?id=2",
    "/admin/invoice/details/?id=2",
    "/admin/invoice/2/payments",
    "/admin/invoice/2/allocate",
    "/admin/item/",
    "/admin/payment/",
    "/admin/payment/new/",
    "/admin/payment/details/?id=1",
    "/admin/payment/1/refund",
    "/admin/setting/",
    "/admin/staff/",
    "/admin/staff/new/",
    "/admin/audit/",
    "/admin/account/",
    "/admin/job/",
    "/admin/job/details/?id=1",
    "/admin/nothing/",
)


@pytest.fixture
def books(app: Flask, staff: dict[str, Any]) -> None:
    customer = make_customer()
    package = make_package(retail=50)
    contacts.create(
        SYSTEM, {"customer_id": customer.id, "name": "Accounts Payable", "email": "ap@example.com"}
    )
    assignments.create(
        SYSTEM, {"customer_id": customer.id, "package_id": package.id, "quantity": 1, "start_date": DAY}
    )
    make_draft(customer, reference="PO 1")
    issued = make_issued(customer, "250")
    payment = make_payment(customer, "300")
    allocations.allocate(SYSTEM, payment.id, issued.id, 100)
    job = Job(
        kind="invoice_pdfs", title="PDFs of 2 invoices", params={}, total=2, created_by=staff["admin"].id
    )
    db.session.add(job)
    db.session.commit()


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_for_everybody(
    page_as: Callable[..., Page], books: None, page_watch: Any, size: str, dark: bool
) -> None:
    expect_axe(page_watch)
    page_watch.allow("status of 404")
    page = page_as("admin", size=size, dark=dark)
    for address in PAGES:
        page.goto(address)
        check(page)
