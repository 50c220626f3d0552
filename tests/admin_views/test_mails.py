"""Global > E-mails, Send by e-mail, and Setup > E-mail texts, as the browser sees them."""

from __future__ import annotations

import pytest

from dashboard.extensions import db
from dashboard.models import Mail, MailTemplate
from dashboard.operations import invoice_mails, mail_sending, mail_texts, mails
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid, Refused, Stale
from jobs.mails import send_due
from tests.support import mail_world as world
from tests.support.books import make_customer, make_draft, make_issued
from tests.support.mail_world import TO, again, file, set_state, use_server
from tests.support.waiting import wait_until

LIST = "/admin/mail/"


@pytest.fixture
def clerk(client_as):
    return client_as("clerk")


@pytest.fixture
def box(app):
    with world.box() as made:
        use_server(made.host, made.port)
        yield made


def details(client, mail):
    return client.get(f"{LIST}details/?id={mail.id}")


# The list and the page


def test_the_list_has_a_tab_for_every_state(clerk):
    for state in ("queued", "sent", "parked", "unsure", "kept", "cancelled"):
        set_state(file(subject=f"It is {state}"), state)
    text = clerk.get(LIST).text
    assert all(f"It is {state}" in text for state in ("queued", "sent", "parked", "kept"))
    for tab, state in (("waiting", "queued"), ("failed", "parked"), ("unsure", "unsure"), ("kept", "kept")):
        text = clerk.get(f"{LIST}?tab={tab}").text
        assert f"It is {state}" in text
        assert text.count('class="badge') == 1 or "It is sent" not in text


def test_it_is_found_by_address_customer_and_number(clerk):
    invoice = world.sendable_invoice("ada@retail.example")
    mails.send_invoice(SYSTEM, invoice.id)
    file("bob@other.example", subject="Something else")
    for words in ("ada@retail", "Example Retail", invoice.number, "Invoice INV"):
        text = clerk.get(LIST, query_string={"search": words}).text
        assert "ada@retail.example" in text and "Something else" not in text, words
    text = clerk.get(LIST, query_string={"kind.in": "message"}).text
    assert "Something else" in text and "ada@retail.example" not in text


def test_a_page_says_everything(clerk, box):
    invoice = world.sendable_invoice()
    box.refuse_to[TO] = "550 5.1.1 no such <b>mailbox</b>"
    mail = mails.send_invoice(SYSTEM, invoice.id)
    send_due()
    text = details(clerk, mail).text
    for said in (TO, invoice.number, "no such &lt;b&gt;mailbox", mail.message_id[1:-1], "It was given up"):
        assert said in text
    for label in ("Resend", "Cancel", "Mark as seen"):
        assert f">{label}</button>" in text
    paper = clerk.get(f"{LIST}{mail.id}/file/0")
    assert paper.data.startswith(b"%PDF")
    assert paper.headers["Content-Disposition"] == f'attachment; filename="{invoice.number}.pdf"'
    assert mail.message_id[1:-1] in text


def test_the_html_of_a_mail_can_do_nothing(clerk):
    mail = file(html="<script>alert(1)</script><img src=https://x.example/a.png><form></form>")
    answer = clerk.get(f"{LIST}{mail.id}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert 'sandbox=""' in details(clerk, mail).text
    plain = file(body="<b>bold</b> https://x.example/?a=1&b=2.")
    text = clerk.get(f"{LIST}{plain.id}/html").text
    assert "&lt;b&gt;" in text and 'href="https://x.example/?a=1&amp;b=2"' in text


def test_what_staff_decide(clerk, box):
    def post(mail, what):
        return clerk.post(f"{LIST}{mail.id}/{what}").status_code

    unsure = set_state(file(), "unsure")
    assert post(unsure, "arrived") == 303
    assert (again(unsure).state, len(box.messages)) == ("sent", 0)
    assert "says that it arrived" in details(clerk, unsure).text
    parked = set_state(file(), "parked")
    assert post(parked, "seen") == 303
    assert again(parked).seen
    assert post(parked, "resend") == 303
    send_due()
    assert again(parked).state == "sent"
    queued = file()
    assert post(queued, "cancel") == 303
    send_due()
    assert (again(queued).state, again(queued).error[:12]) == ("cancelled", "Cancelled by")
    before = db.session.query(Mail).count()
    assert post(parked, "resend") == 303
    send_due()
    assert db.session.query(Mail).count() == before + 1
    first, second = (got["Message-ID"] for got in box.messages[-2:])
    assert first != second


def test_a_double_click_sends_it_again_once(clerk, box):
    mail = set_state(file(), "sent")
    for _ in range(2):
        assert clerk.post(f"{LIST}{mail.id}/resend", data={"form_key": "one"}).status_code == 303
    send_due()
    assert len(box.messages) == 1


def test_a_mail_in_hand_is_left_alone(clerk, box):
    mail = file()
    mail_sending.claim()
    for what in ("resend", "cancel", "seen", "arrived"):
        assert clerk.post(f"{LIST}{mail.id}/{what}").status_code == 303
    assert again(mail).state == "sending"


def test_many_are_sent_again(clerk, box):
    made = [set_state(file(subject=f"Number {number}"), "parked") for number in range(3)]
    data = {"action": "resend", "rowid": [mail.id for mail in made]}
    assert clerk.post(f"{LIST}action/", data=data).status_code == 303
    send_due()
    assert len(box.messages) == 3


# An invoice


def test_an_invoice_is_sent_from_its_page(clerk, box):
    invoice = world.sendable_invoice(TO, "second@retail.example")
    page = f"/admin/invoice/{invoice.id}/send"
    text = clerk.get(page).text
    assert f"{TO}, second@retail.example" in text and f"Invoice {invoice.number} from" in text
    data = {
        "recipients": "Ada@retail.example",
        "subject": "Yours",
        "body": "Here it is.\r\nBye",
        "form_key": "k1",
    }
    assert clerk.post(page, data=data).status_code == 303
    assert clerk.post(page, data=data).status_code == 303
    send_due()
    (got,) = box.messages
    assert (got["To"], got["Subject"]) == ("Ada@retail.example", "Yours")
    text = clerk.get(f"/admin/invoice/details/?id={invoice.id}").text
    assert "Ada@retail.example" in text and "Sent" in text and "Send by e-mail" in text


@pytest.mark.parametrize(
    "to",
    [
        "nobody",
        "a@b.example\r\nBcc: eve@example.com",
        "a@b.example, nonsense",
        "",
        ",".join(f"a{number}@b.example" for number in range(51)),
        '"a b"@c.example',
    ],
)
def test_addresses_are_refused_where_they_are_typed(clerk, box, to):
    invoice = world.sendable_invoice()
    data = {"recipients": to, "subject": "Yours", "body": "Here it is."}
    assert clerk.post(f"/admin/invoice/{invoice.id}/send", data=data).status_code == 422
    assert db.session.query(Mail).count() == 0


def test_a_subject_has_no_second_line(clerk, box):
    invoice = world.sendable_invoice()
    data = {"recipients": TO, "subject": "One\r\nBcc: eve@example.com", "body": "x"}
    assert clerk.post(f"/admin/invoice/{invoice.id}/send", data=data).status_code == 422


def test_drafts_are_not_sent(clerk):
    draft = make_draft(make_customer())
    assert clerk.get(f"/admin/invoice/{draft.id}/send").status_code == 409
    with pytest.raises(Refused, match="is a draft"):
        mails.send_invoice(SYSTEM, draft.id)


def test_many_are_sent_from_the_list_and_those_left_out_are_named(clerk, box):
    good = world.sendable_invoice()
    draft = make_draft(make_customer("Other Ltd"))
    silent = make_issued(make_customer("Silent Ltd"))
    data = {"action": "send", "rowid": [good.id, draft.id, silent.id], "form_key": "one"}
    text = clerk.post("/admin/invoice/action/", data=data).text
    assert "is a draft" in text and "Silent Ltd has no contact of the type billing" in text
    send_due()
    assert len(box.messages) == 1
    text = clerk.post("/admin/invoice/action/", data={**data, "rowid": [good.id], "form_key": "two"}).text
    assert "It was sent before" in text
    clerk.post("/admin/invoice/action/", data={**data, "rowid": [good.id], "form_key": "three", "again": "y"})
    clerk.post("/admin/invoice/action/", data={**data, "rowid": [good.id], "form_key": "three", "again": "y"})
    send_due()
    assert len(box.messages) == 2
    assert "Sent" in clerk.get("/admin/invoice/?columns=number,mail_state").text


def test_very_many_are_a_job(clerk, box, monkeypatch, worker_process):
    monkeypatch.setattr(invoice_mails, "MOST_IN_REQUEST", 2)
    made = [world.sendable_invoice(name=f"Customer {number}") for number in range(3)]
    data = {"action": "send", "rowid": [one.id for one in made]}
    answer = clerk.post("/admin/invoice/action/", data=data)
    assert "/admin/job/details/" in answer.headers["Location"]
    wait_until(lambda: len(box.messages) == 3, 30, "they arrive")


def test_a_run_brings_an_invoice_once(app):
    invoice = world.sendable_invoice()
    run = world.schedule_run()
    first = mails.send_invoice(SYSTEM, invoice.id, schedule_run_id=run)
    assert mails.send_invoice(SYSTEM, invoice.id, schedule_run_id=run).id == first.id


# The texts

TEXT = {"subject": "Bill {{ invoice.number }}", "body": "Dear {{ company.name }}\nPay {{ invoice.balance }}."}
EDIT = "/admin/mail_template/edit/?kind=invoice"


@pytest.fixture
def admin(client_as):
    return client_as("admin")


def test_a_text_is_written_used_and_reset(admin, box):
    assert admin.get("/admin/mail_template/").status_code == 200
    assert "{{ invoice.number }}" in admin.get(EDIT).text
    assert admin.post(EDIT, data={**TEXT, "version": "0"}).status_code == 303
    invoice = world.sendable_invoice()
    mail = mails.send_invoice(SYSTEM, invoice.id)
    assert (mail.subject, mail.body) == (
        f"Bill {invoice.number}",
        "Dear Example Retail Ltd\nPay $100.00.",
    )
    assert admin.post("/admin/mail_template/reset/", data={"kind": "invoice"}).status_code == 303
    assert mails.send_invoice(SYSTEM, invoice.id).subject.startswith("Invoice INV")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Dear\n{{ company.nmae }}", "Line 2: There is no “nmae” here"),
        ("{% for x in y %}", "Line 1"),
        ("{{ invoice.number.__class__ }}", "Line 1"),
        ("a\nb\n{{ 1 / 0 }}", "Line 3: Division by zero"),
        ("{{ config }}", "Line 1"),
        ("", "fill"),
    ],
)
def test_a_text_that_fails_is_refused_with_line_and_reason(admin, body, said):
    answer = admin.post(EDIT, data={"subject": "x", "body": body, "version": "0"})
    assert answer.status_code == 422
    assert said.casefold() in answer.text.casefold()
    assert db.session.query(MailTemplate).count() == 0
    preview = admin.post(
        "/admin/mail_template/preview/", data={"kind": "invoice", "subject": "x", "body": body}
    )
    assert preview.status_code == 200
    assert said.casefold() in preview.text.casefold()


def test_the_preview_is_on_the_sample_or_an_invoice(admin):
    invoice = world.sendable_invoice()
    data = {"kind": "invoice", **TEXT}
    assert "INV-2026-000123" in admin.post("/admin/mail_template/preview/", data=data).text
    text = admin.post("/admin/mail_template/preview/", data={**data, "invoice_id": invoice.id}).text
    assert f"Bill {invoice.number}" in text and "$100.00" in text


def test_two_who_write_at_once(app, actor):
    saved = mail_texts.save(actor, "invoice", TEXT, version=0)
    with pytest.raises(Stale):
        mail_texts.save(actor, "invoice", TEXT, version=0)
    mail_texts.save(actor, "invoice", {**TEXT, "body": "Other"}, version=saved.version)


def test_a_text_that_fails_later_gives_way_to_the_stock_text_and_says_so(admin, actor):
    db.session.add(MailTemplate(kind="invoice", subject="Bill", body="Dear\n{{ company.gone }}"))
    db.session.commit()
    invoice = world.sendable_invoice()
    mail = mails.send_invoice(SYSTEM, invoice.id)
    assert mail.subject.startswith("Invoice INV")
    assert "Line 2" in admin.get("/admin/mail_template/").text
    mail_texts.save(actor, "invoice", TEXT, version=1)
    assert "Line 2" not in admin.get("/admin/mail_template/").text


def test_a_subject_that_comes_out_empty_gives_way_to_the_stock_one(app, actor):
    mail_texts.save(actor, "invoice", {**TEXT, "subject": "{{ invoice.reference }}"}, version=0)
    assert mails.send_invoice(SYSTEM, world.sendable_invoice().id).subject.startswith("Invoice INV")
    with pytest.raises(Invalid, match="comes out empty"):
        mail_texts.save(actor, "reminder", {**TEXT, "subject": "{% if 1 == 2 %}x{% endif %}"}, version=0)


def test_filing_checks_what_it_is_given(app):
    with pytest.raises(Invalid):
        file(subject="")
    with pytest.raises(Invalid):
        file("a@b.example\nBcc: c@d.example")
    with pytest.raises(Invalid):
        file(subject="a\nBcc: c@d.example")
