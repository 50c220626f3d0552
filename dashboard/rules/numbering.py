"""Numbers of invoices from a pattern such as INV-{year}-{seq:06}.

All parts but {seq} have a fixed width and {seq} comes once, so two different counts never give one number.
"""

import re
from datetime import date
from string import Formatter
from typing import Final

MAX_WIDTH: Final = 12
MAX_LENGTH: Final = 40

_HELP: Final = "Use {year}, {year2}, {month:02} and {seq:06} only."
_FIXED: Final = {("year", ""): 4, ("year2", ""): 2, ("month", "02"): 2}
# The number becomes a file name too.
_TEXT: Final = re.compile(r"[A-Za-z0-9 _.#/-]*")

Part = tuple[str, str | None, int]


def _parse(pattern: str) -> list[Part]:
    """(text, field, width) for each part; nothing is looked up or formatted on the way."""
    try:
        raw = list(Formatter().parse(pattern))
    except ValueError:
        raise ValueError(f"A brace is missing its partner. {_HELP}") from None
    parts: list[Part] = []
    for text, field, spec, conversion in raw:
        if not _TEXT.fullmatch(text):
            raise ValueError("Around the fields use only letters A-Z, digits, spaces and - _ . / #.")
        if field is None:
            parts.append((text, None, 0))
            continue
        parts.append((text, field, _width(field, spec or "", conversion)))
    return parts


def _width(field: str, spec: str, conversion: str | None) -> int:
    if conversion is None:
        if (field, spec) in _FIXED:
            return _FIXED[field, spec]
        if field == "seq" and re.fullmatch("(0[1-9][0-9]?)?", spec):
            width = int(spec or "1")
            if width > MAX_WIDTH:
                raise ValueError(f"The count can be at most {MAX_WIDTH} digits wide, such as {{seq:06}}.")
            return width
    written = "{" + field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
    raise ValueError(f"{written[:30]} cannot be used in a number. {_HELP}")


def _checked(pattern: str) -> list[Part]:
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"A number pattern can have at most {MAX_LENGTH} characters.")
    if pattern != pattern.strip():
        raise ValueError("A number cannot begin or end with a space.")
    parts = _parse(pattern)
    counts = [field for _, field, _ in parts].count("seq")
    if counts == 0:
        raise ValueError("The pattern needs the running count: add {seq:06}.")
    if counts > 1:
        raise ValueError("The running count {seq} can come only once.")
    longest = sum(len(text) + (MAX_WIDTH if field == "seq" else width) for text, field, width in parts)
    if longest > MAX_LENGTH:
        raise ValueError(f"Numbers from this pattern could be longer than {MAX_LENGTH} characters.")
    return parts


def check_pattern(pattern: str) -> None:
    """ValueError, in a clerk's words, when the pattern cannot number invoices."""
    _checked(pattern)


def format_number(pattern: str, seq: int, on_date: date) -> str:
    """The number of the seq-th invoice (from 1), issued on that date; at most 40 characters."""
    parts = _checked(pattern)
    if not 1 <= seq < 10**MAX_WIDTH:
        raise ValueError("The running count is out of range.")
    values = {"year": on_date.year, "year2": on_date.year % 100, "month": on_date.month, "seq": seq}
    return "".join(
        text + ("" if field is None else str(values[field]).zfill(width)) for text, field, width in parts
    )
