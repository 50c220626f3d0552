"""Plain dates: months and due dates. Periods are half-open, [start, end)."""

from datetime import date, timedelta


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
