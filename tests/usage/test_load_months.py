"""A month that a load made has its indexes once the load has ended, however it ended."""

from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy import text

from dashboard.extensions import db
from dashboard.models import UsageImport
from dashboard.operations import jobs, usage_load, usage_months
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_chunks import own_connection
from tests.support.books import make_customer
from tests.support.calls import load as load_few
from tests.support.calls import make_rule
from tests.usage.test_load_file import COLUMNS, Reading

pytestmark = pytest.mark.usefixtures("app")
KINDS = ["day", "number", "rating", "result", "start"]


@pytest.fixture(autouse=True)
def no_months(app):
    """Tests share a database, and a month that is there stays."""
    for (part,) in db.session.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_record'::regclass")
    ):
        db.session.execute(text(f"DROP TABLE {part}"))
    db.session.commit()
    make_rule(make_customer(), "account_code", "c1")


def indexes(month: str) -> list[str]:
    db.session.rollback()
    found = db.session.scalars(
        text("SELECT indexname FROM pg_indexes WHERE tablename = :part AND indexname LIKE '%\\_read\\_%'"),
        {"part": f"usage_record_{month}"},
    )
    return sorted(name.rsplit("_", 1)[1] for name in found)


def load(report: Any = None, rows: int = 1) -> None:
    reading = Reading(header=False, width=6, columns=COLUMNS, source="switch")
    made = UsageImport(filename="calls.csv", options={"reading": reading.to_json(), "chunk_rows": 10})
    db.session.add(made)
    db.session.commit()
    lines = (f"{n},c1,4420,2026-{9 + n % 2:02}-30 12:00:00,60,ANSWERED\n" for n in range(rows))
    data = io.BytesIO("".join(lines).encode())
    usage_load.load_stream(SYSTEM, made, data, report or usage_load.Silent())


def test_a_load_makes_the_indexes_of_its_months_at_its_end():
    load(rows=30)
    assert indexes("2026_09") == indexes("2026_10") == KINDS


def test_a_few_calls_make_a_whole_month():
    load_few(None, [("2026-05-05 10:00", "4420", 60)])
    assert indexes("2026_05") == KINDS


def test_what_a_cancelled_load_left_is_made_by_the_tick_or_the_next_load():
    class Cancels(usage_load.Silent):
        def reached(self, done: int) -> None:
            raise jobs.Cancelled

    for finish in (usage_load.finish_months, load):
        db.session.execute(text("SELECT ensure_usage_month('2026-07-01', false)"))
        db.session.commit()
        with pytest.raises(jobs.Cancelled):
            load(Cancels())
        db.session.execute(text("DROP TABLE usage_record_2026_07"))
        db.session.execute(text("SELECT ensure_usage_month('2026-07-01', false)"))
        db.session.commit()
        assert indexes("2026_07") == []
        finish()
        assert indexes("2026_07") == KINDS


def test_nobody_makes_them_while_a_load_is_under_way():
    db.session.execute(text("SELECT ensure_usage_month('2026-07-01', false)"))
    db.session.commit()
    with own_connection(db.engine) as other:
        usage_months.begin(other)
        usage_load.finish_months()
        load()
        assert indexes("2026_07") == indexes("2026_09") == []
        usage_months.end(other)
        usage_months.finish(other)
    assert indexes("2026_07") == indexes("2026_09") == KINDS
