"""One action on many rows."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.operations import customers
from dashboard.operations.base import session, unit_of_work
from dashboard.operations.bulk import each
from dashboard.operations.errors import Refused


@pytest.fixture
def ids(clerk):
    return [customers.create(clerk, {"name": f"Example {n}", "currency": "USD"}).id for n in range(3)]


def names() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Customer.name).order_by(Customer.id)))


def rename(key: int) -> None:
    customer = session().get_one(Customer, key)
    customer.name += "!"
    session().flush()
    if customer.name.startswith("Example 1"):
        raise Refused("Not this one.")


def test_a_refused_row_undoes_only_itself(clerk, ids):
    result = each(clerk, ids, rename)
    assert result.done == [ids[0], ids[2]]
    assert [(one.id, one.reason) for one in result.refused] == [(ids[1], "Not this one.")]
    assert names() == ["Example 0!", "Example 1", "Example 2!"]


def test_inside_a_transaction_the_outer_one_decides(clerk, ids):
    with pytest.raises(KeyError), unit_of_work(clerk):
        assert each(clerk, ids, rename).done == [ids[0], ids[2]]
        raise KeyError
    assert names() == ["Example 0", "Example 1", "Example 2"]
    with unit_of_work(clerk):
        each(clerk, ids, rename)
    assert names() == ["Example 0!", "Example 1", "Example 2!"]


@pytest.mark.parametrize("nested", [False, True])
def test_a_refusal_of_the_database_is_said_in_words(clerk, ids, nested):
    def break_a_rule(key: int) -> None:
        session().execute(text("UPDATE customer SET tax_percent = 101 WHERE id = :id"), {"id": key})

    if nested:
        with unit_of_work(clerk):
            result = each(clerk, ids[:1], break_a_rule)
    else:
        result = each(clerk, ids[:1], break_a_rule)
    assert result.refused[0].reason == "These values break a rule of the books, so nothing was saved."


def test_a_fault_in_the_code_is_not_a_refusal(clerk, ids):
    def stumble(key: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each(clerk, ids, stumble)
