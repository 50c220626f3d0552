"""Numbers run 1..n whatever happens beside them."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, text

from dashboard.extensions import db
from dashboard.models import Invoice, NumberSeries
from dashboard.operations import invoices
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import OperationError, Refused
from dashboard.queries import settings
from tests.support.books import at_once, fresh, line, make_customer, make_draft, make_issued


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


def numbers() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Invoice.number).where(Invoice.number.is_not(None))))


def test_fifty_at_once_leave_no_gap_and_no_repeat(app, acorn):
    drafts = [make_draft(acorn).id for _ in range(50)]
    results = at_once(app, [lambda key=key: invoices.issue(SYSTEM, key).number for key in drafts])
    wanted = [f"INV-2026-{count:06}" for count in range(1, 51)]
    assert sorted(results) == wanted == numbers()


def test_fifty_at_once_of_which_some_are_refused(app, acorn):
    drafts = [make_draft(acorn).id for _ in range(30)]
    drafts += [invoices.create(SYSTEM, {"customer_id": acorn.id}).id for _ in range(10)]

    def issued_and_undone() -> str:
        with unit_of_work(SYSTEM):
            invoices.issue(SYSTEM, make_draft(acorn).id)
            raise Refused("changed our mind")

    work = [lambda key=key: invoices.issue(SYSTEM, key).number for key in drafts]
    results = at_once(app, work + [issued_and_undone] * 10)
    assert sum(isinstance(result, OperationError) for result in results) == 20
    assert numbers() == [f"INV-2026-{count:06}" for count in range(1, 31)]


def test_the_same_draft_issued_twenty_times_at_once_gets_one_number(app, acorn):
    draft = make_draft(acorn).id
    results = at_once(app, [lambda: invoices.issue(SYSTEM, draft).number] * 20)
    assert [result for result in results if isinstance(result, str)] == ["INV-2026-000001"]
    assert {str(result) for result in results if isinstance(result, Refused)} == {
        "INV-2026-000001 is issued, so it can't be issued again."
    }
    assert db.session.get(NumberSeries, "invoice", populate_existing=True).next_value == 2


def test_one_form_sent_twenty_times_at_once_makes_one_invoice(app, acorn):
    values = {"customer_id": acorn.id, "items": [line()]}
    results = at_once(
        app, [lambda: invoices.save(SYSTEM, None, values, issue=True, form_key="one click").number] * 20
    )
    assert [result for result in results if isinstance(result, str)] == ["INV-2026-000001"]
    assert db.session.query(Invoice).count() == 1


def test_a_rollback_gives_the_number_back(acorn):
    make_issued(acorn)
    draft = make_draft(acorn)
    with pytest.raises(ZeroDivisionError), unit_of_work(SYSTEM):
        assert invoices.issue(SYSTEM, draft.id).number == "INV-2026-000002"
        raise ZeroDivisionError
    assert fresh(draft).state == "draft"
    assert make_issued(acorn).number == "INV-2026-000002"


def test_a_lock_held_too_long_is_refused_in_words_and_leaves_no_gap(acorn):
    make_issued(acorn)
    draft = make_draft(acorn)
    with db.engine.connect() as other:
        other.execute(select(NumberSeries).with_for_update()).all()
        with (
            pytest.raises(Refused, match=r"Somebody else is changing the same records right now"),
            unit_of_work(SYSTEM) as session,
        ):
            session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            invoices.issue(SYSTEM, draft.id)
    assert invoices.issue(SYSTEM, draft.id).number == "INV-2026-000002"


def test_series_that_begin_anew_each_year(acorn):
    settings.current().number_reset = "yearly"
    db.session.commit()
    days = [dt.date(2026, 12, 31), dt.date(2027, 1, 1), dt.date(2026, 12, 30), dt.date(2027, 6, 1)]
    issued = [invoices.issue(SYSTEM, make_draft(acorn, issue_date=day).id).number for day in days]
    assert issued == ["INV-2026-000001", "INV-2027-000001", "INV-2026-000002", "INV-2027-000002"]


def test_one_series_over_the_years(acorn):
    days = [dt.date(2026, 12, 31), dt.date(2027, 1, 1)]
    issued = [invoices.issue(SYSTEM, make_draft(acorn, issue_date=day).id).number for day in days]
    assert issued == ["INV-2026-000001", "INV-2027-000002"]


def test_a_number_that_is_taken_is_refused_in_words(acorn):
    setting = settings.current()
    setting.number_reset, setting.invoice_number_pattern = "yearly", "N{seq}"
    db.session.commit()
    invoices.issue(SYSTEM, make_draft(acorn, issue_date=dt.date(2026, 1, 1)).id)
    draft = make_draft(acorn, issue_date=dt.date(2027, 1, 1))
    with pytest.raises(Refused, match=r"The next number would be N1, which another invoice already has"):
        invoices.issue(SYSTEM, draft.id)
    setting = settings.current()
    setting.invoice_number_pattern = "N{year}-{seq}"
    db.session.commit()
    assert invoices.issue(SYSTEM, draft.id).number == "N2027-1"
