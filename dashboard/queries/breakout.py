"""Reports > Breakout: usage added up by any dimensions in any order, as a tree, from the ledger of days.

Every row is of one customer currency and one provider currency: amounts in two of them are two rows. A row's
children are its own calls again, divided by the next dimension, so they add up to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import BigInteger, ColumnElement, Date, Select, any_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from dashboard.extensions import db
from dashboard.models import Customer, Provider, UsageDay
from dashboard.rules.figures import Figures, total

# So many rows of a level are shown; what follows stands in one row, so that the level still adds up.
MOST_ROWS = 200
NOBODY = "No provider"
UNNAMED = "No destination"
# A cost without a provider came with the file, in the customer's currency.
COST_CURRENCY = func.coalesce(Provider.currency, Customer.currency)


@dataclass(frozen=True)
class Dimension:
    """What usage is added up by. `read` takes a key from a URL; ValueError where it is none."""

    label: str
    key: Any
    read: Callable[[str], Any]
    # The text of a key in a file.
    text: Any


def _number(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(text)
    return int(text)


def _start(unit: str) -> ColumnElement[Any]:
    # Written out: as a parameter it would be another expression in GROUP BY than in the columns.
    return cast(func.date_trunc(literal(unit, literal_execute=True), UsageDay.day), Date)


def _week() -> ColumnElement[Any]:
    return _start("week")


def _month() -> ColumnElement[Any]:
    return _start("month")


DIMENSIONS: Mapping[str, Dimension] = {
    "customer": Dimension("Customer", UsageDay.customer_id, _number, Customer.name),
    "provider": Dimension("Provider", UsageDay.provider_id, _number, func.coalesce(Provider.name, NOBODY)),
    "destination": Dimension("Customer Destination", UsageDay.destination, str, UsageDay.destination),
    "provider_destination": Dimension(
        "Provider Destination", UsageDay.provider_destination, str, UsageDay.provider_destination
    ),
    "day": Dimension("Day", UsageDay.day, dt.date.fromisoformat, UsageDay.day),
    "week": Dimension("Week", _week(), dt.date.fromisoformat, _week()),
    "month": Dimension("Month", _month(), dt.date.fromisoformat, _month()),
}
TIMES = ("day", "week", "month")
SORTS = (
    "label",
    "charge",
    "cost",
    "profit",
    "profit_percent",
    "asr",
    "acd",
    "attempts",
    "connected",
    "duration",
)
MONEY = ("charge", "cost", "profit")


@dataclass(frozen=True)
class Path:
    """Where a row stands in the tree: its two currencies, and the key of each dimension down to it."""

    currency: str
    cost_currency: str
    keys: tuple[str, ...]

    def token(self) -> str:
        return "|".join(quote(part, safe="") for part in (self.currency, self.cost_currency, *self.keys))

    @classmethod
    def read(cls, token: str) -> Path:
        currency, cost_currency, *keys = (unquote(part) for part in token.split("|"))
        return cls(currency, cost_currency, tuple(keys))


@dataclass(frozen=True)
class Ask:
    """What is asked for. Days are the customers' own, both included; no customers or providers means all."""

    first: dt.date
    last: dt.date
    groups: tuple[str, ...]
    customers: tuple[int, ...] = ()
    providers: tuple[int, ...] = ()
    sort: str = ""
    opened: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Node:
    """One row. `path` is None for what is left of a level that is too long to show."""

    label: str
    level: int
    currency: str
    cost_currency: str
    figures: Figures
    cost: Decimal
    path: Path | None = None
    openable: bool = False
    opened: bool = False


@dataclass
class Tree:
    rows: list[Node] = field(default_factory=list)
    totals: list[Node] = field(default_factory=list)


def tree(ask: Ask) -> Tree:
    """The first level with everything that is opened below it, and its totals, one a pair of currencies."""
    found = Tree()
    top = _level(ask, None)
    found.totals = [_sum("Total", 0, nodes) for nodes in _by_currency(top)]
    _append(ask, found, top)
    return found


def _append(ask: Ask, found: Tree, nodes: list[Node]) -> None:
    for node in nodes[:MOST_ROWS]:
        found.rows.append(node)
        if node.opened and node.path is not None:
            _append(ask, found, _level(ask, node.path))
    rest = nodes[MOST_ROWS:]
    for left in _by_currency(rest):
        found.rows.append(_sum(f"{len(left):,} more", left[0].level, left))


def _by_currency(nodes: Sequence[Node]) -> list[list[Node]]:
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        groups.setdefault((node.currency, node.cost_currency), []).append(node)
    return [groups[pair] for pair in sorted(groups)]


def _sum(label: str, level: int, nodes: Sequence[Node]) -> Node:
    cost = sum((node.cost for node in nodes), Decimal(0))
    figures = total(node.figures for node in nodes)
    return Node(label, level, nodes[0].currency, nodes[0].cost_currency, figures, cost)


def _level(ask: Ask, above: Path | None) -> list[Node]:
    """The rows below a row, in order."""
    depth = len(above.keys) if above is not None else 0
    name = ask.groups[depth]
    key = DIMENSIONS[name].key.label("key")
    currency, cost_currency = Customer.currency.label("currency"), COST_CURRENCY.label("cost_currency")
    statement = select(key, currency, cost_currency, *_sums()).group_by(key, currency, cost_currency)
    statement = asked(ask, statement)
    if above is not None:
        statement = statement.where(*_below(ask, above))
    found = db.session.execute(statement).all()
    labels = _labels(name, [row.key for row in found])
    nodes = []
    for row in found:
        keys = (*(above.keys if above is not None else ()), "" if row.key is None else str(row.key))
        path = Path(row.currency, row.cost_currency, keys)
        openable = depth + 1 < len(ask.groups)
        opened = openable and path.token() in ask.opened
        same = row.currency == row.cost_currency
        figures = Figures(
            int(row.attempts),
            int(row.connected),
            row.duration,
            int(row.billed_duration),
            row.charge,
            row.cost if same else None,
        )
        label = labels[row.key]
        nodes.append(
            Node(label, depth, row.currency, row.cost_currency, figures, row.cost, path, openable, opened)
        )
    return _sorted(nodes, ask.sort, name)


def _sums() -> list[ColumnElement[Any]]:
    names = ("attempts", "connected", "duration", "billed_duration", "charge", "cost")
    return [func.sum(getattr(UsageDay, name)).label(name) for name in names]


def asked(ask: Ask, statement: Select[Any]) -> Select[Any]:
    """The statement over the ledger, held to the days, customers and providers that are asked for."""
    statement = (
        statement.select_from(UsageDay)
        .join(Customer, Customer.id == UsageDay.customer_id)
        .outerjoin(Provider, Provider.id == UsageDay.provider_id)
        .where(UsageDay.day >= ask.first, UsageDay.day <= ask.last)
    )
    if ask.customers:
        statement = statement.where(
            UsageDay.customer_id == any_(cast(list(ask.customers), ARRAY(BigInteger)))
        )
    if ask.providers:
        statement = statement.where(
            UsageDay.provider_id == any_(cast(list(ask.providers), ARRAY(BigInteger)))
        )
    return statement


def _below(ask: Ask, above: Path) -> Iterator[ColumnElement[bool]]:
    yield Customer.currency == above.currency
    yield literal(above.cost_currency) == COST_CURRENCY
    for name, text in zip(ask.groups, above.keys, strict=False):
        dimension = DIMENSIONS[name]
        value = dimension.read(text)
        yield dimension.key.is_(None) if value is None else dimension.key == value


def is_path(token: str, groups: Sequence[str]) -> bool:
    """Whether a token of a URL could be a row of a tree by these dimensions that has children."""
    try:
        path = Path.read(token)
        if not 0 < len(path.keys) < len(groups) or "\x00" in token or "%00" in token:
            return False
        for name, text in zip(groups, path.keys, strict=False):
            DIMENSIONS[name].read(text)
    except ValueError:
        return False
    return path.token() == token


def _labels(name: str, keys: Sequence[Any]) -> dict[Any, str]:
    """What each key is called."""
    if name in ("customer", "provider"):
        model: Any = Customer if name == "customer" else Provider
        wanted = cast([key for key in keys if key is not None], ARRAY(BigInteger))
        found = db.session.execute(select(model.id, model.name).where(model.id == any_(wanted)))
        return {None: NOBODY, **{row.id: row.name for row in found}}
    if name == "week":
        return {key: f"{key} to {key + dt.timedelta(days=6)}" for key in keys}
    if name == "month":
        return {key: f"{key:%Y-%m}" for key in keys}
    return {key: str(key) or UNNAMED for key in keys}


def _sorted(nodes: list[Node], sort: str, name: str) -> list[Node]:
    """By what is asked for; else days in their order, and the rest by what is charged, the most first.

    Amounts are compared within their currency only.
    """
    wanted = sort or ("label" if name in TIMES else "-charge")
    column, descending = wanted.removeprefix("-"), wanted.startswith("-")
    nodes.sort(key=lambda node: (node.label.casefold(), node.currency, node.cost_currency))
    if column == "label":
        return nodes[::-1] if descending else nodes
    known = [node for node in nodes if _value(node, column) is not None]
    unknown = [node for node in nodes if _value(node, column) is None]
    known.sort(key=lambda node: _value(node, column), reverse=descending)
    if column in MONEY:
        known.sort(key=lambda node: node.cost_currency if column == "cost" else node.currency)
    return known + unknown


def _value(node: Node, column: str) -> Any:
    return node.cost if column == "cost" else getattr(node.figures, column)
