"""What may become of a customer's period, and why it may not be billed yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from dashboard.operations.base import session
from dashboard.queries import settings
from dashboard.queries.billing_facts import Facts
from dashboard.rules.periods import Period, bounds

Pair = tuple[int, Period]

# Customers a transaction: long enough to be fast, short enough that nobody waits for its locks.
CHUNK = 100


@dataclass(frozen=True)
class Outcome:
    """What became of a customer's period. `state`: made, exists, nothing, waiting, refused or failed."""

    customer_id: int
    period: Period
    invoice_id: int | None
    state: str
    reason: str = ""


def chunks(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Each customer once a chunk, its oldest period first: what comes later may follow from it."""
    rounds: list[list[Pair]] = []
    turns: dict[int, int] = {}
    for pair in sorted(set(pairs), key=lambda pair: (pair[1], pair[0])):
        turn = turns.get(pair[0], 0)
        turns[pair[0]] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(pair)
    for members in rounds:
        # Everybody locks customers in the order of their ids.
        members.sort(key=lambda pair: pair[0])
        for start in range(0, len(members), CHUNK):
            yield members[start : start + CHUNK]


def unbillable(facts: Facts | None, customer_id: int, period: Period) -> Outcome | None:
    """Why there is nothing to plan: the customer is gone, the period is billed already, or not over yet."""
    if facts is None:
        return Outcome(customer_id, period, None, "refused", "This customer no longer exists.")
    covering = facts.covering
    if covering is not None:
        said = f"{covering.name} covers {covering.period} already."
        return Outcome(customer_id, period, covering.id, "exists", said)
    begins = facts.customer.invoice_from
    if begins is not None and period.end <= begins:
        said = f"{facts.customer.name} is invoiced by schedule from {begins} on (Invoice From on its page)."
        return Outcome(customer_id, period, None, "refused", said)
    setting = settings.current()
    start, end = bounds(period, facts.zone)
    moment = now()
    if start > moment:
        return Outcome(customer_id, period, None, "refused", f"{period} lies in the future.")
    if end > moment:
        said = f"{period} is not over yet. It can be billed once it is."
        return Outcome(customer_id, period, None, "waiting", said)
    wait = facts.customer.invoice_delay_hours
    wait = setting.billing_delay_hours if wait is None else wait
    ready = end + dt.timedelta(hours=wait)
    if ready > moment:
        said = (
            f"Usage of {period} may still be coming in. It can be billed from {ready:%Y-%m-%d %H:%M} UTC on, "
            f"{wait} hours after its end."
        )
        return Outcome(customer_id, period, None, "waiting", said)
    return None


def now() -> dt.datetime:
    """By the database's clock, which is one for all machines; asked once a transaction."""
    current = session()
    current.connection()
    transaction, held = current.get_transaction(), current.info.get("now")
    if held is None or held[0] is not transaction:
        held = (transaction, current.execute(select(func.now())).scalar_one())
        current.info["now"] = held
    moment: dt.datetime = held[1]
    return moment
