"""A file of our own CSV, to show what it looks like. The numbers are reserved for fiction."""

from __future__ import annotations

from dashboard.operations.usage_reading import FIELDS

_CALLS = (
    "u-1001,ACORN,442079460010,442079460123,office-trunk,Example Carrier,2026-11-02T09:15:00Z,"
    "2026-11-02T09:15:04Z,94,90,answered,,,",
    "u-1002,ACORN,442079460010,12025550143,office-trunk,Example Carrier,2026-11-02T09:20:31+01:00,"
    "2026-11-02T09:20:40+01:00,310,301,answered,United States,0.3500,0.1200",
    "u-1003,BIRCH,442079460077,442079460199,office-trunk,,2026-11-02T10:02:11Z,,21,0,no_answer,,,",
)


def sample() -> str:
    names = (name for name in FIELDS if name != "start_time")
    return "\ufeff" + "\r\n".join((",".join(names), *_CALLS)) + "\r\n"
