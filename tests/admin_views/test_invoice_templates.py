"""Setup > Templates: list, editor, preview, versions; the choice of one; what staff are told."""

from __future__ import annotations

import re

import pytest

from dashboard.documents import own_invoice
from dashboard.documents.invoice_pdf import invoice_pdf, load_for_print
from dashboard.extensions import db
from dashboard.models import Document, InvoiceTemplate
from dashboard.operations import customers, invoice_templates
from dashboard.operations.base import SYSTEM
from dashboard.queries import invoice_templates as queries
from tests.admin_views.test_settings import fields_of
from tests.support.books import fresh, make_customer, make_draft, make_issued
from tests.support.pdf import said

pytestmark = pytest.mark.usefixtures("app")
LIST = "/admin/invoice_template/"
HTML = "<html><body>OURS {{ invoice.number }} {{ account.name }} {{ invoice.mark }}</body></html>"


@pytest.fixture(autouse=True)
def nothing_left_alone(monkeypatch):
    monkeypatch.setattr(own_invoice, "_left_alone", {})


@pytest.fixture
def admin(client_as):
    return client_as("admin")


@pytest.fixture
def template() -> InvoiceTemplate:
    return invoice_templates.create(SYSTEM, {"name": "House style", "based_on": "compact"})


def edit(template: InvoiceTemplate) -> str:
    return f"{LIST}edit/?id={template.id}"


def faulty(html: str = "{{ 1 / 0 }}") -> InvoiceTemplate:
    made = invoice_templates.create(SYSTEM, {"name": "Broken style", "based_on": "compact"})
    made.html = html
    db.session.commit()
    return made


def test_the_list_shows_stock_and_own_ones_and_who_uses_them(admin, template):
    make_customer("Acorn Example", invoice_template=template.key)
    page = admin.get(LIST).text
    for words in ("Standard", "Compact", "House style", "Stock", "Everybody else", "1 customer", "Nobody"):
        assert words in page
    assert f'href="{LIST}edit/?id={template.id}"' in page


def test_the_menu_shows_it_to_admins_alone(client_as, admin):
    assert f'href="{LIST}"' in admin.get("/admin/").text
    assert f'href="{LIST}"' not in client_as("manager").get("/admin/").text


def test_adding_one(admin):
    page = admin.get(f"{LIST}new/?based_on=compact").text
    sent = {**fields_of(page), "name": "House style"}
    assert sent["based_on"] == "compact"
    answer = admin.post(f"{LIST}new/", data=sent)
    made = db.session.query(InvoiceTemplate).one()
    assert answer.status_code == 303
    assert answer.location.endswith(f"edit/?id={made.id}")
    again = admin.post(f"{LIST}new/", data=sent)
    assert again.location.endswith(f"edit/?id={made.id}")
    taken = admin.post(f"{LIST}new/", data={**sent, "form_key": "other", "name": "house STYLE"})
    assert taken.status_code == 422
    assert "There is a template named house STYLE already." in taken.text


def test_the_editor_shows_the_source_as_it_is(admin, template):
    page = admin.get(edit(template)).text
    sent = fields_of(page)
    assert sent["html"].lstrip("\r\n") == template.html
    for words in (
        "account.payment_details",
        "line.connected",
        "date(invoice.date",
        "pages(",
        "Copy of Compact",
    ):
        assert words in page


def test_saving_and_what_is_wrong_at_its_field(admin, template):
    sent = fields_of(admin.get(edit(template)).text)
    wrong = admin.post(edit(template), data={**sent, "html": "<p>\n{{ invoice.nummber }}", "note": "Mine"})
    assert wrong.status_code == 422
    assert "Line 2: There is no “nummber” here. Did you mean “number”?" in wrong.text
    kept = fields_of(wrong.text)
    assert kept["html"].strip() == "<p>\n{{ invoice.nummber }}"
    assert kept["note"] == "Mine"
    right = admin.post(edit(template), data={**sent, "html": HTML, "note": "Mine"})
    assert right.status_code == 303
    assert (fresh(template).html, queries.versions(template.id)[0].note) == (HTML, "Mine")


def test_two_who_edit_at_once_lose_nothing(admin, template):
    sent = fields_of(admin.get(edit(template)).text)
    invoice_templates.update(SYSTEM, template.id, {"html": HTML})
    answer = admin.post(edit(template), data={**sent, "html": HTML + "<p>mine</p>"})
    assert answer.status_code == 409
    assert "has saved this template meanwhile (version 2)" in answer.text
    again = fields_of(answer.text)
    assert "<p>mine</p>" in again["html"]
    assert admin.post(edit(template), data=again).status_code == 303
    assert [one.number for one in queries.versions(template.id)] == [3, 2, 1]


def test_the_preview_prints_before_anything_is_saved(admin, template):
    paper = make_draft(make_customer())
    answer = admin.post(f"{LIST}preview/", data={"html": HTML, "invoice_id": str(paper.id)})
    assert answer.status_code == 200
    href = re.search(r'href="([^"]+\.pdf)"', answer.text)[1]
    pdf = admin.get(href)
    assert (pdf.mimetype, pdf.status_code) == ("application/pdf", 200)
    assert f"OURSDraft{paper.id}" in said(pdf.data)
    assert "frame-ancestors 'self'" in pdf.headers["Content-Security-Policy"]
    assert fresh(template).html != HTML
    # Nothing of it becomes the invoice's own PDF.
    assert db.session.query(Document).filter(Document.key.startswith("invoice-pdf-")).count() == 0


def test_the_preview_says_what_is_wrong_and_what_is_missing(admin):
    paper = make_issued(make_customer())

    def preview(html: str, invoice: str = "") -> str:
        return admin.post(f"{LIST}preview/", data={"html": html, "invoice_id": invoice or str(paper.id)}).text

    wrong = preview("<p>\n\n{{ 1 / 0 }}")
    assert "Division by zero." in wrong
    assert 'data-line="3"' in wrong
    assert "&lt;script&gt; can&#39;t be used" in preview("<script>alert(1)</script>")
    assert "This page does not show the invoice&#39;s number" in preview("<p>Hello</p>")
    assert "does not show" not in preview(HTML)
    assert "longer than 100,000" in preview("x" * 200_000)


@pytest.mark.parametrize("invoice", ["999999999", "0", "x", "-1", "9" * 30])
def test_a_preview_on_no_invoice_is_404(admin, invoice):
    assert admin.post(f"{LIST}preview/", data={"html": HTML, "invoice_id": invoice}).status_code == 404


def test_without_an_invoice_the_preview_is_on_a_sample(admin):
    answer = admin.post(f"{LIST}preview/", data={"html": HTML})
    assert "INV-2026-000012" in answer.text


@pytest.mark.parametrize("name", ["0" * 64, "x", "..%2f..%2fetc", "0" * 63 + "g"])
def test_a_preview_that_is_gone_is_404(admin, name):
    assert admin.get(f"{LIST}preview/{name}.pdf").status_code == 404


def test_stock_templates_can_be_looked_at(admin):
    for name in ("standard", "compact"):
        assert "INV-2026-000012" in said(admin.get(f"{LIST}stock/{name}.pdf").data)
    assert admin.get(f"{LIST}stock/other.pdf").status_code == 404


def test_versions_compare_restore_and_reset(admin, template):
    before = template.html
    invoice_templates.update(SYSTEM, template.id, {"html": HTML, "note": "Shorter"})
    page = admin.get(f"{LIST}version/?id={template.id}&number=1").text
    assert "diff-new" in page
    assert "OURS" in page
    assert admin.post(f"{LIST}restore/?id={template.id}", data={"number": "1"}).status_code == 303
    assert fresh(template).html == before
    invoice_templates.update(SYSTEM, template.id, {"html": HTML})
    admin.post(f"{LIST}reset/?id={template.id}")
    assert fresh(template).html == before
    assert "Reset to Compact" in admin.get(edit(template)).text
    for number in ("99", "x", "-1", ""):
        assert admin.get(f"{LIST}version/?id={template.id}&number={number}").status_code == 404


@pytest.mark.parametrize("key", ["999", "x", "", "9" * 30])
def test_a_template_that_is_not_there_is_404(admin, key):
    for place in ("edit", "version"):
        assert admin.get(f"{LIST}{place}/?id={key}&number=1").status_code == 404
    for place in ("restore", "reset", "delete"):
        assert admin.post(f"{LIST}{place}/?id={key}", data={"number": "1"}).status_code == 404


def test_deleting_says_who_uses_it(admin, template):
    customer = make_customer("Acorn Example", invoice_template=template.key)
    admin.post(f"{LIST}delete/?id={template.id}")
    assert "because it is used by Acorn Example." in admin.get(LIST).text
    customers.update(SYSTEM, customer.id, {"invoice_template": None})
    admin.post(f"{LIST}delete/?id={template.id}")
    assert "House style was deleted." in admin.get(LIST).text
    assert db.session.query(InvoiceTemplate).count() == 0


def test_customers_and_settings_offer_it_and_the_pages_name_it(client_as, admin, template):
    clerk = client_as("clerk")
    customer = make_customer("Acorn Example")
    page = clerk.get(f"/admin/customer/edit/?id={customer.id}").text
    assert f'<option value="{template.key}">House style</option>' in page
    sent = {**fields_of(page), "invoice_template": template.key}
    assert clerk.post(f"/admin/customer/edit/?id={customer.id}", data=sent).status_code == 303
    assert fresh(customer).invoice_template == template.key
    assert "House style" in clerk.get(f"/admin/customer/details/?id={customer.id}").text
    assert "House style" in clerk.get("/admin/customer/?columns=name,invoice_template").text
    listed = clerk.get(f"/admin/customer/?invoice_template={template.key}").text
    assert "Acorn Example" in listed
    assert "House style" in clerk.get("/admin/customer/export/csv/?columns=name,invoice_template").text
    assert f'<option value="{template.key}">House style</option>' in admin.get("/admin/setting/").text
    audit = client_as("manager").get("/admin/audit/").text
    assert re.search(r"Invoice template: (<del>.*?</del> )?<ins>House style</ins>", audit)


def test_a_fault_is_told_on_the_invoice_and_in_the_list(client_as, admin):
    template = faulty()
    customer = make_customer("Acorn Example", invoice_template=template.key)
    paper, other = make_issued(customer), make_issued(customer)
    answer = client_as("viewer").get(f"/admin/invoice/{paper.id}/pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    page = client_as("viewer").get(f"/admin/invoice/details/?id={paper.id}").text
    assert "The template Broken style has a fault, so this invoice is printed by the stock one." in page
    assert f"{paper.number}: Line 1: Division by zero." in page
    assert (
        "invoices that it can’t print are printed" in admin.get(f"/admin/invoice/details/?id={other.id}").text
    )
    assert "Fault" in admin.get(LIST).text
    assert "Division by zero." in admin.get(edit(template)).text
    invoice_templates.update(SYSTEM, template.id, {"html": HTML})
    assert "has a fault" not in admin.get(f"/admin/invoice/details/?id={paper.id}").text
    assert "OURS" in said(b"".join(invoice_pdf(load_for_print([paper.id])[0]).stream()))


def test_readers_see_nothing_of_it(client_as, template):
    for role in ("viewer", "clerk", "manager"):
        client = client_as(role)
        assert client.get(LIST).status_code == 403
        assert client.post(f"{LIST}preview/", data={"html": HTML}).status_code == 403
        assert client.post(edit(template), data={"html": HTML}).status_code == 403
        assert client.post(f"{LIST}delete/?id={template.id}").status_code == 403
