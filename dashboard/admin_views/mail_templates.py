"""Setup > E-mail texts: what each kind of e-mail says."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import TextAreaField

from dashboard.admin_views import fields
from dashboard.admin_views.base import BIGGEST_KEY
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.extensions import db
from dashboard.models import Invoice
from dashboard.models.mail import MAIL_KINDS
from dashboard.operations import mail_texts
from dashboard.operations.errors import Invalid, Refused, Stale
from dashboard.queries import mail_list, settings

# Kinds whose preview can be on a real invoice.
WITH_INVOICE = ("invoice", "reminder")


class MailTextForm(Form):
    subject = fields.text("Subject", max=mail_texts.LONGEST_SUBJECT, required=True)
    body = TextAreaField(
        "Text",
        description="An HTML part with the same words is made of it.",
        render_kw={
            "rows": 20,
            "spellcheck": "true",
            "autocomplete": "off",
            "maxlength": mail_texts.LONGEST_TEXT,
        },
    )
    # What the preview shows; not stored.
    invoice_id = fields.lookup("Invoice", "invoice", hint="A sample")


class MailTemplateView(GuardedView):
    icon = "mail"
    menu_right = "template.write"
    title = "E-mail texts"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="mail_template")

    @expose("/")
    @needs("template.write")
    def index_view(self) -> ResponseReturnValue:
        own = mail_list.texts()
        kinds = [
            {"key": kind, "label": label, "own": own.get(kind), "subject": mail_texts.current(kind)[0]}
            for kind, label in MAIL_KINDS.items()
        ]
        crumbs = [{"label": self.title, "href": ""}]
        return self.render("admin/mail_template/index.html", kinds=kinds, crumbs=crumbs)  # type: ignore[no-any-return]

    @expose("/edit/", methods=("GET", "POST"))
    @needs("template.write")
    def edit_view(self) -> ResponseReturnValue:
        kind = self._kind()
        if request.method == "GET":
            subject, body = mail_texts.current(kind)
            form = MailTextForm(data={"subject": subject, "body": body})
            own = mail_texts.own_text(kind)
            form.version.data = str(own.version if own else 0)
            return self._editor(form, kind)
        form = MailTextForm(request.form)
        if settings.current().audit_comment and not form.comment.data:
            form.comment.errors = ["Please say why you change this; it goes to the audit log."]
            return self._editor(form, kind), 422
        if not form.validate():
            return self._editor(form, kind), 422
        values = {"subject": form.subject.data, "body": form.body.data}
        try:
            actor = self.actor.saying(form.comment.data or "")
            mail_texts.save(actor, kind, values, version=form.read_version())
        except (Invalid, Refused) as error:
            form.show_refusal(error)
            return self._editor(form, kind), 422
        except Stale:
            form.loose_errors.append(
                "Somebody else saved this text after you opened it. Open it again to see what it says now."
            )
            return self._editor(form, kind), 409
        flash(f"{MAIL_KINDS[kind]}: from now on e-mails say this.", "success")
        return redirect(url_for(".edit_view", kind=kind), 303)

    @expose("/preview/", methods=("POST",))
    @needs("template.write")
    def preview_view(self) -> ResponseReturnValue:
        """The text sent, filled in with the sample or with the invoice chosen; or its fault."""
        kind = self._kind()
        subject, body = (
            request.form.get(name, "")[: mail_texts.LONGEST_TEXT + 1] for name in ("subject", "body")
        )
        found: dict[str, Any] = {"faults": {}, "subject": "", "body": ""}
        try:
            mail_texts.check(kind, {"subject": subject, "body": body})
            sample = mail_texts.SAMPLES[kind] | self._real(kind)
            account = mail_texts.account(settings.current())
            found["subject"], found["body"] = mail_texts.fill(subject, body, {"account": account, **sample})
        except Invalid as error:
            found["faults"] = error.errors
        labels = {"subject": "Subject", "body": "Text"}
        return self.render("admin/mail_template/_preview.html", labels=labels, **found)  # type: ignore[no-any-return]

    @expose("/reset/", methods=("POST",))
    @needs("template.write")
    def reset_view(self) -> ResponseReturnValue:
        kind = self._kind()
        mail_texts.reset(self.actor, kind)
        flash(f"{MAIL_KINDS[kind]}: the stock text is in use again.", "success")
        return redirect(url_for(".edit_view", kind=kind), 303)

    # The parts of it ---------------------------------------------------------------------------

    def _kind(self) -> str:
        kind = request.values.get("kind", "")
        if kind not in MAIL_KINDS:
            abort(404, description="There is no such kind of e-mail.")
        return kind

    def _real(self, kind: str) -> dict[str, Any]:
        """What the text names, of the invoice chosen."""
        text = request.form.get("invoice_id", "")
        key = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        invoice = db.session.get(Invoice, key) if kind in WITH_INVOICE and 0 < key <= BIGGEST_KEY else None
        if invoice is None:
            return {}
        return {"invoice": mail_texts.invoice(invoice), "company": mail_texts.company(invoice.customer)}

    def _editor(self, form: MailTextForm, kind: str) -> str:
        own = mail_texts.own_text(kind)
        return self.render(  # type: ignore[no-any-return]
            "admin/mail_template/edit.html",
            form=form,
            record_title=MAIL_KINDS[kind],
            kind=kind,
            own=own,
            with_invoice=kind in WITH_INVOICE,
            variables=mail_texts.VARIABLES[kind],
            form_messages=form.loose_errors,
            form_action=url_for(".edit_view", kind=kind),
            return_url=url_for(".index_view"),
            ask_comment=settings.current().audit_comment,
            crumbs=[
                {"label": self.title, "href": url_for(".index_view")},
                {"label": MAIL_KINDS[kind], "href": ""},
            ],
        )
