"""What a template prints, before it is saved and after: the preview beside the editor."""

from __future__ import annotations

import hashlib
import html as html_module
import re
from typing import Any

from flask import Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.base import BIGGEST_KEY
from dashboard.admin_views.guard import needs
from dashboard.documents import invoice_html, template_samples
from dashboard.documents.invoice_context import printed, said_of
from dashboard.documents.invoice_layout import lay_out
from dashboard.documents.invoice_pdf import load_for_print
from dashboard.documents.invoice_template import LIMITS, check_source, page_html
from dashboard.documents.own_invoice import PREVIEW_PREFIX, checked_pdf
from dashboard.documents.pdf_renderer import PdfError, PdfFailed, render
from dashboard.documents.sandbox import TemplateFault
from dashboard.documents.store import store
from dashboard.models import Invoice
from dashboard.models.customer import INVOICE_TEMPLATES
from dashboard.queries import settings

# The browser's own viewer shows it, inside our page and nowhere else.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; object-src 'self'; plugin-types application/pdf;"
    " style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
}


class TemplatePreview:
    """Mixed into InvoiceTemplateView."""

    @expose("/preview/", methods=("POST",))
    @needs("template.write")
    def preview_view(self) -> ResponseReturnValue:
        """The HTML sent, printed on the invoice chosen: a part of the page with the PDF, or the fault."""
        view: Any = self
        source = request.form.get("html", "").replace("\r\n", "\n")[: LIMITS.source + 1]
        invoice = asked_invoice(request.form.get("invoice_id", ""))
        found: dict[str, Any] = {"invoice": invoice, "fault": None, "href": "", "missing": []}
        try:
            check_source(source)
            setting = settings.current()
            page = page_html(source, invoice, setting, printed(invoice, setting))
            found["missing"] = missing(page, invoice)
            found["href"] = url_for(".preview_pdf_view", digest=_keep(checked_pdf(page)))
        except TemplateFault as fault:
            found["fault"] = fault
        except PdfFailed:
            found["fault"] = TemplateFault(None, "The page could not be made into a PDF within its time.")
        except PdfError as error:
            found["fault"] = TemplateFault(None, str(error))
        return view.render("admin/invoice_template/_preview.html", **found)  # type: ignore[no-any-return]

    @expose("/preview/<digest>.pdf")
    @needs("template.write")
    def preview_pdf_view(self, digest: str) -> ResponseReturnValue:
        document = store.find(PREVIEW_PREFIX + digest) if re.fullmatch("[0-9a-f]{64}", digest) else None
        if document is None:
            abort(404, description="This preview is gone. Change the template, or load its page again.")
        return _inline(b"".join(store.open_stream(document)))

    @expose("/stock/<stock>.pdf")
    @needs("template.write")
    def stock_view(self, stock: str) -> ResponseReturnValue:
        """A stock template, on the sample."""
        if stock not in INVOICE_TEMPLATES:
            abort(404)
        setting = settings.current()
        sample = asked_invoice("")
        laid = lay_out(printed(sample, setting, {**said_of(sample, setting), "template": stock}))
        document = invoice_html.document(
            INVOICE_TEMPLATES[stock], invoice_html.pages(laid), logo=laid.invoice.logo
        )
        try:
            return _inline(render(document))
        except PdfError as error:
            abort(503, description=str(error))


def asked_invoice(text: str) -> Invoice:
    """The invoice by its key; the sample where none is chosen. 404 for one that is gone."""
    if not text:
        return next(sample for _, sample in template_samples.samples(settings.current()))
    key = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    found = load_for_print([key]) if 0 < key <= BIGGEST_KEY else []
    if not found:
        abort(404, description="There is no such invoice.")
    return found[0]


def missing(page: str, invoice: Invoice) -> list[str]:
    """What an invoice ought to show and this page does not, in words."""
    text = " ".join(html_module.unescape(page).split())
    setting = settings.current()
    wanted = {
        "the invoice's number": str(invoice),
        "your company's name": setting.company_name,
        "the word DRAFT across a draft": "DRAFT" if invoice.state == "draft" else "",
    }
    return [what for what, words in wanted.items() if words and " ".join(words.split()) not in text]


def _keep(made: bytes) -> str:
    name = hashlib.sha256(made).hexdigest()
    store.put(PREVIEW_PREFIX + name, "application/pdf", [made])
    return name


def _inline(content: bytes) -> Response:
    answer = Response(content, mimetype="application/pdf", headers=_HEADERS)
    answer.headers["Content-Disposition"] = 'inline; filename="preview.pdf"'
    return answer
