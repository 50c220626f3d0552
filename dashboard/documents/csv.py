"""Texts in a CSV that a spreadsheet will open."""

from __future__ import annotations

# A cell that begins with one of these is run as a formula; some spreadsheets take the wide forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_cell(value: object) -> object:
    """A text so that no spreadsheet takes it for a formula; anything that is not a text stays what it is."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
