"""The first page in a real browser: charts like their tables, in either theme, by keyboard, on a phone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import ScheduleRun
from dashboard.operations import allocations
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from tests.support.access import check, expect_axe
from tests.support.books import give, make_customer, make_issued, make_payment

pytestmark = pytest.mark.browser

# What Chart.js was given, and the colours it was told.
DRAWN = """id => { const chart = window.Chart.getChart(document.querySelector(`canvas[data-chart="${id}"]`));
  return { labels: chart.data.labels, sets: chart.data.datasets.map(one => one.data),
    colours: chart.data.datasets.map(one => [one.backgroundColor].flat()), width: chart.width }; }"""
VALUES = "(id) => [...document.querySelectorAll(id)].map(cell => Number(cell.dataset.value))"


@pytest.fixture
def books(app: Any, staff: dict[str, Any]) -> None:
    """A year of two currencies, some of it late, some paid."""
    today = settings.today()
    for currency, amount in (("USD", "1000"), ("JPY", "90000")):
        customer = make_customer(f"Harbour {currency} Example Ltd", currency, invoice_schedule="monthly")
        for back in range(0, 330, 30):
            day = today - dt.timedelta(days=back)
            made = make_issued(customer, str(Decimal(amount) + back), issue_date=day, due_date=day)
            if back % 60 == 0:
                make_payment(customer, amount, paid_on=day)
                allocations.allocate_automatically(SYSTEM, invoice_id=made.id)
        give(customer, str(today - dt.timedelta(days=100)))
    db.session.add(
        ScheduleRun(name="Example", produces="invoices", slot=dt.datetime.now(dt.UTC), state="failed")
    )
    db.session.commit()


def ready(page: Page) -> None:
    page.goto("/admin/")
    expect(page.locator("html[data-ready]")).to_be_attached()
    # What comes after the page has come.
    expect(page.locator("#holes")).to_have_count(0)
    page.wait_for_function("window.Chart?.getChart(document.querySelector('canvas[data-chart=ages]'))")


def drawn(page: Page, name: str) -> Any:
    return page.evaluate(DRAWN, name)


@pytest.mark.parametrize(
    ("size", "dark"), [("desktop", False), ("desktop", True), ("phone", False), ("phone", True)]
)
def test_it_can_be_used_by_everybody(page_as, page_watch, books, tmp_path, size, dark) -> None:
    expect_axe(page_watch)
    page = page_as("manager", size=size, dark=dark)
    ready(page)
    check(page)
    page.screenshot(path=tmp_path / f"home-{size}-{'dark' if dark else 'light'}.png", full_page=True)


def test_a_new_account_can_be_used_by_everybody(page_as, page_watch) -> None:
    expect_axe(page_watch)
    for size, dark in (("desktop", False), ("phone", True)):
        page = page_as("admin", size=size, dark=dark)
        page.goto("/admin/")
        check(page)
        expect(page.get_by_role("link", name="Say who you are")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_many_currencies_stay_readable(page_as, page_watch, staff, tmp_path, size) -> None:
    expect_axe(page_watch)
    many = "AED AUD BHD BRL CAD CHF CNY EUR GBP INR JPY KRW KWD MXN NOK PLN SEK SGD TRY USD ZAR".split()
    for at, currency in enumerate(many):
        customer = make_customer(f"Example {currency} Ltd", currency)
        make_issued(customer, str(12_345_678 * (at + 1)), issue_date=settings.today())
    page = page_as("viewer", size=size)
    ready(page)
    check(page)
    box = page.get_by_role("region", name="This month by currency").bounding_box()
    assert box is not None and box["height"] < 450
    page.screenshot(path=tmp_path / f"many-{size}.png", full_page=True)


def test_charts_have_the_numbers_of_their_tables(page_as, books) -> None:
    page = page_as("viewer")
    ready(page)
    for currency in ("USD", "JPY"):
        page.get_by_role("navigation", name="Currency of the charts").get_by_role(
            "link", name=currency
        ).click()
        page.wait_for_url(f"**currency={currency}")
        expect(page.locator("#months-title")).to_contain_text(currency)
        months = drawn(page, "months")
        for at in (0, 1):
            column = page.evaluate(VALUES, f"#months-table tbody td:nth-child({at + 2})")
            assert months["sets"][at] == column[::-1]
        assert len(months["labels"]) == 12 and sum(months["sets"][0]) > 0
        ages = drawn(page, "ages")
        assert ages["sets"] == [page.evaluate(VALUES, "#ages-table tr[data-drawn] td[data-value]")]
        assert ages["labels"] == ["Current", "1–30", "31–60", "61–90", "Over 90"]
        assert page.locator("#ages-table tr[data-drawn] th").inner_text() == currency
    # Two charts, however often another currency was chosen.
    assert page.evaluate("Object.keys(window.Chart.instances).length") == 2


def test_charts_follow_the_theme(page_as, books) -> None:
    page = page_as("viewer")
    ready(page)

    def accent() -> str:
        return page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent').trim()")

    light = drawn(page, "months")["colours"]
    assert light[0] == [accent()]
    page.get_by_label("Appearance").first.click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    dark = drawn(page, "months")["colours"]
    assert dark[0] == [accent()] and dark != light
    assert drawn(page, "ages")["width"] > 100


def test_a_currency_is_chosen_and_a_figure_opened_by_keyboard(page_as, books) -> None:
    page = page_as("viewer")
    ready(page)
    link = page.locator("#currency-JPY")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**currency=JPY")
    # The reader stays where they were.
    expect(page.locator("#currency-JPY")).to_be_focused()
    expect(page.locator("#currency-JPY")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page.locator("#months-title")).to_contain_text("USD")
    page.get_by_role("link", name="1 Failed runs").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/schedule_run/?tab=failed")
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_it_reads_without_its_script(new_page, page_as, books) -> None:
    page = page_as("viewer", java_script_enabled=False)
    page.goto("/admin/?currency=JPY")
    expect(page.locator("#months-table tbody tr")).to_have_count(12)
    page.locator("#currency-USD").click()
    expect(page.locator("#months-title")).to_contain_text("USD")
