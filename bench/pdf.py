"""PDFs of 20-line invoices: alone, in a batch of a hundred, and unchanged; beside pdfkit as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pdfkit
from sqlalchemy import delete

from bench.measure import Row, timed
from dashboard.documents import invoice_html
from dashboard.documents.invoice_context import printed
from dashboard.documents.invoice_layout import lay_out
from dashboard.documents.invoice_pdf import KEY_PREFIX, invoice_pdf, load_for_print, render_many
from dashboard.extensions import db
from dashboard.models import Document
from dashboard.operations import customers, invoices
from dashboard.operations.base import SYSTEM
from dashboard.queries.settings import current, today

BATCH = 100
LINES = 20


def rows() -> Iterator[Row]:
    """Needs the app's context. Every measure begins with the query that loads the invoice."""
    ids = _invoices(BATCH)
    stock = timed(lambda: pdfkit.from_string(_html(ids[0]), False), runs=5)
    one_by_one = iter(ids)
    alone = timed(lambda: _print(next(one_by_one)))
    kept = timed(lambda: _print(ids[0]), runs=50)
    many = timed(lambda: _print_all(ids), runs=3) / BATCH
    name = "stock pdfkit, one"
    yield Row("PDF, 20 lines, alone", alone, limit="<= 150 ms", other=stock, other_name=name)
    yield Row("PDF, 20 lines, each of a batch of 100", many, limit="<= 20 ms", other=stock, other_name=name)
    yield Row("PDF, 20 lines, unchanged", kept, limit="<= 5 ms", other=stock, other_name=name)


def _invoices(count: int) -> list[int]:
    customer = customers.create(
        SYSTEM, {"name": "Example Networks Ltd", "currency": "USD", "address1": "1 Sample Street"}
    )
    lines = [
        {
            "description": f"Hosted service {number}, monthly charge",
            "quantity": Decimal(number),
            "unit_price": Decimal("12.50"),
            "tax_percent": Decimal(20 if number % 3 else 5),
            "tax_name": "VAT",
            "date_from": today().replace(day=1),
            "date_to": today(),
        }
        for number in range(1, LINES + 1)
    ]
    values = {"customer_id": customer.id, "issue_date": today(), "items": lines}
    return [invoices.create(SYSTEM, values).id for _ in range(count)]


def _print(key: int) -> None:
    db.session.remove()  # as a new request would
    invoice_pdf(load_for_print([key])[0])


def _print_all(ids: list[int]) -> None:
    db.session.remove()
    db.session.execute(delete(Document).where(Document.key.startswith(KEY_PREFIX)))
    db.session.commit()
    assert len(list(render_many(load_for_print(ids)))) == len(ids)


def _html(key: int) -> str:
    invoice = load_for_print([key])[0]
    said = printed(invoice, current())
    return invoice_html.document("Invoice", invoice_html.pages(lay_out(said)), logo=said.logo)
