"""Global > Invoices: the list, the page where an invoice is written, and what can be done with one."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.invoice_explain import InvoiceExplain
from dashboard.admin_views.invoice_form import InvoiceForm, IssuedForm
from dashboard.admin_views.invoice_mails import SEND, InvoiceMails
from dashboard.admin_views.invoice_page import editor_data, made_of, paper_of, status_of
from dashboard.admin_views.invoice_papers import InvoicePapers
from dashboard.admin_views.invoice_payments import InvoicePayments
from dashboard.admin_views.invoice_reminders import InvoiceReminders
from dashboard.admin_views.list_page import Action, RowAction, delete_action
from dashboard.models import Invoice
from dashboard.operations import invoices
from dashboard.operations.errors import Invalid
from dashboard.queries import invoice_list, invoice_templates, settings
from dashboard.queries import invoices as invoice_queries
from dashboard.queries.listing import Column


class VoidForm(Form):
    reason = fields.text("Reason", max=200, required=True, help="Shown on the invoice and in its history.")


class InvoiceView(InvoicePayments, InvoicePapers, InvoiceMails, InvoiceReminders, InvoiceExplain, AdminView):
    model = Invoice
    operations = invoices
    form = InvoiceForm
    listing = invoice_list.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "invoice.read",
        "create": "invoice.draft",
        "edit": "invoice.draft",
        "delete": "invoice.draft",
    }
    title = "Invoices"
    singular = "invoice"
    icon = "invoice"
    create_label = "Add Invoice"
    empty_text = "Bill a customer by hand: add an invoice, choose the customer, add its lines."
    create_template = "admin/invoice/edit.html"
    edit_template = "admin/invoice/edit.html"
    details_template = "admin/invoice/details.html"
    bulk_actions = (
        Action("issue", "Issue", "invoice.issue", "Issue {n} drafts? Each gets its number.", done="issued"),
        Action(
            "void",
            "Void",
            "invoice.void",
            "Void {n} invoices. They keep their numbers and can't be brought back.",
            icon="void",
            danger=True,
            done="voided",
            form="void_form",
        ),
        delete_action("invoice.draft", "Delete {n} drafts? This can't be undone.", label="Delete drafts"),
        Action(
            "pdfs",
            "Download PDFs",
            "invoice.read",
            "Make the PDFs of {n} invoices in the background.",
            icon="pdf",
            form="pdfs_form",
            changes=False,
        ),
        SEND,
        Action("export", "Export", "export", "", icon="download", download=True, changes=False),
    )

    # The list ----------------------------------------------------------------------------------

    def row_actions(self, row: Any) -> list[RowAction]:
        pdf = RowAction("PDF", "pdf", url_for(".pdf_view", id=row.id))
        payments = RowAction("View Payments", "payment", url_for(".payments_view", id=row.id))
        return [pdf, *super().row_actions(row), payments]

    def row_editable(self, column: Column, row: Any) -> bool:
        return row.state != "void"

    def row_label(self, row: Any) -> str:
        return row.number or f"Draft {row.id}"

    def do_issue(self, actor: Any, keys: list[int]) -> Any:
        return invoices.issue_many(actor, keys)

    def void_form(self, formdata: Any = None) -> Form:
        return VoidForm(formdata)

    def do_void(self, actor: Any, keys: list[int], form: Form) -> Any:
        return invoices.void_many(actor, keys, form.values()["reason"])

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return invoices.delete_many(actor, keys)

    # The page ----------------------------------------------------------------------------------

    def defaults(self) -> dict[str, Any]:
        return {"issue_date": settings.today()}

    def form_class(self, record: Any) -> type[Form]:
        """Once issued, only what may still change has a field."""
        return InvoiceForm if record is None or record.state == "draft" else IssuedForm

    def form_context(self, form: Form, record: Any) -> dict[str, Any]:
        return {
            "editor": editor_data(form, record),
            "status": status_of(record) if record is not None else "draft",
            "why_fixed": invoice_queries.why_fixed(record) if record is not None else "",
            "paper": paper_of(record) if isinstance(form, IssuedForm) else None,
            "may_issue": self.may("invoice.issue"),
            "may_reopen": self.may("invoice.reopen"),
        }

    def store(self, form: Form, record: Any) -> Any:
        """`Save` keeps a draft, `Save and issue` numbers it in the same transaction."""
        return invoices.save(
            self.actor_of(form),
            None if record is None else record.id,
            form.values(),
            issue=request.form.get("issue") == "1",
            version=form.read_version(),
            form_key=form.form_key.data,
        )

    def saved_message(self, saved: Any) -> str:
        issued = request.form.get("issue") == "1" and saved.number
        return f"Issued as {saved.number}." if issued else super().saved_message(saved)

    def conflict_warning(self, form: Form, current: Any) -> str:
        if not isinstance(form, IssuedForm) or not any(name.startswith("items-") for name in request.form):
            return ""
        return (
            f"{current} was issued meanwhile, so its customer, date and lines are fixed now. Of yours only "
            "the due date, the reference and the notes can still be saved."
        )

    def facts(self, record: Any) -> list[dict[str, str]]:
        """None: the page is the invoice itself."""
        return []

    def details_context(self, record: Any) -> dict[str, Any]:
        return {
            "status": status_of(record),
            "allocations": invoice_queries.allocations(record.id),
            "why_fixed": invoice_queries.why_fixed(record),
            "paper": paper_of(record),
            "made": made_of(record),
            "mails": self.mails_of(record),
            "faulty_template": invoice_templates.faulty_for(record),
        }

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        """The buttons of an invoice's page, by its state and the reader's rights."""
        draft, issued = record.state == "draft", record.state == "issued"
        wanted = [
            (draft, "invoice.issue", "Issue", "issue_view", "check", f"Issue {record}? It gets its number."),
            (record.state != "void", "invoice.draft", "Edit", "edit_view", "edit", ""),
            (True, "invoice.read", "PDF", "pdf_view", "pdf", ""),
            (not draft, "invoice.read", "View Payments", "payments_view", "payment", ""),
            (True, "invoice.draft", "Duplicate", "duplicate_view", "copy", ""),
            (issued and not record.paid, "invoice.reopen", "Reopen", "reopen_view", "undo", ""),
            (bool(record.number) and record.state != "void", "invoice.void", "Void", "void_view", "void", ""),
            (not record.number, "invoice.draft", "Delete", "delete_view", "trash", f"Delete {record}?"),
        ]
        # What a draft waits for, by whoever reads it.
        main = "" if not draft else "issue_view" if self.may("invoice.issue") else "edit_view"
        posts = {"issue_view", "duplicate_view", "reopen_view", "delete_view"}
        buttons = [
            {
                "label": label,
                "href": url_for(f".{endpoint}", id=record.id),
                "icon": icon,
                "method": "post" if endpoint in posts else "get",
                "confirm": confirm,
                "danger": endpoint in {"void_view", "delete_view"},
                "primary": endpoint == main,
                "modal": endpoint == "void_view",
                "fields": {"version": str(record.version)} if endpoint in posts else {},
            }
            for shown, right, label, endpoint, icon, confirm in wanted
            if shown and self.may(right)
        ]
        at = next((at for at, one in enumerate(buttons) if one["label"] == "PDF"), 0) + 1
        return [*buttons[:at], *self.mail_action(record), *self.reminder_action(record), *buttons[at:]]

    # What can be done with one -------------------------------------------------------------------

    @expose("/<id>/issue", methods=("POST",))
    @needs("invoice.issue")
    def issue_view(self, id: str) -> ResponseReturnValue:
        invoice = invoices.issue(self.actor_of(None), self.get_one(id).id, version=self.posted_version())
        flash(f"Issued as {invoice.number}.", "success")
        return redirect(self.way_back(self.href(invoice.id)), 303)

    @expose("/<id>/reopen", methods=("POST",))
    @needs("invoice.reopen")
    def reopen_view(self, id: str) -> ResponseReturnValue:
        invoice = invoices.reopen(self.actor_of(None), self.get_one(id).id, version=self.posted_version())
        flash(f"{invoice.number} is a draft again. Change it, then issue it: it keeps its number.", "success")
        return redirect(url_for(".edit_view", id=invoice.id), 303)

    @expose("/<id>/duplicate", methods=("POST",))
    @needs("invoice.draft")
    def duplicate_view(self, id: str) -> ResponseReturnValue:
        copy = invoices.duplicate(self.actor_of(None), self.get_one(id).id)
        flash("This is the copy, a draft of today.", "success")
        return redirect(url_for(".edit_view", id=copy.id), 303)

    @expose("/<id>/void", methods=("GET", "POST"))
    @needs("invoice.void")
    def void_view(self, id: str) -> ResponseReturnValue:
        invoice = self.get_one(id)
        form = VoidForm(request.form if request.method == "POST" else None)
        if request.method == "POST" and form.validate():
            try:
                invoices.void(
                    self.actor_of(form), invoice.id, form.values()["reason"], version=form.read_version()
                )
            except Invalid as error:
                form.show(error.errors)
            else:
                flash(f"{invoice.number} is void.", "success")
                return redirect(self.href(invoice.id), 303)
        form.version.data = str(invoice.version)
        return self.ask(
            f"Void {invoice.number}",
            form,
            text="It keeps its number, so that the series shows no gap, and can't be brought back.",
            submit_label="Void",
            danger=True,
            return_url=self.href(invoice.id),
        )
