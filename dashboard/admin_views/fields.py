"""Form fields: thin factories over WTForms, so that a form reads as a declaration."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from dashboard.admin_views.field_types import (
    ChoiceField,
    Choices,
    ChoicesField,
    DayField,
    LookupField,
    NumberField,
    TagsField,
    WholeField,
)

# Control characters other than tab and line ends: the database or a PDF would choke on them.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _empty_to_none(value: Any) -> Any:
    return None if value == "" else value


def printable(form: Any, field: Field) -> None:
    if field.data and CONTROL.search(field.data):
        raise ValidationError("This text holds characters that can't be printed. Please type it again.")


def _presence(required: bool) -> list[Any]:
    return [InputRequired("Please fill this in.")] if required else [Optional()]


def _length(maximum: int) -> Length:
    return Length(max=maximum, message=f"At most {maximum:,} characters, please.")


def text(label: str, *, max: int, required: bool = False, help: str = "", **attributes: Any) -> Any:
    """One line of text, stripped; None where empty and not required."""
    return StringField(
        label,
        [*_presence(required), _length(max), printable],
        filters=[_stripped, *([] if required else [_empty_to_none])],
        description=help,
        render_kw={"maxlength": max, "autocomplete": "off", **attributes},
    )


def email(label: str, *, required: bool = False, help: str = "") -> Any:
    return text(label, max=254, required=required, help=help, type="email", inputmode="email")


def long_text(label: str, *, max: int = 10_000, rows: int = 3, help: str = "", required: bool = False) -> Any:
    return TextAreaField(
        label,
        [*_presence(required), _length(max), printable],
        filters=[_stripped, _empty_to_none],
        description=help,
        render_kw={"rows": rows, "maxlength": max},
    )


def decimal(
    label: str,
    *,
    places: int,
    min: Decimal | int | None = None,
    max: Decimal | int | None = None,
    required: bool = False,
    help: str = "",
    default: Any = None,
) -> Any:
    return NumberField(
        label,
        _presence(required),
        places=places,
        min=min,
        max=max,
        description=help,
        default=default,
        render_kw={
            "inputmode": "decimal",
            "autocomplete": "off",
            "class": "text-end numeric",
            "maxlength": 40,
        },
    )


def whole(
    label: str,
    *,
    min: int = 0,
    max: int = 1_000_000,
    required: bool = False,
    help: str = "",
    default: Any = None,
) -> Any:
    return WholeField(
        label,
        [*_presence(required), NumberRange(min, max, f"A whole number from {min} to {max:,}, please.")],
        description=help,
        default=default,
        render_kw={"inputmode": "numeric", "class": "text-end numeric", "autocomplete": "off"},
    )


def day(label: str, *, required: bool = False, help: str = "", default: Any = None) -> Any:
    return DayField(label, _presence(required), description=help, default=default)


def flag(label: str, *, help: str = "", default: bool = False) -> Any:
    # A cell edited in place says "no" where a box left unticked says nothing.
    return BooleanField(label, description=help, default=default, false_values=(False, "false", "no", ""))


def choice(
    label: str,
    choices: Choices,
    *,
    blank: str | None = None,
    search: bool = False,
    help: str = "",
    default: Any = None,
    required: bool = False,
) -> Any:
    """One of a fixed list. `blank` names the empty choice (value None); `search` makes it searchable."""
    return ChoiceField(
        label,
        choices,
        blank=blank,
        description=help,
        default=default,
        validators=_presence(required) if required else [],
        render_kw={"data-select": "search", "data-placeholder": blank or ""} if search else {},
    )


def choices(label: str, options: list[tuple[Any, str]], *, coerce: type = str, help: str = "") -> Any:
    """Several of a fixed list, as check-boxes."""
    offered = [SelectChoice(str(value), text) for value, text in options]
    return ChoicesField(label, choices=offered, coerce=coerce, description=help)


def lookup(
    label: str,
    endpoint: str,
    *,
    required: bool = False,
    help: str = "",
    hint: str = "",
    search_with: str = "",
) -> Any:
    """`search_with` names a field of the form that narrows what is found."""
    sent = {"data-search-with": search_with} if search_with else {}
    return LookupField(
        label, _presence(required), endpoint=endpoint, description=help, hint=hint, render_kw=sent
    )


def _tags_printable(form: Any, field: Field) -> None:
    if any(len(word) > 40 for word in field.data or []):
        raise ValidationError("A tag has at most 40 characters.")
    if len(field.data or []) > 20:
        raise ValidationError("At most 20 tags, please.")
    if any(CONTROL.search(word) for word in field.data or []):
        raise ValidationError("A tag holds characters that can't be printed.")


def tags(label: str, *, help: str = "Separate tags by commas.") -> Any:
    return TagsField(label, [_tags_printable], description=help, render_kw={"data-select": "tags"})
