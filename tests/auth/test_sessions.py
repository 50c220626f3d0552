"""When a session ends, and what the page that was open then is told."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from dashboard.extensions import db
from dashboard.models import AuditEntry
from dashboard.operations import staff as operations
from dashboard.queries import settings
from tests.auth.helpers import is_signed_in, sign_in
from tests.support.staff import PASSWORD

START = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
NEW = "a new and longer password"


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as moving:
        yield moving


def set_minutes(minutes):
    settings.current().auto_logout_minutes = minutes
    db.session.commit()


def test_an_idle_session_ends(clock, client, staff):
    set_minutes(30)
    sign_in(client)
    clock.shift(dt.timedelta(minutes=30))
    assert client.get("/admin/account/").status_code == 200
    clock.shift(dt.timedelta(minutes=30, seconds=1))
    answer = client.get("/admin/account/?tab=2")
    assert (answer.status_code, answer.location) == (302, "/login?next=/admin/account/?tab%3D2")
    assert not is_signed_in(client)


def test_zero_minutes_never_end_a_session(clock, client, staff):
    set_minutes(0)
    sign_in(client)
    clock.shift(dt.timedelta(days=6))
    assert client.get("/admin/account/").status_code == 200


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(clock, client, staff):
    set_minutes(30)
    sign_in(client)
    for _ in range(4):
        clock.shift(dt.timedelta(minutes=10))
        client.get("/admin/account/", headers={"X-Background": "1"})
        client.get("/session")
    assert not is_signed_in(client)


def test_a_form_sent_after_the_end_is_told_so_and_not_that_its_token_is_wrong(clock, client, staff):
    sign_in(client)
    clock.shift(dt.timedelta(hours=2))
    answer = client.post("/change", data={"password": PASSWORD}, csrf=False)
    assert answer.status_code == 401
    assert "Your session has ended" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"HX-Request": "true"},
        {"Accept": "application/json"},
        {"X-Requested-With": "fetch", "Accept": "application/json"},
        {"Sec-Fetch-Mode": "cors", "Accept": "application/json, */*"},
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_script_gets_401_and_where_to_sign_in(client, staff, headers, method):
    answer = getattr(client, method)("/change", headers=headers)
    assert answer.status_code == 401
    assert answer.get_json()["sign_in"] == "/login"


def test_a_script_that_asks_for_a_page_gets_one_with_401(client, staff):
    answer = client.get("/admin/account/", headers={"Sec-Fetch-Mode": "cors", "Accept": "text/html"})
    assert answer.status_code == 401
    assert "Please sign in" in answer.text


def test_a_deactivated_account_is_out_at_the_next_click(client_as, actor, staff):
    client = client_as("clerk")
    assert is_signed_in(client)
    operations.update(actor, staff["clerk"].id, {"active": False})
    assert client.get("/admin/account/").status_code == 302
    operations.update(actor, staff["clerk"].id, {"active": True})
    assert not is_signed_in(client), "a session from before must not come back"


def test_a_new_role_counts_at_the_next_click(client_as, actor, staff):
    client = client_as("manager")
    assert client.get("/admin/audit/").status_code == 200
    operations.update(actor, staff["manager"].id, {"role": "clerk"})
    assert client.get("/admin/audit/").status_code == 403


def test_a_new_password_ends_every_other_session(client_as, staff):
    mine, other = client_as("clerk"), client_as("clerk")
    data = {"password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW}
    assert mine.post("/change", data=data).location == "/admin/account/"
    assert is_signed_in(mine)
    assert not is_signed_in(other)
    assert sign_in(other, password=PASSWORD).status_code == 200
    assert sign_in(other, password=NEW).status_code == 302


def test_changing_ones_password_is_audited_under_ones_name(client_as, staff):
    client = client_as("clerk")
    data = {"password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW}
    client.post("/change", data=data)
    entries = db.session.query(AuditEntry).order_by(AuditEntry.id).all()
    assert {entry.actor_name for entry in entries} == {"Clark Clerk"}
    assert {name for entry in entries for name in entry.changes} == {"password", "fs_uniquifier"}
    assert all(pair == ["(hidden)", "(hidden)"] for entry in entries for pair in entry.changes.values())


@pytest.mark.parametrize(
    ("current", "new", "again", "said"),
    [
        ("not mine", NEW, NEW, "This password is not right"),
        (PASSWORD, NEW, "another", "The two passwords differ"),
        (PASSWORD, "short", "short", "Use at least 8 characters"),
        (PASSWORD, "clerk@example.com", "clerk@example.com", "be the e-mail address"),
        (PASSWORD, "x" * 300, "x" * 300, "Use at most 256 characters"),
        (PASSWORD, PASSWORD, PASSWORD, "the password you have now"),
        ("", NEW, NEW, "Fill in the password"),
    ],
)
def test_a_password_that_will_not_do_says_why(client_as, current, new, again, said):
    client = client_as("clerk")
    data = {"password": current, "new_password": new, "new_password_confirm": again}
    answer = client.post("/change", data=data)
    assert answer.status_code == 200
    assert said in answer.text
