"""Plain dates: months, due dates, and the periods that invoices are made for.

Periods are half-open, [start, end), in days of a named zone. Each bound is turned into a moment by itself, so
that a period across a clock change is as long as it is. Weeks begin on Monday.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SCHEDULES: Final = ("daily", "weekly", "monthly")


@dataclass(frozen=True, order=True)
class Period:
    """Local days from `start` to the day before `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("A period must end after it begins.")

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    @property
    def last(self) -> date:
        """The last day that belongs to it."""
        return self.end - timedelta(days=1)

    def __str__(self) -> str:
        return str(self.start) if self.last == self.start else f"{self.start} to {self.last}"


def period_of(schedule: str, day: date) -> Period:
    """The period of the schedule that holds the day."""
    if schedule == "daily":
        return Period(day, day + timedelta(days=1))
    if schedule == "weekly":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=7))
    if schedule == "monthly":
        return Period(*month_bounds(day))
    raise ValueError(f"No such schedule: {schedule}")


def periods(schedule: str, first_day: date, last_day: date) -> list[Period]:
    """Those that touch the days from `first_day` to `last_day`, both included; the oldest first."""
    found: list[Period] = []
    day = first_day
    while day <= last_day:
        found.append(period_of(schedule, day))
        day = found[-1].end
    return found


def previous(schedule: str, period: Period) -> Period:
    """The period of the schedule that ends where this one begins, or that holds the day before it."""
    return period_of(schedule, period.start - timedelta(days=1))


def bounds(period: Period, zone: str) -> tuple[datetime, datetime]:
    """The moments, in UTC, at which the period begins and ends on the clocks of the zone."""
    where = ZoneInfo(zone)
    return midnight(period.start, where), midnight(period.end, where)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of the day on the clocks of the zone, in UTC.

    Where clocks jump over midnight it is the moment of the jump; where they show it twice, the first time.
    """
    shown = datetime.combine(day, time.min, zone)
    moment = shown.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return moment
    # There is no such time that day: the clocks change between these two, and that is where the day begins.
    before, after = shown.replace(fold=1).astimezone(UTC), moment
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            after = middle
    return after


def anchored_month(anchor_day: int, year: int, month: int) -> date:
    """The anchor's day in that month, or its last day where the month is shorter (case 16).

    Always from the anchor: after 28 February an anchor of 31 comes to 31 March.
    """
    return date(year, month, min(anchor_day, calendar.monthrange(year, month)[1]))


def month_bounds(day: date) -> tuple[date, date]:
    """The first of the day's month and the first of the next."""
    start = day.replace(day=1)
    return start, add_months(start, 1)


def add_months(start: date, months: int) -> date:
    """The first of the month so many months after (or before) the month of `start`."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, 1)


def last_months(today: date, count: int) -> list[tuple[date, date]]:
    """Bounds of the last `count` months, oldest first; the last one holds `today`."""
    return [month_bounds(add_months(today, back)) for back in range(1 - count, 1)]


def due_date(issued: date, due_days: int) -> date:
    """The day an invoice is due; zero days means the day it was issued."""
    if due_days < 0:
        raise ValueError("Due days cannot be below 0.")
    try:
        return issued + timedelta(days=due_days)
    except OverflowError:
        raise ValueError("The due date is too far away.") from None
