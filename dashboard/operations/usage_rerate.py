"""Rating again what is in the books: what would change is shown first; what is invoiced is only listed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from dashboard.models import Customer, Invoice, InvoiceItem, UsageDay
from dashboard.operations import jobs, usage_moves
from dashboard.operations.base import Actor, fetch, operation, session
from dashboard.operations.errors import Refused
from dashboard.operations.invoices import new_draft
from dashboard.operations.usage_ledger import prepare, raw_cursor
from dashboard.operations.usage_moves import Filters
from dashboard.operations.usage_rating_sql import Rates
from dashboard.queries import settings
from dashboard.rules.money import plain

KIND = "usage_rerate"
REBUILD_KIND = "usage_rebuild"
# So many calls are put on other days while somebody waits; more become a job.
AT_ONCE = 50_000

DIFFERENCES = """
SELECT o.customer_id, k.name, k.currency, c.destination, count(*), count(*) FILTER (WHERE o.charge IS NULL),
    count(*) FILTER (WHERE c.charge IS NULL), coalesce(sum(o.charge), 0),
    coalesce(sum(c.charge::numeric(20,6)), 0), coalesce(sum(c.billed_duration), 0),
    count(*) FILTER (WHERE c.result = 'answered'), min(d.day), max(d.day)
FROM usage_old AS o JOIN usage_rated AS c ON c.record_id = o.id
JOIN usage_day AS d ON d.id = o.usage_day_id JOIN customer AS k ON k.id = o.customer_id
GROUP BY 1, 2, 3, 4 ORDER BY 2, 1, 4
"""
# Costs are in the currency of their provider, so they are never added to one another across providers.
COSTS = """
SELECT o.customer_id, c.destination, p.currency, coalesce(sum(o.cost), 0),
    coalesce(sum(c.cost::numeric(20,6)), 0)
FROM usage_old AS o JOIN usage_rated AS c ON c.record_id = o.id JOIN provider AS p ON p.id = c.provider_id
WHERE o.cost IS NOT NULL OR c.cost IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 3
"""


@dataclass(frozen=True)
class Cost:
    """What the calls of a difference cost, in one currency."""

    currency: str
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True)
class Difference:
    """What rating again would change for a customer's calls to a destination. `unrated_*` are calls without
    a rate, before and after."""

    customer_id: int
    customer: str
    currency: str
    destination: str
    calls: int
    unrated_before: int
    unrated_after: int
    before: Decimal
    after: Decimal
    billed_duration: int
    connected: int
    first_day: dt.date
    last_day: dt.date
    invoiced: bool = False
    costs: tuple[Cost, ...] = ()

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


@operation("usage.rerate")
def rerate_preview(actor: Actor, filters: Filters) -> list[Difference]:
    """What would change, per customer and destination: first what is not invoiced, then what is. Writes
    nothing."""
    return [*_differences(filters, invoiced=False), *_differences(filters, invoiced=True)]


@operation("usage.rerate")
def rerate(actor: Actor, filters: Filters) -> int:
    """Rate anew what is not invoiced; says how many calls changed."""
    with raw_cursor() as cursor:
        if not usage_moves.fill(cursor, filters, invoiced=False):
            return 0
        rates = Rates(cursor)
        prepare(cursor, rates)
        usage_moves.hold(cursor)
        # Somebody may have invoiced some of it, or moved its days, until it was ours.
        usage_moves.fill(cursor, filters, invoiced=False)
        prepare(cursor, rates)
        return usage_moves.write(cursor) if usage_moves.compare(cursor) else 0


@operation("usage.rerate")
def start(actor: Actor, filters: Filters) -> Any:
    """The same in the background."""
    params = {name: _plain(value) for name, value in asdict(filters).items()}
    return jobs.start(actor, KIND, "Rating usage again", params)


def filters_of(params: dict[str, Any]) -> Filters:
    """Filters as `start` has kept them."""
    given = dict(params)
    for name in ("first_day", "last_day"):
        if given.get(name):
            given[name] = dt.date.fromisoformat(given[name])
    return Filters(**given)


@operation("usage.rerate")
def adjustment_draft(actor: Actor, customer_id: int, filters: Filters) -> Invoice:
    """A draft of what rating anew would change for calls that are invoiced: a line a destination. The calls
    and their invoices stay as they are."""
    customer = fetch(Customer, customer_id, "customer")
    wanted = Filters(**{**asdict(filters), "customer_id": customer_id})
    found = [one for one in _differences(wanted, invoiced=True) if one.difference]
    if not found:
        raise Refused(f"Nothing that {customer.name} was invoiced would have another charge.")
    earlier = adjusted(customer_id, found)
    if earlier is not None and earlier.state == "draft":
        raise Refused(f"There is already a draft adjustment for {customer.name}. Issue or delete it first.")
    if earlier is not None:
        raise Refused(
            f"{earlier} adjusts some of these calls already. Void it first, then one draft adjusts them all."
        )
    return _draft(actor, customer, found)


def adjusted(customer_id: int, found: Iterable[Difference]) -> Invoice | None:
    """What adjusts some of the differences already: a draft, or an invoice. The calls keep their charges, so
    another adjustment would bill the same difference twice."""
    rows = session().execute(
        select(Invoice, InvoiceItem.destination, InvoiceItem.date_from, InvoiceItem.date_to)
        .outerjoin(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .where(Invoice.customer_id == customer_id, Invoice.origin == "adjustment", Invoice.state != "void")
        .order_by(Invoice.state, Invoice.id)
    )
    wanted = list(found)
    for invoice, destination, first, last in rows:
        if invoice.state == "draft" or any(
            one.destination == destination
            and first
            and last
            and first <= one.last_day
            and last >= one.first_day
            for one in wanted
        ):
            return invoice
    return None


def _draft(actor: Actor, customer: Customer, found: list[Difference]) -> Invoice:
    setting = settings.current()
    percent = setting.tax_percent if customer.tax_percent is None else customer.tax_percent
    items = [
        {
            "description": f"Calls to {one.destination}: {plain(one.after)} instead of {plain(one.before)}",
            "quantity": Decimal(1),
            "unit_price": one.difference,
            "tax_percent": percent,
            "tax_name": customer.tax_name or setting.tax_name,
            "date_from": one.first_day,
            "date_to": one.last_day,
        }
        for one in found
    ]
    draft = new_draft(actor, {"customer_id": customer.id, "items": items}, origin="adjustment")
    for line, one in zip(draft.items, found, strict=True):
        line.kind = "adjustment"
        line.destination = one.destination
    session().flush()
    return draft


@operation("customer.write")
def rebuild_open(actor: Actor, customer_ids: Iterable[int]) -> int:
    """Put the open calls of customers on the days of their time zone as it is now. Days that are invoiced
    stay. Very many calls become a job."""
    ids = sorted(customer_ids)
    calls = session().scalar(
        select(func.coalesce(func.sum(UsageDay.attempts), 0)).where(
            UsageDay.customer_id.in_(ids), UsageDay.invoice_item_id.is_(None)
        )
    )
    if not calls:
        return 0
    if calls > AT_ONCE:
        jobs.start(actor, REBUILD_KIND, "Days of usage by another time zone", {"customers": ids}, len(ids))
        return 0
    with raw_cursor() as cursor:
        return usage_moves.rebuild(cursor, ids)


def rebuild_each(actor: Actor, customer_ids: Iterable[int], reached: Any) -> int:
    """The same customer by customer, a transaction each."""
    moved = 0
    for at, key in enumerate(customer_ids, start=1):
        moved += _rebuild_one(actor, key)
        reached(at)
    return moved


@operation("customer.write")
def _rebuild_one(actor: Actor, key: int) -> int:
    with raw_cursor() as cursor:
        return usage_moves.rebuild(cursor, [key])


def _differences(filters: Filters, *, invoiced: bool) -> list[Difference]:
    with raw_cursor() as cursor:
        if not usage_moves.fill(cursor, filters, invoiced=invoiced):
            return []
        prepare(cursor, Rates(cursor))
        if not usage_moves.compare(cursor):
            return []
        rows = cursor.execute(DIFFERENCES).fetchall()
        costs: dict[tuple[int, str], list[Cost]] = {}
        for customer_id, destination, *cost in cursor.execute(COSTS).fetchall():
            costs.setdefault((customer_id, destination), []).append(Cost(*cost))
    return [Difference(*[*row, invoiced, tuple(costs.get((row[0], row[3]), ()))]) for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
