"""What an invoice says on paper, read back from real PDFs."""

from __future__ import annotations

import io
from decimal import Decimal

import pikepdf
import pytest

from dashboard.models import Package
from tests.documents.papers import buyer, html, invoice, item, layout, pdf, picture, seller
from tests.support.pdf import pages, said, text

STYLES = ["standard", "compact"]


@pytest.mark.parametrize("style", STYLES)
def test_an_issued_invoice_says_everything(style):
    paper = invoice(
        item("Hosted line", "10", "10", dated=True),
        item("Setup", "1", "5", "6"),
        reference="PO 4711",
        paid=Decimal(25),
        notes="Thank you.",
    )
    page = text(pdf(paper, seller(invoice_template=style)))
    for words in (
        *("INVOICE", "INV-2026-000012", "Example Telecom Ltd", "1 Sample Street", "United Kingdom"),
        *("VAT GB123456789", "Northwind Sample Trading", "2 Invented Avenue", "2026-11-23", "2026-12-23"),
        *("PO 4711", "Hosted line", "2026-10-01 – 2026-10-31", "$120.00", "$5.30", "20%", "6%"),
        *("$105.00", "$20.30", "$125.30 USD", "-$25.00", "$100.30 USD", "Balance due"),
        *("Example Bank, account 0000 0000", "Thank you.", "Page 1 of 1", "billing@telecom.example"),
    ):
        assert words in page
    assert "DRAFT" not in page
    assert "VOID" not in page


def test_the_tax_summary_has_a_row_a_name_and_rate():
    paper = invoice(item(rate="20"), item(rate="20"), item(rate="5"), item(rate="5", name="City tax"))
    page = text(pdf(paper))
    assert "VAT\n20%\n$20.00\n$4.00" in page
    assert "VAT\n5%\n$10.00\n$0.50" in page
    assert "City tax\n5%\n$10.00\n$0.50" in page


def test_a_draft_says_so_across_every_page():
    paper = invoice(*(item(f"Line {number}") for number in range(40)), state="draft", number=None)
    printed = pages(pdf(paper))
    assert len(printed) > 1
    assert all("DRAFT" in page for page in printed)
    assert "Draft 12" in printed[0]
    assert "Balance due" not in printed[-1]


def test_a_void_invoice_says_so_and_asks_for_nothing():
    page = text(pdf(invoice(item(), state="void")))
    assert "VOID" in page
    assert "Nothing to pay" in page
    assert "Example Bank" not in page


def test_three_hundred_lines_print_once_each_under_a_head_on_every_page():
    paper = invoice(*(item(f"Destination {number:03}", dated=number % 2 == 0) for number in range(300)))
    printed = pages(pdf(paper))
    assert len(printed) == len(layout(paper).pages)
    for at, page in enumerate(printed, start=1):
        assert page.count("UNIT PRICE") == 1
        assert f"Page {at} of {len(printed)}" in page
    found = "\n".join(printed)
    assert [found.count(f"Destination {number:03}\n") for number in range(300)] == [1] * 300


SCRIPTS = [
    "Абонентская плата",
    "Μηνιαία συνδρομή",
    "月額基本料金",
    "每月服务费",
    "서비스 요금",
    "Zażółć gęślą jaźń ÄÖÜß",
]


@pytest.mark.parametrize("words", SCRIPTS)
def test_every_script_prints(words):
    assert "".join(words.split()) in said(pdf(invoice(item(words), customer=buyer(name=words))))


@pytest.mark.parametrize("words", ["خدمة", "שירותי"])
def test_scripts_from_right_to_left_print(words):
    found = said(pdf(invoice(item(f"{words} 24/7 VoIP"), customer=buyer(name=words))))
    assert words in found or words[::-1] in found
    assert "24/7" in found


def test_no_letter_is_missing_from_the_fonts():
    found = text(pdf(invoice(item(" ".join([*SCRIPTS, "خدمة שירותי €£¥–…"])))))
    assert "\ufffd" not in found


def test_amounts_are_written_as_their_currency_is():
    paper = invoice(item("料金", "1", "1234.99", "10"), currency="JPY")
    page = text(pdf(paper))
    assert "¥1,235" in page
    assert "¥1,359 JPY" in page


def test_a_logo_is_inside_the_pdf_and_takes_the_place_of_the_name():
    plain = images(pdf(invoice(item()), seller()))
    with_logo = images(pdf(invoice(item()), seller(logo=picture(), logo_type="image/png")))
    assert (plain, with_logo) == (0, 1)


@pytest.mark.parametrize("logo", [b"<svg onload='x'/>", b"not a picture", b""])
def test_a_logo_that_is_no_picture_is_left_out(logo):
    page = html(invoice(item()), seller(logo=logo, logo_type="image/png"))
    assert "data:" not in page
    assert "Example Telecom Ltd" in page


def test_a_broken_logo_spoils_no_invoice():
    assert "$12.00" in text(pdf(invoice(item()), seller(logo=picture()[:60], logo_type="image/png")))


def test_prices_that_include_tax_say_so():
    assert "Unit prices include tax." in text(pdf(invoice(item(), tax_inclusive=True)))


def test_a_line_without_words_takes_the_name_of_its_package():
    line = item("")
    line.package = Package(name="Business line")
    assert "Business line" in text(pdf(invoice(line)))


def images(content: bytes) -> int:
    with pikepdf.open(io.BytesIO(content)) as whole:
        return sum(len(page.get_images()) for page in whole.pages)
