"""The list of invoice lines across invoices: `Global > Items`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from dashboard.models import Customer, Invoice, InvoiceItem, Package
from dashboard.models.invoice import LINE_KINDS
from dashboard.queries.listing import Column, Listing, key_filter

STATES = {"draft": "Draft", "issued": "Issued", "void": "Void"}


def search(words: str) -> Sequence[Select[Any]]:
    """By the line's text, the invoice's number, the customer's name."""
    named = select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
    numbered = select(Invoice.id).where(Invoice.number.startswith(words.upper(), autoescape=True))
    of_customer = select(Invoice.id).where(Invoice.customer_id.in_(named))
    return [
        select(InvoiceItem.id).where(InvoiceItem.description.icontains(words, autoescape=True)),
        select(InvoiceItem.id).where(InvoiceItem.invoice_id.in_(numbered)),
        select(InvoiceItem.id).where(InvoiceItem.invoice_id.in_(of_customer)),
    ]


def _joined(statement: Select[Any]) -> Select[Any]:
    statement = statement.join(Invoice, Invoice.id == InvoiceItem.invoice_id)
    return statement.outerjoin(Package, Package.id == InvoiceItem.package_id)


LISTING = Listing(
    model=InvoiceItem,
    columns=(
        Column("number", "Invoice ID", Invoice.number, blank="Draft", filterable=True),
        Column("customer_name", "Name", Invoice.customer_name),
        key_filter("customer", "Customer", Invoice.customer_id),
        Column("issue_date", "Invoice Date", Invoice.issue_date, kind="date", filterable=True),
        Column("state", "State", Invoice.state, kind="choice", choices=STATES, badge=True, filterable=True),
        Column(
            "kind",
            "Kind",
            InvoiceItem.kind,
            kind="choice",
            choices=LINE_KINDS,
            filterable=True,
            hidden=True,
        ),
        Column("package_name", "Package", Package.name),
        key_filter("package", "Package", InvoiceItem.package_id),
        Column(
            "description", "Description", InvoiceItem.description, filterable=True, editable="description"
        ),
        Column("date_from", "From", InvoiceItem.date_from, kind="date", filterable=True, hidden=True),
        Column("date_to", "To", InvoiceItem.date_to, kind="date", filterable=True, hidden=True),
        Column("quantity", "Quantity", InvoiceItem.quantity, kind="number", editable="quantity"),
        Column(
            "unit_price",
            "Unit Price",
            InvoiceItem.unit_price,
            kind="number",
            price=True,
            editable="unit_price",
        ),
        Column("net", "Net", InvoiceItem.net, kind="money", filterable=True),
        Column(
            "tax_percent",
            "Tax (%)",
            InvoiceItem.tax_percent,
            kind="percent",
            filterable=True,
            editable="tax_percent",
        ),
        Column("tax_name", "Tax description", InvoiceItem.tax_name, filterable=True, hidden=True),
        Column("tax", "Tax", InvoiceItem.tax, kind="money", hidden=True),
        Column("gross", "Row Total", InvoiceItem.gross, kind="money", filterable=True),
        Column("currency", "Currency", Invoice.currency, filterable=True, hidden=True),
        Column("id", "Record", InvoiceItem.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="-id",
    joined=_joined,
    search=search,
    search_hint="Text, invoice number or customer",
    totals=("net", "tax", "gross"),
    extra=(
        Column("invoice_id", "Invoice", InvoiceItem.invoice_id),
        Column("version", "Version", Invoice.version),
    ),
)
