"""The next number of an invoice."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
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
    row = insert(NumberSeries).values(name=series_name(setting, on_date), next_value=2)
    count = session().scalar(
        row.on_conflict_do_update(
            index_elements=[NumberSeries.name], set_={"next_value": NumberSeries.next_value + 1}
        ).returning(NumberSeries.next_value - 1)
    )
    assert count is not None
    try:
        number = format_number(setting.invoice_number_pattern, count, on_date)
    except ValueError as fault:
        raise Refused(f"{fault} An administrator can mend the numbering in Setup > Settings.") from fault
    if session().scalar(select(Invoice.id).where(Invoice.number == number)) is not None:
        raise Refused(
            f"The next number would be {number}, which another invoice already has. "
            "An administrator must change the number pattern in Setup > Settings."
        )
    return number
