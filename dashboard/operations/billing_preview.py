"""Looking at invoices before they are made: nothing is locked and nothing written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dashboard.operations import billing_plan
from dashboard.operations.billing_outcome import Pair, chunks, unbillable
from dashboard.operations.billing_plan import Plan
from dashboard.queries import billing_facts, settings
from dashboard.rules.money import EXACT, format_money
from dashboard.rules.periods import Period

# A total is far from usual below a half or above the double of the mean of the last invoices.
FAR = 2


@dataclass(frozen=True)
class Preview:
    """`state`: ready, nothing, or blocked for the `reason`. `said` is the whole invoice as plain JSON."""

    customer_id: int
    period: Period
    currency: str
    state: str
    reason: str
    lines: list[dict[str, Any]]
    net: Decimal
    tax: Decimal
    total: Decimal
    last_total: Decimal | None = None
    warnings: list[str] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    # The invoice that covers the period already.
    invoice_id: int | None = None


def preview_many(
    pairs: Sequence[Pair], *, grouping: str | None = None, report: Callable[[int], None] | None = None
) -> list[Preview]:
    """What generating would make now, in the order of `pairs`; customers that are gone are left out."""
    found: dict[Pair, Preview] = {}
    done = 0
    for chunk in chunks(pairs):
        facts = billing_facts.read(chunk, grouping=grouping, lock=False)
        for plan in billing_plan.make_many(list(facts.values()), settings.current()):
            found[plan.facts.customer.id, plan.facts.period] = _preview(plan)
        done += len(chunk)
        if report is not None:
            report(done)
    return [found[pair] for pair in pairs if pair in found]


def _preview(plan: Plan) -> Preview:
    facts = plan.facts
    outcome = unbillable(facts, facts.customer.id, facts.period)
    said = plan.said()
    reason = outcome.reason if outcome is not None else plan.refusal
    state = "blocked" if reason else "nothing" if plan.nothing else "ready"
    last = facts.earlier[0] if facts.earlier else None
    return Preview(
        facts.customer.id,
        facts.period,
        facts.customer.currency,
        state,
        reason or (f"There is nothing to bill for {facts.period}." if plan.nothing else ""),
        said["lines"],
        plan.totals.subtotal,
        plan.totals.tax,
        plan.totals.total,
        last.total if last is not None and last.currency == facts.customer.currency else None,
        [] if outcome is not None and outcome.state == "exists" else warnings(plan),
        said,
        billing_plan.fingerprint(said),
        outcome.invoice_id if outcome is not None else None,
    )


def warnings(plan: Plan) -> list[str]:
    """What somebody should look at before this invoice is made."""
    facts = plan.facts
    found: list[str] = []
    if facts.unrated:
        calls = "1 call has" if facts.unrated == 1 else f"{facts.unrated:,} calls have"
        found.append(f"{calls} no rate and will not be billed")
    if plan.late:
        late = format_money(plan.late, facts.customer.currency, code=True)
        found.append(f"Includes {late} of late usage of earlier periods")
    found += [
        f"Overlaps {paper.name}, which covers {paper.period}"
        for paper in facts.overlapping
        if paper is not facts.covering
    ]
    usual = _far_from_usual(plan)
    if usual:
        found.append(usual)
    if not plan.nothing and not facts.customer.address_lines():
        found.append("The customer has no address")
    if not plan.nothing and not facts.has_email:
        found.append("No contact has an e-mail address")
    return found


def _far_from_usual(plan: Plan) -> str:
    """Beside the mean of up to three earlier invoices of this customer, day by day, as periods differ."""
    currency = plan.facts.customer.currency
    earlier = [paper for paper in plan.facts.earlier if paper.currency == currency]
    days = sum((paper.period.end - paper.period.start).days for paper in earlier)
    if not days:
        return ""
    length = (plan.facts.period.end - plan.facts.period.start).days
    usual = EXACT.divide(sum((paper.total for paper in earlier), Decimal(0)) * length, Decimal(days))
    total = plan.totals.total
    if usual <= 0 or usual / FAR <= total <= usual * FAR:
        return ""
    of = "the last invoice" if len(earlier) == 1 else f"the mean of the last {len(earlier)} invoices"
    shown = format_money(usual, currency, code=True)
    if total <= 0:
        return f"Far from usual: nothing, where {of} makes {shown}"
    if total > usual:
        times = EXACT.divide(total, usual)
        return f"Far from usual: {times:.1f} times {shown}, {of}"
    percent = EXACT.divide(total * 100, usual)
    return f"Far from usual: {percent:.0f} % of {shown}, {of}"
