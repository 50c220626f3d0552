"""The PDF of a statement of account, one or many with a run of the renderer. Nothing of it is kept here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dashboard.documents import invoice_html
from dashboard.documents.pdf_renderer import PdfError, PdfFailed, PdfUnavailable, render, split
from dashboard.documents.statement_layout import StatementLayout, lay_out
from dashboard.models import Setting
from dashboard.models.statement import Statement

__all__ = ["MEDIA_TYPE", "PdfError", "PdfFailed", "PdfUnavailable", "file_name", "make", "make_many"]

MEDIA_TYPE = "application/pdf"
# One run of the renderer makes so many pages at most, unless one statement alone is longer.
BATCH_PAGES = 250


def make(found: Statement, setting: Setting) -> bytes:
    """Raises PdfUnavailable or PdfFailed."""
    return _render([lay_out(found, setting)], [_title(found)])[0]


def make_many(statements: Sequence[Statement], setting: Setting) -> Iterator[bytes | PdfFailed]:
    """In their order; one that can't be printed comes as its error and stops no other."""
    batch: list[tuple[StatementLayout, str]] = []
    for found in statements:
        layout = lay_out(found, setting)
        if batch and sum(len(one.pages) for one, _ in batch) + len(layout.pages) > BATCH_PAGES:
            yield from _try(batch)
            batch = []
        batch.append((layout, _title(found)))
    if batch:
        yield from _try(batch)


def file_name(found: Statement) -> str:
    """`Statement-Example-Telecom-Ltd-2026-10-01-2026-10-31.pdf`"""
    safe = re.sub(r"[^A-Za-z0-9]+", "-", found.customer.name).strip("-")[:60]
    name = safe or f"customer-{found.customer.id}"
    return f"Statement-{name}-{found.first}-{found.last}.pdf"


def _title(found: Statement) -> str:
    return f"Statement of {found.customer.name}, {found.first} to {found.last}"


def _try(batch: Sequence[tuple[StatementLayout, str]]) -> Iterator[bytes | PdfFailed]:
    """Together, and one by one where that fails."""
    try:
        yield from _render([layout for layout, _ in batch], [title for _, title in batch])
        return
    except PdfFailed as error:
        if len(batch) == 1:
            yield error
            return
    for one in batch:
        yield from _try([one])


def _render(layouts: Sequence[StatementLayout], titles: Sequence[str]) -> list[bytes]:
    logo = layouts[0].paper.logo
    html = invoice_html.document(titles[0], *map(_pages, layouts), logo=logo)
    return split(render(html), [len(layout.pages) for layout in layouts], titles)


def _pages(layout: StatementLayout) -> str:
    foot, later = invoice_html.margins(layout.paper.seller, layout.style)
    return invoice_html.template("statement.html").render(
        word="STATEMENT",
        invoice=layout.paper,
        style=layout.style,
        grids=layout.grids,
        period=layout.period,
        cjk=layout.cjk,
        pages=layout.pages,
        foot=foot,
        later_seller=later,
    )
