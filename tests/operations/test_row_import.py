"""An import of rows is a declaration: columns, a reader and a writer. Here one of providers' names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import Document, Provider
from dashboard.operations import providers
from dashboard.operations.base import Actor
from dashboard.operations.csv_file import Row
from dashboard.operations.errors import Duplicate, Forbidden, Refused
from dashboard.operations.row_import import RowImport
from dashboard.operations.upload import Columns, Fault, Mapped, Target, Upload, too_wide

COLUMNS = Columns((Target("name", "Name", ("carrier",), "Example Carrier", required=True),))
HEAD = b"Carrier,Else\n"


@dataclass
class Read:
    row: int
    name: str
    errors: dict[str, str] = field(default_factory=dict)

    def value(self, name: str, cell: str) -> Any:
        return self.name


class Reader:
    def __init__(self, mapping: Mapped, width: int) -> None:
        self.columns = {name: column for column, name in mapping.items()}
        self.width = width

    def read(self, row: Row) -> Read:
        found = Read(row.number, row.cell(self.columns["name"]))
        wide = too_wide(row, self.width)
        if wide:
            found.errors[""] = wide
        if not found.name:
            found.errors["name"] = "Fill this in."
        return found


def write(actor: Actor, ready: Sequence[Read]) -> None:
    for read in ready:
        providers.create(actor, {"name": read.name, "currency": "USD"})


class Seen:
    def __init__(self) -> None:
        self.names: set[str] = set()

    def twin_of(self, read: Read) -> Fault | None:
        if read.name in self.names:
            return Fault(read.row, "Name", "This Name stands further up.", read.name)
        self.names.add(read.name)
        return None


def declared(**more: Any) -> RowImport[Read]:
    return RowImport(
        Upload("provider.write", COLUMNS, most_rows=5, most_bytes=1_000),
        reader=lambda mapping, width: Reader(mapping, width).read,
        writer=write,
        lock=77,
        **more,
    )


def names() -> list[str]:
    return list(db.session.scalars(select(Provider.name).order_by(Provider.id)))


def test_from_file_to_records(manager):
    importing = declared()
    token = importing.upload.keep(manager, HEAD + b"One,x\nTwo,y\n")
    mapping = importing.upload.columns.guess(importing.upload.kept(manager, token).header)
    assert mapping == {0: "name"}
    done = importing.run(manager, token, mapping)
    assert (done.created, done.left_out, names()) == (2, 0, ["One", "Two"])
    with pytest.raises(Duplicate):
        importing.run(manager, token, mapping)
    assert db.session.query(Document).count() == 0


def test_nothing_is_written_while_a_row_is_wrong(manager):
    importing = declared()
    token = importing.upload.keep(manager, HEAD + b"One,x\n,y\nTwo,y,z\n")
    found = importing.plan(importing.upload.kept(manager, token), {0: "name"})
    assert [(fault.row, fault.field) for fault in found.faults] == [(3, "Name"), (4, "")]
    assert (found.faulty, len(found.ready)) == (2, 1)
    with pytest.raises(Refused, match="2 of 3 rows have errors"):
        importing.run(manager, token, {0: "name"})
    assert names() == []


def test_what_is_there_already_is_known_by_the_imports_own_word(manager):
    content = HEAD + b"One,x\nOne,y\n"
    plain, careful = declared(), declared(twins=lambda: Seen().twin_of)
    token = careful.upload.keep(manager, content)
    table = careful.upload.kept(manager, token)
    assert [fault.row for fault in careful.plan(table, {0: "name"}).faults] == [3]
    assert plain.plan(table, {0: "name"}).faults == []
    done = careful.run(manager, token, {0: "name"}, duplicates="skip")
    assert (done.created, done.left_out, names()) == (1, 1, ["One"])


def test_the_right_is_the_uploads(manager, as_role):
    importing = declared()
    token = importing.upload.keep(manager, HEAD + b"One,x\n")
    viewer = as_role("viewer")
    for refused in (
        lambda: importing.upload.keep(viewer, HEAD + b"One,x\n"),
        lambda: importing.upload.kept(viewer, token),
        lambda: importing.run(viewer, token, {0: "name"}),
    ):
        with pytest.raises(Forbidden):
            refused()
