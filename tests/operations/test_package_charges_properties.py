"""Whatever staff do with packages, in whatever order: no day is charged twice, and none is forgotten."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import CustomerPackage, Invoice, PackageCharge
from dashboard.operations import assignments, invoices, package_charges, packages
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import OperationError
from tests.support.books import make_customer, make_package

FIRST = dt.date(2026, 8, 1)
TODAY = dt.date(2026, 11, 23)
DAY = dt.timedelta(days=1)


def charged_days(assigned: CustomerPackage) -> list[dt.date]:
    """Each day that was charged, as often as it was."""
    spans = db.session.execute(
        select(PackageCharge.span_start, PackageCharge.span_end).where(
            PackageCharge.customer_package_id == assigned.id, PackageCharge.kind == "recurring"
        )
    )
    return [start + n * DAY for start, end in spans for n in range((end - start).days)]


@pytest.mark.parametrize("seed", [0, 1, 2, 7, 13, 14])
def test_every_day_is_charged_once(app, seed: int) -> None:
    chance = random.Random(seed)
    customer = make_customer()
    held = []
    for at in range(3):
        package = make_package(f"Package {at}", retail=Decimal(30), frequency="monthly")
        values = {"customer_id": customer.id, "package_id": package.id, "quantity": 1}
        start = FIRST + chance.randint(0, 40) * DAY
        held.append(
            assignments.create(SYSTEM, {**values, "start_date": start, "auto_decrement_credit": at == 2})
        )
    with time_machine.travel(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False):
        for _ in range(25):
            _something(chance, customer.id, held)
        # At last everything is charged.
        while True:
            try:
                package_charges.charge(SYSTEM, customer.id, TODAY)
            except OperationError:
                break
    for one in held:
        days = charged_days(one)
        assert len(days) == len(set(days)), "a day was charged twice"
        last = min(TODAY, one.end_date) if one.end_date else TODAY
        wanted = {one.start_date + n * DAY for n in range((last - one.start_date).days + 1)}
        assert wanted <= set(days), "a day was forgotten"


def _something(chance: random.Random, customer_id: int, held: list[CustomerPackage]) -> None:
    """One of the things that staff, or the schedule, do."""
    one = chance.choice(held)
    frequency = chance.choice(["weekly", "monthly", "daily"])
    last = {"weekly": 7, "monthly": 28}.get(frequency, 0)
    match = chance.sample(range(1, last + 1), chance.randint(0, 2)) if last else []
    drafts = db.session.scalars(select(Invoice).where(Invoice.state == "draft")).all()
    issued = db.session.scalars(select(Invoice).where(Invoice.state == "issued")).all()
    day = FIRST + chance.randint(0, (TODAY - FIRST).days) * DAY
    acts = [
        lambda: package_charges.charge(SYSTEM, customer_id, day),
        lambda: package_charges.charge(SYSTEM, customer_id, TODAY, package_id=one.package_id),
        package_charges.charge_accounts,
        lambda: packages.update(SYSTEM, one.package_id, {"frequency": frequency, "frequency_match": match}),
        lambda: invoices.delete(SYSTEM, chance.choice(drafts).id) if drafts else None,
        lambda: invoices.issue(SYSTEM, chance.choice(drafts).id) if drafts else None,
        lambda: invoices.void(SYSTEM, chance.choice(issued).id, "A slip") if issued else None,
        lambda: assignments.update(SYSTEM, one.id, {"auto_decrement_credit": chance.random() < 0.5}),
    ]
    try:
        chance.choice(acts)()
    except OperationError:
        db.session.rollback()
