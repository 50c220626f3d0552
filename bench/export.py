"""The CSV export of every invoice, beside a bare COPY of the same table."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

from bench.measure import Row, timed


def rows(client: Any, connection: Any) -> Iterator[Row]:
    ours = timed(lambda: read(client), runs=3)
    bare = timed(lambda: copy(connection), runs=3)
    yield Row("CSV of all invoices", ours, limit="<= 3x COPY", other=bare, other_name="bare COPY")
    yield Row("CSV, first byte", first_byte(client), limit="<= 300 ms")
    tracemalloc.start()
    read(client)
    peak = tracemalloc.get_traced_memory()[1] / 1_000_000
    tracemalloc.stop()
    yield Row("CSV, Python memory at its peak", peak, unit="MB", limit="<= 120 MB")


def read(client: Any) -> int:
    response = client.get("/admin/invoice/export/csv/", buffered=False)
    assert response.status_code == 200
    return sum(len(piece) for piece in response.iter_encoded())


def first_byte(client: Any) -> float:
    start = time.perf_counter()
    response = client.get("/admin/invoice/export/csv/", buffered=False)
    next(iter(response.iter_encoded()))
    taken = (time.perf_counter() - start) * 1000
    response.close()
    return taken


def copy(connection: Any) -> int:
    with connection.cursor() as cursor, cursor.copy("COPY invoice TO STDOUT (FORMAT csv)") as stream:
        return sum(len(piece) for piece in stream)
