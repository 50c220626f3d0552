"""Calls rated again, calls put on other days, and the ledger that follows them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from dashboard.extensions import db
from dashboard.models import InvoiceItem, UsageDay, UsageRecord
from dashboard.operations import customers, settings, usage_rerate
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Refused
from dashboard.operations.usage_moves import Filters
from dashboard.queries.checks import discrepancies
from tests.support.books import make_customer, make_draft
from tests.support.calls import add_rates, load, make_card

pytestmark = pytest.mark.usefixtures("app")

CALLS = [
    ("2026-11-02T10:00", "442079460000", 60),
    ("2026-11-02T23:30", "442079460001", 60),
    ("2026-11-03T10:00", "34910000000", 60),
    ("2026-11-03T10:00", "34910000001", 0, {"result": "busy"}),
]


@pytest.fixture
def acorn():
    return make_customer("Acorn Example")


def days() -> list[tuple[str, str, bool, int, Decimal]]:
    db.session.rollback()
    rows = db.session.scalars(
        select(UsageDay).order_by(UsageDay.day, UsageDay.destination, UsageDay.rated, UsageDay.batch)
    )
    return [(f"{row.day:%d}", row.destination, row.rated, row.attempts, row.charge) for row in rows]


def invoice_day(customer, day: dt.date) -> None:
    """As if the days were billed: what an invoice's line marks."""
    item = make_draft(customer).items[0]
    db.session.execute(update(UsageDay).where(UsageDay.day == day).values(invoice_item_id=item.id))
    db.session.commit()


def test_unrated_calls_get_their_rate_and_move_to_the_rated_days(acorn, as_role):
    card = make_card(rates={"44": "0.06"}, sold_to=acorn)
    load(acorn, CALLS)
    assert [row[2:] for row in days() if not row[2]] == [(False, 1, Decimal(0))]
    add_rates(card, {"34": "0.30"})
    manager = as_role("manager")
    shown = usage_rerate.rerate_preview(manager, Filters())
    assert [(one.destination, one.calls, one.unrated_before, one.difference) for one in shown] == [
        ("Destination 34", 2, 1, Decimal("0.30"))
    ]
    before = days()
    assert days() == before
    assert usage_rerate.rerate(manager, Filters(customer_id=acorn.id)) == 2
    assert days() == [
        ("02", "Destination 44", True, 2, Decimal("0.12")),
        ("03", "Destination 34", True, 2, Decimal("0.30")),
    ]
    assert usage_rerate.rerate(manager, Filters()) == 0
    assert discrepancies() == []


def test_what_is_invoiced_is_listed_and_adjusted_by_a_draft(acorn, as_role):
    card = make_card(rates={"44": "0.06", "34": "0.30"}, sold_to=acorn)
    load(acorn, CALLS)
    invoice_day(acorn, dt.date(2026, 11, 2))
    add_rates(card, {"44": "0.09"}, valid_from="2026-01-01")
    manager = as_role("manager")
    (shown,) = usage_rerate.rerate_preview(manager, Filters())
    assert (shown.invoiced, shown.before, shown.after) == (True, Decimal("0.12"), Decimal("0.18"))
    assert usage_rerate.rerate(manager, Filters()) == 0
    draft = usage_rerate.adjustment_draft(manager, acorn.id, Filters())
    assert (draft.origin, draft.subtotal) == ("adjustment", Decimal("0.06"))
    line = db.session.scalars(select(InvoiceItem).where(InvoiceItem.invoice_id == draft.id)).one()
    assert (line.kind, line.destination, line.unit_price) == ("adjustment", "Destination 44", Decimal("0.06"))
    with pytest.raises(Refused, match="already a draft"):
        usage_rerate.adjustment_draft(manager, acorn.id, Filters())


def test_late_calls_open_the_next_batch(acorn):
    make_card(rates={"44": "0.06"}, sold_to=acorn)
    load(acorn, CALLS[:1])
    invoice_day(acorn, dt.date(2026, 11, 2))
    counts = load(acorn, CALLS[:2])
    assert (counts.loaded, counts.duplicates) == (1, 1)
    load(acorn, [("2026-11-02T12:00", "442079460009", 60)])
    rows = db.session.execute(select(UsageDay.batch, UsageDay.attempts).order_by(UsageDay.batch)).all()
    assert [tuple(row) for row in rows] == [(1, 1), (2, 2)]


def test_a_new_time_zone_moves_open_calls_only(acorn, as_role):
    make_card(rates={"44": "0.06", "34": "0.30"}, sold_to=acorn)
    load(acorn, CALLS)
    invoice_day(acorn, dt.date(2026, 11, 3))
    customers.update(as_role("clerk"), acorn.id, {"time_zone": "Europe/Madrid"})
    assert [row[:2] + row[3:] for row in days()] == [
        ("02", "Destination 44", 1, Decimal("0.06")),
        ("03", "Destination 34", 2, Decimal("0.30")),
        ("03", "Destination 44", 1, Decimal("0.06")),
    ]
    assert discrepancies() == []


def test_the_accounts_time_zone_is_that_of_customers_without_their_own(acorn, as_role):
    make_card(rates={"44": "0.06"}, sold_to=acorn)
    other = make_customer("Birch Example", time_zone="UTC")
    load(acorn, CALLS[:2])
    load(other, CALLS[:2])
    settings.update(as_role("admin"), {"time_zone": "Europe/Madrid"})
    rows = db.session.execute(
        select(UsageDay.customer_id, func.count())
        .group_by(UsageDay.customer_id)
        .order_by(UsageDay.customer_id)
    ).all()
    assert [tuple(row) for row in rows] == [(acorn.id, 2), (other.id, 1)]


def test_very_many_calls_are_moved_by_a_job(acorn, as_role, monkeypatch):
    monkeypatch.setattr(usage_rerate, "AT_ONCE", 1)
    make_card(rates={"44": "0.06"}, sold_to=acorn)
    load(acorn, CALLS[:2])
    customers.update(as_role("clerk"), acorn.id, {"time_zone": "Europe/Madrid"})
    assert len(days()) == 1
    assert usage_rerate.rebuild_each(SYSTEM, [acorn.id], lambda done: None) == 1
    assert len(days()) == 2


def test_the_check_tells_where_the_ledger_is_not_the_sum_of_its_calls(acorn):
    make_card(rates={"44": "0.06"}, sold_to=acorn)
    load(acorn, CALLS[:2])
    assert discrepancies() == []
    db.session.execute(update(UsageDay).values(charge=UsageDay.charge + 1, attempts=9))
    db.session.commit()
    assert {one.what for one in discrepancies()} == {"charge", "attempts"}
    db.session.execute(update(UsageRecord).values(usage_day_id=999_999))
    db.session.commit()
    assert any(one.record == "usage record" for one in discrepancies())
