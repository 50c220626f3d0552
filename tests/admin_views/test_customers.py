"""Management > Customers: list, page, form, bulk actions."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.operations import assignments, contacts
from dashboard.operations.base import SYSTEM
from tests.support.books import fresh, make_customer, make_draft, make_issued, make_package, make_payment
from tests.support.pages import words


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tags=["vip"], invoice_due_days=14)


def form_of(customer: Customer, **changed: str) -> dict[str, str]:
    """The edit form as a browser would send it back."""
    sent = {
        "name": customer.name,
        "status": customer.status,
        "currency": customer.currency,
        "invoice_schedule": customer.invoice_schedule,
        "tags": ", ".join(customer.tags),
        "version": str(customer.version),
    }
    return {**sent, **changed}


# The list


def test_list(client_as, acorn):
    make_customer("Birch Sample Telecom", currency="JPY", status="penalty")
    make_issued(acorn, "120.50")
    make_payment(acorn, "20")
    page = client_as("viewer").get("/admin/customer/")
    said = words(page)
    assert page.status_code == 200
    for expected in ("Acorn Example Networks", "Birch Sample Telecom", "$100.50", "Pending Approval", "vip"):
        assert expected in said
    assert "Upload" not in said
    assert "Add Customer" not in said


def test_a_clerk_may_add_and_upload_but_not_delete(client_as, acorn):
    said = words(client_as("clerk").get("/admin/customer/"))
    assert "Add Customer" in said
    assert "Upload" in said
    assert " Delete " not in said


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?search=acorn", ["Acorn"]),
        ("?search=ex-7", ["Birch"]),
        ("?search=accounts@", ["Birch"]),
        ("?tab=penalty", ["Birch"]),
        ("?currency.is=JPY", ["Birch"]),
        ("?tags.is=vip", ["Acorn"]),
        ("?invoice_due_days.lte=14", ["Acorn"]),
        ("?sort=-name", ["Birch", "Acorn"]),
        ("?search=%25", []),
    ],
)
def test_search_filters_and_tabs(client_as, acorn, query, found):
    birch = make_customer(
        "Birch Sample Telecom", currency="JPY", status="penalty", external_accounting_id="EX-77"
    )
    contacts.create(SYSTEM, {"customer_id": birch.id, "name": "AP", "email": "accounts@example.com"})
    page = client_as("viewer").get(f"/admin/customer/{query}").get_data(as_text=True)
    assert (
        re.findall(r'aria-label="Select (\w+)|<a href="/admin/customer/details/\?id=\d+">(\w+)', page)[
            : len(found)
        ]
        == [("", name) for name in found]
        or not found
    )
    assert ("Acorn Example" in page) == ("Acorn" in found)
    assert ("Birch Sample" in page) == ("Birch" in found)


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("status", "inactive", ("status", "inactive")),
        ("invoice_due_days", "30", ("invoice_due_days", 30)),
        ("invoice_due_days", "", ("invoice_due_days", None)),
    ],
)
def test_editing_in_the_list(client_as, acorn, field, value, stored):
    sent = {"list_form_pk": str(acorn.id), field: value, "version": str(acorn.version)}
    answer = client_as("clerk").post("/admin/customer/ajax/update/", data=sent)
    assert answer.status_code == 200
    assert getattr(fresh(acorn), stored[0]) == stored[1]


def test_editing_the_account_manager_in_the_list(client_as, staff, acorn):
    client = client_as("clerk")
    found = client.get("/admin/manager/?q=mona").get_json()
    assert [one["text"] for one in found["results"]] == ["Mona Manager"]
    sent = {"list_form_pk": str(acorn.id), "account_manager_id": found["results"][0]["value"]}
    answer = client.post("/admin/customer/ajax/update/", data=sent)
    assert answer.status_code == 200
    assert "Mona Manager" in answer.get_data(as_text=True)
    assert fresh(acorn).account_manager_id == staff["manager"].id


@pytest.mark.parametrize(
    ("field", "value"), [("status", "gone"), ("invoice_due_days", "400"), ("account_manager_id", "999")]
)
def test_a_wrong_cell_says_why(client_as, acorn, field, value):
    sent = {"list_form_pk": str(acorn.id), field: value}
    answer = client_as("clerk").post("/admin/customer/ajax/update/", data=sent)
    assert answer.status_code == 422
    assert answer.get_json()["error"]


def test_names_are_not_edited_in_the_list(client_as, acorn):
    sent = {"list_form_pk": str(acorn.id), "name": "Other"}
    assert client_as("admin").post("/admin/customer/ajax/update/", data=sent).status_code == 400


def test_export(client_as, acorn):
    make_customer("=cmd()")
    text = client_as("viewer").get("/admin/customer/export/csv/").get_data(as_text=True)
    assert "Acorn Example Networks" in text
    assert "'=cmd()" in text


# Bulk


def bulk(client, action: str, *customers: Customer, **more):
    sent = {"action": action, "rowid": [str(one.id) for one in customers], **more}
    answer = client.post("/admin/customer/action/", data=sent)
    return client.get(answer.location) if answer.status_code == 303 else answer


def test_bulk_edit_changes_what_is_ticked(client_as, acorn):
    birch = make_customer("Birch Sample Telecom", invoice_due_days=60)
    dialog = client_as("clerk").post(
        "/admin/customer/action/form/",
        data={"action": "edit", "rowid": [str(acorn.id), str(birch.id)]},
        headers={"X-Modal": "1"},
    )
    assert "Change 2 customers." in words(dialog)
    answer = bulk(
        client_as("clerk"),
        "edit",
        acorn,
        birch,
        change=["status", "invoice_due_days"],
        status="penalty",
        invoice_due_days="",
        invoice_schedule="weekly",
    )
    assert "2 customers changed" in words(answer)
    for one in (acorn, birch):
        now = fresh(one)
        assert (now.status, now.invoice_due_days, now.invoice_schedule) == ("penalty", None, "none")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Tick at least one field to change."),
        ({"change": ["tax_percent"], "tax_percent": "120"}, "Must be 100 or less."),
        ({"change": ["name"]}, "not a valid choice"),
    ],
)
def test_a_wrong_bulk_edit_changes_nothing(client_as, acorn, sent, said):
    answer = bulk(client_as("clerk"), "edit", acorn, status="inactive", **sent)
    assert answer.status_code == 422
    assert said in words(answer)
    assert fresh(acorn).version == acorn.version


def test_bulk_delete_says_what_it_left(client_as, acorn):
    birch = make_customer("Birch Sample Telecom")
    make_draft(acorn)
    answer = bulk(client_as("manager"), "delete", acorn, birch)
    said = words(answer)
    assert "1 done, 1 left as they were" in said
    assert "Acorn Example Networks has 1 invoice, so it can't be deleted" in said
    assert list(db.session.scalars(select(Customer.name))) == ["Acorn Example Networks"]


# The form


def test_add_once(client_as):
    client = client_as("clerk")
    page = client.get("/admin/customer/new/")
    assert "External Accounting ID" in words(page)
    sent = {
        "name": "Acorn Example",
        "status": "active",
        "currency": "EUR",
        "invoice_schedule": "monthly",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "tags": "VIP, wholesale",
        "tax_percent": "19",
        "create_invoice_on_payment": "y",
        "form_key": "k" * 32,
    }
    for _ in range(2):
        answer = client.post("/admin/customer/new/", data=sent)
        assert answer.status_code == 303
    made = db.session.scalars(select(Customer)).one()
    assert (made.name, made.currency, made.country, made.tags) == (
        "Acorn Example",
        "EUR",
        "DE",
        ["vip", "wholesale"],
    )
    assert made.create_invoice_on_payment is True


def test_the_accounts_currency_is_offered_first(client_as):
    page = client_as("clerk").get("/admin/customer/new/").get_data(as_text=True)
    assert re.search(r'<option[^>]*selected[^>]*value="USD"|<option selected value="USD"', page)


def test_mistakes_stand_at_their_fields(client_as):
    sent = {
        "name": "",
        "status": "active",
        "currency": "EUR",
        "invoice_schedule": "none",
        "website": "javascript:alert(1)",
        "tax_percent": "abc",
    }
    answer = client_as("clerk").post("/admin/customer/new/", data=sent)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="name-error"' in page
    assert 'id="tax_percent-error"' in page
    sent |= {"name": "Acorn", "tax_percent": ""}
    page = client_as("clerk").post("/admin/customer/new/", data=sent).get_data(as_text=True)
    assert 'id="website-error"' in page
    assert 'value="javascript:alert(1)"' in page


def test_edit_and_two_people_at_once(client_as, acorn):
    client = client_as("clerk")
    assert "Edit Acorn Example Networks" in words(client.get(f"/admin/customer/edit/?id={acorn.id}"))
    first, second = form_of(acorn, city="Ghent"), form_of(acorn, city="Bruges")
    assert client.post(f"/admin/customer/edit/?id={acorn.id}", data=first).status_code == 303
    conflict = client.post(f"/admin/customer/edit/?id={acorn.id}", data=second)
    assert conflict.status_code == 409
    assert "Ghent" in words(conflict)
    assert "Bruges" in words(conflict)
    assert fresh(acorn).city == "Ghent"


def test_the_currency_stays_once_there_are_invoices(client_as, acorn):
    make_draft(acorn)
    answer = client_as("clerk").post(
        f"/admin/customer/edit/?id={acorn.id}", data=form_of(acorn, currency="EUR")
    )
    assert answer.status_code == 422
    assert "has 1 invoice in USD, so its currency is fixed" in words(answer)


def test_delete(client_as, acorn):
    answer = client_as("manager").post("/admin/customer/delete/", data={"id": str(acorn.id)})
    assert answer.status_code == 303
    assert db.session.scalar(select(func.count(Customer.id))) == 0


# The page


def test_the_page_of_a_customer(client_as, acorn):
    contacts.create(SYSTEM, {"customer_id": acorn.id, "name": "Accounts Payable", "email": "ap@example.com"})
    invoice = make_issued(acorn, "300")
    make_draft(acorn)
    make_payment(acorn, "40", description="Deposit")
    said = words(client_as("clerk").get(f"/admin/customer/details/?id={acorn.id}"))
    for expected in (
        "Acorn Example Networks",
        "Accounts Payable",
        "ap@example.com",
        "$260.00",
        invoice.number,
        "Deposit",
        "Add Invoice",
        "Add Payment",
        "Add contact",
    ):
        assert expected in said
    said = words(client_as("viewer").get(f"/admin/customer/details/?id={acorn.id}"))
    assert "Add Invoice" not in said
    assert "Add contact" not in said


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("invoices", ["Draft", "INV-"]),
        ("payments", ["Payment", "$40.00"]),
        ("packages", ["Example Line", "Running", "2.5", "$50.00"]),
        ("history", ["customer added", "ap@example.com"]),
        ("nonsense", ["Accounts Payable"]),
    ],
)
def test_tabs(client_as, acorn, tab, expected):
    contacts.create(SYSTEM, {"customer_id": acorn.id, "name": "Accounts Payable", "email": "ap@example.com"})
    make_issued(acorn)
    make_draft(acorn)
    make_payment(acorn, "40")
    package = make_package(retail="50")
    assignments.create(
        SYSTEM,
        {
            "customer_id": acorn.id,
            "package_id": package.id,
            "quantity": "2.5",
            "start_date": dt.date(2026, 1, 1),
        },
    )
    page = client_as("viewer").get(f"/admin/customer/details/?id={acorn.id}&tab={tab}")
    assert page.status_code == 200
    for text in expected:
        assert text.lower() in words(page).lower()


def test_a_new_invoice_and_payment_know_the_customer(client_as, acorn):
    client = client_as("clerk")
    for kind in ("invoice", "payment"):
        page = client.get(f"/admin/{kind}/new/?customer_id={acorn.id}")
        assert page.status_code == 200
        assert "Acorn Example Networks" in page.get_data(as_text=True)


@pytest.mark.parametrize("wrong", ["", "0", "-1", "abc", "1,2", "9" * 30, "١"])
def test_what_is_no_customer(client_as, wrong):
    client = client_as("admin")
    assert client.get(f"/admin/customer/details/?id={wrong}").status_code == 404
    assert client.get(f"/admin/customer/edit/?id={wrong}").status_code == 404


def test_script_in_every_text(client_as):
    script = "<script>alert(1)</script>"
    customer = make_customer(script, notes=script, city=script, tags=[script[:40]])
    contacts.create(SYSTEM, {"customer_id": customer.id, "name": script, "public_notes": script})
    client = client_as("clerk")
    for path in (
        "/admin/customer/",
        f"/admin/customer/details/?id={customer.id}",
        f"/admin/customer/details/?id={customer.id}&tab=history",
        f"/admin/customer/edit/?id={customer.id}",
        "/admin/contact/",
    ):
        assert script not in client.get(path).get_data(as_text=True)
