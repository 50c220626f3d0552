"""Invoices made from usage and packages, for one customer or for thousands.

The unique index over live invoices of a customer and period is the guarantee that none is made twice; the
lock on the customer lets those who come second see the first one's.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.operations import billing_plan, billing_write
from dashboard.operations.base import Actor, once, require, session, unit_of_work
from dashboard.operations.billing_outcome import Outcome, Pair, chunks, unbillable
from dashboard.operations.billing_plan import Plan
from dashboard.operations.billing_preview import Preview, preview_many
from dashboard.operations.errors import Invalid, OperationError, Refused
from dashboard.queries import billing_facts, settings
from dashboard.rules.periods import Period

__all__ = [
    "Options",
    "Outcome",
    "Preview",
    "carry_out",
    "check_date",
    "generate",
    "generate_many",
    "preview_many",
]

log = logging.getLogger("billing")

Reached = Callable[[int], None]

# So often is a chunk begun anew when usage is loaded into the days that it marks.
TRIES = 3
EARLIEST_YEAR = 1990
BELOW_ZERO = "The invoice comes to less than zero, so it was left as a draft."
UNFORESEEN = (
    "Something went wrong that was not foreseen, so nothing was made for this customer. "
    "If it happens again, tell your administrator."
)


@dataclass(frozen=True)
class Options:
    """`grouping`: destination or day, for all; `issue`: None follows the account's setting; `dated`: the date
    of the invoices, None for the day they are made."""

    grouping: str | None = None
    issue: bool | None = None
    dated: dt.date | None = None


Check = Callable[[Plan], str]
After = Callable[[Sequence[Outcome]], None]


def generate(
    actor: Actor,
    customer_id: int,
    period: Period,
    *,
    grouping: str | None = None,
    issue: bool | None = None,
    dated: dt.date | None = None,
    form_key: str | None = None,
) -> Outcome:
    """Make the invoice of a customer and period. What can't be made comes back as an outcome with words."""
    options = _allowed(actor, grouping, issue, dated)
    with unit_of_work(actor):
        file = once(actor, form_key)
        outcome = _chunk(actor, [(customer_id, period)], options)[0]
        if outcome.invoice_id is not None:
            file(f"invoice:{outcome.invoice_id}")
    return outcome


def generate_many(
    actor: Actor,
    pairs: Sequence[Pair],
    *,
    issue: bool | None = None,
    grouping: str | None = None,
    dated: dt.date | None = None,
    report: Reached | None = None,
) -> list[Outcome]:
    """Make the invoices of many customers and periods; the outcomes come in the order of `pairs`.

    Each chunk commits by itself. Of one customer the older period comes first. `report` hears after
    each chunk how many are done, and may raise to stop; what is done then stays.
    """
    return carry_out(actor, pairs, _allowed(actor, grouping, issue, dated), report=report)


def carry_out(
    actor: Actor,
    pairs: Sequence[Pair],
    options: Options,
    *,
    check: Check | None = None,
    after: After | None = None,
    report: Reached | None = None,
) -> list[Outcome]:
    """As `generate_many`. `check` may refuse a plan by giving the reason; `after` is told the outcomes inside
    the transaction that makes them."""
    outcomes: dict[Pair, Outcome] = {}
    done = 0
    for chunk in chunks(pairs):
        for outcome in _safely(actor, chunk, options, check, after):
            outcomes[outcome.customer_id, outcome.period] = outcome
        done += len(chunk)
        if report is not None:
            report(done)
    return [outcomes[pair] for pair in pairs]


def check_date(dated: dt.date | None) -> None:
    """Raises Invalid for a date that no invoice can have."""
    if dated is not None and dated > settings.today():
        raise Invalid({"invoice_date": f"An invoice can't be dated after today, {settings.today()}."})
    if dated is not None and dated.year < EARLIEST_YEAR:
        raise Invalid({"invoice_date": f"Please give a year from {EARLIEST_YEAR} on."})


def _allowed(actor: Actor, grouping: str | None, issue: bool | None, dated: dt.date | None) -> Options:
    require(actor, "invoice.draft")
    if issue:
        require(actor, "invoice.issue")
    if grouping not in (None, "destination", "day"):
        raise ValueError(f"No such grouping: {grouping}")
    check_date(dated)
    if issue is None:
        issue = settings.current().generated_invoices == "issued" and actor.may("invoice.issue")
    return Options(grouping, issue, dated)


def _safely(
    actor: Actor, pairs: Sequence[Pair], options: Options, check: Check | None, after: After | None
) -> list[Outcome]:
    """The chunk at once or, where that fails, each by itself: one customer's failure stops nobody else."""
    if len(pairs) > 1:
        try:
            with unit_of_work(actor):
                return _chunk(actor, pairs, options, check, after)
        except Exception as error:
            log.info("a chunk is done one by one: %s", error)
    return [_alone(actor, pair, options, check, after) for pair in pairs]


def _alone(actor: Actor, pair: Pair, options: Options, check: Check | None, after: After | None) -> Outcome:
    try:
        with unit_of_work(actor):
            return _chunk(actor, [pair], options, check, after)[0]
    except OperationError as refusal:
        outcome = Outcome(*pair, None, "failed", str(refusal))
    except Exception:
        log.exception("the invoice of customer %s for %s failed", *pair)
        outcome = Outcome(*pair, None, "failed", UNFORESEEN)
    if after is not None:
        with unit_of_work(actor):
            after([outcome])
    return outcome


def _chunk(
    actor: Actor,
    pairs: Sequence[Pair],
    options: Options,
    check: Check | None = None,
    after: After | None = None,
) -> list[Outcome]:
    """One transaction's work; it is begun anew where usage moves under it."""
    for _ in range(TRIES):
        try:
            with session().begin_nested():
                outcomes = _attempt(actor, pairs, options, check)
        except billing_write.Moved:
            continue
        if after is not None:
            after(outcomes)
        return outcomes
    raise Refused("Usage of this customer is being loaded right now. Please try again in a minute.")


def _attempt(actor: Actor, pairs: Sequence[Pair], options: Options, check: Check | None) -> list[Outcome]:
    found = billing_facts.read(pairs, grouping=options.grouping, lock=True)
    outcomes: dict[int, Outcome] = {}
    for customer_id, period in pairs:
        outcome = unbillable(found.get(customer_id), customer_id, period)
        if outcome is not None:
            outcomes[customer_id] = outcome
    wanted = [facts for key, facts in found.items() if key not in outcomes]
    plans: list[Plan] = []
    for plan in billing_plan.make_many(wanted, settings.current()):
        outcome = _unmade(plan, check)
        if outcome is None:
            plans.append(plan)
        else:
            outcomes[outcome.customer_id] = outcome
    for made in billing_write.write(actor, plans, issue=bool(options.issue), dated=options.dated):
        facts = made.plan.facts
        reason = "" if made.state == "issued" or not options.issue else BELOW_ZERO
        outcomes[facts.customer.id] = Outcome(
            facts.customer.id, facts.period, made.invoice_id, "made", reason
        )
    return [outcomes[customer_id] for customer_id, _ in pairs]


def _unmade(plan: Plan, check: Check | None) -> Outcome | None:
    key, period = plan.facts.customer.id, plan.facts.period
    changed = check(plan) if check is not None else ""
    if changed:
        return Outcome(key, period, None, "refused", changed)
    if plan.refusal:
        return Outcome(key, period, None, "refused", plan.refusal)
    if plan.nothing:
        return Outcome(key, period, None, "nothing", f"There is nothing to bill for {period}.")
    return None
