"""Invoices that a template must be able to print before it is saved: an ordinary one, and those that catch
templates out. They live in memory only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from dashboard.documents.invoice_context import printed
from dashboard.documents.invoice_template import check_source, page_html
from dashboard.documents.sandbox import TemplateFault
from dashboard.models import Customer, Invoice, InvoiceItem, Package, Setting
from dashboard.rules import tax

_FIRST, _LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
_NAMES = "Пример Телеком · مثال للاتصالات · 示例電信株式会社 · Ünïcødé <b>&amp;</b> \u202ertl"
_LONG = "An extraordinarily long name of something that was delivered, " * 15


def check(html: str, setting: Setting) -> str:
    """Refuse a template that does not print every sample. Raises TemplateFault, which names the sample; the
    answer is the ordinary one's page."""
    check_source(html)
    pages = []
    for what, sample in samples(setting):
        try:
            pages.append(page_html(html, sample, setting, printed(sample, setting)))
        except TemplateFault as fault:
            raise TemplateFault(fault.line, f"{fault.reason} (Tried on {what}.)") from fault
    return pages[0]


def samples(setting: Setting) -> Iterator[tuple[str, Invoice]]:
    """What it is, in words, and the invoice."""
    currency = setting.currency or "USD"
    usage = {"kind": "usage", "connected": 320, "billed_duration": 45_296, "destination": "Example Mobile"}
    ordinary = (
        _item("Hosted line", "2", "12.50", dated=True, package=Package(name="Hosted line")),
        _item("Calls to Example Mobile", "1", "84.117", dated=True, **usage),
        _item("Installation", "1.5", "80", rate="5", name="Reduced"),
    )
    yield "an ordinary invoice", _invoice(currency, *ordinary)
    yield "an invoice without lines", _invoice(currency)
    yield "a draft without a number", _invoice(currency, *ordinary, number=None, state="draft")
    yield "a void invoice", _invoice(currency, *ordinary, state="void")
    awkward = (
        _item(_LONG[:1000], "999999999.999999", "0.000001", dated=True),
        _item(_NAMES, "1", "-1250.75", name="Long name of a tax"),
        _item("", "0", "0", rate="0", name=""),
        _item("Discount", "1", "-10", rate="0", name="Exempt"),
        _item("Free minutes", "1", "-84.117", kind="free_minutes", connected=12, billed_duration=3_600),
        _item("Minimum spend", "1", "25", kind="minimum_spend"),
    )
    people = Customer(
        id=0, name=_NAMES * 3, currency="BHD", address1=_LONG[:120], city=_NAMES[:80], country="JP"
    )
    yield (
        "an invoice with negative, free and very long lines",
        _invoice("BHD", *awkward, customer=people, notes=_NAMES * 20, reference="R" * 80, tax_inclusive=True),
    )
    many = [_item(f"Line {number}", "1", "9.99", dated=True) for number in range(120)]
    yield "an invoice of 120 lines", _invoice("JPY", *many, paid=Decimal(500))


def _item(
    description: str,
    quantity: str,
    price: str,
    *,
    rate: str = "20",
    name: str = "VAT",
    dated: bool = False,
    **more: object,
) -> InvoiceItem:
    given = {"kind": "line", "date_from": _FIRST if dated else None, "date_to": _LAST if dated else None}
    return InvoiceItem(
        description=description,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        tax_percent=Decimal(rate),
        tax_name=name,
        **{**given, **more},
    )


def _invoice(
    currency: str, *items: InvoiceItem, customer: Customer | None = None, **values: object
) -> Invoice:
    lines = [tax.Line(each.quantity, each.unit_price, each.tax_percent, each.tax_name) for each in items]
    counted = tax.compute(lines, currency)
    for each, figures in zip(items, counted.lines, strict=True):
        each.net, each.tax, each.gross = figures.net, figures.tax, figures.gross
    to = customer or Customer(
        id=0,
        name="Northwind Sample Trading",
        currency=currency,
        address1="2 Invented Avenue",
        city="Exampleton",
    )
    given = {
        "id": 0,
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
