"""Customer > Summary: its tabs, what may be invoiced, the download of a period's calls, making invoices."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboard.extensions import db
from dashboard.models import Invoice, UsageDay
from tests.support.books import make_customer
from tests.support.usage_rows import make_provider, put_call

OCTOBER = dt.datetime(2026, 10, 14, 9, tzinfo=dt.UTC)


@pytest.fixture
def acorn(app):
    made = make_customer("Acorn Example Networks", invoice_schedule="monthly")
    carrier = make_provider()
    put_call(made, OCTOBER, provider=carrier, charge="1.2345", cost="0.4", seconds="60.5")
    put_call(
        made, OCTOBER + dt.timedelta(hours=1), provider=carrier, charge="0.7655", cost="0.1", seconds="30"
    )
    put_call(made, OCTOBER + dt.timedelta(days=1), result="busy")
    put_call(made, OCTOBER - dt.timedelta(days=30), charge="5", number="12025550123")
    db.session.commit()
    return made


def page_of(client, customer, span="", **more):
    query = {"id": customer.id, **({"span": span} if span else {}), **more}
    response = client.get("/admin/customer/summary", query_string=query)
    assert response.status_code == 200
    return response.text


def test_the_list_keeps_its_own_totals(client_as, acorn):
    """`/summary/` is the list's, `/summary` the customer's."""
    viewer = client_as("viewer")
    assert viewer.get("/admin/customer/summary/").status_code == 200
    assert "24 Hours" in page_of(viewer, acorn)


def test_it_begins_with_the_customers_schedule(client_as, acorn):
    page = page_of(client_as("viewer"), acorn)
    assert ">2026-10</time>" in page
    assert ">2026-09</time>" in page


def test_the_figures_of_a_day(client_as, acorn):
    page = page_of(client_as("viewer"), acorn, "daily")
    row = page.split('datetime="2026-10-14"')[1].split("</tr>")[0]
    # ASR 2 of 2, ACD (60.5 + 30) / 2, profit 2 - 0.5.
    for words in ("100.00%", "90.5 s", "$1.5", "75.00%", "$2.0", ">2</td>"):
        assert words in row, words
    foot = page.split("<tfoot>")[1]
    assert "75.00%" in foot  # 3 answered of 4, not the mean of 100, 100 and 0
    assert "$7.0000" in foot or "$7.00" in foot


def test_weeks_begin_on_monday(client_as, acorn):
    page = page_of(client_as("viewer"), acorn, "weekly")
    assert 'datetime="2026-10-12"' in page
    assert "to 2026-10-18" in page


def test_hours(client_as, acorn):
    viewer = client_as("viewer")
    assert "No calls in the last 24 hours" in page_of(viewer, acorn, "hours")
    now = dt.datetime.now(dt.UTC)
    put_call(acorn, now - dt.timedelta(minutes=1), charge="0.5")
    put_call(acorn, now - dt.timedelta(hours=25), charge="9")
    db.session.commit()
    page = page_of(viewer, acorn, "hours")
    assert page.split("<tbody>")[1].split("</tbody>")[0].count("<tr>") == 24
    assert "$0.50" in page.split("<tfoot>")[1]
    assert "$9" not in page


def test_what_can_be_checked(client_as, acorn):
    page = page_of(client_as("clerk"), acorn, "daily")
    assert page.count('name="start"') == 3
    assert 'name="start"' not in page_of(client_as("viewer"), acorn, "daily")
    put_call(acorn, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))
    put_call(acorn, OCTOBER, charge=None)
    db.session.commit()
    page = page_of(client_as("clerk"), acorn, "daily")
    assert page.count('name="start"') == 3
    assert "Waiting" in page
    assert "1 unrated" in page


def invoice_of(customer, start, end):
    """A generated invoice of these days, with everything of them on its one line."""
    made = Invoice(
        customer_id=customer.id,
        customer_name=customer.name,
        currency=customer.currency,
        issue_date=end,
        due_date=end,
        origin="generated",
        period_start=dt.datetime.combine(start, dt.time(), dt.UTC),
        period_end=dt.datetime.combine(end, dt.time(), dt.UTC),
    )
    db.session.add(made)
    db.session.flush()
    db.session.execute(
        db.text(
            "WITH line AS (INSERT INTO invoice_item (invoice_id, position, kind, quantity, unit_price,"
            " tax_percent, net, tax, gross) VALUES (:invoice, 1, 'usage', 1, 0, 0, 0, 0, 0) RETURNING id)"
            " UPDATE usage_day SET invoice_item_id = line.id FROM line"
            " WHERE customer_id = :customer AND day >= :start AND day < :end AND rated"
        ),
        {"invoice": made.id, "customer": customer.id, "start": start, "end": end},
    )
    db.session.commit()
    db.session.expire_all()
    return made


def test_an_invoiced_period_leads_to_its_invoice(client_as, acorn):
    invoice = invoice_of(acorn, dt.date(2026, 10, 1), dt.date(2026, 11, 1))
    clerk = client_as("clerk")
    for span, checks in (("monthly", 1), ("daily", 1)):
        page = page_of(clerk, acorn, span)
        assert f"/admin/invoice/details/?id={invoice.id}" in page
        assert "View Invoice" in page
        assert "Download Invoice" in page
        assert page.count('name="start"') == checks
    assert "Late usage" not in page
    # A week that only begins in the invoiced month, with days of both.
    put_call(acorn, OCTOBER, charge="0.25")
    db.session.commit()
    page = page_of(clerk, acorn, "monthly")
    assert "Late usage" in page
    assert "1 call, $0.25" in page
    assert "View Invoice" in page


def test_a_period_invoiced_in_parts_says_so(client_as, acorn):
    invoice_of(acorn, dt.date(2026, 10, 14), dt.date(2026, 10, 15))
    page = page_of(client_as("clerk"), acorn, "monthly")
    assert "Part of it is on" in page


def test_a_draft_that_is_void_covers_nothing(client_as, acorn):
    invoice = invoice_of(acorn, dt.date(2026, 10, 1), dt.date(2026, 11, 1))
    invoice.state = "void"
    db.session.query(UsageDay).update({"invoice_item_id": None})
    db.session.commit()
    page = page_of(client_as("clerk"), acorn, "monthly")
    assert "View Invoice" not in page
    assert page.count('name="start"') == 2


def test_costs_in_another_currency_give_no_profit(client_as, acorn):
    put_call(acorn, OCTOBER, provider=make_provider("Euro Sample Carrier", "EUR"), charge="1", cost="1")
    db.session.commit()
    page = page_of(client_as("viewer"), acorn, "daily")
    row = page.split('datetime="2026-10-14"')[1].split("</tr>")[0]
    assert "Costs are in another currency" in row
    assert "$3.0" in row


def test_the_day_is_the_customers(client_as, app):
    """23:30 UTC is the next day in Madrid."""
    birch = make_customer("Birch Sample Telecom", time_zone="Europe/Madrid")
    put_call(birch, dt.datetime(2026, 10, 31, 23, 30, tzinfo=dt.UTC), charge="1")
    db.session.commit()
    viewer = client_as("viewer")
    assert 'datetime="2026-11-01"' in page_of(viewer, birch, "daily")
    calls = viewer.get(f"/admin/customer/summary/calls?id={birch.id}&span=monthly&start=2026-11-01").text
    assert calls.count("\n") == 2
    calls = viewer.get(f"/admin/customer/summary/calls?id={birch.id}&span=monthly&start=2026-10-01").text
    assert calls.count("\n") == 1


def test_the_calls_of_a_period_are_its_figures(client_as, acorn):
    other = make_customer("Birch Sample Telecom")
    put_call(other, OCTOBER, charge="99")
    db.session.commit()
    response = client_as("viewer").get(
        f"/admin/customer/summary/calls?id={acorn.id}&span=monthly&start=2026-10-01"
    )
    head, *lines = response.text.lstrip("\ufeff").splitlines()
    at = head.split(",").index("Charge")
    assert sum(Decimal(line.split(",")[at] or 0) for line in lines) == Decimal(2)
    assert len(lines) == 3
    assert "attachment" in response.headers["Content-Disposition"]


def test_the_calls_of_an_hour(client_as, acorn):
    get = client_as("viewer").get
    text = get(
        f"/admin/customer/summary/calls?id={acorn.id}&span=hours&start=2026-10-14T09:00:00%2B00:00"
    ).text
    assert text.count("\n") == 2


@pytest.mark.parametrize(
    "query",
    ["", "span=daily", "span=daily&start=x", "span=yearly&start=2026-10-01", "span=hours&start=2026-10-14"],
)
def test_no_such_period(client_as, acorn, query):
    assert client_as("viewer").get(f"/admin/customer/summary/calls?id={acorn.id}&{query}").status_code == 404


def test_checked_rows_become_invoices(client_as, acorn):
    clerk = client_as("clerk")
    sent = {"span": "monthly", "start": ["2026-09-01", "2026-10-01"]}
    response = clerk.post(f"/admin/customer/summary/generate?id={acorn.id}", data=sent)
    assert response.status_code == 200
    assert "2 invoices made" in response.text
    made = db.session.query(Invoice).filter_by(origin="generated").order_by(Invoice.period_start).all()
    assert [one.subtotal for one in made] == [Decimal(5), Decimal(2)]
    assert page_of(clerk, acorn, "monthly").count("View Invoice") == 4  # its words, and what a reader hears
    again = clerk.post(f"/admin/customer/summary/generate?id={acorn.id}", data=sent)
    assert "0 invoices made" in again.text
    assert "Existed already" in again.text
    assert db.session.query(Invoice).count() == 2


def test_one_checked_row_leads_to_its_invoice(client_as, acorn):
    sent = {"span": "monthly", "start": "2026-10-01"}
    response = client_as("clerk").post(f"/admin/customer/summary/generate?id={acorn.id}", data=sent)
    assert response.status_code == 303
    assert "/admin/invoice/details/" in response.location


def test_nothing_checked_is_said(client_as, acorn):
    clerk = client_as("clerk")
    response = clerk.post(f"/admin/customer/summary/generate?id={acorn.id}", data={"span": "daily"})
    assert response.status_code == 303
    assert "Check the periods" in clerk.get(response.location).text


def test_automatically_every_missing_period(client_as, acorn):
    clerk = client_as("clerk")
    response = clerk.post(f"/admin/customer/summary/auto?id={acorn.id}")
    assert "2 invoices made" in response.text
    assert db.session.query(Invoice).filter_by(origin="generated").count() == 2
    again = clerk.post(f"/admin/customer/summary/auto?id={acorn.id}")
    assert again.status_code == 303
    assert "Nothing is missing" in clerk.get(again.location).text


def test_no_schedule_no_automatic_invoices(client_as, app):
    birch = make_customer("Birch Sample Telecom")
    clerk = client_as("clerk")
    assert clerk.post(f"/admin/customer/summary/auto?id={birch.id}").status_code in (303, 422)
    assert "has no Invoice Schedule" in page_of(clerk, birch)
    assert "No usage yet" in page_of(clerk, birch)


def test_ten_thousand_days(client_as, acorn):
    db.session.execute(
        db.text(
            "INSERT INTO usage_day (customer_id, day, destination, attempts, connected, duration,"
            " billed_duration, charge)"
            " SELECT :id, date '2026-09-01' - n, 'Spain', 2, 1, 60, 60, 0.01 FROM generate_series(1, 10000) n"
        ),
        {"id": acorn.id},
    )
    db.session.commit()
    viewer = client_as("viewer")
    page = page_of(viewer, acorn, "daily")
    assert page.split("<tbody>")[1].split("</tbody>")[0].count("<tr>") == 60
    assert "All 10,003" in page
    assert "$107.00<" in page
    assert "before=" in page
    older = page_of(viewer, acorn, "daily", before="2010-01-01")
    assert 'datetime="2009-12-31"' in older
    assert "Newest" in older
