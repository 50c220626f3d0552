"""Checks of single values. A check takes what a form, a cell of a CSV file or another operation gives, and
answers the value to store, or raises ValueError in a clerk's words. None and empty text mean: no value."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from dashboard.operations.errors import Invalid
from dashboard.rules import money, places

Check = Callable[[Any], Any]

REQUIRED = "Fill this in."


def read(
    values: Mapping[str, Any], checks: Mapping[str, Check], required: Sequence[str] = ()
) -> dict[str, Any]:
    """The values to store; all faults make one Invalid. Fields of `required` may not be left out."""
    errors: dict[str, str] = {}
    taken: dict[str, Any] = {}
    for name in [*values, *(name for name in required if name not in values)]:
        if name not in checks:
            errors[name] = "This can't be changed here."
            continue
        try:
            taken[name] = checks[name](values.get(name))
        except ValueError as fault:
            errors[name] = str(fault)
    if errors:
        raise Invalid(errors)
    return taken


def _clean(value: Any) -> str:
    return unicodedata.normalize("NFC", str(value)).strip() if value is not None else ""


def _refuse_controls(written: str, allowed: str = "") -> None:
    for sign in written:
        # Cc: control characters; Cs: halves of a pair, which no UTF-8 can carry.
        if unicodedata.category(sign) in ("Cc", "Cs") and sign not in allowed:
            raise ValueError("This has an invisible control character in it. Type it again without.")


def text(longest: int, *, required: bool = False) -> Check:
    """One line of text."""

    def check(value: Any) -> str | None:
        written = _clean(value)
        if not written:
            if required:
                raise ValueError(REQUIRED)
            return None
        _refuse_controls(written)
        if len(written) > longest:
            raise ValueError(f"Use at most {longest} characters; this has {len(written)}.")
        return written

    return check


def long_text(longest: int = 10_000) -> Check:
    """Text of several lines."""

    def check(value: Any) -> str | None:
        written = _clean(value).replace("\r\n", "\n").replace("\r", "\n")
        _refuse_controls(written, allowed="\n\t")
        if len(written) > longest:
            raise ValueError(f"Use at most {longest:,} characters; this has {len(written):,}.")
        return written or None

    return check


def choice(options: Mapping[str, str], *, required: bool = True) -> Check:
    """One key of `options`, given as the key or as its label, whatever the case."""
    by_name = {name.casefold(): key for key, label in options.items() for name in (label, key)}

    def check(value: Any) -> str | None:
        written = _clean(value)
        if not written:
            if required:
                raise ValueError("Choose one.")
            return None
        key = by_name.get(written.casefold())
        if key is None:
            raise ValueError(
                f'"{written[:40]}" is not a choice here. Use one of: {", ".join(options.values())}.'
            )
        return key

    return check


def number(
    *, places: int, minimum: Decimal | None = None, maximum: Decimal | None = None, required: bool = False
) -> Check:
    """A decimal with at most so many places, within the bounds (both included)."""

    def check(value: Any) -> Decimal | None:
        if value is None or _clean(value) == "":
            if required:
                raise ValueError(REQUIRED)
            return None
        if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
            raise ValueError("Enter a number.")
        shown = f"{value:f}" if isinstance(value, Decimal) else str(value)
        found = money.parse_decimal(shown, places=places, max_digits=14 + places)
        if minimum is not None and found < minimum:
            raise ValueError(f"This can't be less than {money.plain(minimum)}.")
        if maximum is not None and found > maximum:
            raise ValueError(f"This can't be more than {money.plain(maximum)}.")
        return found

    return check


def whole(minimum: int, maximum: int, *, required: bool = False) -> Check:
    """A whole number within the bounds (both included)."""
    decimal = number(places=0, minimum=Decimal(minimum), maximum=Decimal(maximum), required=required)

    def check(value: Any) -> int | None:
        found = decimal(value)
        return None if found is None else int(found)

    return check


percent = number(places=4, minimum=Decimal(0), maximum=Decimal(100))


_YES = {"yes", "y", "true", "t", "on", "x", "1"}
_NO = {"", "no", "n", "false", "f", "off", "0"}


def flag(value: Any) -> bool:
    written = _clean(value).casefold()
    if written in _YES:
        return True
    if written in _NO:
        return False
    raise ValueError(f'"{written[:40]}" is neither yes nor no.')


def perhaps(yes: str = "yes", no: str = "no") -> Check:
    """Yes, no, or neither, where nothing is given. `yes` and `no` may be written in these words, too."""
    words = {yes.casefold(): True, no.casefold(): False}

    def check(value: Any) -> bool | None:
        written = _clean(value)
        if not written:
            return None
        said = words.get(written.casefold())
        return flag(value) if said is None else said

    return check


def hour(value: Any) -> int | None:
    """An hour of the day, given as 6 or 06:00."""
    written = _clean(value)
    if not written:
        return None
    found = re.fullmatch(r"(\d{1,2})(:00)?", written, re.ASCII)
    if found is None or int(found[1]) > 23:
        raise ValueError("Write a full hour like 06:00, from 00:00 to 23:00.")
    return int(found[1])


def day(*, required: bool = False) -> Check:
    """A date, given as such or as 2026-11-23."""

    def check(value: Any) -> dt.date | None:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return _in_reach(value)
        written = _clean(value)
        if not written:
            if required:
                raise ValueError("Choose a date.")
            return None
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.ASCII):
            raise ValueError("Write the date like 2026-11-23.")
        try:
            return _in_reach(dt.date.fromisoformat(written))
        except ValueError as fault:
            raise ValueError("There is no such day.") from fault

    return check


def _in_reach(found: dt.date) -> dt.date:
    if not 1970 <= found.year <= 2200:
        raise ValueError("Use a year from 1970 to 2200.")
    return found


@cache
def _currency_codes() -> frozenset[str]:
    return frozenset(code for code, _ in money.currencies())


def currency(value: Any) -> str:
    """The code of a currency in use today."""
    code = _clean(value).upper()
    if not code:
        raise ValueError("Choose a currency.")
    if code not in _currency_codes():
        raise ValueError(f'"{code[:20]}" is not a currency. Use a code such as USD, EUR or GBP.')
    return code


def country(value: Any) -> str | None:
    written = _clean(value)
    return places.country_code(written) if written else None


def time_zone(value: Any) -> str | None:
    written = _clean(value)
    return places.time_zone(written) if written else None


def email(value: Any) -> str | None:
    """An address by its spelling; nobody is asked whether it exists."""
    written = _clean(value)
    if not written:
        return None
    _refuse_controls(written)
    try:
        found = validate_email(written, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise ValueError("This is not an e-mail address. Write it like accounts@example.com.") from fault
    if len(found) > 254:
        raise ValueError("This e-mail address is too long.")
    return found


_HOST = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))+")


def website(value: Any) -> str | None:
    """An http or https address; "www.example.com" gets its https:// in front."""
    written = _clean(value)
    if not written:
        return None
    _refuse_controls(written)
    address = written if ":" in written.partition("/")[0] or written.startswith("/") else f"https://{written}"
    fits = False
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        fits = (
            parts.scheme.lower() in ("http", "https")
            and _HOST.fullmatch(parts.hostname or "") is not None
            and not parts.username
            and parts.port != 0
            and not re.search(r"[\s<>\"'\\]", address)
        )
    if not fits:
        raise ValueError("This is not a website. Write it like https://www.example.com.")
    if len(address) > 200:
        raise ValueError("Use at most 200 characters.")
    return address


def tags(value: Any) -> list[str]:
    """Short marks in lower case, each once, in alphabetical order; given as a list or parted by commas."""
    parts = re.split(r"[,;|]", value) if isinstance(value, str) else [str(part) for part in value or ()]
    found = {" ".join(unicodedata.normalize("NFC", part).lower().split()) for part in parts} - {""}
    for tag in found:
        _refuse_controls(tag)
        if "," in tag:
            raise ValueError("A tag can't have a comma in it.")
        if len(tag) > 40:
            raise ValueError(f'"{tag[:40]}..." is too long for a tag: use at most 40 characters.')
    if len(found) > 30:
        raise ValueError("Use at most 30 tags.")
    return sorted(found)


def key(value: Any) -> int | None:
    """The id of another record, or None."""
    if value is None or isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", str(value), re.ASCII):
        if _clean(value):
            raise ValueError("Choose one from the list.")
        return None
    return int(value)
