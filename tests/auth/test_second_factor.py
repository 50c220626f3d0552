"""Two-step sign-in: a code from an app after the password."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from passlib.totp import TOTP

from dashboard.extensions import db
from dashboard.models import AuditEntry
from dashboard.operations import staff as operations
from tests.auth.helpers import is_signed_in, sign_in

START = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as moving:
        yield moving


def set_up(client):
    """Turn it on as the page does; the telephone is the answer."""
    page = client.post("/tf-setup", data={"setup": "authenticator"}).text
    key = re.search(r'class="secret">([A-Z2-7 -]+)<', page).group(1)
    phone = TOTP(key=re.sub("[ -]", "", key))
    done = client.post(
        re.search(r'action="(/tf-setup/[^"]+)"', page).group(1), data={"code": phone.generate().token}
    )
    assert done.location == "/admin/account/"
    return phone


def send_code(client, code, **kwargs):
    return client.post("/tf-validate", data={"code": code}, **kwargs)


@pytest.fixture
def phone(clock, client_as):
    made = set_up(client_as("clerk"))
    clock.shift(dt.timedelta(minutes=1))
    return made


def test_the_password_alone_is_not_enough(phone, client):
    answer = sign_in(client)
    assert answer.location.startswith("/tf-validate")
    assert not is_signed_in(client)
    assert client.get("/admin/account/").status_code == 302
    assert send_code(client, phone.generate().token).location == "/admin/"
    assert is_signed_in(client)


def test_the_way_on_is_kept(phone, client):
    answer = sign_in(client, next="/admin/account/")
    done = client.post(answer.location, data={"code": phone.generate().token})
    assert done.location.endswith("/admin/account/")


def test_a_code_works_once(phone, client):
    code = phone.generate().token
    sign_in(client)
    send_code(client, code)
    assert is_signed_in(client)
    other = client.application.test_client()
    sign_in(other)
    send_code(other, code)
    assert not is_signed_in(other)


def test_an_old_code_is_refused(phone, client, clock):
    code = phone.generate().token
    clock.shift(dt.timedelta(minutes=2))
    sign_in(client)
    assert "This code is not right" in send_code(client, code).text
    assert not is_signed_in(client)


@pytest.mark.parametrize("code", ["", "12", "abcdef", "0" * 5000, "\0"])
def test_what_is_no_code_is_refused(phone, client, code):
    sign_in(client)
    assert send_code(client, code).status_code == 200
    assert not is_signed_in(client)


def test_wrong_codes_lock_and_the_right_password_between_them_does_not_help(phone, client):
    for _ in range(5):
        sign_in(client)
        send_code(client, "000000")
    sign_in(client)
    send_code(client, phone.generate().token)
    assert not is_signed_in(client)


def test_a_code_comes_soon_after_the_password(phone, client, clock):
    sign_in(client)
    clock.shift(dt.timedelta(minutes=11))
    assert "took too long" in send_code(client, phone.generate().token).text
    assert not is_signed_in(client)


def test_a_code_without_a_password_is_nothing(phone, client):
    assert send_code(client, phone.generate().token).location == "/login"
    assert client.get("/mf-recovery").location == "/login"
    assert not is_signed_in(client)


def test_recovery_codes_work_once(phone, client, client_as):
    page = client_as("clerk").post("/mf-recovery-codes", data={"generate_new_codes": "1"}).text
    codes = re.findall(r"<li>([0-9a-f-]{14})</li>", page)
    assert len(codes) == 8
    sign_in(client)
    assert client.post("/mf-recovery", data={"code": codes[0]}).location == "/admin/"
    assert is_signed_in(client)
    other = client.application.test_client()
    sign_in(other)
    assert "This code is not right" in other.post("/mf-recovery", data={"code": codes[0]}).text
    assert other.post("/mf-recovery", data={"code": codes[1]}).location == "/admin/"


def test_the_database_holds_neither_secret_nor_codes_in_clear(phone, client_as, staff):
    page = client_as("clerk").post("/mf-recovery-codes", data={"generate_new_codes": "1"}).text
    codes = re.findall(r"<li>([0-9a-f-]{14})</li>", page)
    member = staff["clerk"]
    assert phone.base32_key not in member.tf_totp_secret
    assert not set(codes) & set(member.mf_recovery_codes)
    assert len(member.tf_totp_secret) <= 255


def test_nothing_of_it_is_readable_in_the_audit_log(phone, client_as):
    client_as("clerk").post("/mf-recovery-codes", data={"generate_new_codes": "1"})
    entries = db.session.query(AuditEntry).all()
    seen = {name: pair for entry in entries for name, pair in entry.changes.items()}
    assert seen == {
        "tf_primary_method": [None, "authenticator"],
        "tf_totp_secret": [None, "(hidden)"],
        "mf_recovery_codes": [None, "(hidden)"],
    }
    assert {entry.actor_name for entry in entries} == {"Clark Clerk"}


def test_setting_up_needs_the_password_again_after_a_while(clock, client, staff):
    sign_in(client)
    clock.shift(dt.timedelta(minutes=25))
    for path in ("/tf-setup", "/mf-recovery-codes"):
        assert client.get(path).location.startswith("/verify")


def test_a_wrong_code_turns_nothing_on(clock, client_as, staff):
    client = client_as("clerk")
    page = client.post("/tf-setup", data={"setup": "authenticator"}).text
    client.post(re.search(r'action="(/tf-setup/[^"]+)"', page).group(1), data={"code": "000000"})
    assert not staff["clerk"].has_second_factor


@pytest.mark.parametrize("method", ["email", "sms", "mail", "nonsense"])
def test_only_the_app_is_a_second_step(clock, client_as, staff, method):
    client_as("clerk").post("/tf-setup", data={"setup": method, "phone": "+441632960000"})
    assert staff["clerk"].tf_primary_method is None


def test_it_can_be_turned_off(phone, client_as, client, staff):
    assert client_as("clerk").post("/tf-setup", data={"setup": "disable"}).location == "/admin/account/"
    assert not staff["clerk"].has_second_factor
    assert sign_in(client).location == "/admin/"


def test_an_administrator_resets_it(phone, client, actor, staff):
    operations.reset_second_factor(actor, staff["clerk"].id)
    assert sign_in(client).location == "/admin/"


def test_a_script_is_told_that_a_code_is_wanted(phone, client):
    from tests.support.staff import PASSWORD

    answer = client.post("/login", json={"email": "clerk@example.com", "password": PASSWORD})
    assert answer.get_json()["response"]["tf_required"] is True
    done = client.post("/tf-validate", json={"code": phone.generate().token})
    assert done.status_code == 200
    assert is_signed_in(client)
