"""The invoice view's payments: what is allocated, allocating, recording a payment, undoing it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.invoice_page import status_of
from dashboard.models import Invoice
from dashboard.models.payment import PAYMENT_METHODS
from dashboard.operations import allocations
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.queries import invoices as invoice_queries
from dashboard.queries import payments as payment_queries
from dashboard.queries import settings
from dashboard.rules.money import exponent, format_money, plain


class AllocateForm(Form):
    payment_id = fields.choice("Payment", {}, required=True)
    amount = fields.decimal("Total paid", places=4, required=True)


class RecordForm(Form):
    """A payment received, used for this invoice in the same step."""

    amount = fields.decimal("Total", places=4, required=True)
    paid_on = fields.day("Date", required=True)
    method = fields.choice("Method", PAYMENT_METHODS, blank="Not given")
    reference = fields.text("Reference", max=80)
    description = fields.text("Description", max=500, help="Text after # is private.")


class InvoicePayments:
    """Mixed into InvoiceView."""

    @expose("/<id>/payments")
    @needs("invoice.read")
    def payments_view(self, id: str) -> ResponseReturnValue:
        view: Any = self
        invoice = view.get_one(id)
        return view.render(  # type: ignore[no-any-return]
            "admin/invoice/payments.html",
            invoice=invoice,
            status=status_of(invoice),
            allocations=invoice_queries.allocations(invoice.id),
            choices=payment_queries.choices(invoice),
            may_allocate=view.may("payment.allocate"),
            crumbs=view.crumbs_of(invoice, "Payments"),
        )

    @expose("/<id>/allocate", methods=("GET", "POST"))
    @needs("payment.allocate")
    def allocate_view(self, id: str) -> ResponseReturnValue:
        """Use a payment for this invoice: Payment, Total paid, Save."""
        view: Any = self
        invoice = view.get_one(id)
        offered = payment_queries.choices(invoice)
        if request.method == "GET" and not offered:
            return self._nothing_to_allocate(invoice)
        form = AllocateForm(request.form if request.method == "POST" else None)
        form.payment_id.source = {str(one.id): one.label for one in offered}
        places = form.amount.least_places = exponent(invoice.currency)
        if request.method == "GET":
            wanted = request.args.get("payment", "")
            first = next((one for one in offered if str(one.id) == wanted), offered[0] if offered else None)
            if first is not None:
                form.payment_id.data = str(first.id)
                form.amount.process(None, first.suggested)
        form.payment_id.render_kw = {
            "data-suggested": json.dumps({str(one.id): plain(one.suggested, places) for one in offered})
        }

        def save() -> None:
            values = form.values()
            made = allocations.allocate(
                view.actor_of(form),
                int(values["payment_id"]),
                invoice.id,
                values["amount"],
                form_key=form.form_key.data,
            )
            flash(f"{_money(made.amount, invoice)} allocated to {invoice}.", "success")

        text = f"{_money(invoice.balance, invoice)} is owed on {invoice}."
        return self._ask_and_save("Allocate payment", form, save, invoice, text=text)

    def _nothing_to_allocate(self, invoice: Invoice) -> ResponseReturnValue:
        """No form that can't be filled: why not, and what helps."""
        view: Any = self
        if wants_modal():
            return view.render("admin/invoice/nothing_left.html", invoice=invoice)  # type: ignore[no-any-return]
        flash(f"{invoice.customer_name} has no completed payment with anything left.", "info")
        return redirect(url_for(".payments_view", id=invoice.id))

    @expose("/<id>/record-payment", methods=("GET", "POST"))
    @needs("payment.allocate")
    def record_payment_view(self, id: str) -> ResponseReturnValue:
        """Record a new payment and allocate it in one step."""
        view: Any = self
        invoice = view.get_one(id)
        form = RecordForm(request.form if request.method == "POST" else None)
        if request.method == "GET":
            form.amount.least_places = exponent(invoice.currency)
            form.amount.process(None, invoice.balance)
            form.paid_on.process(None, settings.today())

        def save() -> None:
            made = allocations.record_and_allocate(
                view.actor_of(form), invoice.id, form.values(), form_key=form.form_key.data
            )
            flash(f"Payment recorded; {_money(made.amount, invoice)} allocated to {invoice}.", "success")

        text = f"{_money(invoice.balance, invoice)} is owed on {invoice}. What is over stays unallocated."
        return self._ask_and_save("Record payment", form, save, invoice, text=text)

    @expose("/<id>/allocate-automatically", methods=("POST",))
    @needs("payment.allocate")
    def allocate_automatically_view(self, id: str) -> ResponseReturnValue:
        view: Any = self
        invoice = view.get_one(id)
        made = allocations.allocate_automatically(view.actor_of(None), invoice_id=invoice.id)
        total = _money(allocations.total(made), invoice)
        flash(f"{total} allocated from {len(made)} payment{'s' if len(made) != 1 else ''}.", "success")
        return redirect(url_for(".payments_view", id=invoice.id), 303)

    @expose("/<id>/allocation/<allocation>/remove", methods=("POST",))
    @needs("payment.allocate")
    def remove_allocation_view(self, id: str, allocation: str) -> ResponseReturnValue:
        view: Any = self
        allocations.remove(view.actor_of(None), view.key_of(allocation))
        flash("The allocation was removed: the money is unallocated again.", "success")
        return redirect(view.way_back(url_for(".payments_view", id=view.key_of(id))), 303)

    def _ask_and_save(
        self, title: str, form: Form, save: Callable[[], None], invoice: Invoice, *, text: str
    ) -> ResponseReturnValue:
        """Show the form, or save it and go back to the invoice's payments."""
        view: Any = self
        back = url_for(".payments_view", id=invoice.id)
        if request.method == "POST" and form.validate():
            try:
                save()
                return redirect(back, 303)
            except Duplicate:
                flash("This was already saved.", "info")
                return redirect(back, 303)
            except (Invalid, Refused) as error:
                form.show_refusal(error)
        return view.ask(title, form, text=text, submit_label="Save", return_url=back)  # type: ignore[no-any-return]


def _money(amount: Any, invoice: Invoice) -> str:
    return format_money(amount, invoice.currency, code=True)
