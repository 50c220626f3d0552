"""The three steps of the upload of customers."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer, Document
from tests.support.pages import words

GOOD = "Name;Currency;E-mail\r\nAcorn Example;USD;ap@example.com\r\nBirch Sample;EUR;\r\n".encode("cp1252")


def upload(client, content: bytes, name: str = "customers.csv"):
    return client.post("/admin/customer/import/", data={"file": (io.BytesIO(content), name)})


def count() -> int:
    return db.session.scalar(select(func.count(Customer.id))) or 0


def test_from_file_to_customers(client_as):
    client = client_as("clerk")
    assert "Template" in words(client.get("/admin/customer/import/"))
    answer = upload(client, GOOD)
    assert answer.status_code == 303
    columns = answer.location
    page = client.get(columns).get_data(as_text=True)
    assert re.findall(r'<option value="(\w+)" selected', page) == ["name", "currency", "contact_email"]
    preview = columns + "preview?c0=name&c1=currency&c2=contact_email&duplicates=error"
    said = words(client.get(preview))
    assert "2 customers can be imported" in said
    assert "ap@example.com" in said
    assert count() == 0
    assert client.post(preview).location == "/admin/customer/"
    assert count() == 2
    # The same form again makes nothing twice.
    again = client.get(client.post(preview).location)
    assert "imported already; nothing was added twice" in words(again)
    assert count() == 2


def test_errors_stand_by_row_and_field(client_as):
    client = client_as("clerk")
    columns = upload(client, b"Name,Currency\nAcorn,USD\n,XYZ\n").location
    preview = columns + "preview?c0=name&c1=currency"
    said = words(client.get(preview))
    assert "1 of 2 rows have errors, so nothing can be imported yet" in said
    assert "3 Name Fill this in." in said
    assert '3 Currency "XYZ" is not a currency' in said
    assert "Import 1" not in said
    answer = client.get(client.post(preview).location)
    assert "Nothing was imported" in words(answer)
    assert count() == 0
    listed = client.get(columns + "errors.csv?c0=name&c1=currency").get_data(as_text=True)
    assert "3,Currency" in listed


def test_customers_there_already_may_be_left_out(client_as):
    client = client_as("clerk")
    first = upload(client, b"Name,Currency\nAcorn,USD\n").location
    client.post(first + "preview?c0=name&c1=currency")
    second = upload(client, b"Name,Currency\nacorn,USD\nBirch,USD\n").location
    query = "preview?c0=name&c1=currency&duplicates="
    assert "A customer already has this Name" in words(client.get(second + query + "error"))
    assert "1 are there already and will be left out" in words(client.get(second + query + "skip"))
    answer = client.get(client.post(second + query + "skip").location)
    assert "1 customers were imported. 1 were there already and left out." in words(answer)
    assert count() == 2


def test_a_choice_that_can_not_be_goes_back_to_the_columns(client_as):
    client = client_as("clerk")
    columns = upload(client, GOOD).location
    answer = client.get(client.get(columns + "preview?c0=name&c1=name").location)
    assert "Choose the column that holds the Currency." in words(answer)
    assert "Name is chosen for 2 columns" in words(answer)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "The file is empty"), (b"PK\x03\x04", "spreadsheet file"), (b'a,b\n"x', "quotation mark")],
)
def test_files_that_can_not_be_read(client_as, content, said):
    answer = upload(client_as("clerk"), content)
    assert answer.status_code == 422
    assert said in words(answer)
    assert db.session.scalar(select(func.count(Document.id))) == 0


def test_no_file(client_as):
    answer = client_as("clerk").post("/admin/customer/import/", data={})
    assert answer.status_code == 422
    assert "Choose a file first." in words(answer)


def test_script_in_the_file(client_as):
    client = client_as("clerk")
    script = b"<script>alert(1)</script>"
    columns = upload(client, b"Name," + script + b"\n" + script + b",USD\n").location
    for path in (columns, columns + "preview?c0=name&c1=currency"):
        assert script.decode() not in client.get(path).get_data(as_text=True)


def test_an_upload_is_its_owners(client_as):
    columns = upload(client_as("clerk"), GOOD).location
    assert client_as("manager").get(columns).status_code == 404
    assert client_as("clerk").get("/admin/customer/import/" + "0" * 32 + "/").status_code == 404


def test_the_template_can_be_uploaded(client_as):
    client = client_as("clerk")
    template = client.get("/admin/customer/import/template.csv").data
    columns = upload(client, template).location
    page = client.get(columns).get_data(as_text=True)
    chosen = re.findall(r'name="(c\d+)"|<option value="(\w+)" selected', page)
    query = "&".join(
        f"{column}={chosen[at + 1][1]}"
        for at, (column, _) in enumerate(chosen)
        if column and at + 1 < len(chosen)
    )
    assert "1 customers can be imported" in words(client.get(f"{columns}preview?{query}"))


@pytest.mark.parametrize("path", ["", "template.csv", "0" * 32 + "/", "0" * 32 + "/preview"])
def test_a_viewer_may_not(client_as, path):
    assert client_as("viewer").get(f"/admin/customer/import/{path}").status_code == 403
