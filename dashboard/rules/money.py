"""Money as exact decimals: currencies, rounding, showing and reading.

Currencies, their decimals and their signs come from babel (CLDR), shown by the en_US pattern. Rounding
is half-up, away from zero. `static/js/money.js` does the same in the browser, and
`tests/rules/test_money_js.py` holds the two together.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import Final, TypedDict

from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_precision

# Wide enough that a product of the widest columns, a sum of them and a tax of that sum stay exact.
EXACT: Final = Context(prec=120, rounding=ROUND_HALF_UP)

_LOCALE: Final = Locale("en", "US")
# Still without an end date in CLDR 47: Bulgaria pays in euro since 2026-01-01.
_ENDED: Final = frozenset({"BGN"})
_NO_BREAK_SPACE: Final = "\u00a0"


class CurrencyFormat(TypedDict):
    """How a currency is written; sent as JSON to pages so that the browser writes it the same way."""

    code: str
    exponent: int
    symbol: str
    prefix: str
    suffix: str
    negative_prefix: str
    negative_suffix: str
    group: str
    decimal: str


@cache
def _current() -> tuple[str, ...]:
    territories: Iterable[list[tuple[str, object, object, bool]]]
    territories = get_global("territory_currencies").values()
    codes = {code for rows in territories for code, _start, end, tender in rows if tender and end is None}
    return tuple(sorted(codes - _ENDED))


def currencies() -> list[tuple[str, str]]:
    """Currencies that are legal tender somewhere now, as (code, "USD - US Dollar"), by code."""
    return [(code, f"{code} - {_LOCALE.currencies[code]}") for code in _current()]


@cache
def exponent(currency: str) -> int:
    """Decimals of the currency: JPY 0, USD 2, BHD 3. ValueError for a code nobody knows."""
    if currency not in _LOCALE.currencies:
        raise ValueError(f"There is no currency {currency!r}.")
    return get_currency_precision(currency)


def round_to(value: Decimal, places: int) -> Decimal:
    """The value at so many decimals, half-up away from zero; never a negative zero."""
    if not value.is_finite():
        raise ValueError("This is not a number.")
    rounded = value.quantize(Decimal((0, (1,), -places)), context=EXACT)
    return EXACT.abs(rounded) if rounded.is_zero() else rounded


def round_money(amount: Decimal, currency: str) -> Decimal:
    """The amount at the decimals of its currency (case 13)."""
    return round_to(amount, exponent(currency))


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Exact sum, whatever the precision of the surrounding decimal context."""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def plain(value: Decimal, min_places: int = 0) -> str:
    """For an input or a file: no thousands marks, no needless zeros: "20", "0.005"; at 2 places "50.00"."""
    text = f"{EXACT.abs(value) if value.is_zero() else value:f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(min_places, "0")
    return f"{whole}.{decimals}" if decimals else whole


@cache
def _currency_format(currency: str) -> CurrencyFormat:
    places = exponent(currency)
    pattern = _LOCALE.currency_formats["standard"]
    symbol = _LOCALE.currency_symbols.get(currency, currency)
    # CLDR's currency spacing: a letter would run into the digits ("CHF 50.00"), a sign does not ("CA$50.00").
    spaced = symbol if unicodedata.category(symbol[-1]).startswith("S") else symbol + _NO_BREAK_SPACE
    marks = _LOCALE.number_symbols["latn"]
    return {
        "code": currency,
        "exponent": places,
        "symbol": symbol,
        "prefix": pattern.prefix[0].replace("¤", spaced),
        "suffix": pattern.suffix[0],
        "negative_prefix": pattern.prefix[1].replace("¤", spaced),
        "negative_suffix": pattern.suffix[1],
        "group": marks["group"],
        "decimal": marks["decimal"],
    }


def currency_format(currency: str) -> CurrencyFormat:
    """How the currency is written, ready for JSON. Each caller gets its own copy."""
    return _currency_format(currency).copy()


def _write(text: str, form: CurrencyFormat, code: bool) -> str:
    """`text` is a plain decimal such as -1234.50."""
    negative = text.startswith("-")
    whole, _, decimals = text.lstrip("-").partition(".")
    head = len(whole) % 3 or 3
    groups = [whole[:head], *(whole[at : at + 3] for at in range(head, len(whole), 3))]
    number = form["group"].join(groups) + (form["decimal"] + decimals if decimals else "")
    if code and form["symbol"] == form["code"]:
        return f"{'-' if negative else ''}{number} {form['code']}"
    if negative:
        shown = form["negative_prefix"] + number + form["negative_suffix"]
    else:
        shown = form["prefix"] + number + form["suffix"]
    return f"{shown} {form['code']}" if code else shown


def format_money(amount: Decimal, currency: str, *, code: bool = False) -> str:
    """As the currency is written, rounded to its decimals: "$1,234.50", "-¥1,235", with code "$50.00 USD".

    A currency without a sign of its own shows its code once: "CHF 50.00" (no-break space), with code
    "50.00 CHF".
    """
    return _write(f"{round_money(amount, currency):f}", _currency_format(currency), code)


def format_price(price: Decimal, currency: str, *, code: bool = False, places: int = 0) -> str:
    """A unit price: like `format_money`, but with every decimal it has ("$0.0125"), and `places` at least."""
    return _write(plain(price, max(exponent(currency), places)), _currency_format(currency), code)


def places_of(amounts: Iterable[Decimal]) -> int:
    """The decimals of the one with the most, trailing zeros left out."""
    return max((len(plain(amount).partition(".")[2]) for amount in amounts), default=0)


_SPACES: Final = " \t\r\n\u00a0\u2009\u202f"
_LONGEST: Final = 60
_NUMBER: Final = re.compile(
    r"([+\-\u2212]?)"
    r"([1-9][0-9]{0,2}([, \u00a0\u2009\u202f])[0-9]{3}(?:\3[0-9]{3})*|[0-9]*)"
    r"(?:\.([0-9]*))?"
)
_ONLY_MARKS: Final = re.compile(r"[+\-\u2212]?[0-9., \u00a0\u2009\u202f]*[0-9][0-9., \u00a0\u2009\u202f]*")


def _digits(text: str) -> tuple[str, str, str]:
    """(sign, whole digits without leading zeros, decimals) of a typed number."""
    if not text:
        raise ValueError("Enter a number.")
    if len(text) > _LONGEST:
        raise ValueError("This is too long for a number.")
    match = _NUMBER.fullmatch(text)
    if match:
        sign, whole, _, decimals = match.groups(default="")
        whole = re.sub("[^0-9]", "", whole)
        if whole or decimals:
            return ("" if sign == "+" else sign), whole.lstrip("0"), decimals
    if _ONLY_MARKS.fullmatch(text):
        raise ValueError("Use a point for decimals and commas only between thousands, such as 1,234.50.")
    shown = text if len(text) <= 20 else text[:20] + "..."
    raise ValueError(f'"{shown}" is not a number. Write it like 1,234.50.')


def parse_decimal(text: str, *, places: int | None = None, max_digits: int = 20) -> Decimal:
    """A typed number such as "1,234.50" or " 1 234.50 ", exactly; ValueError in a clerk's words.

    Fits NUMERIC(max_digits, places): zeros beyond `places` are dropped, other digits there are refused.
    Without `places` only the count of all digits is limited. NaN, Infinity, exponents, letters and signs of
    currency are refused.
    """
    sign, whole, decimals = _digits(text.strip(_SPACES))
    if places is not None and len(decimals) > places:
        if decimals[places:].strip("0"):
            unit = "decimal" if places == 1 else "decimals"
            raise ValueError(f"Use at most {places} {unit}." if places else "Use a whole number.")
        decimals = decimals[:places]
    room = max_digits - (len(decimals) if places is None else places)
    if len(whole) > room:
        raise ValueError(
            f"Use at most {max_digits} digits."
            if places is None
            else f"This number is too big: use at most {room} digits before the point."
        )
    negative = "-" if sign and (whole + decimals).strip("0") else ""
    return Decimal(f"{negative}{whole or '0'}{'.' if decimals else ''}{decimals}")
