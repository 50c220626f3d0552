"""What a destination is called where no rate names it: the country or region of the number."""

from __future__ import annotations

UNKNOWN = "Unknown"


def name_of(head: str) -> str:
    """The place that numbers beginning like this belong to."""
    return UNKNOWN
