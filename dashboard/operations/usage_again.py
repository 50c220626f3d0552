"""Rating again as staff does it: what was looked at is what is done, once, at once or by a job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import func, select, text

from dashboard.models import UsageDay
from dashboard.operations import usage_rerate
from dashboard.operations.base import Actor, once, operation, session
from dashboard.operations.errors import Refused
from dashboard.operations.usage_moves import Filters
from dashboard.operations.usage_rerate import Difference

# So many calls are compared while somebody waits for the page.
MOST_SHOWN = 500_000

LEDGER = """
SELECT coalesce(sum(d.attempts) FILTER (WHERE d.invoice_item_id IS NULL), 0),
    coalesce(sum(d.attempts) FILTER (WHERE d.invoice_item_id IS NOT NULL), 0),
    coalesce(sum(d.attempts) FILTER (WHERE d.invoice_item_id IS NULL AND NOT d.rated), 0)
FROM usage_day AS d WHERE {where}
"""


@dataclass(frozen=True)
class Size:
    """How many calls fit: not invoiced, invoiced, and those of the former that have no rate now."""

    open: int
    invoiced: int
    unrated: int


@dataclass(frozen=True)
class Look:
    """What rating again would change."""

    size: Size
    open: list[Difference]
    invoiced: list[Difference]

    @property
    def as_job(self) -> bool:
        return self.size.open > usage_rerate.AT_ONCE

    @property
    def seen(self) -> str:
        """Stands for what would be done, so that nothing else is done."""
        return hashlib.sha256(repr(self.open).encode()).hexdigest()[:32]

    @property
    def calls(self) -> int:
        return sum(one.calls for one in self.open)

    @property
    def rated_then(self) -> int:
        """Calls without a rate that would get one."""
        return sum(max(one.unrated_before - one.unrated_after, 0) for one in self.open)

    @property
    def lost(self) -> int:
        """Calls with a rate that would have none any more."""
        return sum(max(one.unrated_after - one.unrated_before, 0) for one in self.open)

    @property
    def unrated_then(self) -> int:
        """Calls that have no rate afterwards."""
        return self.size.unrated - sum(one.unrated_before - one.unrated_after for one in self.open)


@dataclass(frozen=True)
class Done:
    """`job_id` where a job does it; else how many calls changed, and how."""

    job_id: int | None
    calls: int
    look: Look


@operation("usage.rerate")
def look(actor: Actor, filters: Filters) -> Look:
    """What would change. Writes nothing."""
    size = size_of(filters)
    total = size.open + size.invoiced
    if total > MOST_SHOWN:
        raise Refused(
            f"{total:,} calls fit, too many to show what would change. Choose a customer, a destination or"
            f" fewer days, so that {MOST_SHOWN:,} fit at most."
        )
    found = usage_rerate.rerate_preview(actor, filters) if total else []
    return Look(size, [one for one in found if not one.invoiced], [one for one in found if one.invoiced])


@operation("usage.rerate")
def again(actor: Actor, filters: Filters, *, seen: str, form_key: str | None = None) -> Done:
    """Rate again what is not invoiced, if it still changes what was looked at."""
    file = once(actor, form_key)
    found = look(actor, filters)
    if not found.open:
        raise Refused("Nothing is left to change: these calls have the rates in force already.")
    if found.seen != seen:
        raise Refused(
            "Rates or calls changed since you looked, so nothing was done. Here is what would change now."
        )
    if found.as_job:
        job = usage_rerate.start(actor, filters)
        file(f"job:{job.id}")
        return Done(job.id, 0, found)
    calls = usage_rerate.rerate(actor, filters)
    file(f"calls:{calls}")
    return Done(None, calls, found)


def size_of(filters: Filters) -> Size:
    """Counted by the ledger, not by the calls."""
    where, values = filters.where()
    for name in values:
        where = where.replace(f"%({name})s", f":{name}")
    used = {name: value for name, value in values.items() if f":{name}" in where}
    row = session().execute(text(LEDGER.format(where=where)), used).one()
    return Size(*(int(count) for count in row))


def destination_called(name: str) -> str | None:
    """The destination as the ledger has it; capitals don't matter. None where no call went there."""
    for same in (UsageDay.destination == name, func.lower(UsageDay.destination) == name.lower()):
        found = session().scalar(select(UsageDay.destination).where(same).limit(1))
        if found is not None:
            return found
    return None
