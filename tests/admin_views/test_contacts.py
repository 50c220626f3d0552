"""Contacts: their own list, and the dialog on a customer's page."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Contact
from dashboard.operations import contacts
from dashboard.operations.base import SYSTEM
from tests.support.books import fresh, make_customer


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


@pytest.fixture
def payable(acorn):
    return contacts.create(
        SYSTEM, {"customer_id": acorn.id, "name": "Accounts Payable", "email": "ap@example.com"}
    )


def test_list_search_and_edit_in_place(client_as, payable):
    client = client_as("clerk")
    for query in ("", "?search=payable", "?search=ap@", "?search=acorn", "?type.is=billing"):
        assert "ap@example.com" in client.get(f"/admin/contact/{query}").get_data(as_text=True)
    assert "ap@example.com" not in client.get("/admin/contact/?search=zzz").get_data(as_text=True)
    sent = {"list_form_pk": str(payable.id), "email": "new@example.com"}
    assert client.post("/admin/contact/ajax/update/", data=sent).status_code == 200
    assert fresh(payable).email == "new@example.com"
    sent["email"] = "no address"
    answer = client.post("/admin/contact/ajax/update/", data=sent)
    assert answer.status_code == 422
    assert "not an e-mail address" in answer.get_json()["error"]


def test_the_dialog_adds_one_and_goes_back(client_as, acorn):
    client = client_as("clerk")
    back = f"/admin/customer/details/?id={acorn.id}"
    path = f"/admin/contact/new/?customer_id={acorn.id}&next={back.replace('?', '%3F').replace('=', '%3D')}"
    dialog = client.get(path, headers={"X-Modal": "1"}).get_data(as_text=True)
    assert "<html" not in dialog
    assert "Acorn Example Networks" in dialog
    sent = {"customer_id": str(acorn.id), "name": "", "type": "billing", "form_key": "k"}
    wrong = client.post(path, data=sent, headers={"X-Modal": "1"})
    assert wrong.status_code == 422
    assert "<html" not in wrong.get_data(as_text=True)
    sent["name"] = "Technical Desk"
    for _ in range(2):
        done = client.post(path, data=sent, headers={"X-Modal": "1"})
        assert done.status_code == 303
    assert done.location.endswith((back, "/admin/contact/details/?id=1"))
    assert db.session.scalar(select(func.count(Contact.id))) == 1


def test_without_scripts_it_is_a_page(client_as, payable):
    page = client_as("clerk").get(f"/admin/contact/edit/?id={payable.id}").get_data(as_text=True)
    assert "<html" in page
    assert 'value="ap@example.com"' in page


def test_edit_keeps_the_customer(client_as, payable):
    other = make_customer("Birch Sample Telecom")
    sent = {"customer_id": str(other.id), "name": "X", "type": "billing", "version": "1"}
    answer = client_as("clerk").post(f"/admin/contact/edit/?id={payable.id}", data=sent)
    assert answer.status_code == 422
    assert "move to another customer" in answer.get_data(as_text=True)


def test_delete_and_bulk_delete(client_as, acorn, payable):
    second = contacts.create(SYSTEM, {"customer_id": acorn.id, "name": "Second"})
    client = client_as("clerk")
    assert client.post("/admin/contact/delete/", data={"id": str(payable.id)}).status_code == 303
    sent = {"action": "delete", "rowid": [str(second.id)]}
    assert client.post("/admin/contact/action/", data=sent).status_code == 303
    assert db.session.scalar(select(func.count(Contact.id))) == 0


def test_a_viewer_only_reads(client_as, payable):
    client = client_as("viewer")
    assert client.get("/admin/contact/").status_code == 200
    assert client.get("/admin/contact/new/").status_code == 403
    assert client.post("/admin/contact/delete/", data={"id": str(payable.id)}).status_code == 403
