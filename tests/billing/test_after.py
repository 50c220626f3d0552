"""What can become of a generated invoice: edited, reopened, deleted, void, duplicated, generated again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.models import InvoiceItem
from dashboard.operations import billing, invoice_lines, invoices
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid
from tests.support.bills import (
    NOVEMBER,
    OCTOBER,
    billed_wrongly,
    call,
    figures,
    get,
    lines_of,
    live_invoices,
    make_caller,
    open_charge,
    told,
)
from tests.support.books import faults, line, make_customer
from tests.support.calls import load

D = Decimal

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def caller(app):
    customer = make_caller()
    load(
        customer,
        [
            ("2025-10-02T10:00Z", "4420", 61),
            ("2025-10-03T10:00Z", "1202", 7),
            ("2025-10-03T11:00Z", "4420", 3),
        ],
    )
    return customer


@pytest.fixture
def draft(caller):
    return get(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)


def rows(invoice, *, without: int | None = None, **changes):
    """The lines as the editor sends them back; `changes` are put on the first."""
    names = (*invoice_lines.CHECKS, "id")
    found = [{name: getattr(item, name) for name in names} for item in lines_of(invoice)]
    found[0].update(changes)
    return [row for at, row in enumerate(found) if at != without]


def test_void_and_again_gives_the_same_to_the_cent(caller, draft):
    before = [(item.description, item.unit_price, item.net, item.tax, item.gross) for item in lines_of(draft)]
    total = draft.total
    invoices.issue(SYSTEM, draft.id)
    invoices.void(SYSTEM, draft.id, "Wrong date")
    assert open_charge(caller) == sum(item.unit_price for item in lines_of(draft))
    assert len(lines_of(draft)) == 2, "the void invoice can still be read"
    again = get(billing.generate(SYSTEM, caller.id, OCTOBER).invoice_id)
    assert again.id != draft.id
    assert [
        (item.description, item.unit_price, item.net, item.tax, item.gross) for item in lines_of(again)
    ] == before
    assert again.total == total
    assert billed_wrongly() == []


def test_a_deleted_draft_frees_its_usage(caller, draft):
    invoices.delete(SYSTEM, draft.id)
    assert open_charge(caller) > 0
    assert billing.generate(SYSTEM, caller.id, OCTOBER).state == "made"
    assert billed_wrongly() == []


def test_a_reopened_one_keeps_its_usage_and_its_number(caller, draft):
    issued = invoices.issue(SYSTEM, draft.id)
    number = issued.number
    invoices.reopen(SYSTEM, draft.id)
    assert open_charge(caller) == 0
    assert billing.generate(SYSTEM, caller.id, OCTOBER).state == "exists"
    again = invoices.issue(SYSTEM, draft.id)
    assert (again.number, again.revision) == (number, 2)
    assert billed_wrongly() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("quantity", "2", "This line is a sum of calls, so its quantity stays."),
        ("unit_price", "9.99", "This is the sum of the calls, so it stays."),
    ],
)
def test_what_calls_come_to_is_not_edited_by_hand(draft, name, value, words):
    with pytest.raises(Invalid) as refused:
        invoices.update(SYSTEM, draft.id, {"items": rows(draft, **{name: D(value)})})
    assert faults(refused.value)[f"items-0-{name}"].startswith(words)
    with pytest.raises(Invalid) as in_the_list:
        invoice_lines.update(SYSTEM, lines_of(draft)[0].id, {name: D(value)})
    assert faults(in_the_list.value)[name].startswith(words)


def test_words_tax_and_further_lines_can_be_changed(caller, draft):
    changed = rows(draft, description="Calls of October", tax_percent=D(10))
    changed.append(line(unit_price="-0.10", description="Goodwill"))
    invoices.update(SYSTEM, draft.id, {"items": changed})
    assert told(draft) == [
        ("usage", "Calls of October", "0.64"),
        ("usage", "Calls to United States", "0.04"),
        ("line", "Goodwill", "-0.10"),
    ]
    invoices.update(SYSTEM, draft.id, {"items": rows(draft), "notes": "Thank you"})
    assert open_charge(caller) == 0
    assert billed_wrongly() == []


def test_calls_taken_off_a_draft_are_late_on_the_next(caller, draft):
    invoices.update(SYSTEM, draft.id, {"items": rows(draft, without=1)})
    assert open_charge(caller) == D("0.035")
    invoices.issue(SYSTEM, draft.id)
    call(caller, "2025-11-02")
    again = billing.generate(SYSTEM, caller.id, NOVEMBER)
    assert ("late_usage", "Late calls to United States", "0.04") in told(again.invoice_id)
    assert billed_wrongly() == []


def test_its_customer_stays(draft):
    other = make_customer("Somebody Else Ltd")
    with pytest.raises(Invalid) as refused:
        invoices.update(SYSTEM, draft.id, {"customer_id": other.id})
    assert "its customer stays" in faults(refused.value)["customer_id"]


def test_a_copy_has_plain_lines_and_takes_no_usage(caller, draft):
    copy = invoices.duplicate(SYSTEM, draft.id)
    assert [(item.kind, item.net) for item in lines_of(copy)] == [
        ("line", item.net) for item in lines_of(draft)
    ]
    assert (copy.origin, copy.period_start) == ("manual", None)
    assert figures("SELECT count(DISTINCT invoice_item_id) FROM usage_day") == [(2,)]
    assert billed_wrongly() == []
    invoices.update(SYSTEM, copy.id, {"items": rows(copy, unit_price=D("5"))})
    assert lines_of(copy)[0].net == D(5)


def test_the_editor_shows_the_sums_as_fixed(client_as, draft):
    page = client_as("clerk").get(f"/admin/invoice/edit/?id={draft.id}").get_data(as_text=True)
    body = page.split("data-lines>")[1].split("</tbody>")[0]
    assert body.count('data-field="unit_price" data-cell readonly') == 2
    assert body.count('data-field="quantity" data-cell readonly') == 2
    assert 'data-field="description" data-cell readonly' not in body


def test_free_minutes_go_with_the_calls_they_made_free(caller, draft):
    items = rows(draft)
    made = InvoiceItem(
        invoice_id=draft.id,
        position=9,
        kind="free_minutes",
        description="Free minutes",
        **{name: D(0) for name in ("net", "tax", "gross", "tax_percent")},
        quantity=D(1),
        unit_price=D(0),
    )
    draft.items.append(made)
    invoice_lines.session().commit()
    free = {name: getattr(made, name) for name in (*invoice_lines.CHECKS, "id")}
    with pytest.raises(Invalid, match="Free minutes of this invoice are those of its calls"):
        invoices.update(SYSTEM, draft.id, {"items": [items[0], free]})
    invoices.update(SYSTEM, draft.id, {"items": [items[0]]})
    assert len(live_invoices(caller)) == 1
    assert len(lines_of(draft)) == 1
