"""Five wrong tries lock an account for fifteen minutes; one address has twenty tries a minute."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
import time_machine

from dashboard.extensions import db
from dashboard.models import AuditEntry, Staff
from dashboard.operations import sign_in as tries
from tests.auth.helpers import WRONG, is_signed_in, sign_in
from tests.support.staff import PASSWORD

START = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)


def fail(client, times, email="clerk@example.com"):
    return [sign_in(client, email, "not the password") for _ in range(times)]


def test_five_wrong_passwords_lock_out_the_right_one(client, staff):
    with time_machine.travel(START, tick=False):
        fail(client, 5)
        answer = sign_in(client)
        assert WRONG in answer.text
        assert not is_signed_in(client)
        db.session.refresh(staff["clerk"])
        assert staff["clerk"].locked_until == START + dt.timedelta(minutes=15)


def test_four_do_not_and_a_success_forgets_them(client, staff):
    fail(client, 4)
    assert sign_in(client).status_code == 302
    other = client.application.test_client()
    fail(other, 4)
    assert sign_in(other).status_code == 302


def test_after_fifteen_minutes_one_may_try_five_times_more(client, staff):
    with time_machine.travel(START, tick=False) as clock:
        fail(client, 5)
        clock.shift(dt.timedelta(minutes=14, seconds=59))
        assert WRONG in sign_in(client).text
        clock.shift(dt.timedelta(seconds=2))
        fail(client, 4)
        assert sign_in(client).status_code == 302
        assert staff["clerk"].locked_until is None


def test_a_locked_account_reads_like_one_that_does_not_exist(client, staff):
    fail(client, 5)
    locked = sign_in(client).text
    unknown = sign_in(client, "nobody@example.com").text.replace("nobody@", "clerk@")
    strip = [line for line in locked.splitlines() if "csrf" not in line]
    assert strip == [line for line in unknown.splitlines() if "csrf" not in line]


def test_others_are_not_locked_out(client, staff):
    fail(client, 5)
    assert sign_in(client, "manager@example.com").status_code == 302


def test_the_lock_is_in_the_audit_log_and_the_tries_are_not(client, staff):
    fail(client, 5)
    entry = db.session.query(AuditEntry).one()
    assert entry.table_name == "staff"
    assert list(entry.changes) == ["locked_until"]
    assert (entry.actor_id, entry.comment) == (None, "5 tries to sign in")


def test_many_at_once_have_five_tries_between_them(app, staff):
    key, taken = staff["clerk"].id, []

    def go():
        with app.app_context():
            taken.append(tries.take_try(key))
            db.session.remove()

    threads = [threading.Thread(target=go) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 5


def test_a_try_given_back_unlocks(staff):
    key = staff["clerk"].id
    for _ in range(5):
        assert tries.take_try(key)
    assert not tries.take_try(key)
    tries.give_back(key)
    assert tries.take_try(key)
    assert not tries.take_try(key)


def test_an_inactive_account_takes_no_try(staff):
    staff["clerk"].active = False
    db.session.commit()
    assert not tries.take_try(staff["clerk"].id)


def test_tries_of_somebody_signed_in_count_too(client_as, staff):
    client = client_as("clerk")
    for _ in range(5):
        client.post("/verify", data={"password": "not the password"})
    answer = client.post("/verify", data={"password": PASSWORD})
    assert "try again in 15 minutes" in answer.text
    assert is_signed_in(client)


def test_one_address_tries_twenty_times_a_minute(client, staff):
    for number in range(20):
        assert sign_in(client, f"nobody{number}@example.com").status_code == 200
    answer = sign_in(client)
    assert answer.status_code == 429
    assert "Too many tries" in answer.text
    assert answer.headers["Retry-After"] == "60"
    by_script = client.post("/login", json={"email": "clerk@example.com", "password": PASSWORD})
    assert by_script.status_code == 429
    assert "Too many tries" in by_script.get_json()["error"]
    assert client.get("/login").status_code == 200
    elsewhere = sign_in(client, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 302


@pytest.mark.parametrize("email", ["clerk@example.com", "nobody@example.com"])
def test_an_account_that_may_not_be_tried_answers_no_sooner(client, staff, email):
    """A lock, or an address that nobody has, must not be told by the clock."""
    fail(client, 5, email)
    begun = time.perf_counter()
    staff["clerk"].verify_and_update_password("not the password")
    one_hash = time.perf_counter() - begun
    begun = time.perf_counter()
    sign_in(client, email, "not the password")
    assert time.perf_counter() - begun > one_hash / 3


def test_lock_shows_on_the_account(staff):
    member = db.session.get(Staff, staff["clerk"].id)
    assert member is not None
    assert not member.locked_at(START)
    member.locked_until = START + dt.timedelta(minutes=15)
    assert member.locked_at(START)
    assert not member.locked_at(START + dt.timedelta(minutes=15))
