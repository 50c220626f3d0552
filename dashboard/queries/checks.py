"""The proof of the books: what is stored for speed must equal what it is derived from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Subquery, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute

from dashboard.extensions import db
from dashboard.models import Allocation, Invoice, InvoiceItem, Payment, Refund
from dashboard.rules import tax
from dashboard.rules.money import exponent, plain

BATCH = 1000


@dataclass(frozen=True)
class Discrepancy:
    """One figure that is not what it should be."""

    record: str
    id: int
    what: str
    stored: str
    expected: str

    def __str__(self) -> str:
        return f"{self.record} {self.id}: {self.what} is {self.stored}, but should be {self.expected}"


def discrepancies() -> list[Discrepancy]:
    """Every figure of the books that does not follow from its parts; an empty list is the proof."""
    found = [
        *_sums("invoice", Invoice.id, Invoice.paid, "paid", _allocated(Allocation.invoice_id)),
        *_sums("payment", Payment.id, Payment.allocated, "allocated", _allocated(Allocation.payment_id)),
        *_sums("payment", Payment.id, Payment.refunded, "refunded", _sum(Refund.payment_id, Refund.amount)),
    ]
    for stored, part in (
        (Invoice.subtotal, InvoiceItem.net),
        (Invoice.tax, InvoiceItem.tax),
        (Invoice.total, InvoiceItem.gross),
    ):
        found += _sums("invoice", Invoice.id, stored, stored.key, _sum(InvoiceItem.invoice_id, part))
    return [*found, *_pairs(), *_decimals(), *_computed(), *_ledger(), *_kept_sums()]


def _sum(key: InstrumentedAttribute[int], part: InstrumentedAttribute[Decimal]) -> Subquery:
    return select(key.label("key"), func.sum(part).label("total")).group_by(key).subquery()


def _allocated(key: InstrumentedAttribute[int]) -> Subquery:
    return _sum(key, Allocation.amount)


def _sums(
    record: str,
    key: InstrumentedAttribute[int],
    stored: InstrumentedAttribute[Decimal],
    what: str,
    parts: Subquery,
) -> Iterator[Discrepancy]:
    """Rows whose stored figure differs from the sum of its parts."""
    expected: ColumnElement[Decimal] = func.coalesce(parts.c.total, 0)
    rows = db.session.execute(
        select(key, stored, expected).outerjoin(parts, parts.c.key == key).where(stored != expected)
    )
    for row in rows:
        yield Discrepancy(record, row[0], what, plain(row[1]), plain(Decimal(row[2])))


# Each figure of the ledger with the sum of its calls; calls whose day is not there stand by themselves.
_LEDGER = """
SELECT d.id, r.usage_day_id, coalesce(d.attempts, 0), coalesce(r.attempts, 0), coalesce(d.connected, 0),
    coalesce(r.connected, 0), coalesce(d.duration, 0), coalesce(r.duration, 0),
    coalesce(d.billed_duration, 0), coalesce(r.billed_duration, 0), coalesce(d.charge, 0),
    coalesce(r.charge, 0), coalesce(d.cost, 0), coalesce(r.cost, 0)
FROM usage_day AS d FULL JOIN (
    SELECT usage_day_id, count(*) AS attempts, count(*) FILTER (WHERE result = 'answered') AS connected,
        sum(duration) AS duration, sum(billed_duration) AS billed_duration, sum(charge) AS charge,
        sum(cost) AS cost
    FROM usage_record GROUP BY usage_day_id
) AS r ON r.usage_day_id = d.id
WHERE (d.attempts, d.connected, d.duration, d.billed_duration, d.charge, d.cost) IS DISTINCT FROM
    (coalesce(r.attempts, 0), coalesce(r.connected, 0), coalesce(r.duration, 0),
     coalesce(r.billed_duration, 0), coalesce(r.charge, 0), coalesce(r.cost, 0))
ORDER BY 1, 2
"""
_LEDGER_FIGURES = ("attempts", "connected", "duration", "billed_duration", "charge", "cost")


def _ledger() -> Iterator[Discrepancy]:
    """Days of usage that are not the sum of their calls."""
    for day, key, *figures in db.session.execute(text(_LEDGER)):
        if day is None:
            yield Discrepancy("usage record", key, "its day in the ledger", "missing", "a day that is there")
            continue
        pairs = zip(_LEDGER_FIGURES, figures[::2], figures[1::2], strict=True)
        for what, stored, expected in pairs:
            if stored != expected:
                yield Discrepancy("usage day", day, what, plain(Decimal(stored)), plain(Decimal(expected)))


_BOOK_SUMS = """
WITH kept AS (
  SELECT kind, currency, day, customer_id, sum(number) AS number, sum(amount) AS amount, sum(rest) AS rest
  FROM book_sum GROUP BY kind, currency, day, customer_id
), part AS (
  SELECT p.* FROM invoice AS i CROSS JOIN LATERAL book_sums_of(i) AS p
  UNION ALL SELECT p.* FROM payment AS y CROSS JOIN LATERAL book_sums_of(y) AS p
), real AS (
  SELECT kind, currency, day, customer_id, count(*) AS number, sum(amount) AS amount, sum(rest) AS rest
  FROM part GROUP BY kind, currency, day, customer_id
)
SELECT coalesce(k.kind, r.kind) AS kind, coalesce(k.currency, r.currency) AS currency,
  coalesce(k.day, r.day) AS day, coalesce(k.customer_id, r.customer_id) AS customer_id,
  coalesce(k.number, 0), coalesce(r.number, 0), coalesce(k.amount, 0), coalesce(r.amount, 0),
  coalesce(k.rest, 0), coalesce(r.rest, 0)
FROM kept AS k FULL JOIN real AS r
  ON (k.kind, k.currency, coalesce(k.day, '-infinity'), coalesce(k.customer_id, 0))
    = (r.kind, r.currency, coalesce(r.day, '-infinity'), coalesce(r.customer_id, 0))
WHERE (coalesce(k.number, 0), coalesce(k.amount, 0), coalesce(k.rest, 0))
  <> (coalesce(r.number, 0), coalesce(r.amount, 0), coalesce(r.rest, 0))
ORDER BY 1, 2, 3, 4
"""


def _kept_sums() -> Iterator[Discrepancy]:
    """Sums of the first page that are not those of its invoices and payments."""
    names = ("count", "amount", "rest")
    for kind, currency, day, customer, *figures in db.session.execute(text(_BOOK_SUMS)):
        of = " of ".join(filter(None, (f"{kind} {currency}", str(day or ""))))
        for what, stored, wanted in zip(names, figures[::2], figures[1::2], strict=True):
            if stored != wanted:
                said = plain(Decimal(stored)), plain(Decimal(wanted))
                yield Discrepancy("book sum", customer or 0, f"{what} of {of}", *said)


def _pairs() -> Iterator[Discrepancy]:
    """Allocations between rows that have no business with each other."""
    rows = db.session.execute(
        select(Allocation.id)
        .join(Payment, Payment.id == Allocation.payment_id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(
            or_(
                Payment.customer_id != Invoice.customer_id,
                Payment.currency != Invoice.currency,
                Payment.status != "completed",
                Invoice.state != "issued",
            )
        )
    )
    for row in rows:
        yield Discrepancy(
            "allocation",
            row[0],
            "what it joins",
            "a mismatch",
            "a completed payment and an issued invoice of one customer and currency",
        )


def _decimals() -> Iterator[Discrepancy]:
    """Amounts finer than their currency."""
    for record, model, column in (
        ("invoice", Invoice, Invoice.total),
        ("invoice", Invoice, Invoice.tax),
        ("payment", Payment, Payment.amount),
    ):
        for code in db.session.scalars(select(model.currency).distinct()).all():
            rows = db.session.execute(
                select(model.id, column).where(
                    model.currency == code, column != func.round(column, exponent(code))
                )
            )
            for key, amount in rows:
                wanted = f"an amount with {exponent(code)} decimals"
                yield Discrepancy(record, key, column.key, plain(amount), wanted)


def _computed() -> Iterator[Discrepancy]:
    """Invoices whose lines, taxed anew, come to something else."""
    last = 0
    while rows := _batch(last):
        last = rows[-1].id
        lines = _lines(rows)
        for row in rows:
            mode: tax.TaxMode = "per_line" if row.tax_mode == "per_line" else "per_rate"
            found = tax.compute(lines[row.id], row.currency, mode, row.tax_inclusive)
            if (found.total, found.tax) != (row.total, row.tax):
                yield Discrepancy(
                    "invoice", row.id, "the total of its lines", plain(row.total), plain(found.total)
                )


def _batch(last: int) -> list[Any]:
    wanted = select(
        Invoice.id, Invoice.currency, Invoice.tax_mode, Invoice.tax_inclusive, Invoice.tax, Invoice.total
    )
    return list(db.session.execute(wanted.where(Invoice.id > last).order_by(Invoice.id).limit(BATCH)))


def _lines(invoices: list[Any]) -> dict[int, list[tax.Line]]:
    """The lines of each invoice, in order."""
    lines: dict[int, list[tax.Line]] = {row.id: [] for row in invoices}
    found = db.session.execute(
        select(
            InvoiceItem.invoice_id,
            InvoiceItem.quantity,
            InvoiceItem.unit_price,
            InvoiceItem.tax_percent,
            InvoiceItem.tax_name,
        )
        .where(InvoiceItem.invoice_id.in_(lines))
        .order_by(InvoiceItem.invoice_id, InvoiceItem.position)
    )
    for row in found:
        lines[row.invoice_id].append(tax.Line(row.quantity, row.unit_price, row.tax_percent, row.tax_name))
    return lines
