"""Kept PDFs: made once, made anew when something printed changed, frozen once issued; many at a time."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from dashboard.documents.invoice_pdf import (
    PdfFailed,
    PdfUnavailable,
    invoice_pdf,
    load_for_print,
    render_many,
)
from dashboard.documents.snapshot import build_snapshot
from dashboard.extensions import db
from dashboard.models import Document, Invoice
from dashboard.operations import allocations, customers, invoices
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.queries.settings import current
from tests.support.books import at_once, line, make_customer, make_draft, make_issued, make_payment
from tests.support.pdf import text, title

pytestmark = pytest.mark.usefixtures("app")


def content(made) -> bytes:
    return b"".join(made.stream())


def kept() -> int:
    return db.session.scalar(select(func.count()).select_from(Document)) or 0


def again(record: Invoice) -> Invoice:
    db.session.remove()
    return load_for_print([record.id])[0]


def broken_renderer(tmp_path, monkeypatch, script: str) -> None:
    program = tmp_path / "wkhtmltopdf"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_an_unchanged_invoice_is_not_rendered_again(monkeypatch, tmp_path):
    paper = make_issued(make_customer())
    first = invoice_pdf(again(paper))
    broken_renderer(tmp_path, monkeypatch, "exit 1")
    second = invoice_pdf(again(paper))
    assert second.document.id == first.document.id
    assert first.filename == f"{paper.number}.pdf"
    assert paper.number in text(content(second))


def test_a_change_is_printed():
    customer = make_customer()
    paper = make_issued(customer)
    first = invoice_pdf(again(paper))
    payment = make_payment(customer, "40")
    allocations.allocate(SYSTEM, payment.id, paper.id, Decimal(40))
    second = invoice_pdf(again(paper))
    assert second.document.id != first.document.id
    assert "$60.00 USD" in text(content(second))


def test_an_issued_invoice_prints_what_was_frozen_and_a_draft_what_is_so_now():
    customer = make_customer("Old Name Ltd", address1="1 Old Street", country="FR")
    issued, draft = make_issued(customer), make_draft(customer)
    customers.update(SYSTEM, customer.id, {"name": "New Name Ltd", "address1": "2 New Street"})
    setting = current()
    setting.payment_details = "New bank"
    db.session.commit()
    frozen, live = text(content(invoice_pdf(again(issued)))), text(content(invoice_pdf(again(draft))))
    assert "Old Name Ltd" in frozen
    assert "1 Old Street\nFrance" in frozen
    assert "New bank" not in frozen
    assert "New Name Ltd" in live
    assert "2 New Street" in live
    assert "New bank" in live
    assert "DRAFT" in live


def test_the_snapshot_is_plain_json():
    paper = make_draft(make_customer(country="DE", vat_number="DE1"))
    made = build_snapshot(paper, current())
    assert json.loads(json.dumps(made)) == made
    assert made["buyer"] == {
        "name": "Example Telecom Ltd",
        "address_lines": ["Germany"],
        "country": "Germany",
        "vat_number": "DE1",
        "registration_number": "",
    }
    assert made["template"] == "standard"


def test_file_names_are_safe_everywhere():
    customer = make_customer()
    draft, odd = make_draft(customer), make_issued(customer)
    odd.number = "../RE 2026/№ 7\r\n"
    db.session.commit()
    assert invoice_pdf(again(odd)).filename == "RE-2026-7.pdf"
    assert invoice_pdf(again(draft)).filename == f"Draft-{draft.id}.pdf"


@pytest.mark.parametrize(
    ("script", "error"), [("exit 1", PdfFailed), ("cat > /dev/null; echo nonsense", PdfFailed)]
)
def test_a_failure_keeps_nothing_and_leaves_the_invoice_as_it_was(monkeypatch, tmp_path, script, error):
    paper = make_issued(make_customer())
    before = again(paper).version
    broken_renderer(tmp_path, monkeypatch, script)
    with pytest.raises(error):
        invoice_pdf(again(paper))
    assert kept() == 0
    assert again(paper).version == before
    monkeypatch.undo()
    assert content(invoice_pdf(again(paper))).startswith(b"%PDF-")


def test_no_pdf_is_made_while_an_operation_holds_locks():
    paper = make_issued(make_customer())
    with pytest.raises(RuntimeError, match="after the operation"), unit_of_work(SYSTEM):
        invoice_pdf(paper)


def test_two_who_print_at_once_get_the_same_file(app):
    paper = make_issued(make_customer())
    made = at_once(app, [lambda: invoice_pdf(load_for_print([paper.id])[0])] * 3)
    assert len({each.document.id for each in made}) == 1


def test_many_come_in_their_order_each_with_its_own_pages_and_title():
    customer = make_customer()
    sizes = [1, 40, 3, 90, 1]
    papers = [
        invoices.issue(
            SYSTEM,
            make_draft(customer, *(line(description=f"Invoice {at} line {n}.") for n in range(size))).id,
        )
        for at, size in enumerate(sizes)
    ]
    ids = [paper.id for paper in papers][::-1]
    made = list(render_many(load_for_print(ids)))
    assert [invoice.id for invoice, _ in made] == ids
    for at, (invoice, pdf) in zip(reversed(range(len(sizes))), made, strict=True):
        page = text(content(pdf))
        assert title(content(pdf)) == f"Invoice {invoice.number}"
        assert page.count("Invoice ") >= sizes[at]
        assert all(page.count(f"Invoice {at} line {n}.") == 1 for n in range(sizes[at]))
        assert f"Invoice {(at + 1) % len(sizes)} line" not in page


def test_one_rendered_alone_and_one_of_many_share_the_file():
    papers = [make_issued(make_customer("Example One")), make_issued(make_customer("Example Two"))]
    alone = invoice_pdf(again(papers[0]))
    many = {invoice.id: made for invoice, made in render_many(load_for_print([p.id for p in papers]))}
    assert many[papers[0].id].document.id == alone.document.id
    assert invoice_pdf(again(papers[1])).document.id == many[papers[1].id].document.id
    assert kept() == 2


def test_an_invoice_that_fails_stops_none_of_the_others(monkeypatch, tmp_path):
    customer = make_customer()
    papers = [make_draft(customer, line(description=f"Line {at}")) for at in range(5)]
    page, real = tmp_path / "page.html", shutil.which("wkhtmltopdf")
    picky = f'cat > {page}; grep -q "Line 3" {page} && exit 1; exec {real} "$@" < {page}'
    broken_renderer(tmp_path, monkeypatch, picky)
    made = [pdf for _, pdf in render_many(load_for_print([paper.id for paper in papers]))]
    assert [isinstance(pdf, PdfFailed) for pdf in made] == [False, False, False, True, False]
    assert "Line 4" in text(content(made[4]))


def test_without_the_renderer_many_fail_together(monkeypatch, tmp_path):
    paper = make_issued(make_customer())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PdfUnavailable):
        list(render_many(load_for_print([paper.id])))


def test_invoices_that_are_gone_are_left_out_of_the_reading():
    paper = make_issued(make_customer())
    assert [found.id for found in load_for_print([paper.id, 999_999_999])] == [paper.id]
