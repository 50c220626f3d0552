"""Global > Payments: what customers paid, what of it is allocated, and what was given back."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import Action, RowAction, delete_action
from dashboard.models import Payment
from dashboard.models.payment import PAYMENT_METHODS, PAYMENT_STATUSES
from dashboard.operations import allocations, confirmations, payments, refunds
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.queries import payment_list, settings
from dashboard.queries import payments as payment_queries
from dashboard.queries.listing import Column
from dashboard.rules.money import exponent, format_money


class PaymentForm(Form):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    description = fields.text(
        "Description", max=500, help="Text after # is private: the customer never sees it."
    )
    amount = fields.decimal(
        "Total", places=4, required=True, help="Below zero: a charge against the account."
    )
    fee = fields.decimal("Payment Fee", places=4, min=0, help="For reference only.")
    status = fields.choice("Status", PAYMENT_STATUSES, default="completed")
    paid_on = fields.day("Date", required=True)
    method = fields.choice("Method", PAYMENT_METHODS, blank="Not given")
    reference = fields.text("Reference", max=80)
    email_confirmation = fields.flag(
        "Email Confirmation", help="Mails the customer's billing contacts once it is completed."
    )


class RefundForm(Form):
    amount = fields.decimal("Amount", places=4, required=True)
    refunded_on = fields.day("Date", required=True)
    reason = fields.text("Reason", max=200)


class StatusForm(Form):
    status = fields.choice("Status", PAYMENT_STATUSES, default="completed")


class PaymentView(AdminView):
    model = Payment
    operations = payments
    form = PaymentForm
    listing = payment_list.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "payment.read",
        "create": "payment.write",
        "edit": "payment.write",
        "delete": "payment.delete",
    }
    title = "Payments"
    singular = "payment"
    icon = "payment"
    create_label = "Add Payment"
    empty_text = "Record what customers paid, then allocate it to their invoices."
    details_template = "admin/payment/details.html"
    bulk_actions = (
        Action(
            "status", "Set status", "payment.write", "Set the status of {n} payments.", form="status_form"
        ),
        delete_action("payment.delete", "Delete {n} payments? Those that were used are left as they are."),
    )

    # The list ----------------------------------------------------------------------------------

    def row_actions(self, row: Any) -> list[RowAction]:
        actions = super().row_actions(row)
        if row.unallocated > 0 and self.may("payment.allocate"):
            # Before the pencil, which so stands at the same place in every row.
            actions.insert(0, RowAction("Allocate", "wand", self.href(row.id)))
        return actions

    def row_editable(self, column: Column, row: Any) -> bool:
        return not (column.name == "status" and row.status == "cancelled")

    def row_label(self, row: Any) -> str:
        return f"Payment {row.id}, {row.customer_name}"

    def status_form(self, formdata: Any = None) -> Form:
        return StatusForm(formdata)

    def do_status(self, actor: Any, keys: list[int], form: Form) -> Any:
        return payments.set_status_many(actor, keys, form.values()["status"])

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return payments.delete_many(actor, keys)

    # The page ----------------------------------------------------------------------------------

    def defaults(self) -> dict[str, Any]:
        return {"paid_on": settings.today(), "status": "completed"}

    def form_for(self, record: Any, formdata: Any = None) -> Form:
        form = super().form_for(record, formdata)
        if record is not None:
            form["amount"].least_places = form["fee"].least_places = exponent(record.currency)
        return form

    def saved_message(self, saved: Any) -> str:
        unsaid = confirmations.said_of(saved)
        if unsaid:
            flash(unsaid, "warning")
        return super().saved_message(saved)

    def details_context(self, record: Any) -> dict[str, Any]:
        return {
            "allocations": payment_queries.allocations(record.id),
            "refunds": record.refunds,
            "confirmation": payment_queries.confirmation(record.id) if self.may("mail.read") else None,
            "may_allocate": self.may("payment.allocate"),
            "may_refund": self.may("payment.refund"),
        }

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        actions = super().page_actions(record)
        if record.unallocated > 0 and self.may("payment.allocate"):
            actions.insert(
                0,
                {
                    "label": "Allocate automatically",
                    "href": url_for(".allocate_automatically_view", id=record.id),
                    "icon": "wand",
                    "method": "post",
                    "confirm": "",
                    "primary": True,
                },
            )
        if record.status == "completed" and record.amount > record.refunded and self.may("payment.refund"):
            href = url_for(".refund_view", id=record.id)
            actions.append({"label": "Refund", "href": href, "icon": "undo", "modal": True})
        return actions

    @expose("/<id>/allocate-automatically", methods=("POST",))
    @needs("payment.allocate")
    def allocate_automatically_view(self, id: str) -> ResponseReturnValue:
        """Use up the payment on its customer's open invoices, the oldest due first."""
        payment = self.get_one(id)
        made = allocations.allocate_automatically(self.actor_of(None), payment_id=payment.id)
        total = format_money(allocations.total(made), payment.currency, code=True)
        flash(f"{total} allocated to {len(made)} invoice{'s' if len(made) != 1 else ''}.", "success")
        return redirect(self.href(payment.id), 303)

    @expose("/<id>/allocation/<allocation>/remove", methods=("POST",))
    @needs("payment.allocate")
    def remove_allocation_view(self, id: str, allocation: str) -> ResponseReturnValue:
        allocations.remove(self.actor_of(None), self.key_of(allocation))
        flash("The allocation was removed: the money is unallocated again.", "success")
        return redirect(self.href(self.key_of(id)), 303)

    @expose("/<id>/refund", methods=("GET", "POST"))
    @needs("payment.refund")
    def refund_view(self, id: str) -> ResponseReturnValue:
        """Note money that went back; what it paid is owed again."""
        payment = self.get_one(id)
        form = RefundForm(request.form if request.method == "POST" else None)
        if request.method == "GET":
            form.amount.least_places = exponent(payment.currency)
            form.amount.process(None, payment.amount - payment.refunded)
            form.refunded_on.process(None, settings.today())
        if request.method == "POST" and form.validate():
            try:
                made = refunds.refund(
                    self.actor_of(form), payment.id, **form.values(), form_key=form.form_key.data
                )
                flash(f"{format_money(made.amount, payment.currency, code=True)} refunded.", "success")
                return redirect(self.href(payment.id), 303)
            except Duplicate:
                return redirect(self.href(payment.id), 303)
            except (Invalid, Refused) as error:
                form.show_refusal(error)
        text = "What is unallocated goes first; then the latest allocations shrink, and are owed again."
        return self.ask("Refund", form, text=text, submit_label="Refund", return_url=self.href(payment.id))
