"""What became different between an invoice as it was previewed and as it would be made now, in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashboard.rules.money import format_money

# So many differences are told; the reader then works the run out again.
MOST = 5
LONGEST = 480
_HEADS = {
    "currency": "the currency",
    "tax_mode": "the way tax is worked out",
    "tax_inclusive": "whether prices include tax",
    "due_days": "the days until it is due",
}
_YES = {True: "yes", False: "no"}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """A sentence a difference; `before` and `after` are what `Plan.said` says."""
    found = [
        f"{words[0].upper()}{words[1:]}: {_plainly(before.get(name))} before, {_plainly(after.get(name))} now"
        for name, words in _HEADS.items()
        if before.get(name) != after.get(name)
    ]
    found += _lines(before, after)
    told = found[:MOST]
    if len(found) > MOST:
        told.append(f"and {len(found) - MOST} more")
    return f"Changed since the preview. {'; '.join(told) or 'Its lines are in another order'}."[:LONGEST]


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    currency = str(after.get("currency") or before.get("currency"))
    old, new = _by_name(before), _by_name(after)
    found: list[str] = []
    for name in [*old, *(name for name in new if name not in old)]:
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if was is None or now is None:
            line = now or was or {}
            said = "new" if was is None else "gone"
            found.append(f"{name} is {said}: {_money(line, currency)}")
        elif was["net"] != now["net"]:
            found.append(f"{name}: {_money(was, currency)} before, {_money(now, currency)} now")
        else:
            found.append(f"{name}: {_fields(was, now)}")
    return found


def _by_name(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The lines by what a reader knows them by; several of the same name are numbered."""
    found: dict[str, dict[str, Any]] = {}
    for line in said.get("lines", []):
        name = line["description"]
        if line["date_from"] and line["date_from"] == line["date_to"]:
            name = f"{name} ({line['date_from']})"
        times = sum(1 for known in found if known == name or known.startswith(f"{name}, no. "))
        found[f"{name}, no. {times + 1}" if times else name] = line
    return found


def _fields(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs in a line that comes to the same."""
    said = [
        f"{name.replace('_', ' ')} {was[name]} before, {now[name]} now"
        for name in was
        if was[name] != now.get(name)
    ]
    return ", ".join(said[:2])


def _money(line: Mapping[str, Any], currency: str) -> str:
    return format_money(Decimal(line["net"]), currency, code=True)


def _plainly(value: object) -> str:
    return _YES[value] if isinstance(value, bool) else str(value).replace("_", " ")
