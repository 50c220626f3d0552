"""The rules by which a call finds its customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from dashboard.models import Customer, UsageRule
from dashboard.models.usage import RULE_KINDS
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid
from dashboard.operations.usage_unmatched import take_up_unmatched

# Kinds whose value is a telephone number; calls carry numbers as digits without + or 00 in front.
OF_NUMBERS = ("caller", "caller_prefix")
LONGEST_NUMBER = 20

CHECKS: dict[str, checks.Check] = {
    "customer_id": checks.key,
    "kind": checks.choice(RULE_KINDS),
    "value": checks.text(80, required=True),
}


@operation("usage.import")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> UsageRule:
    """Add a rule. Calls that waited for it are taken up with it."""
    file = once(actor, form_key)
    rule = UsageRule(**checks.read(values, CHECKS, required=("customer_id", "kind", "value")))
    _check_together(rule)
    session().add(rule)
    session().flush()
    file(f"usage_rule:{rule.id}")
    rule.taken_up = take_up_unmatched(actor)
    return rule


@operation("usage.import")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> UsageRule:
    """Change a rule. Calls that it has brought to a customer stay there; waiting ones are taken up."""
    taken = checks.read(values, CHECKS)
    rule = fetch(UsageRule, key, "usage rule", lock=True)
    check_version(rule, version)
    for name, value in taken.items():
        setattr(rule, name, value)
    with session().no_autoflush:
        _check_together(rule)
    session().flush()
    rule.taken_up = take_up_unmatched(actor)
    return rule


@operation("usage.import")
def delete(actor: Actor, key: int) -> None:
    session().delete(fetch(UsageRule, key, "usage rule", lock=True))


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "usage.import")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    found = session().get(UsageRule, key)
    return str(found) if found else f"Rule {key}"


def digits(value: str) -> str:
    """A telephone number as calls carry it: its digits, without + or 00 in front."""
    found = "".join(sign for sign in value if sign.isascii() and sign.isdigit())
    return found[2:] if found.startswith("00") and not value.lstrip().startswith("+") else found


def _check_together(rule: UsageRule) -> None:
    customer = session().get(Customer, rule.customer_id) if rule.customer_id else None
    if customer is None:
        raise Invalid({"customer_id": "Choose a customer."})
    if rule.kind in OF_NUMBERS:
        if any(sign.isalpha() for sign in rule.value):
            raise Invalid({"value": "A telephone number has digits only, such as 442079460000."})
        rule.value = digits(rule.value)
        if not 0 < len(rule.value) <= LONGEST_NUMBER:
            raise Invalid({"value": f"Write a telephone number of 1 to {LONGEST_NUMBER} digits."})
    taken = session().scalar(
        select(Customer.name)
        .join(UsageRule, UsageRule.customer_id == Customer.id)
        .where(
            UsageRule.kind == rule.kind,
            func.lower(UsageRule.value) == rule.value.lower(),
            UsageRule.id != (rule.id or 0),
        )
    )
    if taken is not None:
        raise Invalid({"value": f"There is already a rule for this: it leads to {taken}."})
