"""Charging for packages: on invoices, and against the account by negative payments.

What is due is worked out in `queries.package_plan` and `queries.free_minutes`; here it is written down. A row
of `package_charge` a due day makes charging twice impossible, whoever asks.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, insert, select

from dashboard.models import Customer, FreeMinuteUse, Invoice, InvoiceItem, PackageCharge, Payment
from dashboard.operations import payments
from dashboard.operations.base import SYSTEM, Actor, fetch, once, operation, require, session
from dashboard.operations.errors import Refused
from dashboard.operations.invoices import new_draft
from dashboard.queries import settings
from dashboard.queries.free_minutes import FreeLine, free_minutes_plan
from dashboard.queries.package_accounts import customers_to_charge
from dashboard.queries.package_lines import NEVER, ChargeLine
from dashboard.queries.package_plan import (
    charges_account,
    due_until,
    plan,
    plan_many,
    today_of,
)
from dashboard.rules.tax import Line, compute

__all__ = [
    "ChargeLine",
    "Charged",
    "FreeLine",
    "account_amount",
    "charge",
    "charge_account",
    "charge_accounts",
    "fingerprint",
    "free_minutes_plan",
    "plan",
    "plan_many",
    "record",
]

log = logging.getLogger(__name__)

# Customers whose accounts are looked up at once.
PORTION = 500
CHANGED = "What is due has changed since you looked. Look at it again, then charge."


@dataclass(frozen=True)
class Charged:
    """What one run made: a draft for what goes on an invoice, payments for what the account is charged."""

    invoice: Invoice | None = None
    payments: list[Payment] = field(default_factory=list)


def record(lines: Sequence[ChargeLine | FreeLine], items: Sequence[InvoiceItem | int]) -> None:
    """Write down what the invoice lines (or their ids), in the order of `lines`, charge or make free."""
    charges: list[dict[str, Any]] = []
    free: list[dict[str, Any]] = []
    for line, item in zip(lines, items, strict=True):
        key = item if isinstance(item, int) else item.id
        if isinstance(line, ChargeLine):
            charges += ({**_charge_row(part), "invoice_item_id": key} for part in line.charges)
        else:
            free.append(
                {
                    "customer_package_id": line.customer_package.id,
                    "span_start": line.span.start,
                    "span_end": line.span.end or NEVER,
                    "seconds": line.seconds,
                    "invoice_item_id": key,
                }
            )
    if charges:
        session().execute(insert(_table(PackageCharge)), charges)
    if free:
        session().execute(insert(_table(FreeMinuteUse)), free)


@operation("invoice.draft")
def charge(
    actor: Actor,
    customer_id: int,
    day: dt.date,
    *,
    package_id: int | None = None,
    since: dt.date | None = None,
    chosen: Mapping[str, str] | None = None,
    form_key: str | None = None,
) -> Charged:
    """Charge what is due from `since` up to `day`: ordinary packages by a draft, the others by payments.

    `chosen` are the keys of the lines wanted, all by default, each with the fingerprint of what was seen.
    """
    file = once(actor, form_key)
    customer = _locked(customer_id)
    if day > today_of(customer):
        raise Refused(
            f"Packages can be charged up to today, {today_of(customer)}. Later days can be simulated."
        )
    lines = due_until(customer, day, since=since, package_id=package_id)
    if chosen is not None:
        if not chosen:
            raise Refused("Tick at least one charge first.")
        lines = [line for line in lines if line.key in chosen]
        if {line.key: fingerprint(line) for line in lines} != dict(chosen):
            raise Refused(CHANGED)
    if not lines:
        raise Refused("Nothing is due that was not charged yet.")
    invoice = _draft(actor, customer, [line for line in lines if not charges_account(line)])
    account = [line for line in lines if charges_account(line)]
    if account:
        require(actor, "payment.write")
    made = Charged(invoice, [_charge_line(actor, line) for line in account])
    file(f"invoice:{invoice.id}" if invoice else f"payment:{made.payments[0].id}")
    return made


@operation("payment.write")
def charge_account(actor: Actor, customer_id: int) -> list[Payment]:
    """Auto Decrement Credit: a negative payment for each due day up to today. Nothing where somebody else is
    working on the customer right now; the next round comes back."""
    customer = session().scalar(
        select(Customer)
        .where(Customer.id == customer_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if customer is None:
        return []
    lines = due_until(customer, today_of(customer), auto=True)
    return [_charge_line(actor, line) for line in lines]


def charge_accounts() -> int:
    """Charge every account that is due, each customer in a transaction of its own; how many payments.

    One customer's failure stops nobody else: it is logged, and tried again in the next round.
    """
    made, after = 0, 0
    while due := customers_to_charge(PORTION, after=after):
        # Nothing is held open while one after the other is charged.
        session().rollback()
        for customer_id in due:
            try:
                made += len(charge_account(SYSTEM, customer_id))
            except Exception:
                log.exception("The packages of customer %s could not be charged", customer_id)
        after = due[-1]
    return made


def fingerprint(line: ChargeLine) -> str:
    """The same for the same charge at the same price."""
    told = (
        f"{line.key}|{line.span.start}|{line.span.end}|{line.quantity}|{line.unit_price}|{line.amount}"
        f"|{line.tax_name}|{line.tax_percent}|{charges_account(line)}"
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def account_amount(line: ChargeLine) -> Decimal:
    """What the account is charged: the amount with its tax, as no invoice will add it."""
    setting = settings.current()
    totals = compute(
        [Line(line.quantity, line.unit_price, line.tax_percent, line.tax_name)],
        line.currency,
        inclusive=setting.tax_inclusive,
    )
    return totals.total


def _locked(customer_id: int) -> Customer:
    return fetch(Customer, customer_id, lock=True)


def _draft(actor: Actor, customer: Customer, lines: list[ChargeLine]) -> Invoice | None:
    if not lines:
        return None
    values = {"customer_id": customer.id, "items": [line.item_values() for line in lines]}
    invoice = new_draft(actor, values, origin="package")
    for line, item in zip(lines, invoice.items, strict=True):
        item.kind = line.item_kind
    session().flush()
    record(lines, invoice.items)
    return invoice


def _charge_line(actor: Actor, line: ChargeLine) -> Payment:
    package = line.customer_package.package
    text = f"{package.name}: setup" if line.kind == "setup" else package.name
    if line.kind != "setup":
        text += (
            f", {line.span.start}" if line.span.last is None else f", {line.span.start} to {line.span.last}"
        )
    if not line.span.whole:
        text += f" ({line.span.days} of {line.span.of_days} days)"
    payment = payments.record(
        actor,
        {
            "customer_id": line.customer_package.customer_id,
            "paid_on": line.due_on,
            "amount": -account_amount(line),
            "status": "completed",
            "description": text,
        },
    )
    session().execute(insert(_table(PackageCharge)), [{**_charge_row(line), "payment_id": payment.id}])
    return payment


def _charge_row(line: ChargeLine) -> dict[str, Any]:
    return {
        "customer_package_id": line.customer_package.id,
        "kind": line.kind,
        "due_on": line.due_on,
        "span_start": line.span.start,
        "span_end": line.span.end,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "amount": line.amount,
        "currency": line.currency,
    }


def _table(model: type[PackageCharge] | type[FreeMinuteUse]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
