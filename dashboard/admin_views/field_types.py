"""The kinds of form fields: what each takes from what was typed, and what it says where it can't."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask import url_for
from wtforms import (
    DateField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
    widgets,
)
from wtforms.fields.choices import Choice, SelectChoice, SelectFieldBase

from dashboard.rules.money import parse_decimal, plain

Choices = Mapping[str, str] | Callable[[], Iterable[tuple[str, str]]]


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


class WholeField(IntegerField):
    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        if not re.fullmatch(r"-?[0-9]{1,18}", typed):
            raise ValueError("Please type a whole number.")
        self.data = int(typed)


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


class ChoicesField(SelectMultipleField):
    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


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
        if not re.fullmatch(r"[0-9]{1,18}", typed):
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
