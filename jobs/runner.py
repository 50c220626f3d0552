"""The entry point that the queue calls with a job's id, in a process of its own and in the app's context."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from dashboard.documents.pdf_renderer import PdfError
from dashboard.extensions import db
from dashboard.models import Job
from dashboard.operations import jobs
from dashboard.operations.errors import OperationError
from jobs import billing, mails, messages, pdfs, schedules, usage
from jobs.report import Failed, Report, Result, listen_for_stop, signs_of_life

if TYPE_CHECKING:
    Work = Callable[[Job, Report], Result]

log = logging.getLogger("jobs")

# Every kind of job, by the name in its row.
KINDS: dict[str, Work] = {
    "invoice_pdfs": pdfs.invoice_pdfs,
    "billing_preview": billing.preview,
    "billing_run": billing.run,
    "usage_import": usage.load,
    "usage_take_up": usage.take_up,
    "usage_rerate": usage.rerate,
    "usage_rebuild": usage.rebuild,
    "invoice_mails": mails.invoice_mails,
    "messages": messages.send,
    "schedule_run": schedules.one,
    "schedule_runs": schedules.many,
}

UNFORESEEN = (
    "Something went wrong that was not foreseen. Nothing was changed. Try it again; if it fails again, tell"
    " your administrator the number of this job."
)


def run(job_id: int) -> None:
    """Do the job, unless another worker has it. Whatever happens is written to its row."""
    held = jobs.claim(job_id, os.environ.get("RQ_WORKER_ID", ""))
    if held is None:
        return
    app = cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]
    report = Report(held)
    listen_for_stop(report)
    with signs_of_life(app, report):
        try:
            _work(held, report)
        except jobs.Overtaken:
            log.warning("job %s was taken over by another worker", job_id)


def _work(held: jobs.Claim, report: Report) -> None:
    try:
        job = db.session.get_one(Job, held.job_id, populate_existing=True)
        work = KINDS.get(job.kind)
        if work is None:
            raise Failed(f"This version of the program does not know jobs of the kind {job.kind!r}.")
        result = work(job, report)
        document_id = result.document.id if result.document else None
        jobs.finish(held, report.done, report.notes, document_id, result.name)
    except jobs.Overtaken:
        raise
    except jobs.Stopping:
        db.session.rollback()
        jobs.give_back(held)
    except jobs.Cancelled:
        db.session.rollback()
        jobs.cancelled(held, report.notes)
    except (Failed, PdfError, OperationError) as error:
        db.session.rollback()
        jobs.fail(held, str(error), report.notes)
    except Exception:
        log.exception("job %s failed", held.job_id)
        db.session.rollback()
        jobs.fail(held, UNFORESEEN, report.notes)
