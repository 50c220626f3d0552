"""Runs of a Schedule Report: the report made, kept and mailed; and the mail about invoices that were made.

Both are done in the transaction that ends the run, so that the mail goes out exactly when the run is done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from dashboard.documents.store import store
from dashboard.models import Invoice, ScheduleRun
from dashboard.operations import mails
from dashboard.operations.base import SYSTEM, session
from dashboard.operations.errors import Refused
from dashboard.operations.report_made import BreakoutReport
from dashboard.operations.schedule_hold import RunCancelled
from dashboard.rules.money import format_money
from dashboard.rules.periods import Period

# Kept for download from Reports > Runs.
KEY_PREFIX = "report-run-"
KEPT_FOR = dt.timedelta(days=400)
# What most servers take with a mail; a larger file is fetched from Reports > Runs.
BIGGEST_ATTACHED = 15_000_000
MOST_LISTED = 200


def produce(run: ScheduleRun) -> dict[str, Any]:
    """Make the report of the run's period, keep its file, file its mail."""
    schedule = run.schedule
    if schedule is None or run.period_start is None or run.period_end is None:
        raise Refused("The schedule of this run was deleted, so nothing can be made.")
    report = BreakoutReport.of(schedule, Period(run.period_start, run.period_end))
    # Each attempt has a key of its own: what another one began to write is not taken for a whole file.
    kept = store.put(
        f"{KEY_PREFIX}{run.id}-{run.attempts}", report.media_type, _heeding(run.id, report.chunks())
    )
    subject, body = report.mail_text()
    log = [_told(report)]
    files: list[mails.File] = []
    html = None
    if report.format == "html":
        html = report.html(body)
        body = f"{body.rstrip()}\n\n{report.plain()}\n"
    if report.format != "html" or report.file_format == "csv":
        if kept.size <= BIGGEST_ATTACHED:
            files.append(mails.File(report.file_name, report.media_type, document_id=kept.id))
        else:
            size = f"{kept.size // 1_000_000:,} MB"
            said = f"The file has {size}, too many for a mail: it is kept under Reports > Runs."
            body = f"{body.rstrip()}\n\n{said}\n"
            log.append(said)
    mail = mails.file(
        SYSTEM,
        mails.Draft(
            "report",
            schedule.emails,
            subject,
            body,
            html=html,
            schedule_run_id=run.id,
            once=f"report:{run.id}",
            attachments=files,
        ),
    )
    return {
        "count": report.count,
        "mails": [mail.id] if mail is not None else [],
        "filename": report.file_name,
        "document_id": kept.id,
        "log": log,
    }


def _heeding(run_id: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, until staff ask the run to stop; then nothing of them is kept."""
    asked = select(ScheduleRun.cancel_requested).where(ScheduleRun.id == run_id)
    for piece in chunks:
        yield piece
        if session().scalar(asked):
            raise RunCancelled


def _told(report: BreakoutReport) -> str:
    if not report.count:
        return f"{report.period}: there was no usage; the report says so."
    rows = "1 row" if report.count == 1 else f"{report.count:,} rows"
    return f"{report.period}: {rows} by {report.groups}."


def tell_of_invoices(run: ScheduleRun, made: dict[str, Any], faults: Sequence[str]) -> list[int]:
    """File the mail to the schedule's addresses that sums up which invoices a run made; its id, where there
    is somebody to tell. A run that is tried again tells once more, of what it made by then."""
    schedule = run.schedule
    if schedule is None or schedule.customer_id is not None or not schedule.emails:
        return []
    period = Period(run.period_start, run.period_end) if run.period_start and run.period_end else ""
    draft = mails.Draft(
        "report",
        schedule.emails,
        f"{schedule.name}: invoices for {period}",
        _summary(schedule.name, str(period), made, faults),
        schedule_run_id=run.id,
        once=f"invoices:{run.id}:{run.attempts}",
    )
    mail = mails.file(SYSTEM, draft)
    return [mail.id] if mail is not None else []


def _summary(name: str, period: str, made: dict[str, Any], faults: Sequence[str]) -> str:
    keys = [int(key) for key in made.get("invoices", ())]
    count = max(int(made.get("count") or 0), len(keys))
    if count:
        invoices = "1 invoice" if count == 1 else f"{count:,} invoices"
        parts = [f"{name} made {invoices} for {period}."]
    else:
        parts = [f"{name} made no invoice for {period}: there was nothing to bill that is not billed."]
    if keys:
        of_run = Invoice.id.in_(keys)
        sums = session().execute(
            select(Invoice.currency, func.count(Invoice.id), func.sum(Invoice.total))
            .where(of_run)
            .group_by(Invoice.currency)
            .order_by(Invoice.currency)
        )
        parts.append("\n".join(f"Total {code}: {_money(amount, code)} ({n:,})" for code, n, amount in sums))
        papers = session().scalars(
            select(Invoice).where(of_run).order_by(Invoice.customer_name, Invoice.id).limit(MOST_LISTED)
        )
        lines = [
            f"- {paper}, {paper.customer_name}: {_money(paper.total, paper.currency)}" for paper in papers
        ]
        if count > len(lines):
            lines.append(f"and {count - len(lines):,} more")
        parts.append("\n".join(lines))
    if faults:
        shown = [f"- {fault}" for fault in faults[:MOST_LISTED]]
        if len(faults) > MOST_LISTED:
            shown.append(f"and {len(faults) - MOST_LISTED:,} more, in the log of the run")
        parts.append("What could not be done:\n" + "\n".join(shown))
    return "\n\n".join(parts) + "\n"


def _money(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency, code=True)
