"""Customers, invoices and payments for tests, made by the operations; and threads that act at once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, TypeVar

from flask import Flask

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Invoice, Package, Payment
from dashboard.operations import assignments, customers, invoices, packages, payments
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid, OperationError

DAY = dt.date(2026, 11, 2)
T = TypeVar("T")


def make_customer(name: str = "Example Telecom Ltd", currency: str = "USD", **values: Any) -> Customer:
    return customers.create(SYSTEM, {"name": name, "currency": currency, **values})


def make_package(name: str = "Example Line", currency: str = "USD", **values: Any) -> Package:
    return packages.create(SYSTEM, {"name": name, "currency": currency, **values})


def give(
    customer: Customer,
    start: str = "2026-11-01",
    *,
    name: str = "Line rental",
    quantity: str = "1",
    end: str | None = None,
    auto: bool = False,
    free: int | None = None,
    **package: Any,
) -> CustomerPackage:
    """A package of its own, assigned."""
    made = make_package(name, customer.currency, **{"retail": Decimal(31), **package})
    values = {"quantity": Decimal(quantity), "start_date": start, "end_date": end}
    more = {"auto_decrement_credit": auto, "free_minutes": free}
    return assignments.create(SYSTEM, {"customer_id": customer.id, "package_id": made.id, **values, **more})


def line(quantity: str = "1", unit_price: str = "100", tax_percent: str = "0", **more: Any) -> dict[str, Any]:
    return {
        "quantity": Decimal(quantity),
        "unit_price": Decimal(unit_price),
        "tax_percent": Decimal(tax_percent),
        "tax_name": "VAT",
        **more,
    }


def make_draft(customer: Customer, *lines: dict[str, Any], **values: Any) -> Invoice:
    items = list(lines) or [line()]
    return invoices.create(SYSTEM, {"customer_id": customer.id, "issue_date": DAY, "items": items, **values})


def make_issued(customer: Customer, total: str = "100", **values: Any) -> Invoice:
    return invoices.issue(SYSTEM, make_draft(customer, line(unit_price=total), **values).id)


def make_payment(
    customer: Customer, amount: str = "100", status: str = "completed", **values: Any
) -> Payment:
    given = {"customer_id": customer.id, "amount": Decimal(amount), "status": status, "paid_on": DAY}
    return payments.create(SYSTEM, {**given, **values})


def fresh(record: Any) -> Any:
    """The record as the database has it now."""
    db.session.rollback()
    return db.session.get(type(record), record.id, populate_existing=True)


def faults(error: Invalid) -> dict[str, str]:
    return {field: " ".join(messages) for field, messages in error.errors.items()}


def at_once(app: Flask, work: Iterable[Callable[[], T]]) -> list[T | OperationError]:
    """Run each piece of work in a thread of its own, all let go at the same moment, each with its
    own session.

    Refusals come back as results; anything else fails the test.
    """
    pieces = list(work)
    gate = threading.Barrier(len(pieces))

    def run(piece: Callable[[], T]) -> T | OperationError:
        with app.app_context():
            gate.wait(30)
            try:
                return piece()
            except OperationError as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(pieces)) as pool:
        return list(pool.map(run, pieces))
