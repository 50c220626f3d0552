"""What an invoice says, as plain texts ready to print: from the frozen snapshot once issued, live before.

Nothing here knows of pages or HTML.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from PIL import Image

from dashboard.documents.snapshot import build_snapshot
from dashboard.documents.text_fit import fenced
from dashboard.models import Invoice, InvoiceItem, Setting
from dashboard.rules.money import add, format_money, format_price, plain

# What the renderer can draw, by its first bytes: a stated type is not trusted.
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}

SHORT_TAX_NAME = 12


@dataclass(frozen=True)
class Logo:
    # Names the picture in the key of the PDF, instead of the picture itself.
    digest: str
    width: int
    height: int
    # The picture inside the page, because the renderer may open neither files nor connections.
    uri: str = field(repr=False)


@dataclass(frozen=True)
class Party:
    name: str
    lines: tuple[str, ...]
    # VAT and registration numbers with their labels.
    numbers: tuple[str, ...]
    reach: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    description: str
    dates: str
    # Quantity, unit price, net, tax and total, as printed.
    figures: tuple[str, ...]


@dataclass(frozen=True)
class PrintedInvoice:
    number: str
    state: str
    template: str
    seller: Party
    buyer: Party
    facts: tuple[tuple[str, str], ...]
    # The one amount that matters most: (label, amount).
    due: tuple[str, str]
    lines: tuple[Line, ...]
    # Tax name, rate, net, tax.
    taxes: tuple[tuple[str, str, str, str], ...]
    # Subtotal, tax, total; paid and balance where there are any. The last of them is `due` once issued.
    totals: tuple[tuple[str, str], ...]
    remark: str
    payment_details: str
    notes: str
    logo: Logo | None = None

    @property
    def mark(self) -> str:
        """The word across the page."""
        return {"draft": "DRAFT", "void": "VOID"}.get(self.state, "")

    def texts(self) -> str:
        """Everything typed by somebody, to choose fonts by."""
        return "\n".join(
            [
                *(self.seller.name, *self.seller.lines, self.buyer.name, *self.buyer.lines),
                *(line.description for line in self.lines),
                *(self.payment_details, self.notes),
            ]
        )


def said_of(invoice: Invoice, setting: Setting) -> dict[str, Any]:
    """Buyer, seller and template: as frozen at issue, or as they stand now."""
    if invoice.snapshot and invoice.state != "draft":
        return invoice.snapshot
    return build_snapshot(invoice, setting)


def printed(invoice: Invoice, setting: Setting, said: dict[str, Any] | None = None) -> PrintedInvoice:
    said = said or said_of(invoice, setting)
    taxes = _taxes(invoice)
    names = {name for name, *_ in taxes}
    # Beside each rate only where the rate alone would not say which tax, and where there is room.
    named = len(names) > 1 and max(map(len, names)) <= SHORT_TAX_NAME
    return PrintedInvoice(
        number=str(invoice),
        state=invoice.state,
        template=said.get("template") or "standard",
        seller=party_of(said.get("seller") or {}),
        buyer=party_of(said.get("buyer") or {}),
        facts=_facts(invoice),
        due=_due(invoice),
        lines=tuple(_line(item, invoice.currency, named) for item in invoice.items),
        taxes=taxes,
        totals=_totals(invoice),
        remark="Unit prices include tax." if invoice.tax_inclusive else "",
        payment_details=(said.get("payment_details") or "") if invoice.state != "void" else "",
        notes=invoice.notes or "",
        logo=logo_of(bytes(setting.logo)) if setting.logo else None,
    )


@lru_cache(maxsize=4)
def logo_of(content: bytes) -> Logo | None:
    """The picture with its size; None for what the renderer could not draw."""
    media_type = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), "")
    if not media_type:
        return None
    try:
        with Image.open(io.BytesIO(content)) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    uri = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
    return Logo(hashlib.sha256(content).hexdigest(), width, height, uri)


def file_name(invoice: Invoice) -> str:
    """After the number, with characters that every file system takes: INV-2026-000012.pdf, Draft-12.pdf."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", str(invoice)).strip("-.")
    return f"{safe or f'Invoice-{invoice.id}'}.pdf"


def party_of(said: dict[str, Any]) -> Party:
    labelled = (("VAT", said.get("vat_number")), ("Reg. no.", said.get("registration_number")))
    return Party(
        name=said.get("name") or "",
        lines=tuple(said.get("address_lines") or ()),
        numbers=tuple(f"{label} {number}" for label, number in labelled if number),
        reach=tuple(said[name] for name in ("phone", "email", "website") if said.get(name)),
    )


def _facts(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    facts = [("Invoice date", invoice.issue_date.isoformat()), ("Due date", invoice.due_date.isoformat())]
    if invoice.reference:
        facts.append(("Reference", invoice.reference))
    return tuple(facts)


def _due(invoice: Invoice) -> tuple[str, str]:
    if invoice.state == "void":
        return ("Void", "Nothing to pay")
    if invoice.state == "draft":
        return ("Total", format_money(invoice.total, invoice.currency, code=True))
    owed = add([invoice.total, -invoice.paid])
    return ("Balance due", format_money(owed, invoice.currency, code=True))


def _line(item: InvoiceItem, currency: str, named: bool) -> Line:
    description = item.description or (item.package.name if item.package else "")
    rate = f"{plain(item.tax_percent)}%"
    return Line(
        description=description,
        dates=_dates(item.date_from, item.date_to),
        figures=(
            _grouped(item.quantity),
            format_price(item.unit_price, currency),
            format_money(item.net, currency),
            f"{fenced(item.tax_name)} {rate}" if named and item.tax_name else rate,
            format_money(item.gross, currency),
        ),
    )


def _grouped(quantity: Decimal) -> str:
    whole, point, decimals = plain(quantity).partition(".")
    return f"{int(whole):,}{point}{decimals}" if whole not in ("-0", "0") else plain(quantity)


def _dates(start: dt.date | None, end: dt.date | None) -> str:
    if start and end:
        return start.isoformat() if start == end else f"{start.isoformat()} – {end.isoformat()}"
    if start:
        return f"from {start.isoformat()}"
    return f"until {end.isoformat()}" if end else ""


def _taxes(invoice: Invoice) -> tuple[tuple[str, str, str, str], ...]:
    """One row a tax name and rate, from the lines' own amounts: they add up to the invoice's."""
    groups: dict[tuple[str, Decimal], list[InvoiceItem]] = {}
    for item in invoice.items:
        groups.setdefault((item.tax_name, item.tax_percent.normalize()), []).append(item)
    return tuple(
        (
            name or "Tax",
            f"{plain(percent)}%",
            _sum((item.net for item in items), invoice.currency),
            _sum((item.tax for item in items), invoice.currency),
        )
        for (name, percent), items in groups.items()
    )


def _sum(amounts: Iterable[Decimal], currency: str) -> str:
    return format_money(add(amounts), currency)


def _totals(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    currency = invoice.currency
    totals: list[tuple[str, str]] = [
        ("Subtotal", format_money(invoice.subtotal, currency)),
        ("Tax", format_money(invoice.tax, currency)),
        ("Total", format_money(invoice.total, currency, code=True)),
    ]
    if invoice.state == "issued":
        totals.append(("Paid", format_money(-invoice.paid if invoice.paid else invoice.paid, currency)))
        totals.append(_due(invoice))
    return tuple(totals)
