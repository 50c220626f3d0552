"""Customers with calls, and what was billed of them, for tests of generated invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, InvoiceItem
from dashboard.queries import settings
from dashboard.rules.periods import Period, period_of
from tests.support import calls
from tests.support.books import make_customer

OCTOBER = period_of("monthly", dt.date(2025, 10, 1))
NOVEMBER = period_of("monthly", dt.date(2025, 11, 1))
RATES = {
    "44": {"rate_per_minute": "0.6", "destination": "United Kingdom"},
    "1": {"rate_per_minute": "0.3", "destination": "United States"},
}


def make_caller(name: str = "Example Caller Ltd", *, rates: Any = None, **values: Any) -> Customer:
    """A customer with a card of its own, at 20 % tax."""
    customer = make_customer(name, **{"tax_percent": "20", "tax_name": "VAT", **values})
    calls.make_card(f"Rates of {name}", customer.currency, rates=rates or RATES, sold_to=customer)
    return customer


def call(customer: Customer, day: str, number: str = "442079460000", seconds: Any = 60, **more: Any) -> None:
    start = day if "T" in day else f"{day}T12:00:00Z"
    calls.load(customer, [(start, number, seconds)], **more)


def set_for(customer: Customer, **values: Any) -> None:
    for name, value in values.items():
        setattr(customer, name, value)
    db.session.commit()


def set_up(**values: Any) -> None:
    """Change the account's settings."""
    setting = settings.current()
    for name, value in values.items():
        setattr(setting, name, value)
    db.session.commit()


def lines_of(invoice: int | Invoice | None) -> list[InvoiceItem]:
    key = invoice.id if isinstance(invoice, Invoice) else invoice
    statement = select(InvoiceItem).where(InvoiceItem.invoice_id == key).order_by(InvoiceItem.position)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def told(invoice: int | Invoice | None) -> list[tuple[str, str, str]]:
    """(kind, description, net) of each line."""
    return [(line.kind, line.description, f"{line.net:.2f}") for line in lines_of(invoice)]


def get(key: int | None) -> Invoice:
    db.session.expire_all()
    found = db.session.get(Invoice, key, populate_existing=True)
    assert found is not None
    return found


def live_invoices(customer: Customer) -> list[Invoice]:
    statement = (
        select(Invoice)
        .where(Invoice.customer_id == customer.id, Invoice.state != "void")
        .order_by(Invoice.period_start, Invoice.id)
    )
    return list(db.session.scalars(statement))


def figures(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.session.execute(text(sql), values)]


def billed_wrongly() -> list[tuple[Any, ...]]:
    """Lines that are not the sum of their days, and days that are not the sum of their calls; none, ever."""
    of_days = figures(
        "SELECT 'line', i.id FROM invoice_item i JOIN invoice v ON v.id = i.invoice_id AND v.state <> 'void'"
        " LEFT JOIN usage_day u ON u.invoice_item_id = i.id WHERE i.kind IN ('usage', 'late_usage')"
        " GROUP BY i.id HAVING i.unit_price * i.quantity IS DISTINCT FROM sum(u.charge)"
        " OR i.connected IS DISTINCT FROM sum(u.connected)"
        " OR i.billed_duration IS DISTINCT FROM sum(u.billed_duration)"
    )
    of_calls = figures(
        "SELECT 'day', u.id FROM usage_day u LEFT JOIN usage_record r ON r.usage_day_id = u.id"
        " GROUP BY u.id HAVING u.charge <> coalesce(sum(r.charge), 0) OR u.attempts <> count(r.id)"
        " OR u.billed_duration <> coalesce(sum(r.billed_duration), 0)"
    )
    of_void = figures(
        "SELECT 'void', u.id FROM usage_day u JOIN invoice_item i ON i.id = u.invoice_item_id"
        " JOIN invoice v ON v.id = i.invoice_id WHERE v.state = 'void' OR v.customer_id <> u.customer_id"
    )
    unrated = figures("SELECT 'unrated', id FROM usage_day WHERE NOT rated AND invoice_item_id IS NOT NULL")
    lost = figures(
        "SELECT 'lost', id FROM usage_day WHERE invoice_item_id IS NULL"
        " AND id NOT IN (SELECT usage_day_id FROM usage_day_open)"
    )
    return of_days + of_calls + of_void + unrated + lost


def open_charge(customer: Customer, period: Period | None = None) -> Decimal:
    first, end = (period.start, period.end) if period else (dt.date(1900, 1, 1), dt.date(2200, 1, 1))
    found = figures(
        "SELECT coalesce(sum(charge), 0) FROM usage_day WHERE customer_id = :key AND rated"
        " AND invoice_item_id IS NULL AND day >= :first AND day < :end",
        key=customer.id,
        first=first,
        end=end,
    )
    return Decimal(found[0][0])


def pairs(customers: Iterable[Customer], period: Period = OCTOBER) -> list[tuple[int, Period]]:
    return [(customer.id, period) for customer in customers]
