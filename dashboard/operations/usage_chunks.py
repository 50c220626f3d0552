"""One chunk of a file: its rows typed, matched and rated, then merged into the books."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
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


def chunks(found: Iterable[Block], size: int) -> Iterator[Chunk]:
    """Blocks put together until they have so many rows; fewer at first, so that progress shows soon."""
    chunk = Chunk()
    enough = min(size, FIRST_ROWS)
    for block in found:
        if block.data:
            chunk.data.append(block.data)
        chunk.faults += block.faults
        chunk.rows += block.rows
        chunk.read = max(chunk.read, block.read)
        if chunk.rows >= enough or len(chunk.faults) >= enough:
            yield chunk
            enough = min(size, 2 * enough)
            chunk = Chunk(read=chunk.read)
    if chunk.rows or chunk.faults:
        yield chunk


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


def prepare_chunk(cursor: Cursor[Any], source: Source, chunk: Chunk, rates: Rates) -> None:
    typing = source.typing
    typing.stage(cursor)
    with cursor.copy(typing.copy()) as copy:
        for data in chunk.data:
            copy.write(data)
    usage_calls.make_table(cursor)
    typing.fill(cursor)
    prepare(cursor, rates, source.customer_by)


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
