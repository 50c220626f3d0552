"""Reads of invoices: what is open, what is allocated, and why an invoice can't be changed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dashboard.extensions import db
from dashboard.models import Allocation, Invoice
from dashboard.rules.money import format_money


def why_fixed(invoice: Invoice) -> str:
    """Why its customer, dates and lines can't be changed, and what to do; "" for a draft."""
    if invoice.state == "void":
        return f"{invoice} is void, so nothing on it can be changed. Duplicate it to bill it again."
    if invoice.state == "issued" and invoice.paid:
        paid = format_money(invoice.paid, invoice.currency, code=True)
        return (
            f"{invoice} has {paid} of payments allocated to it, so its customer, date and lines stay as they "
            "are. Remove the allocations under View Payments and reopen it, or bill the difference on "
            "another invoice. Its due date, reference and notes can be changed."
        )
    if invoice.state == "issued":
        return (
            f"{invoice} is issued, so only its due date, reference and notes can be changed. "
            "Reopen it to change the rest; it keeps its number."
        )
    return ""


def open_invoices(customer_id: int, limit: int | None = None) -> Sequence[Invoice]:
    """Issued and not fully paid, the oldest due first."""
    owed = (
        select(Invoice)
        .where(Invoice.customer_id == customer_id, Invoice.state == "issued", Invoice.balance > 0)
        .order_by(Invoice.due_date, Invoice.issue_date, Invoice.id)
        .limit(limit)
    )
    return db.session.scalars(owed).all()


def allocations(invoice_id: int) -> Sequence[Allocation]:
    """What is allocated to the invoice, in the order it was done, each with its payment."""
    found = (
        select(Allocation)
        .where(Allocation.invoice_id == invoice_id)
        .options(joinedload(Allocation.payment))
        .order_by(Allocation.id)
    )
    return db.session.scalars(found).all()
