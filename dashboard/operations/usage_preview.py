"""What loading the first rows of a file would come to: done as for a whole file, then undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from dashboard.models import Customer
from dashboard.models.usage import RESULTS
from dashboard.operations.base import Actor, session
from dashboard.operations.usage_files import Fault, Reading
from dashboard.operations.usage_text import text_pieces

# So many lines are tried, and so many rows of them shown.
PREVIEWED = 200
SHOWN = 20
WORDS = {
    "loaded": "would be loaded",
    "duplicates": "are there already",
    "unmatched": "find no customer",
    "unrated": "have no rate",
    "bad": "can't be read",
    "late": "are for days that are invoiced already",
}


@dataclass(frozen=True)
class Tried:
    """`sums` are counts with their words; `calls` the first rows as they would be in the books."""

    rows: int
    sums: list[tuple[int, str]]
    calls: list[dict[str, Any]]
    faults: list[Fault]
    troubled: bool


def first_rows(actor: Actor, stream: Iterable[bytes], reading: Reading, customer_by: str) -> Tried:
    """Try the first lines of a file. Nothing is written."""
    from dashboard.operations.usage_trial import try_out

    counts, calls, faults = try_out(
        actor,
        replace(reading, encoding="utf-8"),
        [_lines(stream, reading)],
        customer_by=customer_by,
        shown=SHOWN,
    )
    sums = [(found, words) for name, words in WORDS.items() if (found := getattr(counts, name))]
    troubled = bool(counts.bad or counts.unmatched or counts.unrated)
    return Tried(counts.rows, sums, _named(calls), faults, troubled)


def _lines(stream: Iterable[bytes], reading: Reading) -> bytes:
    lines: list[bytes] = []
    for piece in text_pieces(stream, reading.encoding):
        lines.extend(piece.data.splitlines(keepends=True))
        if len(lines) > PREVIEWED:
            break
    return b"".join(lines[: PREVIEWED + reading.header])


def _named(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the customers' names, and the result in words."""
    keys = {call["customer_id"] for call in calls} - {None}
    rows = session().execute(select(Customer.id, Customer.name).where(Customer.id.in_(keys)))
    names = {row.id: row.name for row in rows}
    return [
        {
            **call,
            "customer": names.get(call["customer_id"], ""),
            "result": RESULTS.get(call["result"], call["result"]),
        }
        for call in calls
    ]
