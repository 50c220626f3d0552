"""A customer's statement of account: on screen, as PDF, as CSV, by e-mail."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.answers import download
from dashboard.admin_views.forms import Form, new_form_key
from dashboard.admin_views.guard import needs
from dashboard.documents import csv, statement_pdf
from dashboard.documents.statement_layout import BUCKETS
from dashboard.documents.statement_pdf import PdfError
from dashboard.models import Customer
from dashboard.models.statement import Statement
from dashboard.operations import mail_addresses, mail_texts, mails, statements
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.queries import settings
from dashboard.queries import statements as queries
from dashboard.rules.money import round_money

DAY = dt.timedelta(days=1)
HEADINGS = ("Date", "Kind", "Text", "Invoiced", "Paid", "Balance", "Currency")
KINDS = {
    "invoice": "Invoice",
    "charge": "Charge",
    "payment": "Payment",
    "refund": "Refund",
    "allocation": "Allocation",
}


class StatementForm(Form):
    recipients = fields.long_text(
        "To",
        max=mail_addresses.MOST_ADDRESSES * 256,
        rows=2,
        required=True,
        help="Several addresses have a comma between them.",
    )
    subject = fields.text("Subject", max=mail_texts.LONGEST_SUBJECT, required=True)
    body = fields.long_text("Message", max=20_000, rows=12, required=True)


class CustomerStatements:
    """Mixed into CustomerView."""

    @expose("/<id>/statement")
    @needs("payment.read")
    def statement_view(self, id: str) -> ResponseReturnValue:
        view: Any = self
        customer = view.get_one(view.key_of(id))
        first, last, fault = _period(customer)
        found = None
        if not fault:
            try:
                found = statements.get(customer.id, first, last)
            except (Invalid, Refused) as error:
                fault = str(error)
        page = view.render(
            "admin/customer/statement.html",
            customer=customer,
            found=found,
            fault=fault,
            first=first,
            last=last,
            presets=_presets(customer, first, last),
            buckets=BUCKETS,
            may_send=view.may("mail.send"),
            may_export=view.may("export"),
            crumbs=view.crumbs_of(customer, "Statement"),
        )
        return page, 422 if fault else 200

    @expose("/<id>/statement/pdf")
    @needs("payment.read")
    def statement_pdf_view(self, id: str) -> ResponseReturnValue:
        view: Any = self
        found = _asked(view.get_one(view.key_of(id)))
        try:
            made = statement_pdf.make(found, settings.current())
        except PdfError as error:
            flash(str(error), "error")
            return redirect(_href(found), 303)
        return download(iter([made]), statement_pdf.file_name(found), statement_pdf.MEDIA_TYPE)

    @expose("/<id>/statement/csv")
    @needs("export")
    def statement_csv_view(self, id: str) -> Response:
        view: Any = self
        found = _asked(view.get_one(view.key_of(id)))
        name = statement_pdf.file_name(found).removesuffix(".pdf")
        return download(csv.lines([HEADINGS, *_rows(found)]), f"{name}.csv", "text/csv")

    @expose("/<id>/statement/send", methods=("GET", "POST"))
    @needs("mail.send")
    def statement_send_view(self, id: str) -> ResponseReturnValue:
        """The e-mail as it would go out; whoever sends it may change whom it goes to and what it says."""
        view: Any = self
        found = _asked(view.get_one(view.key_of(id)))
        form = StatementForm(request.form) if request.method == "POST" else _drafted(found)
        back = _href(found)
        if request.method == "POST" and form.validate():
            try:
                mail = statements.send(
                    view.actor_of(form),
                    found.customer.id,
                    found.first,
                    found.last,
                    form.values(),
                    form_key=form.form_key.data,
                )
            except Duplicate:
                return redirect(back, 303)
            except (Invalid, Refused) as error:
                form.form_key.data = new_form_key()
                form.show_refusal(error)
            except PdfError as error:
                form.show({"": [str(error)]})
            else:
                _say(mail.state)
                return redirect(back, 303)
        return view.ask(  # type: ignore[no-any-return]
            f"Send the statement of {found.customer.name}",
            form,
            text=f"The PDF of {found.first} to {found.last} goes along.",
            submit_label="Send",
            return_url=back,
        )

    def statement_action(self, record: Customer) -> list[dict[str, Any]]:
        """The button on a customer's page."""
        view: Any = self
        if not view.may("payment.read"):
            return []
        return [{"label": "Statement", "href": url_for(".statement_view", id=record.id), "icon": "file"}]


def _say(state: str) -> None:
    if state == "queued":
        flash("The statement will be sent in a moment.", "success")
    else:
        flash("There is no mail server yet, so the statement is kept under E-mails.", "warning")


def _drafted(found: Statement) -> StatementForm:
    to = mails.billing_addresses(found.customer.id)
    subject, body = statements.draft(found)
    form = StatementForm(data={"recipients": ", ".join(to), "subject": subject, "body": body.strip()})
    if not to:
        form.recipients.description = (
            f"{found.customer.name} has no contact of the type billing with an e-mail address."
        )
    return form


def _href(found: Statement) -> str:
    return url_for(".statement_view", id=found.customer.id, first=found.first, last=found.last)


def _asked(customer: Customer) -> Statement:
    """The statement of the dates in the address. Refused where they are none."""
    first, last, fault = _period(customer)
    if fault:
        raise Refused(fault)
    return statements.get(customer.id, first, last)


def _period(customer: Customer) -> tuple[dt.date, dt.date, str]:
    """The days asked for, and what is wrong with them; else the last month and this one up to today."""
    today = queries.today_of(customer)
    usual = ((today.replace(day=1) - DAY).replace(day=1), today)
    days: list[dt.date] = []
    for name, default in zip(("first", "last"), usual, strict=True):
        typed = request.args.get(name, "").strip()
        try:
            day = dt.date.fromisoformat(typed) if typed else default
        except ValueError:
            return *usual, "Give the dates as in 2026-11-23."
        if not 1990 <= day.year <= 2999:
            return *usual, "Give a year from 1990 to 2999."
        days.append(day)
    first, last = days
    return first, last, "The last day is before the first one." if last < first else ""


def _presets(customer: Customer, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    today = queries.today_of(customer)
    month = today.replace(day=1)
    before = (month - DAY).replace(day=1)
    offered = [
        ("This month", month, today),
        ("Last month", before, month - DAY),
        ("This year", today.replace(month=1, day=1), today),
        ("Last year", dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)),
    ]
    begun = queries.first_day(customer)
    if begun is not None and begun <= today:
        offered.append(("All of it", begun, today))
    return [
        {
            "label": label,
            "href": url_for(".statement_view", id=customer.id, first=start, last=end),
            "active": (start, end) == (first, last),
        }
        for label, start, end in offered
    ]


def _rows(found: Statement) -> list[list[object]]:
    def row(day: dt.date, kind: str, text: str, *amounts: Decimal | None) -> list[object]:
        # Numbers, not texts: a spreadsheet adds them up.
        figures = ["" if one is None else round_money(one, found.currency) for one in amounts]
        return [day.isoformat(), kind, text, *figures, found.currency]

    rows = [row(found.first, "Opening balance", "", None, None, found.opening)]
    for one in found.entries:
        text = f"{one.text} · {one.note}" if one.note else one.text
        balance = None if one.kind == "allocation" else one.balance
        rows.append(row(one.day, KINDS[one.kind], text, one.charged, one.paid, balance))
    rows.append(row(found.last, "Closing balance", "", None, None, found.closing))
    return rows
