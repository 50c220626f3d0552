"""Lists of e-mail addresses, as they are typed and as they are stored."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dashboard.operations import checks

MOST_ADDRESSES = 50
_LONGEST_LIST = MOST_ADDRESSES * 300


def read(value: str | Iterable[str] | None, *, required: bool = True) -> list[str]:
    """The addresses of a text with commas, semicolons or line ends between them, or of a list; each once, in
    the order given. ValueError in a clerk's words, so it serves as a check."""
    if isinstance(value, str):
        if len(value) > _LONGEST_LIST:
            raise ValueError(f"Use at most {MOST_ADDRESSES} addresses.")
        value = re.split(r"[,;\r\n]", value)
    parts = [str(part).strip(" \t") for part in value or ()]
    found: dict[str, str] = {}
    for part in parts:
        if part:
            address = _one(part)
            found.setdefault(address.casefold(), address)
        if len(found) > MOST_ADDRESSES:
            raise ValueError(f"Use at most {MOST_ADDRESSES} addresses.")
    if required and not found:
        raise ValueError("Fill in at least one e-mail address.")
    return list(found.values())


def _one(part: str) -> str:
    if any(sign in part for sign in "\r\n\0"):
        raise ValueError("An e-mail address is one line. Write it like accounts@example.com.")
    try:
        address = checks.email(part)
    except ValueError as fault:
        shown = part if len(part) <= 60 else part[:57] + "..."
        raise ValueError(
            f'"{shown}" is not an e-mail address. Write it like accounts@example.com.'
        ) from fault
    return str(address)
