"""The page that an own template makes: what it is given, its helpers, its pages."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest

from dashboard.documents import template_samples
from dashboard.documents.invoice_context import printed
from dashboard.documents.invoice_template import page_html, stock_source
from dashboard.documents.pdf_renderer import render
from dashboard.documents.sandbox import TemplateFault
from dashboard.models import Invoice, Package, Setting
from dashboard.models.customer import INVOICE_TEMPLATES
from tests.documents.papers import buyer, invoice, item, picture, seller
from tests.support import pdf


def page(source: str, paper: Invoice, setting: Setting | None = None) -> str:
    setting = setting or seller()
    return page_html(source, paper, setting, printed(paper, setting))


def value(source: str, paper: Invoice | None = None, setting: Setting | None = None) -> str:
    """What the template prints, without the head that every page gets."""
    return page(f"«{source}»", paper or invoice(item()), setting).partition("«")[2].rpartition("»")[0]


def fault(source: str, paper: Invoice | None = None) -> str:
    with pytest.raises(TemplateFault) as caught:
        page(source, paper or invoice(item()))
    return str(caught.value)


@pytest.mark.parametrize("stock", INVOICE_TEMPLATES)
def test_a_copy_of_a_stock_template_prints_every_sample_as_laid_out(stock):
    setting = seller(logo=picture())
    for _, sample in template_samples.samples(setting):
        setting_said = printed(sample, setting)
        made = render(page_html(stock_source(stock), sample, setting, setting_said))
        said = pdf.pages(made)
        assert all(f"Page {at} of {len(said)}" in text for at, text in enumerate(said, start=1))
        assert str(sample) in said[0]
        for item_ in sample.items[-1:]:
            assert " ".join(item_.description.split())[:10] in " ".join(" ".join(said).split())


@pytest.mark.parametrize("stock", INVOICE_TEMPLATES)
def test_a_copy_of_a_stock_template_says_what_the_stock_one_says(stock):
    paper = invoice(
        item("Hosted line", "2", "12.5", dated=True),
        item("Setup", "1", "80", "5", "Reduced"),
        paid=Decimal(20),
        notes="Thank you.",
        reference="PO 77",
    )
    made = pdf.said(render(page(stock_source(stock), paper)))
    for words in (
        *("INV-2026-000012", "2026-11-23", "2026-12-23", "PO77", "ExampleTelecomLtd", "GB123456789"),
        *("NorthwindSampleTrading", "Hostedline", "2026-10-01–2026-10-31", "$12.50", "$25.00", "$84.00"),
        *("$105.00", "$9.00", "$114.00USD", "-$20.00", "$94.00USD", "ExampleBank", "Thankyou.", "Reduced"),
    ):
        assert words in made


def test_a_copy_prints_amounts_inside_the_page():
    """Nothing of a row is cut at the right edge or the end of a page."""
    papers = invoice(
        *[item("A long description of it all " * (n % 9 + 1), "1000000", "99999.99") for n in range(40)]
    )
    made = render(page(stock_source("standard"), papers))
    said = " ".join(pdf.text(made).split())
    assert said.count("$99,999.99") == 40
    with pikepdf.open(io.BytesIO(made)) as whole:
        assert len(whole.pages) == len(pdf.pages(made))


def test_what_a_template_is_given():
    to = buyer(
        city="Exampleton",
        county="Sample County",
        postcode="X1 1AA",
        country="GB",
        phone="123",
        vat_number="V1",
    )
    line = item("", "2", "10", dated=True)
    line.package, line.connected, line.billed_duration = Package(name="Hosted line"), 7, 3_723
    line.destination, line.kind = "Example Mobile", "usage"
    paper = invoice(line, customer=to, paid=Decimal(4))
    source = (
        "{{ account.name }}|{{ account.address|join(';') }}|{{ account.city }}|{{ account.payment_details }}|"
        "{{ company.name }}|{{ company.county }}|{{ company.postcode }}|{{ company.phone }}|"
        "{{ customer.city }}|"
        "{{ invoice.number }}|{{ invoice.date }}|{{ invoice.due_date }}|{{ invoice.currency }}|"
        "{% for l in lines %}{{ l.package }}|{{ l.description }}|{{ l.start }}|{{ l.end }}|{{ l.duration }}|"
        "{{ l.connected }}|{{ l.quantity }}|{{ l.unit_price }}|{{ l.net }}|{{ l.tax }}|{{ l.sub_total }}|"
        "{{ l.destination }}|{% endfor %}"
        "{{ totals.net }}|{{ totals.tax }}|{{ totals.total }}|{{ totals.paid }}|{{ totals.due }}|"
        "{% for t in totals.taxes %}{{ t.name }} {{ percent(t.percent) }} {{ t.tax }}{% endfor %}"
    )
    assert value(source, paper) == (
        "Example Telecom Ltd|1 Sample Street;Exampleton;United Kingdom|Exampleton|"
        "Example Bank, account 0000 0000|"
        "Northwind Sample Trading|Sample County|X1 1AA|123|Exampleton|"
        "INV-2026-000012|2026-11-23|2026-12-23|USD|"
        "Hosted line|Hosted line|2026-10-01|2026-10-31|3723|7|2|10|20.00|4.00|24.00|Example Mobile|"
        "20.00|4.00|24.00|4|20.00|VAT 20% 4.00"
    )


def test_an_issued_invoice_gives_what_was_frozen_also_where_little_was():
    frozen = {
        "buyer": {"name": "Old Name", "address_lines": ["Old Street"]},
        "seller": {},
        "template": "own-1",
    }
    paper = invoice(item(), snapshot=frozen)
    assert (
        value("{{ company.name }} {{ company.address|first }} [{{ company.city }}]", paper)
        == "Old Name Old Street []"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ date(invoice.date) }}", "2026-11-23"),
        ('{{ date(invoice.date, "d MMMM y") }}', "23 November 2026"),
        ('{{ date(invoice.date, "long", "de") }}', "23. November 2026"),
        ("{{ date(none) }}", ""),
        ("{{ money(1234.5) }}", "$1,234.50"),
        ("{{ money(1234.5, code=true) }}", "$1,234.50 USD"),
        ("{{ money(1234.5, currency='JPY') }}", "¥1,235"),
        ("{{ money(1234.5, locale='de') }}", "1.234,50\xa0$"),
        ("{{ price(0.0125) }}", "$0.0125"),
        (
            "{{ number(1250.50) }} {{ number(1250.505, 2) }} {{ number(1250.5, locale='de') }}",
            "1,250.5 1,250.50 1.250,5",
        ),
        ("{{ percent(17.5000) }}", "17.5%"),
        ("{{ duration(3723) }} {{ minutes(3723) }} [{{ duration(none) }}]", "1:02:03 62.05 []"),
        ("{{ paragraphs('a\n<b>') }}", "a<br>&lt;b&gt;"),
        ("{{ range(2, 8, 3)|join(',') }}", "2,5"),
    ],
)
def test_the_helpers(source, said):
    assert value(source) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("\n{{ date('today') }}", "Line 2: date() takes a date."),
        ("{{ date(invoice.date, account.name ~ account.name ~ account.name ~ 'd') }}", "at most 50"),
        ("{{ date(invoice.date, 'mmmmQQQQQQQQQ') }}", "This pattern of a date can't be used."),
        ("{{ date(invoice.date, 'd', 'klingon') }}", "There is no language “klingon”"),
        ("{{ money('ten') }}", "“ten” is not a number"),
        ("{{ money(1, currency='LOL') }}", "There is no currency “LOL”"),
        ("{{ number(1, 99) }}", "0 to 12 places"),
        ("{{ range(1000000000000) }}", "at most 1,000"),
        ("{{ pages('a4') }}", "standard and compact"),
        ("{{ pages(top='x') }}", "top of pages() is a whole number"),
        ("{{ pages(bottom=100) }}", "bottom of pages()"),
        ("{{ pages(later_top=1400) }}", "later_top of pages()"),
        ("{{ pages(depth=3) }}", "can't be done with such a value"),
    ],
)
def test_a_helper_says_what_is_wrong(source, said):
    assert said in fault(source)


def test_pages_can_be_laid_out_with_measures_of_ones_own():
    paper = invoice(*[item(f"Line {n}") for n in range(60)])
    each = "{{ p.number }}/{{ p.count }}:{{ p.top }}:{{ p.rows|length }} "
    source = "{% for p in pages(top=900, later_top=60, bottom=1300) %}" + each + "{% endfor %}"
    first, second, *_ = value(source, paper).split()
    assert first.startswith("1/")
    assert first.split(":")[1] == "900"
    assert second.split(":")[1] == "60"
    assert int(second.split(":")[2]) > 2 * int(first.split(":")[2])
    rows = sum(int(part.split(":")[2]) for part in value(source, paper).split())
    assert rows == 60


def test_a_long_line_goes_on_and_keeps_its_data():
    paper = invoice(item("Words of it. " * 400))
    each = "{% for r in p.rows %}{{ r.starts }}{{ r.goes_on }}{{ r.line.net }}{{ r.net }};{% endfor %}"
    source = "{% for p in pages() %}" + each + "{% endfor %}"
    rows = value(source, paper).split(";")[:-1]
    assert rows[0] == "TrueTrue10.00$10.00"
    assert rows[-1] == "FalseFalse10.00"


def test_the_samples_leave_the_settings_alone():
    setting = seller()
    before = {name: value for name, value in vars(setting).items() if not name.startswith("_")}
    template_samples.check(stock_source("compact"), setting)
    assert {name: value for name, value in vars(setting).items() if not name.startswith("_")} == before


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("{{ lines[0].net }}", "an invoice without lines"),
        ("{{ 1 / totals.total }}", "an invoice without lines"),
        ("{{ invoice.number[3] if invoice.state == 'issued' else 1 / 0 }}", "a draft without a number"),
        (
            "{% for line in lines %}{{ 1 / (line.connected or 1) }}{{ 1 / line.unit_price }}{% endfor %}",
            "negative",
        ),
    ],
)
def test_a_template_that_fails_on_a_sample_says_on_which(source, what):
    with pytest.raises(TemplateFault) as caught:
        template_samples.check(source, seller())
    assert caught.value.line == 1
    assert what in caught.value.reason


def test_dates_of_the_period(app):
    start = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    paper = invoice(item(), period_start=start, period_end=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    assert value("{{ invoice.period_start }} {{ invoice.period_end }}", paper) == "2026-10-01 2026-10-31"


def test_the_example_of_the_documentation_prints():
    text = (Path(__file__).parents[2] / "docs" / "templates.md").read_text("utf-8")
    example = text.partition("```html\n")[2].partition("```")[0]
    assert "pages(" in example
    template_samples.check(example, seller())
    lines = [item(f"Line {number}", dated=True) for number in range(70)]
    said = pdf.pages(render(page(example, invoice(*lines))))
    assert len(said) > 1
    for at, each in enumerate(said, start=1):
        assert f"Page {at} of {len(said)}" in each
        assert "Description" in each
    assert all(f"Line {number}\n" in "\n".join(said) for number in range(70))
