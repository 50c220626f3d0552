"""Mail goes out by a real server on this machine, whatever that server does."""

from __future__ import annotations

import datetime as dt
import hashlib
import socket
import time

import pytest

from dashboard.documents import mail as smtp
from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Mail
from dashboard.operations import invoices, mail_decisions, mail_sending, mails
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import Refused
from jobs.mails import send_due
from tests.support import mail_world as world
from tests.support.mail_world import TO, again, file, tries, use_server, waits


@pytest.fixture
def box(app):
    with world.box() as made:
        use_server(made.host, made.port)
        yield made


def test_it_arrives_with_text_and_html(app, box):
    mail = file(TO, "second@retail.example", subject="Überraschung", body="Zwölf\n.\n.dots\n" + "long " * 300)
    send_due()
    mail = again(mail)
    assert (mail.state, mail.error, mail.claimed_at, mail.next_try_at) == ("sent", None, None, None)
    assert mail.sent_at is not None
    (got,) = box.messages
    assert (got["Subject"], got["To"]) == ("Überraschung", f"{TO}, second@retail.example")
    assert got["From"] == "Example Telecom Ltd <billing@example.com>"
    assert got["Message-ID"] == mail.message_id
    assert [part.get_content_type() for part in got.iter_parts()] == ["text/plain", "text/html"]
    assert got.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip() == mail.body
    assert box.envelopes == [("billing@example.com", [TO, "second@retail.example"])]
    assert tries(mail) == [("sent", "250 OK")]


def test_an_invoice_brings_its_pdf_and_the_ledger_says_which(app, box):
    invoice = world.sendable_invoice()
    mail = mails.send_invoice(SYSTEM, invoice.id)
    send_due()
    (got,) = box.messages
    (paper,) = got.iter_attachments()
    assert (paper.get_filename(), paper.get_content_type()) == (f"{invoice.number}.pdf", "application/pdf")
    content = paper.get_content()
    assert content.startswith(b"%PDF")
    (noted,) = again(mail).attachments
    assert (noted.size, noted.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert b"".join(store.open_stream(noted.document)) == content


def test_a_document_goes_along_and_one_that_is_gone_parks_the_mail(app, box):
    kept = store.put("report-1", "text/csv", [b"a,b\r\n"])
    files = [mails.File('a/b\r\n"c".csv', "text/csv", document_id=kept.id)]
    mail = file(attachments=files)
    send_due()
    (paper,) = box.messages[0].iter_attachments()
    assert paper.get_content().replace("\r\n", "\n") == "a,b\n"
    assert "/" not in paper.get_filename() and "\n" not in paper.get_filename()
    mail = file(attachments=files)
    db.session.delete(db.session.merge(kept))
    db.session.commit()
    send_due()
    assert (again(mail).state, len(box.messages)) == ("parked", 1)
    assert "no longer kept" in again(mail).error


def test_many_go_over_one_connection(app, box):
    joined = []
    original = box.handle_DATA

    async def handle(server, session, envelope):
        joined.append(session.peer)
        return await original(server, session, envelope)

    box.handle_DATA = handle
    for number in range(5):
        file(subject=f"Number {number}")
    send_due()
    assert [got["Subject"] for got in box.messages] == [f"Number {number}" for number in range(5)]
    assert len(set(joined)) == 1


def test_what_is_rolled_back_is_never_sent(app, box, queue_connection):
    with pytest.raises(RuntimeError), unit_of_work(SYSTEM):
        file()
        raise RuntimeError
    send_due()
    assert box.messages == []
    assert db.session.query(Mail).count() == 0


def test_what_is_said_once_is_filed_once(app, box):
    assert file(once="reminder:1:7") is not None
    assert mails.file(SYSTEM, world.draft(once="reminder:1:7")) is None
    send_due()
    assert len(box.messages) == 1


# Refusals


def test_a_final_refusal_of_the_recipient_parks_at_once(app, box):
    box.refuse_to[TO] = "550 5.1.1 no such mailbox"
    mail = file()
    send_due()
    assert (again(mail).state, again(mail).seen) == ("parked", False)
    assert again(mail).error == "The mail server refused the recipient: 550 5.1.1 no such mailbox"
    assert tries(mail) == [("failed", again(mail).error)]


def test_a_final_refusal_of_the_text_parks_and_the_next_goes_out(app, box):
    box.answers = ["554 5.7.1 looks like spam"]
    first, second = file(), file()
    send_due()
    assert (again(first).state, again(second).state) == ("parked", "sent")
    assert "554 5.7.1 looks like spam" in again(first).error


def test_a_temporary_refusal_is_tried_again_later(app, box):
    box.refuse_to[TO] = "451 4.7.1 greylisted, come back"
    mail = file()
    send_due()
    assert (again(mail).state, again(mail).error[-9:]) == ("queued", "come back")
    assert dt.timedelta(seconds=50) < waits(mail) <= dt.timedelta(minutes=1)
    send_due()
    assert len(tries(mail)) == 1
    box.refuse_to.clear()
    world.make_due(mail)
    send_due()
    assert (again(mail).state, again(mail).error) == ("sent", None)
    assert [result for result, _ in tries(mail)] == ["failed", "sent"]


def test_the_pauses_grow_and_then_it_is_parked(app, box):
    box.refuse_to[TO] = "450 not now"
    mail, pauses = file(), []
    while again(mail).state == "queued":
        world.make_due(mail)
        send_due()
        pauses.append(round(waits(mail) / dt.timedelta(minutes=1)))
    assert pauses == [1, 5, 30, 120, 360, 0]
    assert (again(mail).state, len(tries(mail))) == ("parked", 6)
    box.refuse_to.clear()
    mail_decisions.resend(SYSTEM, mail.id)
    send_due()
    assert again(mail).state == "sent"
    assert [got["Message-ID"] for got in box.messages] == [mail.message_id]


def test_some_readers_refused_get_a_mail_with_a_fate_of_its_own(app, box):
    box.refuse_to = {"gone@retail.example": "550 no such mailbox", "later@retail.example": "450 later"}
    mail = file(TO, "gone@retail.example", "later@retail.example")
    send_due()
    mail = again(mail)
    assert (mail.state, mail.recipients) == ("sent", [TO])
    parked, queued = db.session.query(Mail).filter(Mail.id != mail.id).order_by(Mail.id).all()
    assert (parked.state, parked.recipients) == ("parked", ["gone@retail.example"])
    assert (queued.state, queued.recipients) == ("queued", ["later@retail.example"])
    assert "gone@retail.example" in tries(mail)[0][1]
    box.refuse_to.clear()
    world.make_due(queued)
    send_due()
    assert box.envelopes[-1] == ("billing@example.com", ["later@retail.example"])
    assert len({got["Message-ID"] for got in box.messages}) == 2


def test_a_refused_sign_in_costs_one_mail_a_try_and_stops_the_rest(app, box):
    use_server(box.host, box.port, smtp_user="billing", smtp_password=None)
    first, second = file(), file()
    send_due()
    assert (again(first).state, again(second).state) == ("queued", "queued")
    assert "sign in" in again(first).error or "user name" in again(first).error
    assert (len(tries(first)), len(tries(second))) == (1, 0)


def test_a_refused_sender_stops_the_rest_and_is_no_fault_of_the_mail(app, box):
    async def refuses(_server, _session, _envelope, _address, _options):
        return "550 5.7.1 who are you"

    box.handle_MAIL = refuses
    first, second = file(), file()
    send_due()
    assert (again(first).state, again(second).state) == ("queued", "queued")
    assert "refused the sender billing@example.com: 550 5.7.1 who are you" in again(first).error
    assert (len(tries(first)), len(tries(second))) == (1, 0)


def test_a_server_that_is_not_there_stops_the_rest(app):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    use_server("127.0.0.1", port)
    first, second = file(), file()
    send_due()
    assert (len(tries(first)), len(tries(second))) == (1, 0)
    assert "can't be reached" in again(first).error


def test_a_mail_larger_than_the_server_takes_is_parked(app, box):
    kept = store.put("report-big", "text/csv", [b"x" * 30_000_000])
    mail = file(attachments=[mails.File("big.csv", "text/csv", document_id=kept.id)])
    send_due()
    assert again(mail).state == "parked"
    assert "MB" in again(mail).error


# Lines that break


def test_a_server_that_hangs_ends_by_time_out(app, monkeypatch):
    monkeypatch.setattr(smtp, "PATIENCE", 1)

    def silent(line):
        line.settimeout(10)
        line.recv(1)

    with world.rude_server(silent) as port:
        use_server("127.0.0.1", port)
        mail, began = file(), time.monotonic()
        send_due()
        assert time.monotonic() - began < 8
    assert again(mail).state == "queued"
    assert "did not answer within 1 seconds" in again(mail).error


def test_a_server_that_never_comes_to_an_end_is_cut_off(app, monkeypatch):
    monkeypatch.setattr(smtp, "LONGEST", 1)

    def babbles(line):
        line.sendall(b"220 here\r\n")
        while True:
            line.sendall(b"250-and")
            time.sleep(0.1)
            line.sendall(b" on\r\n")

    with world.rude_server(babbles) as port:
        use_server("127.0.0.1", port)
        mail, began = file(), time.monotonic()
        send_due()
        assert time.monotonic() - began < 8
    assert (again(mail).state, len(tries(mail))) == ("queued", 1)


def test_dropped_before_the_mail_was_whole_it_is_tried_again(app):
    def drops(line):
        world.polite_until_data(line)
        line.recv(10)

    with world.rude_server(drops) as port:
        use_server("127.0.0.1", port)
        # More than fits between the two of them, so that the sender sees it end.
        large = store.put("report-large", "text/csv", [b"x" * 20_000_000])
        mail = file(attachments=[mails.File("large.csv", "text/csv", document_id=large.id)])
        send_due()
    assert again(mail).state == "queued", tries(mail)
    assert "broke off" in again(mail).error or "reset" in again(mail).error


@pytest.mark.parametrize("way", ["hangs up", "hangs"])
def test_no_answer_to_a_whole_mail_leaves_it_to_staff(app, monkeypatch, way):
    monkeypatch.setattr(smtp, "PATIENCE", 1)

    def takes_it(line):
        world.polite_until_data(line)
        got = b""
        while not got.endswith(b"\r\n.\r\n"):
            got += line.recv(4096)
        if way == "hangs":
            line.recv(1)

    with world.rude_server(takes_it) as port:
        use_server("127.0.0.1", port)
        mail = file()
        send_due()
        send_due()
    assert (again(mail).state, again(mail).seen) == ("unsure", False)
    assert "It may have gone out" in again(mail).error
    assert [result for result, _ in tries(mail)] == ["unsure"]


# What changed meanwhile


def test_an_invoice_made_void_meanwhile_does_not_go_out(app, box):
    invoice = world.sendable_invoice()
    mail = mails.send_invoice(SYSTEM, invoice.id)
    invoices.void(SYSTEM, invoice.id, "a mistake")
    send_due()
    assert (again(mail).state, box.messages) == ("parked", [])
    assert f"{invoice.number} is void" in again(mail).error


def test_without_a_server_mail_is_kept_and_can_be_sent_once_there_is_one(app):
    mail = file()
    assert (mail.state, mail.next_try_at) == ("kept", None)
    send_due()
    assert again(mail).state == "kept"
    with pytest.raises(Refused, match="no mail server yet"):
        mail_decisions.resend(SYSTEM, mail.id)
    with world.box() as made:
        use_server(made.host, made.port)
        send_due()
        assert made.messages == []
        mail_decisions.resend(SYSTEM, mail.id)
        send_due()
        assert (again(mail).state, len(made.messages)) == ("sent", 1)


def test_when_the_server_is_taken_away_what_waits_is_kept(app, box):
    mail = file()
    use_server(None, None)
    send_due()
    assert again(mail).state == "kept"


# Two at once, and those who are lost


def test_a_claim_belongs_to_one(app, box):
    file()
    first = mail_sending.claim()
    assert first is not None and mail_sending.claim() is None


def test_a_sender_lost_before_the_handing_over_costs_nothing(app, box, monkeypatch):
    mail = file()
    assert mail_sending.claim() is not None
    monkeypatch.setattr(mail_sending, "STALE", dt.timedelta(0))
    assert mail_sending.take_up_lost() == 1
    send_due()
    assert (again(mail).state, len(box.messages)) == ("sent", 1)


def test_one_that_was_taken_for_lost_sends_nothing_any_more(app, box, monkeypatch):
    from dashboard.operations.mail_parcel import pack
    from dashboard.operations.settings import mail_server
    from dashboard.queries.settings import current

    file()
    slow = mail_sending.claim()
    monkeypatch.setattr(mail_sending, "STALE", dt.timedelta(0))
    mail_sending.take_up_lost()
    quick = mail_sending.claim()
    parcel = pack(slow.mail_id, mail_server(current()))
    assert mail_sending.begin(slow, parcel) is None
    assert mail_sending.begin(quick, parcel) is not None


def test_a_late_answer_is_worth_more_than_the_guess(app, box, monkeypatch):
    from dashboard.operations.mail_parcel import pack
    from dashboard.operations.settings import mail_server
    from dashboard.queries.settings import current

    mail = file()
    held = mail_sending.claim()
    attempt = mail_sending.begin(held, pack(held.mail_id, mail_server(current())))
    monkeypatch.setattr(mail_sending, "STALE", dt.timedelta(0))
    mail_sending.take_up_lost()
    assert again(mail).state == "unsure"
    mail_sending.sent(held, attempt, smtp.Receipt("250 taken"))
    assert (again(mail).state, tries(mail)) == ("sent", [("sent", "250 taken")])


# Many, and safely


def test_the_papers_of_many_are_printed_together(app, box, monkeypatch):
    from dashboard.documents import invoice_pdf as printing

    runs = []
    original = printing.render

    def counted(*given, **more):
        runs.append(1)
        return original(*given, **more)

    monkeypatch.setattr(printing, "render", counted)
    for number in range(6):
        mails.send_invoice(SYSTEM, world.sendable_invoice(name=f"Customer {number}").id)
    send_due()
    assert len(box.messages) == 6
    assert len(runs) == 2


def test_over_starttls_with_a_password(app, tmp_path, monkeypatch):
    certificate = world.certificate(tmp_path)
    with world.box(certificate, password="right") as made:
        use_server("localhost", made.port, smtp_security="starttls")
        mail = file()
        send_due()
        assert "can't be trusted" in again(mail).error
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        sign_in("billing", "wrong")
        world.make_due(mail)
        send_due()
        assert "refused the user name or the password: 535" in again(mail).error
        sign_in("billing", "right")
        world.make_due(mail)
        send_due()
        assert (again(mail).state, len(made.messages)) == ("sent", 1)
        assert [result for result, _ in tries(mail)] == ["failed", "failed", "sent"]


def sign_in(user, password):
    from dashboard.operations.secrets import seal
    from dashboard.operations.settings import PURPOSE
    from dashboard.queries.settings import current

    setting = current()
    use_server(
        setting.smtp_host,
        setting.smtp_port,
        smtp_security=setting.smtp_security,
        smtp_user=user,
        smtp_password=seal(password, PURPOSE),
    )


def test_a_domain_in_other_letters_goes_by_its_plain_name(app, box):
    file("konto@bücher.example")
    send_due()
    assert box.envelopes[0][1] == ["konto@xn--bcher-kva.example"]
    assert box.messages[0]["To"] == "konto@xn--bcher-kva.example"


def test_letters_before_the_at_go_where_they_are_taken(app, box):
    mail = file("größe@retail.example")
    send_due()
    assert (again(mail).state, box.envelopes[0][1]) == ("sent", ["größe@retail.example"])
    with world.rude_server(world.polite_until_data) as port:
        use_server("127.0.0.1", port)
        mail = file("größe@retail.example")
        send_due()
    assert again(mail).state == "parked"
    assert "letters other than a to z" in again(mail).error


def test_many_filed_together_call_once(app, box, queue_connection, settings):
    with unit_of_work(SYSTEM):
        for number in range(5):
            file(subject=f"Number {number}")
        assert not queue_connection.exists(f"{settings.queue_name}:mail-call")
        assert db.session.info["after_commit"].count(mail_sending.call_senders) == 1
    assert queue_connection.exists(f"{settings.queue_name}:mail-call")
    assert queue_connection.llen(f"rq:queue:{settings.queue_name}") == 1
    file()
    assert queue_connection.llen(f"rq:queue:{settings.queue_name}") == 1
    send_due()
    assert len(box.messages) == 6
