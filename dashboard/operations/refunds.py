"""Money of a payment given back to the customer."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from dashboard.models import Payment, Refund
from dashboard.operations import checks, ledger
from dashboard.operations.base import Actor, fetch, once, operation, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.queries import settings
from dashboard.rules.allocation import check_refund
from dashboard.rules.money import add

CHECKS: dict[str, checks.Check] = {
    "amount": checks.number(places=4, required=True),
    "reason": checks.text(200),
    "refunded_on": checks.day(),
}


@operation("payment.refund")
def refund(
    actor: Actor,
    payment_id: int,
    amount: Decimal,
    reason: str = "",
    refunded_on: dt.date | None = None,
    *,
    form_key: str | None = None,
) -> Refund:
    """Note that `amount` went back. What is unallocated goes first, then the latest allocations shrink, so
    that what they paid is owed again (case 21)."""
    file = once(actor, form_key)
    taken = checks.read({"amount": amount, "reason": reason, "refunded_on": refunded_on}, CHECKS)
    payment = fetch(Payment, payment_id, lock=True)
    if payment.status != "completed":
        raise Refused(f"This payment is {payment.status}. Only a completed payment can be refunded.")
    if payment.amount < 0:
        raise Refused("This is a charge against the account, not money received, so it can't be refunded.")
    _check(payment, taken["amount"], taken["refunded_on"] or settings.today())
    made = Refund(
        payment_id=payment.id,
        amount=taken["amount"],
        refunded_on=taken["refunded_on"] or settings.today(),
        reason=taken["reason"] or "",
        created_by=actor.id,
        created_by_name=actor.name,
    )
    refunded = add([payment.refunded, made.amount])
    ledger.shrink(payment, add([payment.amount, -refunded]))
    payment.refunded = refunded
    session().add(made)
    session().flush()
    file(f"refund:{made.id}")
    return made


def _check(payment: Payment, amount: Decimal, day: dt.date) -> None:
    errors: dict[str, str] = {}
    try:
        check_refund(amount, payment.currency, paid=payment.amount, refunded=payment.refunded)
    except ValueError as fault:
        errors["amount"] = str(fault)
    if day < payment.paid_on:
        errors["refunded_on"] = f"The refund can't be before the payment, {payment.paid_on}."
    if errors:
        raise Invalid(errors)
