"""Drafts: what goes on them, what they come to, and which words refuse the rest."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.extensions import db
from dashboard.models import Invoice, InvoiceItem
from dashboard.operations import customers, invoices
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Refused
from dashboard.queries import settings
from tests.support.books import DAY, faults, fresh, line, make_customer, make_draft, make_issued

D = Decimal


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", invoice_due_days=14)


def test_totals_of_a_draft_case_9(acorn):
    invoice = make_draft(acorn, line("10", "10", "20"), line("5", "1", "6"))
    assert (invoice.subtotal, invoice.tax, invoice.total) == (D("105.00"), D("20.30"), D("125.30"))
    assert [item.gross for item in invoice.items] == [D("120.00"), D("5.30")]
    assert [item.position for item in invoice.items] == [1, 2]
    assert (invoice.state, invoice.number, invoice.currency) == ("draft", None, "USD")


@pytest.mark.parametrize(("mode", "tax"), [("per_rate", "15.33"), ("per_line", "15.34")])
def test_the_tax_mode_of_the_settings_case_10(acorn, mode, tax):
    settings.current().tax_mode = mode
    db.session.commit()
    invoice = make_draft(acorn, line("1", "55.55", "23"), line("1", "11.11", "23"))
    assert invoice.tax == D(tax) == sum(item.tax for item in invoice.items)
    settings.current().tax_mode = "per_line" if mode == "per_rate" else "per_rate"
    db.session.commit()
    again = invoices.update(SYSTEM, invoice.id, {"items": [{"id": item.id} for item in invoice.items]})
    assert again.tax == D(tax), "a draft keeps the mode it began with"


@pytest.mark.parametrize(("mode", "tax"), [("per_rate", "15.97"), ("per_line", "15.96")])
def test_prices_that_include_the_tax_case_11(acorn, mode, tax):
    setting = settings.current()
    setting.tax_mode, setting.tax_inclusive = mode, True
    db.session.commit()
    invoice = make_draft(acorn, line("1", "50", "19"), line("1", "50", "19"))
    assert (invoice.total, invoice.tax) == (D("100.00"), D(tax))


def test_currencies_without_and_with_three_decimals_case_13(app):
    yen = make_draft(make_customer("Yen Example", "JPY"), line("1", "1127", "10"))
    dinar = make_draft(make_customer("Dinar Example", "BHD"), line("1", "1.2345", "0"))
    assert (yen.total, dinar.total) == (D("1240"), D("1.235"))


def test_a_line_below_zero_mirrors_the_same_above_case_14(acorn):
    invoice = make_draft(acorn, line("-3", "10", "20"), line("3", "10", "20"), line("-3", "10", "20"))
    assert (invoice.items[0].net, invoice.items[0].tax) == (D("-30.00"), D("-6.00"))
    assert (invoice.subtotal, invoice.tax) == (D("-30.00"), D("-6.00"))


def test_dates_and_terms(acorn):
    assert make_draft(acorn).due_date == DAY + dt.timedelta(days=14)
    assert make_draft(make_customer("No Terms Example")).due_date == DAY + dt.timedelta(days=30)
    today = invoices.create(SYSTEM, {"customer_id": acorn.id})
    assert today.issue_date == settings.today()
    given = make_draft(acorn, due_date=DAY)
    assert given.due_date == DAY
    assert invoices.update(SYSTEM, given.id, {"due_date": None}).due_date == DAY + dt.timedelta(days=14)


def test_a_due_date_before_the_invoice_date_is_refused_at_its_field(acorn):
    with pytest.raises(Invalid) as raised:
        make_draft(acorn, due_date=DAY - dt.timedelta(days=1))
    assert faults(raised.value) == {"due_date": "The due date can't be before the invoice date, 2026-11-02."}
    invoice = make_draft(acorn)
    with pytest.raises(Invalid) as raised:
        invoices.update(SYSTEM, invoice.id, {"issue_date": dt.date(2027, 1, 1)})
    assert list(raised.value.errors) == ["issue_date"]


def test_every_fault_of_a_form_is_told_at_its_field(acorn):
    rows = [
        line(date_from="2026-11-30", date_to="2026-11-01"),
        line() | {"quantity": "ten", "unit_price": "1.1234567", "tax_percent": "101"},
        {"description": "x" * 1001},
        line() | {"quantity": "1000000000000"},
    ]
    with pytest.raises(Invalid) as raised:
        invoices.create(SYSTEM, {"customer_id": None, "issue_date": "2026-02-30", "items": rows})
    assert faults(raised.value) == {
        "customer_id": "Choose a customer.",
        "issue_date": "There is no such day.",
        "items-0-date_to": "The date range can't end before it begins.",
        "items-1-quantity": '"ten" is not a number. Write it like 1,234.50.',
        "items-1-unit_price": "Use at most 6 decimals.",
        "items-1-tax_percent": "This can't be more than 100.",
        "items-2-description": "Use at most 1,000 characters; this has 1,001.",
        "items-2-quantity": "Fill this in.",
        "items-2-unit_price": "Fill this in.",
        "items-2-tax_percent": "Fill this in.",
        "items-3-quantity": "This number is too big: use at most 12 digits before the point.",
    }


def test_no_customer_and_one_that_is_gone(acorn):
    for key, words in (
        (None, "Choose a customer."),
        (987, "This customer no longer exists. Choose another."),
    ):
        with pytest.raises(Invalid) as raised:
            invoices.create(SYSTEM, {"customer_id": key})
        assert faults(raised.value) == {"customer_id": words}


def test_a_field_alone_leaves_the_rest(acorn):
    invoice = make_draft(acorn, notes="Thank you", reference="PO 1")
    invoices.update(SYSTEM, invoice.id, {"reference": "PO 2"})
    found = fresh(invoice)
    assert (found.reference, found.notes, len(found.items)) == ("PO 2", "Thank you", 1)


def test_another_customer_brings_its_currency(acorn):
    invoice = make_draft(acorn, line("1", "10.55"))
    yen = make_customer("Yen Example", "JPY")
    invoices.update(SYSTEM, invoice.id, {"customer_id": yen.id})
    found = fresh(invoice)
    assert (found.currency, found.customer_name, found.total) == ("JPY", "Yen Example", D(11))


def test_a_duplicate_is_a_new_draft(acorn):
    source = make_issued(acorn, reference="PO 1", notes="Thank you")
    copy = invoices.duplicate(SYSTEM, source.id, form_key="k1")
    assert (copy.state, copy.number, copy.total, copy.notes) == ("draft", None, source.total, "Thank you")
    assert (copy.reference, copy.issue_date) == (None, settings.today())
    assert {item.id for item in copy.items}.isdisjoint(item.id for item in source.items)
    with pytest.raises(Duplicate):
        invoices.duplicate(SYSTEM, source.id, form_key="k1")


def test_deleting_drafts(acorn):
    invoice = make_draft(acorn)
    invoices.delete(SYSTEM, invoice.id)
    assert db.session.query(InvoiceItem).count() == 0
    issued = make_issued(acorn)
    with pytest.raises(Refused, match=r"has a number, so it can't be deleted. Void it instead."):
        invoices.delete(SYSTEM, issued.id)
    invoices.reopen(SYSTEM, issued.id)
    result = invoices.delete_many(SYSTEM, [issued.id, make_draft(acorn).id, 999])
    assert len(result.done) == 1
    assert [(row.label, row.id) for row in result.refused] == [(issued.number, issued.id), ("Draft 999", 999)]


def test_a_form_sent_twice_makes_one(acorn):
    made = invoices.create(SYSTEM, {"customer_id": acorn.id}, form_key="form")
    with pytest.raises(Duplicate) as raised:
        invoices.create(SYSTEM, {"customer_id": acorn.id}, form_key="form")
    assert raised.value.result == f"invoice:{made.id}"
    assert db.session.query(Invoice).count() == 1


def test_saving_and_issuing_is_one_step(acorn):
    with pytest.raises(Refused, match=r"has no lines"):
        invoices.save(SYSTEM, None, {"customer_id": acorn.id}, issue=True, form_key="form")
    assert db.session.query(Invoice).count() == 0
    made = invoices.save(
        SYSTEM, None, {"customer_id": acorn.id, "items": [line()]}, issue=True, form_key="form"
    )
    assert made.number is not None, "the refused form may be sent again under its key"
    draft = make_draft(acorn)
    saved = invoices.save(SYSTEM, draft.id, {"reference": "PO 3"}, issue=True, version=draft.version)
    assert (saved.state, saved.reference) == ("issued", "PO 3")


def test_a_customer_renamed_is_renamed_on_drafts_only(acorn):
    issued, draft = make_issued(acorn), make_draft(acorn)
    customers.update(SYSTEM, acorn.id, {"name": "Oak Example Networks"})
    assert fresh(issued).customer_name == "Acorn Example Networks"
    assert fresh(draft).customer_name == "Oak Example Networks"


def test_what_each_role_may_do(acorn, as_role):
    values = {"customer_id": acorn.id, "items": [line()]}
    with pytest.raises(Forbidden):
        invoices.create(as_role("viewer"), values)
    invoice = invoices.create(as_role("clerk"), values)
    for refused in (
        lambda: invoices.issue(as_role("clerk"), invoice.id),
        lambda: invoices.save(as_role("clerk"), invoice.id, {}, issue=True),
        lambda: invoices.issue_many(as_role("clerk"), [invoice.id]),
        lambda: invoices.void(as_role("clerk"), invoice.id, "x"),
        lambda: invoices.reopen(as_role("clerk"), invoice.id),
        lambda: invoices.update(as_role("viewer"), invoice.id, {}),
        lambda: invoices.delete(as_role("viewer"), invoice.id),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert invoices.issue(as_role("manager"), invoice.id).number


@pytest.mark.parametrize("text", ["\x00", "a\ud800b", "\x1b[0m"])
def test_characters_that_nothing_can_store(acorn, text):
    with pytest.raises(Invalid) as raised:
        make_draft(acorn, line(description=text), reference=text, notes=text)
    assert set(raised.value.errors) == {"reference", "notes", "items-0-description"}
