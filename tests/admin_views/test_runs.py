"""Reports > Runs and a customer's Invoice Schedule on screen."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from dashboard.extensions import db
from dashboard.models import Customer, ScheduleRun
from dashboard.operations import customers
from dashboard.operations.base import SYSTEM
from tests.support.bills import call, live_invoices, make_caller, set_for
from tests.support.books import fresh
from tests.support.runs import aligned, due_since, month, on, runs, schedule_of, tick, work

pytestmark = pytest.mark.usefixtures("staff")
LAST = month(zone="Europe/Madrid")
BASE = "/admin/schedule_run/"


@pytest.fixture
def caller(app: Any) -> Customer:
    made = make_caller("Example Caller Ltd", invoice_schedule="monthly", time_zone="Europe/Madrid")
    call(made, on(LAST, 5))
    return made


@pytest.fixture
def run(caller: Customer) -> ScheduleRun:
    """October's, done."""
    due_since(aligned(caller), LAST)
    tick()
    work()
    return runs()[0]


def set_state(run: ScheduleRun, **values: Any) -> None:
    db.session.execute(update(ScheduleRun).where(ScheduleRun.id == run.id).values(**values))
    db.session.commit()


def page(client: Any, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def tabs_of(html: str) -> dict[str, str]:
    found = re.findall(r'<li><a href="[^"]*"[^>]*>(\w+)\s*<span class="count">([^<]*)</span>', html)
    return dict(found)


def test_nothing_ran_yet(client_as: Callable[[str], Any]) -> None:
    html = page(client_as("viewer"), BASE)
    assert "No runs yet" in html
    assert "Set an Invoice Schedule" in html
    assert "every 3s" not in html


def test_the_list_says_what_ran_and_what_it_made(client_as: Callable[[str], Any], run: ScheduleRun) -> None:
    html = page(client_as("viewer"), BASE)
    for said in ("Example Caller Ltd", f"{run.slot:%Y-%m-%d %H:%M}", str(LAST), "Done", "1 invoice"):
        assert said in html
    assert tabs_of(html) == {
        "All": "1",
        "Waiting": "0",
        "Running": "0",
        "Done": "1",
        "Failed": "0",
        "Cancelled": "0",
    }
    assert "No runs fit" in page(client_as("viewer"), BASE + "?tab=failed")
    found = client_as("viewer").get(BASE + "export/csv/").get_data(as_text=True)
    assert "Example Caller Ltd" in found


def test_a_list_with_live_runs_asks_again(client_as: Callable[[str], Any], run: ScheduleRun) -> None:
    set_state(run, state="running", finished_at=None)
    html = page(client_as("viewer"), BASE)
    assert "every 3s" in html
    answer = client_as("viewer").get(BASE, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert 'id="list"' in answer
    assert 'hx-swap-oob="true" hx-get' in answer
    set_state(run, state="done")
    answer = client_as("viewer").get(BASE, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "every 3s" not in answer


def test_the_page_of_a_run_leads_to_what_it_made(
    client_as: Callable[[str], Any], run: ScheduleRun, caller: Customer
) -> None:
    html = page(client_as("viewer"), f"{BASE}details/?id={run.id}")
    (paper,) = live_invoices(caller)
    assert f"/admin/invoice/details/?id={paper.id}" in html
    assert f"{LAST.end + dt.timedelta(days=1)} 06:00" in html  # On the clocks of the customer.
    assert "Europe/Madrid" in html
    assert f"{LAST}: a draft" in html
    assert "Retry" not in html
    assert "every 1s" not in html


def test_a_failed_run_says_why_and_is_tried_again(client_as: Callable[[str], Any], caller: Customer) -> None:
    set_for(caller, status="pending_approval")
    due_since(aligned(caller), LAST)
    tick()
    work()
    (run,) = runs()
    assert run.state == "failed"
    client = client_as("manager")
    html = page(client, f"{BASE}details/?id={run.id}")
    assert "waiting for approval" in html
    assert "Retry" in html
    set_for(caller, status="active")
    answer = client.post(f"{BASE}{run.id}/retry")
    assert answer.status_code == 303
    html = page(client, f"{BASE}details/?id={run.id}")
    assert "every 1s" in html
    work()
    assert fresh(run).state == "done"
    assert len(live_invoices(caller)) == 1
    answer = client.get(f"{BASE}details/?id={run.id}&was_live=1", headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    client.post(f"{BASE}{run.id}/retry")
    assert fresh(run).state == "done"


def test_a_waiting_run_is_cancelled(client_as: Callable[[str], Any], caller: Customer) -> None:
    due_since(aligned(caller), LAST)
    tick()
    (run,) = runs()
    assert client_as("clerk").post(f"{BASE}{run.id}/cancel").status_code == 403
    assert client_as("manager").post(f"{BASE}{run.id}/cancel").status_code == 303
    assert fresh(run).state == "cancelled"
    html = page(client_as("viewer"), f"{BASE}details/?id={run.id}")
    assert "cancelled it." in html
    work()
    assert live_invoices(caller) == []


def test_a_run_without_a_file_says_so(client_as: Callable[[str], Any], run: ScheduleRun) -> None:
    answer = client_as("viewer").get(f"{BASE}{run.id}/file")
    assert answer.status_code == 409
    assert "no file" in answer.get_data(as_text=True)
    assert client_as("viewer").get(f"{BASE}details/?id=999999").status_code == 404


def test_the_customer_page_says_when_its_invoices_come(
    client_as: Callable[[str], Any], run: ScheduleRun, caller: Customer
) -> None:
    here = f"/admin/customer/details/?id={caller.id}"
    html = page(client_as("viewer"), here)
    assert "Each month: 24 hours after its end, then at 06:00 on the clocks of Europe/Madrid." in html
    assert "Invoices stay drafts to look at first." in html
    following = schedule_of(caller).next_slot.astimezone(dt.UTC)
    assert f"{following:%Y-%m-02} 06:00" in html
    assert f"{BASE}details/?id={run.id}" in html
    assert "Run now" not in html
    assert "Run now" in page(client_as("manager"), here)
    customers.update(SYSTEM, caller.id, {"invoice_issue": "yes", "invoice_send": "yes"})
    html = page(client_as("viewer"), here)
    assert "issued at once and sent by e-mail." in html
    assert "can’t be sent" in html
    customers.update(SYSTEM, caller.id, {"invoice_schedule": "none"})
    html = page(client_as("manager"), here)
    assert "None: its invoices are made by hand." in html
    assert f"{BASE}details/?id={run.id}" in html


def test_run_now_from_the_customer_page_is_one_run(client_as: Callable[[str], Any], caller: Customer) -> None:
    aligned(caller)
    client = client_as("manager")
    html = page(client, f"/admin/customer/details/?id={caller.id}")
    at = html.index("run_schedule")
    key = re.search(r'name="form_key" value="([^"]+)"', html[at:])
    assert key is not None
    for _ in range(2):
        answer = client.post(f"/admin/customer/{caller.id}/run_schedule", data={"form_key": key[1]})
        assert answer.status_code == 303
        assert BASE in answer.headers["Location"]
    (run,) = runs()
    assert run.asked_by_name == "Manager" or run.asked_by_name
    work()
    assert fresh(run).state == "done"
    assert len(live_invoices(caller)) == 1


def test_the_form_takes_hour_wait_issue_and_send(client_as: Callable[[str], Any], caller: Customer) -> None:
    client = client_as("manager")
    edit = f"/admin/customer/edit/?id={caller.id}"
    version = re.search(r'name="version"[^>]*value="(\d+)"', page(client, edit))
    assert version is not None
    answer = client.post(
        edit,
        data={
            "version": version[1],
            "name": caller.name,
            "status": "active",
            "currency": caller.currency,
            "invoice_schedule": "weekly",
            "invoice_hour": "22",
            "invoice_delay_hours": "48",
            "invoice_issue": "True",
            "invoice_send": "False",
            "time_zone": "America/New_York",
        },
    )
    assert answer.status_code == 303, re.findall(r'class="err"[^>]*>([^<]+)', answer.get_data(as_text=True))
    saved = fresh(caller)
    assert (saved.invoice_hour, saved.invoice_delay_hours, saved.invoice_issue, saved.invoice_send) == (
        22,
        48,
        True,
        False,
    )
    row = schedule_of(caller)
    assert (row.frequency, row.hour, row.delay_hours, row.time_zone) == ("weekly", 22, 48, "America/New_York")
    html = page(client, edit)
    assert re.search(r'<option selected value="22">22:00', html)
    assert re.search(r'<option selected value="False">Not sent', html)
