"""The PDF of an invoice: made once, kept, and made anew only when something printed on it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from dashboard.documents import invoice_html, own_invoice
from dashboard.documents.invoice_context import PrintedInvoice, file_name, printed
from dashboard.documents.invoice_layout import lay_out
from dashboard.documents.own_invoice import OwnTemplate
from dashboard.documents.pdf_renderer import PdfError, PdfFailed, PdfUnavailable, render, split
from dashboard.documents.store import store
from dashboard.documents.template_data import variables
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
    # The account's own template that prints it, and the key where that can't.
    own: OwnTemplate | None = None
    stock_key: str = ""

    @property
    def stock(self) -> _Sheet:
        """The same by the stock template."""
        return replace(self, key=self.stock_key, own=None) if self.own else self

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
    setting = db.session.get_one(Setting, 1)
    sheet = _sheets([invoice], setting)[0]
    document = store.find(sheet.key)
    if document is None and sheet.own is not None:
        html = own_invoice.html_of(sheet.own, invoice, setting, sheet.printed)
        document = _by_own(sheet, html) if html is not None else None
    return StoredPdf(document or _by_stock(sheet.stock), file_name(invoice))


def _by_own(sheet: _Sheet, html: str) -> Document | None:
    assert sheet.own is not None
    made = own_invoice.pdf_of(sheet.own, sheet.invoice, html)
    return store.put(sheet.key, MEDIA_TYPE, [made]) if made is not None else None


def _by_stock(sheet: _Sheet) -> Document:
    document = store.find(sheet.key)
    if document is None:
        made = render(invoice_html.document(sheet.title, _laid_out(sheet).html, logo=sheet.printed.logo))
        document = store.put(sheet.key, MEDIA_TYPE, [made])
    return document


def render_many(invoices: Iterable[Invoice]) -> Iterator[tuple[Invoice, StoredPdf | PdfFailed]]:
    """The same for many, in their order, a hundred to a run of the renderer.

    An invoice that can't be printed comes with its error and stops none of the others; those by a template of
    the account's own have a run each. Raises PdfUnavailable.
    """
    _refuse_inside_a_write()
    setting = db.session.get_one(Setting, 1)
    waiting = iter(invoices)
    while some := list(islice(waiting, BATCH)):
        sheets = _sheets(some, setting)
        kept = store.find_many(sheet.key for sheet in sheets)
        pages: dict[str, str] = {}
        for at, sheet in enumerate(sheets):
            if sheet.own is not None and sheet.key not in kept:
                html = own_invoice.html_of(sheet.own, sheet.invoice, setting, sheet.printed)
                if html is None:
                    sheets[at] = sheet.stock
                else:
                    pages[sheet.key] = html
        kept |= store.find_many(sheet.key for sheet in sheets if sheet.own is None)
        failed = _render_stock([sheet for sheet in sheets if sheet.own is None], kept)
        for sheet in sheets:
            yield sheet.invoice, _one_of_many(sheet, kept, failed, pages)


def _render_stock(sheets: Sequence[_Sheet], kept: dict[str, Document]) -> dict[str, PdfFailed]:
    """Adds to `kept` what was missing; the answer is what could not be made."""
    missing = {sheet.key: sheet for sheet in sheets if sheet.key not in kept}
    failed: dict[str, PdfFailed] = {}
    for batch in _batches(_laid_out(sheet) for sheet in missing.values()):
        made = dict(_render_batch(batch))
        failed |= {key: file for key, file in made.items() if isinstance(file, PdfFailed)}
        files = {key: file for key, file in made.items() if not isinstance(file, PdfFailed)}
        if files:
            kept |= store.put_many(MEDIA_TYPE, files)
    return failed


def _one_of_many(
    sheet: _Sheet, kept: dict[str, Document], failed: dict[str, PdfFailed], pages: dict[str, str]
) -> StoredPdf | PdfFailed:
    if sheet.key in failed:
        return failed[sheet.key]
    document = kept.get(sheet.key)
    if document is None:
        try:
            document = _by_own(sheet, pages.pop(sheet.key)) or _by_stock(sheet.stock)
        except PdfFailed as error:
            return error
    return StoredPdf(document, file_name(sheet.invoice))


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


def _sheets(invoices: Sequence[Invoice], setting: Setting) -> list[_Sheet]:
    said = [printed(invoice, setting) for invoice in invoices]
    owns = own_invoice.find(each.template for each in said)
    return [
        _sheet(invoice, each, setting, owns.get(each.template))
        for invoice, each in zip(invoices, said, strict=True)
    ]


def _sheet(invoice: Invoice, said: PrintedInvoice, setting: Setting, own: OwnTemplate | None) -> _Sheet:
    """The key is a hash of every printed text and of the program that lays them out, so that it costs no
    layout to find what is kept. By an own template: of all it is given, and of its content."""
    if own is not None:
        said = replace(said, template=own.based_on)
    stock = _key(f"{invoice_html.version()}\n{said!r}")
    if own is None:
        return _Sheet(invoice, said, stock)
    given = variables(invoice, setting)
    # The logo's digest stands in what is said.
    given["account"].pop("logo")
    return _Sheet(invoice, said, _key(f"{own.digest}\n{stock}\n{given!r}"), own, stock)


def _key(said: str) -> str:
    return KEY_PREFIX + hashlib.sha256(f"{RENDERER}\n{said}".encode()).hexdigest()


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
