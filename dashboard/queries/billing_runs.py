"""Billing runs: the list of them, and the rows of one, page by page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.types import Date, Text

from dashboard.extensions import db
from dashboard.models import BillingRun, BillingRunRow, Customer, Invoice
from dashboard.models.billing import RUN_STATES
from dashboard.queries.listing import Column, Listing, Tab

SIZE = 100
ENDED = ("done", "cancelled", "failed")


# The list of runs


def _customers() -> ColumnElement[int]:
    """How many customers there is something to do for, or was done for."""
    return (
        select(func.count(BillingRunRow.id))
        .where(BillingRunRow.billing_run_id == BillingRun.id, _counts())
        .correlate(BillingRun)
        .scalar_subquery()
    )


def _counts() -> ColumnElement[bool]:
    """Before it is carried out a run stands for the rows ticked; after it for what was made."""
    wanted = and_(BillingRunRow.chosen, BillingRunRow.state == "ready")
    return or_(and_(BillingRun.state.in_(ENDED), BillingRunRow.state == "done"), wanted)


def _totals() -> ColumnElement[str]:
    """`USD 1200.5000, EUR 80.0000`: one figure a currency."""
    sums = (
        select(BillingRunRow.currency, func.sum(BillingRunRow.total).label("total"))
        .where(BillingRunRow.billing_run_id == BillingRun.id, _counts())
        .group_by(BillingRunRow.currency)
        .correlate(BillingRun)
        .subquery()
    )
    written = sums.c.currency + " " + sql_cast(sums.c.total, Text)
    return select(func.string_agg(written, ", ")).select_from(sums).scalar_subquery()


def _last_day() -> ColumnElement[dt.date]:
    return sql_cast(BillingRun.period_end - dt.timedelta(days=1), Date)


def search(words: str) -> Sequence[Select[Any]]:
    """By title or by who made it."""
    return [
        select(BillingRun.id).where(BillingRun.title.icontains(words, autoescape=True)),
        select(BillingRun.id).where(BillingRun.created_by_name.icontains(words, autoescape=True)),
    ]


LISTING = Listing(
    model=BillingRun,
    columns=(
        Column("title", "Run", BillingRun.title, filterable=True),
        Column(
            "state",
            "State",
            BillingRun.state,
            kind="choice",
            choices=RUN_STATES,
            filterable=True,
            badge=True,
        ),
        Column("period_start", "First day", BillingRun.period_start, kind="date", filterable=True),
        Column("last_day", "Last day", _last_day(), kind="date", filterable=True),
        Column("customers", "Customers", _customers(), kind="number"),
        Column("totals", "Totals", _totals()),
        Column("created_by_name", "By", BillingRun.created_by_name, filterable=True),
        Column("created_at", "When", BillingRun.created_at, kind="moment", filterable=True),
        Column("finished_at", "Ended", BillingRun.finished_at, kind="moment", nullable=True, hidden=True),
        Column("id", "Record", BillingRun.id, kind="number", sortable=True, hidden=True, exported=False),
    ),
    default_sort="-id",
    search=search,
    search_hint="Title or name",
    tabs=(
        Tab("previewed", "Preview", lambda: BillingRun.state.in_(("previewing", "previewed"))),
        Tab("running", "Running", lambda: BillingRun.state == "running"),
        Tab("ended", "Ended", lambda: BillingRun.state.in_(ENDED)),
        Tab("all", "All", lambda: None),
    ),
)


# The rows of one run


@dataclass(frozen=True)
class Asked:
    """Which rows of a run, in what order, from where."""

    only: str = ""
    search: str = ""
    sort: str = "name"
    page: int = 1


SORTS = {
    "name": "Customer",
    "-total": "Total, largest first",
    "-change": "Difference, largest first",
}

# What the reader can narrow a preview or a result to, by the name in the URL.
ONLY: Mapping[str, tuple[str, ColumnElement[bool]]] = {
    "ready": ("To be invoiced", BillingRunRow.state == "ready"),
    "warned": (
        "With warnings",
        and_(BillingRunRow.state == "ready", func.jsonb_array_length(BillingRunRow.warnings) > 0),
    ),
    "unticked": ("Unticked", and_(BillingRunRow.state == "ready", BillingRunRow.chosen.is_(False))),
    "blocked": ("Blocked", and_(BillingRunRow.state == "blocked", BillingRunRow.invoice_id.is_(None))),
    "covered": (
        "Invoiced already",
        and_(BillingRunRow.state == "blocked", BillingRunRow.invoice_id.is_not(None)),
    ),
    "nothing": ("Nothing to bill", BillingRunRow.state == "nothing"),
    "done": ("Invoiced", BillingRunRow.state == "done"),
    "refused": ("Refused", BillingRunRow.state == "refused"),
    "failed": ("Failed", BillingRunRow.state == "failed"),
    "left": ("Not reached", and_(BillingRunRow.state == "ready", BillingRunRow.chosen)),
}
TABS = {
    "previewed": ("ready", "warned", "unticked", "blocked", "covered", "nothing"),
    "ended": ("done", "refused", "failed", "left", "unticked", "blocked", "covered", "nothing"),
}


def counts(run_id: int) -> dict[str, int]:
    """How many rows each narrowing shows, in one statement."""
    columns = [func.count().filter(condition).label(name) for name, (_, condition) in ONLY.items()]
    row = db.session.execute(select(*columns).where(BillingRunRow.billing_run_id == run_id)).one()
    return dict(row._mapping)


def difference() -> ColumnElement[Decimal]:
    return BillingRunRow.total - BillingRunRow.last_total


def matching(run_id: int, asked: Asked) -> list[ColumnElement[bool]]:
    """The conditions of what is asked for; `Customer` must be joined."""
    found: list[ColumnElement[bool]] = [BillingRunRow.billing_run_id == run_id]
    if asked.only in ONLY:
        found.append(ONLY[asked.only][1])
    if asked.search:
        found.append(Customer.name.icontains(asked.search, autoescape=True))
    return found


def keys(run_id: int, asked: Asked) -> list[int]:
    """The keys of all rows that match, on whatever page."""
    statement = select(BillingRunRow.id).join(Customer, Customer.id == BillingRunRow.customer_id)
    return list(db.session.scalars(statement.where(*matching(run_id, asked)).order_by(BillingRunRow.id)))


def page(run_id: int, asked: Asked, size: int = SIZE) -> tuple[list[Row[Any]], int]:
    """One page of rows with customer and invoice, and how many match in all. A run's rows are some thousand
    at most, so that counting on from the first costs less than it would to explain."""
    conditions = matching(run_id, asked)
    joined = select(BillingRunRow).join(Customer, Customer.id == BillingRunRow.customer_id).where(*conditions)
    count = db.session.scalar(select(func.count()).select_from(joined.subquery())) or 0
    order: dict[str, list[Any]] = {
        "name": [Customer.name],
        "-total": [BillingRunRow.total.desc()],
        "-change": [func.abs(difference()).desc().nulls_last()],
    }
    statement = (
        _rows()
        .where(*conditions)
        .order_by(*order.get(asked.sort, order["name"]), BillingRunRow.id)
        .limit(size)
        .offset((asked.page - 1) * size)
    )
    return list(db.session.execute(statement).all()), count


def _rows() -> Select[Any]:
    columns: list[Any] = [
        BillingRunRow.id,
        BillingRunRow.customer_id,
        Customer.name,
        Customer.version.label("customer_version"),
        BillingRunRow.period_start,
        BillingRunRow.period_end,
        BillingRunRow.currency,
        BillingRunRow.lines,
        BillingRunRow.total,
        BillingRunRow.last_total,
        difference().label("change"),
        BillingRunRow.warnings,
        BillingRunRow.chosen,
        BillingRunRow.state,
        BillingRunRow.reason,
        BillingRunRow.invoice_id,
        Invoice.number,
        Invoice.state.label("invoice_state"),
    ]
    return (
        select(*columns)
        .join(Customer, Customer.id == BillingRunRow.customer_id)
        .outerjoin(Invoice, Invoice.id == BillingRunRow.invoice_id)
    )


def everything(run_id: int) -> Iterator[Row[Any]]:
    """All rows of a run for its file, by customer."""
    statement = (
        _rows().where(BillingRunRow.billing_run_id == run_id).order_by(Customer.name, BillingRunRow.id)
    )
    yield from db.session.execute(statement)


@dataclass(frozen=True)
class Sum:
    """What is ticked, or was made, in one currency."""

    currency: str
    count: int
    total: Decimal
    last_total: Decimal


def sums(run_id: int, only: str = "left") -> list[Sum]:
    """One figure a currency: of the rows ticked, or of another narrowing."""
    statement = (
        select(
            BillingRunRow.currency,
            func.count(),
            func.sum(BillingRunRow.total),
            func.coalesce(func.sum(BillingRunRow.last_total), 0),
        )
        .where(BillingRunRow.billing_run_id == run_id, ONLY[only][1])
        .group_by(BillingRunRow.currency)
        .order_by(BillingRunRow.currency)
    )
    return [
        Sum(currency, count, total, last or Decimal(0))
        for currency, count, total, last in db.session.execute(statement)
    ]


def row_of(run_id: int, row_id: int) -> BillingRunRow | None:
    found = db.session.get(BillingRunRow, row_id)
    return found if found is not None and found.billing_run_id == run_id else None
