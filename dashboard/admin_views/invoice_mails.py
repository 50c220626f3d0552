"""The invoice view's e-mail: one with its text looked at first, many at once, and what was sent before."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import Action
from dashboard.models import Invoice
from dashboard.models.mail import MAIL_KINDS
from dashboard.operations import invoice_mails, jobs, mail_addresses, mail_texts, mails
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.queries import mail_list, settings

SEND = Action(
    "send",
    "Send by e-mail",
    "mail.send",
    "Send {n} invoices, each to its customer's contacts of the type billing, with the PDF.",
    icon="send",
    form="send_form",
    done="put among the e-mails to send",
    changes=False,
)


class SendForm(Form):
    recipients = fields.long_text(
        "To",
        max=mail_addresses.MOST_ADDRESSES * 256,
        rows=2,
        required=True,
        help="Several addresses have a comma between them.",
    )
    subject = fields.text("Subject", max=mail_texts.LONGEST_SUBJECT, required=True)
    body = fields.long_text("Message", max=20_000, rows=12, required=True)


class SendManyForm(Form):
    again = fields.flag("Also those sent before", help="Else an invoice that went out before is left out.")


class InvoiceMails:
    """Mixed into InvoiceView."""

    @expose("/<id>/send", methods=("GET", "POST"))
    @needs("mail.send")
    def send_view(self, id: str) -> ResponseReturnValue:
        """The e-mail as it would go out; whoever sends it may change whom it goes to and what it says."""
        view: Any = self
        invoice = view.get_one(id)
        form = SendForm(request.form) if request.method == "POST" else self._drafted(invoice)
        if request.method == "POST" and form.validate():
            try:
                mail = invoice_mails.send_as(
                    view.actor_of(form), invoice.id, form.values(), form_key=form.form_key.data
                )
            except Duplicate:
                return redirect(view.href(invoice.id), 303)
            except (Invalid, Refused) as error:
                form.show_refusal(error)
            else:
                flash(self._said(mail.state), "success" if mail.state == "queued" else "warning")
                return redirect(view.href(invoice.id), 303)
        page: ResponseReturnValue = view.ask(
            f"Send {invoice} by e-mail",
            form,
            text="The PDF goes along. Change what you like: this is what the customer reads.",
            submit_label="Send",
            return_url=view.href(invoice.id),
        )
        return page

    def _drafted(self, invoice: Invoice) -> SendForm:
        """The form with what would be sent; without a billing contact the address is left to staff."""
        to = mails.billing_addresses(invoice.customer_id)
        draft = mails.invoice_draft(invoice, recipients=to or ["-"])
        form = SendForm(
            data={"recipients": ", ".join(to), "subject": draft.subject, "body": draft.body.strip()}
        )
        if not to:
            form.recipients.description = (
                f"{invoice.customer.name} has no contact of the type billing with an e-mail address."
            )
        return form

    @staticmethod
    def _said(state: str) -> str:
        if state == "queued":
            return "The e-mail will be sent in a moment."
        return "There is no mail server yet, so it is kept under E-mails and can be sent from there later."

    def mail_action(self, record: Invoice) -> list[dict[str, Any]]:
        """The button on the page of an issued invoice."""
        view: Any = self
        if record.state != "issued" or not view.may("mail.send"):
            return []
        return [
            {
                "label": "Send by e-mail",
                "href": url_for(".send_view", id=record.id),
                "icon": "send",
                "method": "get",
                "confirm": "",
                "modal": True,
            }
        ]

    def mails_of(self, record: Invoice) -> list[dict[str, Any]]:
        """What was mailed of it, for its page."""
        view: Any = self
        if not view.may("mail.read"):
            return []
        return [
            {"mail": one, "kind": MAIL_KINDS[one.kind], "at": settings.local(one.sent_at or one.created_at)}
            for one in mail_list.of_invoice(record.id)
        ]

    # Many at once --------------------------------------------------------------------------------

    def send_form(self, formdata: Any = None) -> Form:
        return SendManyForm(formdata)

    def do_send(self, actor: Any, keys: list[int], form: Form) -> Any:
        again = bool(form.values()["again"])
        if len(keys) <= invoice_mails.MOST_IN_REQUEST:
            mark = f"bulk:{actor.id}:{form.form_key.data}" if form.form_key.data else ""
            return invoice_mails.send_many(actor, keys, again=again, mark=mark[:150])
        params = {"ids": keys, "again": again}
        title = f"E-mails with {len(keys):,} invoices"
        job = jobs.start(actor, "invoice_mails", title, params, total=len(keys))
        return redirect(url_for("job.details_view", id=job.id), 303)
