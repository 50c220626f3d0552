"""Reading the audit log: the timeline of one record, and what everybody did.

A row of the log is one changed row of a table. What belongs together is shown together: an entry is all that
one transaction did to one record, a deed is all that it did.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, cast, select

from dashboard.extensions import db
from dashboard.models import AuditEntry, Setting
from dashboard.queries import audit_names, audit_words
from dashboard.queries.audit_names import Names

CHUNK = 200
# A page reads at most so many rows; what is left over begins the next page.
MOST_ROWS = 2_000
# Of one deed at most so many rows are shown, the others are counted.
MOST_SHOWN = 40


@dataclass(frozen=True)
class Change:
    """A field's value before and after, in words; "" for none."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """What one transaction did to one record. `subject` names the record; it may be gone by now."""

    when: dt.datetime
    who: str
    comment: str
    title: str
    changes: tuple[Change, ...]
    subject: str
    # What goes on after the subject's name: " issued, 2 lines added".
    story: str
    subject_table: str
    subject_id: str


@dataclass(frozen=True)
class Deed:
    """What one transaction did; `more` rows of it are not shown."""

    when: dt.datetime
    who: str
    actor_id: int | None
    comment: str
    entries: tuple[Entry, ...]
    more: int


@dataclass(frozen=True)
class Filter:
    """What to show; the days are of the account's time zone, both included."""

    actor_id: int | None = None
    system: bool = False
    table: str = ""
    subject_table: str = ""
    subject_id: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


@dataclass(frozen=True)
class Page:
    deeds: list[Deed]
    # Goes on from here; None at the end.
    older: int | None


@dataclass
class Row:
    """A row of the log, its numbers exact."""

    id: int
    at: dt.datetime
    actor_id: int | None
    who: str
    action: str
    table: str
    row_id: str
    subject_table: str
    subject_id: str
    comment: str
    transaction: tuple[int, dt.datetime]
    changes: dict[str, list[Any]]

    @property
    def is_own(self) -> bool:
        """The change is of the record itself, not of a line or a contact of it."""
        return self.table == self.subject_table


# The changes come as text: as JSON their numbers would be inexact.
_COLUMNS = (
    AuditEntry.id,
    AuditEntry.at,
    AuditEntry.actor_id,
    AuditEntry.actor_name,
    AuditEntry.action,
    AuditEntry.table_name,
    AuditEntry.row_id,
    AuditEntry.subject_table,
    AuditEntry.subject_id,
    AuditEntry.comment,
    AuditEntry.transaction_id,
    cast(AuditEntry.changes, Text).label("written"),
)


@dataclass
class _Group:
    rows: list[Row] = field(default_factory=list)
    more: int = 0


def timeline(subject_table: str, subject_id: int | str, *, limit: int = 50) -> list[Entry]:
    """What happened to one record, latest first."""
    found = log(Filter(subject_table=subject_table, subject_id=str(subject_id)), limit=limit)
    return [entry for deed in found.deeds for entry in deed.entries]


def log(wanted: Filter, *, limit: int = 50, before: int | None = None) -> Page:
    """A page of what was done, latest first; `before` is the `older` of the page before."""
    zone = ZoneInfo(db.session.scalar(select(Setting.time_zone)) or "UTC")
    groups: dict[tuple[int, dt.datetime], _Group] = {}
    last, older = None, None
    for number, row in enumerate(_rows(wanted, zone, before)):
        if number >= MOST_ROWS or (row.transaction not in groups and len(groups) == limit):
            older = last
            break
        group = groups.setdefault(row.transaction, _Group())
        if len(group.rows) < MOST_SHOWN:
            group.rows.append(row)
        else:
            group.more += 1
        last = row.id
    names = audit_names.load([row for group in groups.values() for row in group.rows], zone)
    return Page([_deed(group, names) for group in groups.values()], older)


def _rows(wanted: Filter, zone: ZoneInfo, before: int | None) -> Iterator[Row]:
    conditions = _conditions(wanted, zone)
    while True:
        statement = (
            select(*_COLUMNS)
            .where(*conditions, *([AuditEntry.id < before] if before is not None else []))
            .order_by(AuditEntry.id.desc())
            .limit(CHUNK)
        )
        found = db.session.execute(statement).all()
        for one in found:
            yield _row(one)
        if len(found) < CHUNK:
            return
        before = found[-1].id


def _row(one: Any) -> Row:
    return Row(
        id=one.id,
        at=one.at,
        actor_id=one.actor_id,
        who=one.actor_name,
        action=one.action,
        table=one.table_name,
        row_id=one.row_id,
        subject_table=one.subject_table,
        subject_id=one.subject_id,
        comment=one.comment,
        transaction=(one.transaction_id, one.at),
        changes=json.loads(one.written, parse_float=Decimal),
    )


def _conditions(wanted: Filter, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.actor_id is not None:
        found.append(AuditEntry.actor_id == wanted.actor_id)
    if wanted.system:
        found.append(AuditEntry.actor_id.is_(None))
    if wanted.table:
        found.append(AuditEntry.table_name == wanted.table)
    if wanted.subject_table:
        found.append(AuditEntry.subject_table == wanted.subject_table)
    if wanted.subject_id:
        found.append(AuditEntry.subject_id == wanted.subject_id)
    if wanted.since is not None:
        found.append(AuditEntry.at >= _midnight(wanted.since, zone))
    if wanted.until is not None:
        found.append(AuditEntry.at < _midnight(wanted.until + dt.timedelta(days=1), zone))
    return found


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone)


def _deed(group: _Group, names: Names) -> Deed:
    first = group.rows[0]
    subjects: dict[tuple[str, str], list[Row]] = {}
    # The log reads backwards; within a deed things are told in the order they were done.
    for row in reversed(group.rows):
        subjects.setdefault((row.subject_table, row.subject_id), []).append(row)
    return Deed(
        when=first.at.astimezone(names.zone),
        who=first.who,
        actor_id=first.actor_id,
        comment=first.comment,
        entries=tuple(_entry(rows, names) for rows in subjects.values()),
        more=group.more,
    )


def _entry(rows: list[Row], names: Names) -> Entry:
    first = rows[0]
    own, others = _parts(rows, names)
    title = ", ".join([f"{audit_words.noun(first.subject_table)} {done}" for done in own] + others)
    story = f" {', '.join([*own, *others])}" if own else f": {', '.join(others)}"
    return Entry(
        when=first.at.astimezone(names.zone),
        who=first.who,
        comment=first.comment,
        title=title[:1].upper() + title[1:],
        changes=tuple(_changes(rows, names)),
        subject=names.subject(first.subject_table, first.subject_id),
        story=story,
        subject_table=first.subject_table,
        subject_id=first.subject_id,
    )


DONE = {"insert": "added", "update": "changed", "delete": "deleted"}
_STATE_CHANGES = {
    ("draft", "issued"): "issued",
    ("issued", "void"): "voided",
    ("issued", "draft"): "reopened",
    ("draft", "void"): "voided",
}


def _parts(rows: list[Row], names: Names) -> tuple[list[str], list[str]]:
    """What was done to the record itself, "issued", and to what belongs to it, "2 lines added"."""
    said: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        said.setdefault((row.table, _done(row)), []).append(row)
    own = [done for (table, done), these in said.items() if these[0].is_own]
    others = []
    for (table, done), these in said.items():
        count = len({row.row_id for row in these})
        if not these[0].is_own:
            what = (
                f"{count} {audit_words.noun(table, 2)}" if count > 1 else names.part(table, these[0].row_id)
            )
            others.append(f"{what} {done}")
    return own, others


def _done(row: Row) -> str:
    if row.table == "invoice" and "state" in row.changes and row.action == "update":
        return _STATE_CHANGES.get(tuple(row.changes["state"]), "changed")
    return DONE.get(row.action, row.action)


def _changes(rows: Iterable[Row], names: Names) -> Iterator[Change]:
    for row in rows:
        # Who deletes a line or a contact is told which; what was in it stands in the entries before.
        if row.action == "delete" and not row.is_own:
            continue
        place = "" if row.is_own else f"{names.part(row.table, row.row_id)}: "
        for column in audit_words.in_order(row.table, row.changes):
            before, after = row.changes[column]
            if _says_nothing(row, column, before, after):
                continue
            name = f"{place}{audit_words.label(column)}"
            yield Change(
                name[:1].upper() + name[1:],
                names.value(row, column, before),
                names.value(row, column, after),
            )


def _says_nothing(row: Row, column: str, before: Any, after: Any) -> bool:
    if column in audit_words.LEFT_OUT:
        return True
    # That a line belongs to its invoice, which is the record that is read.
    if not row.is_own and audit_names.REFERENCES.get(column) == row.subject_table:
        return True
    if row.action == "insert":
        return audit_words.is_nothing(after) or column in audit_words.USUAL_AT_FIRST
    return audit_words.is_nothing(before) and audit_words.is_nothing(after)
