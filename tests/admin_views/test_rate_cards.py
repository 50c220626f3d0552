"""Management > Providers and Rate cards: pages, changes of rates, the import, the test of a number."""

from __future__ import annotations

import datetime as dt
import html
import io
import re

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Provider, Rate, RateCard, RateRevision
from dashboard.operations import rates
from dashboard.operations.base import SYSTEM
from tests.support.books import fresh, make_customer
from tests.support.calls import add_rates, make_card, make_provider
from tests.support.pages import words

FILE = b"Code;Destination;Price;Increment\r\n44;United Kingdom;0,015;60/6\r\n4420;London;0,01;1/1\r\n"
COLUMNS = (
    "c0=prefix&c1=destination&c2=rate_per_minute&c3=increment&decimal=comma&whole=no&from_day=2026-07-01"
)


@pytest.fixture
def card(app) -> RateCard:
    return make_card()


def count(model) -> int:
    return db.session.scalar(select(func.count(model.id))) or 0


def upload(client, card, content: bytes, name: str = "july.csv"):
    data = {"file": (io.BytesIO(content), name)}
    return client.post(f"/admin/rate_card/import/?id={card.id}", data=data)


# Providers


def test_a_provider_from_form_to_page(client_as):
    client = client_as("manager")
    sent = {"name": "Example Carrier", "currency": "USD", "status": "active", "trunks": "sip-a, sip-b"}
    assert client.post("/admin/provider/new/", data=sent).status_code == 303
    made = db.session.scalars(select(Provider)).one()
    assert made.trunks == ["sip-a", "sip-b"]
    page = client.get(f"/admin/provider/details/?id={made.id}")
    assert "sip-a, sip-b" in words(page)
    link = re.search(r'href="([^"]*/rate_card/new/[^"]*)"', page.get_data(as_text=True))
    blank = client.get(html.unescape(link[1])).get_data(as_text=True)
    assert 'value="Example Carrier cost"' in blank
    assert '<option selected value="cost"' in blank
    assert "Example Carrier" in words(client.get("/admin/provider/?search=SIP-B"))
    assert "Add rate card" not in words(client_as("viewer").get(f"/admin/provider/details/?id={made.id}"))


def test_a_providers_name_that_is_taken_stands_at_its_field(client_as):
    make_provider(trunks=["sip-a"])
    sent = {"name": "SIP-A", "currency": "USD", "status": "active", "trunks": ""}
    answer = client_as("manager").post("/admin/provider/new/", data=sent)
    assert answer.status_code == 422
    assert "Example Carrier is already known by the name “SIP-A”." in words(answer)


# Cards


def test_a_card_from_form_to_page(client_as):
    client = client_as("manager")
    sent = {
        "name": "Retail",
        "kind": "sell",
        "currency": "USD",
        "minimum_seconds": "60",
        "pulse_seconds": "6",
        "duration_rounding": "up",
        "cost_rounding": "half_up",
        "cost_places": "4",
    }
    assert client.post("/admin/rate_card/new/", data=sent).status_code == 303
    made = db.session.scalars(select(RateCard)).one()
    said = words(client.get(f"/admin/rate_card/details/?id={made.id}"))
    for part in ("Retail", "MCD 60", "No rates yet", "Nobody is charged by it yet", "Import"):
        assert part in said
    changed = {**sent, "version": str(made.version), "pulse_seconds": "0"}
    answer = client.post(f"/admin/rate_card/edit/?id={made.id}", data=changed)
    assert answer.status_code == 422
    assert client.post("/admin/rate_card/delete/", data={"id": made.id}).status_code == 303
    assert count(RateCard) == 0


def test_a_card_in_use_says_why_it_stays(client_as, card):
    make_customer(rate_card_id=card.id)
    client = client_as("manager")
    answer = client.get(client.post("/admin/rate_card/delete/", data={"id": card.id}).location)
    assert "1 customer is charged by Example Rates" in words(answer)
    assert "Example Telecom Ltd" in words(client.get(f"/admin/rate_card/details/?id={card.id}"))


def test_viewers_see_and_change_nothing(client_as, card):
    add_rates(card, {"44": "0.01"})
    client = client_as("viewer")
    said = words(client.get(f"/admin/rate_card/details/?id={card.id}"))
    assert "Test a number" in said
    for label in ("Import", "Add rate", "Delete", "Take back"):
        assert f" {label} " not in said
    listed = client.get(f"/admin/rate/?rate_card.is={card.id}").get_data(as_text=True)
    assert "Destination 44" in listed
    assert "/withdraw/" not in listed


# The list of rates


@pytest.fixture
def dated(card) -> RateCard:
    add_rates(
        card, {"44": "0.01", "4420": "0.02", "33": {"rate_per_minute": "0.03", "destination": "=France"}}
    )
    add_rates(card, {"44": "0.015"}, valid_from="2026-06-01")
    add_rates(card, {"4420": {"withdrawn": True}}, valid_from="2026-07-01")
    add_rates(card, {"44": "0.5", "1": "0.6"}, valid_from="2199-01-01")
    return card


def prefixes(response) -> list[str]:
    return re.findall(r"<tr [^>]*>.*?(?:<a[^>]*>)\s*(\d+)\s*</a>", response.get_data(as_text=True), re.DOTALL)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tab=current", ["33", "44"]),
        ("tab=future", ["1", "44"]),
        ("tab=past", ["44", "4420", "4420"]),
        ("tab=all&prefix.is=44", ["44", "44", "44"]),
        ("tab=current&search=4", ["44"]),
        ("tab=current&search=destination+4", ["44"]),
        ("tab=current&search=%3Dfr", ["33"]),
        ("tab=current&search=%25", []),
    ],
)
def test_rates_by_date_and_search(client_as, dated, query, found):
    answer = client_as("viewer").get(f"/admin/rate/?rate_card.is={dated.id}&{query}")
    assert answer.status_code == 200
    listed = re.findall(r'data-label="Prefix"[^>]*>(?:\s*<[^>]+>)*\s*(\d+)', answer.get_data(as_text=True))
    assert sorted(listed) == found


def test_rates_belong_to_a_card(client_as, dated):
    other = make_card("Other", rates={"77": "1"})
    client = client_as("viewer")
    assert client.get("/admin/rate/").location == "/admin/rate_card/"
    assert client.get("/admin/rate/?rate_card.is=404").location == "/admin/rate_card/"
    assert "Destination 77" not in words(client.get(f"/admin/rate/?rate_card.is={dated.id}&tab=all"))
    assert "Destination 77" in words(client.get(f"/admin/rate/?rate_card.is={other.id}&tab=all"))
    assert client.get("/admin/rate/export/csv/").status_code in (302, 303, 409, 422)


def test_pages_of_rates_go_on_where_the_last_ended(client_as, card):
    add_rates(card, {str(at): "0.01" for at in range(100, 160)})
    client = client_as("viewer")
    page = client.get(f"/admin/rate/?rate_card.is={card.id}&tab=current&size=25").get_data(as_text=True)
    seen = re.findall(r'data-label="Prefix"[^>]*>(?:\s*<[^>]+>)*\s*(\d+)', page)
    while following := re.search(
        r'<a class="btn btn-icon" href="([^"]*after=[^"]*)"[^>]*aria-label="Next', page
    ):
        page = client.get(html.unescape(following[1])).get_data(as_text=True)
        seen += re.findall(r'data-label="Prefix"[^>]*>(?:\s*<[^>]+>)*\s*(\d+)', page)
    assert seen == [str(at) for at in range(100, 160)]


def test_a_card_as_csv(client_as, dated):
    text = client_as("viewer").get(f"/admin/rate_card/rates.csv?id={dated.id}").data.decode("utf-8-sig")
    assert text.splitlines() == [
        "Prefix,Destination,Rate per Minute,Connection Fee,MCD,Pulse",
        "33,'=France,0.03,0,,",
        "44,Destination 44,0.015,0,,",
    ]


# One rate


def test_a_rate_is_changed_from_a_day_on(client_as, dated):
    client = client_as("manager")
    path = f"/admin/rate_card/rate/?id={dated.id}&prefix=44"
    form = client.get(path).get_data(as_text=True)
    assert 'value="0.015"' in form
    sent = {
        "prefix": "44",
        "destination": "UK",
        "rate_per_minute": "0.02",
        "from_day": "2026-11-01",
        "form_key": "k",
    }
    assert client.post(path, data=sent).status_code == 303
    assert client.post(path, data=sent).status_code == 303
    rows = db.session.scalars(select(Rate).where(Rate.prefix == "44").order_by(Rate.valid_from)).all()
    assert [str(row.rate_per_minute) for row in rows] == ["0.010000", "0.015000", "0.020000", "0.500000"]
    answer = client.post(path, data={**sent, "form_key": "other"})
    assert answer.status_code == 422
    assert "never overwritten" in words(answer)
    wrong = client.post(path, data={**sent, "form_key": "x", "from_time": "25:00", "rate_per_minute": "0.3"})
    assert "Write the time like 14:30." in words(wrong)
    refused = client.post(path, data={**sent, "form_key": "y", "rate_per_minute": "-1", "prefix": "x"})
    assert refused.status_code == 422


def test_a_prefix_is_withdrawn(client_as, dated):
    client = client_as("manager")
    path = f"/admin/rate_card/withdraw/?id={dated.id}&prefix=33"
    assert 'value="33"' in client.get(path).get_data(as_text=True)
    assert client.post(path, data={"prefix": "33", "from_day": "2026-11-01"}).status_code == 303
    last = db.session.scalars(
        select(Rate).where(Rate.prefix == "33").order_by(Rate.valid_from.desc())
    ).first()
    assert last.withdrawn
    answer = client.post(path, data={"prefix": "999", "from_day": "2026-11-01"})
    assert answer.status_code == 422
    assert "There is no rate for 999" in words(answer)


def test_rates_to_come_are_taken_back(client_as, dated):
    client = client_as("manager")
    page = words(client.get(f"/admin/rate_card/details/?id={dated.id}"))
    assert "To come" in page
    coming, held = (
        db.session.scalar(select(RateRevision.id).order_by(order).limit(1))
        for order in (RateRevision.valid_from.desc(), RateRevision.valid_from)
    )
    client.post("/admin/rate_card/take-back/", data={"revision": coming})
    assert count(RateRevision) == 3
    answer = client.get(client.post("/admin/rate_card/take-back/", data={"revision": held}).location)
    assert "in force already" in words(answer)
    assert client.post("/admin/rate_card/take-back/", data={"revision": "x"}).status_code == 404


# Import


def test_from_file_to_rates(client_as, card):
    client = client_as("manager")
    assert "in USD" in words(client.get(f"/admin/rate_card/import/?id={card.id}"))
    columns = upload(client, card, FILE).location
    page = client.get(columns).get_data(as_text=True)
    chosen = re.findall(r'<option value="(\w+)" selected', page)
    assert chosen == ["prefix", "destination", "rate_per_minute", "increment"]
    assert re.search(r'value="comma" checked', page)
    base = columns.partition("?")[0]
    preview = f"{base}preview?id={card.id}&file=july.csv&{COLUMNS}"
    said = words(client.get(preview))
    assert "2 rows, only changes" in said
    assert "2 New" in said
    assert "Import 2 changes" in said
    assert count(Rate) == 0
    answer = client.get(client.post(preview, data={"seen": "0"}).location)
    assert "2 rates were imported and hold from 2026-07-01 00:00." in words(answer)
    assert "july.csv" in words(answer)
    again = client.get(client.post(preview).location)
    assert "imported already; nothing was added twice" in words(again)
    assert count(Rate) == 2


def test_errors_stand_by_row_and_field(client_as, card):
    client = client_as("manager")
    columns = upload(client, card, b"Prefix,Rate\n44,0.01\n44,-1\n<script>,1\n").location
    base = columns.partition("?")[0]
    query = f"?id={card.id}&c0=prefix&c1=rate_per_minute&from_day=2026-07-01"
    page = client.get(f"{base}preview{query}")
    said = words(page)
    assert "2 of 3 rows have errors, so nothing can be imported yet" in said
    assert "3 Rate per Minute This can't be less than 0. -1" in said
    assert "<script>," not in page.get_data(as_text=True)
    assert "Import 1" not in said
    answer = client.get(client.post(f"{base}preview{query}").location)
    assert "Nothing was imported: 2 of 3 rows have errors." in words(answer)
    listed = client.get(f"{base}errors.csv{query}").get_data(as_text=True)
    assert "3,Rate per Minute" in listed
    assert count(Rate) == 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("c0=prefix&from_day=2026-07-01", "Choose the column that holds the Rate per Minute."),
        ("c0=prefix&c1=rate_per_minute&from_day=", "Choose a date."),
        ("c0=prefix&c1=rate_per_minute&from_day=soon", "Write the date like 2026-11-23."),
        ("c0=prefix&c1=rate_per_minute&from_day=2026-07-01&from_time=9", "Write the time like 14:30."),
        ("c0=prefix&c99=rate_per_minute&from_day=2026-07-01", "does not fit this file"),
    ],
)
def test_a_choice_that_can_not_be_goes_back_to_the_columns(client_as, card, query, said):
    client = client_as("manager")
    base = upload(client, card, b"Prefix,Rate\n44,0.01\n").location.partition("?")[0]
    for act in (client.get, client.post):
        answer = act(f"{base}preview?id={card.id}&{query}")
        assert answer.status_code == 303
        while answer.status_code == 303:
            answer = client.get(answer.location)
        assert said in words(answer)
    assert count(Rate) == 0


def test_a_change_meanwhile_is_not_imported_over(client_as, card):
    client = client_as("manager")
    base = upload(client, card, b"Prefix,Rate\n44,0.01\n").location.partition("?")[0]
    path = f"{base}preview?id={card.id}&c0=prefix&c1=rate_per_minute&from_day=2026-07-01"
    seen = re.search(r'name="seen" value="(\d+)"', client.get(path).get_data(as_text=True))[1]
    one = {"prefix": "1", "destination": "USA", "rate_per_minute": "1"}
    rates.add(SYSTEM, card.id, one, valid_from=dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
    answer = client.get(client.post(path, data={"seen": seen}).location)
    assert "The card was changed since you looked" in words(answer)
    assert count(Rate) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "The file is empty"), (b"PK\x03\x04", "spreadsheet file"), (b'a,b\n"x', "quotation mark")],
)
def test_files_that_can_not_be_read(client_as, card, content, said):
    answer = upload(client_as("manager"), card, content)
    assert answer.status_code == 422
    assert said in words(answer)


def test_an_upload_is_its_owners_and_a_card_must_be_there(client_as, card):
    location = upload(client_as("manager"), card, FILE).location
    assert client_as("admin").get(location).status_code == 404
    assert client_as("manager").get("/admin/rate_card/import/?id=404").status_code == 404
    assert client_as("clerk").get(location).status_code == 403
    template = client_as("manager").get("/admin/rate_card/import/template.csv").get_data(as_text=True)
    assert "Rate per Minute" in template


# Test a number


def test_a_number_step_by_step(client_as):
    customer = make_customer()
    make_card(
        rates={"44": {"rate_per_minute": "0.015", "minimum_seconds": 60, "pulse_seconds": 6}},
        sold_to=customer,
    )
    provider = make_provider()
    make_card("Cost", kind="cost", provider_id=provider.id, rates={"4": "0.005"})
    euro = make_provider("Euro Carrier", currency="EUR")
    make_card("Euro cost", kind="cost", provider_id=euro.id, currency="EUR", rates={"4": "0.005"})
    asked = f"number=%2B44+20+7946+0000&customer_id={customer.id}&on_day=2026-07-05&at_time=10:00&seconds=61"
    said = words(client_as("viewer").get(f"/admin/rate_card/test/?{asked}"))
    for part in (
        "442079460000: Destination 44",
        "USD 0.0165",
        "66 s",
        "minimum (MCD) 60 s + 1 x pulse of 6 s",
        "0.015 x 66 / 60 0.0165",
        "The card it is sold by: Example Rates",
        "from 2020-01-01 00:00",
        "Example Carrier Cost 4 Destination 4 $0.005 USD 0.0051 0.0114",
        "EUR 0.0051 –",
    ):
        assert part in said, part


def test_own_rates_are_looked_into_first(client_as):
    customer = make_customer()
    card = make_card(rates={"33": "0.02"}, sold_to=customer)
    make_card("Own", kind="account", customer_id=customer.id, rates={"44": "0.01"})
    client = client_as("viewer")
    rest = "on_day=2026-07-05&at_time=10:00&seconds=60"
    own = words(client.get(f"/admin/rate_card/test/?number=44&customer_id={customer.id}&{rest}"))
    assert "Its own rates, which go first: Own" in own
    assert "The card it is sold by" not in own
    sold = words(client.get(f"/admin/rate_card/test/?number=33&customer_id={customer.id}&{rest}"))
    assert "No prefix of this number is in force there." in sold
    assert "USD 0.0200" in sold
    alone = words(client.get(f"/admin/rate_card/test/?number=44&rate_card_id={card.id}&{rest}"))
    assert "No rate is in force for this number" in alone


def test_without_a_card_the_destination_is_the_country(client_as):
    customer = make_customer()
    asked = f"number=34910000000&customer_id={customer.id}&on_day=2026-07-05&at_time=&seconds=60"
    said = words(client_as("viewer").get(f"/admin/rate_card/test/?{asked}"))
    assert "34910000000: Spain" in said
    assert "has no rate card" in said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("number=44&on_day=2026-07-05&seconds=1", "Choose a customer, or a rate card."),
        ("number=44&customer_id=404&on_day=2026-07-05&seconds=1", "Choose a customer, or a rate card."),
        ("number=abc&rate_card_id={card}&on_day=2026-07-05&seconds=1", "A number has digits only"),
        ("number=&rate_card_id={card}&on_day=2026-07-05&seconds=1", "Please fill this in."),
        ("number=44&rate_card_id={card}&on_day=2026-07-05&seconds=-1", "Must be 0 or more."),
        ("number=44&rate_card_id={card}&on_day=2026-07-05&seconds=99999999", "or less."),
        ("number=44&rate_card_id={card}&on_day=x&seconds=1", "Please give a date"),
        (
            "number=44&rate_card_id={card}&on_day=2026-07-05&at_time=99&seconds=1",
            "Write the time like 14:30.",
        ),
        (
            "number=44&rate_card_id=99999999999999999999&on_day=2026-07-05&seconds=1",
            "choose one from the list",
        ),
    ],
)
def test_questions_that_can_not_be_answered(client_as, card, asked, said):
    answer = client_as("viewer").get(f"/admin/rate_card/test/?{asked.format(card=card.id)}")
    assert answer.status_code == 422
    assert said in words(answer)


# On the customer


def test_a_customers_rates_are_reached_from_its_page(client_as, card):
    customer = make_customer(rate_card_id=card.id)
    manager = client_as("manager")
    page = manager.get(f"/admin/customer/details/?id={customer.id}")
    assert "Example Rates" in words(page)
    link = re.search(r'href="([^"]*/rate_card/new/[^"]*)"', page.get_data(as_text=True))
    assert "kind=account" in link[1]
    own = make_card("Own", kind="account", customer_id=customer.id)
    shown = client_as("viewer").get(f"/admin/customer/details/?id={customer.id}").get_data(as_text=True)
    assert f"/admin/rate_card/details/?id={own.id}" in shown
    assert f"/admin/rate_card/test/?customer_id={customer.id}" in shown


def test_rate_cards_offered_on_a_customer_are_sold_in_its_currency(client_as, card):
    make_card("Euro Rates", currency="EUR")
    make_card("Cost", kind="cost", provider_id=make_provider().id)
    client = client_as("clerk")
    found = client.get("/admin/rate_card/ajax/lookup/?currency=EUR").get_json()["results"]
    assert [one["text"] for one in found] == ["Euro Rates"]
    assert len(client.get("/admin/rate_card/ajax/lookup/").get_json()["results"]) == 3
    customer = make_customer("Acorn Example")
    sent = {"name": "Acorn Example", "currency": "USD", "status": "active", "rate_card_id": card.id}
    sent |= {"empty_invoices": "y", "invoice_schedule": "none", "version": customer.version}
    assert client.post(f"/admin/customer/edit/?id={customer.id}", data=sent).status_code == 303
    assert (fresh(customer).rate_card_id, fresh(customer).empty_invoices) == (card.id, True)


def test_how_invoices_are_generated_is_a_setting(client_as):
    from dashboard.models import Setting

    admin = client_as("admin")
    page = admin.get("/admin/setting/").get_data(as_text=True)
    assert "Generated invoices" in page
    assert "Billing delay hours" in page
    setting = db.session.get_one(Setting, 1)
    assert (setting.generated_invoices, setting.billing_delay_hours) == ("draft", 24)
