"""Packages, their assignment, and what choosing one puts on an invoice line."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import CustomerPackage, Package
from dashboard.operations import assignments
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from tests.support.books import fresh, make_customer, make_package
from tests.support.pages import words


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


@pytest.fixture
def line(app):
    return make_package("Line", retail="50", tax_percent="20", tax_name="VAT", description="Line rental")


def filled(**more) -> dict[str, object]:
    return {
        "name": "Gold",
        "currency": "USD",
        "frequency": "monthly",
        "type": "standard",
        "active": "y",
        **more,
    }


# What a package puts on a line


def test_the_defaults_of_a_line(client_as, acorn, line):
    answer = client_as("viewer").get(f"/admin/package/{line.id}.json?customer={acorn.id}")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "quantity": "1",
        "unit_price": "50.00",
        "tax_percent": "20",
        "tax_name": "VAT",
        "description": "Line rental",
        "currency": "USD",
    }


def test_the_quantity_is_the_assignments(client_as, acorn, line):
    values = {
        "customer_id": acorn.id,
        "package_id": line.id,
        "quantity": "2.5",
        "start_date": dt.date(2026, 1, 1),
    }
    assignments.create(SYSTEM, values)
    got = client_as("viewer").get(f"/admin/package/{line.id}.json?customer={acorn.id}").get_json()
    assert got["quantity"] == "2.5"
    assert client_as("viewer").get(f"/admin/package/{line.id}.json").get_json()["quantity"] == "1"


@pytest.mark.parametrize("wrong", ["404", "0", "abc", "1.5", "9" * 30])
def test_unknown_ids(client_as, acorn, line, wrong):
    client = client_as("viewer")
    for path in (f"/admin/package/{wrong}.json", f"/admin/package/{line.id}.json?customer={wrong}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "does not exist" in answer.get_json()["error"]


def test_another_currency(client_as, line):
    tokyo = make_customer("Ivy Sample Trading", currency="JPY")
    answer = client_as("viewer").get(f"/admin/package/{line.id}.json?customer={tokyo.id}")
    assert answer.status_code == 422
    assert answer.get_json()["error"] == (
        "Line is in USD, and Ivy Sample Trading is billed in JPY. Choose a package in JPY."
    )


def test_nobody_signed_in(client, line):
    assert client.get(f"/admin/package/{line.id}.json").status_code in (302, 303, 401)


# The form


def test_add_with_the_days_of_its_frequency(client_as):
    client = client_as("clerk")
    sent = filled(
        frequency="weekly",
        week_days=["1", "5"],
        month_days=["15"],
        retail="9.95",
        free_minutes="5",
        destination_prefixes="^44",
        form_key="k",
    )
    for _ in range(2):
        assert client.post("/admin/package/new/", data=sent).status_code == 303
    made = db.session.scalars(select(Package)).one()
    # What is out of sight on the form does not count.
    assert made.frequency_match == [1, 5]
    assert (made.free_minutes, made.destination_prefixes) == (None, None)
    page = client.get(f"/admin/package/edit/?id={made.id}").get_data(as_text=True)
    ticked = re.findall(r'<input(?=[^>]*checked)(?=[^>]*name="week_days")[^>]*value="(\d)"', page)
    assert ticked == ["1", "5"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": ""}, "Please fill this in."),
        ({"retail": "-1"}, "Must be 0 or more."),
        ({"retail": "1.0000001"}, "Use at most 6 decimals."),
        ({"type": "free_minutes"}, "Free minutes need the prefixes"),
        ({"type": "free_minutes", "destination_prefixes": "44"}, "Write the prefixes like ^44|^91|^1"),
        ({"frequency": "weekly", "week_days": ["9"]}, "not a valid choice"),
    ],
)
def test_mistakes(client_as, sent, said):
    answer = client_as("clerk").post("/admin/package/new/", data=filled(**sent))
    assert answer.status_code == 422
    assert said in words(answer)


def test_edit_in_the_list(client_as, line):
    client = client_as("clerk")
    for field, value in (("retail", "60.5"), ("active", "no")):
        sent = {"list_form_pk": str(line.id), field: value}
        assert client.post("/admin/package/ajax/update/", data=sent).status_code == 200
    assert (str(fresh(line).retail), line.active) == ("60.500000", False)


def test_list_page_and_bulk(client_as, acorn, line):
    client = client_as("manager")
    values = {
        "customer_id": acorn.id,
        "package_id": line.id,
        "quantity": 1,
        "start_date": dt.date(2026, 1, 1),
    }
    assignments.create(SYSTEM, values)
    assert "Line" in words(client.get("/admin/package/?search=rental"))
    assert "Acorn Example Networks" in words(client.get(f"/admin/package/details/?id={line.id}"))
    sent = {"action": "stop", "rowid": [str(line.id)]}
    assert client.post("/admin/package/action/", data=sent).status_code == 303
    assert fresh(line).active is False
    sent["action"] = "delete"
    assert "1 customer's list of packages, so it can't be deleted" in words(
        client.post("/admin/package/action/", data=sent)
    )


# Assignment


def test_assign_in_a_dialog(client_as, acorn, line):
    client = client_as("clerk")
    path = f"/admin/assignment/new/?customer_id={acorn.id}&next=/admin/customer/details/%3Fid%3D{acorn.id}"
    dialog = client.get(path, headers={"X-Modal": "1"})
    assert "Acorn Example Networks" in words(dialog)
    sent = {
        "customer_id": str(acorn.id),
        "package_id": str(line.id),
        "quantity": "0",
        "start_date": "2026-11-01",
    }
    wrong = client.post(path, data=sent, headers={"X-Modal": "1"})
    assert wrong.status_code == 422
    assert "more than zero" in words(wrong)
    sent["quantity"] = "3"
    done = client.post(path, data=sent, headers={"X-Modal": "1"})
    assert (done.status_code, done.location) == (303, f"/admin/customer/details/?id={acorn.id}")
    made = db.session.scalars(select(CustomerPackage)).one()
    assert made.quantity == 3
    change = {**sent, "quantity": "4", "version": "1"}
    path = f"/admin/assignment/edit/?id={made.id}"
    assert client.post(path, data=change, headers={"X-Modal": "1"}).status_code == 303
    assert fresh(made).quantity == 4


def test_minimum_days_are_kept_to(client_as, acorn):
    held = make_package("Held", minimum_days=30)
    started = settings.today() - dt.timedelta(days=10)
    values = {"customer_id": acorn.id, "package_id": held.id, "quantity": 1, "start_date": started}
    made = assignments.create(SYSTEM, values)
    client = client_as("clerk")
    done = client.post("/admin/assignment/delete/", data={"id": str(made.id)})
    said = words(client.get(done.location))
    assert f"minimum of 30 days: it can be removed from {started + dt.timedelta(days=30)} on" in said
    assert db.session.scalar(select(func.count(CustomerPackage.id))) == 1


def test_the_list_of_assignments(client_as, acorn, line):
    values = {
        "customer_id": acorn.id,
        "package_id": line.id,
        "quantity": 1,
        "start_date": dt.date(2026, 1, 1),
    }
    assignments.create(SYSTEM, values)
    client = client_as("viewer")
    for query in ("", "?tab=running", f"?package.is={line.id}", f"?customer.is={acorn.id}", "?search=acorn"):
        assert "Acorn Example Networks" in words(client.get(f"/admin/assignment/{query}"))
    assert client.get("/admin/assignment/new/").status_code == 403


def test_the_page_names_the_days(client_as):
    weekly = make_package("Weekly", frequency="weekly", frequency_match=[1, 5], retail="4.5")
    said = words(client_as("viewer").get(f"/admin/package/details/?id={weekly.id}"))
    assert "Week Days Monday, Friday" in said
    assert "Days of the Month" not in said
    assert "Retail 4.5 " in said
