"""PDFs of many invoices: one ZIP with a file each, or one merged PDF."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dashboard.documents.bundles import BUNDLES, Bundle
from dashboard.documents.invoice_pdf import PdfFailed, load_for_print, render_many
from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Job
from dashboard.queries.settings import today
from jobs.report import Failed, Report, Result

log = logging.getLogger("jobs")

# Rendered together: about a second's work, so that a cancel is heard within that.
CHUNK = 50
_READ_BYTES = 1024 * 1024


def invoice_pdfs(job: Job, report: Report) -> Result:
    """`params`: {"ids": [...], "as": "zip" or "merged"}. What can't be printed is named in the notes.

    An attempt begins anew; what an earlier one rendered is found in the store, so that costs little. The
    file is kept whole at the end or not at all.
    """
    ids = [int(key) for key in job.params["ids"]]
    make = BUNDLES[job.params.get("as", "zip")]
    if make.most is not None and len(ids) > make.most:
        raise Failed(f"One PDF takes at most {make.most:,} invoices. Choose the ZIP, or fewer invoices.")
    name = f"Invoices-{today().isoformat()}-{job.id}{make.suffix}"
    with tempfile.TemporaryDirectory(prefix="invoices-") as folder:
        bundle = make(Path(folder))
        for start in range(0, len(ids), CHUNK):
            _add(bundle, ids[start : start + CHUNK], start, report)
        if not bundle.count:
            raise Failed("None of these invoices could be printed.")
        path = bundle.close()
        report.reached(len(ids))
        document = store.put(report.result_key(), make.media_type, _read(path))
    report.done = len(ids)
    return Result(document, name)


def _add(bundle: Bundle, ids: list[int], start: int, report: Report) -> None:
    invoices = load_for_print(ids)
    here = {invoice.id for invoice in invoices}
    for key in ids:
        if key not in here:
            report.note(f"The invoice with the internal number {key} no longer exists.")
    for at, (invoice, made) in enumerate(render_many(invoices), start=1):
        if isinstance(made, PdfFailed):
            log.warning("invoice %s could not be printed: %s", invoice.id, made.reason)
            report.note(f"{invoice} could not be printed and is missing.")
        else:
            bundle.add(made.filename, b"".join(made.stream()))
        report.reached(start + at)
    bundle.flush()
    # Nothing is changed here, and the next chunk reads anew.
    db.session.rollback()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            yield piece
