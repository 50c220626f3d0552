"""Rate again: what would change is shown, then done once; what is invoiced is adjusted by a draft."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from dashboard.extensions import db
from dashboard.models import Invoice, InvoiceItem, Job, UsageDay
from dashboard.operations import invoices, usage_again, usage_rerate
from dashboard.operations.base import SYSTEM
from dashboard.queries.checks import discrepancies
from tests.support.books import make_customer, make_draft
from tests.support.calls import add_rates, load, make_card, make_provider
from tests.support.pages import words

AGAIN = "/admin/usage/rerate"
NOVEMBER = "?customer_id=&destination=&first_day=2026-11-01&last_day=2026-11-30"
CALLS = [
    ("2026-11-02T10:00", "442079460000", 60),
    ("2026-11-02T23:30", "442079460001", 60),
    ("2026-11-03T10:00", "34910000000", 60),
]


@pytest.fixture
def acorn(app):
    return make_customer("Acorn Example Networks")


@pytest.fixture
def card(acorn):
    card = make_card(rates={"44": "0.06"}, sold_to=acorn)
    load(acorn, CALLS)
    return card


@pytest.fixture
def manager(client_as):
    return client_as("manager")


def ledger() -> list[tuple[str, str, bool, int, Decimal]]:
    db.session.rollback()
    rows = db.session.scalars(select(UsageDay).order_by(UsageDay.day, UsageDay.destination))
    return [(f"{row.day:%d}", row.destination, row.rated, row.attempts, row.charge) for row in rows]


def followed(client, address: str, data: dict[str, str]):
    return client.get(client.post(address, data=data).location)


def form(page) -> dict[str, str]:
    found = {name: re.search(rf'name="{name}" value="([^"]+)"', page.text) for name in ("seen", "form_key")}
    return {name: match.group(1) for name, match in found.items() if match}


def invoice_day(customer, day: dt.date) -> None:
    item = make_draft(customer).items[0]
    db.session.execute(update(UsageDay).where(UsageDay.day == day).values(invoice_item_id=item.id))
    db.session.commit()


def test_only_who_may_rate_again_finds_it(client_as, manager, card):
    assert f'href="{AGAIN}"' in manager.get("/admin/usage/").text
    clerk = client_as("clerk")
    assert f'href="{AGAIN}"' not in clerk.get("/admin/usage/").text
    for response in (clerk.get(AGAIN), clerk.post(AGAIN + NOVEMBER), clerk.post(f"{AGAIN}/adjust{NOVEMBER}")):
        assert response.status_code == 403


def test_looking_writes_nothing(manager, acorn, card):
    add_rates(card, {"34": "0.30"})
    add_rates(card, {"44": "0.09"}, valid_from="2026-01-01")
    before = ledger()
    page = manager.get(AGAIN + NOVEMBER)
    said = words(page)
    assert page.status_code == 200
    assert "Of 3 calls, 3 calls would have another rate" in said
    assert "1 call without a rate would get one" in said
    assert "Destination 44 2 $0.12 $0.18 +$0.06" in said
    assert "Destination 34 1 without a rate until now 1 $0.00 $0.30 +$0.30" in said
    assert "All together, USD $0.12 $0.48 +$0.36" in said
    assert ledger() == before
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0


def test_doing_it_changes_open_days_once_and_says_so(manager, acorn, card):
    add_rates(card, {"34": "0.30"})
    page = manager.get(AGAIN + NOVEMBER)
    done = followed(manager, AGAIN + NOVEMBER, data=form(page))
    assert (
        "1 call has another rate, charge, cost or destination now. 1 call without a rate got one."
        in words(done)
    )
    assert "Nothing would change" in words(done)
    after = ledger()
    assert after == [
        ("02", "Destination 44", True, 2, Decimal("0.12")),
        ("03", "Destination 34", True, 1, Decimal("0.30")),
    ]
    assert discrepancies() == []
    again = followed(manager, AGAIN + NOVEMBER, data=form(page))
    assert "This was done already." in words(again)
    assert ledger() == after


def test_what_was_not_looked_at_is_not_done(manager, acorn, card):
    add_rates(card, {"34": "0.30"})
    page = manager.get(AGAIN + NOVEMBER)
    add_rates(card, {"34": "0.40"}, valid_from="2026-01-01")
    before = ledger()
    told = followed(manager, AGAIN + NOVEMBER, data=form(page))
    assert "changed since you looked, so nothing was done" in words(told)
    assert ledger() == before
    # The key is free again: the same form would be refused for its content only.
    assert manager.post(AGAIN, data=form(page)).status_code == 303
    assert ledger() == before


def test_many_calls_are_rated_again_by_a_job(manager, acorn, card, monkeypatch):
    monkeypatch.setattr(usage_rerate, "AT_ONCE", 1)
    add_rates(card, {"34": "0.30"})
    query = NOVEMBER.replace("destination=", "destination=spain") + "&unrated_only=y"
    page = manager.get(AGAIN + query)
    assert page.status_code == 200, words(page)
    monkeypatch.setattr(usage_rerate, "AT_ONCE", 0)
    page = manager.get(AGAIN + query)
    assert "rated in the background" in words(page)
    before = ledger()
    done = manager.post(AGAIN + query, data=form(page))
    job = db.session.scalars(select(Job)).one()
    assert done.location.endswith(f"/admin/job/details/?id={job.id}")
    assert (job.kind, job.params["first_day"]) == ("usage_rerate", "2026-11-01")
    assert ledger() == before
    filters = usage_rerate.filters_of(job.params)
    assert (filters.destination, filters.unrated_only) == ("Spain", True)
    assert usage_rerate.rerate(SYSTEM, filters) == 1


def test_invoiced_calls_are_left_and_adjusted_by_one_draft(manager, acorn, card):
    invoice_day(acorn, dt.date(2026, 11, 2))
    add_rates(card, {"44": "0.09"}, valid_from="2026-01-01")
    before = ledger()
    page = manager.get(AGAIN + NOVEMBER)
    assert "Nothing would change" in words(page)
    assert "Invoiced already" in words(page)
    assert "Destination 44 2 $0.12 $0.18 +$0.06" in words(page)
    assert "Make adjustment draft" in page.text
    refused = followed(manager, AGAIN + NOVEMBER, data={"seen": "x", "form_key": "k"})
    assert "Nothing is left to change" in words(refused)
    made = manager.post(f"{AGAIN}/adjust{NOVEMBER}", data={"customer": str(acorn.id)})
    draft = db.session.scalars(select(Invoice).where(Invoice.origin == "adjustment")).one()
    assert made.location.endswith(f"/admin/invoice/details/?id={draft.id}")
    assert draft.subtotal == Decimal("0.06")
    assert ledger() == before
    page = manager.get(AGAIN + NOVEMBER)
    assert "Make adjustment draft" not in page.text
    assert "Issue or delete it before you make another" in words(page)


def test_an_issued_adjustment_is_not_billed_twice(manager, acorn, card):
    invoice_day(acorn, dt.date(2026, 11, 2))
    add_rates(card, {"44": "0.09"}, valid_from="2026-01-01")
    post = {"customer": str(acorn.id), "next": AGAIN + NOVEMBER}
    manager.post(f"{AGAIN}/adjust{NOVEMBER}", data=post)
    draft = db.session.scalars(select(Invoice).where(Invoice.origin == "adjustment")).one()
    issued = invoices.issue(SYSTEM, draft.id)
    told = followed(manager, f"{AGAIN}/adjust{NOVEMBER}", data=post)
    assert f"{issued.number} adjusts some of these calls already" in words(told)
    lines = select(func.count()).select_from(InvoiceItem).where(InvoiceItem.kind == "adjustment")
    assert db.session.scalar(lines) == 1


def test_costs_stay_in_the_currency_of_their_provider(manager, acorn):
    card = make_card(rates={"44": "0.06"}, sold_to=acorn)
    euro, dollar = make_provider("Example Carrier", "EUR"), make_provider("Sample Carrier", "USD")
    load(acorn, CALLS[:1], provider_name="Example Carrier")
    load(acorn, CALLS[1:2], provider_name="Sample Carrier")
    for one, rate in ((euro, "0.01"), (dollar, "0.02")):
        make_card(f"{one} costs", one.currency, kind="cost", provider_id=one.id, rates={"44": rate})
    add_rates(card, {"44": "0.07"}, valid_from="2026-01-01")
    said = words(manager.get(AGAIN + NOVEMBER))
    assert "All together, EUR – – – €0.00 €0.01 +€0.01" in said
    assert "All together, USD $0.12 $0.14 +$0.02 $0.00 $0.02 +$0.02" in said


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?first_day=2026-11-09&last_day=2026-11-01", "This is before the first day."),
        ("?first_day=&destination=Atlantis", "No call went to a destination of this name."),
        ("?first_day=&customer_id=999999", "This customer no longer exists."),
        ("?first_day=x", "day"),
    ],
)
def test_a_wrong_choice_is_said(manager, card, query, said):
    page = manager.get(AGAIN + query)
    assert (page.status_code, said in words(page)) == (422, True)
    assert manager.post(AGAIN + query).status_code == 303


def test_pages_without_differences_say_why(manager, acorn, card, monkeypatch):
    assert "Look first" in words(manager.get(AGAIN))
    page = words(manager.get(AGAIN + NOVEMBER))
    assert "Nothing would change" in page
    assert "1 call stays without a rate" in page
    assert "No calls fit" in words(manager.get(AGAIN + "?first_day=2026-12-01"))
    monkeypatch.setattr(usage_again, "MOST_SHOWN", 2)
    page = manager.get(AGAIN + NOVEMBER)
    assert (page.status_code, "3 calls fit, too many to show" in words(page)) == (422, True)
