"""One chunk of a file: its rows typed, matched and rated, then merged into the books."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection, Cursor, errors
from sqlalchemy.engine import Engine

from dashboard.operations import usage_calls, usage_twins
from dashboard.operations.usage_days import DaysChanged, Opener
from dashboard.operations.usage_files import Block, Fault, Reading
from dashboard.operations.usage_ledger import Counts, merge, prepare
from dashboard.operations.usage_rating_sql import Rates
from dashboard.operations.usage_typing import Typing

# A switch's clock may be wrong by hours, not by days.
FUTURE = dt.timedelta(days=2)
MOST_FAULTS = 100_000
FIRST_ROWS = 30_000
TRIES = 4
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
SPAN = """
SELECT count(*) FILTER (WHERE reason IS NOT NULL), min(started_at) FILTER (WHERE reason IS NULL),
    max(started_at) FILTER (WHERE reason IS NULL) FROM usage_call
"""
COUNTED = """
UPDATE usage_import SET rows = rows + %(rows)s, loaded = loaded + %(loaded)s, bad = bad + %(bad)s,
    duplicates = duplicates + %(duplicates)s, unmatched = unmatched + %(unmatched)s,
    unrated = unrated + %(unrated)s, late = late + %(late)s,
    first_call = least(first_call, %(first)s), last_call = greatest(last_call, %(last)s),
    updated_at = clock_timestamp()
WHERE id = %(key)s
"""


@dataclass
class Chunk:
    """What came of some blocks; their rows themselves are in the stage."""

    faults: list[Fault] = field(default_factory=list)
    rows: int = 0
    read: int = 0

    def __bool__(self) -> bool:
        return bool(self.rows or self.faults)


@dataclass(frozen=True)
class Source:
    """What is loaded, and as what."""

    usage_import_id: int
    reading: Reading
    customer_by: str = ""

    @property
    def typing(self) -> Typing:
        return Typing(self.reading, dt.datetime.now(dt.UTC) + FUTURE)


class Chunks:
    """A file's blocks, given out until they have so many rows; fewer at first, so that progress shows soon.

    A block goes on as it is read, so that no chunk stands in memory. Several threads may take in turn.
    """

    def __init__(self, found: Iterable[Block], size: int) -> None:
        self._found = iter(found)
        self._size = size
        self._enough = min(size, FIRST_ROWS)
        self._read = 0
        self._turn = threading.Lock()

    def take(self, write: Callable[[bytes], object]) -> Chunk:
        """The next chunk; an empty one at the end."""
        with self._turn:
            chunk = Chunk(read=self._read)
            for block in self._found:
                if block.data:
                    write(block.data)
                chunk.faults += block.faults
                chunk.rows += block.rows
                chunk.read = self._read = max(self._read, block.read)
                if chunk.rows >= self._enough or len(chunk.faults) >= self._enough:
                    break
            self._enough = min(self._size, 2 * self._enough)
            return chunk


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


def prepare_chunk(cursor: Cursor[Any], source: Source, found: Chunks, rates: Rates) -> Chunk:
    """The next chunk, ready to be merged; an empty one at the end of the file."""
    typing = source.typing
    typing.stage(cursor)
    with cursor.copy(typing.copy()) as copy:
        chunk = found.take(copy.write)
    if chunk:
        usage_calls.make_table(cursor)
        typing.fill(cursor)
        prepare(cursor, rates, source.customer_by)
    return chunk


def merge_chunk(cursor: Cursor[Any], source: Source, chunk: Chunk, opener: Opener | None) -> Counts:
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
    usage_twins.set_apart(cursor, source.usage_import_id, counts)
    counts.rows = chunk.rows + len(chunk.faults)
    bad, first, last = cursor.execute(SPAN).fetchone() or (0, None, None)
    counts.bad = bad + len(chunk.faults)
    if counts.bad:
        _write_faults(cursor, source, chunk, bad)
    cursor.execute(COUNTED, {**vars(counts), "key": source.usage_import_id, "first": first, "last": last})
    return counts


def _write_faults(cursor: Cursor[Any], source: Source, chunk: Chunk, bad: int) -> None:
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


def count_bad(cursor: Cursor[Any]) -> int:
    row = cursor.execute("SELECT count(*) FROM usage_call WHERE reason IS NOT NULL").fetchone()
    return int(row[0]) if row else 0
