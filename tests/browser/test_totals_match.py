"""The live totals and the saved ones are always equal: the same random lines through both."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page

from dashboard.extensions import db
from dashboard.models import Invoice, Setting
from dashboard.rules.money import format_money
from tests.browser.invoice_page import cell, choose_customer, lines, open_editor, paste_rows, save, sums
from tests.support.books import make_customer

pytestmark = pytest.mark.browser

CURRENCIES = ("USD", "JPY", "BHD")
WAYS = list(product(("per_rate", "per_line"), (False, True)))
TAXES = (("20", "VAT"), ("23", "VAT"), ("19", ""), ("6", "Reduced"), ("0", "None"), ("7.725", "Sales tax"))


def number(chance: random.Random, digits: int, places: int) -> str:
    """Often near a half of the smallest unit, where rounding shows."""
    value = Decimal(chance.randrange(10**digits)).scaleb(-chance.randrange(places + 1))
    if chance.random() < 0.3:
        value += Decimal("0.5").scaleb(-chance.randrange(4))
    return f"{value:f}"


def random_lines(chance: random.Random) -> list[list[str]]:
    """Description, quantity, unit price, tax, tax description."""
    rows = []
    for at in range(chance.randrange(1, 9)):
        sign = "-" if chance.random() < 0.15 else ""
        percent, name = chance.choice(TAXES)
        quantity, price = number(chance, 4, 3), number(chance, 6, 4)
        rows.append([f"Line {at + 1}", sign + quantity, price, percent, name])
    return rows


def shown(page: Page) -> dict[str, Any]:
    totals = sums(page)
    outs = lines(page).locator("[data-out]").evaluate_all("all => all.map((one) => one.textContent)")
    return {
        "subtotal": totals["subtotal"],
        "tax": totals["tax"],
        "total": totals["total"],
        "lines": list(zip(outs[::2], outs[1::2], strict=True)),
    }


def kept(invoice: Invoice) -> dict[str, Any]:
    code = invoice.currency
    return {
        "subtotal": format_money(invoice.subtotal, code),
        "tax": format_money(invoice.tax, code),
        "total": format_money(invoice.total, code, code=True),
        "lines": [(format_money(row.net, code), format_money(row.gross, code)) for row in invoice.items],
    }


@pytest.mark.parametrize(("mode", "inclusive"), WAYS)
def test_what_the_screen_shows_is_what_is_saved(
    page_as: Callable[..., Page], staff: dict[str, Any], mode: str, inclusive: bool
) -> None:
    for code in CURRENCIES:
        make_customer(f"Example {code} Ltd", code)
    setting = db.session.get(Setting, 1)
    assert setting is not None
    setting.tax_mode, setting.tax_inclusive = mode, inclusive
    db.session.commit()
    page = page_as("clerk")
    chance = random.Random(f"{mode} {inclusive}")
    for code in CURRENCIES:
        open_editor(page)
        choose_customer(page, f"Example {code} Ltd")
        paste_rows(page, random_lines(chance))
        # Some of it is typed over, as a person would.
        cell(page, 0, "Quantity").fill(number(chance, 3, 2))
        cell(page, 0, "Tax").fill("17.5")
        before = shown(page)
        key = save(page)
        db.session.rollback()
        invoice = db.session.get(Invoice, key)
        assert invoice is not None
        assert before == kept(invoice), (code, mode, inclusive)
        # The saved lines, read again, show the same.
        open_editor(page, invoice)
        assert shown(page) == before
