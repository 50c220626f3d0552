"""Bulk PDFs through a real worker: a ZIP, one merged PDF, a cancel, and a worker killed in the middle."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import func, insert, select, update

from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Document, Invoice, InvoiceItem, Job
from dashboard.operations import jobs
from jobs import reaper, runner
from tests.support.books import fresh, line, make_customer, make_draft, make_issued
from tests.support.pdf import pages
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def clerk(as_role):
    return as_role("clerk")


def start(actor, ids, shape="zip") -> Job:
    params = {"ids": list(ids), "as": shape}
    return jobs.start(
        actor, "invoice_pdfs", f"PDFs of {len(params['ids'])} invoices", params, len(params["ids"])
    )


def many(count: int, lines: int = 1) -> list[int]:
    """Drafts in numbers: one is made by the operations, the others are its copies."""
    first = make_draft(make_customer(), *(line(description=f"Line {at}") for at in range(lines)))
    paper = row(Invoice.__table__, Invoice.id == first.id, "id", "balance")
    copies = insert(Invoice.__table__).returning(Invoice.id)
    ids = list(db.session.scalars(copies, [paper] * (count - 1)))
    items = [
        row(InvoiceItem.__table__, InvoiceItem.id == item.id, "id", "invoice_id") for item in first.items
    ]
    db.session.execute(
        insert(InvoiceItem.__table__), [{**item, "invoice_id": key} for key in ids for item in items]
    )
    db.session.commit()
    return [first.id, *ids]


def row(table: Any, which: Any, *without: str) -> dict[str, Any]:
    columns = [column for column in table.columns if column.name not in without]
    return dict(db.session.execute(select(*columns).where(which)).mappings().one())


def work(job: Job) -> None:
    """What a worker does, here and now, in a session of its own."""
    key = job.id
    with current_app.app_context():
        runner.run(key)
        db.session.remove()


def ended(job: Job) -> Job | None:
    found = fresh(job)
    return found if found.state in jobs.ENDED else None


def result(actor, job: Job) -> bytes:
    document, _ = jobs.result_of(actor, job.id)
    return b"".join(store.open_stream(document))


def test_a_zip_has_a_file_for_each_invoice(clerk, worker_process):
    customer = make_customer()
    papers = [make_issued(customer, str(100 + at)) for at in range(3)]
    draft = make_draft(customer)
    job = start(clerk, [*(paper.id for paper in papers), draft.id])
    found = wait_until(lambda: ended(job), 30, "the job ends")
    assert (found.state, found.done, found.notes, found.error) == ("done", 4, [], None)
    assert found.result_name == f"Invoices-{found.result_name[9:19]}-{job.id}.zip"
    with zipfile.ZipFile(io.BytesIO(result(clerk, job))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{paper.number}.pdf" for paper in papers] + [f"Draft-{draft.id}.pdf"]
        assert "$102.00 USD" in pages(archive.read(f"{papers[2].number}.pdf"))[0]


def test_a_merged_pdf_has_all_in_the_order_asked_for(clerk, worker_process):
    customer = make_customer()
    ids = [make_draft(customer, line(description=f"Line of {at}")).id for at in range(4)][::-1]
    job = start(clerk, ids, "merged")
    found = wait_until(lambda: ended(job), 30, "the job ends")
    assert found.state == "done", found.error
    printed = pages(result(clerk, job))
    assert [f"Line of {at}" in page for at, page in zip((3, 2, 1, 0), printed, strict=True)] == [True] * 4


def test_what_is_gone_is_named_and_the_rest_is_there(clerk):
    paper, gone = make_issued(make_customer()), 999_999
    job = start(clerk, [gone, paper.id])
    work(job)
    found = fresh(job)
    assert found.state == "done"
    assert found.notes == [f"The invoice with the internal number {gone} no longer exists."]


def test_a_job_of_which_nothing_is_left_fails_in_words(clerk):
    job = start(clerk, [999_999])
    work(job)
    assert (fresh(job).state, fresh(job).error) == ("failed", "None of these invoices could be printed.")


def test_one_pdf_of_too_many_invoices_is_refused_in_words(clerk):
    job = start(clerk, range(1, 3002), "merged")
    work(job)
    assert fresh(job).error == "One PDF takes at most 3,000 invoices. Choose the ZIP, or fewer invoices."


def test_without_the_renderer_the_job_fails_and_says_why(clerk, monkeypatch, tmp_path):
    job = start(clerk, [make_issued(make_customer()).id])
    monkeypatch.setenv("PATH", str(tmp_path))
    work(job)
    assert fresh(job).state == "failed"
    assert "not installed" in fresh(job).error


def test_an_unforeseen_fault_is_told_without_its_innards(clerk, caplog):
    job = start(clerk, ["not a number"])
    work(job)
    assert (fresh(job).state, fresh(job).error) == ("failed", runner.UNFORESEEN)
    assert "invalid literal" in caplog.text


def test_an_unknown_kind_fails_in_words(clerk):
    job = jobs.start(clerk, "of_the_future", "Something new", {})
    work(job)
    assert "does not know" in fresh(job).error


def test_a_running_job_hears_the_cancel_within_seconds(clerk, worker_process):
    job = start(clerk, many(600, 20))
    wait_until(lambda: fresh(job).done > 0, 30, "the job is under way")
    jobs.request_cancel(clerk, job.id)
    found = wait_until(lambda: ended(job), 8, "the job stops")
    assert (found.state, found.result_id) == ("cancelled", None)
    assert 0 < found.done < 600


def test_a_job_whose_worker_is_killed_is_finished_whole_by_another(clerk, start_worker):
    ids = many(400, 5)
    first = start_worker()
    job = start(clerk, ids)
    wait_until(lambda: fresh(job).done >= 50, 40, "the first worker is in the middle")
    first.kill()
    reached = fresh(job)
    assert reached.state == "running"
    assert reached.result_id is None

    # Its signs of life have stopped; the clock is set on instead of waiting.
    db.session.execute(update(Job).values(heartbeat_at=func.now() - jobs.STALE * 2))
    db.session.commit()
    start_worker()
    reaper.take_up_lost_jobs()
    found = wait_until(lambda: ended(job), 60, "another worker finishes")
    assert (found.state, found.attempts, found.done, found.notes) == ("done", 2, 400, [])
    with zipfile.ZipFile(io.BytesIO(result(clerk, job))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"Draft-{key}.pdf" for key in ids]
        assert all(archive.read(name).endswith(b"%%EOF\n") for name in archive.namelist())


def test_an_attempt_finds_what_the_one_before_it_rendered(clerk):
    ids = many(60)
    job = start(clerk, ids)
    work(job)
    rendered = set(db.session.scalars(select(Document.id).where(Document.key.startswith("invoice-pdf-"))))
    again = start(clerk, ids)
    work(again)
    assert (
        set(db.session.scalars(select(Document.id).where(Document.key.startswith("invoice-pdf-"))))
        == rendered
    )
    assert len(rendered) == 60
