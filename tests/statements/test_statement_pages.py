"""The statement on a customer's page: looked at, downloaded, sent."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest

from tests.support.books import make_customer, make_issued, make_payment
from tests.support.mail_world import again, use_server
from tests.support.mail_world import box as mail_box
from tests.support.pdf import said
from tests.support.reminding import mails, reachable
from tests.support.waiting import wait_until

OCTOBER = {"first": "2026-10-01", "last": "2026-10-31"}


@pytest.fixture
def customer(app):
    made = reachable()
    make_issued(made, "1234.5", issue_date=dt.date(2026, 10, 5))
    make_payment(made, "200", paid_on=dt.date(2026, 10, 9), description="Part # never on time")
    return made


def address(customer, part=""):
    return f"/admin/customer/{customer.id}/statement{part}"


def test_it_is_shown_and_its_button_stands_on_the_customers_page(client_as, customer):
    viewer = client_as("viewer")
    assert address(customer) in viewer.get(f"/admin/customer/details/?id={customer.id}").text
    page = viewer.get(address(customer), query_string=OCTOBER)
    assert page.status_code == 200
    for words in ("Opening balance", "$1,234.50", "$1,034.50", "Closing balance", "Open on 2026-10-31"):
        assert words in page.text
    assert "never on time" not in page.text
    assert "Send by e-mail" not in page.text


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-10-31", "2026-10-01", "before the first one"),
        ("soon", "2026-10-01", "Give the dates as in"),
        ("0001-01-01", "2026-10-01", "Give a year"),
        ("<script>", "\x00", "Give the dates as in"),
    ],
)
def test_dates_that_are_none_are_answered_in_words(client_as, customer, first, last, words):
    viewer = client_as("viewer")
    page = viewer.get(address(customer), query_string={"first": first, "last": last})
    assert page.status_code == 422
    assert words in page.text
    for part in ("/pdf", "/csv"):
        assert (
            viewer.get(address(customer, part), query_string={"first": first, "last": last}).status_code
            == 409
        )


def test_the_pdf_and_the_csv(client_as, customer):
    viewer = client_as("viewer")
    pdf = viewer.get(address(customer, "/pdf"), query_string=OCTOBER)
    assert pdf.headers["Content-Disposition"].endswith(
        'Statement-Example-Retail-Ltd-2026-10-01-2026-10-31.pdf"'
    )
    assert "$1,034.50" in said(pdf.data)
    table = list(csv.reader(io.StringIO(viewer.get(address(customer, "/csv"), query_string=OCTOBER).text)))
    assert table[0] == ["Date", "Kind", "Text", "Invoiced", "Paid", "Balance", "Currency"]
    assert [row[1] for row in table[1:]] == ["Opening balance", "Invoice", "Payment", "Closing balance"]
    assert [row[5] for row in table[1:]] == ["0.00", "1234.50", "1034.50", "1034.50"]
    assert "never on time" not in str(table)


def test_a_name_that_is_a_formula_is_none_in_the_csv(client_as, app):
    customer = make_customer()
    make_payment(customer, "-5", paid_on=dt.date(2026, 10, 9), description="=1+1")
    text = client_as("viewer").get(address(customer, "/csv"), query_string=OCTOBER).text
    assert "'=1+1" in text


def test_it_is_sent_by_a_real_worker_to_a_real_server(client_as, customer, start_worker):
    with mail_box() as box:
        use_server(box.host, box.port)
        clerk = client_as("clerk")
        page = clerk.get(address(customer, "/send"), query_string=OCTOBER)
        assert "accounts@retail.example" in page.text
        values = {"recipients": "a@one.example, b@two.example", "subject": "Your account", "body": "Look."}
        sent = clerk.post(address(customer, "/send"), query_string=OCTOBER, data={**values, "form_key": "k"})
        assert sent.status_code == 303
        clerk.post(address(customer, "/send"), query_string=OCTOBER, data={**values, "form_key": "k"})
        (mail,) = mails("statement")
        start_worker()
        wait_until(lambda: again(mail).state == "sent", 30, "it is sent")
    (message,) = box.messages
    assert box.envelopes[0][1] == ["a@one.example", "b@two.example"]
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "Statement-Example-Retail-Ltd-2026-10-01-2026-10-31.pdf"
    assert "$1,034.50" in said(attached.get_content())


@pytest.mark.parametrize(
    "to", ["nobody", "a@b.example\r\nBcc: c@d.example", "", ",".join(f"{n}@y.example" for n in range(60))]
)
def test_addresses_that_can_not_be_are_refused_where_they_are_typed(client_as, customer, to):
    values = {"recipients": to, "subject": "Your account", "body": "Look."}
    page = client_as("clerk").post(address(customer, "/send"), query_string=OCTOBER, data=values)
    assert page.status_code == 422
    assert mails("statement") == []
