"""Invoices by e-mail, the ledger and the editor of texts, in a real browser, on a desktop and on a phone."""

from __future__ import annotations

import pytest

from dashboard.operations import mails
from dashboard.operations.base import SYSTEM
from tests.support import access
from tests.support import mail_world as world
from tests.support.mail_world import TO, again, use_server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def box(app):
    with world.box() as made:
        use_server(made.host, made.port)
        yield made


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_an_invoice_goes_out_and_its_page_says_so(page_as, page_watch, box, worker_process, size):
    access.expect_axe(page_watch)
    page_watch.allow("status of 422")
    invoice = world.sendable_invoice()
    page = page_as("clerk", size=size)
    page.goto(f"/admin/invoice/details/?id={invoice.id}")
    page.get_by_role("link", name="Send by e-mail").click()
    dialog = page.get_by_role("dialog", name=f"Send {invoice.number} by e-mail")
    to = dialog.get_by_label("To")
    assert to.input_value() == TO
    to.fill("nobody")
    dialog.get_by_role("button", name="Send").click()
    dialog.get_by_text('"nobody" is not an e-mail address').first.wait_for()
    access.check(page)
    to.fill(f"{TO}, second@retail.example")
    dialog.get_by_label("Message").fill("Here is your invoice.")
    dialog.get_by_role("button", name="Send").click()
    page.get_by_text("The e-mail will be sent in a moment.").first.wait_for()
    wait_until(lambda: box.messages, 20, "it arrives")
    page.reload()
    card = page.locator("section.card", has=page.get_by_role("heading", name="E-mails"))
    card.get_by_text("Sent").wait_for()
    access.check(page)
    card.get_by_role("link", name="Invoice").click()
    page.get_by_role("heading", name=f"Invoice {invoice.number}").wait_for()
    page.get_by_text("As HTML").click()
    page.frame_locator(".mail-frame").get_by_text("Here is your invoice.").wait_for()
    access.check(page)
    with page.expect_download() as download:
        page.get_by_role("link", name=f"{invoice.number}.pdf").click()
    assert download.value.suggested_filename == f"{invoice.number}.pdf"


def test_scripts_and_pictures_in_a_mail_do_nothing(page_as, page_watch, app):
    page_watch.allow("Blocked script execution|Content Security Policy|Refused to")
    mail = world.file(
        html="<h1>Hello</h1><script>top.document.title='taken'</script><img src='http://127.0.0.1:9/x.png'>"
    )
    page = page_as("viewer")
    page.goto(f"/admin/mail/details/?id={mail.id}")
    page.get_by_text("As HTML").click()
    page.frame_locator(".mail-frame").get_by_text("Hello").wait_for()
    assert "taken" not in page.title()


def test_what_nobody_knows_is_decided_on_its_page(page_as, page_watch, box):
    access.expect_axe(page_watch)
    mail = world.file()
    world.set_state(mail, "unsure", error="The program was stopped.")
    page = page_as("clerk")
    page.goto("/admin/mail/?tab=unsure")
    page.get_by_role("link", name="Planned work").click()
    page.get_by_text("Nobody knows whether it arrived.").wait_for()
    access.check(page)
    page.get_by_role("button", name="It arrived").click()
    page.get_by_text("Noted: the e-mail arrived.").first.wait_for()
    assert again(mail).state == "sent"


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_text_is_written_beside_its_preview(page_as, page_watch, app, size):
    access.expect_axe(page_watch)
    invoice = world.sendable_invoice()
    page = page_as("admin", size=size, dark=size == "phone")
    page.goto("/admin/mail_template/")
    access.check(page)
    page.get_by_role("link", name="Edit Invoice").click()
    preview = page.locator("#preview")
    preview.get_by_text("Example Retail Ltd").first.wait_for()
    body = page.get_by_role("textbox", name="Text")
    body.fill("Dear {{ company.nmae }}")
    preview.get_by_text("There is no “nmae” here").wait_for()
    access.check(page)
    body.fill("Hello {{ company.name }},\npay {{ invoice.total }}.")
    preview.get_by_text("Hello Example Retail Ltd,").wait_for()
    access.check(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("from now on e-mails say this").first.wait_for()
    assert mails.send_invoice(SYSTEM, invoice.id).body == "Hello Example Retail Ltd,\npay $100.00."
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    page.get_by_text("the stock text is in use again").first.wait_for()
