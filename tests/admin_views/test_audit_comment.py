"""Audit Comment: where the account asks for it, no change is saved without a reason, and the log keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.extensions import db
from dashboard.models import AuditEntry
from dashboard.operations import contacts
from dashboard.operations import settings as account
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from tests.support.books import make_customer, make_draft, make_issued, make_package, make_payment

REASON = "The customer moved"


@pytest.fixture
def books(app: Any) -> None:
    customer = make_customer()
    contacts.create(SYSTEM, {"customer_id": customer.id, "name": "Accounts Payable"})
    make_package()
    make_draft(customer)
    make_issued(customer)
    make_payment(customer)
    account.update(SYSTEM, {"audit_comment": True})


def fields_of(page: str) -> list[tuple[str, str]]:
    """What a browser would send back unchanged: inputs, chosen options, text areas of the form."""
    form = re.search(r"<form[^>]*data-form.*?</form>", page, re.DOTALL)
    assert form is not None, page[:2000]
    sent = []
    for tag in re.findall(r"<input[^>]*>", form[0]):
        name = re.search(r'name="([^"]+)"', tag)
        if name is None or ('type="checkbox"' in tag and " checked" not in tag):
            continue
        value = re.search(r'value="([^"]*)"', tag)
        sent.append((name[1], value[1] if value else ""))
    for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(
            r'<option[^>]*selected[^>]*value="([^"]*)"|<option selected value="([^"]*)"', inner
        )
        sent.append((name, next((part for part in chosen.groups() if part), "") if chosen else ""))
    sent += [(name, "") for name in re.findall(r'<textarea[^>]*name="([^"]+)"', form[0])]
    return sent


PAGES = (
    "/admin/customer/edit/?id=1",
    "/admin/contact/edit/?id=1",
    "/admin/package/edit/?id=1",
    "/admin/invoice/edit/?id=1",
    "/admin/invoice/edit/?id=2",
    "/admin/payment/edit/?id=1",
)


@pytest.mark.parametrize("address", PAGES)
def test_a_change_needs_a_reason(client_as: Callable[[str], Any], books: None, address: str) -> None:
    admin = client_as("admin")
    page = admin.get(address).text
    assert "Reason for this change" in page
    sent = dict(fields_of(page))
    refused = admin.post(address, data={**sent, "comment": ""})
    assert refused.status_code == 422
    assert "say why you change this" in refused.text


def test_the_reason_is_in_the_log(client_as: Callable[[str], Any], books: None) -> None:
    admin, address = client_as("admin"), "/admin/customer/edit/?id=1"
    sent = dict(fields_of(admin.get(address).text))
    done = admin.post(address, data={**sent, "name": "Example Telecom and Sons Ltd", "comment": REASON})
    assert done.status_code == 303
    entry = (
        db.session.query(AuditEntry).filter_by(table_name="customer").order_by(AuditEntry.id.desc()).first()
    )
    assert entry is not None
    assert (entry.comment, entry.changes["name"][1]) == (REASON, "Example Telecom and Sons Ltd")
    assert REASON in admin.get("/admin/customer/details/?id=1&tab=history").text


def test_nobody_is_asked_where_the_account_does_not(client_as: Callable[[str], Any]) -> None:
    make_customer()
    assert not settings.current().audit_comment
    assert "Reason for this change" not in client_as("admin").get("/admin/customer/edit/?id=1").text


def test_lists_ask_too(client_as: Callable[[str], Any], books: None) -> None:
    """A cell has no room for a reason, so cells are closed; a bulk action asks in its dialog."""
    manager = client_as("manager")
    assert "data-edit=" not in manager.get("/admin/invoice/").text
    cell = {"list_form_pk": "1", "reference": "R-1"}
    assert manager.post("/admin/invoice/ajax/update/", data=cell).status_code == 422
    sent = {"action": "issue", "rowid": "1"}
    asked = manager.post("/admin/invoice/action/form/", data=sent, headers={"X-Modal": "1"})
    assert "Reason for this change" in asked.text
    refused = manager.post("/admin/invoice/action/", data=sent, headers={"X-Modal": "1"})
    assert refused.status_code == 422
    assert "say why you change this" in refused.text
    assert manager.post("/admin/invoice/action/", data={**sent, "comment": REASON}).status_code == 303
    latest = (
        db.session.query(AuditEntry).filter_by(table_name="invoice").order_by(AuditEntry.id.desc()).first()
    )
    assert latest is not None
    assert latest.comment == REASON
