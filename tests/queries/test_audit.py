"""The audit log: everything is recorded, and it reads like a story."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import text, update

from dashboard.extensions import db
from dashboard.models import AuditEntry, Contact, Customer, InvoiceItem, Payment, Staff
from dashboard.operations import (
    allocations,
    contacts,
    customers,
    invoices,
    packages,
    payments,
    settings,
    staff,
)
from dashboard.operations.base import unit_of_work
from dashboard.queries import audit, audit_words
from dashboard.queries.audit import Change, Filter, log, timeline
from tests.support.books import line, make_customer, make_draft, make_issued, make_package, make_payment


def read(entry):
    return {change.label: (change.before, change.after) for change in entry.changes}


# What is recorded


def test_a_change_is_recorded_with_who_and_why(actor):
    customer = make_customer()
    customers.update(actor.saying("They called"), customer.id, {"status": "penalty", "tax_percent": "7.5"})
    latest = timeline("customer", customer.id)[0]
    assert (latest.who, latest.comment, latest.title) == ("Ada Admin", "They called", "Customer changed")
    assert read(latest) == {"Status": ("Active", "Penalty"), "Tax %": ("", "7.5")}


def test_bulk_sql_is_recorded_row_by_row(actor):
    made = [make_customer(f"Example {number} Ltd") for number in range(3)]
    with unit_of_work(actor.saying("New terms")) as session:
        session.execute(update(Customer).values(invoice_due_days=10))
    with unit_of_work(actor) as session:
        session.execute(text("UPDATE customer SET city = 'Example Town' WHERE id = :id"), {"id": made[0].id})
    for customer in made:
        entry = timeline("customer", customer.id)[-2]
        assert (entry.who, entry.comment) == ("Ada Admin", "New terms")
        assert read(entry) == {"Invoice due days": ("", "10")}
    assert read(timeline("customer", made[0].id)[0]) == {"City": ("", "Example Town")}


def test_a_deletion_by_sql_is_recorded(actor):
    customer = make_customer()
    with unit_of_work(actor) as session:
        session.execute(text("DELETE FROM customer"))
    latest = timeline("customer", customer.id)[0]
    assert (latest.title, latest.subject) == ("Customer deleted", "Customer Example Telecom Ltd")
    assert read(latest)["Name"] == ("Example Telecom Ltd", "")


def test_who_writes_past_the_application_is_named_the_database(app):
    make_customer()
    db.session.execute(text("UPDATE customer SET name = 'Other'"))
    db.session.commit()
    assert db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first().actor_name == "Database"


def test_what_was_rolled_back_is_not_recorded(actor):
    customer = make_customer()
    with pytest.raises(RuntimeError), unit_of_work(actor) as session:
        session.execute(update(Customer).values(city="Nowhere"))
        raise RuntimeError
    assert len(timeline("customer", customer.id)) == 1


def test_a_save_that_changes_nothing_is_no_entry(actor):
    customer = make_customer()
    customers.update(actor, customer.id, {"status": "active"})
    with unit_of_work(actor) as session:
        session.execute(update(Customer).values(city=None))
    assert len(timeline("customer", customer.id)) == 1


def test_no_secret_is_ever_recorded(actor):
    values = {"email": "x@example.com", "name": "X", "role": "clerk", "password": "a secret of words"}
    made = staff.create(actor, values)
    staff.set_password(actor, made.id, "another secret of words")
    with unit_of_work(actor) as session:
        secret = {"tf_totp_secret": "TOTPSECRET", "tf_primary_method": "authenticator"}
        session.execute(update(Staff).where(Staff.id == made.id).values(**secret))
        session.execute(
            text("UPDATE staff SET mf_recovery_codes = 'CODE1,CODE2' WHERE id = :id"), {"id": made.id}
        )
    settings.update(
        actor,
        {
            "smtp_user": "u",
            "smtp_password": "SMTPSECRET",
            "smtp_host": "h.example",
            "smtp_from": "a@b.example",
        },
    )
    hashes = set(db.session.scalars(text("SELECT password FROM staff")))
    kept = " ".join(str(one) for one in db.session.scalars(text("SELECT changes::text FROM audit_entry")))
    for secret in ("TOTPSECRET", "CODE1", "SMTPSECRET", "secret of words", "argon2", *hashes):
        assert secret not in kept
    assert "(hidden)" in kept


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET comment = 'other'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"],
)
def test_the_log_itself_only_grows(actor, statement):
    make_customer()
    with pytest.raises(Exception, match="only grows"):
        db.session.execute(text(statement))
    db.session.rollback()


# How it reads


def test_a_new_record_tells_what_was_filled_in(actor):
    customer = customers.create(
        actor, {"name": "Example Telecom Ltd", "currency": "EUR", "debit_limit": "1500", "tags": "voip, isp"}
    )
    (made,) = timeline("customer", customer.id)
    assert made.title == "Customer added"
    assert read(made) == {
        "Name": ("", "Example Telecom Ltd"),
        "Status": ("", "Active"),
        "Currency": ("", "EUR"),
        "Debit limit": ("", "€1,500.00 EUR"),
        "Tags": ("", "isp, voip"),
        "Invoice schedule": ("", "None"),
    }


def test_keys_are_shown_as_names(actor, as_role):
    customer = make_customer()
    key = as_role("clerk").id
    customers.update(actor, customer.id, {"account_manager_id": key})
    assert read(timeline("customer", customer.id)[0]) == {"Account manager": ("", "Clark Clerk")}
    staff.delete(actor, key)
    assert read(timeline("customer", customer.id)[0]) == {"Account manager": ("Staff account 2", "")}


def test_contacts_stand_on_the_customers_timeline(actor):
    customer = make_customer()
    contact = contacts.create(actor, {"customer_id": customer.id, "name": "Ann", "type": "technical"})
    contacts.update(actor, contact.id, {"email": "ann@example.com"})
    contacts.delete(actor, contact.id)
    deleted, changed, added = timeline("customer", customer.id)[:3]
    assert added.title == "Contact “Ann” added"
    assert read(added) == {
        "Contact “Ann”: Name": ("", "Ann"),
        "Contact “Ann”: Type": ("", "Technical"),
    }
    assert (changed.title, read(changed)) == (
        "Contact “Ann” changed",
        {"Contact “Ann”: E-mail": ("", "ann@example.com")},
    )
    assert (deleted.title, deleted.changes) == ("Contact “Ann” deleted", ())


def test_an_invoice_tells_its_life(actor):
    customer = make_customer(currency="JPY")
    invoice = make_draft(customer, line(unit_price="1000"), line(unit_price="234"))
    first = timeline("invoice", invoice.id)[0]
    assert first.title == "Invoice added, 2 lines added"
    invoices.issue(actor, invoice.id)
    issued = timeline("invoice", invoice.id)[0]
    assert issued.title == "Invoice issued"
    assert read(issued)["Status" if "Status" in read(issued) else "State"] == ("Draft", "Issued")
    invoices.void(actor, invoice.id, reason="Wrong customer")
    assert timeline("invoice", invoice.id)[0].title == "Invoice voided"


def test_money_is_written_as_its_currency_is(actor):
    customer = make_customer(currency="JPY")
    invoice = make_issued(customer, "1235")
    payment = make_payment(customer, "1000")
    allocations.allocate(actor, payment.id, invoice.id, Decimal(1000))
    latest = timeline("invoice", invoice.id)[0]
    assert read(latest)["Paid"] == ("¥0 JPY", "¥1,000 JPY")
    assert ("", "¥1,000 JPY") in read(latest).values()
    assert any(change.after == f"Payment {payment.id}" for change in latest.changes)
    mine = timeline("payment", payment.id)[0]
    assert read(mine) == {"Allocated": ("¥0 JPY", "¥1,000 JPY")}


def test_numbers_keep_every_place(actor):
    made = packages.create(
        actor, {"name": "Example Line", "currency": "USD", "retail": Decimal("12345678901234.123456")}
    )
    assert read(timeline("package", made.id)[0])["Retail"] == ("", "12345678901234.123456")


def test_lines_are_told_apart_by_their_text(actor):
    customer = make_customer()
    invoice = make_draft(customer, line(description="Support"), line(description="Rent"))
    with unit_of_work(actor) as session:
        session.execute(
            update(InvoiceItem).where(InvoiceItem.description == "Support").values(tax_name="GST")
        )
    latest = timeline("invoice", invoice.id)[0]
    assert latest.title == "Line “Support” changed"
    assert latest.changes == (Change("Line “Support”: Tax description", "VAT", "GST"),)


def test_settings_and_staff(actor, as_role):
    settings.update(actor, {"auto_logout_minutes": 30, "tax_inclusive": True})
    (entry,) = timeline("setting", 1)
    assert (entry.title, entry.subject) == ("Settings changed", "Settings")
    assert read(entry) == {"Auto logout, minutes": ("60", "30"), "Tax inclusive": ("No", "Yes")}
    staff.update(actor, as_role("clerk").id, {"role": "manager"})
    (entry,) = timeline("staff", as_role("clerk").id)
    assert (entry.subject, read(entry)) == ("Staff account Clark Clerk", {"Role": ("Clerk", "Manager")})


def test_times_are_of_the_accounts_zone(actor):
    settings.update(actor, {"time_zone": "Asia/Tokyo"})
    (entry,) = timeline("setting", 1)
    assert entry.when.utcoffset() == dt.timedelta(hours=9)


def test_every_recorded_table_has_a_name_and_every_column_a_label(app):
    watched = db.session.scalars(
        text("SELECT event_object_table FROM information_schema.triggers WHERE trigger_name = 'audit'")
    )
    for table in set(watched) & set(db.metadata.tables):
        if table == "audit_entry":
            continue
        assert table in audit_words.NOUNS
        for column in db.metadata.tables[table].columns:
            assert audit_words.label(column.name)


# The whole log


def test_one_transaction_is_one_deed(actor):
    customer = make_customer()
    invoice = make_issued(customer, "100")
    payment = make_payment(customer, "60")
    before = len(log(Filter()).deeds)
    allocations.allocate(actor, payment.id, invoice.id, Decimal(60))
    deeds = log(Filter()).deeds
    assert len(deeds) == before + 1
    assert {entry.subject for entry in deeds[0].entries} == {
        f"Invoice {invoice.number}",
        f"Payment {payment.id}",
    }
    assert deeds[0].who == "Ada Admin"


def test_pages_join_without_a_gap_or_a_repeat(actor):
    for number in range(25):
        make_customer(f"Example {number} Ltd")
    seen, before = [], None
    while True:
        page = log(Filter(), limit=7, before=before)
        seen += [deed.entries[0].subject for deed in page.deeds]
        before = page.older
        if before is None:
            break
    assert seen == [f"Customer Example {number} Ltd" for number in reversed(range(25))]


def test_a_deed_of_very_many_rows_is_counted_and_bounded(actor, monkeypatch):
    make_customer("Before Ltd")
    with unit_of_work(actor) as session:
        session.execute(
            text(
                "INSERT INTO customer (name, currency)"
                " SELECT 'Example ' || n, 'USD' FROM generate_series(1, 500) n"
            )
        )
    page = log(Filter(), limit=5)
    assert [deed.more for deed in page.deeds] == [500 - audit.MOST_SHOWN, 0]
    monkeypatch.setattr(audit, "MOST_ROWS", 300)
    first = log(Filter(), limit=5)
    assert len(first.deeds) == 1
    second = log(Filter(), limit=5, before=first.older)
    assert [deed.more for deed in second.deeds] == [200 - audit.MOST_SHOWN, 0]
    assert second.older is None


def test_filters(actor, as_role):
    customer = make_customer()
    customers.update(as_role("clerk"), customer.id, {"city": "Example Town"})
    contacts.create(actor, {"customer_id": customer.id, "name": "Ann"})
    make_package()

    def titles(**wanted):
        return [entry.title for deed in log(Filter(**wanted)).deeds for entry in deed.entries]

    assert titles(actor_id=as_role("clerk").id) == ["Customer changed"]
    assert titles(system=True) == ["Package added", "Customer added"]
    assert titles(table="contact") == ["Contact “Ann” added"]
    assert titles(subject_table="customer", subject_id=str(customer.id)) == [
        "Contact “Ann” added",
        "Customer changed",
        "Customer added",
    ]
    today = dt.datetime.now(dt.UTC).date()
    assert len(titles(since=today, until=today)) == 4
    assert titles(since=today + dt.timedelta(days=1)) == []
    assert titles(until=today - dt.timedelta(days=1)) == []


def test_days_are_of_the_accounts_zone(actor):
    settings.update(actor, {"time_zone": "Pacific/Kiritimati"})
    db.session.add(
        AuditEntry(
            at=dt.datetime(2026, 3, 1, 10, 30, tzinfo=dt.UTC),
            actor_name="Ada Admin",
            action="update",
            table_name="customer",
            row_id="1",
            subject_table="customer",
            subject_id="1",
            changes={"city": [None, "Example Town"]},
            transaction_id=1,
        )
    )
    db.session.commit()
    second = dt.date(2026, 3, 2)
    assert len(log(Filter(table="customer", since=second, until=second)).deeds) == 1
    assert log(Filter(table="customer", until=dt.date(2026, 3, 1))).deeds == []


def test_names_take_one_query_a_table_however_long_the_page(actor, count_queries):
    customer = make_customer()
    for number in range(30):
        contacts.create(actor, {"customer_id": customer.id, "name": f"Ann {number}"})
        payments.create(
            actor, {"customer_id": customer.id, "amount": Decimal(1), "paid_on": dt.date(2026, 11, 2)}
        )
    with count_queries() as short:
        log(Filter(), limit=2)
    with count_queries() as long:
        log(Filter(), limit=60)
    assert long.count <= short.count + 1


@pytest.fixture
def count_queries(app):
    from contextlib import contextmanager
    from types import SimpleNamespace

    from sqlalchemy import event

    @contextmanager
    def counting():
        seen = SimpleNamespace(count=0)

        def note(*_args):
            seen.count += 1

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return counting


def test_records_of_one_page_are_those_asked_for(actor):
    one, other = make_customer("One Ltd"), make_customer("Other Ltd")
    db.session.add(Contact(customer_id=other.id, name="Ann"))
    with unit_of_work(actor) as session:
        session.execute(update(Customer).values(city="Example Town"))
    assert [entry.subject for entry in timeline("customer", one.id)] == ["Customer One Ltd"] * 2
    assert db.session.query(Payment).count() == 0
