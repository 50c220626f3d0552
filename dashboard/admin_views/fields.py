"""Form fields: thin factories over WTForms, so that a form reads as a declaration."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask import url_for
from wtforms import (
    BooleanField,
    DateField,
    Field,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
    widgets,
)
from wtforms.fields.choices import Choice, SelectChoice, SelectFieldBase
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from dashboard.rules.money import parse_decimal, plain

Choices = Mapping[str, str] | Callable[[], Iterable[tuple[str, str]]]
# Control characters other than tab and line ends: the database or a PDF would choke on them.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
BIGGEST_KEY = 2**63 - 1


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _empty_to_none(value: Any) -> Any:
    return None if value == "" else value


def _printable(form: Any, field: Field) -> None:
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
        [*_presence(required), _length(max), _printable],
        filters=[_stripped, *([] if required else [_empty_to_none])],
        description=help,
        render_kw={"maxlength": max, "autocomplete": "off", **attributes},
    )


def email(label: str, *, required: bool = False, help: str = "") -> Any:
    return text(label, max=254, required=required, help=help, type="email", inputmode="email")


def long_text(label: str, *, max: int = 10_000, rows: int = 3, help: str = "", required: bool = False) -> Any:
    return TextAreaField(
        label,
        [*_presence(required), _length(max), _printable],
        filters=[_stripped, _empty_to_none],
        description=help,
        render_kw={"rows": rows, "maxlength": max},
    )


class NumberField(StringField):
    """A decimal number as people type it; `data` is an exact Decimal, or None where empty."""

    def __init__(
        self,
        label: str,
        validators: Any = None,
        *,
        places: int,
        min: Decimal | int | None = None,
        max: Decimal | int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.places, self.low, self.high = places, min, max
        # Decimals always shown, such as the currency's; a form that knows the currency sets them.
        self.least_places = 0

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if typed:
            self.data = parse_decimal(typed, places=self.places)  # type: ignore[assignment]

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        if self.low is not None and self.data < self.low:
            raise ValidationError(f"Must be {self.low} or more.")
        if self.high is not None and self.data > self.high:
            raise ValidationError(f"Must be {self.high} or less.")

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else plain(Decimal(self.data), self.least_places)


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


class WholeField(IntegerField):
    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        if not re.fullmatch(r"-?[0-9]{1,18}", typed):
            raise ValueError("Please type a whole number.")
        self.data = int(typed)


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


class DayField(DateField):
    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        try:
            day = dt.date.fromisoformat(typed)
        except ValueError:
            raise ValueError("Please give a date such as 2026-01-31.") from None
        if not 1990 <= day.year <= 2999:
            raise ValueError("Please give a year from 1990 to 2999.")
        self.data = day


def day(label: str, *, required: bool = False, help: str = "", default: Any = None) -> Any:
    return DayField(label, _presence(required), description=help, default=default)


def flag(label: str, *, help: str = "", default: bool = False) -> Any:
    # A cell edited in place says "no" where a box left unticked says nothing.
    return BooleanField(label, description=help, default=default, false_values=(False, "false", "no", ""))


class ChoiceField(SelectField):
    """A drop-down whose values are checked in words; choices may come from a function."""

    def __init__(self, label: str, choices: Choices, *, blank: str | None = None, **kwargs: Any) -> None:
        self.blank = blank
        self.source = choices
        super().__init__(label, choices=self._offered, **kwargs)

    def _offered(self) -> list[SelectChoice]:
        return [SelectChoice(value, label) for value, label in self.pairs()]

    def pairs(self) -> list[tuple[str, str]]:
        source = self.source
        pairs = list(source.items()) if isinstance(source, Mapping) else list(source())
        return [("", self.blank), *pairs] if self.blank is not None else pairs

    def process_data(self, value: Any) -> None:
        self.data = "" if value is None else str(value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist[0] if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        if self.data == "" and self.blank is not None:
            return
        if self.data not in dict(self.pairs()):
            raise ValidationError("Please choose one from the list.")

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        self.data = self.data or None


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


class ChoicesField(SelectMultipleField):
    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


def choices(label: str, options: list[tuple[Any, str]], *, coerce: type = str, help: str = "") -> Any:
    """Several of a fixed list, as check-boxes."""
    offered = [SelectChoice(str(value), text) for value, text in options]
    return ChoicesField(label, choices=offered, coerce=coerce, description=help)


class LookupField(SelectFieldBase):
    """The key of another record, chosen from a drop-down that searches on the server.

    `endpoint` is the admin view whose `/ajax/lookup/` answers; `data` is an int or None.
    """

    widget = widgets.Select()

    def __init__(
        self, label: str, validators: Any = None, *, endpoint: str, hint: str = "", **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.endpoint, self.hint = endpoint, hint

    @property
    def search_url(self) -> str:
        return url_for(f"{self.endpoint}.ajax_lookup")

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        if not typed.isascii() or not typed.isdigit() or int(typed[:30]) > BIGGEST_KEY:
            raise ValueError("Please choose one from the list.")
        self.data = int(typed)

    def has_groups(self) -> bool:
        return False

    def iter_choices(self) -> Iterable[Choice]:
        """The current choice alone; the rest is searched for."""
        yield Choice("", "", self.data is None, {})
        if self.data is not None:
            yield Choice(str(self.data), self.current_label(), True, {})

    def current_label(self) -> str:
        from dashboard.admin_views.lookups import label_of

        return label_of(self.endpoint, self.data) if self.data is not None else ""

    def __call__(self, **kwargs: Any) -> Any:
        kwargs.setdefault("data-search-url", self.search_url)
        kwargs.setdefault("data-select", "remote")
        if self.hint:
            kwargs.setdefault("data-placeholder", self.hint)
        return super().__call__(**kwargs)


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


class TagsField(StringField):
    """Words separated by commas; `data` is a list of distinct words in the order typed."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0] if valuelist else ""
        words = [" ".join(word.split()) for word in typed.split(",")]
        self.data = list(dict.fromkeys(word for word in words if word))  # type: ignore[assignment]

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return ", ".join(self.data or [])


def _tags_printable(form: Any, field: Field) -> None:
    if any(len(word) > 40 for word in field.data or []):
        raise ValidationError("A tag has at most 40 characters.")
    if len(field.data or []) > 20:
        raise ValidationError("At most 20 tags, please.")
    if any(CONTROL.search(word) for word in field.data or []):
        raise ValidationError("A tag holds characters that can't be printed.")


def tags(label: str, *, help: str = "Separate tags by commas.") -> Any:
    return TagsField(label, [_tags_printable], description=help, render_kw={"data-select": "tags"})
