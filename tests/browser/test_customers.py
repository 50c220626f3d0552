"""A customer's page, its dialogs, bulk edit and the upload, in a real browser."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import Contact, Customer, CustomerPackage, Package
from tests.support.books import fresh, make_customer, make_package

pytestmark = pytest.mark.browser


@pytest.fixture
def acorn(app):
    made = make_customer("Acorn Example Networks")
    db.session.commit()
    return made


def test_contacts_are_added_and_changed_in_a_dialog(page_as, page_watch, acorn):
    page_watch.allow("status of 422")
    page = page_as("clerk")
    page.goto(f"/admin/customer/details/?id={acorn.id}")
    page.get_by_role("link", name="Add contact").click()
    dialog = page.get_by_role("dialog", name="Add Contact")
    dialog.get_by_label("Name").fill("Accounts Payable")
    dialog.get_by_label("E-mail").fill("nobody")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_text("This is not an e-mail address.").first.wait_for()
    dialog.get_by_label("E-mail").fill("ap@example.com")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="ap@example.com").wait_for()
    page.get_by_role("link", name="Edit Accounts Payable").click()
    dialog = page.get_by_role("dialog", name="Edit Accounts Payable")
    dialog.get_by_label("Mobile").fill("07700 900000")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("07700 900000").wait_for()
    page.get_by_role("button", name="Delete Accounts Payable").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("No contacts yet.").wait_for()
    assert db.session.scalars(select(Contact)).all() == []


def test_a_package_is_assigned_in_a_dialog(page_as, acorn):
    make_package("Line rental", retail="9.5")
    make_package("Yen line", currency="JPY")
    page = page_as("clerk")
    page.goto(f"/admin/customer/details/?id={acorn.id}&tab=packages")
    page.get_by_role("link", name="Assign package").click()
    dialog = page.get_by_role("dialog", name="Assign package")
    dialog.get_by_role("combobox", name="Package").press_sequentially("line")
    page.get_by_role("option", name="Line rental").wait_for()
    assert page.get_by_role("option", name="Yen line").count() == 0
    page.get_by_role("option", name="Line rental").click()
    dialog.get_by_label("Quantity").fill("3")
    dialog.get_by_label("Start Date").fill("2026-11-01")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("row", name="Line rental").get_by_text("$9.50").wait_for()
    made = db.session.scalars(select(CustomerPackage)).one()
    assert (made.quantity, made.start_date) == (3, dt.date(2026, 11, 1))


def test_bulk_edit_shows_what_is_ticked(page_as, acorn):
    birch = make_customer("Birch Sample Telecom")
    page = page_as("clerk")
    page.goto("/admin/customer/")
    for name in ("Acorn Example Networks", "Birch Sample Telecom"):
        page.get_by_label(f"Select {name}").check()
    page.locator("[data-bulk]").get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Change 2 customers.").wait_for()
    assert not dialog.locator("[name=invoice_due_days]").is_visible()
    dialog.get_by_role("checkbox", name="Invoice Due Days").check()
    dialog.locator("[name=invoice_due_days]").fill("7")
    dialog.get_by_role("button", name="Edit").click()
    page.get_by_text("2 customers changed.").wait_for()
    assert [fresh(one).invoice_due_days for one in (acorn, birch)] == [7, 7]


def test_upload(page_as):
    page = page_as("clerk")
    page.goto("/admin/customer/")
    page.get_by_role("link", name="Upload").click()
    file = {
        "name": "customers.csv",
        "mimeType": "text/csv",
        "buffer": b"Company;Curr\r\nAcorn Example;USD\r\nBirch Sample;EUR\r\n",
    }
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload and choose columns").click()
    page.get_by_label("Curr").select_option(label="Currency *")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("2 customers can be imported.").wait_for()
    page.get_by_role("button", name="Import 2 customers").click()
    page.get_by_text("2 customers were imported.").wait_for()
    assert set(db.session.scalars(select(Customer.name))) == {"Acorn Example", "Birch Sample"}


def test_days_follow_the_frequency(page_as):
    page = page_as("clerk")
    page.goto("/admin/package/new/")
    page.get_by_label("Name", exact=True).fill("Weekly report")
    page.get_by_label("Retail", exact=True).fill("4")
    assert page.get_by_role("group", name="Days of the Month").is_visible()
    page.get_by_label("Frequency").select_option("weekly")
    assert not page.get_by_role("group", name="Days of the Month").is_visible()
    page.get_by_label("Monday").check()
    page.get_by_label("Friday").check()
    assert not page.get_by_label("Destination Prefixes").is_visible()
    page.get_by_label("Type").select_option("free_minutes")
    page.get_by_label("Destination Prefixes").fill("^44|^1")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Weekly report").wait_for()
    page.get_by_text("Monday, Friday").wait_for()
    made = db.session.scalars(select(Package)).one()
    assert (made.frequency_match, made.destination_prefixes) == ([1, 5], "^44|^1")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_no_page_is_wider_than_the_screen(page_as, acorn, size):
    page = page_as("manager", size=size)
    package = make_package("Line rental")
    for path in (
        "/admin/customer/",
        *(f"/admin/customer/details/?id={acorn.id}&tab={tab}" for tab in ("main", "packages", "history")),
        f"/admin/customer/edit/?id={acorn.id}",
        "/admin/customer/import/",
        "/admin/contact/",
        "/admin/package/",
        f"/admin/package/details/?id={package.id}",
        "/admin/assignment/",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
