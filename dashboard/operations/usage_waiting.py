"""What is said when calls that waited for a customer are taken up."""

from __future__ import annotations

from sqlalchemy import select

from dashboard.models import Job
from dashboard.operations.base import Actor, operation, session
from dashboard.operations.usage_unmatched import KIND, take_up_unmatched


@operation("usage.import")
def take_up(actor: Actor) -> str:
    """Take up what can be by the rules as they are; says so, or nothing where no call was."""
    return taken_up(take_up_unmatched(actor))


def taken_up(calls: int) -> str:
    """So many calls were taken up; of very many a job is under way instead."""
    if calls:
        return f"{calls:,} {'call that waited was' if calls == 1 else 'calls that waited were'} taken up."
    busy = select(Job.id).where(Job.kind == KIND, Job.state.in_(("queued", "running"))).limit(1)
    return "The calls that waited are taken up in the background." if session().scalar(busy) else ""
