"""Calls without a customer wait, and are taken up by rules."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import UsageDay, UsageRecord, UsageUnmatched
from dashboard.operations import usage_rules, usage_unmatched
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_files import Reading
from tests.support.books import make_customer
from tests.support.calls import load, make_card, make_rule
from tests.usage.test_load_file import COLUMNS
from tests.usage.test_load_file import load as load_file

pytestmark = pytest.mark.usefixtures("app")


def waiting() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(UsageUnmatched))


def whose() -> dict[int, int]:
    rows = db.session.execute(select(UsageRecord.customer_id, func.count()).group_by(UsageRecord.customer_id))
    return dict(list(rows))


def test_a_new_rule_takes_up_what_waited_for_it(as_role):
    text = "".join(f"{n},BIRCH,4420794600{n:02},2026-11-02 10:00:00,60,ANSWERED\n" for n in range(5))
    how = Reading(header=False, width=6, columns=COLUMNS, source="switch")
    made = load_file(text + "9,CEDAR,44,2026-11-02 10:00:00,60,ANSWERED\n", how)
    assert (made.unmatched, waiting()) == (6, 6)
    customer = make_customer()
    make_card(rates={"44": "0.06"}, sold_to=customer)
    values = {"customer_id": customer.id, "kind": "account_code", "value": "birch"}
    usage_rules.create(as_role("clerk"), values)
    assert (waiting(), whose()) == (1, {customer.id: 5})
    db.session.refresh(made)
    assert (made.loaded, made.unmatched) == (5, 1)
    assert {call.usage_import_id for call in db.session.scalars(select(UsageRecord))} == {made.id}
    again = load_file(text, how)
    assert (again.loaded, again.duplicates) == (0, 5)


def test_a_changed_rule_takes_up_too_and_many_calls_are_a_job(as_role, monkeypatch):
    load(None, [("2026-11-02T10:00", "442079460000", 60)], source="34910000001")
    customer = make_customer()
    rule = make_rule(customer, "caller_prefix", "33")
    usage_rules.update(as_role("clerk"), rule.id, {"value": "34"})
    assert whose() == {customer.id: 1}
    monkeypatch.setattr(usage_unmatched, "AT_ONCE", 1)
    load(None, [("2026-11-03T10:00", f"44207946000{n}", 60) for n in range(3)], trunk="office")
    make_rule(customer, "trunk", "OFFICE")
    assert usage_unmatched.take_up_unmatched(as_role("clerk")) == 0
    assert usage_unmatched.take_up_all(SYSTEM) == 3
    assert (waiting(), whose()) == (0, {customer.id: 4})
    assert db.session.scalar(select(func.sum(UsageDay.attempts))) == 4


def test_account_code_before_caller_before_longer_prefix_before_trunk():
    names = ["code", "caller", "long", "short", "trunk"]
    owners = {name: make_customer(f"Example {name}") for name in names}
    make_rule(owners["code"], "account_code", "A1")
    make_rule(owners["caller"], "caller", "34910000001")
    make_rule(owners["long"], "caller_prefix", "3491")
    make_rule(owners["short"], "caller_prefix", "34")
    make_rule(owners["trunk"], "trunk", "Office")
    tries = [("a1", "34910000001"), ("other", "34910000001"), ("", "34910000002"), ("", "34880"), ("", "1")]
    found: list[str] = []
    for at, (code, caller) in enumerate(tries):
        call = (f"2026-11-02T10:0{at}", "442079460000", 60)
        load(None, [call], account_code=code, source=caller, trunk="office")
        found += [name for name, owner in owners.items() if owner.id in whose() and name not in found]
    assert found == names
