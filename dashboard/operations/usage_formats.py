"""Saved formats: a reading of CSV files, kept under a name for the next file like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from dashboard.models import UsageFormat
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid
from dashboard.operations.usage_reading import FORMATS, Reading

CHECKS: dict[str, checks.Check] = {"name": checks.text(80, required=True)}


@operation("usage.import")
def save(actor: Actor, name: str, reading: Reading, names: Sequence[str]) -> UsageFormat:
    """Keep the reading for files with these column names; a format of this name is replaced."""
    taken = checks.read({"name": name}, CHECKS)["name"]
    _check_name(taken)
    kept = session().scalar(
        select(UsageFormat).where(func.lower(UsageFormat.name) == taken.lower()).with_for_update()
    )
    if kept is None:
        kept = UsageFormat(name=taken)
        session().add(kept)
    kept.mapping = {"reading": reading.to_json(), "names": list(names) if reading.header else []}
    session().flush()
    return kept


@operation("usage.import")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> UsageFormat:
    """Rename a format."""
    taken = checks.read(values, CHECKS)
    kept = fetch(UsageFormat, key, "format", lock=True)
    check_version(kept, version)
    name = taken.get("name", kept.name)
    _check_name(name)
    twin = session().scalar(
        select(UsageFormat.id).where(func.lower(UsageFormat.name) == name.lower(), UsageFormat.id != key)
    )
    if twin is not None:
        raise Invalid({"name": "Another format has this name."})
    kept.name = name
    session().flush()
    return kept


@operation("usage.import")
def delete(actor: Actor, key: int) -> None:
    """Imports that used it keep their own copy of the reading."""
    session().delete(fetch(UsageFormat, key, "format", lock=True))


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "usage.import")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    found = session().get(UsageFormat, key)
    return str(found) if found else f"Format {key}"


def saved() -> dict[str, dict[str, Any]]:
    """Every saved format by its name, as `sniff` takes them."""
    rows = session().scalars(select(UsageFormat).order_by(UsageFormat.name))
    return {row.name: row.mapping for row in rows}


def _check_name(name: str) -> None:
    own = {*FORMATS, *(label.lower() for label in FORMATS.values())}
    if name.lower() in own:
        raise Invalid({"name": "This is the name of a format that the program knows by itself."})
