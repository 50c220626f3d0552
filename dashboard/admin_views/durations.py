"""Lengths of calls as staff read them."""

from __future__ import annotations

from decimal import Decimal


def hms(seconds: int | Decimal | None) -> str:
    """Hours, minutes and seconds: 1:02:03, or 2:03 below an hour."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
