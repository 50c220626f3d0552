"""Send mail: a message to the customers that are ticked in the list, looked at before it goes."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from dashboard.admin_views import fields
from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.forms import Form
from dashboard.admin_views.list_page import Action
from dashboard.operations import jobs, mail_texts, messages
from dashboard.operations.errors import Refused

SEND_MAIL = Action(
    "mail",
    "Send mail",
    "mail.send",
    "A message to {n} customers, each to its contacts of the type billing. You see it before it goes.",
    icon="send",
    form="mail_form",
    done="written to",
    changes=False,
)


class MessageForm(Form):
    subject = fields.text("Subject", max=mail_texts.LONGEST_SUBJECT, required=True)
    text = fields.long_text(
        "Message",
        max=messages.LONGEST,
        rows=10,
        required=True,
        help="Write {{ customer }} for the name, {{ balance }} for what is owed, {{ overdue }} for what of it"
        " is overdue.",
    )
    # What was looked at last: another text is looked at again.
    looked = HiddenField()

    def digest(self) -> str:
        said = f"{self.subject.data}\0{self.text.data}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]


class CustomerMessages:
    """Mixed into CustomerView."""

    def mail_form(self, formdata: Any = None) -> Form:
        return MessageForm(formdata)

    def do_mail(self, actor: Any, keys: list[int], form: Form) -> Any:
        """First the preview, with who gets it and who can't; the second time the same text is sent."""
        assert isinstance(form, MessageForm)
        found = messages.reach(keys)
        if not found.with_address:
            raise Refused("None of these customers has a contact of the type billing with an e-mail address.")
        if form.looked.data != form.digest():
            return self._preview(keys, form, found)
        subject, text = str(form.subject.data), str(form.text.data)
        mark = f"{actor.id}:{form.form_key.data}"
        if len(keys) <= messages.MOST_IN_REQUEST:
            return messages.send_many(actor, keys, subject, text, mark=mark)
        params = {"ids": keys, "subject": subject, "text": text}
        title = f"E-mails to {len(keys):,} customers"
        job = jobs.start(actor, "messages", title, params, total=len(keys))
        return redirect(url_for("job.details_view", id=job.id), 303)

    def _preview(self, keys: list[int], form: MessageForm, found: messages.Reach) -> ResponseReturnValue:
        view: Any = self
        reader = messages.first_reader(keys)
        if reader is None:
            raise Refused("These customers are no longer there.")
        subject, body = messages.written(reader, str(form.subject.data), str(form.text.data))
        # The same field twice would say the old digest first.
        form.looked.raw_data = None
        form.looked.data = form.digest()
        page = view.render(
            "admin/customer/message_dialog.html" if wants_modal() else "admin/customer/message.html",
            title=SEND_MAIL.label,
            text="",
            form=form,
            form_action=url_for(f"{view.endpoint}.action_view"),
            hidden={
                "action": SEND_MAIL.name,
                "all": request.form.get("all", ""),
                "query": request.form.get("query", ""),
                "rowid": request.form.getlist("rowid"),
                "next": view.way_back(),
            },
            submit_label=f"Send to {found.with_address:,}",
            return_url=view.way_back(),
            crumbs=view.crumbs(SEND_MAIL.label),
            reach=found,
            reader=reader,
            preview_subject=subject,
            preview_body=body,
        )
        # As with a form that is not done yet, the dialog stays.
        return page, 422
