"""Fields that take several of a list, in the order in which they were chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import url_for
from wtforms import TextAreaField, ValidationError, widgets
from wtforms.fields.choices import Choice, SelectChoice, SelectFieldBase

from dashboard.admin_views import lookups


class OrderedField(SelectFieldBase):
    """Several of a fixed list; `data` is a list of keys in the order chosen."""

    widget = widgets.Select(multiple=True)

    def __init__(self, label: str, options: Mapping[str, str], *, hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.options, self.hint = options, hint

    def process_data(self, value: Any) -> None:
        self.data = [str(one) for one in value or ()]

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = list(dict.fromkeys(text for text in valuelist if text))

    def pre_validate(self, form: Any) -> None:
        if any(one not in self.options for one in self.data or ()):
            raise ValidationError("Please choose from the list.")

    def has_groups(self) -> bool:
        return False

    @property
    def choices(self) -> list[SelectChoice]:
        """What is chosen, first and in its order; then the rest."""
        chosen = [name for name in self.data or () if name in self.options]
        rest = [name for name in self.options if name not in chosen]
        return [SelectChoice(name, self.options[name]) for name in (*chosen, *rest)]

    def iter_choices(self) -> Iterable[Choice]:
        for one in self.choices:
            yield Choice(str(one.value), one.label, one.value in (self.data or ()), {})

    def __call__(self, **kwargs: Any) -> Any:
        kwargs.setdefault("data-select", "search")
        kwargs.setdefault("data-placeholder", self.hint)
        return super().__call__(**kwargs)


class LookupsField(SelectFieldBase):
    """The keys of several other records, searched for on the server; `data` is a list of ints."""

    widget = widgets.Select(multiple=True)

    def __init__(self, label: str, *, endpoint: str, hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.endpoint, self.hint = endpoint, hint

    def process_data(self, value: Any) -> None:
        self.data = [int(one) for one in value or ()]

    def process_formdata(self, valuelist: list[Any]) -> None:
        found = [text.strip() for text in valuelist if text.strip()]
        self.data = []
        if not all(re.fullmatch(r"[0-9]{1,18}", text) for text in found):
            raise ValueError("Please choose from the list.")
        self.data = list(dict.fromkeys(int(text) for text in found))

    def has_groups(self) -> bool:
        return False

    @property
    def choices(self) -> list[SelectChoice]:
        """What is chosen; the rest is searched for."""
        return [
            SelectChoice(str(key), lookups.label_of(self.endpoint, key) or f"#{key}")
            for key in self.data or ()
        ]

    def iter_choices(self) -> Iterable[Choice]:
        for one in self.choices:
            yield Choice(str(one.value), one.label, True, {})

    def __call__(self, **kwargs: Any) -> Any:
        kwargs.setdefault("data-select", "remote")
        kwargs.setdefault("data-search-url", url_for(f"{self.endpoint}.ajax_lookup"))
        kwargs.setdefault("data-placeholder", self.hint)
        return super().__call__(**kwargs)


class LinesField(TextAreaField):
    """Several short texts, one a line; `data` is the text as typed, a list from a record."""

    def process_data(self, value: Any) -> None:
        self.data = value if isinstance(value, str) else "\n".join(value or ())
