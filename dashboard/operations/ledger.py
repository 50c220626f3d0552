"""What payments and invoices owe each other: the locks, and the sums kept beside every allocation.

Rows are locked payments first, then invoices, each by id; whoever follows that order never deadlocks.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import select

from dashboard.models import Allocation, Invoice, Payment
from dashboard.operations.base import Actor, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.rules import allocation as rules
from dashboard.rules.money import add

Row = TypeVar("Row", Payment, Invoice)


def lock(model: type[Row], keys: Collection[int]) -> dict[int, Row]:
    """The rows as they stand now, by id, locked until the transaction ends."""
    if not keys:
        return {}
    rows = session().scalars(
        select(model)
        .where(model.id.in_(keys))
        .order_by(model.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def usable(payment: Payment) -> Decimal:
    return rules.usable(payment.amount, payment.refunded, payment.status)


def left(payment: Payment) -> Decimal:
    """What of a locked payment can still be allocated."""
    return add([usable(payment), -payment.allocated])


def owed(invoice: Invoice) -> Decimal:
    """What is still to be paid on a locked invoice."""
    return max(Decimal(0), add([invoice.total, -invoice.paid])) if invoice.state == "issued" else Decimal(0)


def check_pair(payment: Payment, invoice: Invoice) -> None:
    try:
        rules.check_pair(
            rules.Side(payment.customer_id, payment.currency, payment.status),
            rules.Side(invoice.customer_id, invoice.currency, invoice.state),
        )
    except ValueError as fault:
        raise Refused(str(fault)) from fault
    if payment.amount < 0:
        raise Refused("This is a charge against the account, not money received, so it can't be allocated.")


def settle(actor: Actor, payment: Payment, invoice: Invoice, amount: Decimal) -> Allocation:
    """Allocate an amount between two locked rows."""
    check_pair(payment, invoice)
    try:
        rules.check_amount(amount, payment.currency, left=left(payment), owed=owed(invoice))
    except ValueError as fault:
        raise Invalid({"amount": str(fault)}) from fault
    made = Allocation(
        payment_id=payment.id,
        invoice_id=invoice.id,
        amount=amount,
        created_by=actor.id,
        created_by_name=actor.name,
    )
    session().add(made)
    _move(payment, invoice, amount)
    session().flush()
    return made


def resize(made: Allocation, payment: Payment, invoice: Invoice, amount: Decimal) -> None:
    """Change an allocation between two locked rows; to zero removes it."""
    _move(payment, invoice, add([amount, -made.amount]))
    if amount:
        made.amount = amount
    else:
        session().delete(made)
    session().flush()


def shrink(payment: Payment, usable_amount: Decimal) -> None:
    """Cut a locked payment's allocations down to what it can still settle, the latest first (case 21)."""
    made = session().scalars(
        select(Allocation)
        .where(Allocation.payment_id == payment.id)
        .order_by(Allocation.id)
        .execution_options(populate_existing=True)
    )
    by_id = {row.id: row for row in made}
    kept = rules.shrink([(row.id, row.amount) for row in by_id.values()], usable_amount)
    cut = [(by_id[key], amount) for key, amount in kept if amount != by_id[key].amount]
    invoices = lock(Invoice, {row.invoice_id for row, _ in cut})
    for row, amount in cut:
        resize(row, payment, invoices[row.invoice_id], amount)


def _move(payment: Payment, invoice: Invoice, amount: Decimal) -> None:
    payment.allocated = add([payment.allocated, amount])
    invoice.paid = add([invoice.paid, amount])
