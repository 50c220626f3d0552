"""The functions that an invoice template may call. Each gives plain values and raises ValueError in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel import Locale
from babel import dates as babel_dates
from babel import numbers as babel_numbers
from babel.core import UnknownLocaleError
from markupsafe import Markup

from dashboard.documents.invoice_context import PrintedInvoice
from dashboard.documents.invoice_html import shown
from dashboard.documents.sandbox_values import number as checked_number
from dashboard.documents.sandbox_values import text as printed_text
from dashboard.documents.template_pages import pages_of
from dashboard.rules.figures import clock
from dashboard.rules.money import format_money, format_price, plain, round_money

LONGEST_PATTERN = 50
MOST_NUMBERS = 1000
_NAMED = ("short", "medium", "long", "full")

# Shown beside the editor.
EXPLAINED: tuple[tuple[str, str], ...] = (
    ("{{ date(invoice.date) }}", "2026-11-23"),
    ('{{ date(invoice.date, "d MMMM y") }}', "23 November 2026; also short, medium, long, full"),
    ('{{ date(invoice.date, "long", "de") }}', "in another language: 23. November 2026"),
    ("{{ money(totals.total) }}", "in the invoice's currency: $1,234.50; with code=true: $1,234.50 USD"),
    ('{{ money(totals.total, locale="de") }}', "1.234,50 $"),
    ("{{ price(line.unit_price) }}", "with all its decimals: $0.0125"),
    ("{{ number(line.quantity) }}", "1,250.5; number(x, 2) with two decimals; locale as above"),
    ("{{ percent(line.tax_percent) }}", "20%"),
    ("{{ duration(line.duration) }}", "seconds as 1:02:03"),
    ("{{ minutes(line.duration) }}", "seconds as minutes with two decimals: 62.05"),
    ("{{ paragraphs(account.payment_details) }}", "a text with its line ends"),
    ("{{ shown(company.name) }}", "a text in which words from right to left keep their place"),
    ("{% for n in range(3) %}", "0, 1, 2"),
    ("{% for page in pages() %}", "the pages, each with its lines (below)"),
)
PAGES: tuple[tuple[str, str], ...] = (
    (
        'pages("standard", top=520)',
        "style standard or compact; top, later_top, bottom, width, description: pixels",
    ),
    ("page.number, count, first, last", "page n of m"),
    ("page.top, bottom, height", "where the lines begin, where the foot begins, of 1456"),
    ("page.table", "true where the page has the table of lines"),
    ("page.rows", "row.text (list of lines), dates, quantity, unit_price, net, tax, total, height"),
    ("row.line", "the line itself, with all its values; row.starts is false where a long text goes on"),
    ("page.columns", "columns.description, columns.figures (heading, width), columns.size"),
    ("page.totals", "set on the page where the totals stand: height"),
    ("page.taxes", "rows of the tax summary: name (list of lines), percent, net, tax, height"),
    ("page.texts", "payment details and notes: heading, lines, height"),
)


@dataclass(frozen=True)
class Paper:
    """The invoice that is being printed."""

    printed: PrintedInvoice
    currency: str
    lines: list[dict[str, Any]]


paper: ContextVar[Paper] = ContextVar("template_paper")


def _locale(name: Any) -> Locale:
    try:
        return Locale.parse(str(name).replace("-", "_")[:20])
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise ValueError(
            f"There is no language “{str(name)[:20]}”. Write it like en, de or pt_BR."
        ) from error


def _date(value: Any, form: Any = "iso", locale: Any = "en") -> str:
    """A date as 2026-11-23, or by a pattern such as "d MMMM y"."""
    if value is None or value == "":
        return ""
    if not isinstance(value, dt.date):
        raise ValueError("date() takes a date.")
    if form == "iso":
        return value.isoformat()[:10]
    pattern = str(form)
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"The pattern of a date has at most {LONGEST_PATTERN} characters.")
    language = _locale(locale)
    try:
        return str(babel_dates.format_date(value, pattern, locale=language))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise ValueError("This pattern of a date can't be used. Write it like d MMMM y.") from error


def _money(amount: Any, *, code: Any = False, currency: Any = None, locale: Any = None) -> str:
    found = Decimal(checked_number(amount))
    unit = _currency(currency)
    if locale is None:
        return format_money(found, unit, code=bool(code))
    rounded = round_money(found, unit)
    return str(babel_numbers.format_currency(rounded, unit, locale=_locale(locale)))


def _currency(given: Any) -> str:
    unit = str(given or paper.get().currency)
    if given is not None and unit not in babel_numbers.list_currencies():
        raise ValueError(f"There is no currency “{unit[:10]}”.")
    return unit


def _price(amount: Any, *, code: Any = False) -> str:
    return format_price(Decimal(checked_number(amount)), paper.get().currency, code=bool(code))


def _number(value: Any, places: Any = None, locale: Any = "en") -> str:
    found = Decimal(checked_number(value))
    if places is None:
        decimals = len(plain(found).partition(".")[2])
    else:
        decimals = _whole(places, 0, 12, "number() takes 0 to 12 places.")
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(babel_numbers.format_decimal(found, pattern, locale=_locale(locale)))


def _whole(value: Any, low: int, high: int, said: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(said)
    return value


def _percent(value: Any) -> str:
    return f"{plain(Decimal(checked_number(value)))}%"


def _duration(seconds: Any) -> str:
    return "" if seconds is None else clock(checked_number(seconds))


def _minutes(seconds: Any, locale: Any = "en") -> str:
    return "" if seconds is None else _number(Decimal(checked_number(seconds)) / 60, 2, locale)


def _paragraphs(value: Any) -> Markup:
    lines = printed_text(value).splitlines()
    return Markup("<br>").join(shown(line) for line in lines)


def _shown(value: Any) -> Markup:
    return shown(printed_text(value))


def _range(*bounds: Any) -> list[int]:
    said = f"range() takes one to three whole numbers, and makes at most {MOST_NUMBERS:,}."
    if not 1 <= len(bounds) <= 3 or any(not isinstance(bound, int) for bound in bounds):
        raise ValueError(said)
    if len(bounds) == 3 and bounds[2] == 0:
        raise ValueError(said)
    numbers = range(*bounds)
    if not -(10**12) < numbers.start < 10**12 or len(numbers[: MOST_NUMBERS + 1]) > MOST_NUMBERS:
        raise ValueError(said)
    return list(numbers)


def _pages(style: Any = "standard", **measures: Any) -> list[dict[str, Any]]:
    here = paper.get()
    return pages_of(here.printed, here.lines, str(style), **measures)


HELPERS: dict[str, Callable[..., Any]] = {
    "date": _date,
    "money": _money,
    "price": _price,
    "number": _number,
    "percent": _percent,
    "duration": _duration,
    "minutes": _minutes,
    "paragraphs": _paragraphs,
    "shown": _shown,
    "range": _range,
    "pages": _pages,
}
