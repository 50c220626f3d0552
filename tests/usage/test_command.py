"""`flask --app wsgi usage import`."""

from __future__ import annotations

import gzip

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import UsageImport, UsageRecord
from tests.support.books import make_customer
from tests.support.calls import make_card, make_rule

HEADINGS = "unique_id,account_code,number,started_at,billsec,result\n"
ROWS = (
    "1,ACORN,442079460000,2026-11-02 10:00:00,60,answered\n"
    "2,ACORN,442079460001,2026-11-02 10:01:00,abc,answered\n"
    "3,BIRCH,442079460002,2026-11-02 10:02:00,60,answered\n"
)


@pytest.fixture
def run(app, tmp_path):
    customer = make_customer("Acorn Example")
    make_card(rates={"44": "0.06"}, sold_to=customer)
    make_rule(customer, "account_code", "ACORN")

    def invoke(content: str, *options: str, name: str = "calls.csv"):
        path = tmp_path / name
        data = content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return app.test_cli_runner().invoke(args=["usage", "import", str(path), *options])

    return invoke


def loaded() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(UsageRecord)) or 0


def test_a_dry_run_tells_and_changes_nothing(run):
    done = run(HEADINGS + ROWS, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "calls.csv: 3 rows. Nothing was changed." in done.output
    assert "Line 3: The duration is not a number of seconds." in done.output
    assert (loaded(), db.session.scalar(select(func.count()).select_from(UsageImport))) == (0, 0)


def test_a_file_is_loaded_also_packed_and_also_twice(run):
    done = run(HEADINGS + ROWS, "--timezone", "Europe/Madrid", name="calls.csv.gz")
    assert done.exit_code == 0, done.output
    assert "1 loaded" in done.output and "1 without a customer" in done.output
    moment = db.session.scalar(select(UsageRecord.started_at))
    assert moment.isoformat() == "2026-11-02T09:00:00+00:00"
    again = run(HEADINGS + ROWS, "--timezone", "Europe/Madrid")
    assert "2 there already" in again.output
    assert loaded() == 1


def test_a_date_and_a_time_in_two_columns(run):
    content = (
        "unique_id,account_code,number,Start Date,Start Time,billsec\n1,ACORN,4420,02.11.2026,10:30:00,60\n"
    )
    content += "2,ACORN,4420,23.11.2026,93000,60\n"
    done = run(content, "--timezone", "Europe/Madrid")
    assert done.exit_code == 0, done.output
    assert "2 loaded" in done.output
    moments = db.session.scalars(select(UsageRecord.started_at).order_by(UsageRecord.line))
    assert [f"{one:%d %H:%M}" for one in moments] == ["02 09:30", "23 08:30"]


def test_what_can_not_be_told_is_asked_and_what_is_wrong_refused(run):
    text = HEADINGS + ROWS.replace("2026-11-02", "02/11/2026")
    asked = run(text)
    assert (asked.exit_code, "Say --date-order" in asked.output) == (1, True)
    assert run(text, "--date-order", "dmy").exit_code == 0
    assert run(text, "--timezone", "Mars").exit_code == 2
    assert "is not of the format 'asterisk'" in run(HEADINGS + ROWS, "--format", "asterisk").output
    assert run(HEADINGS + ROWS, "--customer-by", "trunk").output.count("loaded") == 0
