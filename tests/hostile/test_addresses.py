"""Keys, lines, cursors and filters by other hands: words or a value, never a fault."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from dashboard.extensions import db
from dashboard.models import Invoice
from tests.hostile.targets import TARGETS, Books
from tests.hostile.test_numbers import NOT_KEYS

Client = Callable[[str], Any]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "_"))


# Keys in addresses


BAD_IDS = ("²", "-1", "9" * 19, "9" * 40, "1\x00")


def admin_rules(app: Flask) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin/"):
            yield rule


@pytest.mark.parametrize("key", BAD_IDS, ids=range(len(BAD_IDS)))
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
    "9999-12-31",
    "0001-01-01..9999-12-31",
    "..",
    "%_\\'; --",
    "1,2,3," * 200,
    "x" * 50_000,
    "²",
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
        # Rates are listed by card; without one the way leads to the cards.
        expected = 303 if path == "/admin/rate/" else 200
        assert client.get(path, query_string=asked).status_code == expected, path
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
