"""How values look on screen: money, dates, badges, links. Everything is escaped here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from dashboard.admin_views.answers import macro
from dashboard.queries.listing import Column
from dashboard.rules.money import format_money, format_price, places_of, plain

NOTHING = Markup('<span class="muted" aria-label="nothing">–</span>')


def money(amount: Decimal | None, currency: str) -> Markup:
    """An amount as its currency is written, with the ISO code beside it."""
    if amount is None:
        return NOTHING
    sign = " neg" if amount < 0 else "" if amount else " zero"
    return Markup('<span class="money{}">{}<span class="cur">{}</span></span>').format(
        sign, format_money(amount, currency), currency
    )


def cell(column: Column, values: Mapping[str, Any]) -> Markup:
    """One cell of a list as HTML."""
    value = values[column.shows or column.name]
    if value in (None, "", []):
        return Markup('<span class="muted">{}</span>').format(column.blank) if column.blank else NOTHING
    if column.kind == "money":
        return money(value, values[column.currency])
    if column.price:
        return escape(_price(column, values, value))
    if column.badge:
        return badge(str(value), column.choices.get(value))
    if column.kind == "number" and isinstance(value, Decimal):
        return escape(grouped(value))
    return escape(text(column, value))


def plain_cell(column: Column, values: Mapping[str, Any]) -> str:
    """One cell as words, for labels."""
    value = values[column.shows or column.name]
    if value in (None, "", []):
        return column.blank
    if column.kind == "money":
        return format_money(value, values[column.currency], code=True)
    if column.price:
        return _price(column, values, value)
    return text(column, value)


def _price(column: Column, values: Mapping[str, Any], value: Decimal) -> str:
    currency = values[column.currency]
    return format_price(value, currency, places=column.places.get(currency, 0))


def evenly(columns: Sequence[Column], rows: Sequence[Any]) -> list[Column]:
    """The columns, those with prices told how many decimals they need in each currency of these rows."""
    return [replace(one, places=_places(one, rows)) if one.price else one for one in columns]


def _places(column: Column, rows: Sequence[Any]) -> dict[str, int]:
    needed: dict[str, list[Decimal]] = {}
    for row in rows:
        values = row._mapping
        if values[column.name] is not None:
            needed.setdefault(values[column.currency], []).append(values[column.name])
    return {currency: places_of(amounts) for currency, amounts in needed.items()}


def grouped(value: Decimal) -> str:
    """With thousands marks, as amounts have them: 6,311.11"""
    whole, dot, decimals = plain(value).partition(".")
    return f"{int(whole):,}{dot}{decimals}" if whole.lstrip("-") else plain(value)


def text(column: Column, value: Any) -> str:
    """A value as plain text."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return column.choices.get(value, str(value))


def raw(column: Column, values: Mapping[str, Any]) -> str:
    """What the in-place editor starts from."""
    name = column.editable if column.editable in values else column.name
    value = values[name]
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return plain(value) if isinstance(value, Decimal) else str(value)


def badge(status: str, label: str | None = None) -> Markup:
    """A status as an icon and a word."""
    html: Markup = macro("badge")(status, label)
    return html
