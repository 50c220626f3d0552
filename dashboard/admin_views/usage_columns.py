"""The form in which staff say how a file of usage is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboard.operations.usage_files import (
    DATE_ORDERS,
    DELIMITERS,
    ENCODINGS,
    FIELDS,
    FORMATS,
    Guess,
    Reading,
)
from dashboard.operations.usage_reading import MOST_COLUMNS, QUOTES
from dashboard.rules.places import time_zones

SAMPLES = 3
CHOICES = {
    "fields": FIELDS,
    "date_order": DATE_ORDERS,
    "delimiter": DELIMITERS,
    "quote": QUOTES,
    "encoding": ENCODINGS,
}


def posted(form: Mapping[str, str], guessed: Reading) -> Reading:
    """The reading that the form says; what it does not say, or says wrongly, is as guessed."""
    columns: dict[str, int] = {}
    for at in range(MOST_COLUMNS):
        name = form.get(f"c{at}", "")
        if name in FIELDS:
            columns.setdefault(name, at)
    reading = Reading(
        format=guessed.format,
        delimiter=_one_of(form.get("delimiter"), DELIMITERS, guessed.delimiter),
        quote=_one_of(form.get("quote"), QUOTES, guessed.quote),
        encoding=_one_of(form.get("encoding"), ENCODINGS, guessed.encoding),
        header="header" in form,
        columns=columns,
        date_order=_one_of(form.get("date_order"), DATE_ORDERS, ""),
        time_zone=_one_of(form.get("time_zone"), time_zones(), guessed.time_zone),
        decimal_comma="decimal_comma" in form,
        source=" ".join(form.get("source", "").replace("\x00", "").split())[:80],
    )
    as_guessed = columns == dict(guessed.columns) and reading.header == guessed.header
    return reading if as_guessed else replace(reading, format="columns")


def chosen_twice(form: Mapping[str, str]) -> list[str]:
    """What several columns were chosen to be."""
    names = [form.get(f"c{at}", "") for at in range(MOST_COLUMNS)]
    counts = {label: names.count(name) for name, label in FIELDS.items()}
    return [f"{label} is chosen for {count} columns." for label, count in counts.items() if count > 1]


def columns(guess: Guess) -> list[dict[str, Any]]:
    """Each column of the file: its heading, its first values, what it is read as."""
    chosen = {at: name for name, at in guess.reading.columns.items()}
    return [
        {
            "name": f"c{at}",
            "heading": (guess.names[at] if at < len(guess.names) else "") or f"Column {at + 1}",
            "samples": [row[at].strip()[:40] for row in guess.rows if at < len(row) and row[at].strip()][
                :SAMPLES
            ],
            "chosen": chosen.get(at, ""),
        }
        for at in range(guess.reading.width)
    ]


def told(reading: Reading) -> list[dict[str, str]]:
    """The reading in words, for the pages after it."""
    facts = [
        ("Format", FORMATS.get(reading.format, reading.format)),
        ("Dates", DATE_ORDERS.get(reading.date_order, "")),
        ("Time zone", reading.time_zone.replace("_", " ")),
        ("Between columns", DELIMITERS.get(reading.delimiter, "")),
        ("Characters", ENCODINGS.get(reading.encoding, "")),
        ("Switch", reading.source),
    ]
    return [{"label": label, "value": value} for label, value in facts if value]


def _one_of(value: str | None, known: Any, otherwise: str) -> str:
    return value if value is not None and value in known else otherwise
