"""A statement, the days of reminders, a reminder by hand and a message to several, in a real browser."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.queries import settings
from tests.support.books import make_customer, make_issued, make_payment
from tests.support.pdf import said
from tests.support.reminding import late, mails, reachable, set_days

pytestmark = pytest.mark.browser

THERE = "first=2026-10-01&last=2026-10-31"


@pytest.fixture
def customer(app):
    made = reachable()
    make_issued(made, "1234.5", issue_date=dt.date(2026, 10, 5))
    make_payment(made, "200", paid_on=dt.date(2026, 10, 9), description="Part # never on time")
    return made


def test_a_statement_is_looked_at_downloaded_and_sent(page_as, customer):
    page = page_as("clerk")
    page.goto(f"/admin/customer/details/?id={customer.id}")
    page.get_by_role("link", name="Statement").click()
    page.get_by_label("From").fill("2026-10-01")
    page.get_by_label("To", exact=True).fill("2026-10-31")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="2026-10-01 to 2026-10-31").wait_for()
    closing = page.get_by_role("row", name="Closing balance")
    assert "$1,034.50" in closing.inner_text()
    assert page.get_by_text("never on time").count() == 0
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert "$1,034.50" in said(download.value.path().read_bytes())
    page.get_by_role("link", name="Send by e-mail").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("To").input_value() == "accounts@retail.example"
    dialog.get_by_label("Subject").fill("Your October")
    dialog.get_by_role("button", name="Send").click()
    page.get_by_text("kept under E-mails").wait_for()
    assert [mail.subject for mail in mails("statement")] == ["Your October"]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_it_is_wider_than_the_page(page_as, customer, width, scheme):
    page = page_as("viewer")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/admin/customer/{customer.id}/statement?{THERE}")
    page.get_by_text("Closing balance").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_the_days_of_reminders_say_what_they_would_do(page_as, page_watch, app):
    page_watch.allow("status of 422")
    late(7)
    late(60)
    page = page_as("admin")
    page.goto("/admin/setting/")
    days = page.get_by_label("Reminders", exact=True)
    told = page.locator("#reminders-today")
    told.get_by_text("Nobody is reminded.").wait_for()
    days.press_sequentially("3 weeks")
    told.get_by_text('"weeks" is not understood here.').wait_for()
    page.get_by_role("button", name="Save").click()
    page.locator("#reminder_days-error").get_by_text("is not understood here").wait_for()
    days.fill("3 before, 7 and 14 after")
    told.get_by_text("1 invoice", exact=True).wait_for()
    told.get_by_text("1 invoice overdue for longer").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The settings were saved.").wait_for()
    assert days.input_value() == "3 before, 7 and 14 after"
    assert settings.current().id == 1


def test_a_reminder_by_hand(page_as, app):
    invoice = late(5)
    page = page_as("clerk")
    page.goto(f"/admin/invoice/details/?id={invoice.id}")
    page.get_by_role("button", name="Send reminder").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("$100.00 USD is owed since").wait_for()
    dialog.get_by_role("button", name="Send reminder").click()
    page.get_by_role("link", name="Reminder", exact=True).wait_for()
    assert [mail.invoice_id for mail in mails()] == [invoice.id]


def test_a_message_to_several_is_looked_at_first(page_as, page_watch, app):
    page_watch.allow("status of 422")
    set_days()
    reachable("Acorn Example Networks")
    make_customer("Birch Sample Telecom")
    page = page_as("clerk")
    page.goto("/admin/customer/")
    for name in ("Acorn Example Networks", "Birch Sample Telecom"):
        page.get_by_label(f"Select {name}").check()
    page.locator("[data-bulk]").get_by_role("button", name="Send mail").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Subject").fill("Work at {{ customer }}")
    dialog.get_by_label("Message").fill("Dear {{ customer }}, on Sunday.")
    dialog.get_by_role("button", name="Send mail").click()
    dialog.get_by_text("Work at Acorn Example Networks").wait_for()
    dialog.get_by_text("1 can't, as no contact").wait_for()
    dialog.get_by_role("button", name="Send to 1").click()
    page.get_by_text("no contact of the type billing with an e-mail address").first.wait_for()
    assert [mail.subject for mail in mails("message")] == ["Work at Acorn Example Networks"]
