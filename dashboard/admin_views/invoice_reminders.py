"""The invoice view's reminders: one by hand. Those that go out by themselves are listed with the e-mails."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.forms import new_form_key
from dashboard.admin_views.guard import needs
from dashboard.models import Invoice
from dashboard.operations import reminders
from dashboard.operations.errors import Duplicate
from dashboard.queries import settings
from dashboard.rules.money import format_money


class InvoiceReminders:
    """Mixed into InvoiceView."""

    @expose("/<id>/remind", methods=("POST",))
    @needs("mail.send")
    def remind_view(self, id: str) -> ResponseReturnValue:
        view: Any = self
        invoice = view.get_one(id)
        back = redirect(view.way_back(view.href(invoice.id)), 303)
        try:
            mail = reminders.send(
                view.actor_of(None), invoice.id, form_key=request.form.get("form_key", "")[:64] or None
            )
        except Duplicate:
            return back
        if mail.state == "queued":
            flash(f"The reminder goes to {', '.join(mail.recipients)}.", "success")
        else:
            flash("There is no mail server yet, so the reminder is kept under E-mails.", "warning")
        return back

    def reminder_action(self, record: Invoice) -> list[dict[str, Any]]:
        """The button on the page of an invoice that is not paid."""
        view: Any = self
        if record.state != "issued" or record.balance <= 0 or not view.may("mail.send"):
            return []
        owed = format_money(record.balance, record.currency, code=True)
        when = "is owed since" if record.due_date < settings.today() else "is due on"
        return [
            {
                "label": "Send reminder",
                "href": url_for(".remind_view", id=record.id),
                "icon": "clock",
                "method": "post",
                "confirm": f"Remind {record.customer_name} of {record}? {owed} {when} {record.due_date}.",
                "fields": {"form_key": new_form_key()},
            }
        ]
