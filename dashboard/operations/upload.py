"""Upload of a table of records: keeping the file between the steps, what its columns are, what is wrong."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.documents.csv import lines
from dashboard.documents.store import store
from dashboard.operations.base import Actor, on_commit, require, unit_of_work
from dashboard.operations.csv_file import Row, Table, read_table
from dashboard.operations.errors import Missing, Refused

# Column of the file -> name of the target.
Mapped = Mapping[int, str]

KEPT_FOR = dt.timedelta(days=1)
MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Target:
    """A field that a column can fill. `also` are other headings for it, `example` is for the template."""

    name: str
    label: str
    also: tuple[str, ...] = ()
    example: str = ""
    required: bool = False
    in_template: bool = True


@dataclass(frozen=True)
class Fault:
    """Why a row can't be read: its number as a spreadsheet counts, the field's label, the words, the cell."""

    row: int
    field: str
    message: str
    value: str = ""


@dataclass(frozen=True)
class Columns:
    """The targets of an import, and how the columns of a file find theirs."""

    targets: tuple[Target, ...]
    # A sign that tells headings apart, beside letters and digits.
    sign: str = ""
    # Whether the first of a target's other headings is the best; otherwise the file's first column is.
    best_first: bool = False
    # What else is wrong with the targets chosen, in words.
    clashes: Callable[[Sequence[str]], list[str]] = lambda chosen: []

    def target(self, name: str) -> Target | None:
        return next((target for target in self.targets if target.name == name), None)

    def label(self, name: str) -> str:
        target = self.target(name)
        return target.label if target else ""

    def guess(self, header: Sequence[str]) -> dict[int, str]:
        """What each column most likely is, by its heading; a target is given to one column only."""
        headings = [self._plain(heading) for heading in header]
        found: dict[int, str] = {}
        # Own labels go first, so that "State" beside "Status" does not take its place.
        for exact in (True, False):
            for target in self.targets:
                if target.name in found.values():
                    continue
                names = (target.label, target.name) if exact else target.also
                column = self._column(headings, [self._plain(name) for name in names], found)
                if column is not None:
                    found[column] = target.name
        return dict(sorted(found.items()))

    def _column(self, headings: Sequence[str], names: Sequence[str], taken: Mapped) -> int | None:
        free = [at for at, heading in enumerate(headings) if heading in names and at not in taken]
        if self.best_first:
            free.sort(key=lambda at: names.index(headings[at]))
        return free[0] if free else None

    def _plain(self, heading: str) -> str:
        return " ".join(re.findall(f"[a-z0-9{self.sign}]+", heading.lower()))

    def faults(self, mapping: Mapped, width: int) -> list[str]:
        """Why this mapping can't be used, in words; empty where it can."""
        faults = []
        chosen = list(mapping.values())
        for target in self.targets:
            if target.required and target.name not in chosen:
                faults.append(f"Choose the column that holds the {target.label}.")
            if chosen.count(target.name) > 1:
                faults.append(f"{target.label} is chosen for {chosen.count(target.name)} columns. Keep one.")
        faults += self.clashes(chosen)
        names = {target.name for target in self.targets}
        if set(chosen) - names or any(not 0 <= column < width for column in mapping):
            faults.append("The choice of columns does not fit this file. Choose again.")
        return faults

    def check(self, mapping: Mapped, width: int) -> None:
        """Raise Refused where this mapping can't be used."""
        faults = self.faults(mapping, width)
        if faults:
            raise Refused(" ".join(faults))

    def template(self) -> Iterator[bytes]:
        """A CSV file with the columns and one plainly invented row."""
        shown = [target for target in self.targets if target.in_template]
        yield MARK
        yield from lines([[target.label for target in shown], [target.example for target in shown]])


@dataclass(frozen=True)
class Upload:
    """The files of one kind of import: what they hold, how large they may be, the right to send them."""

    right: str
    columns: Columns
    most_rows: int
    most_bytes: int

    def keep(self, actor: Actor, content: bytes) -> str:
        """Keep a file for the next steps; answers its token. Raises Refused where it can't be read."""
        require(actor, self.right)
        if len(content) > self.most_bytes:
            raise Refused(
                f"The file is larger than {self.most_bytes >> 20} MB. Split it and upload the parts."
            )
        with unit_of_work(actor):
            read_table(content, most_rows=self.most_rows)
            store.remove_older("upload:", KEPT_FOR)
            token = uuid.uuid4().hex
            store.put(_key(actor, token), "text/csv", [content])
        return token

    def kept(self, actor: Actor, token: str) -> Table:
        """The table uploaded under the token, by the same member of staff."""
        require(actor, self.right)
        with unit_of_work(actor):
            document = store.find(_key(actor, token)) if re.fullmatch("[0-9a-f]{32}", token) else None
            if document is None:
                raise Missing("upload")
            content = b"".join(store.open_stream(document))
        return read_table(content, most_rows=self.most_rows)

    def forget(self, actor: Actor, token: str) -> None:
        """Throw the upload away once what is under way has been committed."""
        on_commit(lambda: _thrown_away(actor, token))


def too_wide(row: Row, width: int) -> str:
    """What is wrong with a row that says more than there are columns for; "" where nothing is."""
    if len(row.cells) > width and any(cell.strip() for cell in row.cells[width:]):
        return "The row has more cells than there are columns. Is a delimiter missing its quotes?"
    return ""


def faults_csv(faults: Iterable[Fault]) -> Iterator[bytes]:
    """Every fault as CSV."""
    yield MARK
    rows = ([fault.row, fault.field, fault.message, fault.value] for fault in faults)
    yield from lines([["Row", "Field", "Problem", "Value"], *rows])


def _key(actor: Actor, token: str) -> str:
    return f"upload:{actor.id or 0}:{token}"


def _thrown_away(actor: Actor, token: str) -> None:
    store.remove_older(_key(actor, token), dt.timedelta(0))
