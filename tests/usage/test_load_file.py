"""Files of usage through the whole load."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import UsageDay, UsageFault, UsageImport, UsageRecord, UsageUnmatched
from dashboard.operations import usage_load, usage_trial, usage_twins
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_files import Reading
from tests.support.books import make_customer
from tests.support.calls import make_card, make_rule

pytestmark = pytest.mark.usefixtures("app")

COLUMNS = {"unique_id": 0, "account_code": 1, "number": 2, "started_at": 3, "billsec": 4, "result": 5}


def reading(**more: Any) -> Reading:
    values = {"header": False, "width": 6, "columns": COLUMNS, "source": "switch", "date_order": "ymd"}
    return Reading(**{**values, **more})


def load(text: str, how: Reading | None = None, key: int | None = None, **more: Any) -> UsageImport:
    how = how or reading()
    if key is None:
        made = UsageImport(filename="example.csv", options={"reading": how.to_json(), **more})
        db.session.add(made)
        db.session.commit()
    else:
        made = db.session.get_one(UsageImport, key)
    usage_load.load_stream(SYSTEM, made, io.BytesIO(text.encode()), usage_load.Silent())
    db.session.expire_all()
    return made


def faults() -> list[tuple[int, str]]:
    rows = db.session.execute(select(UsageFault.line, UsageFault.reason).order_by(UsageFault.line))
    return [tuple(row) for row in rows]


def starts() -> list[str]:
    rows = db.session.scalars(select(UsageRecord.started_at).order_by(UsageRecord.line))
    return [moment.astimezone(dt.UTC).strftime("%m-%d %H:%M:%S") for moment in rows]


@pytest.fixture
def acorn():
    customer = make_customer("Acorn Example")
    make_card(rates={"44": "0.06"}, sold_to=customer)
    make_rule(customer, "account_code", "ACORN")
    return customer


def test_a_file_is_loaded_and_what_is_wrong_is_listed_by_line(acorn):
    made = load(
        "1,ACORN,+44 20 7946 0000,2026-11-02 10:00:00,60,ANSWERED\n"
        "2,acorn,00442079460001,2026-11-02T10:01:00Z,30.5,ANSWERED\n"
        "3,ACORN,442079460002,yesterday,60,ANSWERED\n"
        "4,ACORN,442079460002,2026-02-30 10:00:00,60,ANSWERED\n"
        "5,ACORN,442079460002,2026-11-02 10:00:00,sixty,ANSWERED\n"
        "6,ACORN,,2026-11-02 10:00:00,60,ANSWERED\n"
        "7,BIRCH,442079460002,2026-11-02 10:00:00,60,ANSWERED\n"
        "8,ACORN,442079460002,2026-11-02 10:00:00,0,NO ANSWER\n"
        "9,ACORN,442079460002,2036-11-02 10:00:00,60,ANSWERED\n"
        "10,ACORN,442079460002,1926-11-02 10:00:00,60,ANSWERED"
    )
    assert (made.state, made.rows, made.loaded, made.unmatched, made.bad) == ("done", 10, 3, 1, 6)
    assert faults() == [
        (3, "The start is not a date and time (year, month, day)."),
        (4, "The start is not a date and time (year, month, day)."),
        (5, "The duration is not a number of seconds."),
        (6, "There is no number that was called."),
        (9, "The start lies in the future."),
        (10, "The start lies before the year 2000."),
    ]
    rows = db.session.execute(
        select(UsageRecord.number, UsageRecord.result, UsageRecord.charge).order_by(UsageRecord.line)
    ).all()
    assert [tuple(row) for row in rows] == [
        ("442079460000", "answered", Decimal("0.06")),
        ("442079460001", "answered", Decimal("0.031")),
        ("442079460002", "no_answer", Decimal(0)),
    ]
    assert db.session.scalars(select(UsageUnmatched.account_code)).all() == ["BIRCH"]


def test_a_file_loaded_twice_changes_nothing(acorn):
    text = "".join(f"{n},ACORN,4420794600{n:02},2026-11-02 10:{n:02}:00,60,ANSWERED\n" for n in range(60))
    load(text + "x,BIRCH,44,2026-11-02 10:00:00,60,ANSWERED\n")
    before = db.session.execute(select(UsageDay.day, UsageDay.attempts, UsageDay.charge)).all()
    again = load(text + "x,BIRCH,44,2026-11-02 10:00:00,60,ANSWERED\n")
    assert (again.loaded, again.duplicates, again.unmatched) == (0, 61, 0)
    assert db.session.execute(select(UsageDay.day, UsageDay.attempts, UsageDay.charge)).all() == before
    assert db.session.scalar(select(func.count()).select_from(UsageRecord)) == 60


def test_a_load_broken_off_is_completed_by_the_same_import(acorn, monkeypatch):
    monkeypatch.setattr(usage_load, "CHUNK_ROWS", 5)
    text = "".join(f"{n},ACORN,4420794600{n:02},2026-11-02 10:{n:02}:00,60,ANSWERED\n" for n in range(20))
    first = load(text[: len(text) // 2].rsplit("\n", 1)[0] + "\n")
    assert 0 < first.loaded < 20
    whole = load(text, key=first.id)
    assert (whole.rows, whole.loaded, whole.duplicates) == (20, 20, 0)
    assert db.session.scalar(select(func.sum(UsageDay.attempts))) == 20


def test_without_ids_a_row_is_itself(acorn):
    how = reading(columns={key: at for key, at in COLUMNS.items() if key != "unique_id"})
    row = "1,ACORN,442079460000,2026-11-02 10:00:00,60,ANSWERED\n"
    made = load(row + row + row.replace("60,", "61,"), how)
    assert (made.loaded, made.duplicates) == (2, 1)


MADRID, NEW_YORK = "Europe/Madrid", "America/New_York"


@pytest.mark.parametrize(
    ("zone", "said", "expected", "refused"),
    [
        (MADRID, "2026-03-29 01:30:00|2026-03-29 02:30:00|2026-03-29 03:30:00", "00:30 01:30", [2]),
        (MADRID, "2026-10-25 01:30:00|2026-10-25 02:30:00|2026-10-25 03:30:00", "23:30 00:30 02:30", []),
        (NEW_YORK, "2026-03-08 01:59:59|2026-03-08 02:00:00|2026-03-08 03:00:00", "06:59 07:00", [2]),
        (NEW_YORK, "2025-11-02 00:59:59|2025-11-02 01:30:00|2025-11-02 02:00:00", "04:59 05:30 07:00", []),
        (NEW_YORK, "2025-11-02T01:30:00-05:00|2025-11-02T01:30:00-04:00", "06:30 05:30", []),
    ],
)
def test_clock_changes(acorn, zone, said, expected, refused):
    rows = "".join(
        f"{n},ACORN,4420,{start},60,ANSWERED\n" for n, start in enumerate(said.split("|"), start=1)
    )
    load(rows, reading(time_zone=zone))
    assert [start[6:11] for start in starts()] == expected.split()
    assert [line for line, _ in faults()] == refused


@pytest.mark.parametrize(
    ("order", "said", "expected"),
    [
        ("ymd", "2026-11-02 10:00:00", "11-02 10:00:00"),
        ("ymd", "2026/11/02 10:00", "11-02 10:00:00"),
        ("ymd", "20261102100000", "11-02 10:00:00"),
        ("ymd", "20261102 100000", "11-02 10:00:00"),
        ("dmy", "02/11/2026 10:00:00", "11-02 10:00:00"),
        ("dmy", "2.11.2026 10:00:00.250", "11-02 10:00:00"),
        ("mdy", "11/02/2026 10:00:00 AM", "11-02 10:00:00"),
        ("mdy", "11/02/26 10:00:00", "11-02 10:00:00"),
        ("epoch", "1793613600", "11-02 10:00:00"),
        ("epoch", "1793613600000", "11-02 10:00:00"),
        ("epoch", "1793613600000000", "11-02 10:00:00"),
    ],
)
def test_dates_of_every_order(acorn, order, said, expected):
    good = f"1,ACORN,4420,{said},60,ANSWERED\n"
    load(good, reading(date_order=order))
    assert starts() == [expected]
    # The same with care, because the next row is no date.
    load(good.replace("1,", "3,", 1) + "2,ACORN,4420,never,60,ANSWERED\n", reading(date_order=order))
    assert starts() == [expected, expected]


@pytest.mark.parametrize(
    ("order", "day", "time", "expected"),
    [
        ("ymd", "2026-11-02", "10:00:00", "11-02 09:00:00"),
        ("ymd", "20261102", "100000", "11-02 09:00:00"),
        ("ymd", "20261102", "93000", "11-02 08:30:00"),
        ("ymd", "2026-11-02 00:00:00", "10:00", "11-02 09:00:00"),
        ("dmy", "02/11/2026", "10:00:30 PM", "11-02 21:00:30"),
        ("mdy", "11/02/2026", " 10:00:00.5", "11-02 09:00:00"),
    ],
)
def test_a_start_in_two_columns(acorn, order, day, time, expected):
    columns = {**COLUMNS, "billsec": 5, "start_time": 4}
    del columns["result"]
    how = reading(date_order=order, columns=columns, time_zone="Europe/Madrid")
    row = f"1,ACORN,4420,{day},{time},60\n"
    load(row, how)
    assert starts() == [expected]
    # With care, as other rows are wrong: half a start is none.
    wrong = f"7,ACORN,4420,{day},,60\n8,ACORN,4420,,{time},60\n9,ACORN,4420,{day},noon,60\n"
    load(row.replace("1,", "2,", 1) + wrong, how)
    assert starts() == [expected, expected]
    missing = "There is no start of the call."
    assert [(line, reason.partition(" (")[0]) for line, reason in faults()] == [
        (2, missing),
        (3, missing),
        (4, "The start is not a date and time"),
    ]


@pytest.mark.parametrize("chunk_rows", [100, 1])
@pytest.mark.parametrize("account", ["ACORN", "NOBODY"])
def test_the_same_id_with_other_contents_is_listed(acorn, chunk_rows, account):
    first = (
        f"1,{account},4420,2026-11-02 10:00:00,60,ANSWERED\n2,ACORN,4420,2026-11-02 11:00:00,60,ANSWERED\n"
    )
    load(first)
    made = load(
        first
        + f"1,{account},4420,2026-11-02 10:00:01,60,ANSWERED\n"
        + f"1,{account},4421,2026-11-02 10:00:00,60,ANSWERED\n"
        + f"1,{account},4420,2026-11-02 10:00:00,61,ANSWERED\n"
        + "5,ACORN,4420,2026-11-02 12:00:00,60,ANSWERED\n"
        # Once more with other contents within the file, and a true duplicate.
        + "5,ACORN,4420,2026-11-02 12:00:00,90,ANSWERED\n"
        + "5,ACORN,4420,2026-11-02 12:00:00,60,ANSWERED\n",
        chunk_rows=chunk_rows,
    )
    assert (made.rows, made.bad, made.loaded + made.duplicates, made.unmatched) == (8, 4, 4, 0)
    assert {line for line, _ in faults()} == {3, 4, 5, 7}
    assert {reason for _, reason in faults()} == {usage_twins.REASON}
    assert f"1,{account},4421" in (
        db.session.scalar(select(UsageFault.text).where(UsageFault.line == 4)) or ""
    )
    assert len(starts()) == (3 if account == "ACORN" else 2)


def test_clocks_put_forward_and_back_in_starts_of_digits(acorn):
    """The time that never was is refused, the one that came twice is the first, however they are written."""
    digits = ("20260329023000", "20261025023000", "20261102100000.25", "20261302100000")
    load(
        "".join(f"{n},ACORN,4420,{start},60,ANSWERED\n" for n, start in enumerate(digits, start=1)),
        reading(time_zone="Europe/Madrid"),
    )
    assert starts() == ["10-25 00:30:00", "11-02 09:00:00"]
    assert [line for line, _ in faults()] == [1, 4]
    two = reading(
        width=7,
        columns={**COLUMNS, "start_time": 4, "billsec": 5, "result": 6},
        time_zone="Europe/Madrid",
    )
    load("7,ACORN,4420,20260329,023000,60,ANSWERED\n8,ACORN,4420,20261025,023000,60,ANSWERED\n", two)
    assert sorted(starts()) == ["10-25 00:30:00", "10-25 00:30:00", "11-02 09:00:00"]


@pytest.mark.parametrize(
    ("word", "seconds", "expected"),
    [
        ("ANSWERED", 5, "answered"),
        ("NO ANSWER", 5, "no_answer"),
        ("BUSY", 0, "busy"),
        ("CONGESTION", 0, "failed"),
        ("NORMAL_CLEARING", 5, "answered"),
        ("NORMAL_CLEARING", 0, "no_answer"),
        ("ALLOTTED_TIMEOUT", 5, "answered"),
        ("USER_BUSY", 0, "busy"),
        ("ORIGINATOR_CANCEL", 0, "cancelled"),
        ("UNALLOCATED_NUMBER", 0, "failed"),
        ("", 5, "answered"),
        ("", 0, "no_answer"),
    ],
)
def test_words_of_switches(acorn, word, seconds, expected):
    load(f"1,ACORN,4420,2026-11-02 10:00:00,{seconds},{word}\n")
    (call,) = db.session.scalars(select(UsageRecord)).all()
    assert (call.result, call.duration) == (expected, seconds if expected == "answered" else 0)


def test_trying_out_changes_nothing(acorn):
    text = "1,ACORN,442079460000,2026-11-02 10:00:00,60,ANSWERED\n2,ACORN,44,never,60,ANSWERED\n"
    counts, calls, wrong = usage_trial.try_out(SYSTEM, reading(), io.BytesIO(text.encode()))
    assert (counts.rows, counts.loaded, counts.bad) == (2, 1, 1)
    assert [(call["number"], call["charge"]) for call in calls] == [("442079460000", Decimal("0.06"))]
    assert [fault.line for fault in wrong] == [2]
    assert db.session.scalar(select(func.count()).select_from(UsageRecord)) == 0
    assert db.session.scalar(select(func.count()).select_from(UsageDay)) == 0
