"""What a void invoice gives back: its usage, its package charges and its free minutes can be billed again."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select, update

from dashboard.models import FreeMinuteUse, Invoice, InvoiceItem, PackageCharge, UsageDay
from dashboard.operations.base import session


def release(invoice_ids: Iterable[int]) -> None:
    """Free what the lines of these invoices hold. The lines themselves stay, to be read."""
    papers = list(invoice_ids)
    lines = list(session().scalars(select(InvoiceItem.id).where(InvoiceItem.invoice_id.in_(papers))))
    if not lines:
        return
    unseen = {"synchronize_session": False}
    # By their customers, too: the index of a customer's days is the finer one.
    customers = list(session().scalars(select(Invoice.customer_id).where(Invoice.id.in_(papers)).distinct()))
    session().execute(
        update(UsageDay)
        .where(UsageDay.customer_id.in_(customers), UsageDay.invoice_item_id.in_(lines))
        .values(invoice_item_id=None),
        execution_options=unseen,
    )
    for model in (PackageCharge, FreeMinuteUse):
        session().execute(delete(model).where(model.invoice_item_id.in_(lines)), execution_options=unseen)
