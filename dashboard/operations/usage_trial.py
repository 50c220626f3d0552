"""What loading a file would come to: all of it is done, and then undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Cursor

from dashboard.extensions import db
from dashboard.operations import usage_twins
from dashboard.operations.base import Actor, operation
from dashboard.operations.usage_chunks import Chunks, Source, count_bad, own_connection, prepare_chunk
from dashboard.operations.usage_files import Fault, Reading, Stream, blocks
from dashboard.operations.usage_ledger import Counts, merge
from dashboard.operations.usage_rating_sql import Rates

CHUNK_ROWS = 100_000


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
        chunks = Chunks(blocks(stream, reading), CHUNK_ROWS)
        while chunk := prepare_chunk(cursor, source, chunks, rates):
            calls += _first_calls(cursor, shown - len(calls))
            found = merge(cursor, None)
            usage_twins.set_apart(cursor, None, found)
            faults += [*chunk.faults, *_first_faults(cursor, reading)][: shown - len(faults)]
            found.rows = chunk.rows + len(chunk.faults)
            found.bad = count_bad(cursor) + len(chunk.faults)
            counts.add(found)
    return counts, calls, faults


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
