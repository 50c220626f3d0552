"""Pages for an invoice template: which lines stand on which page, laid out as the stock invoice does it.

Debian's wkhtmltopdf repeats no head and counts no pages, so a template asks `pages()` and prints each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markupsafe import Markup

from dashboard.documents.invoice_columns import Columns, columns, totals
from dashboard.documents.invoice_context import PrintedInvoice
from dashboard.documents.invoice_html import shown
from dashboard.documents.invoice_layout import (
    Flow,
    Page,
    Row,
    close,
    deal_rows,
    deal_text,
    rows_of,
    texts_of,
)
from dashboard.documents.invoice_masthead import masthead
from dashboard.documents.invoice_styles import PAGE_HEIGHT, STYLES, Style

# A page keeps room for the longest row and its head.
LEAST_ROOM = 600
FIGURES = ("quantity", "unit_price", "net", "tax", "total")


def pages_of(
    invoice: PrintedInvoice,
    lines: list[dict[str, Any]],
    style: str = "standard",
    *,
    top: int | None = None,
    later_top: int | None = None,
    bottom: int | None = None,
    width: int | None = None,
    description: int | None = None,
) -> list[dict[str, Any]]:
    """The pages with what stands on each. Measures are pixels of a page of 1032 x 1456: where the lines
    begin on the first page (`top`) and on later ones, where the foot begins (`bottom`), how wide the table
    and its first column are. What is left out is as on the stock invoice. ValueError in words."""
    chosen = _style(style, later_top, bottom, width)
    widths = columns(invoice.lines, chosen)
    if description is not None:
        _within("description", description, 80, chosen.content)
        widths = replace(widths, description=description)
    flow = Flow(chosen)
    head = masthead(invoice, chosen).height
    if top is not None:
        _within("top", top, 0, chosen.bottom - 100)
        head = top - chosen.top
    flow.y += head
    rows: list[Row] = []
    said: dict[int, dict[str, Any]] = {}
    for line, data in zip(invoice.lines, lines, strict=True):
        for at, row in enumerate(rows_of(line, widths, chosen)):
            rows.append(row)
            said[id(row)] = {"line": data, "starts": at == 0}
    deal_rows(flow, rows)
    end = totals(invoice, chosen)
    close(flow, end)
    for heading, text in texts_of(invoice):
        deal_text(flow, heading, text)
    shared = {
        "count": len(flow.pages),
        "columns": _columns(widths),
        "height": PAGE_HEIGHT,
        "bottom": chosen.bottom,
    }
    return [
        {
            **shared,
            "number": number,
            "first": number == 1,
            "last": number == len(flow.pages),
            "top": chosen.top + head if number == 1 else chosen.later_top,
            **_content(page, said, chosen),
        }
        for number, page in enumerate(flow.pages, start=1)
    ]


def _style(name: str, later_top: int | None, bottom: int | None, width: int | None) -> Style:
    base = STYLES.get(name)
    if base is None:
        raise ValueError(f"pages() knows the styles {' and '.join(STYLES)}.")
    later_top = base.later_top if later_top is None else later_top
    bottom = base.bottom if bottom is None else bottom
    _within("bottom", bottom, LEAST_ROOM, PAGE_HEIGHT)
    _within("later_top", later_top, 0, bottom - LEAST_ROOM)
    margin = base.margin
    if width is not None:
        _within("width", width, 500, 1032)
        margin = (1032 - width) // 2
    return replace(base, later_top=later_top, bottom=bottom, margin=margin)


def _within(name: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} of pages() is a whole number of pixels from {low} to {high}.")


def _columns(widths: Columns) -> dict[str, Any]:
    return {
        "description": widths.first,
        "figures": [
            {"heading": heading, "width": width}
            for heading, width in zip(widths.headings, widths.figures, strict=True)
        ],
        "size": widths.size,
    }


def _content(page: Page, said: dict[int, dict[str, Any]], style: Style) -> dict[str, Any]:
    found: dict[str, Any] = {"table": False, "rows": [], "totals": None, "taxes": [], "texts": []}
    for block in page.blocks:
        if block.kind == "lines":
            found["table"] = True
            found["rows"] += [_row(row, said[id(row)]) for row in block.content]
        elif block.kind == "summary":
            end = block.content
            found["totals"] = {"height": end.height, "taxes_beside": end.beside}
            found["taxes"] = [_tax(tax) for tax in end.taxes.rows] if end.beside else []
        elif block.kind == "taxes":
            found["taxes"] += [_tax(tax) for tax in block.content]
        else:
            text = block.content
            height = style.gap + style.head + len(text["lines"]) * style.party_lead
            found["texts"].append(
                {
                    "heading": text["heading"],
                    "direction": text["direction"],
                    "lines": [_line_of(line) for line in text["lines"]],
                    "height": height,
                }
            )
    return found


def _row(row: Row, said: dict[str, Any]) -> dict[str, Any]:
    figures = [shown(figure) for figure in row.figures]
    return {
        **said,
        **dict(zip(FIGURES, figures, strict=True)),
        "figures": figures,
        "text": [_line_of(line) for line in row.text],
        "direction": row.direction,
        "dates": row.dates,
        "height": row.height,
        "goes_on": row.open,
    }


def _tax(tax: Any) -> dict[str, Any]:
    rate, net, amount = tax.figures
    name = [shown(line) for line in tax.name]
    return {"name": name, "percent": rate, "net": net, "tax": amount, "height": tax.height}


def _line_of(text: str) -> Markup:
    """A line of text; an empty one keeps its height."""
    return shown(text) if text else Markup("&nbsp;")
