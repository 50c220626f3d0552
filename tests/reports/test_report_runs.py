"""What a run of a report leaves behind when it is cancelled, overtaken, tried again, or late."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Document, Mail, Schedule, ScheduleRun
from dashboard.operations import report_made, report_runs, schedule_runs, schedules
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import Invalid
from jobs import reaper
from tests.support.reports import (
    OCTOBER,
    due_now,
    mails_of,
    make_schedule,
    of_csv,
    put_usage,
    run_for,
)
from tests.support.runs import runs, tick, work

pytestmark = pytest.mark.usefixtures("app")


def waiting(schedule: Schedule) -> ScheduleRun:
    run = schedules.new_run(schedule, schedules.database_now(), OCTOBER)
    db.session.add(run)
    db.session.commit()
    return run


def test_a_report_cancelled_while_it_is_written_leaves_nothing(monkeypatch):
    put_usage()
    schedule = make_schedule()
    whole = report_made.BreakoutReport.chunks

    def cancelled_meanwhile(report):
        with db.engine.begin() as other:
            other.execute(text("UPDATE schedule_run SET cancel_requested = true"))
        return whole(report)

    monkeypatch.setattr(report_made.BreakoutReport, "chunks", cancelled_meanwhile)
    run = run_for(schedule)
    assert (run.state, run.error, run.made) == ("cancelled", None, {})
    assert db.session.query(Mail).count() == 0
    assert db.session.query(Document).filter(Document.key.startswith("report-run-")).count() == 0


def test_a_run_that_failed_is_made_when_it_is_tried_again(monkeypatch, manager):
    put_usage()
    schedule = make_schedule(format="pdf")
    monkeypatch.setattr(report_made, "MOST_PDF", 1)
    run = run_for(schedule)
    assert run.state == "failed"
    assert mails_of(run) == []
    monkeypatch.undo()
    schedule_runs.retry(manager, run.id)
    work()
    (run,) = runs(schedule)
    assert (run.state, run.error) == ("done", None)
    assert len(mails_of(run)) == 1


def test_a_run_says_what_it_has_to_say_once():
    put_usage()
    schedule = make_schedule()
    run = waiting(schedule)
    for _ in range(2):
        with unit_of_work(SYSTEM):
            made = report_runs.produce(db.session.get_one(ScheduleRun, run.id))
    assert made["mails"] == []
    assert len(mails_of(run)) == 1


def test_nothing_is_mailed_where_the_run_does_not_end():
    put_usage()
    run = waiting(make_schedule())
    with pytest.raises(RuntimeError), unit_of_work(SYSTEM):
        report_runs.produce(db.session.get_one(ScheduleRun, run.id))
        raise RuntimeError("the worker is gone")
    assert mails_of(run) == []


def test_a_schedule_that_was_away_reports_each_period_once_oldest_first():
    put_usage()
    schedule = make_schedule(frequency="daily", format="csv")
    since = schedules.database_now() - dt.timedelta(days=4)
    due_now(schedule)
    schedule.next_slot = schedules.rule_of(schedule).after(since)
    db.session.commit()
    for _ in range(3):
        tick()
        work()
    found = runs(schedule)
    assert len(found) == 4
    assert {run.state for run in found} == {"done"}
    days = [run.period_start for run in found]
    assert days == sorted(set(days))
    assert [len(mails_of(run)) for run in found] == [1] * 4


def test_a_paused_schedule_is_not_taken(manager):
    schedule = make_schedule(frequency="daily")
    due_now(schedule)
    schedules.pause(manager, schedule.id)
    tick()
    assert runs(schedule) == []


def test_a_file_too_big_for_a_mail_is_kept_and_the_mail_says_so(monkeypatch):
    put_usage()
    monkeypatch.setattr(report_runs, "BIGGEST_ATTACHED", 10)
    run = run_for(make_schedule())
    (mail,) = mails_of(run)
    assert mail.attachments == []
    assert "too many for a mail" in mail.body
    assert run.document_id is not None


def test_files_are_kept_for_their_time():
    put_usage()
    run = run_for(make_schedule())
    reaper.remove_old_files()
    assert db.session.get(Document, run.document_id, populate_existing=True) is not None
    db.session.execute(text("UPDATE document SET created_at = now() - interval '401 days'"))
    db.session.commit()
    reaper.remove_old_files()
    (after,) = runs()
    assert after.document_id is None
    assert after.made["filename"].endswith(".csv")


def test_a_customer_that_is_gone_is_not_taken_for_all_of_them():
    acorn, birch, _ = (one.id for one in put_usage())
    schedule = make_schedule(groups=["customer"], customer_ids=[birch])
    for table in ("usage_record", "usage_day"):
        db.session.execute(text(f"DELETE FROM {table} WHERE customer_id = :id"), {"id": birch})
    db.session.execute(text("DELETE FROM customer WHERE id = :id"), {"id": birch})
    db.session.commit()
    run = run_for(schedule)
    document = db.session.get_one(Document, run.document_id)
    assert len(of_csv(b"".join(store.open_stream(document)))) == 1
    with pytest.raises(Invalid, match="no longer exists"):
        schedules.update(SYSTEM, schedule.id, {"customer_ids": [acorn, birch]})
