"""Contacts given together with a new customer: rows that come, go, and are shown again with their faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Contact, Customer

pytestmark = pytest.mark.browser


def test_rows_come_go_and_keep_what_was_typed(page_as: Callable[..., Page], page_watch: Any) -> None:
    page_watch.allow("status of 422")
    page = page_as("clerk")
    page.goto("/admin/customer/new/")
    page.get_by_label("Name", exact=True).fill("Acorn Example Networks")
    add = page.get_by_role("button", name="Add contact")
    for name, email in (
        ("Accounts Payable", "accounts@example.com"),
        ("Nobody", ""),
        ("Desk", "not an address"),
    ):
        add.click()
        row = page.locator("[data-inline-row]").last
        row.get_by_label("Name").fill(name)
        row.get_by_label("E-mail").fill(email)
    page.locator("[data-inline-row]").nth(1).get_by_role("button", name="Remove this contact").click()
    expect(page.locator("[data-inline-row]")).to_have_count(2)

    page.get_by_role("button", name="Save").click()
    wrong = page.locator("[data-inline-row]").nth(1)
    expect(wrong.locator(".err")).to_be_visible()
    expect(wrong.get_by_label("Name")).to_have_value("Desk")
    assert db.session.query(Customer).count() == 0

    wrong.get_by_label("E-mail").fill("desk@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Acorn Example Networks")).to_be_visible()
    db.session.rollback()
    assert [one.name for one in db.session.query(Contact).order_by(Contact.id)] == [
        "Accounts Payable",
        "Desk",
    ]
