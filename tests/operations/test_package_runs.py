"""Run Package: what is due is charged on a draft, once, whoever asks."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Invoice, Payment
from dashboard.operations import assignments, invoices, package_charges, packages
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Refused
from dashboard.queries.package_plan import due_until
from tests.support.books import at_once, give, make_customer
from tests.support.charged import DAY, NOON, charges, planned

D = Decimal


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=D(20), tax_name="VAT")


def test_run_makes_a_draft_and_charges_once(acorn, as_role):
    give(acorn, setup_retail=D(10))
    made = package_charges.charge(as_role("clerk"), acorn.id, DAY(2026, 11, 23))
    invoice = made.invoice
    assert (invoice.state, invoice.origin, invoice.subtotal, invoice.total) == (
        "draft",
        "package",
        41,
        D("49.2"),
    )
    assert [item.kind for item in invoice.items] == ["setup", "package"]
    assert [(item.date_from, item.date_to) for item in invoice.items] == [
        (None, None),
        (DAY(2026, 11, 1), DAY(2026, 11, 30)),
    ]
    assert made.payments == []
    assert planned(acorn) == []
    with pytest.raises(Refused, match="Nothing is due"):
        package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23))


def test_only_what_is_chosen_and_as_it_was_seen(acorn):
    given = give(acorn, start="2026-10-01", retail=D(10))
    day = DAY(2026, 11, 23)
    lines = due_until(acorn, day)
    old = {lines[0].key: package_charges.fingerprint(lines[0])}
    packages.update(SYSTEM, given.package_id, {"retail": D(11)})
    with pytest.raises(Refused, match="changed since"):
        package_charges.charge(SYSTEM, acorn.id, day, chosen=old)
    now = due_until(acorn, day)[0]
    new = {now.key: package_charges.fingerprint(now)}
    made = package_charges.charge(SYSTEM, acorn.id, day, chosen=new)
    assert made.invoice.subtotal == 11
    assert [line.key for line in due_until(acorn, day)] == [lines[1].key]
    with pytest.raises(Refused, match="changed since"):
        package_charges.charge(SYSTEM, acorn.id, day, chosen=new)
    with pytest.raises(Refused, match="Tick at least one"):
        package_charges.charge(SYSTEM, acorn.id, day, chosen={})


def test_a_form_sent_twice_charges_once(acorn):
    give(acorn)
    made = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23), form_key="one")
    key = made.invoice.id
    with pytest.raises(Duplicate) as raised:
        package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23), form_key="one")
    assert raised.value.result == f"invoice:{key}"


def test_not_beyond_today_and_not_by_viewers(acorn, as_role):
    give(acorn)
    with pytest.raises(Refused, match="up to today, 2026-11-23"):
        package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 24))
    with pytest.raises(Forbidden):
        package_charges.charge(as_role("viewer"), acorn.id, DAY(2026, 11, 23))


def test_a_removed_line_a_deleted_draft_and_a_void_invoice_free_what_they_charged(acorn):
    give(acorn, setup_retail=D(10))
    due = planned(acorn)
    first = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23)).invoice
    invoices.update(SYSTEM, first.id, {"items": [{"id": first.items[1].id}]})
    assert planned(acorn) == due[:1]
    invoices.delete(SYSTEM, first.id)
    assert charges() == 0
    second = package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23)).invoice
    invoices.issue(SYSTEM, second.id)
    assert planned(acorn) == []
    invoices.void(SYSTEM, second.id, "Wrong price")
    assert charges() == 0
    assert planned(acorn) == due
    assert len(second.items) == 2


def test_two_at_once_charge_once(app, acorn):
    give(acorn, setup_retail=D(5))
    give(acorn, name="To the account", auto=True)
    key = acorn.id
    db.session.rollback()

    def run():
        return package_charges.charge(SYSTEM, key, DAY(2026, 11, 23))

    answers = at_once(app, [run] * 4)
    assert sum(isinstance(answer, package_charges.Charged) for answer in answers) == 1
    assert all(isinstance(one, (package_charges.Charged, Refused)) for one in answers)
    assert charges() == 3
    assert db.session.scalar(select(func.count(Invoice.id))) == 1
    assert db.session.scalar(select(func.count(Payment.id))) == 1


def test_a_charged_package_stays_with_its_start(acorn):
    given = give(acorn)
    package_charges.charge(SYSTEM, acorn.id, DAY(2026, 11, 23))
    with pytest.raises(Refused, match="Set its End Date instead"):
        assignments.delete(SYSTEM, given.id)
    with pytest.raises(Invalid, match="charged from 2026-11-01"):
        assignments.update(SYSTEM, given.id, {"start_date": "2026-11-02"})
    assert assignments.update(SYSTEM, given.id, {"end_date": "2026-11-30"}).end_date == DAY(2026, 11, 30)
