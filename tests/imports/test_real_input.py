"""Every invoice of the real sample by hand: it opens, is edited, is printed and takes a payment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.documents.invoice_pdf import StoredPdf, load_for_print, render_many
from dashboard.extensions import db
from dashboard.models import Invoice
from dashboard.operations import allocations, invoices
from dashboard.operations.base import SYSTEM
from dashboard.queries.checks import discrepancies
from dashboard.rules.money import format_money
from tests.hostile.pages import Page
from tests.imports.test_invoice_import import OWN, SAMPLE, in_the_file, run
from tests.support.pdf import pages

# The real one where it is; our own of the same form elsewhere.
FILE = SAMPLE if SAMPLE.exists() else OWN


@pytest.fixture
def issued(app: Flask, staff: dict[str, Any]) -> list[Invoice]:
    run(FILE, issue=True)
    found = list(db.session.scalars(select(Invoice).order_by(Invoice.id)))
    assert len(found) == len(in_the_file(FILE)[0])
    return found


@pytest.fixture
def sums() -> dict[str, Decimal]:
    return in_the_file(FILE)[0]


def sent_back(page: Page) -> Iterator[tuple[str, str]]:
    """What a browser would send of the editor's page when nothing was touched."""
    for tag, attrs in page.elements:
        name = attrs.get("name", "")
        if tag in ("input", "textarea", "select") and name and name != "csrf_token":
            yield name, page.value(name)


def test_every_one_opens(
    client_as: Callable[[str], Any], issued: list[Invoice], sums: dict[str, Decimal]
) -> None:
    clerk = client_as("clerk")
    for invoice in issued:
        response = clerk.get(f"/admin/invoice/details/?id={invoice.id}")
        assert response.status_code == 200
        said = Page(response.text).said
        assert invoice.number in said
        assert format_money(sums[str(invoice.reference)], "GBP") in said
        for item in invoice.items:
            assert item.description in said
        assert clerk.get(f"/admin/invoice/edit/?id={invoice.id}").status_code == 200
        assert clerk.get(f"/admin/invoice/{invoice.id}/payments").status_code == 200


def test_every_ones_draft_twin_is_saved_unchanged(
    client_as: Callable[[str], Any], issued: list[Invoice]
) -> None:
    """Through the editor's own page, with nothing touched: not one line, sum or version differs after."""
    clerk = client_as("clerk")
    for invoice in issued:
        twin = invoices.duplicate(SYSTEM, invoice.id)
        before = [(i.id, i.description, i.quantity, i.unit_price, i.net, i.gross) for i in twin.items]
        path = f"/admin/invoice/edit/?id={twin.id}"
        sent = dict(sent_back(Page(clerk.get(path).text)))
        assert len([name for name in sent if name.endswith("-quantity")]) >= len(before)
        response = clerk.post(path, data=sent)
        assert response.status_code == 303, Page(response.text).by_id
        db.session.expire_all()
        saved = db.session.get_one(Invoice, twin.id)
        after = [(i.id, i.description, i.quantity, i.unit_price, i.net, i.gross) for i in saved.items]
        assert (after, saved.total, saved.version) == (before, invoice.total, twin.version)


def test_every_one_prints_its_total(app: Flask, issued: list[Invoice], sums: dict[str, Decimal]) -> None:
    made = list(render_many(load_for_print([invoice.id for invoice in issued])))
    assert len(made) == len(issued)
    for invoice, file in made:
        assert isinstance(file, StoredPdf), file
        printed = pages(b"".join(file.stream()))
        assert len(printed) >= 1
        total = format_money(sums[str(invoice.reference)], "GBP", code=True)
        assert total in "\n".join(printed), invoice.number
        assert str(invoice.number) in printed[0]
        assert f"{len(printed)} of {len(printed)}" in printed[-1]
        words = "".join("".join(printed).split())
        for item in invoice.items:
            assert "".join(item.description.split()) in words, (invoice.number, item.description)


def test_every_one_takes_a_payment(client_as: Callable[[str], Any], issued: list[Invoice]) -> None:
    # One that comes to nothing is paid as it is.
    owed = [invoice for invoice in issued if invoice.total]
    assert len(owed) >= 3
    for invoice in owed:
        allocations.record_and_allocate(SYSTEM, invoice.id, {"amount": invoice.total})
    db.session.expire_all()
    assert {(one.balance, one.paid == one.total) for one in issued} == {(Decimal(0), True)}
    assert discrepancies() == []
    listed = Page(client_as("viewer").get("/admin/invoice/?tab=paid&size=200").text).said
    for invoice in issued:
        assert str(invoice.number) in listed


def test_one_of_them_is_paid_on_its_own_page(
    client_as: Callable[[str], Any], issued: list[Invoice], sums: dict[str, Path]
) -> None:
    """The longest one, through the dialog that records a payment, with what the dialog offers."""
    longest = max(issued, key=lambda invoice: len(invoice.items))
    clerk, path = client_as("clerk"), f"/admin/invoice/{longest.id}/record-payment"
    sent = dict(sent_back(Page(clerk.get(path).text)))
    assert sent["amount"] == f"{sums[str(longest.reference)]:.2f}"
    assert clerk.post(path, data=sent).status_code == 303
    db.session.expire_all()
    assert longest.balance == 0
