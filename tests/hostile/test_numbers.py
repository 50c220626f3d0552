"""Numbers, keys, cursors, filters, bodies that nobody types by accident: words or a value, never a fault."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from dashboard.admin_views.fields import NumberField
from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Payment
from tests.hostile.pages import Page
from tests.hostile.targets import TARGETS, Books, Target

Client = Callable[[str], Any]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "_"))

# Never a number: what is said stands at the field.
NOT_NUMBERS = (
    "NaN",
    "Infinity",
    "-inf",
    "1e309",
    "1E5",
    "٣",
    "１２",
    "1,5",
    "1.2.3",
    "--1",
    "0x10",
    "1_000",
    "1 + 1",
    "½",
    "²",
    "1" + "0" * 40,
    "0." + "0" * 400 + "1",
    "9" * 5_000,
    "\x00",
    "5\x00",
)
NOT_DAYS = (
    "0000-00-00",
    "2026-02-30",
    "10000-01-01",
    "31.12.2026",
    "٢٠٢٦-٠١-٠١",
    "9" * 500,
    "2026-11-02\x00",
)
NOT_KEYS = ("", "0", "-1", "1.5", "²", "٣", "abc", "1" * 19, "9" * 40, "0" * 40 + "9" * 30, "1\x00", "1;--")


@pytest.fixture
def books(app: Flask, staff: dict[str, Any]) -> Books:
    made = Books.made()
    db.session.commit()
    return made


def error_of(target: Target, response: Any, name: str) -> str:
    return Page(response.text).by_id.get(target.error(name), "").strip()


# Fields


@each_target
def test_what_is_no_number_is_said_at_its_field(client_as: Client, books: Books, target: Target) -> None:
    client = client_as(target.role)
    for text in NOT_NUMBERS if target.numbers else ():
        response = target.post(client, books, **dict.fromkeys(target.numbers, text))
        assert response.status_code == 422, text
        page = Page(response.text)
        for name in target.numbers:
            assert page.by_id.get(target.error(name), "").strip(), (name, text)


@each_target
def test_what_is_no_day_is_said_at_its_field(client_as: Client, books: Books, target: Target) -> None:
    client = client_as(target.role)
    for text in NOT_DAYS if target.days else ():
        response = target.post(client, books, **dict.fromkeys(target.days, text))
        assert response.status_code == 422, text
        for name in target.days:
            assert error_of(target, response, name), (name, text)


@each_target
def test_what_is_no_key_or_choice_is_said_at_its_field(
    client_as: Client, books: Books, target: Target
) -> None:
    """Drop-downs: keys of other records, and words from fixed lists."""
    client = client_as(target.role)
    known = [*target.texts, *target.numbers, *target.days]
    chosen = [name for name, one in target.fields.items() if "Select" in type(one.widget).__name__]
    assert set(chosen).isdisjoint(known)
    for text in NOT_KEYS[2:] if chosen else ():
        response = target.post(client, books, **dict.fromkeys(chosen, text))
        assert response.status_code == 422, text
        for name in chosen:
            assert error_of(target, response, name), (name, text)


@each_target
def test_blanks_and_a_sign_before_nought(client_as: Client, books: Books, target: Target) -> None:
    """Empty means empty where that is allowed; nought is nought, whatever its sign."""
    client = client_as(target.role)
    for text in ("", "   ", "\t", "-0", "-0.00", "+1", " 1 "):
        for name in target.numbers:
            response = target.post(client, books, **{name: text})
            assert response.status_code in (303, 422)
            if response.status_code == 422:
                assert error_of(target, response, name), (name, text)
            elif text.startswith("-0") and isinstance(target.numbers[name], NumberField):
                stored = getattr(target.stored(books), target.elsewhere.get(name, name), None)
                assert not (isinstance(stored, Decimal) and stored.is_signed()), name


@pytest.mark.parametrize(
    ("typed", "kept"), [("1,234.50", "1234.5"), (" 1 234.5 ", "1234.5"), ("1\u00a0234.50", "1234.5")]
)
def test_a_number_as_people_write_it(client_as: Client, books: Books, typed: str, kept: str) -> None:
    target = next(one for one in TARGETS if one.name == "payment")
    assert target.post(client_as("clerk"), books, amount=typed).status_code == 303
    assert target.value(books, "amount") == Decimal(kept)


def test_the_largest_numbers_are_kept_or_refused_in_words(client_as: Client, books: Books) -> None:
    target = next(one for one in TARGETS if one.name == "invoice line")
    client = client_as("clerk")
    for quantity, price in (
        ("999999999999", "1"),
        ("999999999999.999999", "99999999999999"),
        ("-999999999999", "9" * 14),
    ):
        response = target.post(client, books, quantity=quantity, unit_price=price)
        assert response.status_code in (303, 422)
        if response.status_code == 422:
            assert error_of(target, response, "unit_price") or error_of(target, response, "quantity")
    lines = {
        f"items-{at}-{name}": value
        for at in range(1, 8)
        for name, value in {"quantity": "99999", "unit_price": "20000000000", "tax_percent": "0"}.items()
    }
    response = client.post(target.path(books), data={**target.sent(books), **lines})
    assert response.status_code == 422
    assert "more than the books can hold" in response.text


# Keys in addresses


def admin_rules(app: Flask) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin/"):
            yield rule


@pytest.mark.parametrize("key", NOT_KEYS[1:], ids=range(len(NOT_KEYS) - 1))
def test_no_key_in_an_address_is_a_fault(app: Flask, client_as: Client, books: Books, key: str) -> None:
    from urllib.parse import quote

    client = client_as("admin")
    for rule in admin_rules(app):
        path = rule.rule
        for name in rule.arguments:
            for written in (f"<{name}>", f"<int:{name}>", f"<path:{name}>"):
                path = path.replace(written, quote(key, safe=""))
        given = dict.fromkeys(("id", "list_form_pk", "rowid", "customer", "customer_id", "payment"), key)
        assert client.get(path, query_string={**given, "q": key, "before": key}).status_code < 500, path
        if "POST" in (rule.methods or ()):
            response = client.post(path, data={**given, "action": "delete", "version": key, "all": key})
            assert response.status_code < 500, path
    assert db.session.query(Invoice).count() == 2


def test_very_many_rows_are_refused_quickly(client_as: Client, books: Books) -> None:
    clerk = client_as("clerk")
    began = time.monotonic()
    sent = {"action": "delete", "rowid": [str(key) for key in range(1, 40_001)]}
    response = clerk.post("/admin/invoice/action/", data=sent)
    assert response.status_code in (303, 422)
    assert "At most 2,000 rows at once" in clerk.get("/admin/invoice/").text
    same = clerk.post("/admin/invoice/action/", data={**sent, "rowid": [str(books.draft.id)] * 40_000})
    assert same.status_code == 303
    assert db.session.query(Invoice).count() == 1
    assert time.monotonic() - began < 5


def test_more_fields_than_a_form_has_are_refused(client_as: Client, books: Books) -> None:
    response = client_as("clerk").post(
        "/admin/invoice/action/",
        data=b"".join(
            b'--x\r\nContent-Disposition: form-data; name="rowid"\r\n\r\n%d\r\n' % key
            for key in range(60_000)
        )
        + b"--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert response.status_code == 413
    assert "too large" in response.text.lower()


LINE_NAMES = (
    "items-²-quantity",
    "items-٣-quantity",
    "items--quantity",
    "items-",
    "items-0",
    "items-" + "9" * 5_000 + "-quantity",
    "items-99999999999999999999-quantity",
    "items--1-quantity",
    "items-0-",
    "items-0-id-x",
    "items-\x00-quantity",
)


@pytest.mark.parametrize("name", LINE_NAMES, ids=range(len(LINE_NAMES)))
def test_lines_by_other_names(client_as: Client, books: Books, name: str) -> None:
    target = next(one for one in TARGETS if one.name == "invoice")
    response = client_as("clerk").post(target.path(books), data={**target.sent(books), name: "1"})
    assert response.status_code in (303, 422)


@pytest.mark.parametrize("key", NOT_KEYS, ids=range(len(NOT_KEYS)))
def test_a_lines_own_key(client_as: Client, books: Books, key: str) -> None:
    """Another invoice's line, or none at all, is never taken for one of this invoice's."""
    target = next(one for one in TARGETS if one.name == "invoice")
    other = books.issued.items[0].id
    for wrong in (key, str(other)):
        sent = {**target.sent(books), "items-0-id": wrong, "version": str(books.draft.version)}
        response = client_as("clerk").post(f"/admin/invoice/edit/?id={books.draft.id}", data=sent)
        assert response.status_code in (303, 409, 422)
    db.session.expire_all()
    assert db.session.get_one(Invoice, books.issued.id).items[0].id == other


# Lists


def listings(app: Flask) -> Iterator[tuple[str, Any]]:
    for endpoint, function in app.view_functions.items():
        if endpoint.endswith(".index_view"):
            view: Any = getattr(function, "__self__", None)
            if hasattr(view, "listing"):
                yield f"/admin/{endpoint.partition('.')[0]}/", view.listing


def one_of_each_kind(app: Flask, able: str) -> list[tuple[str, Any]]:
    """A list and a column for each kind of column that is `able`."""
    found: dict[Any, tuple[str, Any]] = {}
    for path, listing in listings(app):
        for column in listing.columns:
            if getattr(column, able):
                nullable = able == "sortable" and column.nullable
                found.setdefault((column.kind, nullable), (path, column))
    return list(found.values())


def token(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


CURSORS = (
    "x",
    "é",
    "=" * 50,
    "A" * 3_000,
    token(),
    token("s", "a", 1, 1),
    token("s", "a\x00", 1, 1),
    token("s", "\ud800", 1, 1),
    token("d", "NaN", 1, 1),
    token("d", "1e99999", 1, 1),
    token("d", "-1e-99999", 1, 1),
    token("i", 2**63, 1, 1),
    token("i", 5, 2**80, 1),
    token("i", 5, 1, 10**30),
    token("t", "9999-12-31", 1, 1),
    token("t", "0001-01-01", 1, 1),
    token("m", "0001-01-01T00:00:00+14:00", 1, 1),
    token("m", "2026-01-01", 1, 1),
    token("n", None, 1, 1),
    token("b", True, 1, 1),
    token("z", {}, 1, 1),
    token([], {}, None, "x"),
    token("s", "a", True, True),
)


@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
def test_a_place_in_a_list_by_other_hands(app: Flask, client_as: Client, books: Books, cursor: str) -> None:
    """A cursor changed by hand, or of another column, shows the list from somewhere: it is no fault."""
    client = client_as("admin")
    for path, sort in one_of_each_kind(app, "sortable"):
        for side in ("after", "before"):
            response = client.get(path, query_string={"sort": sort.name, side: cursor})
            assert response.status_code == 200, (path, sort.name, side)


FILTERS = (
    "\x00",
    "NaN",
    "1e309",
    "9" * 50,
    "-" + "9" * 18,
    "9999-12-31",
    "0001-01-01",
    "0001-01-01..9999-12-31",
    "..",
    "..1",
    "1..",
    "%",
    "\\",
    "_",
    "'; --",
    "1,2,3," * 200,
    "x" * 50_000,
    "²",
    "yes",
    "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
)


@pytest.mark.parametrize("text", FILTERS, ids=range(len(FILTERS)))
def test_a_filter_by_other_hands(app: Flask, client_as: Client, books: Books, text: str) -> None:
    from dashboard.queries.list_filters import OFFERED

    client = client_as("admin")
    for path, column in one_of_each_kind(app, "filterable"):
        for operator in (*OFFERED[column.kind], "no-such"):
            response = client.get(path, query_string={f"{column.name}.{operator}": text})
            assert response.status_code == 200, (path, column.name, operator)
    for path, _ in listings(app):
        asked = {"search": text, "tab": text, "size": text, "sort": text, "columns": text, "last": text}
        assert client.get(path, query_string=asked).status_code == 200, path
    export = client.get("/admin/invoice/export/csv/", query_string={"search": text})
    assert export.status_code in (200, 303, 409)
    log = dict.fromkeys(("who", "kind", "record", "id", "since", "until", "before"), text)
    for name in log:
        assert client.get("/admin/audit/", query_string={name: text}).status_code == 200, name


def test_a_list_is_not_asked_more_filters_than_it_takes(client_as: Client, books: Books) -> None:
    pairs = [("total.gte", "1")] * 5_000
    page = client_as("viewer").get("/admin/invoice/", query_string="&".join(f"{k}={v}" for k, v in pairs))
    assert page.status_code == 200
    assert "At most 20 filters" in page.text


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
            # The answer of this one is words beside its button.
            assert response.status_code >= 300 or rule.endpoint == "setting.test_email_view", rule.rule
    assert (db.session.query(Customer).count(), db.session.query(Payment).count()) == before


@each_target
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
