"""The statement in print."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from dashboard.documents import statement_pdf
from dashboard.operations import allocations
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from dashboard.queries.statements import statement
from tests.support.books import make_customer, make_issued, make_payment
from tests.support.pdf import pages
from tests.support.pdf import said as said_in

OCTOBER = (dt.date(2026, 10, 1), dt.date(2026, 10, 31))


def busy(name="Example Retail Ltd", count=3, **more):
    customer = make_customer(name, **more)
    for day in range(count):
        make_issued(customer, "1234.5", issue_date=OCTOBER[0] + dt.timedelta(days=day % 28))
    return customer


def test_it_says_what_the_books_say(app):
    customer = busy()
    invoice = make_issued(customer, "100", issue_date=OCTOBER[0])
    payment = make_payment(
        customer, "60", paid_on=OCTOBER[1], reference="TX-7", description="Part # late again"
    )
    allocations.allocate(SYSTEM, payment.id, invoice.id, Decimal(60))
    found = statement(customer, *OCTOBER)
    said = said_in(statement_pdf.make(found, settings.current()))
    for words in (
        "STATEMENT",
        "ExampleRetailLtd",
        "Openingbalance",
        "TX-7·Part",
        "Closingbalance",
        "$3,743.50",
    ):
        assert words in said
    assert "lateagain" not in said
    assert "OPENINVOICES" in said.upper()


def test_a_long_one_has_pages_with_their_heads(app):
    found = statement(busy(count=120), *OCTOBER)
    made = statement_pdf.make(found, settings.current())
    sheets = pages(made)
    assert len(sheets) > 4
    for number, sheet in enumerate(sheets, start=1):
        assert f"Page{number}of{len(sheets)}" in "".join(sheet.split())
        heads = ("BALANCE", "DAYS LATE", "HOW LATE THEY ARE")
        assert any(head in sheet.upper() for head in heads)
    said = said_in(made)
    for one in found.open:
        assert said.count(one.number) >= 2


def test_many_in_one_run_are_each_whole(app):
    found = [statement(busy(f"Example {number} Ltd"), *OCTOBER) for number in range(5)]
    names = [one.customer.name.replace(" ", "") for one in found]
    for one, made in zip(names, statement_pdf.make_many(found, settings.current()), strict=True):
        said = said_in(made)
        assert [name for name in names if name in said] == [one]


def test_names_in_any_script_and_huge_amounts(app):
    customer = make_customer("شركة المثال <b>&amp; 株式会社", currency="JPY")
    make_issued(customer, "99999999999999", issue_date=OCTOBER[0])
    said = said_in(statement_pdf.make(statement(customer, *OCTOBER), settings.current()))
    assert "99,999,999,999,999" in said
    assert "&amp;" in said
