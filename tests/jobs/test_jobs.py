"""A job's life: started, claimed once, cancelled, retried, lost and taken up again."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import func, update

from dashboard import work_queue as queues
from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Job
from dashboard.operations import jobs
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import Forbidden, Missing, Refused
from dashboard.queries import jobs as queries
from jobs import reaper
from tests.support.books import at_once, fresh


@pytest.fixture
def queue(settings, queue_connection):
    return queues.work_queue(settings, queue_connection)


@pytest.fixture
def clerk(as_role):
    return as_role("clerk")


def begin(actor, **values) -> Job:
    given = {
        "kind": "invoice_pdfs",
        "title": "PDFs of 2 invoices",
        "params": {"ids": [1, 2], "as": "zip"},
        "total": 2,
    }
    return jobs.start(actor, **{**given, **values})


def age(job: Job, **columns: int) -> None:
    """Set times of the job so many seconds back."""
    values = {name: func.now() - dt.timedelta(seconds=seconds) for name, seconds in columns.items()}
    db.session.execute(update(Job).where(Job.id == job.id).values(**values))
    db.session.commit()


def test_a_job_is_filed_and_handed_to_the_queue(clerk, queue):
    job = begin(clerk)
    assert queue.job_ids == [f"job-{job.id}"]
    assert (job.state, job.created_by, job.created_by_name) == ("queued", clerk.id, clerk.name)
    assert fresh(job).enqueued_at is not None


def test_the_queue_holds_nothing_but_the_id_as_json(clerk, queue, queue_connection):
    job = begin(clerk)
    stored = queue.jobs[0]
    assert (stored.func_name, list(stored.args)) == ("jobs.runner.run", [job.id])
    assert not queue_connection.hget(stored.key, "data").startswith(b"\x80")


def test_nothing_is_handed_over_before_the_commit_nor_after_a_rollback(clerk, queue):
    with pytest.raises(RuntimeError), unit_of_work(clerk):
        begin(clerk)
        assert queue.job_ids == []
        raise RuntimeError
    assert queue.job_ids == []
    assert db.session.query(Job).count() == 0


def test_without_a_queue_the_job_stays_filed_and_is_handed_over_later(app, clerk, queue, settings):
    app.extensions["settings"] = dataclasses.replace(settings, redis_url="unix:///nowhere/valkey.sock")
    try:
        job = begin(clerk)
    finally:
        app.extensions["settings"] = settings
    assert (fresh(job).state, fresh(job).enqueued_at) == ("queued", None)
    reaper.take_up_lost_jobs()
    assert queue.job_ids == [f"job-{job.id}"]
    assert fresh(job).enqueued_at is not None


def test_a_job_that_the_queue_forgot_is_handed_over_again(clerk, queue, queue_connection):
    job = begin(clerk)
    queue_connection.flushdb()
    assert jobs.revive() == []  # it may still be about to begin
    age(job, enqueued_at=31)
    assert jobs.revive() == [job.id]
    assert queue.job_ids == [f"job-{job.id}"]


def test_a_job_that_waits_its_turn_is_not_queued_twice(clerk, queue):
    job = begin(clerk)
    age(job, enqueued_at=31)
    jobs.revive()
    assert queue.job_ids == [f"job-{job.id}"]


def test_only_one_of_many_workers_gets_a_job(app, clerk):
    job = begin(clerk)
    claims = at_once(app, [lambda: jobs.claim(job.id)] * 8)
    assert sum(claim is not None for claim in claims) == 1
    assert (fresh(job).state, fresh(job).attempts) == ("running", 1)


def test_a_job_whose_worker_is_alive_is_left_to_it(clerk):
    job = begin(clerk)
    jobs.claim(job.id)
    assert jobs.claim(job.id) is None
    assert jobs.revive() == []


def test_a_lost_job_is_queued_again_and_the_late_worker_learns_it(clerk, queue):
    job = begin(clerk)
    late = jobs.claim(job.id)
    queue.empty()
    age(job, heartbeat_at=21)
    assert jobs.revive() == [job.id]
    assert queue.job_ids == [f"job-{job.id}"]
    taken = jobs.claim(job.id)
    assert taken.attempt == 2
    assert not jobs.beat(late)
    with pytest.raises(jobs.Overtaken):
        jobs.progress(late, 1)
    with pytest.raises(jobs.Overtaken):
        jobs.finish(late, 2, [])
    jobs.finish(taken, 2, ["One was left out."])
    assert (fresh(job).state, fresh(job).done, fresh(job).notes) == ("done", 2, ["One was left out."])


def test_a_job_interrupted_three_times_is_given_up_in_words(clerk):
    job = begin(clerk)
    for _ in range(3):
        assert jobs.claim(job.id) is not None
        age(job, heartbeat_at=21)
        jobs.revive()
    assert fresh(job).state == "failed"
    assert "interrupted 3 times" in fresh(job).error
    assert jobs.claim(job.id) is None


def test_progress_shows_at_once_and_cancel_is_heard(clerk):
    job = begin(clerk)
    held = jobs.claim(job.id)
    jobs.progress(held, 1)
    assert queries.progress(fresh(job))["percent"] == 50
    jobs.request_cancel(clerk, job.id)
    assert queries.progress(fresh(job))["cancelling"]
    with pytest.raises(jobs.Cancelled):
        jobs.progress(held, 2)
    jobs.cancelled(held)
    assert (fresh(job).state, fresh(job).result_id) == ("cancelled", None)


def test_a_waiting_job_is_cancelled_at_once_and_never_begins(clerk):
    job = begin(clerk)
    jobs.request_cancel(clerk, job.id)
    assert fresh(job).state == "cancelled"
    assert jobs.claim(job.id) is None
    with pytest.raises(Refused, match="already ended"):
        jobs.request_cancel(clerk, job.id)


def test_a_cancelled_job_whose_worker_died_is_not_begun_again(clerk):
    job = begin(clerk)
    jobs.claim(job.id)
    jobs.request_cancel(clerk, job.id)
    age(job, heartbeat_at=21)
    assert jobs.revive() == []
    assert fresh(job).state == "cancelled"


def test_a_failed_job_can_be_tried_again_from_the_beginning(clerk, queue):
    job = begin(clerk)
    jobs.fail(jobs.claim(job.id), "The printer is on fire.", ["a note"])
    assert (fresh(job).state, fresh(job).error) == ("failed", "The printer is on fire.")
    queue.empty()
    jobs.retry(clerk, job.id)
    found = fresh(job)
    assert (found.state, found.error, found.notes, found.finished_at) == ("queued", None, [], None)
    assert [(entry["state"], entry["error"]) for entry in found.history] == [
        ("failed", "The printer is on fire."),
        ("retried", ""),
    ]
    assert queue.job_ids == [f"job-{job.id}"]
    with pytest.raises(Refused, match="failed or was cancelled"):
        jobs.retry(clerk, job.id)


def test_a_retry_has_all_its_attempts_again(clerk, queue):
    job = begin(clerk)
    for _ in range(2):
        for _ in range(3):
            assert jobs.claim(job.id) is not None
            age(job, heartbeat_at=21)
            jobs.revive()
        assert fresh(job).state == "failed"
        jobs.retry(clerk, job.id)
    found = fresh(job)
    assert (found.attempts, found.error) == (6, None)
    assert [entry["state"] for entry in found.history] == ["lost", "lost", "lost", "retried"] * 2
    assert "interrupted 3 times" in found.history[3]["error"]


def test_a_job_given_back_waits_for_another_and_that_does_not_count(clerk, queue):
    job = begin(clerk)
    for at in range(1, 6):
        held = jobs.claim(job.id, f"worker-{at}")
        jobs.give_back(held)
        found = fresh(job)
        assert (found.state, found.attempts, found.excused, found.enqueued_at) == ("queued", at, at, None)
        with pytest.raises(jobs.Overtaken):
            jobs.finish(held, 2, [])
    assert [(entry["worker"], entry["state"]) for entry in fresh(job).history] == [
        (f"worker-{at}", "stopped") for at in range(1, 6)
    ]
    assert jobs.revive() == [job.id]


def test_a_job_asked_to_stop_ends_when_its_worker_gives_it_back(clerk, queue):
    job = begin(clerk)
    held = jobs.claim(job.id)
    jobs.request_cancel(clerk, job.id)
    jobs.give_back(held)
    assert (fresh(job).state, fresh(job).history[-1]["state"]) == ("cancelled", "cancelled")


def test_a_worker_that_leaves_takes_no_job_with_it(clerk, queue):
    mine, others = begin(clerk), begin(clerk)
    jobs.claim(mine.id, "one")
    jobs.claim(others.id, "another")
    queue.empty()
    jobs.leave("one")
    assert (fresh(mine).state, fresh(others).state) == ("queued", "running")
    assert queue.job_ids == [f"job-{mine.id}"]


def test_an_owner_is_told_once_and_puts_it_away(clerk, as_role, queue):
    job, other = begin(clerk), begin(as_role("manager"))
    assert jobs.tell_endings(clerk, [job.id]) == []
    for one in (job, other):
        jobs.finish(jobs.claim(one.id), 2, [])
    assert [told.id for told in jobs.tell_endings(clerk, [job.id, other.id])] == [job.id]
    assert jobs.tell_endings(clerk, [job.id, other.id]) == []
    assert [one.id for one in queries.drawer_of(clerk.id)] == [job.id]
    assert jobs.dismiss(clerk, [job.id, other.id]) == 1
    assert queries.drawer_of(clerk.id) == []
    assert [one.id for one in queries.drawer_of(other.created_by)] == [other.id]


def test_a_job_is_its_owners_and_the_administrators(clerk, as_role):
    job = begin(clerk)
    for role in ("viewer", "manager"):
        for act in (jobs.own, jobs.request_cancel, jobs.retry, jobs.result_of):
            with pytest.raises(Missing):
                act(as_role(role), job.id)
    assert jobs.own(as_role("admin"), job.id).id == job.id
    assert jobs.request_cancel(as_role("admin"), job.id).state == "cancelled"
    with pytest.raises(Missing):
        jobs.own(clerk, 999_999)


def test_a_job_needs_the_right_to_have_jobs():
    nobody = jobs.Actor(id=1, name="Nobody", role="")
    with pytest.raises(Forbidden):
        begin(nobody)


def test_results_are_kept_for_a_week(clerk):
    job = begin(clerk)
    document = store.put(f"job-{job.id}-x", "application/zip", [b"zip"])
    jobs.finish(jobs.claim(job.id), 2, [], document.id, "Invoices.zip")
    db.session.expire_all()
    assert jobs.result_of(clerk, job.id)[1] == "Invoices.zip"
    reaper.remove_old_files()
    assert fresh(job).result_id == document.id
    with unit_of_work(SYSTEM) as current:
        current.execute(update(type(document)).values(created_at=func.now() - dt.timedelta(days=8)))
    reaper.remove_old_files()
    db.session.expire_all()
    assert (fresh(job).state, fresh(job).result_id) == ("done", None)
    with pytest.raises(Refused, match="no longer kept"):
        jobs.result_of(clerk, job.id)


def test_lists_show_ones_own_or_everybodys(clerk, as_role):
    job, other = begin(clerk), begin(as_role("manager"))
    seen = db.session.query(Job.id).filter(queries.visible_to(clerk.id, everybody=False)).all()
    assert [key for (key,) in seen] == [job.id]
    assert queries.visible_to(clerk.id, everybody=True) is None
    assert [live.id for live in queries.drawer_of(other.created_by)] == [other.id]
