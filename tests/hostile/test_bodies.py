"""Bodies that no form of ours sends: unknown fields, other types, far too much."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from dashboard.extensions import db
from dashboard.models import Customer, Payment
from tests.hostile.targets import TARGETS, Books, Target
from tests.hostile.test_addresses import admin_rules
from tests.hostile.test_numbers import error_of

Client = Callable[[str], Any]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "_"))


# Bodies


def test_fields_that_no_form_has_are_left_out(client_as: Client, books: Books) -> None:
    """Nothing beyond the form's own fields reaches a record, such as its key, its state or its sums."""
    sneaky = {
        "id": "77",
        "state": "issued",
        "number": "INV-1",
        "total": "0",
        "paid": "900",
        "balance": "0",
        "currency": "EUR",
        "customer_name": "Other",
        "allocated": "5",
        "refunded": "5",
        "role": "admin",
        "created_by": "1",
    }
    by_name = {target.name: target for target in TARGETS}
    client = client_as("clerk")
    assert by_name["invoice"].post(client, books, **sneaky).status_code == 303
    invoice = by_name["invoice"].stored(books)
    assert (invoice.id, invoice.state, invoice.number, invoice.currency) == (3, "draft", None, "USD")
    assert (invoice.total, invoice.paid, invoice.customer_name) == (24, 0, "Sound Example Ltd")
    assert by_name["payment"].post(client, books, **sneaky).status_code == 303
    payment = by_name["payment"].stored(books)
    assert (payment.id, payment.currency, payment.allocated, payment.refunded) == (2, "USD", 0, 0)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"name": "By JSON", "currency": "USD"}', "application/json"),
        (b'{"name": ', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"<a/>", "text/xml"),
        (b"name=x", "text/plain"),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b"no boundary", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"%%%=%00&&=&=", "application/x-www-form-urlencoded"),
        (b"", "no/such; charset=nothing"),
    ],
    ids=range(10),
)
def test_bodies_that_are_no_form(app: Flask, client_as: Client, books: Books, body: bytes, kind: str) -> None:
    client = client_as("admin")
    before = db.session.query(Customer).count(), db.session.query(Payment).count()
    for rule in admin_rules(app):
        if "POST" in (rule.methods or ()) and not rule.arguments:
            response = client.post(rule.rule, data=body, content_type=kind)
            assert response.status_code < 500, rule.rule
            # The answer of these is words beside a form, or the drawer of jobs.
            parts = (".test_email_view", ".preview_view", ".told_view", ".dismiss_view")
            assert response.status_code >= 300 or rule.endpoint.endswith(parts), rule.rule
    assert (db.session.query(Customer).count(), db.session.query(Payment).count()) == before


@pytest.mark.parametrize("target", TARGETS[::4], ids=lambda target: target.name)
def test_ten_megabytes_in_a_field_are_refused_in_words(
    client_as: Client, books: Books, target: Target
) -> None:
    """Quickly, and with the field's own words: the page does not carry all of it back."""
    for name in list(target.texts)[:1] + list(target.numbers)[:1] + list(target.days)[:1]:
        began = time.monotonic()
        response = target.post(client_as(target.role), books, **{name: "7" * 10_000_000})
        took = time.monotonic() - began
        assert response.status_code == 422
        assert error_of(target, response, name)
        assert took < 3, f"{name} took {took:.1f} s"


def test_more_than_the_server_takes_is_refused_in_words(client_as: Client, books: Books) -> None:
    response = client_as("clerk").post("/admin/customer/new/", data={"name": "x" * (65 * 1024 * 1024)})
    assert response.status_code == 413
    assert "too large" in response.text
