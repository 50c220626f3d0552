"""Calls that wait for a customer, taken up once the rules lead to one."""

from __future__ import annotations

from dashboard.operations.base import Actor, operation


@operation("usage.import")
def take_up(actor: Actor) -> str:
    """Take up what can be; says so in a sentence, or nothing where no call was."""
    from dashboard.operations import usage_load

    taken = int(getattr(usage_load, "take_up_unmatched", lambda actor: 0)(actor))
    if not taken:
        return ""
    return f"{taken:,} {'call that waited was' if taken == 1 else 'calls that waited were'} taken up."
