"""Rules and the calls that wait for them: a rule takes up what it leads to a customer, in one act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from dashboard.models import Job, UsageRule
from dashboard.operations import usage_rules
from dashboard.operations.base import Actor, operation, session
from dashboard.operations.usage_unmatched import KIND, take_up_unmatched


@operation("usage.import")
def take_up(actor: Actor) -> str:
    """Take up what can be; says so in a sentence, or nothing where no call was."""
    taken = take_up_unmatched(actor)
    if taken:
        return f"{taken:,} {'call that waited was' if taken == 1 else 'calls that waited were'} taken up."
    busy = select(Job.id).where(Job.kind == KIND, Job.state.in_(("queued", "running"))).limit(1)
    return "The calls that wait for it are taken up in the background." if session().scalar(busy) else ""


@operation("usage.import")
def save_rule(
    actor: Actor,
    key: int | None,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    form_key: str | None = None,
) -> tuple[UsageRule, str]:
    """Add or change a rule and take up the calls that wait for it; both or neither."""
    if key is None:
        rule = usage_rules.create(actor, values, form_key=form_key)
    else:
        rule = usage_rules.update(actor, key, values, version=version)
    return rule, take_up(actor)
