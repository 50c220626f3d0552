"""Texts too long, texts that nobody can read, texts in every script; and what forms carry unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.models import Setting
from tests.hostile.pages import Page
from tests.hostile.targets import (
    KEPT,
    TARGETS,
    Books,
    Target,
    free,
    is_tags,
    longest,
)
from tests.hostile.test_texts import cut, each_target, shown_on

Client = Callable[[str], Any]


# Limits


@each_target
def test_texts_that_are_too_long_are_refused_at_their_fields(
    client_as: Client, books: Books, target: Target
) -> None:
    most = {n: 40 if is_tags(target, n) else longest(one) for n, one in target.texts.items()}
    assert all(most.values()), f"a text field without a limit: {most}"
    sent = {name: "x" * (limit + 1) for name, limit in most.items() if limit}
    response = target.post(client_as(target.role), books, **sent)
    assert response.status_code == (422 if sent else 303)
    page = Page(response.text)
    for name, text in sent.items():
        assert f"{most[name]:,}" in page.by_id.get(target.error(name), ""), name
        assert page.value(target.prefix + name) == text
    kept = {key: text for key, text in target.sent(books).items() if key not in ("password", "active")}
    kept |= {target.prefix + name: text for name, text in sent.items()}
    assert not sent or {key: page.value(key) for key in kept} == kept


@each_target
def test_a_text_may_be_as_long_as_it_says(client_as: Client, books: Books, target: Target) -> None:
    """In letters outside the first plane, which are four bytes each."""
    sent = {name: "𝄞" * (longest(target.texts[name]) or 0) for name in free(target)}
    response = target.post(client_as(target.role), books, **sent)
    assert response.status_code == 303, Page(response.text).by_id
    for name, text in sent.items():
        assert target.value(books, name) == text, name


@each_target
def test_control_characters_are_refused_in_words(client_as: Client, books: Books, target: Target) -> None:
    client = client_as(target.role)
    for control in ("\x00", "\x1b", "\x7f", "\x9b") if target.texts else ():
        response = target.post(client, books, **dict.fromkeys(target.texts, f"a{control}b"))
        assert response.status_code == 422
        page = Page(response.text)
        for name in target.texts:
            assert page.by_id.get(target.error(name), "").strip(), (name, control)


@each_target
def test_half_a_letter_is_no_fault_of_the_server(client_as: Client, books: Books, target: Target) -> None:
    """Bytes that are no UTF-8: half of a surrogate pair, a lone continuation byte."""
    from urllib.parse import quote

    values = {**target.sent(books), **dict.fromkeys((target.prefix + name for name in free(target)), "@@")}
    body = "&".join(f"{name}={quote(text)}" for name, text in values.items())
    response = client_as(target.role).post(
        target.path(books),
        data=body.replace("%40%40", "a%ED%A0%80%80"),
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code in (303, 422)


# Every script

UNICODE = {
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "right to left": 'شركة مثال \u200f(ע"ר) 12',
    "cjk": "株式会社例𠮷野家",
    "combining": "x̂̇ṩ̃ ก้ำ นี้",
    "quotes": "O'Neill & “Sons”\\ %s %(a)s",
}


@each_target
def test_every_script_is_kept_exactly(client_as: Client, books: Books, target: Target) -> None:
    client = client_as(target.role)
    texts = [*UNICODE.values()] * 20
    sent = {name: cut(target, name, text).strip() for name, text in zip(free(target), texts, strict=False)}
    assert target.post(client, books, **sent).status_code == 303
    for name, text in sent.items():
        assert target.value(books, name) == text, name
    for path in shown_on(target, books):
        page = Page(client.get(path).text)
        if "/edit/" in path:
            assert {name: page.value(target.prefix + name) for name in sent} == sent


# The housekeeping of a form, which nobody types


@pytest.mark.parametrize("text", ["\x00", "x" * 100_000, "<script>", "🏳️", "9" * 50], ids=range(5))
def test_hidden_fields_by_other_hands(client_as: Client, books: Books, text: str) -> None:
    client = client_as("admin")
    for target in TARGETS:
        for name in ("form_key", "version", "comment", "next", "issue"):
            response = client.post(target.path(books), data={**target.sent(books), name: text})
            assert response.status_code in (303, 409, 422), (target.name, name)
            assert Page(response.text).faults() == []


@pytest.mark.parametrize("text", ["a\x00b", "x" * 501, "\x1b[31m"], ids=["nul", "long", "escape"])
def test_a_reason_for_a_change_is_a_text_like_others(client_as: Client, books: Books, text: str) -> None:
    """Where the settings ask for a reason, it is said at its field what is wrong with it."""
    setting = db.session.get(Setting, 1)
    assert setting is not None
    setting.audit_comment = True
    db.session.commit()
    for path, sent in (
        (f"/admin/customer/edit/?id={books.customer.id}", {"name": KEPT, "currency": "USD"}),
        (f"/admin/invoice/edit/?id={books.issued.id}", {"due_date": "2026-12-02"}),
        ("/admin/setting/", next(one for one in TARGETS if one.name == "settings").sent(books)),
    ):
        response = client_as("admin").post(path, data={**sent, "comment": text})
        assert response.status_code == 422, path
        assert Page(response.text).by_id.get("comment-error", "").strip(), path


@pytest.mark.parametrize("text", ["a\x00b", "\x1b", "x" * 5000])
def test_a_reason_on_a_button_does_not_stop_it(client_as: Client, books: Books, text: str) -> None:
    sent = {"id": str(books.draft.id), "comment": text}
    assert client_as("admin").post("/admin/invoice/delete/", data=sent).status_code == 303
