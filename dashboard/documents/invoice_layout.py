"""Pages of an invoice: what stands on each, line by line, with every height known beforehand.

Debian's wkhtmltopdf has neither running heads nor repeated table heads, and cuts whatever crosses the end of
a page. So nothing is left to it: texts are broken here, rows are dealt out here, and the template only prints
what each page holds. The number of pages is therefore known before anything is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.documents.invoice_columns import Columns, Taxes, Totals, columns, totals
from dashboard.documents.invoice_context import Line, PrintedInvoice
from dashboard.documents.invoice_masthead import masthead
from dashboard.documents.invoice_styles import STYLES, Style
from dashboard.documents.text_fit import CjkFont, Direction, cjk_font, direction, wrap

# A description longer than this goes on in a row of its own, so that no row outgrows a page.
LONGEST_ROW = 20
# Lines of a text that stay together at either end of a page.
TOGETHER = 2
# Rows that go along when the totals would stand alone on the last page.
COMPANY = 2
# A text of no more lines is not divided between two pages.
UNDIVIDED = 8


@dataclass(frozen=True)
class Row:
    text: tuple[str, ...]
    direction: Direction
    dates: str
    figures: tuple[str, ...]
    height: int
    # Goes on in the next row.
    open: bool


@dataclass
class Block:
    """Something at `y`; `kind` names the part of the template that prints it."""

    kind: str
    y: int
    content: Any


@dataclass
class Page:
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    invoice: PrintedInvoice
    style: Style
    columns: Columns
    taxes: Taxes
    cjk: CjkFont
    pages: tuple[Page, ...]


def lay_out(invoice: PrintedInvoice) -> Layout:
    style = STYLES.get(invoice.template, STYLES["standard"])
    widths = columns(invoice.lines, style)
    flow = Flow(style)
    top = masthead(invoice, style)
    flow.add("masthead", top.height, top)
    deal_rows(flow, [row for line in invoice.lines for row in rows_of(line, widths, style)])
    end = totals(invoice, style)
    close(flow, end)
    for heading, text in texts_of(invoice):
        deal_text(flow, heading, text)
    return Layout(invoice, style, widths, end.taxes, cjk_font(invoice.texts()), tuple(flow.pages))


def texts_of(invoice: PrintedInvoice) -> tuple[tuple[str, str], ...]:
    """What stands below the totals: heading and text."""
    return (("Payment details", invoice.payment_details), ("Notes", invoice.notes))


class Flow:
    """Blocks one below the other, page after page."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.pages = [Page()]
        self.y = style.top

    @property
    def room(self) -> int:
        return self.style.bottom - self.y

    @property
    def last(self) -> Block | None:
        blocks = self.pages[-1].blocks
        return blocks[-1] if blocks else None

    def turn(self) -> None:
        self.pages.append(Page())
        self.y = self.style.later_top

    def add(self, kind: str, height: int, content: Any) -> Block:
        block = Block(kind, self.y, content)
        self.pages[-1].blocks.append(block)
        self.y += height
        return block

    def rows(self, kind: str) -> list[Any]:
        """The rows of the table at the end of this page; a new one, with its head, where there is none."""
        if self.last is None or self.last.kind != kind:
            self.add(kind, self.style.head, [])
        assert self.last is not None
        rows: list[Any] = self.last.content
        return rows

    def add_row(self, kind: str, height: int, row: Any) -> None:
        open_table = self.last is not None and self.last.kind == kind
        if self.room < height + (0 if open_table else self.style.head):
            self.turn()
        self.rows(kind).append(row)
        self.y += height


def rows_of(line: Line, widths: Columns, style: Style) -> list[Row]:
    text = wrap(line.description, widths.description, style.size) or ("",)
    way = direction(line.description)
    chunks = [text[start : start + LONGEST_ROW] for start in range(0, len(text), LONGEST_ROW)]
    rows = []
    for at, chunk in enumerate(chunks):
        last = at == len(chunks) - 1
        dates = line.dates if last else ""
        figures = line.figures if at == 0 else ("",) * len(line.figures)
        height = 2 * style.pad + len(chunk) * style.lead + (style.small_lead if dates else 0)
        rows.append(Row(chunk, way, dates, figures, height, open=not last))
    return rows


def deal_rows(flow: Flow, rows: Sequence[Row]) -> None:
    if not rows:
        flow.rows("lines")
    for row in rows:
        flow.add_row("lines", row.height, row)


def close(flow: Flow, end: Totals) -> None:
    """Totals and taxes, never without a line of the invoice on the same page."""
    if flow.room < end.height:
        _turn_with_company(flow)
    flow.add("summary", end.height, end)
    if not end.beside:
        for tax in end.taxes.rows:
            flow.add_row("taxes", tax.height, tax)


def _turn_with_company(flow: Flow) -> None:
    table = flow.last
    if table is None or table.kind != "lines" or len(table.content) <= 2 * COMPANY:
        flow.turn()
        return
    taken = table.content[-COMPANY:]
    del table.content[-COMPANY:]
    flow.turn()
    for row in taken:
        flow.add_row("lines", row.height, row)


def deal_text(flow: Flow, heading: str, text: str) -> None:
    style = flow.style
    lines = wrap(text, style.content - 2 * style.band_pad, style.party_size)
    if not lines:
        return
    head = style.gap + style.head
    way = direction(text)
    while lines:
        fit = (flow.room - head) // style.party_lead
        if fit < (len(lines) if len(lines) <= UNDIVIDED else TOGETHER):
            flow.turn()
            continue
        count = min(len(lines), fit)
        if 0 < len(lines) - count < TOGETHER and count > TOGETHER:
            count -= 1
        block = {"heading": heading, "lines": lines[:count], "direction": way}
        flow.add("text", head + count * style.party_lead, block)
        lines = lines[count:]
        heading = f"{heading.removesuffix(' (continued)')} (continued)"
