"""Lists by keyset: every row once, in every order, forwards and backwards."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event

from dashboard.extensions import db
from dashboard.queries import invoice_list, list_counts, listing, payment_list
from dashboard.queries.list_filters import read as read_filter
from dashboard.queries.list_keyset import Cursor, read_token
from dashboard.queries.listing import State
from tests.support.books import DAY, make_customer, make_draft, make_issued, make_payment

INVOICES = invoice_list.LISTING
PAYMENTS = payment_list.LISTING


@pytest.fixture
def books(app: Any) -> None:
    """Twelve invoices with repeated totals and dates, three of them drafts without a number."""
    one, other = make_customer("Acorn Example Ltd"), make_customer("Birch Example Ltd", "EUR")
    for place in range(9):
        made = make_issued(one if place % 2 else other, total=str(100 + place % 3))
        made.issue_date = DAY - dt.timedelta(days=place % 4)
        made.reference = f"PO-{place}" if place % 2 else None
    for _ in range(3):
        make_draft(one)
    db.session.commit()


def walk(state: State, described: listing.Listing = INVOICES, size: int = 5) -> list[int]:
    """Every key, page by page forwards."""
    found: list[int] = []
    page = listing.page(described, State(sort=state.sort, filters=state.filters, tab=state.tab, size=size))
    while True:
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        page = listing.page(
            described, State(sort=state.sort, filters=state.filters, size=size, after=page.next)
        )


@pytest.mark.parametrize(
    "sort", ["", "id", "number", "-number", "customer_name", "issue_date", "-issue_date", "total", "-total"]
)
def test_pages_hold_every_row_once_in_order(books: None, sort: str) -> None:
    whole = [row.id for row in listing.page(INVOICES, State(sort=sort, size=100)).rows]
    assert len(whole) == 12
    assert walk(State(sort=sort)) == whole


@pytest.mark.parametrize("sort", ["", "number", "-number", "total", "-issue_date"])
def test_backwards_shows_the_same_pages(books: None, sort: str) -> None:
    first = listing.page(INVOICES, State(sort=sort, size=5))
    second = listing.page(INVOICES, State(sort=sort, size=5, after=first.next))
    back = listing.page(INVOICES, State(sort=sort, size=5, before=second.previous))
    assert [row.id for row in back.rows] == [row.id for row in first.rows]
    assert (first.first, second.first, back.first) == (1, 6, 1)
    assert first.previous is None


def test_the_last_page_ends_with_the_last_row(books: None) -> None:
    whole = walk(State(sort="total"))
    last = listing.page(INVOICES, State(sort="total", size=5, last=True))
    assert [row.id for row in last.rows] == whole[-5:]
    assert last.next is None
    before = listing.page(INVOICES, State(sort="total", size=5, before=last.previous))
    assert [row.id for row in before.rows] == whole[-10:-5]


def test_a_row_added_meanwhile_moves_nothing(books: None) -> None:
    first = listing.page(INVOICES, State(size=5))
    make_draft(make_customer("Cedar Example Ltd"))
    second = listing.page(INVOICES, State(size=5, after=first.next))
    assert not {row.id for row in second.rows} & {row.id for row in first.rows}


def test_totals_are_one_row_a_currency(books: None) -> None:
    sums = {row.currency: (row.count, row.total) for row in list_counts.totals(INVOICES, State())}
    assert sums == {"EUR": (5, Decimal("505.0000")), "USD": (7, Decimal("704.0000"))}


def test_counts_stop_at_their_cap(books: None) -> None:
    assert list_counts.count(INVOICES, State()) == 12
    assert list_counts.count(INVOICES, State(), cap=5) == 6


def test_tabs_count_what_they_show(books: None) -> None:
    counts = list_counts.tab_counts(INVOICES, State())
    assert counts["draft"] == 3
    assert counts["open"] == 9
    assert counts["all"] == 12
    for tab in INVOICES.tabs:
        assert list_counts.count(INVOICES, State(tab=tab.name)) == counts[tab.name]


@pytest.mark.parametrize(
    ("column", "operator", "text", "expected"),
    [
        ("total", "gte", "102", 3),
        ("total", "between", "101..101", 3),
        ("total", "lte", "100", 6),
        ("issue_date", "is", DAY.isoformat(), 6),
        ("issue_date", "between", f"..{DAY - dt.timedelta(days=3)}", 2),
        ("reference", "empty", "yes", 8),
        ("reference", "empty", "no", 4),
        ("reference", "starts", "po-", 4),
        ("reference", "not", "PO-1", 11),
        ("currency", "is", "eur", 5),
        ("status", "is", "draft", 3),
        ("status", "in", "open,draft", 12),
    ],
)
def test_filters(books: None, column: str, operator: str, text: str, expected: int) -> None:
    asked = INVOICES.column(column)
    assert asked is not None
    found = read_filter(asked, operator, text)
    assert list_counts.count(INVOICES, State(filters=(found,))) == expected


@pytest.mark.parametrize("text", ["%", "_", "\\", "100%"])
def test_wildcards_are_plain_characters(books: None, text: str) -> None:
    assert list_counts.count(INVOICES, State(search=text)) == 0
    column = INVOICES.column("reference")
    assert column is not None
    assert list_counts.count(INVOICES, State(filters=(read_filter(column, "contains", text),))) == 0


@pytest.mark.parametrize(("words", "expected"), [("acorn", 7), ("BIRCH ex", 5), ("po-1", 1), ("nothing", 0)])
def test_search(books: None, words: str, expected: int) -> None:
    assert list_counts.count(INVOICES, State(search=words)) == expected


def test_search_by_number_and_amount(books: None) -> None:
    number = listing.page(INVOICES, State(tab="open", sort="number", size=1)).rows[0].number
    assert list_counts.count(INVOICES, State(search=number.lower())) == 1
    make_payment(make_customer("Elder Example Ltd"), "77.25")
    assert list_counts.count(PAYMENTS, State(search="77.25")) == 1


def test_a_list_with_errors_shows_no_row(books: None) -> None:
    state = State(errors=("Total: not a number.",))
    assert listing.page(INVOICES, state).rows == []
    assert listing.keys(INVOICES, state, 100) == []
    assert list_counts.count(INVOICES, state) == 0


def test_one_query_reads_a_page(books: None) -> None:
    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    listing.page(INVOICES, State())
    assert len(seen) == 1


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(Decimal("12.5000"), 7, 3),
        Cursor(dt.date(2026, 1, 31), 1, 1),
        Cursor(dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC), 1, 1),
        Cursor(None, 5, 2),
        Cursor("Ünïcode, “quoted”", 5, 2),
        Cursor(9, 9, 9),
    ],
)
def test_cursor_survives_the_url(cursor: Cursor) -> None:
    assert read_token(cursor.token()) == cursor


@pytest.mark.parametrize("token", ["", "x", "AAAA", "%%%", "WyJkIiwiTmFOIiwxLDFd", "WyJzIiwxLDEsMV0", "é"])
def test_a_cursor_changed_by_hand_is_none(token: str) -> None:
    assert read_token(token) is None
