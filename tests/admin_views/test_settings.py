"""Setup > Settings."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from dashboard.extensions import db
from dashboard.models import AuditEntry
from dashboard.operations import settings
from dashboard.queries.settings import current
from tests.admin_views.test_staff import version_in


@pytest.fixture
def admin(client_as):
    return client_as("admin")


def fields_of(page):
    """What a browser would send of the page, unchanged."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.found, self.select, self.area, self.inside = {}, None, None, False

        def handle_starttag(self, tag, pairs):
            given = dict(pairs)
            if tag == "form":
                self.inside = given.get("id") == "form"
            if not self.inside:
                return
            kind = given.get("type")
            ticked = kind != "checkbox" or "checked" in given
            if tag == "input" and "name" in given and kind not in ("file", "submit") and ticked:
                self.found[given["name"]] = given.get("value", "")
            if tag == "select":
                self.select = given["name"]
            if tag == "option" and "selected" in given and self.select:
                self.found[self.select] = given.get("value", "")
            if tag == "textarea":
                self.area = given["name"]
                self.found[self.area] = ""

        def handle_endtag(self, tag):
            if tag in ("select", "textarea"):
                self.select = self.area = None

        def handle_data(self, data):
            if self.area:
                self.found[self.area] += data

    reader = Reader()
    reader.feed(page)
    return {name: value for name, value in reader.found.items() if name != "csrf_token"}


def page_of(client):
    answer = client.get("/admin/setting/")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("role", ["viewer", "clerk", "manager"])
def test_only_administrators_see_settings(client_as, role):
    client = client_as(role)
    for path in ("/", "/number/", "/logo/"):
        assert client.get(f"/admin/setting{path}").status_code == 403
    assert client.post("/admin/setting/", data={"company_name": "x"}).status_code == 403
    assert client.post("/admin/setting/test-email/", data={"test_to": "a@b.example"}).status_code == 403


def test_saving_the_page_as_it_is_changes_nothing(admin):
    answer = admin.post("/admin/setting/", data=fields_of(page_of(admin)))
    assert answer.status_code == 303
    assert db.session.query(AuditEntry).count() == 0


def test_saving(admin):
    data = fields_of(page_of(admin))
    data |= {"company_name": "Example Telecom Ltd", "currency": "EUR", "tax_percent": "19", "country": "DE"}
    assert admin.post("/admin/setting/", data=data).status_code == 303
    saved = current()
    assert (saved.company_name, saved.currency, saved.country) == ("Example Telecom Ltd", "EUR", "DE")
    page = page_of(admin)
    assert "The settings were saved." in page
    assert "Settings changed" in page


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(admin):
    data = fields_of(page_of(admin))
    data |= {
        "company_name": "Kept Ltd",
        "invoice_number_pattern": "INV",
        "website": "javascript:x",
        "tax_percent": "x",
    }
    answer = admin.post("/admin/setting/", data=data)
    assert answer.status_code == 422
    assert "Kept Ltd" in answer.text
    assert 'aria-invalid="true"' in answer.text
    data |= {"tax_percent": "20"}
    answer = admin.post("/admin/setting/", data=data)
    assert "needs the running count" in answer.text
    assert "This is not a website" in answer.text


def test_two_at_once(admin, client_as):
    data = fields_of(page_of(admin))
    other = client_as("admin")
    other.post("/admin/setting/", data={**data, "tax_name": "GST", "smtp_password_new": ""})
    answer = admin.post("/admin/setting/", data={**data, "tax_name": "TVA", "smtp_password_new": "Tr0ub4dor"})
    assert answer.status_code == 409
    assert "TVA" in answer.text
    assert "GST" in answer.text
    assert "Tr0ub4dor" not in answer.text
    again = fields_of(answer.text.replace('method="post"', 'id="form" method="post"'))
    assert admin.post("/admin/setting/", data=again).status_code == 303
    assert current().tax_name == "TVA"


def test_a_reason_is_asked_for_where_the_setting_says_so(admin, actor):
    settings.update(actor, {"audit_comment": True})
    data = {**fields_of(page_of(admin)), "tax_name": "GST"}
    refused = admin.post("/admin/setting/", data=data)
    assert refused.status_code == 422
    assert "say why you change this" in refused.text
    assert admin.post("/admin/setting/", data={**data, "comment": "New law"}).status_code == 303
    assert db.session.query(AuditEntry).order_by(AuditEntry.id.desc()).first().comment == "New law"


# The logo


def picture():
    out = io.BytesIO()
    Image.new("RGB", (300, 100), "red").save(out, "PNG")
    return io.BytesIO(out.getvalue())


def test_the_logo(admin):
    data = fields_of(page_of(admin))
    answer = admin.post("/admin/setting/", data={**data, "logo_file": (picture(), "logo.png")})
    assert answer.status_code == 303
    shown = admin.get("/admin/setting/logo/")
    assert (shown.mimetype, shown.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    page = page_of(admin)
    assert "/admin/setting/logo/" in page
    kept = fields_of(page)
    assert admin.post("/admin/setting/", data=kept).status_code == 303
    assert current().logo
    assert (
        admin.post(
            "/admin/setting/", data={**kept, "version": version_in(page_of(admin)), "remove_logo": "y"}
        ).status_code
        == 303
    )
    assert admin.get("/admin/setting/logo/").status_code == 404


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"x" * 400_000, b"GIF89a"])
def test_what_is_no_logo_is_refused_at_its_field(admin, data):
    sent = {**fields_of(page_of(admin)), "logo_file": (io.BytesIO(data), "logo.png")}
    answer = admin.post("/admin/setting/", data=sent)
    assert answer.status_code == 422
    assert "not a picture" in answer.text


# The number


def test_the_next_number_while_it_is_typed(admin):
    def said(pattern):
        return admin.get("/admin/setting/number/", query_string={"invoice_number_pattern": pattern}).text

    assert "The next invoice would be EX-001." in said("EX-{seq:03}")
    assert "needs the running count" in said("<b>EX</b>") or "use only letters" in said("<b>EX</b>")
    assert "<b>" not in said("<b>EX</b>{seq}")
    assert said("")


# The mail server


def test_the_password_is_never_shown(admin, actor):
    settings.update(
        actor,
        {"smtp_host": "h.example", "smtp_user": "u", "smtp_password": "S3CRET", "smtp_from": "a@b.example"},
    )
    page = page_of(admin)
    assert "S3CRET" not in page
    assert current().smtp_password not in page
    assert re.search(r'name="smtp_password_new"[^>]*value=""', page)


def typed(client, box, **more):
    return {
        **fields_of(page_of(client)),
        "smtp_host": box.host,
        "smtp_port": str(box.port),
        "smtp_security": "none",
        "smtp_from": "billing@example.com",
        "test_to": "ada@example.com",
        **more,
    }


def test_the_test_e_mail_goes_by_what_is_typed(admin, smtp_server):
    page = page_of(admin)
    assert "Test Email" in page
    assert 'value="admin@example.com"' in page
    answer = admin.post(
        "/admin/setting/test-email/", data=typed(admin, smtp_server), headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "took the test for ada@example.com" in answer.text
    assert "<html" not in answer.text
    assert smtp_server.messages[0]["To"] == "ada@example.com"
    assert current().smtp_host is None


def test_without_scripts_the_page_comes_back_with_the_answer(admin, smtp_server):
    answer = admin.post("/admin/setting/test-email/", data=typed(admin, smtp_server, company_name="Kept Ltd"))
    assert "took the test" in answer.text
    assert "Kept Ltd" in answer.text


def test_the_refusal_is_shown_escaped(admin, smtp_server):
    smtp_server.refuse = "550 <script>alert(1)</script>"
    answer = admin.post(
        "/admin/setting/test-email/", data=typed(admin, smtp_server), headers={"HX-Request": "true"}
    )
    assert "550 &lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"test_to": "nobody"}, "not an e-mail address"),
        ({"test_to": ""}, "address to send the test to"),
        ({"smtp_port": "0"}, "Port"),
        ({"smtp_host": ""}, "no mail server yet"),
    ],
)
def test_what_the_test_lacks_is_said(admin, smtp_server, more, said):
    answer = admin.post(
        "/admin/setting/test-email/", data=typed(admin, smtp_server, **more), headers={"HX-Request": "true"}
    )
    assert said in answer.text
    assert smtp_server.messages == []
