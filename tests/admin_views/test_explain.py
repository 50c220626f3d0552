"""The explanation of an invoice line on screen, for usage, packages and free minutes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, InvoiceItem
from dashboard.operations import assignments, billing
from dashboard.operations.base import SYSTEM
from dashboard.queries import explain_free
from dashboard.rules.periods import Period
from tests.support.books import make_customer, make_draft, make_package
from tests.support.calls import load, make_card

pytestmark = pytest.mark.usefixtures("staff")
MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 4, 1))


@pytest.fixture
def customer() -> Customer:
    found = make_customer("Example Reader Ltd")
    rates = {
        "44": {
            "rate_per_minute": "0.15",
            "destination": "United Kingdom",
            "minimum_seconds": 60,
            "pulse_seconds": 6,
        }
    }
    make_card("Example Card", rates=rates, sold_to=found)
    return found


def line_of(customer: Customer, kind: str, period: Period = MARCH) -> InvoiceItem:
    outcome = billing.generate(SYSTEM, customer.id, period)
    assert outcome.invoice_id is not None, outcome.reason
    invoice = db.session.get_one(Invoice, outcome.invoice_id)
    return next(item for item in invoice.items if item.kind == kind)


def assign(customer: Customer, start: str = "2026-03-01", **package: Any) -> None:
    made = make_package(**{"retail": Decimal(10), "frequency": "monthly", "frequency_match": [1], **package})
    values = {"customer_id": customer.id, "package_id": made.id, "quantity": Decimal(1)}
    assignments.create(SYSTEM, {**values, "start_date": dt.date.fromisoformat(start)})


def address(item: InvoiceItem, more: str = "") -> str:
    return f"/admin/invoice/{item.invoice_id}/explain/{item.id}{more}"


def test_the_invoice_leads_to_it_and_says_its_period(
    client_as: Callable[[str], Any], customer: Customer
) -> None:
    load(customer, [("2026-03-02T12:00:00Z", "442079460000", 67)])
    item = line_of(customer, "usage")
    page = client_as("viewer").get(f"/admin/invoice/details/?id={item.invoice_id}").text
    assert address(item) in page
    assert "2026-03-01 to 2026-03-31" in page
    assert "From usage and packages" in page
    by_hand = client_as("viewer").get(f"/admin/invoice/details/?id={make_draft(customer).id}").text
    assert "Where it comes from" not in by_hand
    assert "/explain/" not in by_hand


def test_days_open_to_calls_and_calls_to_their_arithmetic(
    client_as: Callable[[str], Any], customer: Customer
) -> None:
    load(
        customer,
        [
            ("2026-03-02T12:00:00Z", "442079460000", 67),
            ("2026-03-02T12:30:00Z", "442079460001", 0, {"result": "busy"}),
            ("2026-03-05T12:00:00Z", "442079460002", 10),
        ],
    )
    item = line_of(customer, "usage")
    client = client_as("viewer")
    page = client.get(address(item)).text
    assert "Exact sum of 3 calls on 2 days" in page
    assert "The running sum of the calls ends at the unit price" in page
    calls = client.get(address(item, "/calls?day=2026-03-05")).text
    assert "Carried over" in calls
    assert calls.count("$0.33") == 1  # 0.18 of 2 March, then 0.15
    opened = re.search(r'data-unfold="([^"]+)"', client.get(address(item, "/calls?day=2026-03-02")).text)
    assert opened is not None
    call = client.get(opened[1].replace("&amp;", "&")).text
    for said in (
        "Prefix <strong",
        "44</strong>",
        "Example Card",
        "67 s, rounded up",
        "72 s",
        "0.15 x 72 / 60",
        "0.18",
    ):
        assert said in call, said
    assert "MCD 60 s, pulse 6 s" in call


def test_what_has_no_arithmetic_says_why(client_as: Callable[[str], Any], customer: Customer) -> None:
    load(
        customer,
        [
            ("2026-03-02T12:00:00Z", "442079460001", 0, {"result": "busy"}),
            ("2026-03-02T12:30:00Z", "442079460002", 20, {"charge": Decimal("0.5")}),
        ],
    )
    client = client_as("viewer")
    outcome = billing.generate(SYSTEM, customer.id, MARCH)
    said: list[str] = []
    for item in db.session.get_one(Invoice, outcome.invoice_id).items:
        page = client.get(address(item, "/calls?day=2026-03-02")).text
        opened = re.findall(r'data-unfold="([^"]+)"', page)
        said += [client.get(href.replace("&amp;", "&")).text for href in opened]
    assert any("Busy: an attempt, without charge." in one for one in said)
    assert any("Came with a charge: $0.50, as the file said." in one for one in said)


def test_the_calls_come_as_a_file_with_the_running_sum(
    client_as: Callable[[str], Any], customer: Customer
) -> None:
    load(customer, [(f"2026-03-{day:02}T12:00:00Z", "442079460000", 67) for day in (2, 3, 31)])
    item = line_of(customer, "usage")
    answer = client_as("viewer").get(address(item, "/calls.csv"))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="draft-')
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [Decimal(row["Running sum"]) for row in rows] == [
        Decimal("0.18"),
        Decimal("0.36"),
        Decimal("0.54"),
    ]
    assert Decimal(rows[-1]["Running sum"]) == item.unit_price
    assert rows[0]["Prefix"] == "44"


def test_a_prorated_package_says_its_days(client_as: Callable[[str], Any], customer: Customer) -> None:
    assign(customer, "2026-03-17", name="Example Line")
    item = line_of(customer, "package")
    page = client_as("viewer").get(address(item)).text
    for said in ("Example Line: Recurring", "2026-03-17", "15 of 31", "$4.84"):
        assert said in page, said


def test_setup_minimum_spend_and_free_minutes_are_told(
    client_as: Callable[[str], Any], customer: Customer
) -> None:
    assign(customer, name="Example Setup", setup_retail=Decimal(25))
    assign(customer, name="Example Floor", minimum_spend=True, retail=Decimal(50))
    assign(
        customer,
        name="Example Free",
        type="free_minutes",
        retail=Decimal(0),
        free_minutes=2,
        destination_prefixes="^44",
    )
    load(customer, [("2026-03-02T12:00:00Z", "442079460000", 300)])
    invoice_id = line_of(customer, "setup").invoice_id
    items = {one.kind: one for one in db.session.get_one(Invoice, invoice_id).items}
    client = client_as("viewer")
    assert "Example Setup: Setup" in client.get(address(items["setup"])).text
    floor = client.get(address(items["minimum_spend"])).text
    assert "Least to be spent" in floor
    assert "$50.00" in floor
    free = client.get(address(items["free_minutes"])).text
    assert "Used here, in the order of the calls" in free
    assert "2:00" in free


def test_free_minutes_open_to_the_calls_that_used_them(
    client_as: Callable[[str], Any], customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, minutes in (("Example First", 3), ("Example Second", 2)):
        assign(
            customer,
            name=name,
            type="free_minutes",
            retail=Decimal(0),
            free_minutes=minutes,
            destination_prefixes="^44",
        )
    load(customer, [(f"2026-03-0{day}T12:00:00Z", f"44207946000{day}", 120) for day in (2, 3, 4)])
    invoice_id = line_of(customer, "usage").invoice_id
    first, second = [
        one for one in db.session.get_one(Invoice, invoice_id).items if one.kind == "free_minutes"
    ]
    client = client_as("viewer")

    def rows(item: InvoiceItem, more: str = "") -> list[str]:
        page = client.get(address(item, more)).text
        table = page.partition("Calls that used them")[2].partition("</table>")[0]
        assert "come to another amount" not in page
        return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in table.split("<tr>")[2:]]

    assert rows(first) == [
        "2026-03-02 12:00:00 442079460002 United Kingdom 120 s $0.300000 120 s $0.300000 $0.300000",
        "2026-03-03 12:00:00 442079460003 United Kingdom 120 s $0.300000 60 s $0.150000 $0.450000",
    ]
    # What the first left of a call is the second's.
    assert [row.split(" Kingdom ")[1] for row in rows(second)] == [
        "120 s $0.300000 60 s $0.150000 $0.150000",
        "120 s $0.300000 60 s $0.150000 $0.300000",
    ]
    link = re.search(r'href="(/admin/usage/details/[^"]+)"', client.get(address(first)).text)
    assert link is not None
    assert client.get(link[1].replace("&amp;", "&")).status_code == 200
    monkeypatch.setattr(explain_free, "SIZE", 1)
    assert rows(first, "?from=1")[0].endswith("$0.450000")
    assert "Further calls" in client.get(address(first)).text
    assert "Further calls" not in client.get(address(first, "?from=1")).text
    assert len(rows(first, "?from=99")) == len(rows(first, "?from=x")) == 1


def test_a_line_written_by_hand_explains_itself(client_as: Callable[[str], Any], customer: Customer) -> None:
    item = make_draft(customer).items[0]
    assert "written by hand" in client_as("viewer").get(address(item)).text


@pytest.mark.parametrize(
    "more",
    [
        "/calls?day=2026-03-09",
        "/calls?day=x",
        "/calls",
        "/call?call=1",
        "/call?call=x&at=2026-03-02T12:00:00Z",
        "/call?call=1&at=2026-03-02T12:00:00",
        "/call?call=1&at=9999-03-02T12:00:00Z",
    ],
)
def test_what_is_not_there_is_404(client_as: Callable[[str], Any], customer: Customer, more: str) -> None:
    load(customer, [("2026-03-02T12:00:00Z", "442079460000", 67)])
    item = line_of(customer, "usage")
    client = client_as("viewer")
    assert client.get(address(item, more)).status_code == 404
    assert client.get(f"/admin/invoice/{item.invoice_id + 1}/explain/{item.id}").status_code == 404
    assert client.get(address(item, "/calls?day=2026-03-02&after=made-up")).status_code == 200
