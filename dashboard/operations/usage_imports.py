"""Import of usage: keep the upload, choose how it is read, start the job, throw the upload away."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any, BinaryIO

from sqlalchemy import select

from dashboard.documents.store import store
from dashboard.models import Document, Job, UsageImport
from dashboard.models.usage import RULE_KINDS
from dashboard.operations import jobs, usage_formats, usage_preview
from dashboard.operations.base import Actor, fetch, operation, require, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.usage_files import HEAD_BYTES, Guess, Reading, faults_of, scan, sniff
from dashboard.operations.usage_reading import ASK_ORDER
from dashboard.operations.usage_sniff import reread
from dashboard.queries import settings

KIND = "usage_import"
KEY_PREFIX = "usage-file-"
# Uploads are kept so long, so that a broken load can be finished and a wrong reading looked into.
KEPT_FOR = dt.timedelta(days=30)
MOST_BYTES = 1 << 30
# Progress is told in KiB: bytes of a large file do not fit into a job's counter.
UNIT = 1024
# By what the calls of one file may find their customer; "" is by every rule, in their order.
CUSTOMER_BY = {"": "Every rule, in their order", **RULE_KINDS}


@operation("usage.import")
def keep(actor: Actor, filename: str, stream: BinaryIO) -> UsageImport:
    """Keep an uploaded file. Raises Refused, in words, where it can't be usage or is too large."""
    name = _clean_name(filename)
    head = stream.read(HEAD_BYTES)
    guess = sniff(head, name, zone=settings.current().time_zone, saved=usage_formats.saved())
    digest = hashlib.sha256()
    key = f"{KEY_PREFIX}{uuid.uuid4().hex}"
    document = store.put(key, "text/csv", _measured(head, stream, digest))
    made = UsageImport(
        filename=name,
        format=guess.reading.format,
        source=guess.reading.source,
        document_id=document.id,
        bytes=document.size,
        created_by=actor.id,
        options={"reading": guess.reading.to_json(), "sha256": digest.hexdigest(), "chosen": False},
    )
    session().add(made)
    session().flush()
    return made


@operation("usage.import")
def choose(
    actor: Actor, key: int, reading: Reading, *, customer_by: str = "", save_as: str = ""
) -> UsageImport:
    """Settle how the file is read. The order of its dates is told from the whole file; where the file does
    not tell, `reading` must say it. With `save_as` the reading is kept for the next file like it."""
    made = _to_be_read(key)
    facts = scan(store.open_stream(_document(made)), replace(reading, date_order=_told(reading)))
    order = facts.date_order or reading.date_order
    if facts.date_order and reading.date_order and facts.date_order != reading.date_order:
        raise Invalid({"date_order": _contradicted(facts.date_order)})
    settled = replace(reading, date_order=order)
    problems = faults_of(replace(settled, date_order=order or "ymd"))
    if problems:
        raise Invalid({"": problems})
    if not order:
        raise Invalid({"date_order": facts.conflict or ASK_ORDER})
    if customer_by not in CUSTOMER_BY:
        raise Invalid({"customer_by": "Choose how a call finds its customer."})
    if save_as.strip():
        names = guess_of(made, settled).names
        settled = replace(settled, format=usage_formats.save(actor, save_as, settled, names).name)
    made.options = {
        **made.options,
        "reading": settled.to_json(),
        "customer_by": customer_by,
        "facts": {"rows": facts.rows, "bad": facts.bad, "conflict": facts.conflict},
        "chosen": True,
    }
    made.format, made.source = settled.format[:80], settled.source[:80]
    session().flush()
    return made


@operation("usage.import")
def start(actor: Actor, key: int) -> Job:
    """Load the file in the background. A file that was loaded before changes nothing when it is loaded again,
    and one of which half was loaded is completed."""
    made = fetch(UsageImport, key, "import", lock=True)
    if not made.options.get("chosen"):
        raise Refused("Choose how the file is read first.")
    if made.job is not None and made.job.state not in jobs.ENDED:
        raise Refused("This file is being loaded already.")
    document = _document(made)
    total = max(1, document.size // UNIT)
    job = jobs.start(actor, KIND, f"Usage from {made.filename}", {"usage_import_id": made.id}, total)
    made.job = job
    made.state = "running"
    session().flush()
    return job


@operation("usage.import")
def delete(actor: Actor, key: int) -> None:
    """Forget an upload that brought nothing into the books."""
    made = fetch(UsageImport, key, "import", lock=True)
    if made.job is not None and made.job.state not in jobs.ENDED:
        raise Refused("This file is being loaded. Cancel that first.")
    if made.loaded or made.unmatched:
        raise Refused("Calls of this file are in the books, so its import stays on record.")
    document = session().get(Document, made.document_id) if made.document_id else None
    session().delete(made)
    session().flush()
    if document is not None:
        session().delete(document)


def preview(actor: Actor, made: UsageImport) -> usage_preview.Tried:
    """What loading the first rows would come to. Nothing is written."""
    require(actor, "usage.import")
    by = made.options.get("customer_by", "")
    return usage_preview.first_rows(actor, [head_of(made)], reading_of(made), by)


def reading_of(made: UsageImport) -> Reading:
    """How the file is read, as far as that is chosen."""
    kept: Mapping[str, Any] = made.options.get("reading", {})
    return Reading(**{name: kept[name] for name in Reading.__dataclass_fields__ if name in kept})


def guess_of(made: UsageImport, chosen: Reading | None = None) -> Guess:
    """What the file is taken for; with `chosen`, its first rows as they are under that reading."""
    head = head_of(made)
    if chosen is None:
        return sniff(head, made.filename, zone=settings.current().time_zone, saved=usage_formats.saved())
    return reread(head, made.filename, chosen)


def head_of(made: UsageImport) -> bytes:
    head = b""
    for piece in store.open_stream(_document(made)):
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    return head[:HEAD_BYTES]


def twin_of(made: UsageImport) -> UsageImport | None:
    """Another import of the very same file, which was loaded."""
    return session().scalar(
        select(UsageImport)
        .where(UsageImport.options["sha256"].astext == made.options.get("sha256", ""))
        .where(UsageImport.id != made.id, UsageImport.rows > 0)
        .order_by(UsageImport.id)
        .limit(1)
    )


def has_file(made: UsageImport) -> bool:
    return made.document_id is not None


def ended(job: Job) -> None:
    """However the job ended, even with its worker: the import is no longer running."""
    made = session().get(UsageImport, int(job.params.get("usage_import_id", 0)), populate_existing=True)
    if made is not None and made.state == "running":
        made.state = job.state


def given_back(job: Job) -> None:
    """Its worker stops and another goes on: for the reader it is still under way."""
    made = session().get(UsageImport, int(job.params.get("usage_import_id", 0)), populate_existing=True)
    if made is not None:
        made.state = "running"


jobs.ENDINGS[KIND] = ended
jobs.RETURNS[KIND] = given_back


def _to_be_read(key: int) -> UsageImport:
    made = fetch(UsageImport, key, "import", lock=True)
    if made.job is not None and made.job.state not in jobs.ENDED:
        raise Refused("This file is being loaded; how it is read can't be changed now.")
    if made.loaded or made.unmatched:
        raise Refused(
            "Calls of this file are in the books, so how it is read stays as it was. Upload it again instead."
        )
    return made


def _document(made: UsageImport) -> Document:
    document = session().get(Document, made.document_id) if made.document_id else None
    if document is None:
        raise Refused(f"The file is no longer kept (uploads are, for {KEPT_FOR.days} days). Upload it again.")
    return document


def _told(reading: Reading) -> str:
    """What the scan may take for granted: an order that day and month have no part in."""
    return reading.date_order if reading.date_order in ("ymd", "epoch") else ""


def _contradicted(order: str) -> str:
    words = {
        "dmy": "with the day first",
        "mdy": "with the month first",
        "ymd": "with the year first",
        "epoch": "as seconds since 1970",
    }
    return f"The file itself shows that its dates are written {words[order]}."


def _measured(head: bytes, stream: BinaryIO, digest: Any) -> Iterator[bytes]:
    size, piece = 0, head
    while piece:
        size += len(piece)
        if size > MOST_BYTES:
            raise Refused(
                f"The file is larger than {MOST_BYTES >> 20:,} MB. Compress it with gzip, or split it and"
                " upload the parts."
            )
        digest.update(piece)
        yield piece
        piece = stream.read(1 << 20)


def _clean_name(filename: str) -> str:
    name = PurePath(filename.replace("\\", "/")).name
    shown = "".join(sign if sign.isprintable() else " " for sign in name).strip()
    return shown.encode("utf-8", "replace").decode()[:200] or "usage.csv"
