"""The PDF of an invoice: made once, kept, and made anew only when something printed on it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from dashboard.documents import invoice_html
from dashboard.documents.invoice_context import PrintedInvoice, file_name, printed
from dashboard.documents.invoice_layout import lay_out
from dashboard.documents.pdf_renderer import PdfError, PdfFailed, PdfUnavailable, render, split
from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Document, Invoice, InvoiceItem, Setting

__all__ = [
    "PdfError",
    "PdfFailed",
    "PdfUnavailable",
    "StoredPdf",
    "invoice_pdf",
    "load_for_print",
    "render_many",
]

# Part of every key: raise it when the same HTML would come out differently.
RENDERER = "wkhtmltopdf-1"
KEY_PREFIX = "invoice-pdf-"
MEDIA_TYPE = "application/pdf"
# One run of the renderer makes at most so many invoices and, unless one alone is longer, so many pages.
BATCH = 100
BATCH_PAGES = 250


@dataclass(frozen=True)
class StoredPdf:
    document: Document
    filename: str

    def stream(self) -> Iterator[bytes]:
        return store.open_stream(self.document)


@dataclass(frozen=True)
class _Sheet:
    """What an invoice says, and the key of the PDF that says it."""

    invoice: Invoice
    printed: PrintedInvoice
    key: str

    @property
    def title(self) -> str:
        return f"Invoice {self.invoice}" if self.invoice.number else str(self.invoice)


@dataclass(frozen=True)
class _LaidOut:
    """The same with its pages, which only a PDF that is not kept yet needs."""

    sheet: _Sheet
    html: str
    pages: int


def invoice_pdf(invoice: Invoice) -> StoredPdf:
    """The PDF as the invoice stands now. Raises PdfUnavailable or PdfFailed and changes nothing then."""
    _refuse_inside_a_write()
    sheet = _sheet(invoice, db.session.get_one(Setting, 1))
    document = store.find(sheet.key)
    if document is None:
        made = render(invoice_html.document(sheet.title, _laid_out(sheet).html, logo=sheet.printed.logo))
        document = store.put(sheet.key, MEDIA_TYPE, [made])
    return StoredPdf(document, file_name(invoice))


def render_many(invoices: Iterable[Invoice]) -> Iterator[tuple[Invoice, StoredPdf | PdfFailed]]:
    """The same for many, in their order, a hundred to a run of the renderer.

    An invoice that can't be printed comes with its error and stops none of the others. Raises PdfUnavailable.
    """
    _refuse_inside_a_write()
    setting = db.session.get_one(Setting, 1)
    waiting = iter(invoices)
    while some := list(islice(waiting, BATCH)):
        sheets = [_sheet(invoice, setting) for invoice in some]
        kept = store.find_many(sheet.key for sheet in sheets)
        missing = {sheet.key: sheet for sheet in sheets if sheet.key not in kept}
        failed: dict[str, PdfFailed] = {}
        for batch in _batches(_laid_out(sheet) for sheet in missing.values()):
            made = dict(_render_batch(batch))
            failed |= {key: file for key, file in made.items() if isinstance(file, PdfFailed)}
            files = {key: file for key, file in made.items() if not isinstance(file, PdfFailed)}
            if files:
                kept |= store.put_many(MEDIA_TYPE, files)
        for sheet in sheets:
            if sheet.key in failed:
                yield sheet.invoice, failed[sheet.key]
            else:
                yield sheet.invoice, StoredPdf(kept[sheet.key], file_name(sheet.invoice))


def load_for_print(ids: Sequence[int]) -> list[Invoice]:
    """Invoices with all that printing reads, in the order of `ids`; those that are gone are left out."""
    found = db.session.scalars(
        select(Invoice)
        .where(Invoice.id.in_(ids))
        .options(
            joinedload(Invoice.customer),
            selectinload(Invoice.items).joinedload(InvoiceItem.package),
        )
        .execution_options(populate_existing=True)
    ).all()
    by_id = {invoice.id: invoice for invoice in found}
    return [by_id[key] for key in ids if key in by_id]


def _sheet(invoice: Invoice, setting: Setting) -> _Sheet:
    """The key is a hash of every printed text and of the program that lays them out, so that it costs no
    layout to find what is kept."""
    said = printed(invoice, setting)
    digest = hashlib.sha256(f"{RENDERER}\n{invoice_html.version()}\n{said!r}".encode()).hexdigest()
    return _Sheet(invoice, said, KEY_PREFIX + digest)


def _laid_out(sheet: _Sheet) -> _LaidOut:
    layout = lay_out(sheet.printed)
    return _LaidOut(sheet, invoice_html.pages(layout), len(layout.pages))


def _batches(sheets: Iterable[_LaidOut]) -> Iterator[list[_LaidOut]]:
    batch: list[_LaidOut] = []
    pages = 0
    for sheet in sheets:
        if batch and pages + sheet.pages > BATCH_PAGES:
            yield batch
            batch, pages = [], 0
        batch.append(sheet)
        pages += sheet.pages
    if batch:
        yield batch


def _render_batch(batch: Sequence[_LaidOut]) -> Iterator[tuple[str, bytes | PdfFailed]]:
    """Keys with their PDFs: one run for all; where that fails, in halves, until the one at fault is alone."""
    try:
        # The logo is the account's, not the snapshot's, so all of a batch have the same.
        logo = batch[0].sheet.printed.logo
        made = render(invoice_html.document("Invoices", *(laid.html for laid in batch), logo=logo))
        files = split(made, [laid.pages for laid in batch], [laid.sheet.title for laid in batch])
    except PdfFailed as error:
        if len(batch) == 1:
            yield batch[0].sheet.key, error
            return
        half = len(batch) // 2
        yield from _render_batch(batch[:half])
        yield from _render_batch(batch[half:])
        return
    for laid, file in zip(batch, files, strict=True):
        yield laid.sheet.key, file


def _refuse_inside_a_write() -> None:
    """The renderer takes a tenth of a second or more: no lock may be held that long."""
    if db.session().info.get("unit_of_work"):
        raise RuntimeError("print after the operation has ended, not inside it")
