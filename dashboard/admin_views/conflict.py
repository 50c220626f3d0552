"""Two people saved the same record: what each of them wants, field by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.admin_views.field_types import ChoiceField, LookupField
from dashboard.admin_views.forms import Form
from dashboard.admin_views.show import grouped
from dashboard.rules.money import plain


def conflict_rows(mine: Form, theirs: Form) -> list[dict[str, Any]]:
    """The fields that differ: label, what the reader typed, what is saved now."""
    other = theirs.values()
    return [
        {
            "name": name,
            "label": mine[name].label.text,
            "yours": as_text(mine[name], value),
            "theirs": as_text(theirs[name], other[name]),
        }
        for name, value in mine.values().items()
        if (value or None) != (other[name] or None)
    ]


def facts(form: Form) -> list[dict[str, str]]:
    """A record as labels and values, from its form; empty fields are left out."""
    return [
        {
            "label": form[name].label.text,
            "value": grouped(value) if isinstance(value, Decimal) else as_text(form[name], value),
        }
        for name, value in form.values().items()
        if value not in (None, "", [])
    ]


def as_text(field: Any, value: Any) -> str:
    """A field's value as a person reads it."""
    if value in (None, "", []):
        return "empty"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(field, LookupField):
        return field.current_label() or f"#{value}"
    if isinstance(field, ChoiceField):
        return str(dict(field.pairs()).get(str(value), value))
    if isinstance(value, list) and isinstance(value[0], dict):
        return "; ".join(_line(row) for row in value)
    if isinstance(value, list):
        labels = {str(choice.value): choice.label for choice in getattr(field, "choices", None) or ()}
        return ", ".join(str(labels.get(str(one), one)) for one in value)
    return plain(value) if isinstance(value, Decimal) else str(value)


def _line(row: dict[str, Any]) -> str:
    """An invoice line in a few words: `10 × 5.00 Rental at 20 %`."""
    numbers = [row.get(name) for name in ("quantity", "unit_price", "tax_percent")]
    quantity, price, percent = ("?" if one is None else plain(one) for one in numbers)
    return f"{quantity} × {price} {row.get('description') or ''} at {percent} %".replace("  ", " ")
