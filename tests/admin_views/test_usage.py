"""Global > Usage: the list of calls, its filters, its export, and the page of one call."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, UsageRecord
from dashboard.operations import billing, invoices
from dashboard.operations.base import SYSTEM
from dashboard.queries import usage_list
from dashboard.rules.periods import Period
from tests.support.books import make_customer
from tests.support.usage_rows import make_provider, put_call

NOON = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)


@pytest.fixture
def calls(app):
    acorn = make_customer("Acorn Example Networks")
    birch = make_customer("Birch Sample Telecom", currency="JPY")
    carrier = make_provider("Example Carrier", "EUR")
    made = [
        put_call(acorn, NOON, provider=carrier, charge="0.0125"),
        put_call(acorn, NOON + dt.timedelta(hours=1), number="12025550123", destination="United States"),
        put_call(
            birch, NOON - dt.timedelta(days=40), result="busy", number="34600000000", destination="Spain"
        ),
        put_call(birch, NOON - dt.timedelta(days=2), charge=None, number="8835100", destination="Unknown"),
        put_call(acorn, NOON - dt.timedelta(days=1), number="442079460000", destination="=1+1 Land"),
    ]
    db.session.commit()
    return made


def rows(page: str) -> int:
    return page.count('<tr role="row" data-row=')


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 5),
        ("number.starts=%2B44", 2),
        ("number.starts=0044+7700", 1),
        ("number.is=12025550123", 1),
        ("number.is=1202555", 0),
        ("search=442079", 1),
        ("search=%25", 0),
        ("destination.contains=united", 2),
        ("destination.is=united+states", 1),
        ("destination.starts=uni&result.is=answered", 2),
        ("destination.is=Nowhere", 0),
        ("result.is=busy", 1),
        ("result.not=answered", 1),
        ("rating.is=unrated", 1),
        ("rating.is=unrated&destination.is=Spain", 0),
        ("started_at.between=2026-11-01..2026-11-02", 2),
        ("started_at.gte=2026-11-03", 2),
    ],
)
def test_filters(client_as, calls, query, found):
    page = client_as("viewer").get(f"/admin/usage/?{query}").text
    assert rows(page) == found, query


def test_filters_by_record(client_as, calls):
    viewer = client_as("viewer")
    acorn, carrier = calls[0].customer_id, calls[0].provider_id
    assert rows(viewer.get(f"/admin/usage/?customer.is={acorn}").text) == 3
    assert rows(viewer.get(f"/admin/usage/?provider.is={carrier}").text) == 1
    assert rows(viewer.get(f"/admin/usage/?provider.in={carrier},999&customer.is={acorn}").text) == 1
    assert rows(viewer.get("/admin/usage/?provider.is=999").text) == 0


def test_a_filter_of_many_days_finds_the_same(client_as, calls, monkeypatch):
    """Where too many days fit to follow each, the walk over the calls finds what they would have."""
    monkeypatch.setattr(usage_list, "MOST_DAYS", 0)
    viewer = client_as("viewer")
    assert rows(viewer.get("/admin/usage/?destination.contains=united").text) == 2
    assert rows(viewer.get(f"/admin/usage/?provider.is={calls[0].provider_id}").text) == 1
    assert rows(viewer.get("/admin/usage/?rating.is=unrated").text) == 1


def test_money_stands_in_its_own_currency(client_as, calls):
    page = (
        client_as("viewer")
        .get("/admin/usage/?number.is=447700900123&columns=charge,currency,cost,cost_currency")
        .text
    )
    assert "$0.0125" in page
    assert "€0.005" in page


def test_pages_go_on_from_the_last_row(client_as, app):
    acorn = make_customer("Acorn Example Networks")
    for minute in range(60):
        # Two calls at the same moment: the key decides.
        put_call(acorn, NOON - dt.timedelta(days=minute // 2), number=f"4477009{minute:05}")
    db.session.commit()
    viewer = client_as("viewer")
    seen: list[str] = []
    href = "/admin/usage/?size=25"
    while href:
        page = viewer.get(href).text
        seen += [part.split('"')[0] for part in page.split('data-row="')[1:]]
        found = page.split('aria-label="Next page"')[0].rsplit('href="', 1)
        href = found[1].split('"')[0].replace("&amp;", "&") if "after=" in found[1].split('"')[0] else ""
    assert len(seen) == len(set(seen)) == 60
    assert "1–25 of 60" in viewer.get("/admin/usage/?size=25").text


def test_export_is_exact_and_safe(client_as, calls):
    text = client_as("viewer").get("/admin/usage/export/csv/?customer.is=" + str(calls[0].customer_id)).text
    head, *lines = text.lstrip("\ufeff").splitlines()
    assert head.startswith(
        "Start (UTC),Customer,Source,Number,Destination,Duration,Billed,Rate,Charge,Currency"
    )
    assert len(lines) == 3
    assert any(",0.012500,USD,Example Carrier,0.005000,EUR," in line for line in lines)
    assert any(",'=1+1 Land," in line for line in lines)


def test_the_page_of_a_call(client_as, calls):
    viewer = client_as("viewer")
    call = db.session.query(UsageRecord).filter_by(number="447700900123").one()
    href = f"/admin/usage/details/?id={call.id}&at=2026-11-03T12:00:00.000000Z"
    assert href.replace("&", "&amp;") in viewer.get("/admin/usage/").text.replace("%3A", ":")
    page = viewer.get(href).text
    for words in ("447700900123", "$0.0125", "€0.005", "Not invoiced yet", "Example Carrier"):
        assert words in page
    # Charge and cost are in two currencies, so there is no profit.
    assert "$0.0075" not in page


@pytest.mark.parametrize(
    "query",
    [
        "id=1",
        "id=1&at=x",
        "id=1&at=2026-11-03T12:00:00",
        "id=x&at=2026-11-03T12:00:00Z",
        "id=1&at=0001-01-01T00:00:00Z",
    ],
)
def test_no_such_call(client_as, query):
    assert client_as("viewer").get(f"/admin/usage/details/?{query}").status_code == 404


def test_an_empty_list_says_where_calls_come_from(client_as):
    assert "once usage has been imported" in client_as("viewer").get("/admin/usage/").text


def test_amounts_of_a_page_have_the_same_decimals_in_each_currency(client_as, calls):
    page = client_as("viewer").get("/admin/usage/").text
    charges = re.findall(r'data-label="Charge"[^>]*>\s*(?:<[^>]+>)*([^<\s]+)', page)
    assert sorted(charges) == ["$0.0100", "$0.0100", "$0.0125", "¥0", "–"]


def test_late_calls_are_those_of_days_invoiced_without_them(client_as, calls):
    acorn = db.session.get_one(Customer, calls[0].customer_id)
    period = Period(NOON.date() - dt.timedelta(days=1), NOON.date() + dt.timedelta(days=1))
    outcome = billing.generate(SYSTEM, acorn.id, period)
    assert outcome.invoice_id is not None
    viewer = client_as("viewer")
    assert rows(viewer.get("/admin/usage/?late.is=yes").text) == 0
    # A day that is billed and gets another call, one that had none, and one outside of the period.
    late = [put_call(acorn, NOON + dt.timedelta(hours=2), destination=name) for name in ("France", "Spain")]
    put_call(acorn, NOON + dt.timedelta(days=1))
    db.session.commit()
    assert rows(viewer.get("/admin/usage/?late.is=yes").text) == 2
    assert rows(viewer.get("/admin/usage/?late.is=yes&started_at.between=2026-11-01..2026-11-03").text) == 2
    assert rows(viewer.get("/admin/usage/?late.is=yes&started_at.gte=2026-12-03").text) == 0
    assert rows(viewer.get("/admin/usage/?late.is=yes&destination.is=Spain").text) == 1
    assert rows(viewer.get("/admin/usage/?late.is=no").text) == len(calls) + 1
    # They stay late on the invoice that bills them, and are in time again once those are gone.
    following = Period(period.end, period.end + dt.timedelta(days=1))
    second = billing.generate(SYSTEM, acorn.id, following)
    kinds = {one.kind for one in db.session.get_one(Invoice, second.invoice_id).items}
    assert kinds == {"usage", "late_usage"}
    page = viewer.get("/admin/usage/?late.is=yes")
    assert rows(page.text) == len(late)
    assert "late" not in viewer.get("/admin/usage/export/csv/").text.partition("\n")[0].lower()
    invoices.delete(SYSTEM, second.invoice_id)
    invoices.delete(SYSTEM, outcome.invoice_id)
    assert rows(viewer.get("/admin/usage/?late.is=yes").text) == 0
