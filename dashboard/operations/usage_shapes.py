"""Formats without column names, told by what stands in their columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.operations.usage_dates import order_of
from dashboard.operations.usage_headings import freeswitch_columns
from dashboard.operations.usage_reading import ASTERISK, FREESWITCH

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ASTERISK_ID = re.compile(r"(.+-)?\d{9,10}\.\d+")
_DISPOSITION = re.compile(r"ANSWERED|NO ANSWER|BUSY|FAILED|CONGESTION|CANCEL|UNKNOWN", re.IGNORECASE)


@dataclass(frozen=True)
class Shape:
    format: str
    fits: Callable[[Sequence[str]], bool]
    columns: Callable[[Sequence[Sequence[str]]], dict[str, int]]
    names: tuple[str, ...]
    words: str


def is_asterisk(row: Sequence[str]) -> bool:
    return (
        16 <= len(row) <= 22
        and row[12].strip().isdigit()
        and row[13].strip().isdigit()
        and bool(_DISPOSITION.fullmatch(row[14].strip()))
        and order_of([row[9]]) in ("ymd", "epoch")
    )


def asterisk_layout(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """The unique id is written where cdr.conf asks for it; without it calls are told apart by their row."""
    columns = {
        "account_code": 0,
        "source": 1,
        "number": 2,
        "trunk": 5,
        "provider": 6,
        "started_at": 9,
        "answered_at": 10,
        "duration": 12,
        "billsec": 13,
        "result": 14,
    }
    ids = [row[16].strip() for row in rows if len(row) > 16 and is_asterisk(row)]
    if ids and all(_ASTERISK_ID.fullmatch(value) for value in ids):
        columns["unique_id"] = 16
    return columns


def is_freeswitch(row: Sequence[str]) -> bool:
    return (
        13 <= len(row) <= 40
        and bool(_UUID.fullmatch(row[10].strip()))
        and row[7].strip().isdigit()
        and row[8].strip().isdigit()
        and order_of([row[4]]) in ("ymd", "epoch")
    )


def freeswitch_layout(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    return freeswitch_columns(FREESWITCH)


SHAPES = (
    Shape(
        "asterisk",
        is_asterisk,
        asterisk_layout,
        (*ASTERISK, "uniqueid", "userfield"),
        "Its columns stand as Asterisk's cdr_csv writes them.",
    ),
    Shape(
        "freeswitch",
        is_freeswitch,
        freeswitch_layout,
        (*FREESWITCH, "read_codec", "write_codec"),
        "Its columns stand as FreeSWITCH's mod_cdr_csv writes them.",
    ),
)
