"""Steps on the pages of Usage, with the sample file `docs/samples/Master.csv`."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def give_calls_to_acorn(page: Page) -> None:
    """On the page of what is unmatched: the rule that brings the sample's calls to their customer."""
    page.get_by_role("link", name="Add rule for a customer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Value")).to_have_value("example-pbx")
    dialog.get_by_role("combobox", name="Customer").click()
    page.keyboard.type("Acorn")
    page.get_by_role("option", name=re.compile("Acorn")).click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("240 calls that waited were taken up.")).to_be_visible()
