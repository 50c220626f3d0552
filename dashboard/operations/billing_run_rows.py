"""The rows of a billing run: whose they are, filed with their previews, and held against what is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.models import BillingRunRow, Customer
from dashboard.operations import billing_plan
from dashboard.operations.base import SYSTEM, session, unit_of_work
from dashboard.operations.billing_changes import changed
from dashboard.operations.billing_outcome import Outcome, Pair
from dashboard.operations.billing_plan import Plan
from dashboard.operations.billing_preview import Preview
from dashboard.queries.billing_facts import billable
from dashboard.rules.periods import Period

# Rows worked out, or taken up, at a time.
PORTION = 500


class Work:
    """A portion of rows by customer and period, held against the plans as they are made."""

    def __init__(self, run_id: int, rows: Mapping[Pair, BillingRunRow]) -> None:
        self.run_id, self.rows = run_id, rows

    def check(self, plan: Plan) -> str:
        row, said = self.rows[plan.facts.customer.id, plan.facts.period], plan.said()
        return "" if billing_plan.fingerprint(said) == row.fingerprint else changed(row.preview, said)

    def file(self, outcomes: Sequence[Outcome]) -> None:
        """Only rows that nobody else has done: a worker taken for dead may still be at it."""
        table = _table()
        session().execute(
            update(table)
            .where(table.c.id == bindparam("key"), table.c.state == "ready")
            .values({name: bindparam(f"new_{name}") for name in ("state", "reason", "invoice_id")}),
            [
                {
                    "key": self.rows[outcome.customer_id, outcome.period].id,
                    "new_state": {"made": "done", "failed": "failed"}.get(outcome.state, "refused"),
                    "new_reason": outcome.reason[:500] or None,
                    "new_invoice_id": outcome.invoice_id if outcome.state == "made" else None,
                }
                for outcome in outcomes
            ],
        )


def customers_of(options: Mapping[str, Any]) -> ColumnElement[bool]:
    """The condition on customers that the options mean."""
    whose = options.get("customers")
    found: ColumnElement[bool] = Customer.invoice_schedule != "none"
    if whose == "chosen":
        found = Customer.id.in_(options["customer_ids"])
    elif whose == "tags":
        found = Customer.tags.overlap(options["tags"])
    elif whose == "all":
        found = billable()
    elif options.get("schedule"):
        found = Customer.invoice_schedule == options["schedule"]
    return found


def file(run_id: int, previews: Sequence[Preview]) -> None:
    if not previews:
        return
    rows = [
        {
            "billing_run_id": run_id,
            "customer_id": one.customer_id,
            "period_start": one.period.start,
            "period_end": one.period.end,
            "currency": one.currency,
            "lines": len(one.lines),
            "total": one.total,
            "last_total": one.last_total,
            "warnings": one.warnings,
            "preview": one.said,
            "fingerprint": one.fingerprint,
            "chosen": one.state == "ready",
            "state": one.state,
            "reason": one.reason[:500] or None,
            "invoice_id": one.invoice_id,
        }
        for one in previews
    ]
    statement = insert(_table())
    fresh = {name: statement.excluded[name] for name in rows[0] if name != "billing_run_id"}
    session().execute(statement.on_conflict_do_update(constraint="uq_billing_run_row", set_=fresh), rows)


def left(run_id: int) -> tuple[ColumnElement[bool], ...]:
    ready = BillingRunRow.state == "ready"
    return (BillingRunRow.billing_run_id == run_id, BillingRunRow.chosen.is_(True), ready)


def portion(run_id: int) -> dict[Pair, BillingRunRow]:
    """The next rows to do, read anew: another worker may have done some."""
    statement = (
        select(BillingRunRow)
        .where(*left(run_id))
        .order_by(BillingRunRow.period_start, BillingRunRow.customer_id)
        .limit(PORTION)
        .execution_options(populate_existing=True)
    )
    with unit_of_work(SYSTEM):
        rows = session().scalars(statement).all()
        for row in rows:
            session().expunge(row)
    return {(row.customer_id, Period(row.period_start, row.period_end)): row for row in rows}


def count_of(run_id: int, *conditions: ColumnElement[bool]) -> int:
    rows = select(func.count()).where(BillingRunRow.billing_run_id == run_id, *conditions)
    return session().scalar(rows) or 0


def _table() -> Table:
    table = BillingRunRow.__table__
    assert isinstance(table, Table)
    return table
