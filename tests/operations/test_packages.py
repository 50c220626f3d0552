"""Packages: prices, frequency and free minutes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Invoice, InvoiceItem, Package
from dashboard.operations import packages
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, Refused, Stale

TODAY = dt.date(2026, 11, 23)
MINUTES = {"type": "free_minutes", "free_minutes": 500, "destination_prefixes": "^44|^91|^1"}


@pytest.fixture
def line(clerk):
    return packages.create(clerk, {"name": "Line rental", "currency": "USD", "retail": Decimal(50)})


def assigned_to(package: Package, name: str = "Acorn Example") -> Customer:
    customer = Customer(name=name, currency=package.currency)
    db.session.add(customer)
    db.session.flush()
    db.session.add(
        CustomerPackage(customer_id=customer.id, package_id=package.id, quantity=Decimal(1), start_date=TODAY)
    )
    db.session.commit()
    return customer


def on_a_line(package: Package) -> None:
    customer = Customer(name="Oak Example", currency=package.currency)
    db.session.add(customer)
    db.session.flush()
    invoice = Invoice(
        customer_id=customer.id,
        customer_name=customer.name,
        currency=customer.currency,
        issue_date=TODAY,
        due_date=TODAY,
    )
    zero = Decimal(0)
    invoice.items.append(
        InvoiceItem(
            position=1,
            package_id=package.id,
            quantity=1,
            unit_price=0,
            tax_percent=0,
            net=zero,
            tax=zero,
            gross=zero,
        )
    )
    db.session.add(invoice)
    db.session.commit()


def refused(actor, **values) -> dict[str, str]:
    with pytest.raises(Invalid) as raised:
        packages.create(actor, {"name": "Gold", "currency": "USD", **values})
    assert db.session.scalar(select(func.count(Package.id))) == 0
    return {field: " ".join(said) for field, said in raised.value.errors.items()}


def test_a_package_with_every_field(clerk):
    made = packages.create(
        clerk,
        {
            "name": "Gold",
            "currency": "GBP",
            "cost": "0.012345",
            "retail": Decimal("50.000000"),
            "setup_cost": None,
            "setup_retail": "",
            "tax_percent": "20",
            "frequency": "monthly",
            "frequency_match": ["31", 15, 15],
            "minimum_days": 30,
            "minimum_spend": True,
            **MINUTES,
        },
    )
    db.session.refresh(made)
    assert (made.cost, made.retail, made.setup_cost) == (Decimal("0.012345"), Decimal(50), Decimal(0))
    assert made.frequency_match == [15, 31]
    assert (made.free_minutes, made.destination_prefixes) == (500, "^44|^91|^1")
    assert (made.minimum_days, made.minimum_spend, made.active) == (30, True, True)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("retail", "-0.01", "can't be less than 0"),
        ("retail", "1.0000001", "at most 6 decimals"),
        ("retail", "1e3", "is not a number"),
        ("cost", Decimal("Infinity"), "is not a number"),
        ("setup_retail", "9" * 20, "too big"),
        ("tax_percent", "101", "more than 100"),
        ("minimum_days", "-1", "less than 0"),
        ("minimum_days", 4000, "more than 3650"),
        ("frequency", "hourly", "is not a choice here"),
        ("frequency_match", ["tuesday"], "Choose days from the list"),
        ("frequency_match", [0], "days of the month, 1 to 31"),
        ("frequency_match", [32], "days of the month, 1 to 31"),
        ("description", "x" * 1001, "at most 1,000"),
    ],
)
def test_values_that_are_refused(clerk, field, value, words):
    errors = refused(clerk, **{field: value})
    assert words in errors[field]
    assert list(errors) == [field]


@pytest.mark.parametrize("frequency", ["once", "daily"])
def test_days_have_no_meaning_for_once_and_daily(clerk, frequency):
    errors = refused(clerk, frequency=frequency, frequency_match=[1])
    assert errors == {"frequency_match": f"Days can't be chosen for {frequency}."}


def test_week_days(clerk):
    assert refused(clerk, frequency="weekly", frequency_match=[8]) == {
        "frequency_match": "Choose week days, 1 (Monday) to 7."
    }
    assert packages.create(
        clerk, {"name": "W", "currency": "USD", "frequency": "weekly", "frequency_match": "5, 1"}
    ).frequency_match == [1, 5]


def test_days_of_an_old_frequency_are_dropped(clerk, line):
    packages.update(clerk, line.id, {"frequency": "weekly", "frequency_match": [1, 5]})
    # The 1st and the 5th were never meant.
    assert packages.update(clerk, line.id, {"frequency": "monthly"}).frequency_match == []
    assert packages.update(
        clerk, line.id, {"frequency": "monthly", "frequency_match": [15]}
    ).frequency_match == [15]
    with pytest.raises(Invalid):
        packages.update(clerk, line.id, {"frequency": "weekly", "frequency_match": [15]})


@pytest.mark.parametrize(
    "written", ["44", "^44,^91", "^44|", "|^44", "^", "^4a", "^44||^1", "^" + "1" * 16, "^٤٤"]
)
def test_prefixes_that_can_not_be_read(clerk, written):
    errors = refused(clerk, **{**MINUTES, "destination_prefixes": written})
    assert "Write the prefixes like ^44|^91|^1" in errors["destination_prefixes"]


def test_prefixes_are_tidied(clerk):
    made = packages.create(
        clerk, {"name": "M", "currency": "USD", **MINUTES, "destination_prefixes": " ^44 | ^91\n| ^44 "}
    )
    assert made.destination_prefixes == "^44|^91"


def test_free_minutes_need_prefixes(clerk):
    assert "need the prefixes" in refused(clerk, type="free_minutes", free_minutes=5)["destination_prefixes"]


def test_only_free_minutes_have_minutes(clerk, line):
    with pytest.raises(Invalid, match="Only a package of the type Free Minutes"):
        packages.update(clerk, line.id, {"free_minutes": 5})
    packages.update(clerk, line.id, MINUTES)
    changed = packages.update(clerk, line.id, {"type": "standard"})
    assert (changed.free_minutes, changed.destination_prefixes) == (None, None)


def test_currency_is_fixed_once_used(clerk, line):
    packages.update(clerk, line.id, {"currency": "EUR"})
    assigned_to(line)
    with pytest.raises(Invalid, match="on 1 customer's list of packages in EUR, so its currency is fixed"):
        packages.update(clerk, line.id, {"currency": "USD"})
    packages.update(clerk, line.id, {"currency": "EUR", "retail": 1})


def test_a_used_package_is_not_deleted(clerk, manager, line):
    on_a_line(line)
    assigned_to(line, "Acorn")
    assigned_to(line, "Birch")
    with pytest.raises(Refused) as raised:
        packages.delete(manager, line.id)
    assert str(raised.value) == (
        "Line rental is on 1 invoice line and 2 customers' lists of packages, so it can't be deleted. "
        "Untick Active instead: it is then no longer offered."
    )
    unused = packages.create(clerk, {"name": "Unused", "currency": "USD"})
    result = packages.delete_many(manager, [line.id, unused.id])
    assert (result.done, [one.label for one in result.refused]) == ([unused.id], ["Line rental"])


def test_bulk_edit(clerk, line):
    other = packages.create(clerk, {"name": "Other", "currency": "USD"})
    assert packages.update_many(clerk, [line.id, other.id], {"active": False}).done == [line.id, other.id]
    db.session.expire_all()
    assert not other.active


def test_stale_missing_and_double(clerk, line):
    packages.update(clerk, line.id, {"retail": 2}, version=1)
    with pytest.raises(Stale):
        packages.update(clerk, line.id, {"retail": 3}, version=1)
    with pytest.raises(Missing):
        packages.update(clerk, 404, {"retail": 3})
    packages.create(clerk, {"name": "A", "currency": "USD"}, form_key="k")
    with pytest.raises(Duplicate):
        packages.create(clerk, {"name": "A", "currency": "USD"}, form_key="k")


def test_rights(as_role, line):
    with pytest.raises(Forbidden):
        packages.create(as_role("viewer"), {"name": "A", "currency": "USD"})
    with pytest.raises(Forbidden):
        packages.update(as_role("viewer"), line.id, {"retail": 1})
    with pytest.raises(Forbidden):
        packages.delete(as_role("clerk"), line.id)
