"""Usage in the browser: the steps of an import, its page, unmatched calls, rules and saved formats."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Job, UsageFormat, UsageImport, UsageRecord, UsageRule, UsageUnmatched
from dashboard.operations import billing, usage_imports
from dashboard.operations.base import SYSTEM
from dashboard.rules.periods import Period
from jobs import runner
from tests.support.books import make_customer
from tests.support.calls import make_card, make_rule
from tests.support.pages import words

NEW = "/admin/usage_import/new/"
HEADING = "unique_id,account_code,source,number,started_at,duration\n"
CALLS = HEADING + "".join(
    f"id-{n},ACORN,442079460010,44207946010{n},2026-11-02T10:0{n}:00Z,6{n}\n" for n in range(5)
)
As = Callable[[str], Any]


def upload(client: Any, content: str | bytes = CALLS, name: str = "calls.csv") -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    return client.post(NEW, data={"file": (io.BytesIO(data), name)})


def proposed(client: Any, address: str) -> dict[str, str]:
    """The form of the columns as the page proposes it."""
    page = client.get(address).get_data(as_text=True)
    form = {}
    for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        form[name] = html.unescape(chosen[1]) if chosen else ""
    for name in re.findall(r'<input type="checkbox"[^>]*name="([^"]+)" checked', page):
        form[name] = "on"
    source = re.search(r'name="source"[^>]*value="([^"]*)"', page)
    assert source is not None
    return {**form, "source": source[1]}


def loaded(client: Any, content: str = CALLS, **more: str) -> UsageImport:
    columns = upload(client, content).location
    answer = client.post(columns, data={**proposed(client, columns), **more})
    assert answer.status_code == 303, words(answer)
    made = db.session.scalars(select(UsageImport).order_by(UsageImport.id.desc())).first()
    answer = client.post("/admin/usage_import/run/", data={"id": made.id})
    assert answer.status_code == 303
    runner.run(db.session.scalars(select(Job.id).order_by(Job.id.desc())).first())
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(UsageImport, made.id)


@pytest.fixture
def acorn() -> Any:
    customer = make_customer("Acorn Example")
    make_card(rates={"44": "0.06"}, sold_to=customer)
    return customer


def calls() -> int:
    return db.session.scalar(select(func.count(UsageRecord.id))) or 0


def test_from_a_file_to_calls(client_as: As, acorn: Any) -> None:
    make_rule(acorn, "account_code", "acorn")
    client = client_as("clerk")
    assert "Our own CSV" in words(client.get(NEW))
    answer = upload(client)
    assert answer.status_code == 303
    said = words(client.get(answer.location))
    assert "Recognised: Our own CSV" in said
    assert "Its column names are those of our own CSV." in said
    answer = client.post(answer.location, data=proposed(client, answer.location))
    said = words(client.get(answer.location))
    assert "5 rows in the file." in said
    assert "Of the first 5: 5 would be loaded. Nothing has been loaded yet." in said
    assert "Acorn Example" in said
    assert calls() == 0
    made = db.session.scalars(select(UsageImport)).one()
    page = client.post("/admin/usage_import/run/", data={"id": made.id}).location
    assert "Waiting" in words(client.get(page))
    runner.run(db.session.scalars(select(Job.id)).one())
    db.session.rollback()
    said = words(client.get(page))
    assert "Done" in said
    assert "Loaded 5 calls in the books" in said
    assert "Every row could be read." in said
    assert calls() == 5
    listed = words(client.get("/admin/usage_import/"))
    assert "calls.csv" in listed
    link = re.search(r'href="(/admin/usage/[^"]+)"', client.get(page).text)
    assert link is not None
    assert "1–5 of 5" in words(client.get(html.unescape(link[1])))


def test_late_calls_of_a_file_are_found_from_its_page(client_as: As, acorn: Any) -> None:
    make_rule(acorn, "account_code", "acorn")
    client = client_as("clerk")
    loaded(client)
    period = Period(dt.date(2026, 11, 2), dt.date(2026, 11, 3))
    assert billing.generate(SYSTEM, acorn.id, period).invoice_id is not None
    rows = ("id-6,ACORN,1,442079460106,2026-11-02T23:00:00Z,60", "id-7,ACORN,1,33100,2026-11-02T23:00:00Z,60")
    made = loaded(client, HEADING + "\n".join((*rows, "id-8,ACORN,1,442079460108,2026-11-03T10:00:00Z,60\n")))
    assert (made.loaded, made.late) == (3, 2)
    page = client.get(f"/admin/usage_import/details/?id={made.id}").text
    link = re.search(r'href="([^"]+)"><h2>Late', page)
    assert link is not None
    found = words(client.get(html.unescape(link[1])))
    assert "1–2 of 2" in found
    assert "442079460108" not in found


def test_loading_again_changes_nothing(client_as: As, acorn: Any) -> None:
    make_rule(acorn, "account_code", "acorn")
    client = client_as("clerk")
    first = loaded(client)
    second = loaded(client)
    assert (first.loaded, second.loaded, second.duplicates, calls()) == (5, 0, 5, 5)
    page = words(client.get(f"/admin/usage_import/columns/?id={second.id}"))
    assert f"This very file was loaded before: import {first.id}" in page


def test_bad_rows_are_listed_and_downloaded(client_as: As, acorn: Any) -> None:
    make_rule(acorn, "account_code", "acorn")
    content = CALLS + "id-8,=cmd(),4420,4421,2026-02-31T10:00:00Z,60\nid-9,ACORN\n"
    made = loaded(client_as("clerk"), content)
    assert (made.loaded, made.bad) == (5, 2)
    viewer = client_as("viewer")
    said = words(viewer.get(f"/admin/usage_import/details/?id={made.id}"))
    assert "7 The start is not a date and time" in said
    assert "8 The line has 2 columns where 6 are expected." in said
    answer = viewer.get(f"/admin/usage_import/faults.csv?id={made.id}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="bad-rows-{made.id}.csv"'
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "Line,Reason,Text"
    assert lines[1].startswith('7,"The start is not')
    assert len(lines) == 3


@pytest.mark.parametrize("name", ["empty.csv", "table.xlsx", "picture.png", "random.bin", "header-only.csv"])
def test_what_can_not_be_read_is_said_at_once(client_as: As, name: str) -> None:
    content = (Path(__file__).parent.parent / "usage" / "files" / name).read_bytes()
    answer = upload(client_as("clerk"), content, name)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert db.session.scalar(select(func.count(UsageImport.id))) == 0


def test_no_file(client_as: As) -> None:
    answer = client_as("clerk").post(NEW, data={})
    assert answer.status_code == 422
    assert "Choose a file first." in words(answer)


def test_dates_that_tell_nothing_are_asked_for(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client, HEADING + "id-1,A,4420,4421,02/11/2026 10:00,60\n").location
    form = proposed(client, columns)
    assert form["date_order"] == ""
    answer = client.post(columns, data=form)
    assert answer.status_code == 422
    assert "the file does not tell" in words(answer)
    answer = client.post(columns, data={**form, "date_order": "dmy"})
    assert "2026-11-02 10:00:00" in words(client.get(answer.location))
    answer = client.post(columns, data={**form, "date_order": "mdy"})
    assert "2026-02-11 10:00:00" in words(client.get(answer.location))


def test_a_file_that_tells_is_not_read_otherwise(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client, HEADING + "id-1,A,4420,4421,23/11/2026 10:00,60\n").location
    form = proposed(client, columns)
    answer = client.post(columns, data={**form, "date_order": "mdy"})
    assert answer.status_code == 422
    assert "The file itself shows that its dates are written with the day first." in words(answer)


def test_columns_are_chosen_and_saved_as_a_format(client_as: As) -> None:
    client = client_as("clerk")
    content = "When;Whom;How long\n2026-11-02 10:00;4420;60\n"
    columns = upload(client, content).location
    assert "Not a format known by itself" in words(client.get(columns))
    form = proposed(client, columns)
    assert [form[f"c{at}"] for at in range(3)] == ["", "", ""]
    answer = client.post(columns, data=form)
    assert "Choose the column that says when the call started." in words(answer)
    twice = {**form, "c0": "number", "c1": "number"}
    assert "Number called is chosen for 2 columns." in words(client.post(columns, data=twice))
    right = {**form, "c0": "started_at", "c1": "number", "c2": "billsec", "source": "North"}
    answer = client.post(columns, data={**right, "save_as": "North switch", "time_zone": "Europe/Madrid"})
    # One o'clock less in winter.
    assert "2026-11-02 09:00:00" in words(client.get(answer.location))
    assert db.session.scalars(select(UsageFormat.name)).one() == "North switch"
    again = upload(client, content).location
    said = words(client.get(again))
    assert "Recognised: North switch" in said
    assert proposed(client, again)["time_zone"] == "Europe/Madrid"
    assert "North switch" in words(client.get("/admin/usage_format/"))


def test_a_start_in_two_columns_is_chosen_and_previewed(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client, "When;At;Whom;How long\n23/11/2026;10:00:30;4420;60\n").location
    form = {**proposed(client, columns), "c0": "started_at", "c2": "number", "c3": "billsec"}
    page = client.get(columns).text
    assert "Start time, beside its date" in page
    answer = client.post(columns, data={**form, "c1": "start_time", "time_zone": "Europe/Madrid"})
    assert "2026-11-23 09:00:30" in words(client.get(answer.location))
    named = upload(client, "Date;Time;Number;Duration\n20261102;100030;4420;60\n").location
    form = proposed(client, named)
    assert [form[f"c{at}"] for at in range(4)] == ["started_at", "start_time", "number", "duration"]
    answer = client.post(named, data=form)
    assert "2026-11-02 10:00:30" in words(client.get(answer.location))


def test_another_delimiter_is_shown_again(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client, "2026-11-02 10:00|4420|60,1\n2026-11-02 10:01|4421|61,2\n").location
    form = proposed(client, columns)
    answer = client.post(columns, data={**form, "delimiter": ",", "again": "1"})
    assert answer.status_code == 200
    assert "2026-11-02 10:00|4420|60" in words(answer)


def test_unmatched_calls_find_their_customer_by_a_new_rule(client_as: As, acorn: Any) -> None:
    client = client_as("clerk")
    made = loaded(client)
    assert (made.loaded, made.unmatched) == (0, 5)
    page = client.get("/admin/usage_unmatched/")
    assert "5 calls wait for a customer." in words(page)
    assert "ACORN 5" in words(page)
    link = re.search(r'href="(/admin/usage_rule/new/[^"]+)"', page.text)
    assert link is not None
    address = html.unescape(link[1])
    form = {"customer_id": acorn.id, "kind": "account_code", "value": "ACORN", "form_key": "k"}
    answer = client.post(address, data=form)
    assert answer.location == "/admin/usage_unmatched/?by=account_code"
    said = words(client.get(answer.location))
    assert "5 calls that waited were taken up." in said
    assert "Every call has its customer" in said
    assert calls() == 5
    assert db.session.scalar(select(func.count(UsageUnmatched.id))) == 0
    rules = words(client.get(f"/admin/customer/details/?id={acorn.id}&tab=usage_rules"))
    assert "Account code ACORN" in rules


def test_who_unmatched_calls_may_belong_to(client_as: As) -> None:
    make_customer("Acorn", external_accounting_id="C-1")
    client = client_as("clerk")
    loaded(client)
    page = client.get("/admin/usage_unmatched/")
    assert "Rule for Acorn" in words(page)
    assert "Add rule for a customer" in words(client.get("/admin/usage_unmatched/?by=caller"))
    assert "None given" in words(client.get("/admin/usage_unmatched/?by=trunk"))
    viewer = words(client_as("viewer").get("/admin/usage_unmatched/?by=account_code"))
    assert "A rule by account code, perhaps for Acorn" in viewer
    assert "Take up" not in viewer


def test_rules_are_checked(client_as: As, acorn: Any) -> None:
    client = client_as("clerk")
    other = make_customer("Birch Example")

    def add(**values: Any) -> Any:
        return client.post("/admin/usage_rule/new/", data={"customer_id": acorn.id, **values})

    assert "digits only" in words(add(kind="caller", value="acorn"))
    assert add(kind="caller_prefix", value="+44 20 7946").status_code == 303
    assert db.session.scalars(select(UsageRule.value)).one() == "44207946"
    answer = add(kind="caller_prefix", value="0044207946", customer_id=other.id)
    assert "There is already a rule for this: it leads to Acorn Example." in words(answer)
    rule = db.session.scalars(select(UsageRule)).one()
    answer = client.post(
        f"/admin/usage_rule/edit/?id={rule.id}",
        data={"customer_id": other.id, "kind": "caller_prefix", "value": "4420", "version": rule.version},
    )
    assert answer.status_code == 303
    assert client.post(f"/admin/usage_rule/delete/?id={rule.id}").status_code == 303
    assert db.session.scalar(select(func.count(UsageRule.id))) == 0


def test_an_upload_that_brought_nothing_can_be_removed(client_as: As, acorn: Any) -> None:
    make_rule(acorn, "account_code", "acorn")
    client = client_as("clerk")
    columns = upload(client).location
    key = columns.partition("id=")[2]
    assert client.post("/admin/usage_import/delete/", data={"id": key}).status_code == 303
    assert db.session.scalar(select(func.count(UsageImport.id))) == 0
    made = loaded(client)
    answer = client.post("/admin/usage_import/delete/", data={"id": made.id})
    assert "stays on record" in words(client.get(answer.location))
    assert db.session.scalar(select(func.count(UsageImport.id))) == 1


def test_a_load_that_was_not_begun_is_cancelled(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client).location
    client.post(columns, data=proposed(client, columns))
    made = db.session.scalars(select(UsageImport)).one()
    client.post("/admin/usage_import/run/", data={"id": made.id})
    again = client.post("/admin/usage_import/run/", data={"id": made.id})
    assert "being loaded already" in words(client.get(again.location))
    db.session.refresh(made)
    here = f"/admin/usage_import/details/?id={made.id}"
    assert client.post(f"/admin/job/{made.job_id}/cancel", data={"next": here}).location == here
    job = words(client.get(f"/admin/job/details/?id={made.job_id}"))
    assert "The job was cancelled. What was done stays. Open the import" in job
    db.session.refresh(made)
    assert made.state == "cancelled"
    assert "What was loaded stays" in words(client.get(f"/admin/usage_import/details/?id={made.id}"))


def test_progress_tells_rows_a_second_and_the_time_left(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client).location
    client.post(columns, data=proposed(client, columns))
    made = db.session.scalars(select(UsageImport)).one()
    client.post("/admin/usage_import/run/", data={"id": made.id})
    here = f"/admin/usage_import/details/?id={made.id}"

    def seen(rows: int, total: int, took: int, since: int) -> str:
        """The page where so many rows came in `took` seconds, the last of them so many seconds ago."""
        now = dt.datetime.now(dt.UTC)
        made.options = {**made.options, "facts": {"rows": total - 1, "bad": 1}}
        db.session.commit()
        made.rows, made.updated_at = rows, now - dt.timedelta(seconds=since)
        made.job.state, made.job.started_at = "running", now - dt.timedelta(seconds=took + since)
        db.session.commit()
        page = client.get(here, headers={"HX-Request": "true"})
        assert 'hx-trigger="every 1s"' in page.text
        assert "HX-Refresh" not in page.headers
        said = words(page)
        assert "Cancel" in said
        return said

    assert "The first rows are being read" in seen(0, 1_300_000, 2, 0)
    # Between two chunks the speed stays what it was, and the time left runs down.
    for since, left in ((0, r"1 min 1[12] s left"), (20, r"5[12] s left"), (200, "a moment left")):
        said = seen(500_000, 4_500_000, 9, since)
        assert re.search(r"500,000 of 4,500,000 rows · 55,5\d\d a second · " + left, said), said
    assert re.search(r"1 h 3\d min left", seen(1_000, 1_000_000, 6, 0))
    assert "finishing" in seen(9, 9, 1, 0)


def test_a_file_that_is_no_longer_kept_says_so(client_as: As) -> None:
    client = client_as("clerk")
    columns = upload(client).location
    db.session.scalars(select(UsageImport)).one().document_id = None
    db.session.commit()
    assert "no longer kept" in words(client.get(columns))
    assert "no longer kept" in words(client.get(columns.replace("columns", "details")))


SCRIPT = "<script>alert(1)</script>"


def test_markup_in_a_file_is_text(client_as: As) -> None:
    client = client_as("clerk")
    content = f"started_at,number,duration,account_code,{SCRIPT}\n" + "".join(
        f"{start},4420,60,{SCRIPT},{SCRIPT}\n" for start in ("2026-11-02 10:00", SCRIPT)
    )
    columns = upload(client, content, f"{SCRIPT}.csv").location
    client.post(columns, data={**proposed(client, columns), "save_as": SCRIPT, "source": SCRIPT})
    made = db.session.scalars(select(UsageImport)).one()
    client.post("/admin/usage_import/run/", data={"id": made.id})
    runner.run(db.session.scalars(select(Job.id)).one())
    for path in (
        columns,
        f"/admin/usage_import/preview/?id={made.id}",
        f"/admin/usage_import/details/?id={made.id}",
        "/admin/usage_import/",
        "/admin/usage_unmatched/",
        "/admin/usage_format/",
        NEW,
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert SCRIPT not in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {"c0": "nothing", "delimiter": "x", "quote": "xx", "encoding": "rot13", "time_zone": "Mars/Base"},
        {"c999": "number", "c-1": "number", "date_order": "ydm", "customer_by": "moon"},
        {"source": "\x00" * 500, "save_as": "\x00"},
        {"save_as": "own", "c3": "number", "c4": "started_at", "c5": "duration", "header": "on"},
        {"save_as": "x" * 500, "c3": "number", "c4": "started_at", "c5": "duration", "header": "on"},
    ],
)
def test_hostile_choices(client_as: As, form: dict[str, str]) -> None:
    client = client_as("clerk")
    columns = upload(client).location
    answer = client.post(columns, data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert db.session.scalar(select(func.count(UsageFormat.id))) == 0


@pytest.mark.parametrize("key", ["", "0", "999", "x", "1e9", "99999999999999999999"])
@pytest.mark.parametrize("page", ["columns/", "preview/", "details/", "faults.csv"])
def test_imports_that_do_not_exist(client_as: As, page: str, key: str) -> None:
    assert client_as("clerk").get(f"/admin/usage_import/{page}?id={key}").status_code == 404


def test_only_who_may_upload_may_send_much(client_as: As, monkeypatch: pytest.MonkeyPatch, app: Any) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    assert upload(client_as("clerk"), CALLS + "x" * 5000).status_code in (303, 422)
    assert upload(client_as("viewer"), CALLS + "x" * 5000).status_code in (403, 413)
    assert usage_imports.MOST_BYTES == 1 << 30
