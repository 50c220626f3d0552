"""Email Confirmation: a customer is told that its payment has come in, once."""

from __future__ import annotations

import logging
from decimal import Decimal

from dashboard.models import Mail, Payment
from dashboard.models.payment import PAYMENT_METHODS
from dashboard.operations import mail_texts, mails
from dashboard.operations.base import Actor, session
from dashboard.operations.errors import Invalid
from dashboard.queries import payments as queries
from dashboard.rules.money import add, format_money

log = logging.getLogger("mail")


def confirm(actor: Actor, payment: Payment) -> Mail | None:
    """File the confirmation that a completed payment asks for, in the transaction under way.

    None where it asks for none, was confirmed before, is a charge against the account, or nobody would get
    it: the payment is saved all the same.
    """
    if not (payment.email_confirmation and payment.status == "completed" and payment.amount > 0):
        return None
    recipients = mails.billing_addresses(payment.customer_id)
    if not recipients:
        return None
    session().flush()
    said = {"payment": facts(payment), "company": mail_texts.company(payment.customer)}
    subject, body = mail_texts.render("payment", said)
    try:
        return mails.file(
            actor,
            mails.Draft(
                "payment",
                recipients,
                subject,
                body,
                customer_id=payment.customer_id,
                payment_id=payment.id,
                once=f"payment:{payment.id}",
            ),
        )
    except Invalid as fault:
        log.warning("payment %s is not confirmed: %s", payment.id, fault)
        return None


def facts(payment: Payment) -> dict[str, object]:
    """A payment, as the texts know it: nothing that stands after # in its description."""

    def money(amount: Decimal) -> str:
        return format_money(amount, payment.currency)

    session().refresh(payment, ["unallocated"])
    return {
        "amount": money(payment.amount),
        "date": payment.paid_on.isoformat(),
        "method": PAYMENT_METHODS.get(payment.method or "", ""),
        "reference": payment.reference or "",
        "description": payment.public_description,
        "unallocated": money(payment.unallocated) if payment.unallocated else "",
        "invoices": [
            {
                "number": str(one.invoice),
                "amount": money(one.amount),
                "balance": money(add([one.invoice.total, -one.invoice.paid])),
            }
            for one in queries.allocations(payment.id)
        ],
    }


def said_of(payment: Payment) -> str:
    """What became of the confirmation that a payment asks for, in words for who saved it; "" for nothing."""
    if not (payment.email_confirmation and payment.status == "completed" and payment.amount > 0):
        return ""
    if queries.confirmation(payment.id) is not None:
        return ""
    if not mails.billing_addresses(payment.customer_id):
        name = payment.customer.name
        return f"No confirmation was sent: {name} has no contact of the type billing with an e-mail address."
    return ""
