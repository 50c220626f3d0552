"""A whole file of usage into the books: in chunks, each a transaction, two of them under way at a time.

While one chunk is merged into the books the next is copied, read and rated on another connection. A chunk is
there whole or not at all, so that a file whose load was broken off is completed by loading it again.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
from psycopg import Connection, Cursor, errors
from sqlalchemy import delete, text, update
from sqlalchemy.engine import Engine

from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Document, UsageFault, UsageImport
from dashboard.operations import usage_calls
from dashboard.operations.base import Actor, fetch, operation, require, session, unit_of_work
from dashboard.operations.errors import Refused
from dashboard.operations.usage_days import DaysChanged, Opener, remove_empty
from dashboard.operations.usage_files import Block, Fault, Reading, Stream, blocks
from dashboard.operations.usage_ledger import Counts, merge, prepare
from dashboard.operations.usage_rating_sql import Rates
from dashboard.operations.usage_typing import Typing

CHUNK_ROWS = 250_000
AT_ONCE = 2
# A switch's clock may be wrong by hours, not by days.
FUTURE = dt.timedelta(days=2)
MOST_FAULTS = 100_000
TRIES = 4
# After so many new calls the database's idea of the tables is out of date, and billing may begin at once.
MANY = 10_000
_OPTIONS = {
    "timezone": "UTC",
    "lock_timeout": "0",
    "temp_buffers": "64MB",
    "work_mem": "64MB",
    "synchronous_commit": "off",
}

FAULTS = """
INSERT INTO usage_fault (usage_import_id, line, reason, text)
SELECT %(key)s, c.line, c.reason, left(concat_ws(',', {columns}), 2000)
FROM usage_call AS c JOIN usage_stage AS s ON s.line = c.line WHERE c.reason IS NOT NULL
"""
COUNTED = """
UPDATE usage_import SET rows = rows + %(rows)s, loaded = loaded + %(loaded)s, bad = bad + %(bad)s,
    duplicates = duplicates + %(duplicates)s, unmatched = unmatched + %(unmatched)s,
    unrated = unrated + %(unrated)s, late = late + %(late)s,
    first_call = least(first_call, %(first)s), last_call = greatest(last_call, %(last)s)
WHERE id = %(key)s
"""


class Progress(Protocol):
    def reached(self, done: int) -> None: ...
    def note(self, text: str) -> None: ...


class Silent:
    """Progress that nobody follows."""

    def reached(self, done: int) -> None:
        return None

    def note(self, text: str) -> None:
        return None


@dataclass
class Chunk:
    data: list[bytes] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rows: int = 0
    read: int = 0


@dataclass(frozen=True)
class Source:
    """What is loaded, and as what."""

    usage_import_id: int
    reading: Reading
    customer_by: str = ""

    @property
    def typing(self) -> Typing:
        return Typing(self.reading, dt.datetime.now(dt.UTC) + FUTURE)


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
        counts = _Load(db.engine, source, report).run(chunks(blocks(stream, source.reading), size))
    except BaseException as ended:
        _end(actor, made.id, "failed" if isinstance(ended, Exception) and not _asked(ended) else "cancelled")
        raise
    if counts.loaded >= MANY:
        _count_anew(actor)
    _end(actor, made.id, "done")
    return counts


@operation("usage.import")
def try_out(
    actor: Actor, reading: Reading, stream: Stream, *, customer_by: str = "", shown: int = 20
) -> tuple[Counts, list[dict[str, Any]], list[Fault]]:
    """What loading would do: the counts, the first calls as they would be in the books, the first faults.
    Everything is undone."""
    counts = Counts()
    calls: list[dict[str, Any]] = []
    faults: list[Fault] = []
    with own_connection(db.engine) as connection, connection.cursor() as cursor:
        rates = Rates(cursor)
        source = Source(0, reading, customer_by)
        for chunk in chunks(blocks(stream, reading), CHUNK_ROWS):
            _prepare(cursor, source, chunk, rates)
            calls += _first_calls(cursor, shown - len(calls))
            faults += [*chunk.faults, *_first_faults(cursor, reading)][: shown - len(faults)]
            found = merge(cursor, None)
            found.rows = chunk.rows + len(chunk.faults)
            found.bad = _bad(cursor) + len(chunk.faults)
            counts.add(found)
    return counts, calls, faults


def chunks(found: Iterable[Block], size: int) -> Iterator[Chunk]:
    """Blocks put together until they have so many rows."""
    chunk = Chunk()
    for block in found:
        if block.data:
            chunk.data.append(block.data)
        chunk.faults += block.faults
        chunk.rows += block.rows
        chunk.read = max(chunk.read, block.read)
        if chunk.rows >= size or len(chunk.faults) >= size:
            yield chunk
            chunk = Chunk(read=chunk.read)
    if chunk.rows or chunk.faults:
        yield chunk


class _Load:
    """Two threads, a connection each, take chunks in turn. The caller's thread reports, and stops them."""

    def __init__(self, engine: Engine, source: Source, report: Progress) -> None:
        self.engine = engine
        self.source = source
        self.report = report
        self.counts = Counts()
        self.read = 0
        self.stop = threading.Event()
        self.turn = threading.Lock()
        self.state = threading.Lock()
        self.connections: list[Connection[Any]] = []

    def run(self, found: Iterator[Chunk]) -> Counts:
        start = time.monotonic()
        with own_connection(self.engine) as connection, connection.cursor() as cursor:
            remove_empty(cursor)
            connection.commit()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="usage") as pool:
            working: set[Future[None]] = {pool.submit(self._work, found) for _ in range(AT_ONCE)}
            try:
                while working:
                    ended, working = wait(working, timeout=0.3, return_when=FIRST_COMPLETED)
                    for one in ended:
                        one.result()
                    self.report.reached(self.read // 1024)
            except BaseException:
                self._break_off()
                raise
        took = max(time.monotonic() - start, 0.001)
        self.report.note(_said(self.counts, took))
        return self.counts

    def _break_off(self) -> None:
        self.stop.set()
        for connection in list(self.connections):
            try:
                connection.cancel()
            except Exception:  # noqa: S112 - it has ended by itself
                continue

    def _work(self, found: Iterator[Chunk]) -> None:
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
                    with self.turn:
                        chunk = next(found, None)
                    if chunk is None:
                        return
                    self._load(connection, cursor, rates, chunk, opener)
        except BaseException:
            self.stop.set()
            raise

    def _load(
        self, connection: Connection[Any], cursor: Cursor[Any], rates: Rates, chunk: Chunk, opener: Opener
    ) -> None:
        _prepare(cursor, self.source, chunk, rates)
        counts = _merged(cursor, self.source, chunk, opener)
        if self.stop.is_set():
            connection.rollback()
            return
        connection.commit()
        with self.state:
            self.counts.add(counts)
            self.read = max(self.read, chunk.read)


@contextmanager
def own_connection(engine: Engine) -> Iterator[Connection[Any]]:
    """A connection outside the pool: its temporary tables and settings end with it."""
    _, values = engine.dialect.create_connect_args(engine.url)
    options = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
    with psycopg.connect(**values, options=options) as connection:
        try:
            yield connection
        finally:
            connection.rollback()


def _prepare(cursor: Cursor[Any], source: Source, chunk: Chunk, rates: Rates) -> None:
    typing = source.typing
    typing.stage(cursor)
    with cursor.copy(typing.copy()) as copy:
        for data in chunk.data:
            copy.write(data)
    usage_calls.make_table(cursor)
    typing.fill(cursor)
    prepare(cursor, rates, source.customer_by)


def _merged(cursor: Cursor[Any], source: Source, chunk: Chunk, opener: Opener | None) -> Counts:
    """Merge and count. Where somebody else stands across our way, this chunk is merged again, alone."""
    for attempt in range(TRIES):
        cursor.execute("SAVEPOINT merging")
        try:
            counts = merge(cursor, source.usage_import_id, None if attempt else opener)
            break
        except (errors.DeadlockDetected, errors.UniqueViolation, DaysChanged):
            if attempt == TRIES - 1:
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT merging")
    counts.rows = chunk.rows + len(chunk.faults)
    counts.bad = _write_faults(cursor, source, chunk)
    span = cursor.execute("SELECT min(started_at), max(started_at) FROM usage_call WHERE reason IS NULL")
    first, last = span.fetchone() or (None, None)
    cursor.execute(COUNTED, {**vars(counts), "key": source.usage_import_id, "first": first, "last": last})
    return counts


def _write_faults(cursor: Cursor[Any], source: Source, chunk: Chunk) -> int:
    bad = _bad(cursor)
    key = source.usage_import_id
    listed = cursor.execute("SELECT count(*) FROM usage_fault WHERE usage_import_id = %s", [key]).fetchone()
    if listed and listed[0] < MOST_FAULTS:
        if bad:
            columns = ", ".join(f"coalesce(s.c{at}, '')" for at in range(source.reading.width))
            cursor.execute(FAULTS.format(columns=columns), {"key": key})
        cursor.executemany(
            "INSERT INTO usage_fault (usage_import_id, line, reason, text) VALUES (%s, %s, %s, %s)",
            [(key, fault.line, fault.reason[:200], fault.text[:2000]) for fault in chunk.faults],
        )
    return bad + len(chunk.faults)


def _bad(cursor: Cursor[Any]) -> int:
    row = cursor.execute("SELECT count(*) FROM usage_call WHERE reason IS NOT NULL").fetchone()
    return int(row[0]) if row else 0


def _first_calls(cursor: Cursor[Any], most: int) -> list[dict[str, Any]]:
    names = (
        "line started_at customer_id source number destination result duration billed_duration charge rating"
        " provider_id cost account_code trunk"
    ).split()
    rows = cursor.execute(f"SELECT {', '.join(names)} FROM usage_rated ORDER BY line LIMIT %s", [most])  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _first_faults(cursor: Cursor[Any], reading: Reading) -> Sequence[Fault]:
    columns = ", ".join(f"coalesce(s.c{at}, '')" for at in range(reading.width))
    rows = cursor.execute(
        f"SELECT c.line, c.reason, left(concat_ws(',', {columns}), 2000) FROM usage_call AS c"  # noqa: S608
        " JOIN usage_stage AS s ON s.line = c.line WHERE c.reason IS NOT NULL ORDER BY c.line LIMIT 50"
    )
    return [Fault(*row) for row in rows.fetchall()]


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


def _asked(ended: BaseException) -> bool:
    from dashboard.operations.jobs import Cancelled

    return isinstance(ended, Cancelled)


def _said(counts: Counts, took: float) -> str:
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
