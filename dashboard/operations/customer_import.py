"""Upload of customers as CSV: keep the file, read it by a choice of columns, import all of it or nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from dashboard.documents.csv import csv_cell
from dashboard.documents.store import store
from dashboard.models import Contact, Customer
from dashboard.operations.base import Actor, on_commit, once, operation, session
from dashboard.operations.csv_file import Table, read_table
from dashboard.operations.customer_columns import BY_NAME, TARGETS, Mapped, Read, Reader, mapping_faults
from dashboard.operations.errors import Missing, Refused

MOST_ROWS = 20_000
MOST_BYTES = 20 * 1024 * 1024
KEPT_FOR = dt.timedelta(days=1)
DUPLICATES = {"error": "Report them as errors", "skip": "Leave them out"}
# Two imports at once would each miss what the other is about to add.
LOCK = 2_026_110_001


@dataclass(frozen=True)
class Fault:
    """Why a row can't be imported: its number as a spreadsheet counts, the field's label, the words."""

    row: int
    field: str
    message: str
    value: str = ""


@dataclass
class Plan:
    """What an import would do. Nothing is imported while there are faults."""

    total: int
    ready: list[Read] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_out: list[Fault] = field(default_factory=list)

    @property
    def faulty_rows(self) -> int:
        return len({fault.row for fault in self.faults})


@dataclass(frozen=True)
class Outcome:
    created: int
    left_out: int


@operation("import")
def keep(actor: Actor, content: bytes) -> str:
    """Keep an uploaded file for the next steps; answers its token. Raises Refused where it can't be read."""
    if len(content) > MOST_BYTES:
        raise Refused(
            f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Split it and upload the parts."
        )
    read_table(content, most_rows=MOST_ROWS)
    store.remove_older("upload:", KEPT_FOR)
    token = uuid.uuid4().hex
    store.put(_key(actor, token), "text/csv", [content])
    return token


@operation("import")
def kept(actor: Actor, token: str) -> Table:
    """The table uploaded under the token, by the same member of staff."""
    document = store.find(_key(actor, token)) if re.fullmatch("[0-9a-f]{32}", token) else None
    if document is None:
        raise Missing("upload")
    return read_table(b"".join(store.open_stream(document)), most_rows=MOST_ROWS)


def plan(table: Table, mapping: Mapped, duplicates: str = "error") -> Plan:
    """Read every row under the mapping. `duplicates` says what becomes of customers already there."""
    faults = mapping_faults(mapping, len(table.header))
    if faults:
        raise Refused(" ".join(faults))
    reader = Reader(mapping, len(table.header))
    columns = {name: column for column, name in mapping.items()}
    known = _Known()
    found = Plan(total=len(table.rows))
    for row in table.rows:
        read = reader.read(row)
        if read.errors:
            for name, message in read.errors.items():
                label = BY_NAME[name].label if name in BY_NAME else ""
                value = row.cell(columns[name]) if name in columns else ""
                found.faults.append(Fault(row.number, label, message, value[:80]))
            continue
        twin = known.twin_of(read)
        if twin is None:
            found.ready.append(read)
        else:
            (found.left_out if duplicates == "skip" else found.faults).append(twin)
    return found


class _Known:
    """Names and accounting IDs that are taken: by customers there already, and by rows read before."""

    def __init__(self) -> None:
        self.names: dict[str, int | None] = dict.fromkeys(
            session().scalars(select(func.lower(Customer.name)))
        )
        self.ids: dict[str, int | None] = dict.fromkeys(
            session().scalars(
                select(Customer.external_accounting_id).where(Customer.external_accounting_id.is_not(None))
            )
        )

    def twin_of(self, read: Read) -> Fault | None:
        """Which field says that this customer is there already. Files the row as known where none does."""
        name = str(read.customer["name"])
        external = read.customer.get("external_accounting_id")
        for label, taken, value in (
            ("External Accounting ID", self.ids, external),
            ("Name", self.names, name.lower()),
        ):
            if value is not None and value in taken:
                earlier = taken[value]
                where = f"row {earlier} has" if earlier else "a customer already has"
                shown = name if label == "Name" else str(external)
                return Fault(read.row, label, f"{where[0].upper()}{where[1:]} this {label}.", shown[:80])
        self.names[name.lower()] = read.row
        if external is not None:
            self.ids[external] = read.row
        return None


@operation("import")
def run(actor: Actor, token: str, mapping: Mapped, *, duplicates: str = "error") -> Outcome:
    """Import the upload in one transaction.

    Raises Refused where any row has a fault, and Duplicate when this upload was imported before.
    """
    file = once(actor, f"import:{token}")
    session().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    found = plan(kept(actor, token), mapping, duplicates)
    if found.faults:
        raise Refused(
            f"Nothing was imported: {found.faulty_rows:,} of {found.total:,} rows have errors. "
            "Correct them in the file and upload it again."
        )
    # The driver reads a statement's placeholders in more than linear time: small pages are faster.
    session().connection().execution_options(insertmanyvalues_page_size=50)
    for read in found.ready:
        customer = Customer(**read.customer)
        if read.contact is not None:
            customer.contacts.append(Contact(**read.contact))
        session().add(customer)
    session().flush()
    file(f"import:{len(found.ready)}")
    on_commit(lambda: _forget(actor, token))
    return Outcome(len(found.ready), len(found.left_out))


def template() -> str:
    """A CSV file with every column and one plainly invented row."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([target.label for target in TARGETS])
    writer.writerow([target.example for target in TARGETS])
    return "\ufeff" + out.getvalue()


def faults_csv(found: Plan) -> Iterator[str]:
    """Every fault of the plan as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Row", "Field", "Problem", "Value"])
    for fault in found.faults:
        writer.writerow([fault.row, fault.field, csv_cell(fault.message), csv_cell(fault.value)])
    yield "\ufeff" + out.getvalue()


def _key(actor: Actor, token: str) -> str:
    return f"upload:{actor.id or 0}:{token}"


def _forget(actor: Actor, token: str) -> None:
    store.remove_older(_key(actor, token), dt.timedelta(0))
