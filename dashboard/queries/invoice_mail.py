"""How an invoice's last e-mail fared."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from dashboard.models import Invoice, Mail


def state_of_invoice() -> ColumnElement[str | None]:
    """How the last mail that brought the invoice fared, for the list of invoices."""
    return (
        select(Mail.state)
        .where(Mail.invoice_id == Invoice.id, Mail.kind == "invoice")
        .order_by(Mail.id.desc())
        .limit(1)
        .correlate(Invoice)
        .scalar_subquery()
    )
