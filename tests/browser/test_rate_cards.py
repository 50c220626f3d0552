"""Import of a rate card and the test of a number, in a real browser, on a desktop and on a phone."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Rate
from tests.support import access
from tests.support.books import make_customer
from tests.support.calls import add_rates, make_card, make_provider

pytestmark = pytest.mark.browser

HEAD = "Code,Destination,Price,Increment\n"
GOOD = HEAD + "44,United Kingdom,0.02,60/6\n4420,United Kingdom London,0.01,1/1\n49,Germany,0.03,1/1\n"


def chosen_file(text: str) -> dict[str, object]:
    return {"name": "july.csv", "mimeType": "text/csv", "buffer": text.encode()}


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_card_is_imported_and_a_number_tested(page_as, page_watch, size):
    access.expect_axe(page_watch)
    card = make_card(rates={"44": "0.01", "33": "0.05"})
    customer = make_customer("Acorn Example Networks", rate_card_id=card.id)
    make_card("Carrier cost", kind="cost", provider_id=make_provider().id, rates={"44": "0.005"})
    page = page_as("manager", size=size)
    page.goto(f"/admin/rate_card/details/?id={card.id}")
    access.check(page)
    page.get_by_role("link", name="Import", exact=True).click()
    access.check(page)
    # First a file with an error: nothing can be imported, and the row says why.
    page.get_by_label("CSV file").set_input_files(chosen_file(HEAD + "44,United Kingdom,-1,60/6\n"))
    page.get_by_role("button", name="Upload and choose columns").click()
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("This can't be less than 0.").wait_for()
    access.check(page)
    assert page.get_by_role("button", name="Import").count() == 0
    page.get_by_role("link", name="Another file").click()
    page.get_by_label("CSV file").set_input_files(chosen_file(GOOD))
    page.get_by_role("button", name="Upload and choose columns").click()
    page.get_by_label("From").fill("2026-07-01")
    page.get_by_label("The whole card").check()
    access.check(page)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="What would change").wait_for()
    for kind, count in (("New", 2), ("Dearer", 1), ("Withdrawn", 1)):
        assert page.locator(".kinds li", has_text=kind).inner_text().split()[0] == str(count)
    access.check(page)
    page.get_by_role("button", name="Import 4 changes").click()
    page.get_by_text("4 rates were imported and hold from 2026-07-01 00:00.").first.wait_for()
    assert db.session.scalar(select(func.count(Rate.id))) == 7
    page.goto(f"/admin/customer/details/?id={customer.id}")
    page.get_by_role("link", name="Test a number").click()
    page.get_by_label("Number").fill("+44 20 7946 0000")
    page.get_by_label("Seconds").fill("61")
    page.get_by_role("button", name="Test").click()
    page.get_by_role("heading", name="442079460000: United Kingdom London").wait_for()
    page.get_by_text("0.01 x 61 / 60").wait_for()
    page.get_by_text("USD 0.0102", exact=True).wait_for()
    access.check(page)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_rate_is_changed_and_withdrawn(page_as, page_watch, size):
    access.expect_axe(page_watch)
    card = make_card()
    add_rates(card, {"44": {"rate_per_minute": "0.01", "destination": "United Kingdom"}})
    page = page_as("manager", size=size)
    page.goto(f"/admin/rate_card/details/?id={card.id}")
    page.get_by_role("link", name="Add rate").click()
    dialog = page.get_by_role("dialog", name="Add rate")
    dialog.get_by_label("Prefix").fill("4420")
    dialog.get_by_label("Destination").fill("United Kingdom London")
    dialog.get_by_label("Rate per Minute").fill("0.02")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("The rate for 4420 holds from").first.wait_for()
    page.get_by_role("link", name="All rates").click()
    page.get_by_role("heading", name="Rates of Example Rates").wait_for()
    access.check(page)
    page.get_by_role("row", name="United Kingdom London").get_by_role("link", name="Withdraw").click()
    page.get_by_role("heading", name="Withdraw prefix").wait_for()
    access.check(page)
    page.get_by_label("From").fill("2199-01-01")
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_text("4420 is withdrawn from 2199-01-01").first.wait_for()
    page.get_by_role("link", name="To come").click()
    page.get_by_role("row", name="4420").wait_for()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_everybody_can_use_the_pages(page_as, page_watch, size):
    access.expect_axe(page_watch)
    card = make_card(rates={"44": "0.01"})
    provider = make_provider(trunks=["sip-a", "sip-b"])
    make_card("Carrier cost", kind="cost", provider_id=provider.id, rates={"44": "0.005"})
    page = page_as("manager", size=size)
    for path in (
        "/admin/rate_card/",
        "/admin/rate_card/new/",
        f"/admin/rate_card/edit/?id={card.id}",
        "/admin/provider/",
        f"/admin/provider/details/?id={provider.id}",
        "/admin/rate_card/test/",
        f"/admin/rate_card/test/?rate_card_id={card.id}&number=99&on_day=2026-07-05&seconds=60",
    ):
        page.goto(path)
        access.check(page)


def test_the_owner_shows_where_the_card_has_one(page_as):
    make_provider()
    page = page_as("manager")
    page.goto("/admin/rate_card/new/")
    assert not page.get_by_role("combobox", name="Customer").is_visible()
    assert not page.get_by_role("combobox", name="Provider").is_visible()
    page.get_by_label("For", exact=True).select_option("cost")
    page.get_by_label("Name", exact=True).fill("Carrier cost")
    page.get_by_role("combobox", name="Provider").press_sequentially("exam")
    page.get_by_role("option", name="Example Carrier").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Carrier cost").wait_for()
    page.get_by_role("link", name="Example Carrier").wait_for()
