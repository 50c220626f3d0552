"""The first page: each figure is that of the list it opens, and a reader sees what their rights allow."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update
from werkzeug.datastructures import MultiDict

from dashboard.admin_views import list_state
from dashboard.extensions import db
from dashboard.models import Customer, Heartbeat, Mail, Payment, Schedule, ScheduleRun, Setting
from dashboard.queries import (
    coverage,
    customer_list,
    invoice_list,
    list_counts,
    mail_list,
    payment_list,
    schedule_runs,
    settings,
    usage_list,
    usage_rules,
)
from dashboard.queries.listing import Listing, State, filtered
from dashboard.rules import rights
from dashboard.rules.money import format_money
from tests.support import mail_world
from tests.support.books import give, line, make_customer, make_draft, make_issued, make_payment
from tests.support.busy_books import CURRENCIES, BusyBooks
from tests.support.calls import load, make_card
from tests.support.pages import words
from tests.support.runs import aligned, move_to

pytestmark = pytest.mark.usefixtures("staff")

Client = Callable[[str], Any]
LISTS: dict[str, Listing] = {
    "/admin/invoice/": invoice_list.LISTING,
    "/admin/payment/": payment_list.LISTING,
    "/admin/schedule_run/": schedule_runs.LISTING,
    "/admin/mail/": mail_list.LISTING,
    "/admin/usage/": usage_list.LISTING,
    "/admin/customer/": customer_list.LISTING,
}


@dataclass
class Link:
    href: str
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.href).path

    @property
    def args(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.href).query))

    def state(self) -> State:
        state = list_state.read(LISTS[self.path], MultiDict(self.args))
        assert not state.errors, (self.href, state.errors)
        return state

    def count(self) -> int:
        return list_counts.count(LISTS[self.path], self.state())


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Link] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.inside = True
            self.found.append(Link(dict(attrs).get("href") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1].text += data


def links(response: Any) -> list[Link]:
    parser = _Links()
    parser.feed(response.text)
    return [Link(one.href, " ".join(one.text.split())) for one in parser.found]


def figures(response: Any) -> Iterator[Link]:
    """The links that are a sum of one currency."""
    return (one for one in links(response) if "currency.is" in one.args)


def total_behind(link: Link) -> Decimal:
    """What the rows of the list come to: what is owed, given back, or the totals of the list."""
    listing, args = LISTS[link.path], link.args
    if "refunded.gte" in args:
        column: Any = Payment.refunded
    elif link.path == "/admin/payment/":
        column = Payment.amount
    else:
        model: Any = listing.model
        column = model.balance if args.get("tab") in ("open", "overdue") else model.total
    statement = filtered(listing, link.state(), select(func.coalesce(func.sum(column), 0)))
    return Decimal(db.session.scalar(statement) or 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_figure_is_the_sum_of_the_list_that_it_opens(client_as: Client, seed: int) -> None:
    BusyBooks(seed, settings.today()).happen()
    client = client_as("viewer")
    seen = 0
    for chosen in CURRENCIES:
        for link in figures(client.get(f"/admin/?currency={chosen}")):
            currency = link.args["currency.is"]
            assert link.text == format_money(total_behind(link), currency), link.href
            seen += 1
    # Both months, ages, twelve months and debtors of three currencies.
    assert seen > 3 * 3 * 20


def test_ages_and_months_open_lists_of_exactly_their_days(client_as: Client) -> None:
    """Each day beside a bound has an amount of its own, so that none can stand for another."""
    customer, today = make_customer(), settings.today()
    month = today.replace(day=1)
    bounds = [today - dt.timedelta(days=days) for days in (-1, 0, 1, 30, 31, 60, 61, 90, 91, 200)]
    bounds += [month, month - dt.timedelta(days=1), (month - dt.timedelta(days=1)).replace(day=1)]
    bounds += [bounds[-1] - dt.timedelta(days=1)]
    for at, day in enumerate(bounds):
        make_issued(customer, str(2**at), issue_date=day, due_date=day)
        make_payment(customer, str(2**at), paid_on=day)
        make_payment(customer, f"-{2**at}", paid_on=day)
        make_payment(customer, str(2**at), "pending", paid_on=day)
    found = list(figures(client_as("viewer").get("/admin/")))
    assert len({one.text for one in found}) > 12
    for link in found:
        assert link.text == format_money(total_behind(link), "USD"), link.href


def test_a_list_opened_by_a_figure_says_the_same_total(client_as: Client) -> None:
    customer = make_customer()
    today = settings.today()
    make_issued(customer, "1234.50", issue_date=today, due_date=today)
    make_draft(customer, line(unit_price="99"), issue_date=today)
    client = client_as("viewer")
    found = [one for one in figures(client.get("/admin/")) if one.text == "$1,234.50"]
    assert len(found) >= 5
    for link in found:
        page = words(client.get(link.href))
        assert "1–1 of 1" in page and "$1,234.50" in page and "$99.00" not in page, link.href


@pytest.fixture
def troubled() -> Customer:
    """One and more of everything that waits."""
    customer = make_customer("Example Alder", invoice_schedule="monthly")
    make_draft(customer)
    for status in ("pending", "pending", "completed"):
        make_payment(customer, "70", status)
    make_card(rates={"44": "0.5"}, sold_to=customer)
    start = dt.datetime.combine(settings.today() - dt.timedelta(days=70), dt.time(12), dt.UTC).isoformat()
    load(customer, [(start, "442079460000", 60), (start, "999000", 60), (start, "999001", 60)])
    load(None, [(start, "442079460000", 60)] * 1 + [(start, "442079460001", 60)], account_code="nobody")
    runs = [("failed", 3), ("done", 2), ("queued", 1)]
    for state, number in runs:
        for hour in range(number):
            slot = dt.datetime(2026, 11, len(state), hour, tzinfo=dt.UTC)
            db.session.add(ScheduleRun(name="Example", produces="invoices", slot=slot, state=state))
    states = [("parked", False), ("parked", False), ("parked", True), ("unsure", False), ("sent", False)]
    for at, (state, seen) in enumerate(states):
        mail = mail_world.file(f"n{at}@retail.example")
        db.session.execute(update(Mail).where(Mail.id == mail.id).values(state=state, seen=seen))
    db.session.commit()
    return customer


def test_what_waits_is_counted_as_its_list_counts_it(client_as: Client, troubled: Customer) -> None:
    response = client_as("viewer").get("/admin/")
    counts = {}
    for link in links(response):
        match = re.fullmatch(r"([\d,]+) (\D+)", link.text)
        if match and "currency.is" not in link.args and link.path != "/admin/customer/":
            counts[match[2]] = int(match[1].replace(",", ""))
            if link.path in LISTS:
                assert link.count() == counts[match[2]], link
    assert counts == {
        "Drafts to issue": 1,
        "Payments pending": 2,
        "Payments unallocated": 1,
        "Failed runs": 3,
        "E-mails failed": 2,
        "E-mails unsure": 1,
        "Unmatched calls": 2,
        "Unrated calls": 2,
    }
    assert usage_rules.count_unmatched() == counts["Unmatched calls"]


def test_a_text_of_mails_that_fails_is_told_to_who_can_mend_it(client_as: Client) -> None:
    from dashboard.models import MailTemplate

    make_customer()
    db.session.add(MailTemplate(kind="invoice", subject="x", body="y", fault="Line 1: no such thing"))
    db.session.commit()
    assert "1 E-mail texts that fail" in words(client_as("admin").get("/admin/"))
    assert "E-mail texts that fail" not in words(client_as("manager").get("/admin/"))


def test_coverage_comes_after_the_page_with_the_counts_of_its_calendar(
    client_as: Client, troubled: Customer
) -> None:
    give(
        make_customer("Example Birch", invoice_schedule="weekly"),
        str(settings.today() - dt.timedelta(days=40)),
    )
    client = client_as("viewer")
    assert 'hx-get="/admin/holes"' in client.get("/admin/").text
    found = {}
    for link in links(client.get("/admin/holes")):
        schedule, state = link.args["schedule"], link.args["state"]
        wanted = coverage.counts(schedule, coverage.shown_periods(schedule, settings.today()))[state]
        found[schedule, state] = wanted
        assert link.text.split()[0] == f"{wanted:,}", link
        assert client.get(link.href).status_code == 200
    assert ("monthly", "blocked") in found and ("weekly", "missing") in found


def test_without_a_hole_it_says_none(client_as: Client) -> None:
    make_customer("Example Alder", invoice_schedule="monthly")
    assert words(client_as("viewer").get("/admin/holes")) == "0 Periods not invoiced"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_what_is_invoiced_next_leads_to_those_customers(client_as: Client, zone: str) -> None:
    db.session.execute(update(Setting).values(time_zone=zone))
    db.session.commit()
    slots = [dt.datetime(2027, 1, 1, 6, tzinfo=dt.UTC)] * 2 + [dt.datetime(2027, 1, 1, 23, tzinfo=dt.UTC)]
    slots.append(dt.datetime(2027, 3, 1, 6, tzinfo=dt.UTC))
    for at, slot in enumerate(slots):
        customer = make_customer(f"Example {at} Ltd", invoice_schedule="monthly")
        move_to(aligned(customer), slot)
    make_customer("Example without")
    found = [one for one in links(client_as("viewer").get("/admin/")) if "next_invoice.is" in one.args]
    assert [int(one.text) for one in found] == [one.count() for one in found]
    assert sum(int(one.text) for one in found) == 4
    assert found[-1].args["next_invoice.is"] == str(slots[-1].astimezone(ZoneInfo(zone)).date())


def test_a_schedule_report_that_makes_invoices_is_among_what_comes(client_as: Client) -> None:
    make_customer()
    slot = dt.datetime(2027, 1, 5, 6, tzinfo=dt.UTC)
    for name, values in (
        ("Retail invoices", {"produces": "invoices", "customer_ids": [1, 2]}),
        ("All invoices", {"produces": "invoices"}),
        ("Calls", {"produces": "report"}),
        ("Paused", {"produces": "invoices", "paused": True}),
    ):
        db.session.add(Schedule(name=name, frequency="monthly", next_slot=slot, **values))
    db.session.commit()
    response = client_as("viewer").get("/admin/")
    assert f'href="/admin/schedule/details/?id={db.session.query(Schedule).first().id}"' in response.text
    page = words(response)
    assert "2027-01-05 06:00 Retail invoices 2" in page and "2027-01-05 06:00 All invoices All" in page
    assert "Calls 2027" not in page and "Paused" not in page


def test_package_charges_come_after_the_page(client_as: Client) -> None:
    client = client_as("viewer")
    assert client.get("/admin/coming").text.strip() == ""
    tomorrow = settings.today() + dt.timedelta(days=1)
    give(make_customer(), str(tomorrow), name="Line rental")
    assert "Package charges within 3 days 1" in words(client.get("/admin/coming"))
    assert 'hx-get="/admin/coming"' in client.get("/admin/").text


def test_it_warns_when_nobody_works(client_as: Client) -> None:
    client = client_as("viewer")
    said = words(client.get("/admin/"))
    assert "No worker has been heard" in said and "No schedule tick has been heard" in said
    for kind in ("worker", "tick"):
        db.session.add(Heartbeat(name=kind, kind=kind, at=dt.datetime.now(dt.UTC)))
    db.session.commit()
    assert "has been heard" not in words(client.get("/admin/"))


def test_a_new_account_is_told_what_to_do_first(client_as: Client) -> None:
    page = client_as("admin").get("/admin/")
    said = words(page)
    assert "0 of 5 done" in said and "Say who you are" in said
    assert '<a class="btn btn-primary" href="/admin/setting/">' in page.text
    assert "chart.umd" not in page.text
    for later in ("Drafts to issue", "Failed runs", "Latest invoices", "Ageing"):
        assert later not in said, later
    db.session.execute(update(Setting).values(company_name="Example Telecom Ltd"))
    db.session.commit()
    page = client_as("clerk").get("/admin/").text
    assert '<a class="btn btn-primary" href="/admin/customer/new/">' in page
    # A viewer is shown what is missing, and no button that would be refused.
    assert 'href="/admin/customer/new/"' not in client_as("viewer").get("/admin/").text
    customer = make_customer()
    give(customer, "2026-11-01")
    make_issued(customer)
    make_payment(customer)
    assert "First steps" not in words(client_as("admin").get("/admin/"))


def test_the_currency_of_the_charts_is_the_one_asked_for_the_accounts_or_the_busiest(
    client_as: Client,
) -> None:
    for currency, number in (("EUR", 1), ("JPY", 3), ("GBP", 2)):
        for _ in range(number):
            make_issued(make_customer(f"Example {currency}", currency), issue_date=settings.today())
    client = client_as("viewer")

    def chosen(query: str = "") -> str:
        match = re.search(r'id="months-title">[^<]*, ([A-Z]{3})<', client.get(f"/admin/{query}").text)
        return match[1] if match else ""

    assert chosen() == "JPY"
    assert chosen("?currency=EUR") == "EUR"
    assert chosen("?currency=USD") == chosen("?currency=%00") == chosen("?currency=<b>") == "JPY"
    db.session.execute(update(Setting).values(currency="GBP"))
    db.session.commit()
    assert chosen() == "GBP"


def test_the_charts_are_loaded_on_this_page_only(client_as: Client) -> None:
    make_issued(make_customer())
    client = client_as("viewer")
    assert "chart.umd.min.js" in client.get("/admin/").text
    assert "chart.umd" not in client.get("/admin/invoice/").text


@pytest.mark.parametrize(
    ("held", "seen", "unseen"),
    [
        (
            "",
            (),
            ("$1,234.50", "$77.00", "Failed runs", "Unrated", "E-mails", "Invoiced next", "Top debtors"),
        ),
        (
            "invoice.read",
            ("$1,234.50", "Top debtors", "Drafts to issue"),
            ("$77.00", "Collected", "Payments"),
        ),
        (
            "payment.read",
            ("$77.00", "Collected"),
            ("$1,234.50", "Invoiced", "Outstanding", "Top debtors", "Latest invoices"),
        ),
        ("schedule.read", ("Failed runs", "Invoiced next"), ("Unrated", "E-mails", "$77.00")),
        ("usage.read", ("Unrated calls", "Unmatched calls"), ("Failed runs", "$77.00")),
        ("mail.read", ("E-mails failed",), ("Failed runs", "$77.00")),
        ("report.read", ("Periods not invoiced",), ("Failed runs", "$77.00")),
    ],
)
def test_a_reader_sees_what_their_rights_allow(
    client_as: Client,
    monkeypatch: pytest.MonkeyPatch,
    held: str,
    seen: tuple[str, ...],
    unseen: tuple[str, ...],
) -> None:
    customer = make_customer()
    make_issued(customer, "1234.50", issue_date=settings.today())
    make_payment(customer, "77", paid_on=settings.today())
    few = frozenset({"dashboard.read", "account.own", held} - {""})
    monkeypatch.setitem(rights.ROLES, "viewer", few)
    response = client_as("viewer").get("/admin/")
    assert response.status_code == 200
    # What the menu says is not the page.
    said = words(response).split("Add Payment")[-1]
    for one in seen:
        assert one in said, one
    for one in unseen:
        assert one not in said, one
    assert client_as("viewer").get("/admin/holes").status_code == (200 if held == "report.read" else 403)
    assert client_as("viewer").get("/admin/coming").status_code == 403
