"""The pages of an import whose rows each become a record."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from flask import request, url_for

from dashboard.admin_views.import_pages import ImportPages, mapping_asked
from dashboard.operations.csv_file import Table
from dashboard.operations.row_import import DUPLICATES, Plan, Reading, RowImport
from dashboard.operations.upload import Upload
from dashboard.rules.money import plain

PREVIEWED = 20


@dataclass(frozen=True)
class Asked:
    """How the file is to be read, as the URL says."""

    mapping: dict[int, str]
    duplicates: str


class RowImportPages(ImportPages):
    """An import of this kind says what it imports, and a few words."""

    importing: ClassVar[RowImport[Any]]
    # In the plural, as in "2 customers were imported."
    import_name = ""
    # What a file must have, and by what a record is known to be there already.
    import_needed = ""
    import_known_by = ""
    import_templates = "row_import"

    @property
    def upload(self) -> Upload:  # type: ignore[override]
        return self.importing.upload

    def import_about(self) -> dict[str, Any]:
        return {
            "crumbs": self._view.crumbs("Upload"),
            "home": url_for(".index_view"),
            "of": {},
            "noun": self.import_name,
            "needed": self.import_needed,
        }

    def import_options(self, table: Table, mapping: dict[int, str]) -> dict[str, Any]:
        return {
            "duplicates": DUPLICATES,
            "duplicate_choice": _duplicates(),
            "known_by": self.import_known_by,
        }

    def import_reading(self) -> Asked:
        return Asked(mapping_asked() or {}, _duplicates())

    def import_plan(self, about: dict[str, Any], table: Table, reading: Asked) -> Plan[Any]:
        return self.importing.plan(table, reading.mapping, reading.duplicates)

    def import_preview(self, table: Table, reading: Asked, found: Plan[Any]) -> dict[str, Any]:
        shown = found.ready[:PREVIEWED]
        return {
            "shown": shown,
            "labels": [self.upload.columns.label(name) for name in reading.mapping.values()],
            "cells": _cells(table, reading.mapping, shown),
        }

    def import_run(self, about: dict[str, Any], token: str, reading: Asked) -> str:
        actor = self._view.actor_of(None)
        done = self.importing.run(actor, token, reading.mapping, duplicates=reading.duplicates)
        left_out = f" {done.left_out:,} were there already and left out." if done.left_out else ""
        return f"{done.created:,} {self.import_name} were imported.{left_out}"


def _duplicates() -> str:
    wanted = request.args.get("duplicates", "error")
    return wanted if wanted in DUPLICATES else "error"


def _cells(table: Table, mapping: dict[int, str], shown: list[Reading]) -> dict[int, list[str]]:
    """The rows shown as they would be stored, by row number, in the order of the mapping."""
    by_number = {read.row: read for read in shown}
    return {
        row.number: [_text(by_number[row.number].value(name, row.cell(at))) for at, name in mapping.items()]
        for row in table.rows
        if row.number in by_number
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return ", ".join(value)
    return str(value)[:80] if value is not None else ""
