"""Upload of customers as CSV: who is there already, and how the rows become customers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from dashboard.models import Contact, Customer
from dashboard.operations.base import Actor, session
from dashboard.operations.customer_columns import COLUMNS, Read, Reader
from dashboard.operations.row_import import RowImport
from dashboard.operations.upload import Fault, Upload

UPLOAD = Upload("import", COLUMNS, most_rows=20_000, most_bytes=20 * 1024 * 1024)


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


def _write(actor: Actor, ready: Sequence[Read]) -> None:
    # The driver reads a statement's placeholders in more than linear time: small pages are faster.
    session().connection().execution_options(insertmanyvalues_page_size=50)
    for read in ready:
        customer = Customer(**read.customer)
        if read.contact is not None:
            customer.contacts.append(Contact(**read.contact))
        session().add(customer)


IMPORT: RowImport[Read] = RowImport(
    UPLOAD,
    reader=lambda mapping, width: Reader(mapping, width).read,
    writer=_write,
    lock=2_026_110_001,
    twins=lambda: _Known().twin_of,
)
