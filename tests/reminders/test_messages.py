"""Send mail: a message to several customers, looked at before it goes, once for each."""

from __future__ import annotations

import re

import pytest

from dashboard.extensions import db
from dashboard.models import Job
from dashboard.operations import messages
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid
from jobs import runner
from tests.support.books import make_customer, make_issued
from tests.support.reminding import late, mails, reachable

TEXT = "Dear {{ customer }}, you owe {{ balance }}, {{ overdue }} of it since long."


def test_each_reads_its_own_name_and_figures(app):
    customer = reachable("One Example Ltd")
    late(10, customer, "30")
    make_issued(customer, "70", issue_date="2026-11-20")
    subject, body = messages.written(customer, "To {{ customer }}", TEXT)
    assert subject == "To One Example Ltd"
    assert "Dear One Example Ltd, you owe $100.00, $30.00 of it since long." in body


@pytest.mark.parametrize(
    ("subject", "text", "field"),
    [
        ("Hello {{", "Text", "subject"),
        ("Hello", "{{ nobody }}", "text"),
        ("Hello", "{{ ''.__class__ }}", "text"),
        ("Hello", "{% for n in range(9999999) %}{{ n }}{% endfor %}", "text"),
        ("{{ '' }}", "Text", "subject"),
    ],
)
def test_what_can_not_be_filled_in_is_said_at_its_field(app, subject, text, field):
    with pytest.raises(Invalid) as refused:
        messages.written(reachable(), subject, text)
    assert list(refused.value.errors) == [field]


def test_once_for_each_and_nobody_without_an_address(app):
    ids = [reachable(f"Example {n} Ltd").id for n in range(3)] + [make_customer("No Address Example Ltd").id]
    found = messages.reach(ids)
    assert (found.with_address, found.unreachable, list(found.without)) == (3, 1, ["No Address Example Ltd"])
    for _ in range(2):
        result = messages.send_many(SYSTEM, ids, "Planned work", TEXT, mark="a form")
    assert [one.label for one in result.refused] == ["No Address Example Ltd"]
    assert [mail.customer_id for mail in mails("message")] == ids[:3]


def test_from_the_list_it_is_looked_at_first(client_as, app):
    ids = [reachable("One Example Ltd").id, make_customer("No Address Example Ltd").id]
    clerk = client_as("clerk")
    values = {
        "action": "mail",
        "rowid": [str(key) for key in ids],
        "subject": "Hi {{ customer }}",
        "text": TEXT,
    }
    first = clerk.post("/admin/customer/action/", data={**values, "form_key": "k", "looked": ""})
    assert first.status_code == 422
    for words in (
        "Hi One Example Ltd",
        "<strong>1</strong> of 2 customers",
        "No Address Example Ltd",
        "Send to 1",
    ):
        assert words in first.text
    assert mails("message") == []
    looked = re.search(r'name="looked"[^>]*value="([0-9a-f]+)"', first.text).group(1)
    other = clerk.post("/admin/customer/action/", data={**values, "text": "Other", "looked": looked})
    assert other.status_code == 422
    sent = clerk.post("/admin/customer/action/", data={**values, "form_key": "k", "looked": looked})
    assert "No Address Example Ltd" in sent.text
    (mail,) = mails("message")
    assert mail.subject == "Hi One Example Ltd"


def test_a_viewer_sends_nothing(client_as, app):
    key = reachable().id
    values = {"action": "mail", "rowid": str(key), "subject": "Hi", "text": "There"}
    assert client_as("viewer").post("/admin/customer/action/", data=values).status_code == 403


def test_many_are_a_job_and_an_attempt_after_another_repeats_nobody(app, client_as, monkeypatch):
    monkeypatch.setattr(messages, "MOST_IN_REQUEST", 2)
    ids = [reachable(f"Example {n} Ltd").id for n in range(4)] + [make_customer("No Address Example Ltd").id]
    values = {"action": "mail", "rowid": [str(key) for key in ids], "subject": "Hi", "text": "There"}
    clerk = client_as("clerk")
    page = clerk.post("/admin/customer/action/", data=values)
    looked = re.search(r'name="looked"[^>]*value="([0-9a-f]+)"', page.text).group(1)
    assert "/admin/job/" in clerk.post("/admin/customer/action/", data={**values, "looked": looked}).location
    job = db.session.query(Job).one()
    runner.run(job.id)
    db.session.expire_all()
    assert (job.state, len(mails("message"))) == ("done", 4)
    assert job.notes == [
        "No Address Example Ltd: It has no contact of the type billing with an e-mail address."
    ]
