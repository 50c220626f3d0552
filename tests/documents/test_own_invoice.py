"""Invoices by the account's own templates: kept, made anew after an edit, and by stock when one fails."""

from __future__ import annotations

import shutil
import time
from decimal import Decimal

import pytest
from sqlalchemy import select

from dashboard.documents import own_invoice
from dashboard.documents.invoice_pdf import (
    PdfFailed,
    PdfUnavailable,
    invoice_pdf,
    load_for_print,
    render_many,
)
from dashboard.extensions import db
from dashboard.models import AuditEntry, Customer, Invoice, InvoiceTemplate
from dashboard.operations import allocations, customers, invoice_templates
from dashboard.operations.base import SYSTEM
from dashboard.queries import invoice_templates as queries
from dashboard.queries.settings import current
from tests.documents.test_invoice_pdf import broken_renderer
from tests.support.books import make_customer, make_issued, make_payment
from tests.support.pdf import text

pytestmark = pytest.mark.usefixtures("app")

OURS = (
    "<html><body><h1>OURS {{ invoice.number }}</h1>{{ company.name }} {{ money(totals.due) }}</body></html>"
)
SLOW = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in [1, 2] %}" + "{% endfor %}" * 3


@pytest.fixture(autouse=True)
def nothing_left_alone(monkeypatch):
    monkeypatch.setattr(own_invoice, "_left_alone", {})


def make_template(html: str = OURS, name: str = "House style", based_on: str = "standard") -> InvoiceTemplate:
    """As it stands in the database, whatever it says: no trial is made of every invoice there may be."""
    made = invoice_templates.create(SYSTEM, {"name": name, "based_on": based_on})
    made.html = html
    db.session.commit()
    return made


def customer_with(template: InvoiceTemplate, name: str = "Acorn Example Networks") -> Customer:
    return make_customer(name, invoice_template=template.key)


def printed_text(paper: Invoice) -> str:
    db.session.remove()
    return text(b"".join(invoice_pdf(load_for_print([paper.id])[0]).stream()))


def fault_of(template: InvoiceTemplate) -> str | None:
    db.session.rollback()
    return db.session.scalar(select(InvoiceTemplate.fault).where(InvoiceTemplate.id == template.id))


def test_a_customer_s_own_template_prints_its_invoices_and_no_others():
    template = make_template()
    own, other = make_issued(customer_with(template)), make_issued(make_customer("Other Example"))
    assert f"OURS {own.number}" in printed_text(own)
    assert "OURS" not in printed_text(other)
    assert fault_of(template) is None


def test_the_account_s_template_prints_what_names_no_other():
    template = make_template()
    setting = current()
    setting.invoice_template = template.key
    db.session.commit()
    assert "OURS" in printed_text(make_issued(make_customer()))
    assert "OURS" not in printed_text(make_issued(make_customer("Plain Example", invoice_template="compact")))


def test_it_is_made_once_and_anew_after_an_edit(monkeypatch, tmp_path):
    template = make_template()
    paper = make_issued(customer_with(template))
    first = invoice_pdf(load_for_print([paper.id])[0])
    with monkeypatch.context() as broken:
        broken_renderer(tmp_path, broken, "exit 1")
        assert invoice_pdf(load_for_print([paper.id])[0]).document.id == first.document.id
    invoice_templates.update(SYSTEM, template.id, {"html": OURS.replace("OURS", "NEWER")})
    assert "NEWER" in printed_text(paper)
    invoice_templates.restore(SYSTEM, template.id, 1)
    assert "NEWER" not in printed_text(paper)


def test_a_payment_changes_what_it_prints():
    customer = customer_with(make_template())
    paper = make_issued(customer)
    assert "$100.00" in printed_text(paper)
    allocations.allocate(SYSTEM, make_payment(customer, "40").id, paper.id, Decimal(40))
    assert "$60.00" in printed_text(paper)


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("{{ 1 / 0 }}", "Line 1: Division by zero."),
        ("\n{{ nothing }}", "Line 2: There is nothing called “nothing”."),
        ("\n\n{% if %}", "Line 3: Expected an expression"),
        ("{{ lines[7].net }}", "Line 1: The list has no “7”"),
        (SLOW, "Line 1: The template does too much"),
    ],
)
def test_any_fault_is_printed_by_the_stock_one_and_told(html, reason):
    template = make_template(html, based_on="compact")
    paper = make_issued(customer_with(template))
    said = printed_text(paper)
    assert paper.number in said
    assert "Balance due" in said
    fault = fault_of(template)
    assert fault.startswith(f"{paper.number}: {reason}")
    assert queries.faulty_for(db.session.get(Invoice, paper.id)).id == template.id


def test_a_fault_leaves_no_trace_in_the_audit_log():
    template = make_template("{{ 1 / 0 }}")
    paper = make_issued(customer_with(template))
    before = db.session.query(AuditEntry).count()
    printed_text(paper)
    assert fault_of(template)
    assert db.session.query(AuditEntry).count() == before


def test_the_renderer_failing_on_it_is_printed_by_the_stock_one(monkeypatch, tmp_path):
    template = make_template(OURS.replace("OURS", "CHOKES"))
    paper = make_issued(customer_with(template))
    page, real = tmp_path / "page.html", shutil.which("wkhtmltopdf")
    with monkeypatch.context() as picky:
        script = f'cat > {page}; grep -q CHOKES {page} && exit 1; exec {real} "$@" < {page}'
        broken_renderer(tmp_path, picky, script)
        assert "CHOKES" not in printed_text(paper)
    assert fault_of(template) == f"{paper.number}: The page could not be made into a PDF."
    # Nothing of that was kept in its place: with the renderer well again it prints, and the fault is gone.
    assert "CHOKES" in printed_text(paper)
    assert fault_of(template) is None


def test_a_page_without_end_is_printed_by_the_stock_one():
    template = make_template("<div style='height:9000000px'>tall</div>")
    paper = make_issued(customer_with(template))
    assert "Balance due" in printed_text(paper)
    assert "could not be made into a PDF" in fault_of(template)


def test_without_a_renderer_nobody_blames_the_template(monkeypatch, tmp_path):
    template = make_template()
    paper = make_issued(customer_with(template))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PdfUnavailable):
        invoice_pdf(load_for_print([paper.id])[0])
    assert fault_of(template) is None


def test_mending_clears_the_fault():
    template = make_template("{{ 1 / 0 }}")
    paper = make_issued(customer_with(template))
    printed_text(paper)
    assert fault_of(template)
    invoice_templates.update(SYSTEM, template.id, {"html": OURS})
    assert fault_of(template) is None
    assert "OURS" in printed_text(paper)


def test_a_fault_with_one_invoice_is_not_cleared_by_another_s_success():
    template = make_template("{{ 1 / (totals.total - 100) }}")
    customer = customer_with(template)
    bad, good = make_issued(customer, "100"), make_issued(customer, "50")
    printed_text(bad)
    assert "0.02" in printed_text(good)
    assert fault_of(template).startswith(bad.number)


def test_a_template_that_is_gone_prints_by_the_stock_one():
    template = make_template()
    customer = customer_with(template)
    paper = make_issued(customer)
    customers.update(SYSTEM, customer.id, {"invoice_template": None})
    invoice_templates.delete(SYSTEM, template.id)
    assert "OURS" not in printed_text(paper)
    assert "Balance due" in printed_text(paper)


def test_many_together_keep_their_order_and_a_bad_template_stops_nobody():
    good, bad = make_template(), make_template("{{ 1 / 0 }}", "Broken style")
    owners = [
        customer_with(good, "Good Example"),
        customer_with(bad, "Bad Example"),
        make_customer("Stock Example"),
    ]
    papers = [make_issued(owner) for _ in range(4) for owner in owners]
    ids = [paper.id for paper in papers]
    made = list(render_many(load_for_print(ids)))
    assert [invoice.id for invoice, _ in made] == ids
    assert not any(isinstance(pdf, PdfFailed) for _, pdf in made)
    for at, (invoice, pdf) in enumerate(made):
        said = text(b"".join(pdf.stream()))
        assert invoice.number in said
        assert ("OURS" in said) is (at % 3 == 0)
    assert fault_of(bad)
    assert fault_of(good) is None
    # Alone and among others, each finds the same file.
    alone = invoice_pdf(load_for_print([ids[0]])[0])
    assert alone.document.id == made[0][1].document.id


def test_a_slow_template_holds_up_a_batch_only_once(monkeypatch):
    monkeypatch.setattr(own_invoice, "SLOW", 1)
    bad = make_template(SLOW)
    customer = customer_with(bad)
    ids = [make_issued(customer).id for _ in range(8)]
    tried: list[int] = []
    real = own_invoice.page_html

    def counting(html, invoice, *rest):
        tried.append(invoice.id)
        return real(html, invoice, *rest)

    monkeypatch.setattr(own_invoice, "page_html", counting)
    started = time.monotonic()
    made = [pdf for _, pdf in render_many(load_for_print(ids))]
    assert not any(isinstance(pdf, PdfFailed) for pdf in made)
    assert tried == ids[:1]
    assert time.monotonic() - started < 15
    # Mended, it is another version and tried at once.
    invoice_templates.update(SYSTEM, bad.id, {"html": OURS})
    assert "OURS" in text(b"".join(invoice_pdf(load_for_print(ids[:1])[0]).stream()))
