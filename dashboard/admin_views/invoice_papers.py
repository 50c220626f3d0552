"""The invoice view's files: one PDF, many PDFs in the background, the selected rows as CSV."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from dashboard.admin_views import fields
from dashboard.admin_views.answers import download
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.invoice_page import customer_data
from dashboard.documents.invoice_pdf import PdfError, invoice_pdf
from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.operations import jobs
from dashboard.operations.errors import Missing
from dashboard.queries import list_export
from dashboard.queries.list_filters import Filter
from dashboard.queries.listing import State

ARCHIVES = {"zip": "One ZIP with a PDF each", "merged": "One PDF with all of them"}


class PdfsForm(Form):
    shape = fields.choice("Result", ARCHIVES, default="zip")


class InvoicePapers:
    """Mixed into InvoiceView."""

    @expose("/<id>/pdf")
    @needs("invoice.read")
    def pdf_view(self, id: str) -> ResponseReturnValue:
        view: Any = self
        try:
            made = invoice_pdf(view.get_one(id))
        except PdfError as error:
            flash(str(error), "error")
            return redirect(view.way_back(view.href(view.key_of(id))), 303)
        return download(made.stream(), made.filename, "application/pdf")

    @expose("/customer/<id>.json")
    @needs("invoice.draft")
    def customer_view(self, id: str) -> ResponseReturnValue:
        """What follows from choosing a customer: the "To" block, currency, due days, tax."""
        view: Any = self
        customer = db.session.get(Customer, view.key_of(id))
        if customer is None:
            raise Missing("customer")
        return customer_data(customer)

    def pdfs_form(self, formdata: Any = None) -> Form:
        return PdfsForm(formdata)

    def do_pdfs(self, actor: Any, keys: list[int], form: Form) -> ResponseReturnValue:
        """Start the job; its progress shows in the drawer and on its own page."""
        params = {"ids": keys, "as": form.values()["shape"] or "zip"}
        title = f"PDFs of {len(keys):,} invoices"
        job = jobs.start(actor, "invoice_pdfs", title, params, total=len(keys))
        return redirect(url_for("job.details_view", id=job.id), 303)

    def do_export(self, actor: Any, keys: list[int]) -> ResponseReturnValue:
        """The selected rows as CSV, with the columns on screen."""
        view: Any = self
        chosen = Filter("id", "in", ",".join(map(str, keys)), "key", tuple(keys))
        query = view.read_state(MultiDict(parse_qsl(request.form.get("query", "").lstrip("?"))))
        state = State(filters=(chosen,), sort=query.sort, columns=query.columns)
        return download(list_export.csv_chunks(view.listing, state), "invoices-selected.csv", "text/csv")
