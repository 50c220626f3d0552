"""Local times that came twice or never were, where clocks are put back and forward."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Cursor, sql


@dataclass(frozen=True)
class ClockChange:
    at: dt.datetime
    before: dt.timedelta
    after: dt.timedelta


@cache
def clock_changes(zone: str, year: int) -> tuple[ClockChange, ...]:
    """When the clocks of a zone change in a year (UTC), to the minute."""
    where = ZoneInfo(zone)

    def offset(moment: dt.datetime) -> dt.timedelta:
        return moment.astimezone(where).utcoffset() or dt.timedelta()

    found = []
    day, minute = dt.datetime(year, 1, 1, tzinfo=dt.UTC), dt.timedelta(minutes=1)
    while day.year == year:
        low, high = 0, 24 * 60
        before, after = offset(day), offset(day + high * minute)
        if before != after:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(day + middle * minute) == after else (middle, high)
            found.append(ClockChange(day + high * minute, before, after))
        day += 24 * 60 * minute
    return tuple(found)


BACK = """
UPDATE usage_call AS c SET started_at = c.started_at - {shift} FROM usage_stage AS s
WHERE c.started_at >= {at} AND c.started_at < {at} + {shift} AND s.line = c.line AND NOT {offset}
"""
FORWARD = """
UPDATE usage_call AS c SET reason = {reason} FROM usage_stage AS s
WHERE c.reason IS NULL AND c.started_at >= {at} AND c.started_at < {at} + {shift} AND s.line = c.line
  AND NOT {offset} AND btrim({cell})::timestamp <> c.started_at AT TIME ZONE {zone}
"""


def settle(cursor: Cursor[Any], zone: str, cell: str) -> None:
    """Local times that came twice are the first of the two; those that never were are refused."""
    span = cursor.execute(
        "SELECT min(started_at), max(started_at) FROM usage_call WHERE reason IS NULL"
    ).fetchone()
    if span is None or span[0] is None:
        return
    day = dt.timedelta(days=1)
    first, last = (moment.astimezone(dt.UTC) for moment in span)
    for year in range(first.year, last.year + 1):
        for change in clock_changes(zone, year):
            if not first - day < change.at < last + day:
                continue
            shift = change.after - change.before
            statement = FORWARD if shift > dt.timedelta() else BACK
            cursor.execute(
                sql.SQL(statement).format(
                    at=sql.Literal(change.at),
                    shift=sql.Literal(abs(shift)),
                    zone=sql.Literal(zone),
                    cell=sql.SQL(cell),
                    offset=sql.SQL(f"{cell} ~ ':\\d\\d.*([Zz]|[+-]\\d|[A-Za-z])'"),
                    reason=sql.Literal(
                        f"This time never was in {zone}: the clocks were put forward. Is the time zone right?"
                    ),
                )
            )
