"""Reports > Schedule Report on screen: list, form, preview, page."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import Customer, Schedule
from dashboard.operations import schedules
from dashboard.rules.periods import add_months
from tests.support.books import make_customer
from tests.support.reports import TO, content, mails_of, make_schedule, of_csv, of_html, put_usage, run_for
from tests.support.runs import aligned, runs
from tests.support.usage_rows import make_provider, put_call

pytestmark = pytest.mark.usefixtures("app")

FORM = {
    "name": "Usage by customer",
    "produces": "report",
    "emails": f"{TO}\nsecond@retail.example",
    "groups": ["destination", "customer"],
    "columns": ["customer", "customer_charge", "customer_currency"],
    "format": "csv",
    "frequency": "monthly",
    "hour": "6",
}


@pytest.fixture
def browser(client_as):
    return client_as("manager")


def last():
    db.session.expire_all()
    return db.session.scalars(select(Schedule).order_by(Schedule.id.desc()).limit(1)).one()


def put_last_month(customer: Customer, **more) -> None:
    day = add_months(dt.datetime.now(dt.UTC).date().replace(day=1), -1)
    put_call(customer, dt.datetime.combine(day, dt.time(9), dt.UTC) + dt.timedelta(days=9), **more)
    db.session.commit()


def test_the_form_makes_a_schedule_as_typed(browser):
    acorn, carrier = make_customer("Acorn Example"), make_provider()
    db.session.commit()
    more = {"customer_ids": [str(acorn.id)], "provider_ids": [str(carrier.id)]}
    answer = browser.post("/admin/schedule/new/", data={**FORM, **more})
    assert answer.status_code == 303, answer.text
    made = last()
    assert made.emails == [TO, "second@retail.example"]
    assert made.groups == ["destination", "customer"]
    assert made.columns == ["customer", "customer_charge", "customer_currency"]
    assert (made.customer_ids, made.provider_ids) == ([acorn.id], [carrier.id])
    assert (made.hour, made.delay_hours, made.time_zone) == (6, 0, None)
    assert made.next_slot > schedules.database_now()
    page = browser.get(answer.location).text
    for words in ("Acorn Example", "Example Carrier", "Customer Destination, Customer", "Next runs"):
        assert words in page


def test_the_form_comes_back_as_it_was_saved(browser):
    browser.post("/admin/schedule/new/", data=FORM)
    page = browser.get(f"/admin/schedule/edit/?id={last().id}").text
    for words in ("Name", "Email", "Frequency", "Group", "Customers", "Providers", "Columns", "Format"):
        assert f">{words}<" in page
    group = page[page.index('id="groups"') :]
    options = group[: group.index("</select>")]
    assert options.index("Customer Destination") < options.index(">Customer<")
    assert options.count("selected") == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("emails", "", "at least one address"),
        ("emails", "not an address", "&#34;not&#34;"),
        ("emails", "a@b.example\nBcc: x@y.example", "Bcc:"),
        ("emails", "\n".join(f"reader{n}@retail.example" for n in range(21)), "at most 20"),
        ("groups", [], "Choose at least one"),
        ("groups", ["colour"], "choose from the list"),
        ("columns", ["provider"], "Rows are not divided by Provider"),
        ("columns", ["name; DROP"], "choose from the list"),
        ("customer_ids", ["999999"], "no longer exists"),
        ("provider_ids", ["x"], "choose from the list"),
        ("hour", "25", "choose one from the list"),
        ("delay_hours", "500", "0 to 240"),
        ("time_zone", "Mars/Olympus", "choose one from the list"),
        ("frequency", "yearly", "choose one from the list"),
        ("format", "doc", "choose one from the list"),
    ],
)
def test_what_cant_be_is_refused_where_it_is_typed(browser, field, value, said):
    answer = browser.post("/admin/schedule/new/", data={**FORM, field: value})
    assert answer.status_code == 422
    error = answer.text[answer.text.index(f'id="{field}-error"') :]
    assert said in error[: error.index("</p>")]
    preview = browser.post("/admin/schedule/preview/", data={**FORM, field: value}).text
    assert said in preview or (field == "emails" and not value)
    assert db.session.query(Schedule).count() == 0


def test_fields_of_another_kind_are_neither_needed_nor_kept(browser):
    data = {**FORM, "produces": "invoices", "emails": "", "issue": "True", "send": "False"}
    answer = browser.post("/admin/schedule/new/", data=data)
    assert answer.status_code == 303, answer.text
    made = last()
    assert (made.groups, made.columns, made.provider_ids, made.emails) == ([], [], [], [])
    assert (made.issue, made.send, made.format) == (True, False, "csv")
    assert made.delay_hours == 24
    browser.post("/admin/schedule/new/", data={**FORM, "issue": "True", "send": "True"})
    assert (last().issue, last().send) == (None, None)


def test_the_preview_is_what_is_sent(browser):
    acorn = make_customer("Acorn Example")
    put_last_month(acorn, charge="1234.5")
    put_last_month(acorn, charge="0.25", destination="Spain")
    preview = browser.post("/admin/schedule/preview/", data=FORM).text
    browser.post("/admin/schedule/new/", data=FORM)
    schedule = last()
    run = run_for(schedule, schedules.rule_of(schedule).last_ended(schedules.database_now()))
    assert run.state == "done"
    (mail,) = mails_of(run)
    assert mail.subject in preview
    assert all(line in preview for line in mail.body.splitlines() if line)
    assert run.made["filename"] in preview
    rows = of_html(preview)
    assert rows[0] == of_csv(content(run))[0]
    assert [row[:2] for row in rows[1:-1]] == [row[:2] for row in of_csv(content(run))[1:]]
    assert rows[-1][2] == "$1,234.75"
    file = browser.post("/admin/schedule/preview/file", data=FORM)
    assert file.data == content(run)
    assert file.headers["Content-Disposition"] == f'attachment; filename="{run.made["filename"]}"'


def test_the_preview_of_a_period_without_usage_says_so_kindly(browser):
    page = browser.post("/admin/schedule/preview/", data=FORM).text
    assert "No usage in" in page
    assert "sent all the same" in page


@pytest.mark.parametrize("emails", ["", "x"])
def test_a_preview_needs_no_name_and_no_address_yet(browser, emails):
    acorn = make_customer("Acorn Example")
    put_last_month(acorn)
    page = browser.post("/admin/schedule/preview/", data={**FORM, "name": "", "emails": emails}).text
    assert "nobody yet" in page
    assert "Acorn Example" in page
    assert "nobody@invalid.example" not in page


def test_the_next_five_runs_stand_in_words_and_dates(browser):
    page = browser.post("/admin/schedule/preview/", data={**FORM, "frequency": "daily", "hour": "23"}).text
    assert page.count("<time") == 5
    assert "Each day: after its end, at 23:00" in page
    assert "in 2 days" in page
    assert db.session.query(Schedule).count() == 0


def test_the_preview_of_a_stored_schedule_keeps_its_next_period(browser):
    schedule = make_schedule(hour=6)
    sent = {**FORM, "hour": "9"}
    page = browser.post(f"/admin/schedule/preview/?id={schedule.id}", data=sent).text
    first = schedules.next_slots(schedule, 1)[0]
    assert f"{first:%Y-%m-%d} 09:00" in page
    db.session.expire_all()
    assert schedule.next_slot == first
    browser.post(f"/admin/schedule/edit/?id={schedule.id}", data={**sent, "version": str(schedule.version)})
    db.session.expire_all()
    assert f"{schedule.next_slot:%Y-%m-%d %H:%M}" == f"{first:%Y-%m-%d} 09:00"


def test_run_now_makes_one_run_however_often_it_is_pressed(browser):
    put_usage()
    schedule = make_schedule()
    key = {"form_key": "pressed"}
    first = browser.post(f"/admin/schedule/{schedule.id}/run", data=key)
    second = browser.post(f"/admin/schedule/{schedule.id}/run", data=key)
    assert first.location == second.location
    assert "/admin/schedule_run/details/" in first.location
    assert len(runs(schedule)) == 1


def test_a_paused_schedule_says_so_and_has_no_next_run(browser):
    schedule = make_schedule()
    browser.post(f"/admin/schedule/{schedule.id}/pause")
    page = browser.get(f"/admin/schedule/details/?id={schedule.id}").text
    assert "Paused" in page
    assert "<time" not in page[page.index("Next runs") : page.index("Last runs")]
    assert "Usage by customer" in browser.get("/admin/schedule/?tab=paused").text
    browser.post(f"/admin/schedule/{schedule.id}/resume")
    page = browser.get(f"/admin/schedule/details/?id={schedule.id}").text
    assert page[page.index("Next runs") : page.index("Last runs")].count("<time") == 5


def test_a_copy_starts_from_all_that_the_schedule_says(browser):
    schedule = make_schedule(format="pdf", columns=["customer", "attempts"], groups=["customer", "day"])
    page = browser.get(f"/admin/schedule/new/?copy={schedule.id}").text
    assert 'value="Copy of Usage by customer"' in page
    assert '<option selected value="pdf">' in page
    assert TO in page


def test_from_breakout_with_what_is_on_screen(browser):
    acorn, carrier = make_customer("Acorn Example"), make_provider()
    db.session.commit()
    query = f"dates=last_week&group=day&group=customer&customer={acorn.id}&provider={carrier.id}"
    page = browser.get(f"/admin/breakout/?{query}").text
    start = page.index("/admin/schedule/new/?")
    href = page[start : page.index('"', start)].replace("&amp;", "&")
    form = browser.get(href).text
    assert "Acorn Example" in form
    assert "Example Carrier" in form
    assert '<option selected value="weekly">' in form
    group = form[form.index('id="groups"') :]
    assert group.index(">Day<") < group.index(">Customer<") < group.index(">Month<")
    assert "Schedule this report" in page


def test_a_link_by_another_hand_fills_what_it_can(browser):
    page = browser.get("/admin/schedule/new/?group=colour&customer=x&dates=never&copy=").text
    assert 'id="groups"' in page


def test_a_customers_own_schedule_is_not_among_them(browser):
    schedule = aligned(make_customer("Own Example", invoice_schedule="monthly"))
    assert "Own Example" not in browser.get("/admin/schedule/?tab=all").text
    assert browser.get(f"/admin/schedule/details/?id={schedule.id}").status_code == 404
    assert browser.post(f"/admin/schedule/{schedule.id}/run").status_code == 404


def test_deleting_keeps_the_runs_and_their_files(browser):
    put_usage()
    schedule = make_schedule()
    run = run_for(schedule)
    answer = browser.post("/admin/schedule/delete/", data={"id": str(schedule.id)})
    assert answer.status_code == 303
    assert db.session.query(Schedule).count() == 0
    assert browser.get(f"/admin/schedule_run/{run.id}/file").status_code == 200
    assert "(deleted)" in browser.get(f"/admin/schedule_run/details/?id={run.id}").text


def test_the_list_says_what_ran_last(browser):
    put_usage()
    run_for(make_schedule())
    make_schedule(name="Other", produces="invoices", emails=[], groups=[])
    page = browser.get("/admin/schedule/").text
    for words in ("Usage by customer", "Breakout report", "Monthly", "CSV", "Done", TO, "Invoices"):
        assert words in page


def test_many_at_once(browser, manager):
    made = [make_schedule(name=f"Number {n}") for n in range(3)]
    data = {"action": "pause", "rowid": [str(one.id) for one in made]}
    browser.post("/admin/schedule/action/", data=data)
    db.session.expire_all()
    assert all(one.paused for one in made)
    answer = browser.post("/admin/schedule/action/", data=data)
    assert "paused already" in answer.text
    browser.post("/admin/schedule/action/", data={**data, "action": "delete"})
    assert db.session.query(Schedule).count() == 0
