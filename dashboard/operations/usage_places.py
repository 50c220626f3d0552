"""What a destination is called where no rate names it: the country or region of the number."""

from __future__ import annotations

from dashboard.rules.destinations import UNKNOWN, place_of

__all__ = ["UNKNOWN", "name_of"]


def name_of(head: str) -> str:
    """The place that numbers beginning like this belong to."""
    return place_of(head)
