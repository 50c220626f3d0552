"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest

from dashboard.extensions import db
from dashboard.models import AuditEntry
from tests.auth.helpers import WRONG, is_signed_in, sign_in
from tests.support.staff import PASSWORD


@pytest.mark.parametrize("email", ["clerk@example.com", "  Clerk@Example.COM "])
def test_right_password_signs_in(client, staff, email):
    answer = sign_in(client, email)
    assert (answer.status_code, answer.location) == (302, "/admin/")
    assert client.get("/session").get_json()["name"] == "Clark Clerk"
    assert staff["clerk"].last_sign_in_at is not None


def test_signing_in_is_no_change_of_the_account(client, staff):
    sign_in(client)
    assert db.session.query(AuditEntry).count() == 0
    assert staff["clerk"].version == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("clerk@example.com", "not the password"),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("clerk@example.com\0", "x" * 20),
        ("clerk@example.com", "x" * 5000),
        ("", PASSWORD),
        ("clerk@example.com", ""),
    ],
)
def test_every_wrong_sign_in_reads_the_same(client, staff, email, password):
    answer = sign_in(client, email, password)
    assert WRONG in answer.text
    assert not is_signed_in(client)
    assert PASSWORD not in answer.text


def test_a_deactivated_account_reads_the_same(client, staff):
    staff["clerk"].active = False
    assert WRONG in sign_in(client).text
    assert not is_signed_in(client)


def test_a_value_that_is_no_text_is_refused(client, staff):
    answer = client.post("/login", json={"email": ["clerk@example.com"], "password": {"a": 1}})
    assert answer.status_code == 400
    assert not is_signed_in(client)


def test_after_signing_in_one_is_where_one_wanted_to_be(client, staff):
    asked = client.get("/admin/?a=1&b=2")
    assert asked.status_code == 302
    form = client.get(asked.location)
    assert form.status_code == 200
    answer = sign_in(client, next="/admin/?a=1&b=2")
    assert answer.location.endswith("/admin/?a=1&b=2")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//elsewhere.example",
        "https://elsewhere.example/",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "///elsewhere.example",
        "javascript:alert(1)",
        "http:elsewhere.example",
        "https:///elsewhere.example",
        "\t//elsewhere.example",
    ],
)
def test_the_way_on_leads_nowhere_else(client, staff, elsewhere):
    answer = sign_in(client, next=elsewhere)
    assert answer.status_code == 302
    # As a browser reads it: a backslash is a slash, and the address is relative to the page.
    where = urlsplit(urljoin("http://localhost/login", answer.location.strip().replace("\\", "/")))
    assert (where.scheme, where.netloc) == ("http", "localhost")


@pytest.mark.parametrize("elsewhere", ["//elsewhere.example", "https://elsewhere.example/"])
def test_nor_does_the_hidden_field(client, staff, elsewhere):
    data = {"email": "clerk@example.com", "password": PASSWORD, "next": elsewhere}
    assert client.post("/login", data=data).location == "/admin/"


def test_a_script_signs_in_by_json(client, staff):
    answer = client.post("/login", json={"email": "clerk@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.get_json()["response"]["csrf_token"]
    refused = client.application.test_client().post(
        "/login", json={"email": "clerk@example.com", "password": "wrong"}
    )
    assert refused.status_code == 400
    assert refused.get_json()["response"]["errors"] == [WRONG]


def test_the_session_says_who_is_in_and_gives_the_token(client, staff):
    before = client.get("/session").get_json()
    assert (before["signed_in"], before["name"]) == (False, None)
    sign_in(client)
    after = client.get("/session")
    assert after.headers["Cache-Control"] == "no-store"
    token = after.get_json()["csrf_token"]
    assert client.post("/logout", data={"csrf_token": token}, csrf=False).status_code == 302


def test_sign_out_ends_the_session(client, staff):
    sign_in(client)
    assert client.get("/logout").status_code == 405
    assert is_signed_in(client)
    assert client.post("/logout").location == "/login"
    assert not is_signed_in(client)
    assert client.post("/logout").location == "/login"


def test_a_form_that_was_open_too_long_asks_again(client, staff):
    answer = sign_in(client, csrf=False)
    assert (answer.status_code, answer.location) == (302, "/login")
    assert "open for too long" in client.get("/login").text
    assert not is_signed_in(client)


def test_a_forged_sign_out_does_nothing(client, staff):
    sign_in(client)
    client.post("/logout", csrf=False)
    assert is_signed_in(client)


def test_no_browser_is_remembered(client, staff):
    data = {"email": "clerk@example.com", "password": PASSWORD, "remember": "y"}
    answer = client.post("/login", data=data)
    assert "remember_token" not in str(answer.headers.getlist("Set-Cookie"))


def test_the_cookie_is_kept_from_scripts_and_other_sites(client, staff):
    cookie = sign_in(client).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    "path",
    [
        "/register",
        "/reset",
        "/confirm",
        "/us-signin",
        "/wan-signin",
        "/tf-rescue",
        "/tf-select",
        "/fs-static/x",
    ],
)
def test_what_is_not_used_is_not_there(client_as, path):
    client = client_as("admin")
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_a_token_in_the_address_signs_nobody_in(client, staff):
    with client.application.test_request_context():
        token = staff["admin"].get_auth_token()
    assert client.get("/session", query_string={"auth_token": token}).get_json()["signed_in"] is False
    headers = {"Authentication-Token": token}
    assert client.get("/session", headers=headers).get_json()["signed_in"] is False
