"""The filters and tests that a template may use: each pays for what it makes, before it makes it.

Jinja's own are not used. Some of them make gigabytes of a short word (`center`, `indent`, `%`), some reach
into objects (`attr`, `format`), and some count with binary fractions (`round`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from jinja2 import Undefined, pass_environment
from markupsafe import Markup, escape

from dashboard.documents.sandbox_budget import Refusal, budget, counted
from dashboard.documents.sandbox_values import SCALARS, number, scalar, sized, text

Filter = Callable[..., Any]


def join_pieces(pieces: Iterable[Any], separator: Any = "") -> str:
    """All in a row. Where one is ready HTML, the others are escaped."""
    between = text(separator)
    found: list[str] = []
    for piece in pieces:
        found.append(text(piece))
        budget().spend_text(len(found[-1]) + len(between))
    if any(isinstance(piece, Markup) for piece in (between, *found)):
        return escape(between).join(map(escape, found))
    return between.join(found)


def cut_out(value: Any, start: Any = None, stop: Any = None, step: Any = None) -> Any:
    if isinstance(value, str):
        budget().spend_text(len(value))
    else:
        value = listed(value)
    return value[slice(start, stop, step)]


def exact(written: str) -> Decimal:
    """A number with a point, as written in the template."""
    found = Decimal(written)
    sized(found)
    return found


def listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        budget().spend(len(value))
        return list(value)
    if isinstance(value, SCALARS):
        raise Refusal("This is one value, and there is nothing to go through one by one.")
    return list(counted(value))


def walk(value: Any, units: int) -> Iterable[Any]:
    """What a `for` goes through; each round costs what its body holds."""
    if isinstance(value, SCALARS) and not isinstance(value, str):
        raise Refusal("A loop needs a list; this is one value.")
    return counted(value, units)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict) else len(listed(value))


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    return instead if isinstance(value, Undefined) or (boolean and not value) else value


def _replace(value: Any, old: Any, new: Any) -> str:
    whole, before, after = text(value), text(old), text(new)
    if isinstance(whole, Markup):
        whole = str(whole)
    if not before:
        raise Refusal("`replace` needs a text to look for.")
    budget().spend_text(len(whole) + whole.count(before) * max(0, len(after) - len(before)))
    return whole.replace(str(before), str(after))


def _truncate(value: Any, length: int = 255, end: str = "…") -> str:
    whole = str(text(value))
    return whole if len(whole) <= length else whole[: max(0, length - len(end))].rstrip() + end


def _round(value: Any, places: int = 0) -> Decimal:
    if not 0 <= places <= 12:
        raise Refusal("`round` takes 0 to 12 places.")
    return Decimal(number(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _int(value: Any, instead: int = 0) -> int:
    try:
        return int(sized(Decimal(text(value).strip())))
    except (InvalidOperation, ValueError):
        return instead


def _sum(attributed: Callable[[Any], Any], items: list[Any]) -> int | Decimal:
    total: int | Decimal = 0
    for item in items:
        total = sized(total + number(attributed(item)))
    return total


def _batch(value: Any, size: int, fill: Any = None) -> list[list[Any]]:
    if not 1 <= size <= 1000:
        raise Refusal("`batch` makes groups of 1 to 1000.")
    items = listed(value)
    groups = [items[start : start + size] for start in range(0, len(items), size)]
    if groups and fill is not None:
        groups[-1] += [fill] * (size - len(groups[-1]))
    return groups


def _order(value: Any) -> tuple[str, Any]:
    """Sorts a mixture, too: kind by kind, small and capital letters alike."""
    found = scalar(value)
    if found is None:
        return ("", 0)
    if isinstance(found, str):
        return ("text", found.casefold())
    return ("number" if isinstance(found, int | Decimal) else type(found).__name__, found)


@pass_environment
def _sort(environment: Any, value: Any, reverse: bool = False, attribute: Any = None) -> list[Any]:
    key = _attribute(environment, attribute)
    return sorted(listed(value), key=lambda item: _order(key(item)), reverse=bool(reverse))


@pass_environment
def _unique(environment: Any, value: Any, attribute: Any = None) -> list[Any]:
    key = _attribute(environment, attribute)
    found: dict[Any, Any] = {}
    for item in listed(value):
        found.setdefault(_order(key(item)), item)
    return list(found.values())


@pass_environment
def _groupby(environment: Any, value: Any, attribute: str) -> list[dict[str, Any]]:
    key = _attribute(environment, attribute)
    items = sorted(listed(value), key=lambda item: _order(key(item)))
    return [
        {"grouper": key(group[0]), "list": group}
        for group in (list(found) for _, found in itertools.groupby(items, lambda item: _order(key(item))))
    ]


@pass_environment
def _map(environment: Any, value: Any, name: str | None = None, *, attribute: Any = None) -> list[Any]:
    if name is None:
        return [_attribute(environment, attribute)(item) for item in listed(value)]
    if name not in FILTERS:
        raise Refusal(f"There is no filter “{name}”.")
    return [environment.call_filter(name, item) for item in listed(value)]


@pass_environment
def _add_up(environment: Any, value: Any, attribute: Any = None) -> int | Decimal:
    return _sum(_attribute(environment, attribute), listed(value))


def _picker(wanted: bool) -> Filter:
    @pass_environment
    def pick(environment: Any, value: Any, attribute: str, test: str = "truth", *more: Any) -> list[Any]:
        holds = TESTS.get(test)
        if holds is None:
            raise Refusal(f"There is no test “{test}”.")
        key = _attribute(environment, attribute)
        return [item for item in listed(value) if bool(holds(key(item), *more)) is wanted]

    return pick


def _attribute(environment: Any, name: str | None) -> Callable[[Any], Any]:
    if name is None:
        return lambda item: item

    def get(item: Any) -> Any:
        for part in text(name).split("."):
            item = environment.getitem(item, int(part) if part.isdigit() else part)
        return item

    return get


def _extreme(choose: Callable[..., Any]) -> Filter:
    return lambda value: choose(listed(value), key=_order, default=None)


def _end(at: int) -> Filter:
    def end(value: Any) -> Any:
        items = value if isinstance(value, str) else listed(value)
        return items[at] if items else None

    return end


def _textual(change: Callable[[str], str]) -> Filter:
    def changed(value: Any) -> str:
        whole = text(value)
        budget().spend_text(len(whole))
        # Upper case can be three times as long, for a handful of letters.
        return change(str(whole))

    return changed


def _escape(value: Any) -> Markup:
    whole = text(value)
    budget().spend_text(6 * len(whole))
    return escape(whole)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(counted(value.items())) if isinstance(value, dict) else []


def _truth(value: Any) -> bool:
    return bool(value)


def _compare(check: Callable[[Any, Any], Any]) -> Filter:
    return lambda left, right: check(scalar(left), scalar(right))


def _whole(value: Any) -> int:
    found = number(value)
    if not isinstance(found, int):
        raise Refusal("This needs a whole number.")
    return found


# Written into the tree by the guard. No template can name them: a filter's name has no blank.
HIDDEN: Mapping[str, Filter] = {
    "walked through": walk,
    "joined pieces": join_pieces,
    "cut out": cut_out,
    "exact number": exact,
    "one value": scalar,
}
FILTERS: dict[str, Filter] = {
    "abs": lambda value: abs(number(value)),
    "batch": _batch,
    "capitalize": _textual(str.capitalize),
    "count": _length,
    "d": _default,
    "default": _default,
    "dictsort": lambda value: sorted(_items(value), key=lambda item: item[0]),
    "e": _escape,
    "escape": _escape,
    "first": _end(0),
    "groupby": _groupby,
    "int": _int,
    "items": _items,
    "join": join_pieces,
    "last": _end(-1),
    "length": _length,
    "list": listed,
    "lower": _textual(str.lower),
    "map": _map,
    "max": _extreme(max),
    "min": _extreme(min),
    "rejectattr": _picker(False),
    "replace": _replace,
    "reverse": lambda value: cut_out(value, None, None, -1),
    "round": _round,
    "selectattr": _picker(True),
    "sort": _sort,
    "string": text,
    "sum": _add_up,
    "title": _textual(str.title),
    "trim": _textual(str.strip),
    "truncate": _truncate,
    "unique": _unique,
    "upper": _textual(str.upper),
}
TESTS: dict[str, Filter] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None,
    "truth": _truth,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | Decimal),
    "even": lambda value: _whole(value) % 2 == 0,
    "odd": lambda value: _whole(value) % 2 == 1,
    "divisibleby": lambda value, by: _whole(value) % _whole(by) == 0,
    "eq": _compare(lambda left, right: left == right),
    "equalto": _compare(lambda left, right: left == right),
    "ne": _compare(lambda left, right: left != right),
    "lt": _compare(lambda left, right: left < right),
    "le": _compare(lambda left, right: left <= right),
    "gt": _compare(lambda left, right: left > right),
    "ge": _compare(lambda left, right: left >= right),
    "in": lambda value, among: scalar(value) in among,
}
