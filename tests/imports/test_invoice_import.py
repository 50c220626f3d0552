"""Invoices from files: the real sample beside this repository where it is, and our own of the same form."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import AuditEntry, Customer, Invoice, InvoiceItem
from dashboard.operations import allocations, customers, invoices
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Forbidden, Refused
from dashboard.operations.invoice_import import Options, Report, import_invoices
from dashboard.queries.checks import discrepancies
from tests.support.books import fresh, line, make_customer

D = Decimal
OWN = Path(__file__).parent / "data" / "example-lines.csv"
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "online-retail-sample.csv"
FILES = [OWN, *([SAMPLE] if SAMPLE.exists() else [])]

COLUMNS = (
    "number=InvoiceNo,customer=CustomerID,description=Description,quantity=Quantity,"
    "unit_price=UnitPrice,date=InvoiceDate,country=Country"
)
RETAIL = {"columns": COLUMNS, "date_format": "%m/%d/%y %H:%M", "currency": "GBP"}
SIMPLE = "number=No,customer=Customer,quantity=Qty,unit_price=Price,date=Date"


def run(path: Path, **options) -> Report:
    return import_invoices(SYSTEM, path, Options(**{**RETAIL, **options}))


def written(tmp_path: Path, *rows: str, header: str = "No,Customer,Qty,Price,Date") -> Path:
    path = tmp_path / "lines.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def simple(path: Path, **options) -> Report:
    return import_invoices(SYSTEM, path, Options(**{"columns": SIMPLE, **options}))


def in_the_file(path: Path) -> tuple[dict[str, Decimal], dict[int, str]]:
    """(sum of quantity x price of each sound invoice, invoice number of each faulty line)."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    faulty: dict[int, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for at, row in enumerate(csv.DictReader(file), start=2):
            if not row["CustomerID"] or D(row["Quantity"]) < 0:
                faulty[at] = row["InvoiceNo"]
            else:
                sums[row["InvoiceNo"]] += D(row["Quantity"]) * D(row["UnitPrice"])
    return {number: total for number, total in sums.items() if number not in faulty.values()}, faulty


def stored() -> dict[str, Decimal]:
    return {row.reference: row.total for row in db.session.scalars(select(Invoice))}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("issue", [False, True], ids=["drafts", "issued"])
def test_each_invoice_comes_to_the_files_own_sum(app, path, issue):
    sums, faulty = in_the_file(path)
    report = run(path, issue=issue)
    assert stored() == sums
    assert {row.line: row.number for row in report.left_out} == faulty
    assert {row.reason for row in report.left_out} == {
        "a cancellation (its quantity is below zero)",
        "no customer",
    }
    assert len({row.number for row in report.left_out if row.number.startswith("C")}) == 4
    assert (report.invoices, report.totals) == (len(sums), {"GBP": sum(sums.values())})
    assert len(report.new_customers) == db.session.scalar(select(func.count()).select_from(Customer))
    if issue:
        numbers = sorted(db.session.scalars(select(Invoice.number)))
        assert numbers == [f"INV-2010-{count:06}" for count in range(1, len(sums) + 1)]
    assert discrepancies() == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_second_run_changes_nothing(app, path):
    first = run(path)
    entries = db.session.scalar(select(func.count()).select_from(AuditEntry))
    for issue in (False, True):
        again = run(path, issue=issue)
        assert (again.invoices, again.unchanged, again.new_customers) == (0, first.invoices, set())
        assert [str(row) for row in again.left_out] == [str(row) for row in first.left_out]
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == entries


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dry_run_says_the_same_and_writes_nothing(app, path):
    dry = run(path, issue=True, dry_run=True)
    assert db.session.query(Customer).count() == db.session.query(Invoice).count() == 0
    assert dry == run(path, issue=True)
    assert min(db.session.scalars(select(Invoice.number))) == "INV-2010-000001"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_imported_invoice_can_be_edited_and_takes_a_payment(app, path):
    run(path)
    for key in db.session.scalars(select(Invoice.id).order_by(Invoice.id)).all():
        invoice = db.session.get(Invoice, key)
        before = invoice.total
        rows = [{"id": item.id} for item in invoice.items] + [line(unit_price="10")]
        saved = invoices.save(SYSTEM, key, {"items": rows}, issue=True, version=invoice.version)
        assert saved.total == before + 10
        allocations.record_and_allocate(SYSTEM, key, {"amount": saved.total})
        assert fresh(saved).balance == 0
    assert discrepancies() == []


def test_what_is_kept_of_a_line_and_its_customer(app):
    run(OWN)
    invoice = db.session.query(Invoice).filter_by(reference="700002").one()
    assert (invoice.origin, invoice.origin_key, str(invoice.issue_date)) == (
        "import",
        "file:700002",
        "2010-12-01",
    )
    assert [item.description for item in invoice.items] == ["EXAMPLE BOTTLE", "EXAMPLE LUNCH BOX"]
    customer = invoice.customer
    assert (customer.name, customer.external_accounting_id, customer.country, customer.currency) == (
        "Customer 90002",
        "90002",
        "FR",
        "GBP",
    )
    quoted = db.session.query(InvoiceItem).filter(InvoiceItem.description.like("%ROSE%")).one()
    assert quoted.description == 'EXAMPLE TEA SET, "ROSE"'
    assert db.session.query(Customer).filter_by(external_accounting_id="90005").one().country is None


def test_an_existing_customer_is_found_by_its_id(app, tmp_path):
    acorn = make_customer("Acorn Example Networks", external_accounting_id="A1")
    make_customer("Euro Example", "EUR", external_accounting_id="E1")
    report = simple(written(tmp_path, "1,A1,2,5,2026-11-01", "2,E1,1,5,2026-11-01"))
    assert db.session.query(Invoice).one().customer_id == acorn.id
    assert [str(row) for row in report.left_out] == [
        "line 3: 2: Euro Example is billed in EUR, and this invoice is in USD."
    ]
    assert report.new_customers == set()


def test_an_invoice_with_a_faulty_row_is_left_out_whole(app, tmp_path):
    path = written(
        tmp_path,
        "1,A,1,5,2026-11-01",
        "2,A,1,5,2026-11-01",
        "1,A,many,5,2026-11-01",
        "1,A,1,5,2026-11-01",
        ",A,1,5,2026-11-01",
        "3,A,1,5.1234567,2026-11-01",
        "4,A,1,5,2026-02-30",
        "5,A,1,5,2026-11-01",
        "5,B,1,5,2026-11-01",
        "6,A,1",
    )
    report = simple(path)
    assert [str(row) for row in report.left_out] == [
        'line 4: 1: "many" is not a number. Write it like 1,234.50.',
        "line 4: 1: its other 2 lines are left out too, so that no half is imported",
        "line 6: the invoice number: Fill this in.",
        "line 7: 3: Use at most 6 decimals.",
        'line 8: 4: "2026-02-30" is not a date written like %Y-%m-%d',
        "line 10: 5: its customer is not that of line 9 of the same invoice",
        "line 10: 5: its other line is left out too, so that no half is imported",
        'line 11: 6: "" is not a date written like %Y-%m-%d',
    ]
    assert stored() == {"2": D(5)}


def test_lines_of_an_invoice_need_not_stand_together(app, tmp_path):
    simple(written(tmp_path, "1,A,1,5,2026-11-01", "2,A,1,7,2026-11-01", "", "1,A,2,5,2026-11-01"))
    assert stored() == {"1": D(15), "2": D(7)}


def test_what_the_books_refuse_is_told_at_its_line(app, tmp_path):
    rows = ["1,A,1,5,2026-11-01", "1,A,999999999999,99999999999999,2026-11-01", "2,A,1,-5,2026-11-01"]
    report = simple(written(tmp_path, *rows), issue=True)
    assert [str(row) for row in report.left_out] == [
        "line 3: 1: unit price: Quantity times unit price is larger than the books can hold.",
        "line 4: 2: The invoice comes to -$5.00 USD, and it can't be below zero: what gives money back is a "
        "credit note. Change the lines, or give the money back as a refund of the payment.",
    ]
    assert (db.session.query(Invoice).count(), db.session.query(Customer).count()) == (0, 0)


def test_every_optional_column(app, tmp_path):
    header = "No;Customer;Qty;Price;Date;Name;Tax;Cur;Due"
    path = written(tmp_path, "1;A;2;1,000.50;01.11.2026;Acorn Example;20;EUR;30.11.2026", header=header)
    columns = SIMPLE + ",customer_name=Name,tax_percent=Tax,currency=Cur,due_date=Due"
    import_invoices(SYSTEM, path, Options(columns, "%d.%m.%Y"))
    invoice = db.session.query(Invoice).one()
    assert (invoice.customer_name, invoice.currency, str(invoice.due_date)) == (
        "Acorn Example",
        "EUR",
        "2026-11-30",
    )
    assert (invoice.total, invoice.items[0].tax_name) == (D("2401.20"), "VAT")


def test_encodings(app, tmp_path):
    for at, encoding in enumerate(["utf-8", "utf-8-sig", "cp1252", "utf-16"], start=1):
        path = tmp_path / f"{at}.csv"
        rows = f"No,Customer,Qty,Price,Date,Text\n{at},A,1,5,2026-11-01,Café\n"
        path.write_text(rows, encoding=encoding)
        report = import_invoices(SYSTEM, path, Options(SIMPLE + ",description=Text"))
        assert report.invoices == 1
    assert set(db.session.scalars(select(InvoiceItem.description))) == {"Café"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lines.csv is empty."),
        (b"PK\x03\x04....", "lines.csv is a spreadsheet file. Save it as CSV and import that."),
        (b"a\x00b\x81", "lines.csv is not a text file that can be read."),
        (b"A,B\n1,2\n", 'lines.csv has no column "No". It has: A, B.'),
        (
            b'No,Customer,Qty,Price,Date\n1,"A,1,5,2026-11-01\n',
            "Line 2 of lines.csv can't be read: a quotation",
        ),
        (
            b"No,Customer,Qty,Price,Date\n1,A,1,5,1.11.26\n2,,,,\n",
            "No date of lines.csv is written like %Y-%m-%d.",
        ),
    ],
)
def test_files_that_cannot_be_read(app, tmp_path, content, words):
    path = tmp_path / "lines.csv"
    path.write_bytes(content)
    with pytest.raises(Refused) as raised:
        simple(path)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": "number"}, '"number" does not name a column. Write field=Heading'),
        ({"columns": "no=No"}, 'There is no field "no". Use these: number, customer'),
        ({"columns": "number=A,number=B"}, 'The field "number" comes twice.'),
        (
            {"columns": "number=No,customer=Customer"},
            "These fields need a column: date, quantity, unit_price.",
        ),
        ({"date_format": "%Q"}, '"%Q" does not say year, month and day.'),
        ({"currency": "XXX"}, '"XXX" is not a currency.'),
    ],
)
def test_options_that_make_no_sense(app, tmp_path, options, words):
    with pytest.raises(Refused) as raised:
        simple(written(tmp_path, "1,A,1,5,2026-11-01"), **options)
    assert words in str(raised.value)


def test_namespaces_keep_numbers_apart_and_a_void_invoice_frees_its_own(app, tmp_path):
    path = written(tmp_path, "1,A,1,5,2026-11-01")
    simple(path, issue=True)
    assert simple(path, namespace="shop").invoices == 1
    assert simple(path).unchanged == 1
    invoices.void(SYSTEM, db.session.query(Invoice).filter_by(state="issued").one().id, "Wrong file")
    assert simple(path).invoices == 1


def test_rights(app, tmp_path, as_role):
    path = written(tmp_path, "1,A,1,5,2026-11-01")
    with pytest.raises(Forbidden):
        import_invoices(as_role("viewer"), path, Options(SIMPLE))
    refused = import_invoices(as_role("clerk"), path, Options(SIMPLE, issue=True))
    assert [row.reason for row in refused.left_out] == ["Your role does not allow this."]
    assert import_invoices(as_role("clerk"), path, Options(SIMPLE)).invoices == 1


def test_the_command(app):
    arguments = ["invoices", "import", str(OWN), "--columns", COLUMNS, "--currency", "GBP"]
    arguments += ["--date-format", "%m/%d/%y %H:%M"]
    runner = app.test_cli_runner()
    dry = runner.invoke(args=[*arguments, "--dry-run"])
    assert dry.exit_code == 0
    assert dry.output == (
        "example-lines.csv: 12 lines.\n"
        "Left out:\n"
        "  line 5: C700003: a cancellation (its quantity is below zero)\n"
        "  line 8: C700005: a cancellation (its quantity is below zero)\n"
        "  line 9: C700005: a cancellation (its quantity is below zero)\n"
        "  line 10: 700006: no customer\n"
        "  line 12: C700008: a cancellation (its quantity is below zero)\n"
        "  line 13: C700009: a cancellation (its quantity is below zero)\n"
        "Would make 4 drafts with 6 lines of £218.95 GBP, and 3 customers.\n"
        "Here already, unchanged: 0.\n"
    )
    done = runner.invoke(args=[*arguments, "--issue"])
    assert "Made 4 invoices with 6 lines of £218.95 GBP, and 3 customers." in done.output
    again = runner.invoke(args=[*arguments, "--issue"])
    assert "Made 0 invoices with 0 lines, and 0 customers.\nHere already, unchanged: 4.\n" in again.output
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.table_name == "invoice")).first()
    assert (entry.actor_name, entry.comment) == ("System", "Import of example-lines.csv")
    customers.update(SYSTEM, db.session.scalars(select(Customer.id)).first(), {"city": "Exampleton"})
    bad = runner.invoke(args=[*arguments, "--tax-percent", "lots"])
    assert bad.exit_code == 2
    assert '"lots" is not a number' in bad.output
    wrong = runner.invoke(args=["invoices", "import", str(OWN), "--columns", "number=X"])
    assert (wrong.exit_code, wrong.output) == (
        1,
        "Error: These fields need a column: customer, date, quantity, unit_price.\n",
    )
