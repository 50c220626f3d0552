"""Printing by the account's own templates. Whatever goes wrong with one is noted at the template, and the
caller prints by the stock one instead: no invoice fails because of a template."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

import pikepdf
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dashboard.documents.invoice_context import PrintedInvoice
from dashboard.documents.invoice_template import digest, page_html
from dashboard.documents.pdf_renderer import PdfFailed, render
from dashboard.documents.sandbox import TemplateFault
from dashboard.documents.snapshot import OWN_TEMPLATE
from dashboard.extensions import db
from dashboard.models import Invoice, InvoiceTemplate, Setting

log = logging.getLogger("documents")

# What the preview of a template that is being written is kept under, for a while.
PREVIEW_PREFIX = "template-preview-"
# Seconds for one invoice, and the most pages that it may have.
PATIENCE = 45
MOST_PAGES = 2500
# A template that took this long to fail is left alone for a while, or it would hold up everything printed
# with it. In nanoseconds.
SLOW = 1_000_000_000
LEFT_ALONE = 300 * 1_000_000_000
_left_alone: dict[tuple[int, int], int] = {}


@dataclass(frozen=True)
class OwnTemplate:
    id: int
    version: int
    name: str
    html: str
    based_on: str
    fault: str | None

    @property
    def digest(self) -> str:
        return digest(self.html)


def find(keys: Iterable[str]) -> dict[str, OwnTemplate]:
    """The account's own templates among these keys; stock ones and those that are gone are not."""
    wanted = {key for key in keys if key.startswith(OWN_TEMPLATE)}
    if not wanted:
        return {}
    kind = InvoiceTemplate
    columns = (kind.key, kind.id, kind.version, kind.name, kind.html, kind.based_on, kind.fault)
    with db.session.no_autoflush:
        rows = db.session.execute(select(*columns).where(kind.key.in_(wanted))).all()
    return {key: OwnTemplate(*values) for key, *values in rows}


def html_of(template: OwnTemplate, invoice: Invoice, setting: Setting, printed: PrintedInvoice) -> str | None:
    """The invoice's page; None where the template would not do, which is noted then."""
    if _left_alone.get((template.id, template.version), 0) > time.monotonic_ns():
        return None
    started = time.monotonic_ns()
    try:
        return page_html(template.html, invoice, setting, printed)
    except TemplateFault as fault:
        _failed(template, invoice, str(fault), started)
    except Exception:
        log.exception("template %s failed on invoice %s", template.id, invoice.id)
        _failed(template, invoice, "The invoice could not be set out by it.", started)
    return None


def pdf_of(template: OwnTemplate, invoice: Invoice, html: str) -> bytes | None:
    """The PDF of a page that `html_of` made; None where the renderer would not. Raises PdfUnavailable."""
    started = time.monotonic_ns()
    try:
        made = checked_pdf(html)
    except PdfFailed as error:
        log.warning("template %s, invoice %s: %s", template.id, invoice.id, error.reason)
        _failed(template, invoice, "The page could not be made into a PDF.", started)
        return None
    if template.fault and template.fault.startswith(f"{invoice}: "):
        _note(template, None)
    return made


def checked_pdf(html: str) -> bytes:
    """A PDF of a page by a template: within its time, and of a number of pages that can be sent."""
    made = render(html, patience=PATIENCE)
    try:
        with pikepdf.open(io.BytesIO(made)) as pdf:
            count = len(pdf.pages)
    except pikepdf.PdfError as error:
        raise PdfFailed("what wkhtmltopdf gave can't be read") from error
    if count > MOST_PAGES:
        raise PdfFailed(f"{count} pages")
    return made


def _failed(template: OwnTemplate, invoice: Invoice, reason: str, started: int) -> None:
    log.warning("invoice %s is printed by the stock template: %s: %s", invoice.id, template.name, reason)
    now = time.monotonic_ns()
    if now - started >= SLOW:
        _left_alone[template.id, template.version] = now + LEFT_ALONE
    _note(template, f"{invoice}: {reason}"[:1000])


def _note(template: OwnTemplate, fault: str | None) -> None:
    """Beside whatever the caller has under way; a version saved meanwhile is not blamed."""
    if fault == template.fault:
        return
    same = (InvoiceTemplate.id == template.id, InvoiceTemplate.version == template.version)
    try:
        with Session(db.engine) as own:
            own.execute(update(InvoiceTemplate).where(*same).values(fault=fault))
            own.commit()
    except SQLAlchemyError:
        log.exception("the fault of template %s could not be noted", template.id)
