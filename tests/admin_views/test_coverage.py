"""Reports > Coverage on screen, and what its cells make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.models import Customer, Invoice
from dashboard.operations import billing
from dashboard.operations.base import SYSTEM
from dashboard.queries import coverage, settings
from dashboard.rules.periods import Period
from tests.support.books import make_customer
from tests.support.calls import load, make_card

pytestmark = pytest.mark.usefixtures("staff")


@pytest.fixture
def months() -> list[Period]:
    return coverage.shown_periods("monthly", settings.today())


@pytest.fixture
def customer(months: list[Period]) -> Customer:
    """Calls of the two last months, one of the newer without a rate."""
    found = make_customer("Example Alder", invoice_schedule="monthly")
    make_card(rates={"44": "0.5"}, sold_to=found)
    load(found, [(f"{period.start}T12:00:00", "442079460000", 60) for period in months[-2:]])
    load(found, [(f"{months[-1].start}T13:00:00", "999000", 60)])
    return found


def cell(customer: Customer, period: Period, **more: str) -> dict[str, Any]:
    return {"customer": customer.id, "start": str(period.start), "end": str(period.end), **more}


def test_the_calendar_names_states_and_sums(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    page = client_as("viewer").get("/admin/coverage/").text
    assert "Example Alder" in page
    for said in ("1 missing", "1 blocked", "0 invoiced"):
        assert said in page, said
    assert f'Missing<span class="visually-hidden"> Example Alder, {months[-2]}' in page
    assert "Generate 1 missing" not in page  # a viewer
    assert "Generate 1 missing" in client_as("clerk").get("/admin/coverage/").text


def test_it_is_narrowed_by_schedule_state_and_name(
    client_as: Callable[[str], Any], customer: Customer
) -> None:
    make_customer("Example Weekly", invoice_schedule="weekly")
    client = client_as("viewer")
    weekly = client.get("/admin/coverage/?schedule=weekly").text
    assert "Example Weekly" in weekly
    assert "Example Alder" not in weekly
    assert "Example Alder" in client.get("/admin/coverage/?state=blocked&search=ALDER").text
    assert "Nothing matches" in client.get("/admin/coverage/?state=late").text
    assert client.get("/admin/coverage/?schedule=x&state=y&after=z&search=%00").status_code == 200


def test_sums_of_very_many_customers_come_after_the_page(
    client_as: Callable[[str], Any], customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "MANY", 0)
    client = client_as("viewer")
    page = client.get("/admin/coverage/?search=alder").text
    assert "… missing" in page
    assert 'hx-get="/admin/coverage/sums?schedule=monthly&amp;search=alder"' in page
    assert "1 missing" in client.get("/admin/coverage/sums?schedule=monthly&search=alder").text


def test_it_goes_on_by_pages(client_as: Callable[[str], Any]) -> None:
    for at in range(51):
        make_customer(f"Example {at:02}", invoice_schedule="daily")
    client = client_as("viewer")
    page = client.get("/admin/coverage/?schedule=daily").text
    assert "Example 49" in page
    assert "Example 50" not in page
    following = page.split('href="')[1:]
    link = next(part.split('"')[0] for part in following if "after=" in part.split('"')[0])
    rest = client.get(link.replace("&amp;", "&")).text
    assert "Example 50" in rest
    assert "Example 49" not in rest


def test_a_cell_says_what_it_is_and_who_may_makes_its_invoice(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    missing = cell(customer, months[-2])
    page = client_as("viewer").get("/admin/coverage/period/", query_string=missing).text
    assert "There is something to bill, and no invoice." in page
    assert "$0.50" in page
    assert "Generate invoice" not in page
    clerk = client_as("clerk")
    dialog = clerk.get("/admin/coverage/period/", query_string=missing, headers={"X-Modal": "1"}).text
    assert "Generate invoice" in dialog
    assert "<html" not in dialog
    answer = clerk.post(
        "/admin/coverage/generate", data={**missing, "next": "/admin/coverage/?state=missing"}
    )
    assert (answer.status_code, answer.location) == (303, "/admin/coverage/?state=missing")
    made = db.session.query(Invoice).one()
    assert (made.origin, made.customer_id) == ("generated", customer.id)
    assert f"/admin/invoice/details/?id={made.id}" in clerk.get("/admin/coverage/").text
    again = clerk.post("/admin/coverage/generate", data=missing, headers={"X-Requested-With": "fetch"})
    assert again.status_code == 422
    assert "already" in again.json["error"]


def test_a_blocked_cell_says_why_and_can_be_made_all_the_same(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    client = client_as("clerk")
    page = client.get("/admin/coverage/period/", query_string=cell(customer, months[-1])).text
    assert "1 call has no rate" in page
    assert "Generate invoice" in page
    customer.status = "pending_approval"
    db.session.commit()
    page = client.get("/admin/coverage/period/", query_string=cell(customer, months[-1])).text
    assert "is waiting for approval" in page
    assert "Generate invoice" not in page


def test_late_usage_leads_to_the_invoice_it_came_after(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    made = billing.generate(SYSTEM, customer.id, months[-2])
    load(customer, [(f"{months[-2].start}T15:00:00", "442079460000", 60)])
    client = client_as("viewer")
    assert "1 late usage" in client.get("/admin/coverage/").text
    page = client.get("/admin/coverage/period/", query_string=cell(customer, months[-2])).text
    assert f"/admin/invoice/details/?id={made.invoice_id}" in page
    assert "The next invoice of the customer bills them." in page


def test_all_that_is_missing_on_the_page_is_made_at_once(
    client_as: Callable[[str], Any], customer: Customer
) -> None:
    client = client_as("clerk")
    page = client.post("/admin/coverage/generate-shown", data={"schedule": "monthly"}).text
    assert "1 made" in page
    assert "Example Alder" in page
    assert db.session.query(Invoice).count() == 1
    nothing = client.post("/admin/coverage/generate-shown", headers={"X-Requested-With": "fetch"})
    assert nothing.status_code == 422


@pytest.mark.parametrize(
    "given",
    [{"customer": "x"}, {"customer": "9" * 18}, {"start": "x"}, {"end": "2026-01-01"}, {"end": "2999-01-01"}],
)
def test_a_cell_that_is_none_is_404(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period], given: dict[str, str]
) -> None:
    asked = {**cell(customer, months[-1]), **given}
    assert client_as("clerk").get("/admin/coverage/period/", query_string=asked).status_code == 404


def test_a_post_without_a_token_makes_nothing(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    client = client_as("clerk")
    for path in ("generate", "generate-shown"):
        answer = client.post(f"/admin/coverage/{path}", data=cell(customer, months[-2]), csrf=False)
        assert answer.status_code == 400
    assert db.session.query(Invoice).count() == 0


# The list of customers and the page of one


def test_ticked_customers_get_their_invoices_and_each_outcome_is_told(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    other = make_customer("Example Nothing", invoice_schedule="monthly")
    without = make_customer("Example None")
    client = client_as("clerk")
    picked = {"action": "generate", "rowid": [str(one.id) for one in (customer, other, without)]}
    dialog = client.post("/admin/customer/action/form/", data=picked, headers={"X-Modal": "1"}).text
    assert "Generate the invoices of 3 customers" in dialog
    assert f"Last month ({months[-1]})" in dialog
    page = client.post("/admin/customer/action/", data={**picked, "period": "own"}).text
    assert "1 made" in page
    assert "1 nothing to bill" in page
    assert "1 customer without an Invoice Schedule left out." in page
    made = db.session.query(Invoice).one()
    assert made.customer_id == customer.id
    again = client.post("/admin/customer/action/", data={**picked, "period": "last_month"}).text
    assert "1 invoiced already" in again
    assert "2 nothing to bill" in again


def test_nobody_with_a_schedule_is_said_in_the_dialog(client_as: Callable[[str], Any]) -> None:
    picked = {"action": "generate", "rowid": str(make_customer().id), "period": "own"}
    answer = client_as("clerk").post("/admin/customer/action/", data=picked, headers={"X-Modal": "1"})
    assert answer.status_code == 422
    assert "None of these customers has an Invoice Schedule." in answer.text


def test_one_customers_page_generates_for_any_days(
    client_as: Callable[[str], Any], customer: Customer, months: list[Period]
) -> None:
    client = client_as("clerk")
    assert "Generate Invoice" in client.get(f"/admin/customer/details/?id={customer.id}").text
    path = f"/admin/customer/{customer.id}/generate"
    dialog = client.get(path, headers={"X-Modal": "1"}).text
    assert f"The last of its Invoice Schedule ({months[-1]})" in dialog
    first = months[-2].start
    days = {"period": "custom", "first_day": str(first), "last_day": str(first), "form_key": "k" * 32}
    answer = client.post(path, data=days)
    made = db.session.query(Invoice).one()
    assert answer.location == f"/admin/invoice/details/?id={made.id}"
    assert made.period_end - made.period_start == dt.timedelta(days=1)
    assert client.post(path, data=days).location == answer.location
    refused = client.post(path, data={**days, "form_key": "j" * 32})
    assert refused.status_code == 422
    assert "covers" in refused.text
    assert "j" * 32 not in refused.text


def test_a_customer_without_a_schedule_is_offered_last_month(client_as: Callable[[str], Any]) -> None:
    customer = make_customer()
    client = client_as("clerk")
    page = client.get(f"/admin/customer/{customer.id}/generate").text
    assert 'value="last_month" selected' in page or 'selected value="last_month"' in page
    answer = client.post(f"/admin/customer/{customer.id}/generate", data={"period": "own"})
    assert answer.status_code == 422
    assert "has no Invoice Schedule" in answer.text
