"""Run Package: simulate, charge what is ticked, once; and the pages that say what comes next."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Invoice, PackageCharge, Payment
from dashboard.operations import packages, settings
from dashboard.operations.base import SYSTEM
from tests.support.books import give, make_customer
from tests.support.pages import words

RUN = "/admin/package/run/"


@pytest.fixture(autouse=True)
def _today(app):
    with time_machine.travel(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def clerk(client_as):
    return client_as("clerk")


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks", tax_percent=Decimal(20), tax_name="VAT")


def ticks(response) -> list[str]:
    return re.findall(r'name="chosen" value="([^"]+)"', response.get_data(as_text=True))


def form_key(response) -> str:
    return re.search(r'name="form_key" value="([^"]+)"', response.get_data(as_text=True))[1]


def send(client, target: str, **data):
    """Post, and read the page that follows."""
    return client.get(client.post(target, data=data).location)


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_the_page_asks_for_a_customer_first(clerk):
    page = clerk.get(RUN)
    assert page.status_code == 200
    assert "Choose a customer: you see what its packages would charge" in words(page)
    assert 'value="2026-11-23"' in page.get_data(as_text=True)


def test_simulate_shows_what_and_why_and_writes_nothing(clerk, acorn):
    give(acorn, setup_retail=Decimal(10), frequency_match=[15])
    give(acorn, name="Credit line", auto=True)
    page = clerk.get(RUN, query_string={"customer_id": acorn.id})
    said = words(page)
    assert "4 charges are due up to 2026-11-23" in said
    assert "$66.00 USD on a draft invoice and $37.20 USD charged to the account, tax included." in said
    assert "Setup, once, on the Start Date" in said
    assert "Every month on the 15th; 14 of 31 days: it starts then" in said
    assert "Every month on the 1st" in said
    assert "To the account" in said
    assert len(ticks(page)) == 4
    assert (count(Invoice), count(Payment), count(PackageCharge)) == (0, 0, 0)


def test_charge_what_is_ticked_once(clerk, acorn):
    give(acorn, setup_retail=Decimal(10))
    give(acorn, name="Credit line", auto=True)
    page = clerk.get(RUN, query_string={"customer_id": acorn.id})
    sent = {"form_key": form_key(page), "chosen": ticks(page)}
    target = f"{RUN}?customer_id={acorn.id}&on=2026-11-23"
    first = clerk.post(target, data=sent)
    invoice = db.session.scalars(select(Invoice)).one()
    assert first.status_code == 303
    assert first.location == f"/admin/invoice/details/?id={invoice.id}"
    assert (invoice.state, invoice.origin, len(invoice.items)) == ("draft", "package", 2)
    assert db.session.scalars(select(Payment.amount)).one() == Decimal("-37.2")
    again = clerk.post(target, data=sent)
    assert again.location == first.location
    assert (count(Invoice), count(Payment), count(PackageCharge)) == (1, 1, 3)
    done = words(clerk.get(target))
    assert "Nothing is due" in done
    assert f"Draft {invoice.id}" in done
    assert "2026-12-01" in done


def test_only_the_account_is_charged(clerk, acorn):
    give(acorn, auto=True)
    page = clerk.get(RUN, query_string={"customer_id": acorn.id})
    answer = send(clerk, f"{RUN}?customer_id={acorn.id}", form_key="k", chosen=ticks(page))
    assert "The account of Acorn Example Networks was charged with $37.20 USD." in words(answer)
    assert count(Invoice) == 0


def test_what_changed_since_is_not_charged(clerk, acorn):
    given = give(acorn)
    page = clerk.get(RUN, query_string={"customer_id": acorn.id})
    packages.update(SYSTEM, given.package_id, {"retail": Decimal(99)})
    answer = send(clerk, f"{RUN}?customer_id={acorn.id}", chosen=ticks(page))
    assert "What is due has changed since you looked" in words(answer)
    none = send(clerk, f"{RUN}?customer_id={acorn.id}")
    assert "Tick at least one charge first." in words(none)
    odd = clerk.post(f"{RUN}?customer_id={acorn.id}", data={"chosen": ["x", "1:setup:2026-13-01 y"]})
    assert odd.status_code == 303
    assert count(PackageCharge) == 0


def test_a_later_day_can_only_be_looked_at(clerk, acorn):
    give(acorn)
    page = clerk.get(RUN, query_string={"customer_id": acorn.id, "on": "2026-12-24"})
    assert "This is a look ahead: charging is possible up to today, 2026-11-23." in words(page)
    assert ticks(page) == []
    sent = send(clerk, f"{RUN}?customer_id={acorn.id}&on=2026-12-24", chosen="x y")
    assert "Packages can be charged up to today" in words(sent)


def test_this_month_first_and_all_that_was_never_charged_on_demand(clerk, acorn):
    give(acorn, start="2026-08-15")
    page = clerk.get(RUN, query_string={"customer_id": acorn.id})
    assert len(ticks(page)) == 1
    assert "3 charges due before 2026-11-01 were not made either." in words(page)
    assert len(ticks(clerk.get(RUN, query_string={"customer_id": acorn.id, "since": ""}))) == 4
    send(clerk, f"{RUN}?customer_id={acorn.id}", chosen=ticks(page))
    assert count(PackageCharge) == 1


def test_of_one_package(clerk, acorn):
    one = give(acorn)
    give(acorn, name="Other line")
    page = clerk.get(RUN, query_string={"customer_id": acorn.id, "package_id": one.package_id})
    assert "1 charge is due" in words(page)


@pytest.mark.parametrize(
    "asked",
    [
        {"customer_id": "999999"},
        {"customer_id": "x"},
        {"customer_id": "1", "on": "2026-02-30"},
        {"customer_id": "1", "package_id": "999999"},
    ],
)
def test_a_choice_that_does_not_exist_is_said_at_its_field(clerk, acorn, asked):
    asked = {**asked, "customer_id": asked["customer_id"].replace("1", str(acorn.id))}
    page = clerk.get(RUN, query_string=asked)
    assert page.status_code == 422
    assert 'class="err"' in page.get_data(as_text=True)


def test_viewers_are_not_offered_it(client_as, acorn):
    given = give(acorn)
    viewer = client_as("viewer")
    assert viewer.get(RUN).status_code == 403
    tab = viewer.get(f"/admin/customer/details/?id={acorn.id}&tab=packages")
    assert "Run Package" not in words(tab)
    assert "1 not charged yet" in words(tab)
    assert RUN not in tab.get_data(as_text=True)
    assert "Run Package" not in words(viewer.get(f"/admin/package/details/?id={given.package_id}"))


def test_the_customers_tab_says_what_comes_and_what_was(clerk, acorn):
    give(acorn)
    before = words(clerk.get(f"/admin/customer/details/?id={acorn.id}&tab=packages"))
    assert "1 not charged yet" in before
    assert "2026-12-01 $31.00" in before
    page = clerk.get(RUN, query_string={"customer_id": acorn.id})
    clerk.post(f"{RUN}?customer_id={acorn.id}", data={"chosen": ticks(page)})
    invoice = db.session.scalars(select(Invoice)).one()
    after = words(clerk.get(f"/admin/customer/details/?id={acorn.id}&tab=packages"))
    assert "not charged yet" not in after
    assert f"2026-11-01 Draft {invoice.id}" in after


def test_the_packages_page_says_whom_it_charges_next(clerk, acorn):
    given = give(acorn)
    said = words(clerk.get(f"/admin/package/details/?id={given.package_id}"))
    assert "Upcoming charges" in said
    assert "Acorn Example Networks 2026-12-01 $31.00" in said


def test_the_dashboard_names_the_charges_that_come_within_the_notification_days(clerk, acorn):
    settings.update(SYSTEM, {"package_notification_days": 10})
    assert "Package charges" not in words(clerk.get("/admin/coming"))
    give(acorn)
    said = words(clerk.get("/admin/coming"))
    assert "Package charges within 10 days" in said
    assert "Acorn Example Networks" in said
