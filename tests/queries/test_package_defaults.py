"""What choosing a package fills in."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.operations import assignments, packages
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from dashboard.queries.packages import package_defaults
from tests.support.books import make_customer, make_package


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


def test_as_the_issue_shows_it(acorn):
    package = make_package("Example Line", retail="50", description="Rental of one line")
    assert package_defaults(package, None) == {
        "quantity": "1",
        "unit_price": "50.00",
        "tax_percent": "20",
        "tax_name": "VAT",
        "description": "Rental of one line",
        "currency": "USD",
    }
    assert package_defaults(package, acorn)["quantity"] == "1"


def test_fine_prices_keep_their_decimals(acorn):
    assert package_defaults(make_package(retail="0.0125"), None)["unit_price"] == "0.0125"
    assert package_defaults(make_package(currency="JPY", retail="1200"), None)["unit_price"] == "1200"


def test_the_tax_is_the_packages_then_the_customers_then_the_accounts(app):
    german = make_customer("German Example", tax_percent="19", tax_name="MwSt")
    nameless = make_customer("Nameless Example", tax_percent="7.5")
    plain, own = make_package("Plain"), make_package("Own", tax_percent="0", tax_name="Zero rated")
    half = make_package("Half", tax_percent="5")

    def tax(package, customer):
        found = package_defaults(package, customer)
        return found["tax_name"], found["tax_percent"]

    assert tax(plain, None) == ("VAT", "20")
    assert tax(plain, german) == ("MwSt", "19")
    assert tax(plain, nameless) == ("VAT", "7.5")
    assert tax(own, german) == ("Zero rated", "0")
    assert tax(half, german) == ("MwSt", "5")


def test_the_quantity_is_that_of_the_assignment_which_runs_today(acorn):
    package = make_package()
    today = settings.today()

    def assign(quantity: str, start: int, end: int | None) -> None:
        values = {
            "customer_id": acorn.id,
            "package_id": package.id,
            "quantity": quantity,
            "start_date": today + dt.timedelta(days=start),
            "end_date": None if end is None else today + dt.timedelta(days=end),
        }
        assignments.create(SYSTEM, values)

    assign("7", -60, -1)
    assign("9", 1, None)
    assert package_defaults(package, acorn)["quantity"] == "1"
    assign("2.5", -30, 0)
    assert package_defaults(package, acorn)["quantity"] == "2.5"
    assign("4", -10, None)
    assert package_defaults(package, acorn)["quantity"] == "4"


def test_a_package_without_a_description_gives_its_name(acorn):
    package = packages.update(SYSTEM, make_package("Example Line", description="x").id, {"description": ""})
    assert package_defaults(package, acorn)["description"] == "Example Line"
