"""The form that every admin form extends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask_admin.form import BaseForm
from wtforms import HiddenField

from dashboard.admin_views import fields
from dashboard.operations.errors import Invalid, Refused

WHY = "Please say why you change this; it goes to the audit log."
HOUSEKEEPING = ("version", "form_key", "comment")


def new_form_key() -> str:
    return uuid.uuid4().hex


class Form(BaseForm):
    """Adds what every save carries: the version read, the form's own key, the reason where it is asked for.

    `sections` groups fields for the page: a title and the names under it. Without it all fields stand in one.
    """

    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()

    version = HiddenField()
    form_key = HiddenField(default=new_form_key)
    comment = fields.text("Reason for this change", max=500)

    def values(self) -> dict[str, Any]:
        """The typed values by field name, without the housekeeping."""
        return {name: field.data for name, field in self._fields.items() if name not in HOUSEKEEPING}

    def read_version(self) -> int | None:
        """The version that the page was rendered with; None on a new record."""
        raw = (self.version.data or "").strip()
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What an operation refused that belongs to no field: shown above the form.
        self.loose_errors: list[str] = []

    def show_refusal(self, error: Invalid | Refused) -> None:
        """Say at the fields, or above the form, why an operation did not do it."""
        self.show(error.errors if isinstance(error, Invalid) else {"": [str(error)]})

    def show(self, errors: Mapping[str, list[str]]) -> None:
        """Put an operation's errors at their fields, or above the form.

        Those of inline rows come as `items-3-quantity`: the fourth row, whatever number it was sent as.
        """
        for name, said in errors.items():
            field = self._fields.get(name) or self._field_of_row(name)
            if field is None:
                self.loose_errors.extend(said)
            else:
                field.errors = [*field.errors, *said]

    def _field_of_row(self, name: str) -> Any:
        parts = name.split("-")
        if len(parts) != 3 or not parts[1].isdigit():
            return None
        entries = getattr(self._fields.get(parts[0]), "entries", ())
        place = int(parts[1])
        return entries[place].form._fields.get(parts[2]) if place < len(entries) else None

    def check_row(self, names: set[str]) -> dict[str, Any]:
        """The values of the named fields alone, validated (a cell edit or a bulk edit sends only those)."""
        errors: dict[str, list[str]] = {}
        for name in names:
            field = self._fields.get(name)
            if field is None or name in HOUSEKEEPING:
                errors[name] = ["This can't be changed here."]
            elif not field.validate(self):
                errors[name] = [str(said) for said in field.errors]
        if errors:
            raise Invalid(errors)
        return {name: self._fields[name].data for name in names}

    def visible_sections(self) -> list[tuple[str, list[Any]]]:
        """The page's sections with their fields, in order."""
        if not self.sections:
            return [("", [f for name, f in self._fields.items() if name not in HOUSEKEEPING])]
        return [(title, [self._fields[name] for name in names]) for title, names in self.sections]
