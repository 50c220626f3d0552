"""Reading files of usage: `sniff` tells what a file is, `scan` what only the whole of it tells, `blocks`
gives its rows ready for COPY. This is all that the rest of the product needs to know of them."""

from __future__ import annotations

from dashboard.operations.usage_blocks import Block, Fault, blocks
from dashboard.operations.usage_dates import Facts, scan
from dashboard.operations.usage_reading import (
    DATE_ORDERS,
    DELIMITERS,
    ENCODINGS,
    FIELDS,
    FORMATS,
    Reading,
    faults_of,
)
from dashboard.operations.usage_sniff import HEAD_BYTES, Guess, sniff
from dashboard.operations.usage_text import Stream

__all__ = [
    "DATE_ORDERS",
    "DELIMITERS",
    "ENCODINGS",
    "FIELDS",
    "FORMATS",
    "HEAD_BYTES",
    "Block",
    "Facts",
    "Fault",
    "Guess",
    "Reading",
    "Stream",
    "blocks",
    "faults_of",
    "scan",
    "sniff",
]
