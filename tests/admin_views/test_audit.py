"""Setup > Audit log."""

from __future__ import annotations

import re

import pytest

from dashboard.operations import contacts, customers, staff
from tests.support.books import make_customer, make_issued


def read(client, **asked):
    answer = client.get("/admin/audit/", query_string=asked)
    assert answer.status_code == 200
    return answer.text


def subjects(page):
    return re.findall(r"<div><a [^>]*>([^<]+)</a>", page)


@pytest.mark.parametrize("role", ["viewer", "clerk"])
def test_managers_read_it_and_others_do_not(client_as, role):
    assert client_as(role).get("/admin/audit/").status_code == 403
    assert client_as("manager").get("/admin/audit/").status_code == 200


def test_it_says_who_did_what_to_which_record(client_as, actor):
    customer = make_customer()
    customers.update(actor.saying("Because <b>"), customer.id, {"status": "penalty"})
    page = read(client_as("manager"))
    assert "Ada Admin" in page
    assert "<q>Because &lt;b&gt;</q>" in page
    assert f'href="/admin/customer/details/?id={customer.id}"' in page
    assert "<del>Active</del> <ins>Penalty</ins>" in page
    assert subjects(page) == ["Customer Example Telecom Ltd"] * 2


def test_filters(client_as, actor, as_role):
    customer = make_customer()
    contacts.create(actor, {"customer_id": customer.id, "name": "Ann"})
    staff.update(actor, as_role("clerk").id, {"role": "manager"})
    client = client_as("manager")
    assert subjects(read(client, who="system")) == ["Customer Example Telecom Ltd"]
    assert subjects(read(client, who=actor.id)) == [
        "Staff account Clark Clerk",
        "Customer Example Telecom Ltd",
    ]
    assert "</a>: contact “Ann” added" in read(client, kind="contact")
    assert subjects(read(client, kind="staff")) == ["Staff account Clark Clerk"]
    one = read(client, record="customer", id=customer.id)
    assert subjects(one) == ["Customer Example Telecom Ltd"] * 2
    assert "Record: Customer Example Telecom Ltd" in one
    assert "No change fits" in read(client, until="2001-01-01")


@pytest.mark.parametrize(
    "asked",
    [
        {"who": "x"},
        {"who": "1e9"},
        {"kind": "pg_class"},
        {"record": "customer'", "id": "1"},
        {"record": "customer", "id": "1;2"},
        {"since": "yesterday"},
        {"until": "2026-02-30"},
        {"since": "2026-02-02", "until": "2026-02-01"},
    ],
)
def test_what_cannot_be_understood_is_said(client_as, asked):
    page = read(client_as("manager"), **asked)
    assert 'class="err"' in page or "There is no such record" in page
    assert 'class="timeline"' not in page


@pytest.mark.parametrize("asked", [{"before": "x"}, {"before": "9" * 30}, {"who": "9" * 18}, {"who": "\0"}])
def test_odd_addresses_do_no_harm(client_as, asked):
    assert client_as("manager").get("/admin/audit/", query_string=asked).status_code == 200


def test_pages(client_as, monkeypatch):
    from dashboard.admin_views import audit

    monkeypatch.setattr(audit, "SIZE", 3)
    for number in range(7):
        make_customer(f"Example {number} Ltd")
    client, seen, address = client_as("manager"), [], "/admin/audit/?kind=customer"
    for _ in range(3):
        page = client.get(address).text
        seen += subjects(page)
        older = re.search(r'href="([^"]*before=\d+)"', page)
        address = older.group(1).replace("&amp;", "&") if older else ""
    assert seen == [f"Customer Example {number} Ltd" for number in reversed(range(7))]
    assert not address
    assert "Newest" in page


def test_an_invoice_links_to_its_page(client_as):
    invoice = make_issued(make_customer())
    page = read(client_as("manager"), kind="invoice")
    assert f">Invoice {invoice.number}</a> issued" in page


def test_a_record_that_is_gone_keeps_its_name(client_as, actor):
    customer = make_customer("Gone Ltd")
    customers.delete(actor, customer.id)
    page = read(client_as("manager"))
    assert ">Customer Gone Ltd</a> deleted" in page
