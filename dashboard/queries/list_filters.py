"""Filters of lists: a column, an operator and a value, as they stand in the URL (`total.gte=100`)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, not_, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import String

from dashboard.rules.money import parse_decimal

OPERATORS = {
    "is": "is",
    "not": "is not",
    "in": "is one of",
    "contains": "contains",
    "starts": "starts with",
    "gte": "at least",
    "lte": "at most",
    "between": "between",
    "empty": "is empty",
}

# By the kind of a column, the operators it offers, the usual one first.
OFFERED = {
    "text": ("contains", "is", "not", "starts", "empty"),
    "digits": ("starts", "is"),
    "money": ("gte", "lte", "is", "between"),
    "number": ("is", "gte", "lte", "between", "empty"),
    "percent": ("is", "gte", "lte", "between", "empty"),
    "date": ("between", "gte", "lte", "is", "empty"),
    "moment": ("between", "gte", "lte"),
    "choice": ("is", "not", "in", "empty"),
    "flag": ("is",),
    "tags": ("is", "empty"),
    "key": ("is", "not", "in", "empty"),
}

LONGEST_TEXT = 200
MOST_VALUES = 100


@dataclass(frozen=True)
class Filter:
    """`text` is the value as the URL has it; `values` are what it means, of the column's own type."""

    column: str
    operator: str
    text: str
    kind: str
    values: tuple[Any, ...]


def read(column: Any, operator: str, text: str) -> Filter:
    """The filter of a list column (`listing.Column`) that a URL asks for; ValueError in words."""
    text = text.strip()
    if operator not in OFFERED.get(column.kind, ()):
        raise ValueError(f"{column.label} can't be filtered by “{operator[:20]}”.")
    if len(text) > LONGEST_TEXT * (MOST_VALUES if operator == "in" else 1) or "\x00" in text:
        raise ValueError(f"The value to find in {column.label} is too long.")
    if operator == "empty":
        if text not in {"yes", "no"}:
            raise ValueError(f"{column.label} is empty: say yes or no.")
        return Filter(column.name, operator, text, column.kind, (text == "yes",))
    try:
        values = tuple(_value(column, part) for part in _parts(operator, text))
    except ValueError as error:
        raise ValueError(f"{column.label}: {error}") from None
    return Filter(column.name, operator, text, column.kind, values)


def _parts(operator: str, text: str) -> list[str]:
    if operator == "between":
        low, separator, high = text.partition("..")
        if not separator or not (low.strip() or high.strip()):
            raise ValueError("give a first and a last value, such as 10..20.")
        return [low.strip(), high.strip()]
    if operator == "in":
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts or len(parts) > MOST_VALUES:
            raise ValueError(f"give one to {MOST_VALUES} values, separated by commas.")
        return parts
    if not text:
        raise ValueError("give a value to look for.")
    return [text]


def _value(column: Any, text: str) -> Any:
    """One value of the column's type; None for the open end of a range."""
    if not text:
        return None
    kind = column.kind
    if kind in {"money", "number", "percent"}:
        return parse_decimal(text)
    if kind in {"date", "moment"}:
        return _day(text)
    if kind == "flag":
        if text not in {"yes", "no"}:
            raise ValueError("say yes or no.")
        return text == "yes"
    if kind == "choice" and column.choices and text not in column.choices:
        raise ValueError(f"“{text[:40]}” is not one of its values.")
    if kind == "digits":
        return digits(text)
    if kind == "key":
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise ValueError(f"“{text[:20]}” is not a record's number.")
        return int(text)
    return text


def digits(text: str) -> str:
    """A telephone number as it is stored: without +, 00 in front, spaces and marks."""
    found = text.translate(dict.fromkeys(map(ord, " -./()\u00a0")))
    found = found.removeprefix("+") if found.startswith("+") else found.removeprefix("00")
    if not found:
        raise ValueError("give the digits to look for.")
    return found


def _day(text: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text[:20]}” is not a date such as 2026-01-31.") from None
    if not 1900 <= found.year <= 2999:
        raise ValueError("give a year from 1900 to 2999.")
    return found


def condition(expression: Any, one: Filter) -> ColumnElement[bool]:
    """The SQL of a filter. `is not` and `is empty` treat a missing value as empty, not as unknown."""
    operator, values = one.operator, one.values
    if operator == "empty":
        return _empty(expression, one.kind, values[0])
    if one.kind == "tags":
        return expression.contains(cast([values[0]], ARRAY(String)))  # type: ignore[no-any-return]
    if one.kind == "moment":
        return _days(expression, operator, values)
    if one.kind == "digits":
        # Served by an index of patterns, which knows no upper and lower case.
        begins = expression.startswith(values[0], autoescape=True)
        return begins if operator == "starts" else expression == values[0]  # type: ignore[no-any-return]
    if one.kind == "text":
        return _text(expression, operator, values[0])
    if operator == "not":
        return expression.is_distinct_from(values[0])  # type: ignore[no-any-return]
    if operator == "in":
        return expression.in_(values)  # type: ignore[no-any-return]
    if operator == "is":
        return expression == values[0]  # type: ignore[no-any-return]
    low, high = _range(operator, values)
    return and_(
        *([expression >= low] if low is not None else []), *([expression <= high] if high is not None else [])
    )


def _range(operator: str, values: tuple[Any, ...]) -> tuple[Any, Any]:
    if operator == "between":
        return values[0], values[1]
    return (values[0], None) if operator == "gte" else (None, values[0])


def _days(expression: Any, operator: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Days of a moment column, in UTC, both ends included."""
    low, high = _range(operator, values)
    parts = []
    if low is not None:
        parts.append(expression >= _midnight(low))
    if high is not None:
        parts.append(expression < _midnight(high + dt.timedelta(days=1)))
    return and_(*parts)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _text(expression: Any, operator: str, value: str) -> ColumnElement[bool]:
    if operator == "contains":
        return expression.icontains(value, autoescape=True)  # type: ignore[no-any-return]
    if operator == "starts":
        return expression.istartswith(value, autoescape=True)  # type: ignore[no-any-return]
    same = func.lower(func.coalesce(expression, "")) == value.lower()
    return not_(same) if operator == "not" else same


def _empty(expression: Any, kind: str, wanted: bool) -> ColumnElement[bool]:
    empty: ColumnElement[bool] = expression.is_(None)
    if kind == "text":
        empty = or_(empty, expression == "")
    elif kind == "tags":
        empty = func.cardinality(expression) == 0
    return empty if wanted else not_(empty)
