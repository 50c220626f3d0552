"""A whole file of usage into the books: in chunks, each a transaction, two of them under way at a time.

While one chunk is merged into the books the next is copied, read and rated on another connection. A chunk is
there whole or not at all, so that a file whose load was broken off is completed by loading it again.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from decimal import Decimal
from typing import Any, Protocol

from psycopg import Connection, Cursor
from sqlalchemy import delete, text, update
from sqlalchemy.engine import Engine

from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Document, UsageFault, UsageImport
from dashboard.operations import usage_months
from dashboard.operations.base import Actor, fetch, require, session, unit_of_work
from dashboard.operations.errors import Refused
from dashboard.operations.job_attempts import Cancelled
from dashboard.operations.usage_chunks import (
    Chunk,
    Chunks,
    Source,
    merge_chunk,
    own_connection,
    prepare_chunk,
)
from dashboard.operations.usage_days import Opener, remove_empty
from dashboard.operations.usage_files import Reading, Stream, blocks
from dashboard.operations.usage_ledger import Counts
from dashboard.operations.usage_rating_sql import Rates

CHUNK_ROWS = 250_000
AT_ONCE = 2
NANO = 10**9
# After so many new calls the database's idea of the tables is out of date, and billing may begin at once.
MANY = 10_000


class Progress(Protocol):
    def reached(self, done: int) -> None: ...
    def note(self, text: str) -> None: ...


class Silent:
    """Progress that nobody follows."""

    def reached(self, done: int) -> None:
        return None

    def note(self, text: str) -> None:
        return None


def load_file(actor: Actor, usage_import_id: int, report: Progress) -> Counts:
    """Load a kept upload. Raises Refused where it can't be read any more."""
    require(actor, "usage.import")
    made = fetch(UsageImport, usage_import_id, "import")
    document = session().get(Document, made.document_id) if made.document_id else None
    if document is None:
        raise Refused("The file is no longer kept. Upload it again.")
    return load_stream(actor, made, store.open_stream(document), report)


def load_stream(actor: Actor, made: UsageImport, stream: Stream, report: Progress) -> Counts:
    """Load a file as its import says, in chunks of its option `chunk_rows`. What is loaded stays, whatever
    ends the work; the import says how much that is."""
    source = Source(made.id, Reading.from_json(made.options["reading"]), made.options.get("customer_by", ""))
    size = int(made.options.get("chunk_rows") or CHUNK_ROWS)
    _begin(actor, made.id)
    try:
        counts = _Load(db.engine, source, report).run(Chunks(blocks(stream, source.reading), size))
    except BaseException as ended:
        failed = isinstance(ended, Exception) and not isinstance(ended, Cancelled)
        _end(actor, made.id, "failed" if failed else "cancelled")
        raise
    if counts.loaded >= MANY:
        _count_anew(actor)
    _end(actor, made.id, "done")
    return counts


class _Load:
    """Two threads, a connection each, take chunks in turn. The caller's thread reports, and stops them."""

    def __init__(self, engine: Engine, source: Source, report: Progress) -> None:
        self.engine = engine
        self.source = source
        self.report = report
        self.counts = Counts()
        self.read = 0
        self.stop = threading.Event()
        self.state = threading.Lock()
        self.connections: list[Connection[Any]] = []

    def run(self, found: Chunks) -> Counts:
        start = time.monotonic_ns()
        with own_connection(self.engine) as connection, ThreadPoolExecutor(AT_ONCE, "usage") as pool:
            self.connections.append(connection)
            usage_months.finish(connection)
            usage_months.begin(connection)
            with connection.cursor() as cursor:
                remove_empty(cursor)
            connection.commit()
            try:
                self._follow({pool.submit(self._work, found) for _ in range(AT_ONCE)})
                usage_months.end(connection)
                self._follow({pool.submit(usage_months.finish, connection)})
            except BaseException:
                self._break_off()
                self.report.note(
                    f"Stopped after {self.counts.rows:,} rows, which stay. Load the file again for the rest."
                )
                raise
        took = Decimal(time.monotonic_ns() - start or 1) / NANO
        self.report.note(_said(self.counts, took))
        return self.counts

    def _follow(self, working: set[Future[None]]) -> None:
        while working:
            ended, working = wait(working, timeout=1 / 3, return_when=FIRST_COMPLETED)
            for one in ended:
                one.result()
            self.report.reached(self.read // 1024)

    def _break_off(self) -> None:
        self.stop.set()
        for connection in list(self.connections):
            try:
                connection.cancel()
            except Exception:  # noqa: S112 - it has ended by itself
                continue

    def _work(self, found: Chunks) -> None:
        try:
            with (
                own_connection(self.engine) as connection,
                own_connection(self.engine) as second,
                connection.cursor() as cursor,
            ):
                self.connections += [connection, second]
                opener = Opener(second)
                rates = Rates(cursor, lasting=True)
                connection.commit()
                while not self.stop.is_set():
                    chunk = prepare_chunk(cursor, self.source, found, rates)
                    if not chunk:
                        return
                    self._merge(connection, cursor, chunk, opener)
        except BaseException:
            self.stop.set()
            raise

    def _merge(self, connection: Connection[Any], cursor: Cursor[Any], chunk: Chunk, opener: Opener) -> None:
        counts = merge_chunk(cursor, self.source, chunk, opener)
        if self.stop.is_set():
            connection.rollback()
            return
        connection.commit()
        with self.state:
            self.counts.add(counts)
            self.read = max(self.read, chunk.read)


# The import's row

_ZERO = dict.fromkeys("rows loaded duplicates unmatched unrated bad late".split(), 0)


def _begin(actor: Actor, key: int) -> None:
    """A load begins at the first line, also where an earlier one was broken off: so do its counts."""
    with unit_of_work(actor) as current:
        current.execute(delete(UsageFault).where(UsageFault.usage_import_id == key))
        current.execute(
            update(UsageImport)
            .where(UsageImport.id == key)
            .values(state="running", first_call=None, last_call=None, **_ZERO)
        )


def _end(actor: Actor, key: int, state: str) -> None:
    session().rollback()
    with unit_of_work(actor) as current:
        current.execute(update(UsageImport).where(UsageImport.id == key).values(state=state))


def _count_anew(actor: Actor) -> None:
    session().rollback()
    with unit_of_work(actor) as current:
        current.execute(text("ANALYZE usage_record, usage_day"))


def finish_months() -> None:
    """Indexes for the months that a load which was broken off has left without."""
    with own_connection(db.engine) as connection:
        usage_months.finish(connection)


def _said(counts: Counts, took: Decimal) -> str:
    said = [f"{counts.rows:,} rows in {took:,.1f} s ({counts.rows / took:,.0f} a second)"]
    for number, words in (
        (counts.loaded, "loaded"),
        (counts.duplicates, "were there already"),
        (counts.unmatched, "wait for a rule that names their customer"),
        (counts.unrated, "have no rate"),
        (counts.late, "came after their day was invoiced"),
        (counts.bad, "could not be read"),
    ):
        if number:
            said.append(f"{number:,} {words}")
    return ": ".join([said[0], ", ".join(said[1:]) or "nothing to load"]) + "."
