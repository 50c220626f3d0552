"""Run Package in a browser: from the customer's page to a draft and a charge to the account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Payment
from dashboard.operations import assignments
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from tests.support.access import check, expect_axe
from tests.support.books import make_customer, make_package

pytestmark = pytest.mark.browser


@pytest.fixture
def customer(staff: dict[str, Any]) -> Customer:
    """Three packages that began on the first of this month: with setup, for the account, a minimum."""
    made = make_customer("Example Telecom Ltd", tax_percent=Decimal(20), tax_name="VAT")
    start = settings.today().replace(day=1)
    for name, more, auto in (
        ("Line rental", {"setup_retail": Decimal(10)}, False),
        ("Support", {"frequency_match": [28]}, True),
        ("Commitment", {"minimum_spend": True, "frequency": "daily"}, False),
    ):
        package = make_package(name, **{"retail": Decimal(30), **more})
        assignments.create(
            SYSTEM,
            {
                "customer_id": made.id,
                "package_id": package.id,
                "quantity": 1,
                "start_date": start,
                "end_date": start + dt.timedelta(days=1) if name == "Commitment" else None,
                "auto_decrement_credit": auto,
            },
        )
    return made


def test_simulate_then_charge_what_is_ticked(page_as: Callable[..., Page], customer: Customer) -> None:
    page = page_as("clerk")
    page.goto(f"/admin/customer/details/?id={customer.id}&tab=packages")
    page.get_by_role("link", name="Run Package").click()
    rows = page.locator(".due-rows tbody tr")
    expect(rows.filter(has_text="Setup, once, on the Start Date")).to_have_count(1)
    expect(page.get_by_text("tax included.")).to_be_visible()
    for tick in rows.filter(has_text="Commitment").get_by_role("checkbox").all():
        tick.uncheck()
    page.get_by_role("button", name="Charge", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Charge").click()
    page.wait_for_url("**/admin/invoice/details/**")
    expect(page.get_by_text("the account of Example Telecom Ltd was charged")).to_be_visible()
    db.session.rollback()
    invoice = db.session.scalars(select(Invoice)).one()
    assert [item.kind for item in invoice.items] == ["setup", "package"]
    assert invoice.subtotal == Decimal(40)
    assert all(one.amount < 0 for one in db.session.scalars(select(Payment)))


def test_the_customer_is_chosen_by_typing(page_as: Callable[..., Page], customer: Customer) -> None:
    page = page_as("clerk")
    page.goto("/admin/package/")
    page.get_by_role("link", name="Run Package").click()
    chosen = page.get_by_role("combobox", name="Customer")
    chosen.fill("Example")
    page.get_by_role("option", name="Example Telecom Ltd").click()
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator(".due-rows tbody tr").first).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_for_everybody(
    page_as: Callable[..., Page], customer: Customer, page_watch: Any, size: str, dark: bool
) -> None:
    expect_axe(page_watch)
    page = page_as("clerk", size=size, dark=dark)
    for address in (
        "/admin/package/run/",
        f"/admin/package/run/?customer_id={customer.id}",
        f"/admin/package/run/?customer_id={customer.id}&on=2027-12-31&since=&package_id=1",
        f"/admin/customer/details/?id={customer.id}&tab=packages",
        "/admin/package/details/?id=1",
        "/admin/",
    ):
        page.goto(address)
        check(page)
