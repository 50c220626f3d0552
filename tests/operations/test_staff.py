"""Staff accounts: making, changing, removing, and the way back in."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest
from flask_security import verify_password

from dashboard.extensions import db
from dashboard.models import AuditEntry, Customer, Staff
from dashboard.operations import sign_in, staff
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, Refused, Stale

PASSWORD = "a password of some words"
ADA = {"email": "New@Example.com", "name": "Nora New", "role": "clerk", "password": PASSWORD}


def test_a_new_account_can_sign_in(actor):
    made = staff.create(actor, ADA)
    assert (made.email, made.role, made.active) == ("new@example.com", "clerk", True)
    assert verify_password(PASSWORD, made.password)
    assert sign_in.admit("new@example.com") is made


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"email": "ada@intranet"}, "email"),
        ({"email": "ada@office..local"}, "email"),
        ({"email": "clerk@example.com"}, "email"),
        ({"email": " CLERK@example.com"}, "email"),
        ({"email": "new@example.com\nBcc: x@example.com"}, "email"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"role": "owner"}, "role"),
        ({"role": None}, "role"),
        ({"password": "short"}, "password"),
        ({"password": None}, "password"),
        ({"password": "new@example.com"}, "password"),
        ({"fs_uniquifier": "x"}, "fs_uniquifier"),
        ({"tf_totp_secret": "x"}, "tf_totp_secret"),
    ],
)
def test_what_a_new_account_may_not_be(actor, change, field):
    with pytest.raises(Invalid) as refused:
        staff.create(actor, {**ADA, **change})
    assert list(refused.value.errors) == [field]


def test_every_fault_is_said_at_once(actor):
    with pytest.raises(Invalid) as refused:
        staff.create(actor, {"email": "x", "name": "", "role": "", "password": ""})
    assert set(refused.value.errors) == {"email", "name", "role", "password"}


@pytest.mark.parametrize("email", ["ada@office.local", "ada@billing.internal", "ädä@example.com"])
def test_addresses_of_inner_networks_will_do(actor, email):
    assert staff.create(actor, {**ADA, "email": email}).email == email


@pytest.mark.parametrize("role", ["viewer", "clerk", "manager"])
def test_only_administrators_manage_staff(as_role, role):
    actor, key = as_role(role), as_role("viewer").id
    for refused in (
        lambda: staff.create(actor, ADA),
        lambda: staff.update(actor, key, {"role": "admin"}),
        lambda: staff.delete(actor, key),
        lambda: staff.set_password(actor, key, PASSWORD),
        lambda: staff.reset_second_factor(actor, key),
        lambda: staff.unlock(actor, key),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_a_double_click_makes_one_account(actor):
    staff.create(actor, ADA, form_key="k1")
    with pytest.raises(Duplicate):
        staff.create(actor, ADA, form_key="k1")


def test_update_takes_part_of_the_fields(actor, as_role):
    key = as_role("clerk").id
    changed = staff.update(actor, key, {"name": "Carla Clerk"}, version=1)
    assert (changed.name, changed.role, changed.version) == ("Carla Clerk", "clerk", 2)
    with pytest.raises(Stale):
        staff.update(actor, key, {"name": "Late"}, version=1)
    with pytest.raises(Missing):
        staff.update(actor, 999_999, {"name": "Nobody"})


def test_nobody_steps_down_or_goes_by_their_own_hand(actor, as_role):
    staff.create(actor, {**ADA, "role": "admin"})
    with pytest.raises(Invalid, match="your own account"):
        staff.update(actor, actor.id, {"active": False})
    with pytest.raises(Invalid, match="your own account"):
        staff.update(actor, actor.id, {"role": "clerk"})
    with pytest.raises(Refused, match="your own account"):
        staff.delete(actor, actor.id)
    assert staff.update(actor, actor.id, {"name": "Ada", "role": "admin", "active": True}).name == "Ada"


def test_the_last_administrator_stays(actor, staff_system):
    for change in ({"role": "clerk"}, {"active": False}):
        with pytest.raises(Invalid, match="only active administrator"):
            staff.update(staff_system, actor.id, change)
    with pytest.raises(Refused, match="only active administrator"):
        staff.delete(staff_system, actor.id)
    staff.create(staff_system, {**ADA, "role": "admin", "active": False})
    with pytest.raises(Refused, match="only active administrator"):
        staff.delete(staff_system, actor.id)


@pytest.fixture
def staff_system():
    from dashboard.operations.base import SYSTEM

    return SYSTEM


def test_two_administrators_who_demote_each_other_do_not_both_succeed(app, actor):
    other = staff.create(actor, {**ADA, "role": "admin"})
    second = replace(actor, id=other.id, name=other.name)
    done = []

    def demote(who, key):
        with app.app_context():
            try:
                staff.update(who, key, {"role": "viewer"})
                done.append(key)
            except (Invalid, Refused):
                pass
            finally:
                db.session.remove()

    pairs = [(actor, other.id), (second, actor.id)]
    threads = [threading.Thread(target=demote, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    admins = db.session.query(Staff).filter_by(role="admin", active=True).count()
    assert (len(done), admins) == (1, 1)


def test_deleting_leaves_the_record_of_what_was_done(actor, as_role):
    key = as_role("manager").id
    customer = Customer(name="Example Telecom Ltd", currency="USD", account_manager_id=key)
    db.session.add(customer)
    db.session.commit()
    staff.delete(actor, key)
    db.session.refresh(customer)
    assert customer.account_manager_id is None
    entry = db.session.query(AuditEntry).filter_by(table_name="staff", action="delete").one()
    assert entry.changes["name"] == ["Mona Manager", None]
    assert entry.actor_name == "Ada Admin"
    assert entry.changes["password"] == ["(hidden)", None]


def test_a_new_password_ends_sessions_and_lifts_a_lock(actor, as_role):
    found = db.session.get(Staff, as_role("clerk").id)
    before = found.fs_uniquifier
    for _ in range(5):
        sign_in.take_try(found.id)
    staff.set_password(actor, found.id, PASSWORD)
    assert verify_password(PASSWORD, found.password)
    assert found.fs_uniquifier != before
    assert sign_in.admit("clerk@example.com") is found
    with pytest.raises(Invalid, match="at least 8"):
        staff.set_password(actor, found.id, "short")


def test_unlock(actor, as_role):
    key = as_role("clerk").id
    for _ in range(5):
        sign_in.take_try(key)
    assert not sign_in.take_try(key)
    db.session.expire_all()
    staff.unlock(actor, key)
    assert sign_in.take_try(key)


def test_a_second_factor_that_is_not_there_is_not_reset(actor, as_role):
    with pytest.raises(Refused, match="does not use two-step"):
        staff.reset_second_factor(actor, as_role("clerk").id)


def test_bootstrap_makes_one_account_and_only_once(app):
    made = staff.bootstrap()
    assert made.email == "admin@example.com"
    assert re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}", made.password)
    account = db.session.query(Staff).one()
    assert (account.role, account.name) == ("admin", "Administrator")
    assert verify_password(made.password, account.password)
    assert staff.bootstrap("other@example.com", PASSWORD) is None


def test_processes_that_start_together_make_one_first_account(app):
    made = []

    def go(number):
        with app.app_context():
            made.append(staff.bootstrap(f"admin{number}@example.com", PASSWORD))
            db.session.remove()

    threads = [threading.Thread(target=go, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in made if one]) == 1
    assert db.session.query(Staff).count() == 1


# From the command line


def run(app, *arguments, **kwargs):
    return app.test_cli_runner().invoke(args=["staff", *arguments], **kwargs)


def test_the_command_adds_and_lists(app):
    made = run(app, "add", "eve@example.com", "--name", "Eve", "--role", "manager")
    assert made.exit_code == 0
    password = re.search(r"with password (\S+)$", made.output.strip()).group(1)
    account = db.session.query(Staff).one()
    assert verify_password(password, account.password)
    given = run(
        app,
        *("add", "bob@example.com", "--name", "Bob", "--role", "viewer", "--password-stdin"),
        input="typed elsewhere\n",
    )
    assert given.output == "Bob can sign in as bob@example.com\n"
    listed = run(app, "list").output
    assert listed == "bob@example.com\tviewer\tactive\t\tBob\neve@example.com\tmanager\tactive\t\tEve\n"


def test_the_command_says_why_not(app):
    again = ("add", "eve@example.com", "--name", "Eve", "--role", "manager")
    run(app, *again)
    refused = run(app, *again)
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: email: Eve already signs in with this address.\n",
    )
    unknown = run(app, "password", "nobody@example.com")
    assert unknown.exit_code == 1
    assert "does not exist" in unknown.output
    short = run(app, *again[:1], "x@example.com", *again[2:], "--password-stdin", input="short\n")
    assert "password: Use at least 8 characters." in short.output


def test_the_command_gives_a_new_password(app):
    run(app, "add", "eve@example.com", "--name", "Eve", "--role", "admin")
    done = run(app, "password", "Eve@example.com", "--password-stdin", input=PASSWORD + "\n")
    assert done.exit_code == 0
    db.session.expire_all()
    assert verify_password(PASSWORD, db.session.query(Staff).one().password)
    entry = db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert (entry.actor_name, entry.comment) == ("System", "From the command line")


def test_bootstrap_prints_a_password_that_it_made_up_and_no_other(app):
    said = run(app, "bootstrap").output
    assert re.fullmatch(r"Sign in as admin@example\.com with password \S+\n", said)
    assert run(app, "bootstrap").output == ""


def test_bootstrap_takes_the_environment(app, monkeypatch):
    chosen = replace(app.extensions["settings"], admin_email="boss@office.local", admin_password=PASSWORD)
    monkeypatch.setitem(app.extensions, "settings", chosen)
    assert run(app, "bootstrap").output == (
        "Sign in as boss@office.local with the password in ADMIN_PASSWORD\n"
    )
    assert verify_password(PASSWORD, db.session.query(Staff).one().password)
