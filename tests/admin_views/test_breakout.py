"""Reports > Breakout: its address, its tree, its files."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from urllib.parse import quote

import pytest
from werkzeug.datastructures import MultiDict

from dashboard.admin_views.breakout_state import PRESETS, address, read, resolved
from dashboard.documents import xlsx
from dashboard.extensions import db
from dashboard.queries.breakout import Path
from tests.support.books import make_customer
from tests.support.usage_rows import make_provider, put_call

TODAY = dt.date(2026, 11, 23)
OCTOBER = dt.datetime(2026, 10, 14, 9, tzinfo=dt.UTC)
DAYS = "from=2026-10-01&to=2026-10-31"


@pytest.fixture
def books(app):
    acorn, birch = make_customer("Acorn Example"), make_customer("Birch <b>Sample</b>", currency="JPY")
    carrier = make_provider("=1+1 Carrier", "EUR")
    put_call(acorn, OCTOBER, charge="1.25", cost="0.5", provider=carrier)
    put_call(acorn, OCTOBER, charge="0.75", destination="=2+2 Land")
    put_call(birch, OCTOBER, charge="120", destination="a|b ~/%Ünder&?")
    put_call(birch, OCTOBER + dt.timedelta(days=40), charge="7")
    db.session.commit()
    return acorn, birch


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-11-23", "2026-11-23"),
        ("yesterday", "2026-11-22", "2026-11-22"),
        ("last_7_days", "2026-11-17", "2026-11-23"),
        ("last_week", "2026-11-16", "2026-11-22"),
        ("this_month", "2026-11-01", "2026-11-23"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("last_3_months", "2026-08-01", "2026-10-31"),
        ("this_year", "2026-01-01", "2026-11-23"),
    ],
)
def test_presets(preset, first, last):
    assert resolved(preset, TODAY) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert len(PRESETS) == 8


@pytest.mark.parametrize(
    "query",
    [
        [("dates", "last_week"), ("group", "day"), ("group", "customer"), ("sort", "-asr")],
        [
            ("from", "2026-10-01"),
            ("to", "2026-10-02"),
            ("group", "week"),
            ("customer", "3"),
            ("provider", "4"),
        ],
        [("dates", "today"), ("group", "destination"), ("group", "day"), ("open", "USD|USD|a%7Cb")],
    ],
)
def test_an_address_is_read_as_it_was_written(query):
    report = read(MultiDict(query), TODAY)
    assert report.problems == {}
    from urllib.parse import parse_qsl

    again = read(MultiDict(parse_qsl(address(report).removeprefix("?"), keep_blank_values=True)), TODAY)
    assert again == report


def test_closing_a_row_closes_what_is_below():
    opened = [("open", "USD|USD|1"), ("open", "USD|USD|1|x"), ("open", "USD|USD|12")]
    groups = [("group", "customer"), ("group", "destination"), ("group", "day")]
    report = read(MultiDict([*groups, *opened]), TODAY)
    assert len(report.ask.opened) == 3
    assert "USD|USD|12" in address(report, turned="USD|USD|1")
    assert "open=USD|USD|1&" not in address(report, turned="USD|USD|1") + "&"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=x&to=2026-10-31", "from"),
        ("from=2026-10-31&to=2026-10-01", "to"),
        ("dates=whenever", "dates"),
        ("group=colour", "group"),
        ("customer=x", "customer"),
        ("provider=9999999999999999999", "provider"),
    ],
)
def test_what_cant_be_understood_is_said(client_as, books, query, field):
    page = client_as("viewer").get(f"/admin/breakout/?{query}").text
    assert f'id="{field}-error"' in page
    assert "Nothing is shown" in page
    assert client_as("viewer").get(f"/admin/breakout/csv?{query}").status_code == 409


@pytest.mark.parametrize("token", ["", "x", "USD|USD", "USD|USD|x", "USD|USD|%00", "USD|USD|1|2|3", "|||||"])
def test_a_branch_by_another_hand_stays_shut(client_as, books, token):
    response = client_as("viewer").get(f"/admin/breakout/?{DAYS}&open={quote(token)}")
    assert response.status_code == 200
    assert 'aria-expanded="true"' not in response.text


def test_currencies_never_meet(client_as, books):
    page = client_as("viewer").get(f"/admin/breakout/?{DAYS}&group=month").text
    # USD with cost in EUR, USD, and JPY: three rows, three totals.
    assert page.count("2026-10</span>") == 3
    assert page.count("Total USD") == 2
    assert "Total JPY" in page
    assert "Charge and cost are in two currencies" in page


def test_a_row_opens_below_itself(client_as, books):
    _, birch = books
    path = Path("JPY", "JPY", (str(birch.id),)).token()
    viewer = client_as("viewer")
    shut = viewer.get(f"/admin/breakout/?{DAYS}&group=customer&group=destination").text
    assert "Ünder" not in shut
    page = viewer.get(f"/admin/breakout/?{DAYS}&group=customer&group=destination&open={quote(path)}").text
    assert "a|b ~/%Ünder&amp;?" in page
    assert "<b>Sample" not in page
    assert 'aria-expanded="true"' in page
    odd = Path("JPY", "JPY", ("a|b ~/%Ünder&?",)).token()
    page = viewer.get(f"/admin/breakout/?{DAYS}&group=destination&group=customer&open={quote(odd)}").text
    assert 'aria-expanded="true"' in page


def test_a_script_gets_the_table_alone(client_as, books):
    page = client_as("viewer").get(f"/admin/breakout/?{DAYS}", headers={"HX-Request": "true"}).text
    assert "<html" not in page
    assert 'id="breakout"' in page


def test_csv(client_as, books):
    response = client_as("viewer").get(f"/admin/breakout/csv?{DAYS}&group=provider&group=destination")
    lines = response.text.lstrip("\ufeff").splitlines()
    assert lines[0] == (
        "Provider,Customer Destination,Customer Charge,Customer Currency,Provider Charge,Provider Currency,"
        "ASR,ACD,Duration,Billed Duration,Attempts,Connected,Profit,Profit Percent"
    )
    assert len(lines) == 4
    assert (
        "'=1+1 Carrier,United Kingdom - Mobile,1.250000,USD,0.500000,EUR,100.00,60.00,60.000,60,1,1,,"
        in lines[1]
    )
    assert any(",'=2+2 Land,0.750000,USD," in line for line in lines)
    assert 'filename="breakout-2026-10-01-to-2026-10-31.csv"' in response.headers["Content-Disposition"]


def test_xlsx(client_as, books):
    response = client_as("viewer").get(
        f"/admin/breakout/xlsx?{DAYS}&group=provider&group=destination&group=day"
    )
    assert response.status_code == 200
    with zipfile.ZipFile(io.BytesIO(response.data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "=1+1 Carrier" in sheet
    assert "=2+2 Land" in sheet
    assert "<v>1.250000</v>" in sheet
    assert sheet.count("<row ") == 4


def test_too_many_rows_for_a_workbook_are_said(client_as, books, monkeypatch):
    monkeypatch.setattr(xlsx, "MOST_ROWS", 2)
    response = client_as("viewer").get(f"/admin/breakout/xlsx?{DAYS}&group=provider&group=destination")
    assert response.status_code == 409
    assert "Take the CSV" in response.text


def test_nothing_found_says_what_to_do(client_as, books):
    page = client_as("viewer").get("/admin/breakout/?from=2020-01-01&to=2020-01-02").text
    assert "No usage in these days" in page


def test_ten_thousand_customers(client_as, app):
    db.session.execute(
        db.text(
            "WITH made AS (INSERT INTO customer (name, currency) SELECT 'Example ' || n, 'USD'"
            " FROM generate_series(1, 10000) n RETURNING id)"
            " INSERT INTO usage_day (customer_id, day, destination, attempts,"
            " connected, duration, billed_duration, charge)"
            " SELECT id, date '2026-10-05', 'Spain', 2, 1, 60, 60, 0.01 FROM made"
        )
    )
    db.session.commit()
    page = client_as("viewer").get(f"/admin/breakout/?{DAYS}").text
    assert "9,800 more" in page
    assert "$100.00" in page
    assert client_as("viewer").get(f"/admin/breakout/csv?{DAYS}").text.count("\n") == 10_001
