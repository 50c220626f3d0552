"""What the base view mends of stock Flask-Admin, shown on the views that extend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.admin_views.base import AdminView
from dashboard.extensions import db
from dashboard.models import Customer, Job, Payment
from dashboard.operations import invoices
from dashboard.operations.base import SYSTEM
from tests.support.books import DAY, line, make_customer, make_draft, make_issued, make_payment

Client = Callable[[str], Any]


def form_of(customer: Customer, **changes: str) -> dict[str, str]:
    given = {
        "customer_id": str(customer.id),
        "amount": "100",
        "paid_on": DAY.isoformat(),
        "status": "completed",
        "description": "Transfer",
    }
    return {**given, **changes}


# Ids and rows that a reader may not have


@pytest.mark.parametrize("key", ["", "x", "1,2", "-1", "1.5", "99999999999999999999", "0x1", "1 OR 1=1", "١"])
@pytest.mark.parametrize("page", ["edit", "details"])
def test_an_id_that_is_none_is_not_found(client_as: Client, page: str, key: str) -> None:
    assert client_as("admin").get(f"/admin/payment/{page}/", query_string={"id": key}).status_code == 404


def test_a_row_outside_the_query_cannot_be_reached_by_id(client_as: Client, staff: Any) -> None:
    """Jobs belong to who started them; `get_one` goes through `get_query`."""
    job = Job(kind="invoice_pdfs", title="Another's", params={}, created_by=staff["admin"].id)
    db.session.add(job)
    db.session.commit()
    clerk, admin = client_as("clerk"), client_as("admin")
    assert clerk.get(f"/admin/job/details/?id={job.id}").status_code == 404
    assert clerk.post(f"/admin/job/{job.id}/cancel").status_code == 404
    assert clerk.get(f"/admin/job/{job.id}/download").status_code == 404
    assert b"Another" not in clerk.get("/admin/job/").data
    assert b"Another" not in clerk.get("/admin/job/export/csv/").data
    assert admin.get(f"/admin/job/details/?id={job.id}").status_code == 200


# Rights


def test_an_endpoint_without_a_right_is_refused(client_as: Client) -> None:
    """Items are made and removed on their invoice: the inherited endpoints exist and refuse everybody."""
    admin = client_as("admin")
    for path in ("/admin/item/new/", "/admin/item/edit/?id=1", "/admin/item/details/?id=1"):
        assert admin.get(path).status_code == 403
    assert admin.post("/admin/item/delete/", data={"id": "1"}).status_code == 403


def test_a_cell_edit_needs_the_right_to_edit(client_as: Client) -> None:
    payment = make_payment(make_customer())
    sent = {"list_form_pk": str(payment.id), "reference": "R-1"}
    assert client_as("viewer").post("/admin/payment/ajax/update/", data=sent).status_code == 403
    assert db.session.get_one(Payment, payment.id).reference is None
    assert client_as("clerk").post("/admin/payment/ajax/update/", data=sent).status_code == 200
    assert db.session.get_one(Payment, payment.id).reference == "R-1"


@pytest.mark.parametrize("path", ["new/", "edit/?id=1", "delete/", "action/", "ajax/update/"])
def test_a_post_without_its_token_changes_nothing(client_as: Client, path: str) -> None:
    make_payment(make_customer())
    response = client_as("admin").post(f"/admin/payment/{path}", data={"id": "1"}, csrf=False)
    assert response.status_code == 400
    assert db.session.query(Payment).count() == 1


# Forms


def test_a_form_creates_and_shows_the_record(client_as: Client) -> None:
    response = client_as("clerk").post("/admin/payment/new/", data=form_of(make_customer()))
    payment = db.session.query(Payment).one()
    assert response.status_code == 303
    assert response.location == f"/admin/payment/details/?id={payment.id}"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("amount", "ten", "is not a number"),
        ("amount", "", "fill this in"),
        ("amount", "10.001", "decimals"),
        ("amount", "9" * 30, "too big"),
        ("paid_on", "31/12/2026", "2026-01-31"),
        ("paid_on", "0001-01-01", "1990"),
        ("customer_id", "abc", "choose one"),
        ("customer_id", "999999999", "no longer exists"),
        ("status", "lost", "choose one"),
        ("description", "x" * 501, "500"),
        ("description", "a\x00b", "can&#39;t be printed"),
    ],
)
def test_bad_input_is_said_at_its_field_and_nothing_is_lost(
    client_as: Client, field: str, text: str, said: str
) -> None:
    sent = form_of(make_customer(), reference="Kept as typed", **{field: text})
    response = client_as("clerk").post("/admin/payment/new/", data=sent)
    page = response.text
    assert response.status_code == 422
    error = re.search(rf'id="{field}-error".*?</p>', page, re.DOTALL)
    assert error is not None, page
    assert said in error[0]
    assert "Kept as typed" in page
    assert db.session.query(Payment).count() == 0


def test_a_double_click_makes_one(client_as: Client) -> None:
    clerk, sent = client_as("clerk"), form_of(make_customer(), form_key="the-same-form")
    first = clerk.post("/admin/payment/new/", data=sent)
    second = clerk.post("/admin/payment/new/", data=sent)
    assert db.session.query(Payment).count() == 1
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.location == first.location


def test_a_stale_form_shows_both_versions(client_as: Client) -> None:
    customer = make_customer()
    payment = make_payment(customer, description="As it was")
    mine = form_of(customer, description="Mine", version="1")
    client_as("manager").post(
        f"/admin/payment/edit/?id={payment.id}", data=form_of(customer, description="Theirs", version="1")
    )
    response = client_as("clerk").post(f"/admin/payment/edit/?id={payment.id}", data=mine)
    assert response.status_code == 409
    assert "Mine" in response.text
    assert "Theirs" in response.text
    assert db.session.get_one(Payment, payment.id).description == "Theirs"
    version = re.search(r'name="version" value="(\d+)"', response.text)
    assert version is not None
    again = client_as("clerk").post(
        f"/admin/payment/edit/?id={payment.id}", data={**mine, "version": version[1]}
    )
    assert again.status_code == 303
    assert db.session.get_one(Payment, payment.id).description == "Mine"


def test_a_stale_cell_changes_nothing(client_as: Client) -> None:
    payment = make_payment(make_customer())
    clerk = client_as("clerk")
    sent = {"list_form_pk": str(payment.id), "version": "1"}
    assert clerk.post("/admin/payment/ajax/update/", data={**sent, "reference": "First"}).status_code == 200
    second = clerk.post("/admin/payment/ajax/update/", data={**sent, "reference": "Second"})
    assert second.status_code == 409
    assert "Somebody else" in second.json["error"]
    assert db.session.get_one(Payment, payment.id).reference == "First"


def test_a_refused_cell_says_why(client_as: Client) -> None:
    payment = make_payment(make_customer())
    sent = {"list_form_pk": str(payment.id), "reference": "x" * 81}
    response = client_as("clerk").post("/admin/payment/ajax/update/", data=sent)
    assert response.status_code == 422
    assert "80" in response.json["error"]


def test_a_column_that_is_not_editable_is_refused(client_as: Client) -> None:
    payment = make_payment(make_customer())
    sent = {"list_form_pk": str(payment.id), "amount": "1"}
    assert client_as("admin").post("/admin/payment/ajax/update/", data=sent).status_code == 400


def test_a_refusal_of_the_books_is_not_a_fault(client_as: Client) -> None:
    """A payment that paid something is not deleted: words, not database text, and the page stays."""
    customer = make_customer()
    make_issued(customer, "100")
    payment = make_payment(customer, "100")
    manager = client_as("manager")
    manager.post(f"/admin/payment/{payment.id}/allocate-automatically")
    refused = manager.post("/admin/payment/delete/", data={"id": str(payment.id)})
    response = manager.get(refused.location)
    assert "can&#39;t" in response.text
    assert db.session.get(Payment, payment.id) is not None
    for word in ("psycopg", "violates", "IntegrityError"):
        assert word not in response.text


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"]
)
def test_the_way_back_stays_here(client_as: Client, wanted: str) -> None:
    sent = form_of(make_customer(), next=wanted)
    response = client_as("clerk").post("/admin/payment/new/", data=sent)
    assert response.location.startswith("/admin/payment/")


# Lists


def test_a_list_shows_the_filter_in_words(client_as: Client) -> None:
    customer = make_customer("Acorn Example Ltd")
    make_payment(customer, "50")
    make_payment(customer, "150")
    query = {"customer.is": str(customer.id), "amount.gte": "100"}
    page = client_as("viewer").get("/admin/payment/", query_string=query).text
    assert "Customer is Acorn Example Ltd" in page
    assert "$150.00" in page
    assert "$50.00" not in page


def test_a_filter_that_cannot_be_read_shows_no_row(client_as: Client) -> None:
    make_payment(make_customer(), "150")
    page = client_as("viewer").get("/admin/payment/?amount.gte=lots").text
    assert "is not a number" in page
    assert "$150.00" not in page


def test_htmx_gets_the_list_alone(client_as: Client) -> None:
    make_payment(make_customer())
    page = client_as("viewer").get("/admin/payment/", headers={"HX-Request": "true"}).text
    assert 'id="list"' in page
    assert "<html" not in page


def test_texts_are_escaped(client_as: Client) -> None:
    name = "<script>alert(1)</script>"
    make_payment(make_customer(name), description='"><img src=x onerror=alert(1)>')
    page = client_as("viewer").get("/admin/payment/").text
    assert name not in page
    assert "<img src=x" not in page


def test_no_stock_script_or_style_is_on_a_page(client_as: Client) -> None:
    admin = client_as("admin")
    make_payment(make_customer())
    for path in ("/admin/", "/admin/payment/", "/admin/payment/new/", "/admin/payment/edit/?id=1"):
        page = admin.get(path).text
        for stock in ("jquery", "select2", "x-editable", "bootstrap4", "/admin/static/", "onclick="):
            assert stock not in page.lower()
    assert admin.get("/admin/static/admin/js/form.js").status_code == 404


# Bulk actions


def test_a_bulk_action_names_what_it_left_out(client_as: Client) -> None:
    customer = make_customer()
    draft, issued = make_draft(customer), make_issued(customer)
    sent = {"action": "issue", "rowid": [str(draft.id), str(issued.id)]}
    response = client_as("manager").post("/admin/invoice/action/", data=sent)
    assert response.status_code == 200
    assert issued.number in response.text
    assert "issued" in response.text
    assert db.session.get_one(type(draft), draft.id).number


def test_a_bulk_action_on_all_that_match_keeps_to_the_filter(client_as: Client) -> None:
    acorn, birch = make_customer("Acorn Example"), make_customer("Birch Example")
    mine = [make_draft(acorn).id for _ in range(3)]
    other = make_draft(birch).id
    sent = {"action": "delete", "all": "1", "query": "?search=acorn"}
    assert client_as("clerk").post("/admin/invoice/action/", data=sent).status_code == 303
    left = {invoice.id for invoice in db.session.query(invoices.Invoice)}
    assert left == {other}
    assert not left & set(mine)


def test_a_filter_that_cannot_be_read_does_nothing_in_bulk(client_as: Client) -> None:
    make_draft(make_customer())
    sent = {"action": "delete", "all": "1", "query": "?total.gte=abc"}
    client_as("clerk").post("/admin/invoice/action/", data=sent)
    assert db.session.query(invoices.Invoice).count() == 1


def test_a_bulk_action_needs_its_own_right(client_as: Client) -> None:
    draft = make_draft(make_customer())
    sent = {"action": "issue", "rowid": str(draft.id)}
    assert client_as("clerk").post("/admin/invoice/action/", data=sent).status_code == 403
    assert (
        client_as("viewer").post("/admin/invoice/action/", data={**sent, "action": "delete"}).status_code
        == 403
    )
    assert (
        client_as("manager").post("/admin/invoice/action/", data={**sent, "action": "x"}).status_code == 400
    )


def test_an_action_with_fields_asks_for_them(client_as: Client) -> None:
    issued = make_issued(make_customer())
    manager = client_as("manager")
    sent = {"action": "void", "rowid": str(issued.id)}
    asked = manager.post("/admin/invoice/action/form/", data=sent, headers={"X-Modal": "1"})
    assert "Reason" in asked.text
    refused = manager.post("/admin/invoice/action/", data=sent, headers={"X-Modal": "1"})
    assert refused.status_code == 422
    assert manager.post("/admin/invoice/action/", data={**sent, "reason": "A slip"}).status_code == 303
    assert db.session.get_one(type(issued), issued.id).state == "void"


# Export


def test_the_export_is_what_is_filtered(client_as: Client) -> None:
    customer = make_customer("Acorn Example")
    make_payment(customer, "50")
    make_payment(customer, "150", description="=HYPERLINK(1)")
    response = client_as("viewer").get("/admin/payment/export/csv/?amount.gte=100")
    text = response.data.decode("utf-8-sig")
    assert response.mimetype == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    assert len(text.splitlines()) == 2
    assert "'=HYPERLINK(1)" in text
    assert "150.00" in text


def test_an_export_reads_no_row_into_python(client_as: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ORM is never asked: the file comes from COPY."""
    make_payment(make_customer())
    monkeypatch.setattr(AdminView, "get_query", lambda self: pytest.fail("an export went through the ORM"))
    assert client_as("viewer").get("/admin/payment/export/csv/").data.count(b"\n") == 2


# Queries


@pytest.mark.parametrize("path", ["/admin/invoice/", "/admin/payment/", "/admin/item/"])
def test_a_list_costs_the_same_queries_however_many_rows(client_as: Client, path: str) -> None:
    from tests.support.counting import counted

    customer, viewer = make_customer(), client_as("viewer")
    make_issued(customer)
    make_payment(customer)
    viewer.get(path)
    with counted() as few:
        viewer.get(path)
    for _ in range(12):
        invoices.create(SYSTEM, {"customer_id": customer.id, "items": [line(), line()]})
        make_payment(customer)
    with counted() as many:
        viewer.get(path)
    assert many.total == few.total
    assert many.total <= 8
