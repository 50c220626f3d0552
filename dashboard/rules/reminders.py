"""When a customer is reminded of an invoice, as staff write it: `3 before, 1, 7 and 14 after`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Final

MOST_REMINDERS: Final = 12
MOST_DAYS: Final = 365
# One that is later than this is left out: it would say nothing new.
LATEST: Final = 31

_DATE = r"(?:the |its )?(?:due )?(?:date|day)\b"
# `on the due date` is a number like the others, and `before the due date` says no more than `before`.
_PLAINER = (
    (re.compile(rf"\b(before|after) {_DATE}"), r"\1"),
    (re.compile(rf"\bon {_DATE}|\bdue date\b"), "0 after"),
    (re.compile(r"-\s*([0-9]+)"), r"\1 before"),
)
_NONE = {"", "none", "never", "no", "off"}
_FILL = {"and", "day", "days", "then"}
_BEFORE = {"before", "prior", "ahead"}
_AFTER = {"after", "late", "later", "overdue"}
_HINT = "Write it like: 3 before, 1, 7 and 14 after."


def read_days(text: str) -> list[int]:
    """Days before (below 0) and after the due date, in order, each once. ValueError in a clerk's words.

    A number belongs to the next `before` or `after`; where none follows, it is after. `on the due date` is 0.
    """
    said = " ".join(text.casefold().split()).strip(" .")
    if said in _NONE:
        return []
    if re.sub(r"[a-z0-9\s,;&+-]", "", said):
        raise ValueError(f"This is not a list of days. {_HINT}")
    for pattern, plainer in _PLAINER:
        said = pattern.sub(plainer, said)
    found = _days(re.findall(r"[0-9]+|[a-z]+", said))
    if not found:
        raise ValueError(f"This is not a list of days. {_HINT}")
    if any(abs(days) > MOST_DAYS for days in found):
        raise ValueError(f"At most {MOST_DAYS} days before or after the due date.")
    if len(found) > MOST_REMINDERS:
        raise ValueError(f"At most {MOST_REMINDERS} reminders of one invoice.")
    return sorted(found)


def _days(words: Iterable[str]) -> set[int]:
    found: list[int] = []
    waiting: list[int] = []
    for word in words:
        if word.isdigit():
            # No more than four figures: longer ones are too many in any case.
            waiting.append(int(word[:4]))
        elif word in _BEFORE | _AFTER:
            if not waiting:
                raise ValueError(f'Say how many days "{word}". {_HINT}')
            found += [-days if word in _BEFORE else days for days in waiting]
            waiting = []
        elif word not in _FILL:
            raise ValueError(f'"{word[:30]}" is not understood here. {_HINT}')
    return {*found, *waiting}


def say_days(days: Iterable[int]) -> str:
    """The list in words, as `read_days` reads it; "" for none."""
    ordered = sorted(set(days))
    parts: list[str] = []
    before = [-day for day in ordered if day < 0]
    after = [day for day in ordered if day > 0]
    if before:
        parts.append(f"{_list(before)} before")
    if 0 in ordered:
        parts.append("on the due date")
    if after:
        parts.append(f"{_list(after)} after")
    return ", ".join(parts)


def _list(numbers: Sequence[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last


def say_one(days: int) -> str:
    """`3 days before the due date`."""
    if days == 0:
        return "on the due date"
    count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return f"{count} {'before' if days < 0 else 'after'} the due date"


def windows(days: Iterable[int], today: dt.date) -> list[tuple[int, dt.date, dt.date]]:
    """(reminder, first due date, last due date): the invoices whose newest reminder is this one, today.

    An invoice is in one window at most, so that after a pause only the newest of its reminders goes out, and
    none that should have gone out more than `LATEST` days ago.
    """
    ordered = sorted(set(days))
    found = []
    for at, day in enumerate(ordered):
        last = today - dt.timedelta(days=day)
        first = last - dt.timedelta(days=LATEST)
        if at + 1 < len(ordered):
            first = max(first, today - dt.timedelta(days=ordered[at + 1] - 1))
        found.append((day, first, last))
    return found


def newest(days: Iterable[int], due: dt.date, today: dt.date) -> int | None:
    """The reminder that an invoice due then is to have today: the newest whose day has come."""
    for day, first, last in windows(days, today):
        if first <= due <= last:
            return day
    return None
