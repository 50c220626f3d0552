"""Hostile text in the files that somebody uploads or imports."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dashboard.extensions import db
from dashboard.models import Customer, InvoiceItem
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Refused
from dashboard.operations.invoice_import import Options, import_invoices
from tests.hostile.pages import Page
from tests.hostile.test_texts import PAYLOADS, STARTS, each_payload

Client = Callable[[str], Any]


# Files that somebody uploads


@each_payload
def test_markup_in_an_upload_of_customers(client_as: Client, app: Flask, payload: str) -> None:
    """In every column, its heading too: shown as text at each step, and stored as it is."""
    from dashboard.operations.customer_columns import TARGETS as COLUMNS

    admin = client_as("admin")
    free_columns = [one for one in COLUMNS if one.name in UPLOADED]
    assert len(free_columns) == len(UPLOADED)
    header = [one.label for one in free_columns] + ["Currency", f"Else {payload}"]
    cells = [f"{at:02}{payload}"[: UPLOADED[one.name]].strip() for at, one in enumerate(free_columns)]
    wrong = [payload] * len(cells)
    for row, refused in (([*cells, "USD", payload], False), ([*wrong, payload, payload], True)):
        out = io.StringIO()
        csv.writer(out).writerows([header, row])
        file = {"file": (io.BytesIO(out.getvalue().encode()), payload.replace('"', "%22") + ".csv")}
        sent = admin.post("/admin/customer/import/", data=file)
        assert sent.status_code == 303
        columns = admin.get(sent.location)
        assert Page(columns.text).faults() == []
        assert payload in Page(columns.text).said
        chosen = {f"c{at}": one.name for at, one in enumerate(free_columns)} | {f"c{len(cells)}": "currency"}
        path = sent.location + "preview"
        preview = admin.get(path, query_string=chosen)
        page = Page(preview.text)
        assert page.faults() == []
        assert cells[0] in page.said or refused
        assert admin.post(path, query_string=chosen).status_code == 303
        if refused:
            errors = admin.get(sent.location + "errors.csv", query_string=chosen).data.decode("utf-8-sig")
            assert not any(cell.startswith(STARTS) for row in csv.reader(io.StringIO(errors)) for cell in row)
    customer = db.session.query(Customer).one()
    stored = {one.name: text for one, text in zip(free_columns, cells, strict=True)}
    kept = {name: getattr(customer, name) for name in stored if not name.startswith("contact_")}
    assert kept == {name: text for name, text in stored.items() if name in kept}
    assert customer.contacts[0].name == stored["contact_name"]


UPLOADED = {
    "name": 200,
    "tax_name": 40,
    "external_accounting_id": 80,
    "registration_number": 40,
    "vat_number": 40,
    "address1": 120,
    "address2": 120,
    "city": 80,
    "county": 80,
    "postcode": 20,
    "phone": 40,
    "notes": 200,
    "contact_name": 120,
    "contact_phone": 40,
}


@pytest.mark.parametrize("text", [*PAYLOADS.values(), "=1+1", "\x1b[2J", "x" * 1_001])
def test_texts_in_a_file_of_invoice_lines(app: Flask, tmp_path: Path, text: str) -> None:
    """Kept as they are, or the line is left out and it is said why."""
    path = tmp_path / "lines.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [["1", "C1", "1", "5", "2026-11-02", text], ["2", text[:80], "1", "5", "2026-11-02", "Sound"]]
        csv.writer(file).writerows([["No", "Customer", "Qty", "Price", "Date", "Text"], *rows])
    columns = "number=No,customer=Customer,quantity=Qty,unit_price=Price,date=Date,description=Text"
    report = import_invoices(SYSTEM, path, Options(columns=columns))
    kept = {item.description for item in db.session.query(InvoiceItem)}
    assert (text in kept) == (report.invoices == 2 or not any(one.line == 2 for one in report.left_out))
    assert report.invoices + len({one.number for one in report.left_out}) == 2
    assert all(one.reason.strip() and "\x00" not in one.reason for one in report.left_out)


def test_a_file_with_a_nul_in_it_is_refused_as_a_whole(app: Flask, client_as: Client, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(b"No,Customer,Qty,Price,Date\n1,a\x00b,1,5,2026-11-02\n")
    columns = "number=No,customer=Customer,quantity=Qty,unit_price=Price,date=Date"
    with pytest.raises(Refused, match="not a text file"):
        import_invoices(SYSTEM, path, Options(columns=columns))
    sent = {"file": (io.BytesIO(b"Name,Currency\na\x00b,USD\n"), "customers.csv")}
    response = client_as("admin").post("/admin/customer/import/", data=sent)
    assert response.status_code == 422
    assert "not a text file" in response.text
