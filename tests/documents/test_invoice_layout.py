"""Pages before they are rendered: nothing is lost, nothing is cut, nothing stands alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.documents.invoice_columns import GUTTER
from dashboard.documents.invoice_layout import Layout
from dashboard.documents.text_fit import width
from tests.documents.papers import buyer, invoice, item, layout, seller

STYLES = ["standard", "compact"]


def tables(pages: Layout, kind: str = "lines"):
    return [block.content for page in pages.pages for block in page.blocks if block.kind == kind]


def rows(pages: Layout):
    return [row for table in tables(pages) for row in table]


def ends(pages: Layout):
    """Where the last block of each page ends."""
    style = pages.style
    for page in pages.pages:
        block = page.blocks[-1]
        if block.kind in ("lines", "taxes"):
            yield block.y + style.head + sum(row.height for row in block.content)
        elif block.kind == "text":
            yield block.y + style.gap + style.head + len(block.content["lines"]) * style.party_lead
        else:
            yield block.y + block.content.height


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [0, 1, 2, 13, 14, 15, 20, 60, 300])
def test_every_line_is_on_a_page_once_and_in_order(style, count):
    paper = invoice(*(item(f"Line {number}", dated=number % 3 == 0) for number in range(count)))
    pages = layout(paper, seller(invoice_template=style))
    assert [row.text[0] for row in rows(pages)] == [f"Line {number}" for number in range(count)]
    assert all(end <= pages.style.bottom for end in ends(pages))
    assert len(tables(pages, "summary")) == 1


def test_the_table_begins_on_every_page_with_its_own_head():
    pages = layout(invoice(*(item(f"Line {number}") for number in range(300))))
    assert len(pages.pages) > 8
    for page in pages.pages:
        assert sum(block.kind == "lines" for block in page.blocks) == 1


@given(
    st.lists(st.text(alphabet="ab \n字", max_size=600), max_size=40),
    st.sampled_from(STYLES),
    st.text(max_size=3000),
)
@settings(max_examples=60)
def test_nothing_crosses_the_end_of_a_page(descriptions, style, notes):
    paper = invoice(*(item(text) for text in descriptions), notes=notes)
    pages = layout(paper, seller(invoice_template=style))
    assert all(end <= pages.style.bottom for end in ends(pages))
    printed = "".join("".join(row.text) for row in rows(pages))
    assert "".join(printed.split()) == "".join("".join(descriptions).split())


def test_a_description_longer_than_a_page_goes_on_with_its_figures_said_once():
    pages = layout(invoice(item("word\n" * 150, dated=True)))
    found = rows(pages)
    assert len(found) > 2
    assert [any(row.figures) for row in found] == [True] + [False] * (len(found) - 1)
    assert [bool(row.dates) for row in found] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("count", range(1, 40))
def test_totals_never_stand_on_a_page_without_a_line(count):
    pages = layout(invoice(*(item(f"Line {number}") for number in range(count))))
    for page in pages.pages:
        kinds = [block.kind for block in page.blocks]
        if "summary" in kinds:
            assert "lines" in kinds


def test_long_figures_leave_the_description_room_and_do_not_run_together():
    paper = invoice(
        item("Settlement of the year", "123456789012", "98765.4321"),
        item("x", "1", "0.000001"),
        currency="BHD",
    )
    columns = layout(paper).columns
    assert columns.description > 150
    assert columns.first + sum(columns.figures) == layout(paper).style.content
    longest = max(width(row.figures[4], columns.size) for row in rows(layout(paper)))
    assert columns.figures[4] >= longest + GUTTER


def test_many_taxes_get_a_table_of_their_own():
    few = layout(invoice(*(item(rate=str(number)) for number in range(1, 9))))
    many = layout(invoice(*(item(rate=str(number)) for number in range(1, 41))))
    assert tables(few, "taxes") == []
    assert sum(len(table) for table in tables(many, "taxes")) == 40
    assert all(end <= many.style.bottom for end in ends(many))


def test_a_long_text_goes_on_overleaf_under_its_heading():
    pages = layout(invoice(item(), notes="\n".join(f"note {number}" for number in range(150))))
    texts = [content for content in tables(pages, "text") if content["heading"].startswith("Notes")]
    assert [text["heading"] for text in texts] == ["Notes"] + ["Notes (continued)"] * (len(texts) - 1)
    assert sum(len(text["lines"]) for text in texts) == 150
    assert all(len(text["lines"]) > 1 for text in texts)


def test_the_longest_names_and_addresses_fit_the_first_page():
    long = buyer(
        name="W" * 200,
        address1="M" * 120,
        address2="m" * 120,
        city="C" * 80,
        county="x " * 40,
        vat_number="9" * 40,
    )
    paper = invoice(item(), customer=long, reference="R" * 80, paid=Decimal(1))
    for style in STYLES:
        pages = layout(paper, seller(invoice_template=style, company_name="Very " * 40))
        assert all(end <= pages.style.bottom for end in ends(pages))


def test_the_template_of_the_customer_goes_before_the_accounts():
    assert layout(invoice(item(), customer=buyer(invoice_template="compact"))).style.name == "compact"
    assert layout(invoice(item()), seller(invoice_template="compact")).style.name == "compact"
    assert layout(invoice(item()), seller(invoice_template="gone")).style.name == "standard"
