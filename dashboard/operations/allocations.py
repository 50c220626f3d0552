"""Which payment settles which invoice, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from dashboard.models import Allocation, Invoice, Payment
from dashboard.operations import checks, ledger, payments
from dashboard.operations.base import Actor, fetch, once, operation, require, session
from dashboard.operations.errors import Invalid, Missing, Refused
from dashboard.rules.allocation import Open, allocate_oldest_first, suggest
from dashboard.rules.money import add

_amount = checks.number(places=4, required=True)


@operation("payment.allocate")
def allocate(
    actor: Actor, payment_id: int, invoice_id: int, amount: Decimal, *, form_key: str | None = None
) -> Allocation:
    """Use `amount` of a completed payment for an issued invoice of the same customer and currency."""
    file = once(actor, form_key)
    payment, invoice = _both(payment_id, invoice_id)
    made = ledger.settle(actor, payment, invoice, _read_amount(amount))
    file(f"allocation:{made.id}")
    return made


@operation("payment.allocate")
def remove(actor: Actor, allocation_id: int) -> None:
    """Undo an allocation: the money is unallocated again, and the invoice owed."""
    found = fetch(Allocation, allocation_id)
    payment, invoice = _both(found.payment_id, found.invoice_id)
    # Read again: between the first look and the locks somebody else may have removed or cut it.
    made = fetch(Allocation, allocation_id, lock=True)
    ledger.resize(made, payment, invoice, Decimal(0))


@operation("payment.allocate")
def allocate_automatically(
    actor: Actor, payment_id: int | None = None, invoice_id: int | None = None
) -> list[Allocation]:
    """Use up a payment on its customer's open invoices, the oldest due first; or settle an invoice from its
    customer's payments, the oldest first. Name one of the two."""
    if (payment_id is None) == (invoice_id is None):
        raise ValueError("name a payment or an invoice")
    if payment_id is not None:
        return _use_up(actor, payment_id)
    assert invoice_id is not None
    return _settle_fully(actor, invoice_id)


@operation("payment.allocate")
def record_and_allocate(
    actor: Actor, invoice_id: int, values: Mapping[str, Any], *, form_key: str | None = None
) -> Allocation:
    """Record a completed payment of the invoice's customer and use for this invoice as much as is owed.

    `values` are those of a payment, without customer and status.
    """
    require(actor, "payment.write")
    file = once(actor, form_key)
    found = fetch(Invoice, invoice_id)
    own = {"customer_id": found.customer_id, "status": "completed"}
    payment = payments.record(actor, {**values, **own})
    if payment.amount < 0:
        raise Invalid({"amount": "Enter the amount received, above zero."})
    invoice = _locked(Invoice, invoice_id, "invoice")
    ledger.check_pair(payment, invoice)
    if not ledger.owed(invoice):
        raise Refused(f"Nothing is owed on {invoice}. Record the payment under Payments instead.")
    amount = suggest(ledger.left(payment), ledger.owed(invoice))
    made = ledger.settle(actor, payment, invoice, amount)
    file(f"allocation:{made.id}")
    return made


def total(made: Sequence[Allocation]) -> Decimal:
    """What was allocated in all."""
    return add(row.amount for row in made)


def _use_up(actor: Actor, payment_id: int) -> list[Allocation]:
    payment = _locked(Payment, payment_id, "payment")
    if payment.status != "completed":
        raise Refused(f"This payment is {payment.status}. Only a completed payment can be allocated.")
    available = ledger.left(payment)
    if available <= 0:
        raise Refused("Nothing is left on this payment.")
    keys = session().scalars(
        select(Invoice.id).where(
            Invoice.customer_id == payment.customer_id,
            Invoice.currency == payment.currency,
            Invoice.state == "issued",
            Invoice.balance > 0,
        )
    )
    invoices = ledger.lock(Invoice, list(keys))
    pairs = allocate_oldest_first(
        available,
        [
            Open(row.id, row.due_date, row.issue_date, row.number or "", ledger.owed(row))
            for row in invoices.values()
        ],
    )
    if not pairs:
        raise Refused(f"{payment.customer.name} has no open invoice in {payment.currency}.")
    return [ledger.settle(actor, payment, invoices[key], amount) for key, amount in pairs]


def _settle_fully(actor: Actor, invoice_id: int) -> list[Allocation]:
    found = fetch(Invoice, invoice_id)
    usable = session().scalars(
        select(Payment.id).where(
            Payment.customer_id == found.customer_id,
            Payment.currency == found.currency,
            Payment.unallocated > 0,
        )
    )
    rows = ledger.lock(Payment, list(usable))
    invoice = _locked(Invoice, invoice_id, "invoice")
    if invoice.state != "issued":
        raise Refused(f"{invoice} is not issued. Payments are allocated to issued invoices only.")
    if not ledger.owed(invoice):
        raise Refused(f"Nothing is owed on {invoice}.")
    made: list[Allocation] = []
    for payment in sorted(rows.values(), key=lambda row: (row.paid_on, row.id)):
        amount = suggest(ledger.left(payment), ledger.owed(invoice))
        if amount > 0:
            made.append(ledger.settle(actor, payment, invoice, amount))
    if not made:
        raise Refused(f"{invoice.customer_name} has no completed payment with anything left.")
    return made


def _both(payment_id: int, invoice_id: int) -> tuple[Payment, Invoice]:
    return _locked(Payment, payment_id, "payment"), _locked(Invoice, invoice_id, "invoice")


def _locked(model: type[ledger.Row], key: int, what: str) -> ledger.Row:
    row = ledger.lock(model, [key]).get(key)
    if row is None:
        raise Missing(what)
    return row


def _read_amount(amount: Decimal) -> Decimal:
    try:
        found = _amount(amount)
    except ValueError as fault:
        raise Invalid({"amount": str(fault)}) from fault
    assert isinstance(found, Decimal)
    return found
