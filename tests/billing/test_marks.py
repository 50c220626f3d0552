"""What ties days of the ledger to lines: triggers see to it, as the database has no index to do it by."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from dashboard.extensions import db
from dashboard.operations import billing, invoices
from dashboard.operations.base import SYSTEM
from tests.support.bills import OCTOBER, billed_wrongly, call, figures, get, make_caller

pytestmark = pytest.mark.usefixtures("app")

OPEN = "SELECT usage_day_id FROM usage_day_open"


@pytest.fixture
def caller(app):
    customer = make_caller()
    call(customer, "2025-10-02")
    call(customer, "2025-10-03", "12025550100")
    return customer


def test_an_open_day_is_found_until_it_is_billed_and_again_when_it_is_freed(caller):
    days = set(figures("SELECT id FROM usage_day"))
    assert set(figures(OPEN)) == days
    invoice = get(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)
    assert figures(OPEN) == []
    invoices.issue(SYSTEM, invoice.id)
    invoices.void(SYSTEM, invoice.id, "Wrong date")
    assert set(figures(OPEN)) == days
    assert billed_wrongly() == []


def test_a_line_that_goes_frees_its_days_whoever_removes_it(caller):
    invoice = get(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)
    db.session.execute(text("DELETE FROM invoice_item WHERE destination = 'United States'"))
    assert figures("SELECT destination FROM usage_day WHERE invoice_item_id IS NULL") == [("United States",)]
    assert len(figures(OPEN)) == 1
    # Its lines go with it, by the database's own hand.
    db.session.execute(text("DELETE FROM invoice WHERE id = :key"), {"key": invoice.id})
    assert figures("SELECT count(*) FROM usage_day WHERE invoice_item_id IS NOT NULL") == [(0,)]
    assert billed_wrongly() == []


def test_no_day_can_be_tied_to_a_line_that_is_not_there(caller):
    with pytest.raises(IntegrityError, match="names a line that is not there"):
        db.session.execute(text("UPDATE usage_day SET invoice_item_id = 999"))
    db.session.rollback()


def test_a_day_that_is_removed_is_no_longer_looked_for(caller):
    db.session.execute(text("DELETE FROM usage_day WHERE destination = 'United States'"))
    assert figures(OPEN) == figures("SELECT id FROM usage_day")


def test_marking_changes_no_index(caller):
    """An index over the mark would have every index of the ledger told of each day that is billed."""
    over = figures(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'usage_day'::regclass"
        " AND pg_get_indexdef(indexrelid) LIKE '%invoice_item_id%'"
    )
    assert over == []
