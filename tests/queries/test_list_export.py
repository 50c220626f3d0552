"""The CSV of a list: what is filtered, exact, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.queries import invoice_list, payment_list
from dashboard.queries.list_export import csv_chunks
from dashboard.queries.list_filters import read as read_filter
from dashboard.queries.listing import State
from tests.support.books import line, make_customer, make_draft, make_issued, make_payment


def rows_of(described: Any, state: State) -> list[dict[str, str]]:
    whole = b"".join(csv_chunks(described, state)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(whole)))


def test_amounts_have_their_currency_and_its_places(app: Any) -> None:
    make_issued(make_customer("Yen Example", "JPY"), "1500")
    make_issued(make_customer("Dinar Example", "BHD"), "1.25")
    make_issued(make_customer("Dollar Example", "USD"), "1234.5")
    found = {row["Name"]: row for row in rows_of(invoice_list.LISTING, State())}
    assert found["Yen Example"]["Total"] == "1500"
    assert found["Dinar Example"]["Total"] == "1.250"
    assert found["Dollar Example"]["Total"] == "1234.50"
    assert found["Dollar Example"]["Currency"] == "USD"
    assert found["Dollar Example"]["Status"] == "Open"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_texts_are_never_formulas(app: Any, text: str) -> None:
    customer = make_customer("Formula Example")
    make_payment(customer, "-5", description="x")
    made = make_payment(customer, "5", description="y")
    made.description = text
    db.session.commit()
    rows = rows_of(payment_list.LISTING, State())
    assert {row["Description"] for row in rows} == {"x", "'" + text}
    # A negative number is a number.
    assert {row["Total"] for row in rows} == {"-5.00", "5.00"}


def test_the_filter_search_and_columns_hold(app: Any) -> None:
    acorn, birch = make_customer("Acorn Example"), make_customer('Birch, "Example" Ltd')
    make_issued(acorn, "10")
    make_draft(birch, line(unit_price="20"))
    total = invoice_list.LISTING.column("total")
    assert total is not None
    state = State(filters=(read_filter(total, "gte", "15"),), columns=("customer_name", "total"))
    rows = rows_of(invoice_list.LISTING, state)
    assert rows == [{"Name": birch.name, "Total": "20.00", "Currency": "USD"}]


def test_a_list_of_values_is_kept_to(app: Any) -> None:
    first, second = (make_issued(make_customer(f"Example {n}")) for n in range(2))
    number, status = invoice_list.LISTING.column("number"), invoice_list.LISTING.column("status")
    assert number is not None
    assert status is not None
    state = State(
        filters=(read_filter(status, "in", "open,paid"), read_filter(number, "is", first.number or ""))
    )
    assert [row["Name"] for row in rows_of(invoice_list.LISTING, state)] == ["Example 0"]
    assert second.number != first.number


def test_an_empty_list_is_a_header(app: Any) -> None:
    whole = b"".join(csv_chunks(payment_list.LISTING, State())).decode("utf-8-sig")
    assert whole.startswith("Payment,Date,Name")
    assert len(whole.splitlines()) == 1
