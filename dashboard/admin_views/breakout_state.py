"""What a breakout shows, and its address: the same words both ways.

    ?dates=last_month&group=customer&group=destination&customer=3&sort=-charge&open=USD|USD|3

`dates` names a span that moves with the calendar; without it `from` and `to` are two days, both included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from dashboard.queries.breakout import DIMENSIONS, SORTS, Ask, is_path
from dashboard.rules.periods import add_months

PRESETS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "last_7_days": "Last 7 days",
    "last_week": "Last week",
    "this_month": "This month",
    "last_month": "Last month",
    "last_3_months": "Last 3 months",
    "this_year": "This year",
}
USUAL = "last_month"
USUAL_GROUPS = ("customer", "destination")
MOST_CHOSEN = 100
# Each open row is a query.
MOST_OPEN = 50
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Report:
    """`preset` is "" where two days are given. With `problems` (by field, in words) nothing is shown."""

    ask: Ask
    preset: str
    problems: dict[str, str] = field(default_factory=dict)


def resolved(preset: str, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first and last day of a preset."""
    month = today.replace(day=1)
    monday = today - DAY * today.weekday()
    spans = {
        "today": (today, today),
        "yesterday": (today - DAY, today - DAY),
        "last_7_days": (today - 6 * DAY, today),
        "last_week": (monday - 7 * DAY, monday - DAY),
        "this_month": (month, today),
        "last_month": (add_months(month, -1), month - DAY),
        "last_3_months": (add_months(month, -3), month - DAY),
        "this_year": (today.replace(month=1, day=1), today),
    }
    return spans[preset]


def read(args: MultiDict[str, str], today: dt.date) -> Report:
    problems: dict[str, str] = {}
    preset = args.get("dates", "")
    given = args.get("from", "") or args.get("to", "")
    if preset not in PRESETS:
        if preset and preset != "days":
            problems["dates"] = "Choose the dates from the list."
        preset = "" if given else USUAL
    first, last = resolved(preset or USUAL, today)
    if not preset:
        first = _day(args, "from", problems) or first
        last = _day(args, "to", problems) or last
        if not problems and first > last:
            problems["to"] = "This is before the first day."
    groups = tuple(dict.fromkeys(name for name in args.getlist("group") if name))
    if any(name not in DIMENSIONS for name in groups):
        problems["group"] = "Choose what to group by from the list."
        groups = tuple(name for name in groups if name in DIMENSIONS)
    groups = groups or USUAL_GROUPS
    sort = args.get("sort", "")
    ask = Ask(
        first=first,
        last=last,
        groups=groups,
        customers=_keys(args, "customer", problems),
        providers=_keys(args, "provider", problems),
        sort=sort if sort.removeprefix("-") in SORTS else "",
        opened=frozenset([one for one in args.getlist("open") if is_path(one, groups)][:MOST_OPEN]),
    )
    return Report(ask, preset, problems)


def _day(args: MultiDict[str, str], name: str, problems: dict[str, str]) -> dt.date | None:
    try:
        found = dt.date.fromisoformat(args.get(name, "").strip())
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 2999:
        problems[name] = "Please give a date such as 2026-01-31."
        return None
    return found


def _keys(args: MultiDict[str, str], name: str, problems: dict[str, str]) -> tuple[int, ...]:
    found = [text for text in args.getlist(name) if text.strip()]
    fine = [text for text in found if text.isascii() and text.isdigit() and len(text) <= 18]
    if len(fine) < len(found) or len(fine) > MOST_CHOSEN:
        problems[name] = f"Choose up to {MOST_CHOSEN} from the list."
        return ()
    return tuple(dict.fromkeys(int(text) for text in fine))


def address(report: Report, *, sort: str | None = None, turned: str = "") -> str:
    """The query string of a report, sorted anew, or with one row opened or closed."""
    ask = report.ask
    pairs: list[tuple[str, str]] = []
    if report.preset:
        pairs.append(("dates", report.preset))
    else:
        pairs += [("from", ask.first.isoformat()), ("to", ask.last.isoformat())]
    pairs += [("group", name) for name in ask.groups]
    pairs += [("customer", str(key)) for key in ask.customers]
    pairs += [("provider", str(key)) for key in ask.providers]
    wanted = ask.sort if sort is None else sort
    if wanted:
        pairs.append(("sort", wanted))
    pairs += [("open", token) for token in _opened(ask.opened, turned)]
    return "?" + urlencode(pairs, safe="|")


def _opened(opened: Iterable[str], turned: str) -> list[str]:
    """With `turned` opened; or closed, together with all below it."""
    if turned in opened:
        return sorted(token for token in opened if token != turned and not token.startswith(f"{turned}|"))
    return sorted({*opened, turned} - {""})
