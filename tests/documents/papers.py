"""Invoices in memory, for what needs no database."""

from __future__ import annotations

import datetime as dt
import struct
import zlib
from decimal import Decimal
from typing import Any

from dashboard.documents.invoice_context import printed
from dashboard.documents.invoice_html import document, pages
from dashboard.documents.invoice_layout import Layout, lay_out
from dashboard.documents.pdf_renderer import render
from dashboard.models import Customer, Invoice, InvoiceItem, Setting
from dashboard.rules import tax

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)


def seller(**values: Any) -> Setting:
    given = {
        "id": 1,
        "company_name": "Example Telecom Ltd",
        "vat_number": "GB123456789",
        "address1": "1 Sample Street",
        "city": "Exampleton",
        "country": "GB",
        "email": "billing@telecom.example",
        "payment_details": "Example Bank, account 0000 0000",
        "invoice_template": "standard",
        "currency": "USD",
        "time_zone": "UTC",
    }
    return Setting(**{**given, **values})


def buyer(**values: Any) -> Customer:
    given = {"id": 5, "name": "Northwind Sample Trading", "currency": "USD", "address1": "2 Invented Avenue"}
    return Customer(**{**given, **values})


def item(
    description: str = "Hosted line",
    quantity: str = "1",
    price: str = "10",
    rate: str = "20",
    name: str = "VAT",
    dated: bool = False,
) -> InvoiceItem:
    return InvoiceItem(
        description=description,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        tax_percent=Decimal(rate),
        tax_name=name,
        date_from=FIRST if dated else None,
        date_to=LAST if dated else None,
    )


def invoice(
    *items: InvoiceItem, currency: str = "USD", customer: Customer | None = None, **values: Any
) -> Invoice:
    lines = [tax.Line(each.quantity, each.unit_price, each.tax_percent, each.tax_name) for each in items]
    counted = tax.compute(lines, currency)
    for each, figures in zip(items, counted.lines, strict=True):
        each.net, each.tax, each.gross = figures.net, figures.tax, figures.gross
    to = customer or buyer(currency=currency)
    given = {
        "id": 12,
        "number": "INV-2026-000012",
        "state": "issued",
        "customer": to,
        "customer_name": to.name,
        "currency": currency,
        "issue_date": dt.date(2026, 11, 23),
        "due_date": dt.date(2026, 12, 23),
        "items": list(items),
        "subtotal": counted.subtotal,
        "tax": counted.tax,
        "total": counted.total,
        "paid": Decimal(0),
        "tax_inclusive": False,
    }
    return Invoice(**{**given, **values})


def layout(paper: Invoice, setting: Setting | None = None) -> Layout:
    return lay_out(printed(paper, setting or seller()))


def html(paper: Invoice, setting: Setting | None = None) -> str:
    laid = layout(paper, setting)
    return document("Invoice", pages(laid), logo=laid.invoice.logo)


def pdf(paper: Invoice, setting: Setting | None = None) -> bytes:
    return render(html(paper, setting))


def picture(width: int = 240, height: int = 60) -> bytes:
    """A plain PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))
        )

    rows = (b"\0" + bytes((11, 90, 110)) * width) * height
    head = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
