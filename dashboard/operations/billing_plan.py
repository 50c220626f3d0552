"""What the invoice of a customer and period will say, before anything is written.

Previewing and generating both make this plan and nothing else, so that they can't differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.models import Setting
from dashboard.operations import billing_lines
from dashboard.operations.billing_lines import PlanLine
from dashboard.operations.invoice_lines import TOO_LARGE
from dashboard.queries.billing_facts import Facts
from dashboard.rules import tax
from dashboard.rules.money import add, plain


@dataclass(frozen=True)
class Plan:
    """The invoice of one customer and period. `refusal` says why there can be none."""

    facts: Facts
    lines: list[PlanLine]
    totals: tax.Totals
    tax_mode: str
    tax_inclusive: bool
    due_days: int
    refusal: str = ""

    @property
    def nothing(self) -> bool:
        return not self.lines

    @property
    def late(self) -> Decimal:
        """What late usage of earlier periods comes to."""
        return add(line.unit_price for line in self.lines if line.kind == "late_usage")

    def said(self) -> dict[str, Any]:
        """All that the invoice will say, as plain JSON."""
        return {
            "currency": self.facts.customer.currency,
            "tax_mode": self.tax_mode,
            "tax_inclusive": self.tax_inclusive,
            "due_days": self.due_days,
            "subtotal": plain(self.totals.subtotal),
            "tax": plain(self.totals.tax),
            "total": plain(self.totals.total),
            "lines": [
                _line_said(line, amounts) for line, amounts in zip(self.lines, self.totals.lines, strict=True)
            ],
        }


def fingerprint(said: dict[str, Any]) -> str:
    """The same for the same invoice, and another as soon as a word or a cent of it is another."""
    written = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def make_many(found: Sequence[Facts], setting: Setting) -> list[Plan]:
    """The plans that follow from the facts and the account's settings as they stand."""
    usage = {facts.customer.id: billing_lines.usage_lines(facts) for facts in found}
    packages = billing_lines.package_lines(found, usage)
    return [
        _plan(facts, usage[facts.customer.id] + packages.get(facts.customer.id, []), setting)
        for facts in found
    ]


def _plan(facts: Facts, lines: list[PlanLine], setting: Setting) -> Plan:
    customer = facts.customer
    # Calls that cost nothing are told beside others that do, but make no invoice by themselves.
    if not any(line.unit_price for line in lines):
        lines = [billing_lines.empty_line(facts)] if customer.empty_invoices else []
    mode: tax.TaxMode = "per_line" if setting.tax_mode == "per_line" else "per_rate"
    totals = tax.compute(
        [tax.Line(line.quantity, line.unit_price, line.tax_percent, line.tax_name) for line in lines],
        customer.currency,
        mode,
        setting.tax_inclusive,
    )
    due_days = customer.invoice_due_days
    return Plan(
        facts,
        lines,
        totals,
        mode,
        setting.tax_inclusive,
        setting.invoice_due_days if due_days is None else due_days,
        refusal=_refusal(facts, lines, totals),
    )


def _refusal(facts: Facts, lines: Sequence[PlanLine], totals: tax.Totals) -> str:
    if facts.customer.status == "pending_approval":
        return (
            f"{facts.customer.name} is waiting for approval. "
            "Set the customer's status to Active first, then generate the invoice."
        )
    foreign = next((line.source.currency for line in lines if line.foreign(facts.customer.currency)), "")
    if foreign:
        return (
            f"A package of {facts.customer.name} is priced in {foreign}, and the customer is billed in "
            f"{facts.customer.currency}. Assign a package in {facts.customer.currency} instead."
        )
    if any(max(abs(found.net), abs(found.gross)) >= TOO_LARGE for found in totals.lines):
        return "A line comes to more than the books can hold. Look at the rates of these calls."
    if max(abs(totals.subtotal), abs(totals.tax), abs(totals.total)) >= TOO_LARGE:
        return "The invoice comes to more than the books can hold. Bill shorter periods."
    return ""


def _line_said(line: PlanLine, amounts: tax.LineTotals) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "description": line.description,
        "date_from": line.date_from and line.date_from.isoformat(),
        "date_to": line.date_to and line.date_to.isoformat(),
        "quantity": plain(line.quantity),
        "unit_price": plain(line.unit_price),
        "tax_name": line.tax_name,
        "tax_percent": plain(line.tax_percent),
        "net": plain(amounts.net),
        "tax": plain(amounts.tax),
        "gross": plain(amounts.gross),
        "package_id": line.package_id,
        "connected": line.connected,
        "billed_duration": line.billed_duration,
    }
