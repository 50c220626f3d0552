"""Where a reader stands in a sorted list, and the condition that continues from there."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, tuple_

BIGGEST_KEY = 2**63 - 1
MOST_DIGITS = 60
# What the columns of each kind hold.
HOLDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "choice": (str,),
    "money": (Decimal, int),
    "number": (Decimal, int),
    "percent": (Decimal, int),
    "date": (dt.date,),
    "moment": (dt.datetime,),
    "flag": (bool,),
    "key": (int,),
}


@dataclass(frozen=True)
class Cursor:
    """The sort value and key of a row, and its place in the list (1 for the first row)."""

    value: Any
    key: int
    position: int

    def token(self) -> str:
        value = self.value
        kind = ""
        if isinstance(value, bool) or value is None:
            kind = "b" if value is not None else "n"
        elif isinstance(value, Decimal):
            kind, value = "d", format(value, "f")
        elif isinstance(value, dt.datetime):
            kind, value = "m", value.isoformat()
        elif isinstance(value, dt.date):
            kind, value = "t", value.isoformat()
        elif isinstance(value, int):
            kind = "i"
        else:
            kind, value = "s", str(value)
        packed = json.dumps([kind, value, self.key, self.position], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def read_token(token: str) -> Cursor | None:
    """The cursor in a URL, or None where somebody has changed it by hand."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        kind, value, key, position = json.loads(packed)
        if type(key) is not int or type(position) is not int or not 0 <= key <= BIGGEST_KEY:
            return None
        return Cursor(_value(kind, value), key, min(max(position, 0), BIGGEST_KEY))
    except (ValueError, TypeError, binascii.Error, InvalidOperation, RecursionError):
        return None


def fits(cursor: Cursor, kind: str, *, nullable: bool) -> bool:
    """Whether a column of that kind can stand at the cursor: the URL may be another list's, or made up."""
    return nullable if cursor.value is None else type(cursor.value) in HOLDS.get(kind, ())


def _value(kind: str, value: Any) -> Any:
    if kind == "n":
        return None
    if kind == "b" and isinstance(value, bool):
        return value
    if kind == "i" and isinstance(value, int) and abs(value) <= BIGGEST_KEY:
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(kind)
    value.encode()  # half of a surrogate pair is a ValueError too
    if kind == "d":
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
            raise ValueError(value)
        return number
    if kind == "m":
        return dt.datetime.fromisoformat(value)
    if kind == "t":
        return dt.date.fromisoformat(value)
    if kind == "s":
        return value
    raise ValueError(kind)


def after(
    column: Any, key: Any, cursor: Cursor, *, descending: bool, nullable: bool = False
) -> ColumnElement[bool]:
    """Rows that come after the cursor in the list's order (nulls last; first when descending)."""
    if column is key:
        return key < cursor.key if descending else key > cursor.key  # type: ignore[no-any-return]
    if not nullable:
        place = tuple_(column, key)
        here = (cursor.value, cursor.key)
        return place < here if descending else place > here
    return _after_nullable(column, key, cursor, descending)


def before(
    column: Any, key: Any, cursor: Cursor, *, descending: bool, nullable: bool = False
) -> ColumnElement[bool]:
    """Rows that come before the cursor in the list's order."""
    return after(column, key, cursor, descending=not descending, nullable=nullable)


def _after_nullable(column: Any, key: Any, cursor: Cursor, descending: bool) -> ColumnElement[bool]:
    beyond = key < cursor.key if descending else key > cursor.key
    if cursor.value is None:
        same = and_(column.is_(None), beyond)
        return or_(same, column.is_not(None)) if descending else same
    further = column < cursor.value if descending else column > cursor.value
    ahead = or_(further, and_(column == cursor.value, beyond))
    return ahead if descending else or_(ahead, column.is_(None))
