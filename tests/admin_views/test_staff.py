"""Setup > Staff, and one's own account."""

from __future__ import annotations

import re

import pytest
from flask_security import verify_password

from dashboard.extensions import db
from dashboard.models import AuditEntry, Staff
from dashboard.operations import settings, sign_in
from tests.auth.helpers import is_signed_in
from tests.support.staff import PASSWORD

NEW = "another password of words"
NORA = {"name": "Nora New", "email": "nora@example.com", "role": "clerk", "active": "y", "password": NEW}


def version_in(page):
    return re.search(r'name="version"[^>]* value="(\d+)"', page).group(1)


@pytest.mark.parametrize("role", ["viewer", "clerk", "manager"])
@pytest.mark.parametrize(
    "path", ["/", "/new/", "/edit/?id=1", "/details/?id=1", "/export/csv/", "/ajax/lookup/", "/1/password"]
)
def test_only_administrators_see_staff(client_as, role, path):
    answer = client_as(role).get(f"/admin/staff{path}")
    assert answer.status_code == 403
    assert "example.com" not in answer.text


@pytest.mark.parametrize("path", ["/1/password", "/1/unlock", "/1/reset-second-factor", "/delete/", "/new/"])
def test_only_administrators_change_staff(client_as, path):
    assert client_as("manager").post(f"/admin/staff{path}", data={"id": "1"}).status_code == 403


def test_the_list_shows_everybody_and_no_secret(client_as, staff):
    page = client_as("admin").get("/admin/staff/").text
    for name in ("Vera Viewer", "Clark Clerk", "Mona Manager", "Ada Admin"):
        assert name in page
    exported = client_as("admin").get("/admin/staff/export/csv/").text
    assert "clerk@example.com" in exported
    for text in (page, exported):
        assert "argon2" not in text
        assert staff["clerk"].fs_uniquifier not in text


def test_adding_somebody(client_as):
    client = client_as("admin")
    assert 'type="password"' in client.get("/admin/staff/new/").text
    answer = client.post("/admin/staff/new/", data=NORA)
    assert answer.status_code == 303
    made = db.session.query(Staff).filter_by(email="nora@example.com").one()
    assert verify_password(NEW, made.password)
    assert (made.role, made.active) == ("clerk", True)


def test_what_is_wrong_is_said_and_the_password_not_sent_back(client_as):
    answer = client_as("admin").post(
        "/admin/staff/new/", data={**NORA, "email": "clerk@example.com", "name": "<b>x</b>"}
    )
    assert answer.status_code == 422
    assert "Clark Clerk already signs in with this address" in answer.text
    assert NEW not in answer.text
    assert "<b>x</b>" not in answer.text


def test_changing_somebody(client_as, staff):
    client, key = client_as("admin"), staff["clerk"].id
    page = client.get(f"/admin/staff/edit/?id={key}").text
    assert 'type="password"' not in page
    data = {"name": "Carla", "email": "clerk@example.com", "role": "manager", "active": "y"}
    answer = client.post(f"/admin/staff/edit/?id={key}", data={**data, "version": version_in(page)})
    assert answer.status_code == 303
    assert (staff["clerk"].name, staff["clerk"].role) == ("Carla", "manager")
    late = client.post(f"/admin/staff/edit/?id={key}", data={**data, "version": version_in(page)})
    assert late.status_code == 409


def test_an_administrator_does_not_deactivate_the_own_account(client_as, staff):
    key = staff["admin"].id
    data = {"name": "Ada Admin", "email": "admin@example.com", "role": "admin", "version": "1"}
    answer = client_as("admin").post(f"/admin/staff/edit/?id={key}", data=data)
    assert answer.status_code == 422
    assert "deactivate your own account" in answer.text
    assert staff["admin"].active


def test_deleting(client_as, staff):
    client, key = client_as("admin"), staff["viewer"].id
    assert client.post("/admin/staff/delete/", data={"id": key}).status_code == 303
    assert db.session.query(Staff).filter_by(role="viewer").count() == 0
    client.post("/admin/staff/delete/", data={"id": staff["admin"].id})
    assert db.session.query(Staff).filter_by(role="admin").count() == 1
    assert "delete your own account" in client.get("/admin/staff/").text


def test_the_role_is_changed_in_the_list(client_as, staff):
    data = {"list_form_pk": str(staff["viewer"].id), "role": "clerk", "version": "1"}
    answer = client_as("admin").post("/admin/staff/ajax/update/", data=data)
    assert answer.status_code == 200
    assert staff["viewer"].role == "clerk"
    own = {"list_form_pk": str(staff["admin"].id), "role": "clerk", "version": "1"}
    refused = client_as("admin").post("/admin/staff/ajax/update/", data=own)
    assert (refused.status_code, "your own account" in refused.get_json()["error"]) == (422, True)


def test_a_new_password(client_as, staff):
    client, other = client_as("admin"), client_as("clerk")
    path = f"/admin/staff/{staff['clerk'].id}/password"
    assert "New password for Clark Clerk" in client.get(path, headers={"X-Modal": "1"}).text
    refused = client.post(path, data={"password": "short"})
    assert (refused.status_code, "at least 8" in refused.text) == (422, True)
    assert client.post(path, data={"password": NEW}).status_code == 303
    assert verify_password(NEW, staff["clerk"].password)
    assert not is_signed_in(other)
    entry = db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert entry.actor_name == "Ada Admin"


def test_unlocking(client_as, staff):
    client, key = client_as("admin"), staff["clerk"].id
    assert "Locked until" not in client.get(f"/admin/staff/details/?id={key}").text
    for _ in range(5):
        sign_in.take_try(key)
    page = client.get(f"/admin/staff/details/?id={key}").text
    assert "Locked until" in page
    assert "Unlock" in page
    assert client.post(f"/admin/staff/{key}/unlock").status_code == 303
    assert sign_in.take_try(key)


def test_resetting_two_step_sign_in(client_as, staff):
    client, member = client_as("admin"), staff["clerk"]
    member.tf_primary_method, member.tf_totp_secret = "authenticator", "{}"
    db.session.commit()
    page = client.get(f"/admin/staff/details/?id={member.id}").text
    assert "Reset two-step sign-in" in page
    assert client.post(f"/admin/staff/{member.id}/reset-second-factor").status_code == 303
    assert not member.has_second_factor
    client.post(f"/admin/staff/{member.id}/reset-second-factor")
    assert "does not use two-step" in client.get("/admin/staff/").text


def test_the_history_is_on_the_page(client_as, actor, staff):
    client = client_as("admin")
    client.post(f"/admin/staff/{staff['clerk'].id}/password", data={"password": NEW})
    page = client.get(f"/admin/staff/details/?id={staff['clerk'].id}").text
    assert "Staff account changed" in page
    assert "(hidden)" in page
    assert staff["clerk"].password not in page


# One's own account


@pytest.mark.parametrize("role", ["viewer", "clerk", "manager", "admin"])
def test_everybody_has_an_account_page(client_as, actor, role):
    settings.update(actor, {"auto_logout_minutes": 45})
    page = client_as(role).get("/admin/account/").text
    assert f"{role}@example.com" in page
    assert "After 45 minutes" in page
    for href in ("/change", "/tf-setup"):
        assert f'href="{href}"' in page
    assert 'href="/mf-recovery-codes"' not in page


def test_recovery_codes_are_offered_with_two_step_sign_in(client_as, staff):
    member = staff["clerk"]
    member.tf_primary_method, member.tf_totp_secret = "authenticator", "{}"
    db.session.commit()
    page = client_as("clerk").get("/admin/account/").text
    assert 'href="/mf-recovery-codes"' in page
    assert "none are left" in page


def test_the_menu_leads_there(client_as):
    page = client_as("clerk").get("/admin/account/").text
    assert 'class="menu-item" href="/admin/account/"' in page


@pytest.mark.parametrize("path", ["/change", "/tf-setup", "/verify", "/mf-recovery-codes"])
def test_the_pages_of_sign_in_open(client_as, path):
    answer = client_as("viewer").get(path)
    assert answer.status_code == 200
    assert PASSWORD not in answer.text
