"""Import of an uploaded table row by row: each is read and found right or wrong, then all or nothing.

An import is a declaration: the upload with its columns, a reader of rows, and a writer of what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import text

from dashboard.operations.base import Actor, once, require, session, unit_of_work
from dashboard.operations.csv_file import Row, Table
from dashboard.operations.errors import Refused
from dashboard.operations.upload import Fault, Mapped, Upload

DUPLICATES = {"error": "Report them as errors", "skip": "Leave them out"}


class Reading(Protocol):
    """A row as it would be stored. `errors` are by target; "" is the row as a whole."""

    row: int
    errors: dict[str, str]

    def value(self, name: str, cell: str) -> Any:
        """What the target would hold; `cell` is what the file says."""


R = TypeVar("R", bound=Reading)


@dataclass
class Plan(Generic[R]):
    """What an import would do. Nothing is imported while there are faults."""

    total: int
    ready: list[R] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_out: list[Fault] = field(default_factory=list)

    @property
    def faulty(self) -> int:
        return len({fault.row for fault in self.faults})


@dataclass(frozen=True)
class Outcome:
    created: int
    left_out: int


def _never_there(read: Any) -> Fault | None:
    return None


@dataclass(frozen=True)
class RowImport(Generic[R]):
    """`lock` is the number of the advisory lock: two imports at once would each miss what the other adds."""

    upload: Upload
    # Made for a mapping and a width of the table; reads one row after the other.
    reader: Callable[[Mapped, int], Callable[[Row], R]]
    writer: Callable[[Actor, Sequence[R]], None]
    lock: int
    # Made once an import; says of each row in turn why it is there already, in the books or further up.
    twins: Callable[[], Callable[[R], Fault | None]] = lambda: _never_there

    def plan(self, table: Table, mapping: Mapped, duplicates: str = "error") -> Plan[R]:
        """Read every row under the mapping. `duplicates` says what becomes of records already there."""
        columns = self.upload.columns
        columns.check(mapping, len(table.header))
        read_row = self.reader(mapping, len(table.header))
        by_name = {name: column for column, name in mapping.items()}
        twin_of = self.twins()
        found: Plan[R] = Plan(total=len(table.rows))
        for row in table.rows:
            read = read_row(row)
            if read.errors:
                for name, message in read.errors.items():
                    value = row.cell(by_name[name]) if name in by_name else ""
                    found.faults.append(Fault(row.number, columns.label(name), message, value[:80]))
                continue
            twin = twin_of(read)
            if twin is None:
                found.ready.append(read)
            else:
                (found.left_out if duplicates == "skip" else found.faults).append(twin)
        return found

    def run(self, actor: Actor, token: str, mapping: Mapped, *, duplicates: str = "error") -> Outcome:
        """Import the upload in one transaction.

        Raises Refused where any row has a fault, and Duplicate when this upload was imported before.
        """
        require(actor, self.upload.right)
        with unit_of_work(actor):
            file = once(actor, f"import:{token}")
            session().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": self.lock})
            found = self.plan(self.upload.kept(actor, token), mapping, duplicates)
            if found.faults:
                raise Refused(
                    f"Nothing was imported: {found.faulty:,} of {found.total:,} rows have errors. "
                    "Correct them in the file and upload it again."
                )
            self.writer(actor, found.ready)
            session().flush()
            file(f"import:{len(found.ready)}")
            self.upload.forget(actor, token)
        return Outcome(len(found.ready), len(found.left_out))
