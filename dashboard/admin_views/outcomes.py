"""What became of many invoices that were asked for at once: a page, or a dialog over the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy import select

from dashboard.admin_views.answers import wants_modal
from dashboard.extensions import db
from dashboard.models import Customer, Invoice
from dashboard.operations.billing import Outcome

# In the order in which they are told: what needs somebody first.
STATES = {
    "failed": ("Failed", "error", "bad"),
    "refused": ("Refused", "warning", "warn"),
    "waiting": ("Waiting", "clock", "info"),
    "made": ("Made", "ok", "ok"),
    "exists": ("Invoiced already", "ok", "quiet"),
    "nothing": ("Nothing to bill", "minus", "quiet"),
}
MOST_SHOWN = 500


def outcomes_page(
    view: Any, title: str, outcomes: Sequence[Outcome], crumbs: list[dict[str, str]]
) -> ResponseReturnValue:
    """The outcomes with their customers and invoices, by what became of them."""
    counts = Counter(one.state for one in outcomes)
    order = list(STATES)
    listed = sorted(outcomes, key=lambda one: order.index(one.state))[:MOST_SHOWN]
    return view.render(  # type: ignore[no-any-return]
        "admin/billing_run/_outcomes.html" if wants_modal() else "admin/billing_run/outcomes.html",
        title=title,
        outcomes=listed,
        left_out=len(outcomes) - len(listed),
        counts=[(state, counts[state]) for state in order if counts[state]],
        states=STATES,
        names=_names(listed),
        invoices=_invoices(listed),
        return_url=view.way_back(),
        crumbs=crumbs,
    )


def _names(outcomes: Sequence[Outcome]) -> dict[int, str]:
    keys = {one.customer_id for one in outcomes}
    found = db.session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(keys)))
    return {row.id: row.name for row in found}


def _invoices(outcomes: Sequence[Outcome]) -> dict[int, Any]:
    keys = {one.invoice_id for one in outcomes if one.invoice_id is not None}
    columns = (Invoice.id, Invoice.number, Invoice.total, Invoice.currency)
    return {row.id: row for row in db.session.execute(select(*columns).where(Invoice.id.in_(keys)))}
