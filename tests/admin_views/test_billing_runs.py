"""Global > Billing run on screen: asking for one, the preview and its ticks, the commit, the results."""

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
from dashboard.models import BillingRun, BillingRunRow, Customer, Invoice, Job
from dashboard.operations import billing_runs, contacts
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from dashboard.rules.periods import month_bounds
from jobs import runner
from tests.support.books import make_customer
from tests.support.calls import load, make_card

pytestmark = pytest.mark.usefixtures("staff")
OPTIONS = {"customers": "schedule", "schedule": None}


@pytest.fixture
def month() -> tuple[dt.date, dt.date]:
    """Last month, whenever the test runs."""
    start, _ = month_bounds(settings.today())
    return month_bounds(start - dt.timedelta(days=1))


@pytest.fixture
def billed(month: tuple[dt.date, dt.date]) -> list[Customer]:
    """Three customers with calls of last month; the second has one without a rate."""
    rates = {"44": {"rate_per_minute": "0.0123", "destination": "United Kingdom"}}
    card = make_card(rates=rates)
    made = []
    for at, name in enumerate(("Example Ash", "Example Birch", "Example Cedar"), start=1):
        customer = make_customer(name, invoice_schedule="monthly", address1="1 Example Street")
        customer.rate_card_id = card.id
        contacts.create(
            SYSTEM, {"customer_id": customer.id, "name": "Billing", "email": "billing@example.com"}
        )
        db.session.commit()
        load(customer, [(f"{month[0]}T10:00:{second:02}", "442079460000", 60 * at) for second in range(at)])
        made.append(customer)
    load(made[1], [(f"{month[0]}T11:00:00", "999000", 30)])
    return made


def previewed(month: tuple[dt.date, dt.date], **options: Any) -> BillingRun:
    run = billing_runs.start(SYSTEM, *month, {**OPTIONS, **options})
    billing_runs.work_out(run.id, lambda done: None, lambda note: None)
    db.session.expire_all()
    return run


def finish(run: BillingRun) -> None:
    """What the worker does, here and now."""
    billing_runs.carry_out(SYSTEM, run.id, lambda done: None)
    run.state = "done"
    db.session.commit()


def rows(run: BillingRun) -> dict[str, BillingRunRow]:
    db.session.expire_all()
    found = db.session.query(BillingRunRow).filter_by(billing_run_id=run.id)
    return {row.customer.name: row for row in found}


def details(run: BillingRun, **more: Any) -> str:
    query = "&".join(f"{name}={value}" for name, value in {"id": run.id, **more}.items())
    return f"/admin/billing_run/details/?{query}"


def test_the_form_names_the_dates_of_each_preset(client_as: Callable[[str], Any], month: Any) -> None:
    page = client_as("manager").get("/admin/billing_run/new/")
    last = month[1] - dt.timedelta(days=1)
    assert f"Last month ({month[0]} to {last})" in page.text
    assert "As in Settings (drafts to look at first)" in page.text


def test_a_new_run_is_filed_and_worked_out_in_the_background(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    answer = client_as("manager").post(
        "/admin/billing_run/new/",
        data={"period": "last_month", "customers": "schedule", "schedule": "fits", "result": "issued"},
    )
    run = db.session.query(BillingRun).one()
    assert answer.status_code == 303
    assert answer.location.endswith(f"/admin/billing_run/details/?id={run.id}")
    assert (run.period_start, run.period_end) == month
    assert run.options["schedule"] == "monthly"
    assert run.options["issue"] is True
    assert (run.state, db.session.query(Job).one().kind) == ("previewing", "billing_preview")
    page = client_as("viewer").get(answer.location)
    assert "Waiting for a worker" in page.text
    assert "Nothing is written yet" in page.text
    assert "/cancel" not in page.text


def test_a_form_sent_twice_makes_one_run(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    client = client_as("manager")
    page = client.get("/admin/billing_run/new/").text
    key = re.search(r'name="form_key"[^>]*value="([^"]+)"', page)
    assert key is not None
    sent = {"period": "last_month", "customers": "chosen", "schedule": "fits", "form_key": key[1]}
    # What was wrong with it the first time does not use up the form.
    assert client.post("/admin/billing_run/new/", data=sent).status_code == 422
    sent["customers"] = "schedule"
    first, second = (client.post("/admin/billing_run/new/", data=sent) for _ in range(2))
    run = db.session.query(BillingRun).one()
    assert first.location == second.location == f"/admin/billing_run/details/?id={run.id}"
    assert db.session.query(Job).count() == 1
    runner.run(db.session.query(Job).one().id)
    db.session.rollback()
    page = client.get(first.location).text
    key = re.search(r'name="form_key"[^>]*value="([^"]+)"', page)
    assert key is not None
    address = f"/admin/billing_run/{run.id}/again"
    again = [client.post(address, data={"form_key": key[1]}).location for _ in range(2)]
    assert again[0] == again[1]
    assert db.session.query(BillingRun).count() == 2


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"customers": "chosen"}, "customer_ids", "Choose at least one customer."),
        ({"customers": "tags"}, "tags", "Give at least one tag."),
        ({"period": "custom"}, "first_day", "Please give the first day."),
        (
            {"period": "custom", "first_day": "2026-02-02", "last_day": "2026-02-01"},
            "",
            "before the first day",
        ),
        ({"period": "custom", "first_day": "2025-01-01", "last_day": "2026-02-01"}, "", "a year at most"),
        ({"period": "last_decade"}, "period", "Please choose one from the list."),
        ({"customers": "chosen", "customer_ids": "x"}, "", "Please choose from the list."),
    ],
)
def test_what_is_missing_is_said_at_its_field(
    client_as: Callable[[str], Any], given: dict[str, str], field: str, said: str
) -> None:
    sent = {"period": "last_month", "customers": "schedule", "schedule": "fits", "result": "", **given}
    answer = client_as("manager").post("/admin/billing_run/new/", data=sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{field}-error"' in answer.text or not field
    assert db.session.query(BillingRun).count() == 0


def test_days_of_ones_own_choice_and_chosen_customers(
    client_as: Callable[[str], Any], billed: list[Customer]
) -> None:
    client_as("manager").post(
        "/admin/billing_run/new/",
        data={
            "period": "custom",
            "first_day": "2026-02-01",
            "last_day": "2026-02-10",
            "customers": "chosen",
            "customer_ids": [str(billed[0].id), str(billed[2].id)],
            "schedule": "fits",
            "grouping": "day",
            "result": "draft",
        },
    )
    run = db.session.query(BillingRun).one()
    assert (run.period_start, run.period_end) == (dt.date(2026, 2, 1), dt.date(2026, 2, 11))
    assert run.options["customer_ids"] == [billed[0].id, billed[2].id]
    assert (run.options["grouping"], run.options["issue"]) == ("day", False)


def test_the_preview_lists_every_customer_with_warnings_and_sums(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    page = client_as("manager").get(details(run)).text
    assert [name in page for name in ("Example Ash", "Example Birch", "Example Cedar")] == [True] * 3
    assert "1 call has no rate and will not be billed" in page
    total = sum(row.total for row in rows(run).values())
    assert f"${total:.2f}" in page
    assert "Make 3 draft invoices" in page
    assert "Tick all 3" in page
    assert db.session.query(Invoice).count() == 0
    warned = client_as("manager").get(details(run, only="warned", search="birch")).text
    assert "Example Birch" in warned
    assert "Example Ash" not in warned


def test_a_row_opens_to_its_lines(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    row = rows(run)["Example Cedar"]
    page = client_as("viewer").get(f"/admin/billing_run/{run.id}/rows/{row.id}/").text
    assert "Calls to United Kingdom" in page
    assert "9:00" in page  # three calls of three minutes
    other = previewed(month)
    assert client_as("viewer").get(f"/admin/billing_run/{other.id}/rows/{row.id}/").status_code == 404


def test_ticks_change_the_sums(client_as: Callable[[str], Any], billed: list[Customer], month: Any) -> None:
    run = previewed(month)
    client = client_as("manager")
    row = rows(run)["Example Ash"]
    fragment = {"HX-Request": "true"}
    answer = client.post(
        f"/admin/billing_run/{run.id}/choose", data={"row": str(row.id)}, headers=fragment
    ).text
    assert "Make 2 draft invoices" in answer
    assert rows(run)["Example Ash"].chosen is False
    every = {"every": "1", "chosen": "0", "only": "warned"}
    answer = client.post(f"/admin/billing_run/{run.id}/choose", data=every, headers=fragment).text
    assert 'id="run-rows"' in answer
    assert 'hx-swap-oob="true"' in answer
    assert [row.chosen for _, row in sorted(rows(run).items())] == [False, False, True]
    client.post(f"/admin/billing_run/{run.id}/choose", data={"every": "1", "chosen": "1"}, headers=fragment)
    assert all(row.chosen for row in rows(run).values())
    plain = client.post(f"/admin/billing_run/{run.id}/choose", data={"row": str(row.id)})
    assert plain.status_code == 303


def test_a_commit_with_old_ticks_is_refused(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    version = run.version
    client = client_as("manager")
    client.post(f"/admin/billing_run/{run.id}/choose", data={"row": str(rows(run)["Example Ash"].id)})
    answer = client.post(f"/admin/billing_run/{run.id}/commit", data={"version": str(version)})
    assert answer.status_code == 409
    db.session.expire_all()
    assert run.state == "previewed"


def test_committed_invoices_are_the_previewed_ones_and_the_results_say_so(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    said = {name: row.total for name, row in rows(run).items()}
    client = client_as("manager")
    client.post(f"/admin/billing_run/{run.id}/choose", data={"row": str(rows(run)["Example Birch"].id)})
    db.session.expire_all()
    answer = client.post(f"/admin/billing_run/{run.id}/commit", data={"version": str(run.version)})
    assert answer.status_code == 303
    finish(run)
    made = {one.customer_name: one.total for one in db.session.query(Invoice)}
    assert made == {name: said[name] for name in ("Example Ash", "Example Cedar")}
    page = client.get(details(run)).text
    assert "2</strong> invoices made" in page
    assert f"Draft {rows(run)['Example Ash'].invoice_id}" in page
    assert "Unticked" in client.get(details(run, only="unticked")).text
    found = list(csv.DictReader(io.StringIO(client.get(f"/admin/billing_run/{run.id}/results.csv").text)))
    assert [(one["Customer"], one["Result"]) for one in found] == [
        ("Example Ash", "Invoiced"),
        ("Example Birch", "Unticked"),
        ("Example Cedar", "Invoiced"),
    ]
    assert [Decimal(one["Total"]) for one in found] == [said[name] for name in sorted(said)]


def test_a_refused_row_says_what_changed(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    load(billed[0], [(f"{month[0]}T12:00:00", "442079460000", 600)], ids="later")
    billing_runs.commit(SYSTEM, run.id)
    finish(run)
    row = rows(run)["Example Ash"]
    assert (row.state, row.invoice_id) == ("refused", None)
    page = client_as("viewer").get(details(run, only="refused")).text
    assert row.reason is not None
    assert row.reason.split(":")[0] in page
    assert "1 invoices were not made" not in page
    assert "1 invoice was not made" in page


def test_what_a_cancelled_run_did_not_reach_is_listed(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    billing_runs.commit(SYSTEM, run.id)
    client = client_as("manager")
    page = client.get(details(run)).text
    assert "Making invoices" in page
    assert client.post(f"/admin/billing_run/{run.id}/cancel").status_code == 303
    db.session.expire_all()
    assert run.state == "cancelled"
    page = client.get(details(run)).text
    assert "This run was cancelled." in page
    assert "Not reached" in page
    assert "Example Ash" in client.get(details(run, only="left")).text
    again = client.post(f"/admin/billing_run/{run.id}/again")
    assert again.status_code == 303
    assert db.session.query(BillingRun).count() == 2


def test_progress_reloads_the_page_when_it_has_ended(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = billing_runs.start(SYSTEM, *month, OPTIONS)
    client = client_as("viewer")
    headers = {"HX-Request": "true", "HX-Target": "progress"}
    assert 'hx-trigger="every 1s"' in client.get(details(run), headers=headers).text
    billing_runs.work_out(run.id, lambda done: None, lambda note: None)
    answer = client.get(details(run), headers=headers)
    assert (answer.headers["HX-Refresh"], answer.text) == ("true", "")


def test_a_viewer_sees_no_tick_and_no_button(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    run = previewed(month)
    page = client_as("viewer").get(details(run)).text
    assert "Example Ash" in page
    assert 'name="chosen"' not in page
    assert "Make 3 draft invoices" not in page
    listed = client_as("viewer").get("/admin/billing_run/").text
    assert run.title in listed
    assert "New Billing Run" not in listed


def test_the_list_shows_sums_a_currency(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any
) -> None:
    yen = make_customer("Example Yen", "JPY", invoice_schedule="monthly", address1="1 Example Street")
    make_card("Yen", "JPY", rates={"44": "120"}, sold_to=yen)
    load(yen, [(f"{month[0]}T10:00:00", "442079460000", 600)])
    run = previewed(month)
    page = client_as("viewer").get("/admin/billing_run/").text
    assert f"¥{rows(run)['Example Yen'].total:,.0f}" in page
    assert '<span class="cur">USD</span>' in page


def test_pages_hold_a_hundred_and_keep_the_order(client_as: Callable[[str], Any], month: Any) -> None:
    run = BillingRun(
        title="Many",
        period_start=month[0],
        period_end=month[1],
        state="previewed",
        previewed_at=dt.datetime.now(dt.UTC),
    )
    db.session.add(run)
    db.session.flush()
    for at in range(250):
        customer = make_customer(f"Example {at:03}")
        db.session.add(
            BillingRunRow(
                billing_run_id=run.id,
                customer_id=customer.id,
                period_start=month[0],
                period_end=month[1],
                currency="USD",
                lines=1,
                total=Decimal(at),
                last_total=Decimal(2 * at) if at % 2 else None,
            )
        )
    db.session.commit()
    client = client_as("viewer")
    page = client.get(details(run, page=3)).text
    assert "201–250 of 250" in page
    assert "Example 249" in page
    assert "Example 100" not in page
    largest = client.get(details(run, sort="-total")).text
    assert largest.index("Example 249") < largest.index("Example 248")
    changed = client.get(details(run, sort="-change")).text
    assert changed.index("Example 249") < changed.index("Example 247")
    assert "Example 248" not in changed


@pytest.mark.parametrize("path", ["commit", "cancel", "again", "choose"])
def test_a_post_without_a_token_does_nothing(
    client_as: Callable[[str], Any], billed: list[Customer], month: Any, path: str
) -> None:
    run = previewed(month)
    client = client_as("manager")
    answer = client.post(f"/admin/billing_run/{run.id}/{path}", data={"version": "1"}, csrf=False)
    assert answer.status_code == 400
    db.session.expire_all()
    assert (run.state, db.session.query(BillingRun).count()) == ("previewed", 1)
