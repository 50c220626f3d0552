"""One call with everything that belongs to it: customer, provider, day of the ledger, invoice, rates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import (
    Customer,
    Invoice,
    InvoiceItem,
    Provider,
    Rate,
    UsageDay,
    UsageImport,
    UsageRecord,
)
from dashboard.queries import settings
from dashboard.rules.rating import Step, Terms, explain


@dataclass(frozen=True)
class Call:
    """A call as its page shows it. `rate` and `cost_rate` are missing where it came with its charge."""

    record: UsageRecord
    customer: Customer
    day: UsageDay | None
    provider: Provider | None
    item: InvoiceItem | None
    invoice: Invoice | None
    source: UsageImport | None
    rate: Rate | None
    cost_rate: Rate | None

    @property
    def zone(self) -> str:
        return self.customer.time_zone or settings.current().time_zone

    @property
    def local(self) -> dt.datetime:
        """When it began on the customer's clocks."""
        return self.record.started_at.astimezone(ZoneInfo(self.zone))

    @property
    def cost_currency(self) -> str:
        return self.provider.currency if self.provider is not None else self.customer.currency

    @property
    def profit(self) -> Decimal | None:
        """Charge less cost, where both are known and in one currency."""
        record = self.record
        if record.charge is None or record.cost is None or self.cost_currency != self.customer.currency:
            return None
        return record.charge - record.cost

    @property
    def steps(self) -> list[Step]:
        """How the charge follows from the rate, line by line."""
        return self._explained(self.rate)

    @property
    def cost_steps(self) -> list[Step]:
        steps = self._explained(self.cost_rate)
        return [*steps[:-1], replace(steps[-1], label="Cost")] if steps else []

    def _explained(self, rate: Rate | None) -> list[Step]:
        answered = self.record.result == "answered"
        return explain(self.record.duration, terms_of(rate)) if rate is not None and answered else []

    def __str__(self) -> str:
        return f"Call to {self.record.number or 'no number'}, {self.local:%Y-%m-%d %H:%M:%S}"


def terms_of(rate: Rate) -> Terms:
    """The rate with what its card adds."""
    card = rate.rate_card
    return Terms(
        rate_per_minute=rate.rate_per_minute,
        connection_fee=rate.connection_fee,
        minimum_seconds=card.minimum_seconds if rate.minimum_seconds is None else rate.minimum_seconds,
        pulse_seconds=card.pulse_seconds if rate.pulse_seconds is None else rate.pulse_seconds,
        duration_rounding=card.duration_rounding,
        cost_rounding=card.cost_rounding,
        cost_places=card.cost_places,
    )


def one(key: int, started_at: dt.datetime) -> Call | None:
    """The call with that key that began then; None where there is none."""
    row = db.session.execute(
        select(UsageRecord, Customer, UsageDay, Provider, InvoiceItem, Invoice, UsageImport)
        .join(Customer, Customer.id == UsageRecord.customer_id)
        .outerjoin(UsageDay, UsageDay.id == UsageRecord.usage_day_id)
        .outerjoin(Provider, Provider.id == UsageRecord.provider_id)
        .outerjoin(InvoiceItem, InvoiceItem.id == UsageDay.invoice_item_id)
        .outerjoin(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .outerjoin(UsageImport, UsageImport.id == UsageRecord.usage_import_id)
        .where(UsageRecord.started_at == started_at, UsageRecord.id == key)
    ).one_or_none()
    if row is None:
        return None
    record = row[0]
    return Call(*row, rate=_rate(record.rate_id), cost_rate=_rate(record.provider_rate_id))


def _rate(key: int | None) -> Rate | None:
    return db.session.get(Rate, key) if key is not None else None
