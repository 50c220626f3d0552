"""Hostile text in every field that takes text: on the screen, in the audit log, in files, at its limits."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.hostile.pages import Page
from tests.hostile.targets import (
    COVERED_BY,
    TARGETS,
    Books,
    Target,
    forms_of_the_application,
    free,
    is_tags,
    longest,
)
from tests.support.pdf import said

Client = Callable[[str], Any]

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "picture": '"><img src=x onerror=alert(1)>',
    "template": "{{7*7}}${7*7}<%=7*7%>",
    "sql": "'; DROP TABLE customer;--",
}
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "＝1+1", "＠A1")
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "_"))
each_payload = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)


def cut(target: Target, name: str, text: str) -> str:
    return text[: longest(target.texts[name]) or 40]


def marked(target: Target, payload: str) -> dict[str, str]:
    """The payload for every free field, each told apart by two digits."""
    return {
        name: cut(target, name, f"{at:02}{payload}").strip() for at, name in enumerate(free(target), start=10)
    }


def shown_on(target: Target, books: Books) -> list[str]:
    record = target.stored(books)
    return [page.format(id=record.id, payment=books.payment.id) for page in target.pages]


def every_column(app: Flask, path: str) -> str:
    """The list's address with all its columns, hidden ones too."""
    view = app.view_functions[f"{path.split('/')[2]}.index_view"].__self__  # type: ignore[attr-defined]
    return f"{path}?columns=" + ",".join(column.name for column in view.listing.columns)


def table(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def exports(app: Flask) -> list[str]:
    return sorted(
        f"/admin/{rule.endpoint.partition('.')[0]}/"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.endswith(".export")
    )


# Every form is here


def test_every_form_with_a_text_or_a_number_is_tried(app: Flask) -> None:
    known = {target.form for target in TARGETS} | set(COVERED_BY)
    for form in forms_of_the_application():
        tried = Target("", form, str, dict, dict)  # type: ignore[arg-type]
        assert form in known or not (tried.texts or tried.numbers), f"{form} is not in TARGETS"


# Markup


@each_payload
@each_target
def test_markup_is_kept_and_shown_as_text(
    app: Flask, client_as: Client, books: Books, target: Target, payload: str
) -> None:
    sent = marked(target, payload)
    client = client_as(target.role)
    response = target.post(client, books, **sent)
    assert response.status_code == 303, Page(response.text).by_id
    for name, text in sent.items():
        assert target.value(books, name) == text, name
    for path in shown_on(target, books):
        page = Page(client.get(path).text)
        assert page.faults() == [], path
        if "/edit/" in path or "/details/" in path or "setting" in path:
            assert any(text in page.said for text in sent.values()), path
        if "/edit/" in path or "setting" in path:
            assert {n: page.value(target.prefix + n) for n in sent} == sent
        if path.count("/") == 3 and "setting" not in path:
            whole = Page(client.get(every_column(app, path)).text)
            assert whole.faults() == [], path
    log = Page(client.get("/admin/audit/").text)
    assert log.faults() == []
    if sent and target.audited:
        assert any(text in log.said for text in sent.values()), log.said


def _spelled(target: Target) -> set[str]:
    """The texts with a spelling of their own; a tag may be any word."""
    return {name for name in target.texts if name not in free(target) and not is_tags(target, name)}


@each_payload
@each_target
def test_markup_that_is_refused_is_shown_as_text_too(
    client_as: Client, books: Books, target: Target, payload: str
) -> None:
    """A refused form shows all of it again."""
    client = client_as(target.role)
    for wrong in (_spelled(target), {*target.numbers, *target.days}):
        if not wrong:
            continue
        rest = {name: cut(target, name, payload) for name in target.texts}
        response = target.post(client, books, **{**rest, **dict.fromkeys(wrong, payload)})
        assert response.status_code == 422
        page = Page(response.text)
        assert page.faults() == []
        for name in wrong:
            assert page.by_id.get(target.error(name), "").strip(), name


@each_payload
def test_markup_is_printed_as_text(client_as: Client, books: Books, payload: str) -> None:
    admin = client_as("admin")
    by_name = {target.name: target for target in TARGETS}
    printed: list[str] = []
    wanted = {
        "customer": ("name", "address1", "address2", "city", "county", "postcode", "vat_number"),
        "settings": ("company_name", "address1", "city", "vat_number", "phone", "payment_details"),
        "invoice line": ("description", "tax_name"),
        "invoice": ("reference", "notes"),
    }
    sent = {
        name: {f: text for f, text in marked(by_name[name], payload).items() if f in wanted[name]}
        for name in wanted
    }
    assert by_name["settings"].post(admin, books, **sent["settings"]).status_code == 303
    assert by_name["customer"].post(admin, books, **sent["customer"]).status_code == 303
    books.customer = by_name["customer"].stored(books)
    line = {f"items-0-{name}": text for name, text in sent["invoice line"].items()}
    assert by_name["invoice"].post(admin, books, **sent["invoice"], **line).status_code == 303
    made = admin.get(f"/admin/invoice/{by_name['invoice'].stored(books).id}/pdf").data
    printed = [text for values in sent.values() for text in values.values()]
    assert len(printed) == sum(map(len, wanted.values()))
    words = said(made)
    for text in printed:
        assert "".join(text.split()) in words, text


@each_payload
def test_markup_goes_into_a_file_as_it_is(app: Flask, client_as: Client, books: Books, payload: str) -> None:
    client = client_as("admin")
    for target in TARGETS:
        if not target.pages or target.pages[0].count("/") != 3 or target.name == "settings":
            continue
        sent = marked(target, payload)
        assert target.post(client, books, **sent).status_code == 303, target.name
        rows = table(client.get(every_column(app, target.pages[0]).replace("?", "export/csv/?")))
        cells = {cell for row in rows for cell in row.values()}
        assert cells & set(sent.values()), target.name


# Formulas


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_text_of_any_export_is_a_formula(
    app: Flask, client_as: Client, books: Books, formula: str
) -> None:
    client = client_as("admin")
    for target in TARGETS:
        assert target.post(client, books, **dict.fromkeys(free(target), formula)).status_code == 303
    guarded = 0
    for path in exports(app):
        view: Any = app.view_functions[f"{path.split('/')[2]}.index_view"].__self__  # type: ignore[attr-defined]
        texts = {c.label for c in view.listing.columns if c.kind not in ("money", "number", "percent")}
        for row in table(client.get(every_column(app, path).replace("?", "export/csv/?"))):
            for label in texts & set(row):
                assert not row[label].startswith(STARTS), (path, label, row[label])
                guarded += row[label] == "'" + formula
    assert guarded >= 10


def test_the_selected_rows_hold_no_formula(client_as: Client, books: Books) -> None:
    client = client_as("admin")
    target = next(one for one in TARGETS if one.name == "invoice")
    target.post(client, books, reference="=1+1")
    sent = {"action": "export", "rowid": str(target.stored(books).id)}
    response = client.post("/admin/invoice/action/", data=sent)
    assert "'=1+1" in response.data.decode()
