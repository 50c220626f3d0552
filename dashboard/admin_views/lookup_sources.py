"""The remote drop-downs that forms and filters share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, union

from dashboard.admin_views.lookups import MOST, Lookup, by_name, register
from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Package, Provider, RateCard, Staff
from dashboard.queries import invoice_list


def _of_one_currency(extra: dict[str, str]) -> list[Any]:
    """Active packages; for a customer only those priced in its currency."""
    conditions: list[Any] = [Package.active.is_(True)]
    key = extra.get("customer") or extra.get("customer_id", "")
    if key.isascii() and key.isdigit() and len(key) < 19:
        currency = db.session.scalar(select(Customer.currency).where(Customer.id == int(key)))
        if currency:
            conditions.append(Package.currency == currency)
    return conditions


def _sold_in(extra: dict[str, str]) -> list[Any]:
    """Any card; beside a customer's currency only those that are sold in it."""
    currency = extra.get("currency", "")[:3]
    return [RateCard.kind == "sell", RateCard.currency == currency] if currency else []


def _invoices(words: str, extra: dict[str, str]) -> list[dict[str, Any]]:
    """By number, reference or customer; without words the newest."""
    statement = select(Invoice.id, Invoice.number, Invoice.customer_name)
    if words:
        statement = statement.where(Invoice.id.in_(union(*invoice_list.search(words))))
    rows = db.session.execute(statement.order_by(Invoice.id.desc()).limit(MOST)).all()
    return [
        {"value": str(key), "text": number or f"Draft {key}", "note": customer}
        for key, number, customer in rows
    ]


def _invoice_name(key: int) -> str:
    found = db.session.get(Invoice, key)
    return str(found) if found is not None else ""


def install() -> None:
    register("invoice", Lookup(_invoices, _invoice_name))
    register("customer", by_name(Customer, name=Customer.name, note=Customer.currency))
    register(
        "package", by_name(Package, name=Package.name, note=Package.currency, conditions=_of_one_currency)
    )
    register("provider", by_name(Provider, name=Provider.name, note=Provider.currency))
    register("rate_card", by_name(RateCard, name=RateCard.name, note=RateCard.currency, conditions=_sold_in))
    active = Staff.active.is_(True)
    register("staff", by_name(Staff, name=Staff.name, note=Staff.role, conditions=lambda extra: [active]))
