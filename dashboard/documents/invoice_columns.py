"""Widths of an invoice's columns, from the longest figure in each; the description gets what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.documents.invoice_context import Line, PrintedInvoice
from dashboard.documents.invoice_styles import Style
from dashboard.documents.text_fit import width, wrap

HEADINGS = ("Quantity", "Unit price", "Net", "Tax", "Total")
TAX_HEADINGS = ("Rate", "Net", "Tax")
# Between two columns.
GUTTER = 22
# The share of the page that the description keeps, in percent, and how small the figures may become for it;
# amounts of quadrillions take more.
SHARES = ((36, 13), (28, 11), (20, 7))
SMALLEST = 7
# More taxes than this get a table of their own below the totals.
TAXES_BESIDE = 8


@dataclass(frozen=True)
class Columns:
    description: int
    figures: tuple[int, ...]
    # Font size of the figures: smaller than the style's where they are very long.
    size: int
    headings: tuple[str, ...] = HEADINGS

    @property
    def first(self) -> int:
        """Width of the description with the gutter that follows it."""
        return self.description + GUTTER


def columns(lines: Sequence[Line], style: Style) -> Columns:
    found = Columns(0, (), 0)
    for share, smallest in SHARES:
        for size in range(style.size, smallest - 1, -1):
            found = _columns_at(lines, size, style)
            if found.description * 100 >= style.content * share:
                return found
    return found


def _columns_at(lines: Sequence[Line], size: int, style: Style) -> Columns:
    figures = tuple(
        _widest([line.figures[at] for line in lines], heading, size, style) + (GUTTER if at else 0)
        for at, heading in enumerate(HEADINGS)
    )
    return Columns(style.content - sum(figures) - GUTTER, figures, size)


def _widest(texts: Sequence[str], heading: str, size: int, style: Style) -> int:
    label = width(heading.upper(), style.label, bold=True) + len(heading)
    return max([label, *(width(text, size) for text in texts)])


@dataclass(frozen=True)
class Tax:
    name: tuple[str, ...]
    # Rate, net and tax.
    figures: tuple[str, ...]
    height: int


@dataclass(frozen=True)
class Taxes:
    rows: tuple[Tax, ...]
    # Widths of the names and of each figure.
    name: int
    figures: tuple[int, ...]

    @property
    def room(self) -> int:
        return self.name + sum(self.figures)


@dataclass(frozen=True)
class Totals:
    """The end of an invoice: totals on the right, taxes on the left where they fit."""

    height: int
    rows: tuple[tuple[str, str], ...]
    # Widths: the whole right part, and its amounts.
    room: int
    amounts: int
    grand_size: int
    remark: str
    taxes: Taxes
    beside: bool


def totals(invoice: PrintedInvoice, style: Style) -> Totals:
    labels = max(width(label, style.grand_size, bold=True) for label, _ in invoice.totals) + GUTTER
    for grand in range(style.grand_size, SMALLEST - 1, -1):
        amounts = max(width(amount, max(grand, style.size), bold=True) for _, amount in invoice.totals)
        if labels + amounts <= style.content:
            break
    room = max(labels + amounts, style.content * 2 // 5)
    taxes = _taxes(invoice, style, style.content - room - 2 * GUTTER)
    beside = 0 < len(taxes.rows) <= TAXES_BESIDE and taxes.name >= style.content // 10
    if not beside:
        taxes = _taxes(invoice, style, style.content)
    left = style.head + sum(tax.height for tax in taxes.rows) if beside else 0
    right = len(invoice.totals) * style.total_lead + (style.small_lead + style.pad if invoice.remark else 0)
    return Totals(
        height=2 * style.pad + max(left, right),
        rows=invoice.totals,
        room=room,
        amounts=amounts,
        grand_size=grand,
        remark=invoice.remark,
        taxes=taxes,
        beside=beside,
    )


def _taxes(invoice: PrintedInvoice, style: Style, room: int) -> Taxes:
    figures = tuple(
        _widest([tax[at] for tax in invoice.taxes], heading, style.small, style) + GUTTER
        for at, heading in enumerate(TAX_HEADINGS, start=1)
    )
    name = room - sum(figures)
    rows = []
    for tax in invoice.taxes:
        lines = wrap(tax[0], max(name, style.small), style.small)
        rows.append(Tax(lines, tax[1:], max(len(lines), 1) * style.small_lead + style.pad))
    return Taxes(tuple(rows), name, figures)
