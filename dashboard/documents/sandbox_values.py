"""Single values in a template: what counts as one, how it is printed, how large a number may be."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from jinja2 import Undefined
from jinja2.runtime import Macro

from dashboard.documents.sandbox_budget import Refusal

SCALARS = (str, int, Decimal, dt.date, dt.time, type(None))
# Digits of a number: more than any amount has, and few enough to print.
_DIGITS = 60


def scalar(value: Any) -> Any:
    """One value; comparing or hashing lists inside lists could take for ever."""
    if isinstance(value, SCALARS):
        return value
    if isinstance(value, Undefined):
        str(value)
    raise Refusal("This works with one value, not with a list or a group of values.")


def number(value: Any) -> int | Decimal:
    scalar(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refusal(f"“{text(value)[:40]}” is not a number.")
    return value


def sized(value: Any) -> Any:
    """A number of a size that can be printed; anything else as it is."""
    if isinstance(value, int) and value.bit_length() > 4 * _DIGITS:
        raise Refusal("This number is too large.")
    if isinstance(value, Decimal) and (not value.is_finite() or abs(value.adjusted()) > _DIGITS):
        raise Refusal("This number is too large or too small.")
    return value


def text(value: Any) -> str:
    """The value as it is printed: nothing for None, numbers in full, dates as 2026-11-23."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{sized(value):f}"
    if isinstance(value, int):
        return str(sized(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, Macro):
        raise Refusal("A macro is called with brackets after its name.")
    raise Refusal("A list or a group of values can't be printed; name the one value, or use a loop.")
