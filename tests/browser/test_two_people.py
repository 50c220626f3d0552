"""Two people, two clicks, a session that ended, too much pasted: nothing is lost, nothing is made twice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from dashboard.extensions import db
from dashboard.models import Invoice
from dashboard.operations import invoices
from dashboard.operations.base import SYSTEM
from tests.browser.invoice_page import (
    cell,
    choose_customer,
    lines,
    open_editor,
    paste,
    paste_rows,
    press_save,
    save,
)
from tests.support.books import fresh, line, make_customer, make_draft
from tests.support.staff import PASSWORD, email_of

pytestmark = pytest.mark.browser

NAME = "Example Telecom Ltd"


@pytest.fixture
def customer(staff: dict[str, Any]) -> Any:
    return make_customer(NAME)


@pytest.fixture
def writing(page_as: Callable[..., Page], customer: Any) -> Page:
    """A new invoice with one line, not saved yet."""
    page = page_as("manager")
    open_editor(page)
    choose_customer(page, NAME)
    paste_rows(page, [["Hosted line", "2", "10", "0"]])
    return page


def made() -> list[Invoice]:
    db.session.rollback()
    return db.session.query(Invoice).all()


def slowly(seconds: float) -> Callable[[Route], None]:
    def pass_on(route: Route) -> None:
        if route.request.method == "POST":
            time.sleep(seconds)
        route.continue_()

    return pass_on


def test_two_people_save_the_same_invoice(
    page_as: Callable[..., Page], customer: Any, page_watch: Any
) -> None:
    page_watch.allow("status of 409")
    draft = make_draft(customer, line(description="As it was"), reference="PO 1")
    mine = page_as("clerk")
    open_editor(mine, draft)
    cell(mine, 0, "Description").fill("Mine <b>")
    cell(mine, 0, "Quantity").fill("3")
    mine.get_by_label("Reference").fill("PO mine")
    theirs = page_as("manager")
    open_editor(theirs, draft)
    cell(theirs, 0, "Description").fill("Theirs")
    theirs.get_by_label("Reference").fill("PO theirs")
    save(theirs)

    press_save(mine)
    expect(mine.get_by_role("heading", name="Someone else changed this first")).to_be_visible()
    table = mine.get_by_role("table", name="Where yours and theirs differ")
    reference = table.get_by_role("row", name="Reference")
    expect(reference).to_contain_text("PO mine")
    expect(reference).to_contain_text("PO theirs")
    expect(table).to_contain_text("3 × 100 Mine <b> at 0 %")
    expect(table).to_contain_text("1 × 100 Theirs at 0 %")
    assert fresh(draft).reference == "PO theirs"
    mine.get_by_role("button", name="Save mine over theirs").click()
    mine.wait_for_url("**/admin/invoice/details/**")
    found = fresh(draft)
    assert (found.reference, found.total, len(found.items)) == ("PO mine", Decimal("300.0000"), 1)
    assert found.items[0].description == "Mine <b>"


def test_the_other_way_drops_mine(page_as: Callable[..., Page], customer: Any, page_watch: Any) -> None:
    page_watch.allow("status of 409")
    draft = make_draft(customer, line(description="As it was"))
    mine = page_as("clerk")
    open_editor(mine, draft)
    cell(mine, 0, "Description").fill("Mine")
    invoices.update(SYSTEM, draft.id, {"reference": "Theirs"})
    press_save(mine)
    mine.get_by_role("link", name="Drop mine and edit theirs").click()
    expect(cell(mine, 0, "Description")).to_have_value("As it was")
    expect(mine.get_by_label("Reference")).to_have_value("Theirs")


def test_an_invoice_issued_meanwhile_keeps_its_amounts(
    page_as: Callable[..., Page], customer: Any, page_watch: Any
) -> None:
    """What was a draft when the form was opened is issued by now: it is said, and what may change can."""
    page_watch.allow("status of 409", "status of 422")
    draft = make_draft(customer, line(description="As it was"))
    page = page_as("manager")
    open_editor(page, draft)
    cell(page, 0, "Unit Price").fill("999")
    page.get_by_label("Reference").fill("PO 9")
    invoices.issue(SYSTEM, draft.id)
    press_save(page)
    expect(page.get_by_role("heading", name="Someone else changed this first")).to_be_visible()
    expect(page.get_by_text("INV-2026-000001 was issued meanwhile")).to_be_visible()
    page.get_by_role("button", name="Save mine over theirs").click()
    page.wait_for_url("**/admin/invoice/details/**")
    found = fresh(draft)
    assert (found.total, found.reference) == (Decimal("100.0000"), "PO 9")


@pytest.mark.parametrize("name", ["Save", "Save and issue"])
@pytest.mark.parametrize("seconds", [0.0, 0.7], ids=["quick", "slow"])
def test_a_double_click_makes_one(writing: Page, name: str, seconds: float) -> None:
    if seconds:
        writing.route("**/admin/invoice/new/**", slowly(seconds))
    button = writing.locator(".form-foot").get_by_role("button", name=name, exact=True)
    button.dblclick()
    writing.wait_for_url("**/admin/invoice/details/**")
    expect(writing.get_by_role("heading").first).to_be_visible()
    found = made()
    assert len(found) == 1
    issued = name == "Save and issue"
    assert (found[0].state, found[0].number) == (("issued", "INV-2026-000001") if issued else ("draft", None))


def test_back_and_save_again_makes_no_second_one(writing: Page) -> None:
    """The form of a page that the browser kept carries the key of the invoice that it made."""
    save(writing)
    writing.go_back()
    writing.wait_for_url("**/admin/invoice/new/**")
    expect(writing.locator("html[data-ready]")).to_be_attached()
    if writing.locator("[data-line]").count():
        press_save(writing)
        writing.wait_for_load_state()
    assert len(made()) == 1


def test_the_same_form_by_two_threads_makes_one(
    page_as: Callable[..., Page], live_server: Any, customer: Any, app: Any
) -> None:
    """Really at once, on a real server: the second waits for the first and shows what it made."""
    page = page_as("manager")
    open_editor(page)
    token = page.locator('meta[name="csrf-token"]').get_attribute("content")
    cookie = next(one for one in page.context.cookies() if one["name"] == "billing_session")
    agent = page.evaluate("navigator.userAgent")
    body = {
        "form_key": "one-form-twice",
        "customer_id": str(customer.id),
        "issue_date": "2026-11-02",
        "items-0-quantity": "1",
        "items-0-unit_price": "5",
        "items-0-tax_percent": "0",
        "issue": "1",
        "csrf_token": token,
    }

    def send(_: int) -> tuple[int, str]:
        import http.client
        from urllib.parse import urlencode, urlsplit

        address = urlsplit(live_server.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        headers = {
            "Cookie": f"billing_session={cookie['value']}",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": agent,
        }
        connection.request("POST", "/admin/invoice/new/", urlencode(body), headers)
        with connection.getresponse() as answer:
            found = answer.status, answer.headers.get("Location", "")
        connection.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    found = made()
    assert [(one.state, one.number) for one in found] == [("issued", "INV-2026-000001")]
    assert set(answers) == {(303, f"/admin/invoice/details/?id={found[0].id}")}


def test_a_session_that_ended_loses_nothing(writing: Page, page_watch: Any) -> None:
    page_watch.allow("status of 401", "status of 400")
    writing.get_by_label("Reference").fill("PO 77")
    writing.context.clear_cookies()
    press_save(writing, "Save and issue")
    dialog = writing.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("E-mail").fill(email_of("manager"))
    dialog.get_by_label("Password").fill("not this one")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.locator(".err, .note--bad").first).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    writing.wait_for_url("**/admin/invoice/details/**")
    found = made()
    assert [(one.reference, one.number, one.total) for one in found] == [
        ("PO 77", "INV-2026-000001", Decimal("20.0000"))
    ]
    assert [item.description for item in found[0].items] == ["Hosted line"]


def test_somebody_elses_sign_in_is_not_used_for_the_form(writing: Page, page_watch: Any) -> None:
    """A viewer who signs in over the form has no right to save it: it is said, and the form stays."""
    page_watch.allow("status of 401", "status of 400", "status of 403")
    writing.context.clear_cookies()
    press_save(writing)
    dialog = writing.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("E-mail").fill(email_of("viewer"))
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()
    expect(writing.get_by_text(re.compile("role does not allow", re.IGNORECASE)).first).to_be_visible()
    assert made() == []


def test_ten_megabytes_of_rows_are_refused_without_a_freeze(writing: Page) -> None:
    rows = "A line of a spreadsheet\t1\t10\t0\n"
    began = time.monotonic()
    paste(cell(writing, 0, "Description"), rows * (10_000_000 // len(rows)))
    expect(writing.get_by_text("That is too much to paste")).to_be_visible()
    paste(writing.get_by_label("Notes"), "n" * 10_000_000)
    expect(writing.get_by_text("That is too much to paste").last).to_be_visible()
    expect(lines(writing)).to_have_count(1)
    cell(writing, 0, "Quantity").fill("4")
    assert time.monotonic() - began < 8
    assert made() == []
    save(writing)
    assert [invoice.total for invoice in made()] == [Decimal("40.0000")]


def test_leaving_a_changed_form_is_asked_about(writing: Page) -> None:
    asked: list[str] = []
    writing.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    with pytest.raises(Exception, match="ERR_ABORTED"):
        writing.goto("/admin/payment/")
    assert asked == ["beforeunload"]
    expect(cell(writing, 0, "Description")).to_have_value("Hosted line")
    save(writing)
    writing.goto("/admin/payment/")
    assert asked == ["beforeunload"]
