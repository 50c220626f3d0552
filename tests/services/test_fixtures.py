"""The test suite's own tools: what a test may rely on."""

from __future__ import annotations

import contextvars
import smtplib
import socket
from email.message import EmailMessage

import pytest
from sqlalchemy import text

from dashboard.auth import current_actor
from dashboard.extensions import db
from dashboard.models import AuditEntry, Staff


@pytest.mark.parametrize("round_number", [1, 2])
def test_each_test_begins_with_clean_tables(app, staff, round_number):
    assert db.session.query(Staff).count() == 4
    db.session.execute(text("UPDATE staff SET name = 'Somebody'"))
    db.session.commit()
    db.session.expire_all()
    assert {member.name for member in db.session.query(Staff)} == {"Somebody"}


def test_each_test_begins_with_an_empty_queue(queue_connection):
    assert queue_connection.dbsize() == 0


def test_a_session_is_that_of_its_member_of_staff(app, staff, client_as):
    def role_of(cookie, agent):
        environ = {"HTTP_COOKIE": f"billing_session={cookie}", "HTTP_USER_AGENT": agent}
        with app.test_request_context("/", environ_overrides=environ):
            actor = current_actor()
            return actor and actor.role

    for role in staff:
        client = client_as(role)
        cookie = client.get_cookie("billing_session").value
        agent = client.environ_base["HTTP_USER_AGENT"]
        assert contextvars.Context().run(role_of, cookie, agent) == role
        assert contextvars.Context().run(role_of, cookie + "x", agent) is None


def test_preparing_staff_leaves_no_trace_in_the_audit_log(app, staff):
    assert db.session.query(AuditEntry).count() == 0


def test_requests_do_not_share_the_session_of_the_test(app, client):
    assert client.get("/healthz").status_code == 200


def test_mail_arrives_at_the_mail_server(smtp_server):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Grüße"
    message.set_content("Hello")
    with smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client:
        client.send_message(message)
    assert [each["Subject"] for each in smtp_server.messages] == ["Grüße"]


def test_no_test_reaches_out():
    with socket.socket() as outside, pytest.raises(PermissionError, match="tried to connect"):
        outside.connect(("192.0.2.1", 80))


@pytest.mark.browser
def test_the_browser_reports_what_the_policy_refuses(page, page_watch):
    page.goto("/login")
    page.evaluate(
        "const s = document.createElement('style'); s.textContent = 'p {}'; document.head.append(s)"
    )
    page.wait_for_timeout(100)
    assert any("content policy: style-src" in fault for fault in page_watch.unexpected())
    page_watch.allow("content policy", "Content Security Policy", "Content-Security-Policy")


@pytest.mark.browser
def test_a_signed_in_page_opens_the_invoices(page_as):
    page = page_as("clerk", size="phone", dark=True)
    page.goto("/admin/invoice/")
    assert page.url.endswith("/admin/invoice/")
    assert page.viewport_size == {"width": 390, "height": 844}
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is True


def test_a_signed_in_client_opens_the_invoices_and_may_write(client, client_as):
    assert client.get("/admin/invoice/").status_code in (302, 401)
    clerk = client_as("clerk")
    assert clerk.get("/admin/invoice/").status_code == 200
    assert clerk.post("/admin/invoice/delete/", data={"id": "1"}, csrf=False).status_code == 400
    assert clerk.post("/admin/invoice/delete/", data={"id": "1"}).status_code == 404
    assert clerk.post("/logout").status_code == 302
    assert clerk.get("/admin/invoice/").status_code in (302, 401)
