"""Upload of customers: columns, preview, all or nothing."""

from __future__ import annotations

import csv
import io
import time

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import AuditEntry, Contact, Customer, Document
from dashboard.operations import customer_import, customers
from dashboard.operations.csv_file import read_table
from dashboard.operations.customer_columns import COLUMNS, TARGETS
from dashboard.operations.errors import Duplicate, Forbidden, Missing, Refused
from dashboard.operations.upload import faults_csv
from tests.support.books import at_once

SIMPLE = {0: "name", 1: "currency"}


def table(text: str):
    return read_table(text.encode(), most_rows=100)


def faults(text: str, mapping: dict[int, str], **options) -> list[tuple[int, str, str]]:
    return [
        (f.row, f.field, f.message)
        for f in customer_import.IMPORT.plan(table(text), mapping, **options).faults
    ]


def count(model=Customer) -> int:
    return db.session.scalar(select(func.count(model.id))) or 0


# Columns


def test_columns_are_guessed_by_their_headings():
    header = [
        "Company Name",
        "CCY",
        "E-mail",
        "Zip/Postal code",
        "VAT",
        "Payment terms",
        "Colour",
        "State",
        "Status",
    ]
    assert COLUMNS.guess(header) == {
        0: "name",
        1: "currency",
        2: "contact_email",
        3: "postcode",
        4: "vat_number",
        5: "invoice_due_days",
        8: "status",
    }


def test_a_field_is_guessed_for_one_column_only():
    assert COLUMNS.guess(["Name", "Customer", "Name"]) == {0: "name"}


def test_every_label_and_field_name_is_known():
    assert list(COLUMNS.guess([target.label for target in TARGETS]).values()) == [
        target.name for target in TARGETS
    ]
    assert list(COLUMNS.guess([target.name for target in TARGETS]).values()) == [
        target.name for target in TARGETS
    ]


def test_the_template_reads_itself(app):
    found = read_table(b"".join(COLUMNS.template()), most_rows=5)
    plan = customer_import.IMPORT.plan(found, COLUMNS.guess(found.header))
    assert (plan.total, len(plan.ready), plan.faults) == (1, 1, [])
    assert plan.ready[0].contact == {"name": "Accounts Payable", "email": "accounts@example.com"}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({0: "name"}, "Choose the column that holds the Currency."),
        ({}, "Choose the column that holds the Name. Choose the column that holds the Currency."),
        ({0: "name", 1: "currency", 2: "name"}, "Name is chosen for 2 columns. Keep one."),
        ({0: "name", 1: "currency", 2: "id"}, "does not fit this file"),
        ({0: "name", 9: "currency"}, "does not fit this file"),
    ],
)
def test_a_mapping_that_can_not_be(app, mapping, words):
    with pytest.raises(Refused, match=words):
        customer_import.IMPORT.plan(table("a,b,c\n1,2,3\n"), mapping)


# Preview


def test_every_fault_has_its_row_field_and_words(app):
    text = (
        "Name,Currency,Tax %,Country,Manager,Mail\n"
        "Acorn,USD,20%,GB,,a@example.com\n\n"
        ",XYZ,many,Atlantis,Nobody,x\n"
    )
    mapping = {
        0: "name",
        1: "currency",
        2: "tax_percent",
        3: "country",
        4: "account_manager",
        5: "contact_email",
    }
    found = customer_import.IMPORT.plan(table(text), mapping)
    assert (found.total, len(found.ready), found.faulty) == (2, 1, 1)
    assert {(f.row, f.field) for f in found.faults} == {
        (4, "Name"),
        (4, "Currency"),
        (4, "Tax %"),
        (4, "Country"),
        (4, "Account Manager"),
        (4, "Contact Email"),
    }
    by_field = {f.field: f for f in found.faults}
    assert by_field["Tax %"].message == '"many" is not a number. Write it like 1,234.50.'
    assert by_field["Tax %"].value == "many"
    assert by_field["Account Manager"].message == 'Nobody on the staff is called "Nobody".'
    assert count() == 0


def test_too_many_cells_are_a_fault(app):
    assert "more cells than there are columns" in faults("Name,Currency\nAcorn, Ltd,USD\n", SIMPLE)[0][2]
    assert faults("Name,Currency\nAcorn,USD,,\n", SIMPLE) == []


def test_debit_limits_keep_to_the_currency(app):
    assert faults("n,c,l\nAcorn,JPY,1.5\n", {**SIMPLE, 2: "debit_limit"}) == [
        (2, "Debit Limit", "1.5 has more decimals than JPY has.")
    ]


def test_duplicates_in_the_file_and_in_the_books(clerk):
    customers.create(clerk, {"name": "Acorn Example", "currency": "USD", "external_accounting_id": "A1"})
    text = "n,c,x\nACORN example,USD,\nOak,USD,B1\noak,USD,\nElm,USD,B1\nFir,USD,A1\nYew,USD,C1\n"
    mapping = {**SIMPLE, 2: "external_accounting_id"}
    expected = [
        (2, "Name", "A customer already has this Name."),
        (4, "Name", "Row 3 has this Name."),
        (5, "External Accounting ID", "Row 3 has this External Accounting ID."),
        (6, "External Accounting ID", "A customer already has this External Accounting ID."),
    ]
    assert faults(text, mapping) == expected
    skipping = customer_import.IMPORT.plan(table(text), mapping, "skip")
    assert skipping.faults == []
    assert [(f.row, f.field, f.message) for f in skipping.left_out] == expected
    assert [read.customer["name"] for read in skipping.ready] == ["Oak", "Yew"]


# Import


def test_import(clerk, staff):
    content = (
        "Name;Currency;Status;Account manager;Tags;Contact;Email;Notes\r\n"
        f'=1+1;eur;Pending Approval;{staff["manager"].email};"VIP, Gold";Payable;ap@example.com;"a\r\nb"\r\n'
        "Oak;USD;;;;;billing@example.com;\r\n"
        "Elm;USD;;;;;;\r\n"
    ).encode("cp1252")
    token = customer_import.UPLOAD.keep(clerk, content)
    found = customer_import.UPLOAD.kept(clerk, token)
    outcome = customer_import.IMPORT.run(
        clerk.saying("from the old system"), token, COLUMNS.guess(found.header)
    )
    assert outcome.created == 3
    first, oak, elm = db.session.scalars(select(Customer).order_by(Customer.id))
    # A formula is just text here.
    assert (first.name, first.currency, first.status) == ("=1+1", "EUR", "pending_approval")
    assert (first.account_manager_id, first.tags, first.notes) == (
        staff["manager"].id,
        ["gold", "vip"],
        "a\nb",
    )
    assert [(c.name, c.email) for c in first.contacts] == [("Payable", "ap@example.com")]
    assert [(c.name, c.email) for c in oak.contacts] == [("billing@example.com", "billing@example.com")]
    assert elm.contacts == []
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.table_name == "customer").limit(1)).one()
    assert (entry.action, entry.comment) == ("insert", "from the old system")


def test_all_or_nothing(clerk):
    token = customer_import.UPLOAD.keep(clerk, b"Name,Currency\nAcorn,USD\nOak,???\nElm,!\n")
    with pytest.raises(Refused, match="Nothing was imported: 2 of 3 rows have errors"):
        customer_import.IMPORT.run(clerk, token, SIMPLE)
    assert count() == 0
    # The upload stays for another choice of columns.
    assert customer_import.UPLOAD.kept(clerk, token).rows


def test_an_upload_is_imported_once(clerk):
    token = customer_import.UPLOAD.keep(clerk, b"Name,Currency\nAcorn,USD\n")
    customer_import.IMPORT.run(clerk, token, SIMPLE)
    with pytest.raises(Duplicate) as raised:
        customer_import.IMPORT.run(clerk, token, SIMPLE)
    assert raised.value.result == "import:1"
    assert (count(), count(Document)) == (1, 0)
    with pytest.raises(Missing):
        customer_import.UPLOAD.kept(clerk, token)


def test_an_upload_belongs_to_who_made_it(clerk, as_role):
    token = customer_import.UPLOAD.keep(clerk, b"Name,Currency\nAcorn,USD\n")
    with pytest.raises(Missing):
        customer_import.UPLOAD.kept(as_role("manager"), token)
    for wrong in ("", "../x", "f" * 32, "%" * 32):
        with pytest.raises(Missing):
            customer_import.UPLOAD.kept(clerk, wrong)


def test_a_file_that_can_not_be_read_is_not_kept(clerk):
    with pytest.raises(Refused):
        customer_import.UPLOAD.keep(clerk, b"")
    with pytest.raises(Refused, match="larger than 20 MB"):
        customer_import.UPLOAD.keep(clerk, b"a" * (20 * 1024 * 1024 + 1))
    assert count(Document) == 0


def test_rights(as_role, clerk):
    token = customer_import.UPLOAD.keep(clerk, b"Name,Currency\nAcorn,USD\n")
    viewer = as_role("viewer")
    with pytest.raises(Forbidden):
        customer_import.UPLOAD.keep(viewer, b"Name,Currency\nAcorn,USD\n")
    with pytest.raises(Forbidden):
        customer_import.IMPORT.run(viewer, token, SIMPLE)


def test_ten_thousand_rows(clerk):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Name", "Currency", "Email", "Country", "External ID"])
    writer.writerows([f"Example {n}", "USD", f"ap{n}@example.com", "GB", f"E{n}"] for n in range(10_000))
    started = time.monotonic()
    token = customer_import.UPLOAD.keep(clerk, out.getvalue().encode())
    found = customer_import.UPLOAD.kept(clerk, token)
    outcome = customer_import.IMPORT.run(clerk, token, COLUMNS.guess(found.header))
    assert (outcome.created, count(), count(Contact)) == (10_000, 10_000, 10_000)
    assert time.monotonic() - started < 60


def test_the_list_of_faults_as_csv(app):
    found = customer_import.IMPORT.plan(table("n,c\n=cmd(),USD\nAcorn,=1+1\n"), SIMPLE)
    rows = list(csv.reader(b"".join(faults_csv(found.faults)).decode("utf-8-sig").splitlines()))
    assert rows == [
        ["Row", "Field", "Problem", "Value"],
        ["3", "Currency", '"=1+1" is not a currency. Use a code such as USD, EUR or GBP.', "'=1+1"],
    ]


def test_the_same_file_twice_at_once(app, clerk):
    tokens = [customer_import.UPLOAD.keep(clerk, b"Name,Currency\nAcorn,USD\nOak,EUR\n") for _ in range(3)]
    results = at_once(
        app, [lambda token=token: customer_import.IMPORT.run(clerk, token, SIMPLE) for token in tokens]
    )
    assert sum(isinstance(one, Refused) for one in results) == 2
    assert count() == 2


def test_one_upload_twice_at_once(app, clerk):
    token = customer_import.UPLOAD.keep(clerk, b"Name,Currency\nAcorn,USD\n")
    results = at_once(app, [lambda: customer_import.IMPORT.run(clerk, token, SIMPLE) for _ in range(3)])
    assert sum(isinstance(one, Duplicate) for one in results) == 2
    assert count() == 1
