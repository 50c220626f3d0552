"""The next number of an invoice."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.models import Invoice, NumberSeries, Setting
from dashboard.operations.base import session
from dashboard.operations.errors import Refused
from dashboard.rules.numbering import format_number


def series_name(setting: Setting, on_date: dt.date) -> str:
    return f"invoice:{on_date.year}" if setting.number_reset == "yearly" else "invoice"


def take(setting: Setting, on_date: dt.date) -> str:
    """The number for an invoice of that date.

    The counter's row stays locked until the transaction ends, so whoever issues beside it waits, and a
    rollback gives the number back: no gap, no repeat. Call it last.
    """
    return take_many(setting, on_date, 1)[0]


def take_many(setting: Setting, on_date: dt.date, count: int) -> list[str]:
    """The next so many numbers, in order; as `take`."""
    if count == 0:
        return []
    row = insert(NumberSeries).values(name=series_name(setting, on_date), next_value=1 + count)
    first = session().scalar(
        row.on_conflict_do_update(
            index_elements=[NumberSeries.name], set_={"next_value": NumberSeries.next_value + count}
        ).returning(NumberSeries.next_value - count)
    )
    assert first is not None
    try:
        numbers = [format_number(setting.invoice_number_pattern, first + at, on_date) for at in range(count)]
    except ValueError as fault:
        raise Refused(f"{fault} An administrator can mend the numbering in Setup > Settings.") from fault
    taken = session().scalar(select(func.min(Invoice.number)).where(Invoice.number.in_(numbers)))
    if taken is not None:
        raise Refused(
            f"The next number would be {taken}, which another invoice already has. "
            "An administrator must change the number pattern in Setup > Settings."
        )
    return numbers
