"""The invoice editor as somebody at the screen meets it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

_PASTE = """(cell, text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    cell.focus();
    cell.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def open_editor(page: Page, invoice: Any = None) -> None:
    page.goto("/admin/invoice/new/" if invoice is None else f"/admin/invoice/edit/?id={invoice.id}")
    expect(page.locator("html[data-ready]")).to_be_attached()


def choose_customer(page: Page, name: str) -> None:
    field = page.get_by_label("Customer", exact=True)
    field.click()
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press_sequentially(name)
    page.get_by_role("option", name=name).click()
    expect(page.locator("[data-to]")).to_contain_text(name)
    expect(field).to_have_attribute("aria-expanded", "false")


def lines(page: Page) -> Locator:
    return page.locator("[data-line]")


def cell(page: Page, row: int, label: str) -> Locator:
    return lines(page).nth(row).get_by_label(label, exact=True)


def column(page: Page, label: str) -> list[str]:
    return [cell(page, row, label).input_value() for row in range(lines(page).count())]


def paste(target: Locator, text: str) -> None:
    target.evaluate(_PASTE, text)


def paste_rows(page: Page, rows: list[list[str]]) -> None:
    """Into the table that has no lines yet."""
    paste(page.locator("[data-paste-here]"), "\n".join("\t".join(row) for row in rows))
    expect(lines(page)).to_have_count(len(rows))


def line_dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Edit Invoice Line")


def press_save(page: Page, name: str = "Save") -> None:
    page.locator(".form-foot").get_by_role("button", name=name, exact=True).click()


def save(page: Page, name: str = "Save") -> int:
    """Save, and the id of what was saved."""
    press_save(page, name)
    page.wait_for_url("**/admin/invoice/details/**")
    return int(page.url.rpartition("=")[2])


def sums(page: Page) -> dict[str, str]:
    """Sub Total, Tax and Total as the page shows them now."""
    found = page.locator("[data-sum]").evaluate_all(
        "all => all.map((one) => [one.dataset.sum, one.textContent])"
    )
    return dict(found)


def focused(page: Page) -> tuple[str, str]:
    """(label of the cell, number of its line) that has the focus."""
    found = page.evaluate(
        """() => [document.activeElement.getAttribute("aria-label"),
                  document.activeElement.closest("[data-line]")?.querySelector("[data-number]").textContent]"""
    )
    return found[0], found[1]
