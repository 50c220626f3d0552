"""Global > E-mails: what was sent, what waits, what failed and why, and what staff decide about it."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form, new_form_key
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import Action, RowAction
from dashboard.documents.invoice_pdf import PdfError, invoice_pdf
from dashboard.documents.mail_message import html_of
from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Invoice, Mail, MailAttachment
from dashboard.models.mail import ATTEMPT_RESULTS, MAIL_KINDS, MAIL_STATES
from dashboard.operations import mail_decisions
from dashboard.operations.errors import Duplicate, Missing
from dashboard.queries import mail_list, settings

# A mail's own HTML is shown in a frame in which nothing runs and from which nothing is fetched.
FRAME = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
RESENDABLE = ("queued", "kept", "parked", "unsure", "cancelled", "sent")
CANCELLABLE = ("queued", "kept", "parked", "unsure")


class MailView(AdminView):
    model = Mail
    operations = mail_decisions
    form = Form
    listing = mail_list.LISTING
    rights: ClassVar[dict[str, str]] = {"read": "mail.read"}
    title = "E-mails"
    singular = "e-mail"
    icon = "mail"
    details_template = "admin/mail/details.html"
    empty_text = (
        "Invoices, reminders and reports that are sent by e-mail are listed here, with what became of them."
    )
    bulk_actions = (
        Action("resend", "Resend", "mail.send", "Send {n} e-mails again?", icon="send", done="sent again"),
        Action("cancel", "Cancel", "mail.send", "Cancel {n} e-mails?", icon="stop", done="cancelled"),
        Action("seen", "Mark as seen", "mail.send", "", icon="eye", done="marked as seen"),
    )

    # The list ----------------------------------------------------------------------------------

    def row_actions(self, row: Any) -> list[RowAction]:
        if row.state in ("parked", "kept") and self.may("mail.send"):
            return [RowAction("Resend", "send", url_for(".resend_view", id=row.id), "post")]
        return []

    def row_label(self, row: Any) -> str:
        return str(row.subject)

    def do_resend(self, actor: Any, keys: list[int]) -> Any:
        return mail_decisions.resend_many(actor, keys)

    def do_cancel(self, actor: Any, keys: list[int]) -> Any:
        return mail_decisions.cancel_many(actor, keys)

    def do_seen(self, actor: Any, keys: list[int]) -> Any:
        return mail_decisions.mark_seen_many(actor, keys)

    # The page ----------------------------------------------------------------------------------

    def get_one(self, id: Any) -> Any:
        found = mail_list.one(self.key_of(id))
        if found is None:
            raise Missing(self.singular)
        return found

    def facts(self, record: Any) -> list[dict[str, Any]]:
        return []

    def details_context(self, record: Any) -> dict[str, Any]:
        setting = settings.current()
        return {
            "record_status": record.state,
            "kind": MAIL_KINDS[record.kind],
            "state": MAIL_STATES[record.state],
            "results": ATTEMPT_RESULTS,
            "local": settings.local,
            "has_server": bool(setting.smtp_host and setting.smtp_from),
            "may_send": self.may("mail.send"),
        }

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        """What can be decided about a mail in its state."""
        if not self.may("mail.send"):
            return []
        unsure, sent = record.state == "unsure", record.state == "sent"
        again = "Send again" if unsure else "Send now" if record.state == "queued" else "Resend"
        ask = f"Send “{record}” once more?" if sent or unsure else ""
        untold = record.state in mail_list.TROUBLE and not record.seen
        wanted = [
            (unsure, "It arrived", "arrived_view", "check", "", True),
            (
                record.state in RESENDABLE,
                again,
                "resend_view",
                "send",
                ask,
                record.state in ("parked", "kept"),
            ),
            (untold, "Mark as seen", "seen_view", "eye", "", False),
            (record.state in CANCELLABLE, "Cancel", "cancel_view", "stop", f"Cancel “{record}”?", False),
        ]
        return [
            {
                "label": label,
                "href": url_for(f".{endpoint}", id=record.id),
                "icon": icon,
                "method": "post",
                "confirm": confirm,
                "primary": primary,
                "danger": False,
                "fields": {"form_key": new_form_key()},
            }
            for shown, label, endpoint, icon, confirm, primary in wanted
            if shown
        ]

    @expose("/<id>/resend", methods=("POST",))
    @needs("mail.send")
    def resend_view(self, id: str) -> ResponseReturnValue:
        key = self.key_of(id)
        try:
            mail = mail_decisions.resend(self.actor_of(None), key, form_key=request.form.get("form_key"))
        except Duplicate:
            return redirect(self.way_back(self.href(key)), 303)
        flash("The e-mail will be sent in a moment.", "success")
        return redirect(self.way_back(self.href(mail.id)), 303)

    @expose("/<id>/cancel", methods=("POST",))
    @needs("mail.send")
    def cancel_view(self, id: str) -> ResponseReturnValue:
        mail = mail_decisions.cancel(self.actor_of(None), self.key_of(id))
        flash("The e-mail was cancelled.", "success")
        return redirect(self.way_back(self.href(mail.id)), 303)

    @expose("/<id>/arrived", methods=("POST",))
    @needs("mail.send")
    def arrived_view(self, id: str) -> ResponseReturnValue:
        mail = mail_decisions.arrived(self.actor_of(None), self.key_of(id))
        flash("Noted: the e-mail arrived.", "success")
        return redirect(self.way_back(self.href(mail.id)), 303)

    @expose("/<id>/seen", methods=("POST",))
    @needs("mail.send")
    def seen_view(self, id: str) -> ResponseReturnValue:
        mail = mail_decisions.mark_seen(self.actor_of(None), self.key_of(id))
        flash("The dashboard no longer tells of it.", "success")
        return redirect(self.way_back(self.href(mail.id)), 303)

    @expose("/<id>/html")
    @needs("mail.read")
    def html_view(self, id: str) -> ResponseReturnValue:
        """The HTML part as its reader gets it, for the frame on the mail's page."""
        mail = self.get_one(id)
        answer = Response(mail.html or html_of(mail.body), mimetype="text/html")
        answer.headers.update(FRAME)
        return answer

    @expose("/<id>/file/<position>")
    @needs("mail.read")
    def file_view(self, id: str, position: str) -> ResponseReturnValue:
        """An attachment: what was sent; before that, what would be."""
        one = db.session.get(MailAttachment, (self.key_of(id), self.key_of(position)))
        if one is None:
            raise Missing("file")
        document = one.document
        if document is None and one.invoice_id is not None:
            try:
                document = invoice_pdf(db.session.get_one(Invoice, one.invoice_id)).document
            except PdfError as error:
                flash(str(error), "error")
                return redirect(self.href(one.mail_id), 303)
        if document is None:
            abort(404, description="This file is no longer kept.")
        return download(store.open_stream(document), plain_name(one.filename), one.media_type)


def plain_name(name: str) -> str:
    """A file name that a header can carry."""
    return re.sub(r"[^A-Za-z0-9._ -]", "_", name).strip(" .") or "file"
