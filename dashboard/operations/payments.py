"""Payments: money received, and charges against an account as negative amounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from dashboard.models import Customer, CustomerPackage, Package, PackageCharge, Payment
from dashboard.models.payment import PAYMENT_METHODS, PAYMENT_STATUSES
from dashboard.operations import checks, confirmations, ledger
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.invoice_states import issue_draft
from dashboard.operations.invoices import new_draft, shared_customer
from dashboard.queries import settings
from dashboard.queries.packages import default_tax
from dashboard.rules.money import add, exponent, format_money, plain, round_money

CHECKS: dict[str, checks.Check] = {
    "customer_id": checks.key,
    "paid_on": checks.day(required=True),
    # Text after '#' is private and never shown to the customer.
    "description": checks.text(500),
    "amount": checks.number(places=4, required=True),
    "fee": checks.number(places=4, minimum=Decimal(0)),
    "status": checks.choice(PAYMENT_STATUSES),
    "method": checks.choice(PAYMENT_METHODS, required=False),
    "reference": checks.text(80),
    "email_confirmation": checks.flag,
}


@operation("payment.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Payment:
    """A payment in its customer's currency; pending, and of today, unless given."""
    file = once(actor, form_key)
    payment = record(actor, values)
    _bill_if_asked(actor, payment)
    confirmations.confirm(actor, payment)
    file(f"payment:{payment.id}")
    return payment


@operation("payment.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Payment:
    """Change the fields given. What is allocated or refunded holds customer, amount and status in place;
    cancelling gives the allocations back."""
    taken = checks.read(values, CHECKS)
    customer = shared_customer(taken["customer_id"]) if "customer_id" in taken else None
    payment = _locked(key, version)
    before = payment.status
    status = taken.pop("status", before)
    if status == "cancelled":
        _cancel(payment)
    elif status == "pending":
        _check_free(payment)
    if customer is not None:
        _move_to(payment, customer)
    _set(payment, taken)
    payment.status = status
    session().flush()
    if status == "completed" and before != "completed":
        _bill_if_asked(actor, payment)
    confirmations.confirm(actor, payment)
    return payment


def set_status(actor: Actor, key: int, status: str, *, version: int | None = None) -> Payment:
    return update(actor, key, {"status": status}, version=version)


@operation("payment.write")
def cancel(actor: Actor, key: int, *, version: int | None = None) -> Payment:
    """Count the payment no more; what it paid is owed again (case 21)."""
    payment = _locked(key, version)
    _cancel(payment)
    return payment


@operation("payment.delete")
def delete(actor: Actor, key: int) -> None:
    """Remove a payment that was a slip; one that did anything is cancelled instead."""
    payment = _locked(key, None)
    if payment.allocated or payment.refunded or payment.created_invoice_id is not None:
        done = (
            "is allocated to invoices"
            if payment.allocated
            else "was partly refunded"
            if payment.refunded
            else "has made an invoice"
        )
        raise Refused(f"{payment} {done}, so it can't be deleted. Cancel it instead.")
    package = _package_charged(payment)
    if package:
        raise Refused(
            f"{payment} is the charge for {package}, which would be charged again at once. Cancel it instead."
        )
    session().delete(payment)
    session().flush()


def set_status_many(actor: Actor, ids: Iterable[int], status: str) -> BulkResult:
    """The same status for several payments. A wrong status raises Invalid before any row is touched."""
    require(actor, "payment.write")
    checks.read({"status": status}, CHECKS)
    return each(actor, ids, lambda key: set_status(actor, key, status), label=label)


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "payment.delete")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    found = session().execute(select(Payment.amount, Payment.currency).where(Payment.id == key)).one_or_none()
    return f"Payment {key}" + (f", {format_money(found[0], found[1], code=True)}" if found else "")


def record(actor: Actor, values: Mapping[str, Any]) -> Payment:
    """A new payment inside the transaction under way, without the invoice that it may ask for."""
    taken = checks.read(values, CHECKS, required=("customer_id", "amount"))
    customer = shared_customer(taken.pop("customer_id"))
    payment = Payment(
        customer=customer,
        currency=customer.currency,
        paid_on=settings.today(),
        status="pending",
        description="",
        allocated=Decimal(0),
        refunded=Decimal(0),
        created_by=actor.id,
    )
    with session().no_autoflush:
        _set(payment, taken)
    session().add(payment)
    session().flush()
    return payment


def _locked(key: int, version: int | None) -> Payment:
    payment = fetch(Payment, key, lock=True)
    check_version(payment, version)
    return payment


def _set(payment: Payment, taken: Mapping[str, Any]) -> None:
    """Put the values on the payment, whose currency and customer are settled."""
    errors: dict[str, str] = {}
    for name in ("amount", "fee"):
        value = taken.get(name)
        if value is not None and round_money(value, payment.currency) != value:
            errors[name] = f"{plain(value)} has more decimals than {payment.currency} has."
    if "amount" in taken and "amount" not in errors:
        fault = _amount_fault(payment, taken["amount"])
        if fault:
            errors["amount"] = fault
    if errors:
        raise Invalid(errors)
    for name, value in taken.items():
        if name != "customer_id":
            setattr(payment, name, (value or "") if name == "description" else value)


def _amount_fault(payment: Payment, amount: Decimal) -> str:
    if amount == 0:
        return "Enter an amount other than zero."
    used = add([payment.allocated, payment.refunded])
    if used and amount < used:
        shown = format_money(used, payment.currency, code=True)
        return f"{shown} of this payment is allocated or refunded, so it can't be less than that."
    return ""


def _check_free(payment: Payment) -> None:
    if payment.allocated:
        raise Invalid(
            {
                "status": f"{payment} is allocated to invoices, so it can't be pending. "
                "Remove the allocations first, or cancel it."
            }
        )
    if payment.refunded:
        raise Invalid({"status": f"{payment} was partly refunded, so it can't be pending."})


def _package_charged(payment: Payment) -> str:
    """The package that this payment charged to the account, with its day; "" for any other payment."""
    found = (
        session()
        .execute(
            select(Package.name, PackageCharge.due_on)
            .join(CustomerPackage, CustomerPackage.package_id == Package.id)
            .join(PackageCharge, PackageCharge.customer_package_id == CustomerPackage.id)
            .where(PackageCharge.payment_id == payment.id)
        )
        .first()
    )
    return f"{found[0]} of {found[1]}" if found else ""


def _move_to(payment: Payment, customer: Customer) -> None:
    if customer.id == payment.customer_id:
        return
    package = _package_charged(payment)
    if package:
        raise Invalid(
            {"customer_id": f"{payment} is the charge for {package}, so it stays with its customer."}
        )
    if payment.allocated or payment.refunded or payment.created_invoice_id is not None:
        raise Invalid(
            {
                "customer_id": f"{payment} was allocated, refunded or has made an invoice, "
                f"so it stays with {payment.customer.name}. Cancel it and record it anew."
            }
        )
    payment.customer = customer
    payment.currency = customer.currency
    for name in ("amount", "fee"):
        value = getattr(payment, name)
        if value is not None and round_money(value, payment.currency) != value:
            raise Invalid(
                {
                    "customer_id": f"{customer.name} is billed in {customer.currency}, which has "
                    f"{exponent(customer.currency)} decimals. Change the {name} first."
                }
            )


def _cancel(payment: Payment) -> None:
    ledger.shrink(payment, Decimal(0))
    payment.status = "cancelled"
    session().flush()


def _bill_if_asked(actor: Actor, payment: Payment) -> None:
    """Create Invoice on Payment: an issued invoice of exactly the amount, settled by the payment."""
    customer = payment.customer
    fresh = payment.created_invoice_id is None and not payment.allocated and not payment.refunded
    if not (
        customer.create_invoice_on_payment and payment.status == "completed" and payment.amount > 0 and fresh
    ):
        return
    name, percent = default_tax(customer)
    line = {
        "description": payment.public_description or "Payment received",
        "quantity": Decimal(1),
        "unit_price": payment.amount,
        "tax_name": name,
        "tax_percent": percent,
    }
    values = {"customer_id": customer.id, "issue_date": payment.paid_on, "items": [line]}
    invoice = new_draft(
        actor, values, tax_inclusive=True, origin="payment", origin_key=f"payment:{payment.id}"
    )
    issue_draft(invoice)
    ledger.settle(actor, payment, invoice, payment.amount)
    payment.created_invoice_id = invoice.id
    session().flush()
