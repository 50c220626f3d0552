"""Lines of a draft: changed by their ids, held to their limits, kept apart from other people's changes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import AuditEntry
from dashboard.operations import invoice_lines, invoices
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid, Missing, Refused, Stale
from tests.support.books import DAY, faults, fresh, line, make_customer, make_draft, make_package

D = Decimal


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", invoice_due_days=14)


def test_amounts_that_the_books_cannot_hold(acorn):
    big = line("999999999999", "99999999999999")
    with pytest.raises(Invalid) as raised:
        make_draft(acorn, big)
    assert list(raised.value.errors) == ["items-0-unit_price"]
    with pytest.raises(Invalid) as raised:
        make_draft(acorn, *[line("100", "99999999999999")] * 2)
    assert faults(raised.value) == {
        "items": "The lines add up to more than the books can hold. Split the invoice."
    }
    largest = make_draft(acorn, line("100", "99999999999999"))
    assert fresh(largest).total == D("9999999999999900")


def test_a_thousand_lines_and_no_more(acorn):
    assert len(fresh(make_draft(acorn, *[line()] * 1000)).items) == 1000
    with pytest.raises(Invalid, match=r"at most 1,000 lines; this has 1,001"):
        make_draft(acorn, *[line()] * 1001)


def test_a_package_of_another_currency(acorn):
    euro = make_package("Euro Example Line", "EUR")
    with pytest.raises(Invalid) as raised:
        make_draft(acorn, line(), line(package_id=euro.id))
    assert faults(raised.value) == {
        "items-1-package_id": "Euro Example Line is priced in EUR, and this invoice is in USD. "
        "Choose a package in USD, or clear the package and keep the line."
    }
    with pytest.raises(Invalid, match=r"no longer exists"):
        make_draft(acorn, line(package_id=99))


def test_lines_change_by_their_ids(acorn):
    invoice = make_draft(acorn, line("1", "1"), line("2", "1"), line("3", "1"))
    first, second, third = invoice.items
    invoices.update(
        SYSTEM,
        invoice.id,
        {"items": [{"id": third.id, "quantity": "30"}, line("4", "1"), {"id": first.id}]},
    )
    found = fresh(invoice).items
    assert [(item.id, item.quantity, item.position) for item in found] == [
        (third.id, D(30), 1),
        (found[1].id, D(4), 2),
        (first.id, D(1), 3),
    ]
    assert invoice.total == D("35.00")
    written = db.session.execute(
        select(AuditEntry.action, AuditEntry.row_id, AuditEntry.changes)
        .where(AuditEntry.table_name == "invoice_item")
        .order_by(AuditEntry.id)
        .offset(3)
    ).all()
    assert sorted((action, row) for action, row, _ in written) == [
        ("delete", str(second.id)),
        ("insert", str(found[1].id)),
        ("update", str(first.id)),
        ("update", str(third.id)),
    ]
    changed = next(changes for _, row, changes in written if row == str(third.id))
    assert changed["quantity"] == [3.0, 30.0]


def test_saving_the_same_again_writes_nothing(acorn):
    invoice = make_draft(acorn, line("2", "5", "20"))
    version = invoice.version
    written = db.session.query(AuditEntry).count()
    invoices.update(
        SYSTEM,
        invoice.id,
        {"customer_id": acorn.id, "reference": "", "items": [{"id": invoice.items[0].id, "quantity": "2.0"}]},
        version=version,
    )
    assert fresh(invoice).version == version
    assert db.session.query(AuditEntry).count() == written


def test_a_change_of_a_line_alone_moves_the_version(acorn):
    invoice = make_draft(acorn)
    opened = invoice.version
    rows = [{"id": invoice.items[0].id, "description": "Rental"}]
    invoices.update(SYSTEM, invoice.id, {"items": rows}, version=opened)
    with pytest.raises(Stale):
        invoices.update(SYSTEM, invoice.id, {"reference": "PO 7"}, version=opened)
    removed = fresh(invoice).version
    invoices.update(SYSTEM, invoice.id, {"items": []}, version=removed)
    assert fresh(invoice).version > removed
    assert fresh(invoice).total == 0


def test_a_line_that_somebody_removed_is_not_brought_back(acorn):
    invoice = make_draft(acorn, line(), line())
    rows = [{"id": item.id} for item in invoice.items]
    invoices.update(SYSTEM, invoice.id, {"items": rows[:1]})
    with pytest.raises(Stale):
        invoices.update(SYSTEM, invoice.id, {"items": rows})
    other = make_draft(acorn)
    with pytest.raises(Stale):
        invoices.update(SYSTEM, invoice.id, {"items": [{"id": other.items[0].id}]})
    with pytest.raises(Invalid, match=r"The same line comes twice"):
        invoices.update(SYSTEM, invoice.id, {"items": [rows[0], rows[0]]})
    with pytest.raises(Invalid, match=r"Choose one from the list"):
        invoices.update(SYSTEM, invoice.id, {"items": [{"id": "1; drop"}]})


def test_another_currency_is_refused_while_a_line_has_a_package(acorn):
    invoice = make_draft(acorn, line(package_id=make_package("Dollar Example Line").id))
    yen = make_customer("Yen Example", "JPY")
    with pytest.raises(Invalid) as raised:
        invoices.update(SYSTEM, invoice.id, {"customer_id": yen.id})
    assert list(raised.value.errors) == ["items-0-package_id"]
    assert fresh(invoice).currency == "USD"


def test_one_line_from_the_list_of_items(acorn):
    invoice = make_draft(acorn, line("1", "10", "20"), line("1", "10", "20"))
    item = invoice.items[1]
    invoice_lines.update_item(SYSTEM, item.id, {"quantity": "3"})
    assert fresh(invoice).total == D("48.00")
    with pytest.raises(Invalid) as raised:
        invoice_lines.update_item(
            SYSTEM, item.id, {"quantity": "999999999999", "unit_price": "99999999999999"}
        )
    assert list(raised.value.errors) == ["unit_price"]
    with pytest.raises(Invalid) as raised:
        invoice_lines.update_item(SYSTEM, item.id, {"date_from": DAY, "date_to": DAY - dt.timedelta(days=1)})
    assert list(raised.value.errors) == ["date_to"]
    with pytest.raises(Invalid) as raised:
        invoice_lines.update_item(SYSTEM, item.id, {"package_id": 99})
    assert list(raised.value.errors) == ["package_id"]
    with pytest.raises(Stale):
        invoice_lines.update_item(SYSTEM, item.id, {"quantity": "4"}, version=1)
    invoices.issue(SYSTEM, invoice.id)
    with pytest.raises(Refused, match=r"is issued, so its lines can't be changed"):
        invoice_lines.update_item(SYSTEM, item.id, {"quantity": "5"})
    with pytest.raises(Missing):
        invoice_lines.update_item(SYSTEM, 999, {"quantity": "5"})
