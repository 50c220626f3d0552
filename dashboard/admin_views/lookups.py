"""Remote drop-downs: what each endpoint's `/ajax/lookup/` finds, and the label of a key already chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from dashboard.extensions import db

MOST = 20


@dataclass(frozen=True)
class Lookup:
    """`find(words, extra)` answers rows as {"value", "text", "note"}; `label(key)` the text of one."""

    find: Callable[[str, dict[str, str]], list[dict[str, Any]]]
    label: Callable[[int], str]


_lookups: dict[str, Lookup] = {}


def register(endpoint: str, lookup: Lookup) -> None:
    _lookups[endpoint] = lookup


def get(endpoint: str) -> Lookup | None:
    return _lookups.get(endpoint)


def label_of(endpoint: str, key: int) -> str:
    return _lookups[endpoint].label(key)


def by_name(model: Any, *, name: Any, note: Any = None, order: Any = None, conditions: Any = None) -> Lookup:
    """A lookup over one model by a name column: prefixes first, then anywhere in the name."""

    def find(words: str, extra: dict[str, str]) -> list[dict[str, Any]]:
        columns = [model.id, name, *([note] if note is not None else [])]
        statement = select(*columns)
        if conditions is not None:
            statement = statement.where(*conditions(extra))
        if words:
            statement = statement.where(name.icontains(words, autoescape=True))
            statement = statement.order_by(name.istartswith(words, autoescape=True).desc())
        statement = statement.order_by(order if order is not None else name, model.id).limit(MOST)
        return [
            {
                "value": str(row[0]),
                "text": str(row[1]),
                "note": str(row[2]) if len(row) > 2 and row[2] else "",
            }
            for row in db.session.execute(statement)
        ]

    def label(key: int) -> str:
        return db.session.scalar(select(name).where(model.id == key)) or ""

    return Lookup(find, label)
