"""The editor of an invoice template in a real browser: refusal, preview, saving, restore; on a phone, too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dashboard.documents.invoice_template import stock_source
from dashboard.operations import invoice_templates
from dashboard.operations.base import SYSTEM
from dashboard.queries import invoice_templates as queries
from tests.support import access
from tests.support.books import fresh, make_customer, make_draft, make_issued
from tests.support.pdf import said

pytestmark = pytest.mark.browser
LIST = "/admin/invoice_template/"


def shown_pdf(page: Page) -> str:
    """What the PDF of the preview says."""
    frame = page.locator("#preview iframe")
    expect(frame).to_be_visible(timeout=20_000)
    source = frame.get_attribute("src")
    answer = page.request.get(source.partition("#")[0])
    assert answer.headers["content-type"] == "application/pdf"
    return said(answer.body())


@pytest.mark.parametrize(("size", "dark"), [("desktop", False), ("phone", True)])
def test_a_template_is_added_edited_and_restored(page_as, page_watch, size, dark):
    access.expect_axe(page_watch)
    page_watch.allow("status of 422")
    paper = make_issued(make_customer("Acorn Example Networks"))
    page = page_as("admin", size=size, dark=dark)
    page.goto(LIST)
    access.check(page)
    page.get_by_role("link", name="Add template").click()
    page.get_by_label("Name").fill("House style")
    page.get_by_label("Copy of").select_option("compact")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="House style", level=1)).to_be_visible()
    assert f"INVOICE{paper.number}" in shown_pdf(page)
    page.evaluate("document.querySelector('#preview iframe').remove()")
    access.check(page)

    # A fault is said while it is typed, with its line.
    editor = page.get_by_label("HTML")
    source = editor.input_value()
    editor.fill(source.replace("<title>", "<title>{{ invoice.nummber }}"))
    expect(page.locator("#preview")).to_contain_text("Did you mean “number”?", timeout=20_000)
    page.get_by_role("button", name="Go to line 6").click()
    expect(editor).to_be_focused()
    assert "nummber" in editor.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")

    # Ctrl+S is refused with line and reason at the field, and nothing typed is lost.
    page.keyboard.press("Control+s")
    expect(page.locator("#html-error")).to_contain_text("Line 6: There is no “nummber” here.")
    assert "nummber" in page.get_by_label("HTML").input_value()

    # Mended: the preview shows it before it is saved.
    page.get_by_label("HTML").fill(source.replace(">INVOICE<", ">TAX INVOICE<"))
    expect(page.locator("#preview iframe")).to_be_visible(timeout=20_000)
    assert "TAXINVOICE" in shown_pdf(page)
    page.get_by_label("What has changed").fill("Says tax invoice")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".versions li")).to_have_count(2)
    expect(page.locator(".versions li").first).to_contain_text("Says tax invoice")

    page.get_by_role("link", name="Compare").click()
    expect(page.locator(".diff-new")).to_contain_text("TAX INVOICE")
    access.check(page)
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".versions li").first).to_contain_text("Version 1 restored")
    assert "TAXINVOICE" not in shown_pdf(page)


def test_the_preview_is_on_the_invoice_chosen(page_as):
    template = invoice_templates.create(SYSTEM, {"name": "House style", "based_on": "standard"})
    first = make_issued(make_customer("Acorn Example Networks"))
    draft = make_draft(make_customer("Birch Example Ltd"))
    page = page_as("admin")
    page.goto(f"{LIST}edit/?id={template.id}")
    assert f"Draft{draft.id}" in shown_pdf(page)
    page.locator(".ts-control").first.click()
    page.keyboard.type("Acorn")
    page.get_by_role("option", name=re.compile(first.number)).click()
    expect(page.locator("#preview .preview-line")).to_contain_text(first.number, timeout=20_000)
    assert "AcornExampleNetworks" in shown_pdf(page)


def test_tab_indents_and_escape_lets_go(page_as):
    template = invoice_templates.create(SYSTEM, {"name": "House style", "based_on": "standard"})
    page = page_as("admin")
    page.goto(f"{LIST}edit/?id={template.id}")
    editor = page.get_by_label("HTML")
    editor.fill("one\ntwo")
    editor.evaluate("area => area.setSelectionRange(0, 0)")
    page.keyboard.press("Tab")
    assert editor.input_value() == "  one\ntwo"
    page.keyboard.press("Control+a")
    page.keyboard.press("Tab")
    assert editor.input_value() == "    one\n  two"
    page.keyboard.press("Shift+Tab")
    assert editor.input_value() == "  one\ntwo"
    page.keyboard.press("Control+z")
    assert editor.input_value() == "    one\n  two"
    expect(page.locator(".code-lines")).to_have_text(re.compile(r"^1\s+2\s+$"))
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()


def test_reset_asks_first(page_as):
    template = invoice_templates.create(SYSTEM, {"name": "House style", "based_on": "standard"})
    invoice_templates.update(SYSTEM, template.id, {"html": "<p>{{ invoice.number }}</p>"})
    page = page_as("admin")
    page.goto(f"{LIST}edit/?id={template.id}")
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    expect(page.locator(".versions li").first).to_contain_text("Reset to Standard")
    assert fresh(template).html == stock_source("standard")
    assert len(queries.versions(template.id)) == 3
