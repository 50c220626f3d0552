"""On which days a package falls due, and the spans that those days cut time into.

Due days follow from the anchor, which is the day the package started, never from the last charge. A month day
is min(day, last of the month); week days count from 1, Monday. Spans are half-open, [start, end).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from dashboard.rules.periods import add_months, anchored_month

FREQUENCIES: Final = ("once", "daily", "weekly", "monthly")
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """What one due day pays for: `days` of the `of_days` that a whole one would have there.

    `end` is None where it has none: something bought once and kept.
    """

    due_on: date
    start: date
    end: date | None
    days: int = 1
    of_days: int = 1

    @property
    def whole(self) -> bool:
        return self.days == self.of_days

    @property
    def last(self) -> date | None:
        return None if self.end is None else self.end - DAY

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True)
class Recurrence:
    """`match` are week days (1 to 7) or days of the month (1 to 31); none: the anchor's own day."""

    frequency: str
    anchor: date
    match: Sequence[int] = field(default=())

    def __post_init__(self) -> None:
        if self.frequency not in FREQUENCIES:
            raise ValueError(f"No such frequency: {self.frequency}")

    def falls_on(self, day: date) -> bool:
        if self.frequency == "once":
            return day == self.anchor
        if self.frequency == "daily":
            return True
        if self.frequency == "weekly":
            return day.isoweekday() in self.days()
        return day in self._of_month(day.year, day.month)

    def after(self, day: date) -> date | None:
        """The first due day later than `day`; None where none follows."""
        if self.frequency == "once":
            return self.anchor if day < self.anchor else None
        if self.frequency != "monthly":
            return next(found for ahead in range(1, 8) if self.falls_on(found := day + ahead * DAY))
        following = add_months(day, 1)
        ahead = self._of_month(day.year, day.month) + self._of_month(following.year, following.month)
        return next(found for found in ahead if found > day)

    def latest(self, day: date) -> date | None:
        """The last due day up to `day`, that day included; None where there was none."""
        if self.frequency == "once":
            return self.anchor if day >= self.anchor else None
        if self.frequency != "monthly":
            return next(found for back in range(7) if self.falls_on(found := day - back * DAY))
        former = add_months(day, -1)
        back_to = self._of_month(former.year, former.month) + self._of_month(day.year, day.month)
        return next(found for found in reversed(back_to) if found <= day)

    def due_days(self, first: date, end: date) -> list[date]:
        """The due days in [first, end), in order."""
        found: list[date] = []
        day = first if self.falls_on(first) else self.after(first)
        while day is not None and day < end:
            found.append(day)
            day = self.after(day)
        return found

    def spans(self, last: date | None, until: date, since: date | None = None) -> Iterator[Span]:
        """Those that begin before `until`, from the anchor on or from the one that holds `since`; the last
        ends with the day `last`.

        The first of all begins on the anchor and is shorter where that is no due day; so may the last be.
        """
        stop = None if last is None else last + DAY
        start = self.anchor
        if since is not None and since > start:
            start = max(start, self.latest(since) or start)
        while start < until and (stop is None or start < stop):
            span = self._span(start, stop)
            yield span
            if span.end is None:
                return
            start = span.end

    def span_of(self, day: date, last: date | None) -> Span | None:
        """The span that holds the day; None before the anchor and after `last`."""
        if day < self.anchor or (last is not None and day > last):
            return None
        begun = self.latest(day)
        start = self.anchor if begun is None else max(begun, self.anchor)
        return self._span(start, None if last is None else last + DAY)

    def _span(self, start: date, stop: date | None) -> Span:
        """The one that begins on `start`, cut off at `stop`."""
        due, following = self.latest(start), self.after(start)
        if self.frequency == "once" or due is None or following is None:
            # Bought once: nothing to divide by days.
            return Span(start, start, stop)
        end = following if stop is None else min(following, stop)
        return Span(start, start, end, (end - start).days, (following - due).days)

    def days(self) -> list[int]:
        """Week days or days of the month on which it falls due."""
        own = self.anchor.isoweekday() if self.frequency == "weekly" else self.anchor.day
        return sorted(set(self.match)) or [own]

    def _of_month(self, year: int, month: int) -> list[date]:
        return sorted({anchored_month(day, year, month) for day in self.days()})


WEEK_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def said(what: Recurrence) -> str:
    """In words: "Every month on the 15th and 31st"."""
    if what.frequency == "once":
        return "Once, on the Start Date"
    if what.frequency == "daily":
        return "Every day"
    if what.frequency == "weekly":
        return f"Every week on {_listed([WEEK_DAYS[day - 1] for day in what.days()])}"
    return f"Every month on the {_listed([_ordinal(day) for day in what.days()])}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
