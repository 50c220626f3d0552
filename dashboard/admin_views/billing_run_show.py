"""What the pages of a billing run say: its period, a row of its file, a line of a preview, its sums."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from markupsafe import Markup

from dashboard.admin_views import show
from dashboard.models import BillingRun
from dashboard.queries import settings
from dashboard.rules.money import plain
from dashboard.rules.periods import Period

CSV_HEADS = (
    "Customer",
    "First day",
    "Last day",
    "Result",
    "Invoice",
    "Lines",
    "Total",
    "Currency",
    "Last total",
    "Warnings",
    "Reason",
)


def csv_row(row: Any) -> tuple[Any, ...]:
    """A row of a run as its file says it. What was not reached, or not ticked, says so."""
    unmade = ("Not reached" if row.chosen else "Unticked") if row.state == "ready" else row.state.capitalize()
    number = row.number or (f"Draft {row.invoice_id}" if row.invoice_id else "")
    return (
        row.name,
        row.period_start.isoformat(),
        Period(row.period_start, row.period_end).last.isoformat(),
        "Invoiced" if row.state == "done" else unmade,
        number,
        row.lines,
        plain(row.total),
        row.currency,
        plain(row.last_total) if row.last_total is not None else "",
        "; ".join(row.warnings),
        row.reason or "",
    )


AMOUNTS = ("quantity", "unit_price", "net", "tax", "gross")


def line_of(said: dict[str, Any]) -> dict[str, Any]:
    """A line of a preview with its numbers as numbers."""
    return {**said, **{name: Decimal(said[name]) for name in AMOUNTS}}


def period_of(run: BillingRun) -> Period:
    return Period(run.period_start, run.period_end)


def will_issue(run: BillingRun) -> bool:
    """Whether its invoices get numbers at once."""
    wanted = run.options.get("issue")
    return bool(wanted if wanted is not None else settings.current().generated_invoices == "issued")


def written_totals(text: str | None) -> Markup:
    """`USD 1200.5000, EUR 80.0000` as amounts, one below the other."""
    pairs = [part.split(" ") for part in (text or "").split(", ") if part]
    amounts = [show.money(Decimal(amount), currency) for currency, amount in pairs]
    return Markup(" ").join(amounts) if amounts else show.NOTHING
