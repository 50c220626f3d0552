"""The account's settings, the logo and the test e-mail."""

from __future__ import annotations

import datetime as dt
import io
import socket
import ssl
from decimal import Decimal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from dashboard.documents import mail
from dashboard.extensions import db
from dashboard.models import AuditEntry, Customer, Invoice
from dashboard.operations import settings
from dashboard.operations.errors import Forbidden, Invalid, Refused, Stale
from dashboard.queries.settings import current
from tests.support.mail import Mailbox

GOOD = {
    "company_name": "Example Telecom Ltd",
    "country": "gb",
    "website": "www.example.com",
    "currency": "eur",
    "time_zone": "Asia/Calcutta",
    "invoice_number_pattern": "EX-{year}-{seq:05}",
    "number_reset": "yearly",
    "invoice_due_days": "14",
    "tax_percent": "7.7",
    "payment_details": "Bank\r\nIBAN",
    "auto_logout_minutes": "0",
}


def test_values_are_read_and_kept(actor):
    saved = settings.update(actor, GOOD, version=1)
    assert (saved.currency, saved.country, saved.website) == ("EUR", "GB", "https://www.example.com")
    assert (saved.time_zone, saved.tax_percent) == ("Asia/Kolkata", Decimal("7.7"))
    assert (saved.invoice_due_days, saved.auto_logout_minutes) == (14, 0)
    assert saved.payment_details == "Bank\nIBAN"
    assert saved.version == 2
    with pytest.raises(Stale):
        settings.update(actor, {"tax_name": "GST"}, version=1)


@pytest.mark.parametrize("role", ["viewer", "clerk", "manager"])
def test_only_administrators_change_settings(as_role, role):
    for refused in (
        lambda: settings.update(as_role(role), GOOD),
        lambda: settings.test_email(as_role(role), "ada@example.com"),
    ):
        with pytest.raises(Forbidden):
            refused()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "XXX"),
        ("currency", ""),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", ""),
        ("country", "Atlantis"),
        ("email", "nobody"),
        ("website", "javascript:alert(1)"),
        ("invoice_number_pattern", "INV-{year}"),
        ("invoice_number_pattern", "{seq.__class__}"),
        ("invoice_number_pattern", ""),
        ("number_reset", "daily"),
        ("invoice_due_days", "-1"),
        ("invoice_due_days", "366"),
        ("invoice_due_days", ""),
        ("invoice_due_days", "ten"),
        ("tax_percent", "100.01"),
        ("tax_percent", "NaN"),
        ("tax_percent", ""),
        ("tax_mode", "per_invoice"),
        ("company_name", "x" * 201),
        ("company_name", "with\0nothing"),
        ("payment_details", "x" * 2001),
        ("auto_logout_minutes", "1441"),
        ("smtp_host", "mail.example.com\r\nX: y"),
        ("smtp_host", "http://mail"),
        ("smtp_port", "0"),
        ("smtp_port", "70000"),
        ("smtp_from", "a@example.com\nBcc: b@example.com"),
        ("smtp_password", "with\nline end"),
        ("version", 3),
        ("logo_type", "image/svg+xml"),
    ],
)
def test_what_will_not_do_is_said_at_its_field(actor, field, value):
    with pytest.raises(Invalid) as refused:
        settings.update(actor, {"tax_name": "GST", field: value})
    assert list(refused.value.errors) == [field]
    db.session.expire_all()
    assert current().tax_name == "VAT"


def test_every_fault_is_said_at_once(actor):
    with pytest.raises(Invalid) as refused:
        settings.update(actor, {"currency": "?", "tax_percent": "x", "logo": b"x", "smtp_password": "\n"})
    assert set(refused.value.errors) == {"currency", "tax_percent", "logo", "smtp_password"}


def test_a_new_currency_leaves_what_there_is(actor):
    customer = Customer(name="Example Telecom Ltd", currency="USD")
    db.session.add(customer)
    db.session.commit()
    settings.update(actor, {"currency": "JPY"})
    db.session.refresh(customer)
    assert customer.currency == "USD"


# Numbers


def test_a_yearly_count_needs_the_year(actor):
    with pytest.raises(Invalid, match="begin anew each year"):
        settings.update(actor, {"invoice_number_pattern": "INV-{seq:06}", "number_reset": "yearly"})
    assert settings.update(
        actor, {"invoice_number_pattern": "INV-{year2}-{seq:06}", "number_reset": "yearly"}
    )


def test_a_pattern_whose_next_number_is_taken_is_refused(actor):
    customer = Customer(name="Example Telecom Ltd", currency="USD")
    db.session.add(customer)
    db.session.flush()
    today = dt.date(2026, 11, 23)
    db.session.add(
        Invoice(
            number="OLD-000001",
            state="issued",
            customer_id=customer.id,
            customer_name=customer.name,
            currency="USD",
            issue_date=today,
            due_date=today,
        )
    )
    db.session.commit()
    with pytest.raises(Invalid, match="OLD-000001, which there is already"):
        settings.update(actor, {"invoice_number_pattern": "OLD-{seq:06}"})


def test_the_next_number_is_shown(actor):
    year = dt.datetime.now(dt.UTC).year
    assert settings.next_number(current()) == f"INV-{year}-000001"
    assert settings.next_number(current(), "A{seq:03}") == "A001"
    with pytest.raises(ValueError, match="needs the running count"):
        settings.next_number(current(), "A")


# The logo


def picture(kind="PNG", size=(300, 100), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (picture("PNG", mode="RGBA"), "image/png"),
        (picture("PNG", mode="P"), "image/png"),
        (picture("PNG", mode="I;16"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (picture("JPEG", mode="CMYK"), "image/jpeg"),
        (picture("GIF"), "image/png"),
        (picture("WEBP"), "image/png"),
    ],
)
def test_a_logo_is_drawn_anew(actor, data, kind):
    saved = settings.update(actor, {"logo": data})
    assert saved.logo_type == kind
    with Image.open(io.BytesIO(saved.logo)) as kept:
        assert kept.size == (300, 100)
        assert kept.get_format_mimetype() == kind


def test_a_large_logo_is_made_smaller_and_keeps_its_shape(actor):
    saved = settings.update(actor, {"logo": picture(size=(4000, 1000))})
    with Image.open(io.BytesIO(saved.logo)) as kept:
        assert kept.size == (1000, 250)


def test_nothing_but_the_picture_is_kept(actor):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    data = picture("JPEG", exif=exif, comment=b"a comment")
    saved = settings.update(actor, {"logo": data + b"<script>alert(1)</script>"})
    for left in (b"taken at home", b"a comment", b"script"):
        assert left not in saved.logo


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%PDF-1.7", "not a picture"),
        (picture("BMP"), "not a picture"),
        (picture("TIFF"), "not a picture"),
        (picture()[:60], "not a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "not a picture"),
        (b"\xff\xd8\xff" + b"x" * (513 * 1024), "larger than 512 KB"),
        (picture(size=(6000, 10)), "6,000 by 10 dots"),
    ],
)
def test_what_is_no_logo(actor, data, said):
    with pytest.raises(Invalid, match=said):
        settings.update(actor, {"logo": data})


def test_a_logo_stays_until_it_is_taken_away(actor):
    settings.update(actor, {"logo": picture()})
    assert settings.update(actor, {"tax_name": "GST", "logo": None}).logo
    gone = settings.update(actor, {"remove_logo": True})
    assert (gone.logo, gone.logo_type) == (None, None)


# The mail server's password

SERVER = {
    "smtp_host": "mail.example.com",
    "smtp_user": "billing",
    "smtp_password": "s3cret of the server",
    "smtp_from": "billing@example.com",
}


def test_the_password_is_kept_sealed_and_out_of_the_audit_log(actor):
    saved = settings.update(actor, SERVER)
    assert "s3cret" not in saved.smtp_password
    assert settings.mail_server(saved).password == "s3cret of the server"
    assert "s3cret" not in repr(settings.mail_server(saved))
    entry = db.session.query(AuditEntry).one()
    assert entry.changes["smtp_password"] == [None, "(hidden)"]
    assert "s3cret" not in str(entry.changes)


def test_an_empty_password_keeps_the_one_there_is(actor):
    before = settings.update(actor, SERVER).smtp_password
    assert settings.update(actor, {**SERVER, "smtp_password": ""}).smtp_password == before


@pytest.mark.parametrize(
    "change", [{"smtp_host": "elsewhere.example"}, {"smtp_user": "eve"}, {"smtp_security": "none"}]
)
def test_it_is_typed_again_for_another_server(actor, change):
    settings.update(actor, SERVER)
    with pytest.raises(Invalid, match="Type the password again"):
        settings.update(actor, {**SERVER, "smtp_password": "", **change})
    with pytest.raises(Invalid, match="Type the password again"):
        settings.test_email(actor, "ada@example.com", {**SERVER, "smtp_password": "", **change})


def test_without_a_user_there_is_no_password(actor):
    settings.update(actor, SERVER)
    assert settings.update(actor, {"smtp_user": ""}).smtp_password is None


def test_another_secret_key_asks_for_it_again(app, actor, monkeypatch):
    saved = settings.update(actor, SERVER)
    monkeypatch.setitem(app.config, "SECRET_KEY", "another key altogether")
    with pytest.raises(Refused, match="secret key"):
        settings.mail_server(saved)


# The test e-mail


def to_box(box, **more):
    return {
        "smtp_host": box.host,
        "smtp_port": box.port,
        "smtp_security": "none",
        "smtp_from": "billing@example.com",
        **more,
    }


def test_a_test_arrives(actor, smtp_server):
    settings.update(actor, {"company_name": "Example Telecom Ltd", **to_box(smtp_server)})
    said = settings.test_email(actor, "ada@example.com")
    assert "ada@example.com" in said
    (message,) = smtp_server.messages
    assert message["From"] == "Example Telecom Ltd <billing@example.com>"
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == settings.TEST_SUBJECT
    assert "If you can read it" in message.get_content()
    assert smtp_server.envelopes == [("billing@example.com", ["ada@example.com"])]


def test_values_not_yet_saved_are_tried_and_not_kept(actor, smtp_server):
    settings.test_email(actor, "ada@example.com", to_box(smtp_server))
    assert len(smtp_server.messages) == 1
    db.session.expire_all()
    assert current().smtp_host is None


def test_no_header_can_be_smuggled_in(actor, smtp_server):
    with pytest.raises(Invalid):
        settings.test_email(actor, "ada@example.com\r\nBcc: eve@example.com", to_box(smtp_server))
    with pytest.raises(ValueError, match="not an e-mail address"):
        mail.compose("billing@example.com", "a@b.example\r\nBcc: eve@example.com", "x", "y")
    message = mail.compose(
        "billing@example.com", "ada@example.com", "One\r\nBcc: eve@example.com", "y", sender_name="A\r\nX: y"
    )
    assert message["Bcc"] is None
    assert message["Subject"] == "One Bcc: eve@example.com"


@pytest.mark.parametrize("to", ["", None, "nobody"])
def test_a_test_needs_an_address(actor, smtp_server, to):
    with pytest.raises(Invalid):
        settings.test_email(actor, to, to_box(smtp_server))


def test_without_a_server_nothing_is_tried(actor):
    with pytest.raises(Refused, match="no mail server yet"):
        settings.test_email(actor, "ada@example.com")


def test_the_refusal_of_the_server_is_told(actor, smtp_server):
    smtp_server.refuse = "550 5.7.1 relaying denied"
    with pytest.raises(Refused, match=r"refused the mail: 550 5\.7\.1 relaying denied"):
        settings.test_email(actor, "ada@example.com", to_box(smtp_server))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_server_that_is_not_there(actor, smtp_server):
    values = to_box(smtp_server, smtp_port=free_port())
    with pytest.raises(Refused, match="can't be reached: Connection refused"):
        settings.test_email(actor, "ada@example.com", values)


def test_a_server_that_does_not_answer(actor, smtp_server, monkeypatch):
    monkeypatch.setattr(mail, "PATIENCE", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        values = to_box(smtp_server, smtp_port=silent.getsockname()[1])
        with pytest.raises(Refused, match="did not answer within 1 seconds"):
            settings.test_email(actor, "ada@example.com", values)


def test_a_server_without_what_is_asked_for(actor, smtp_server):
    with pytest.raises(Refused, match="STARTTLS"):
        settings.test_email(actor, "ada@example.com", to_box(smtp_server, smtp_security="starttls"))
    with pytest.raises(Refused, match="Leave the user name empty"):
        values = to_box(smtp_server, smtp_user="billing", smtp_password="x")
        settings.test_email(actor, "ada@example.com", values)
    with pytest.raises(Refused, match="Port 465 goes with TLS"):
        settings.test_email(actor, "ada@example.com", to_box(smtp_server, smtp_security="tls"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 and localhost that signs itself."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail server of a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def authenticator(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"billing", b"right"), handled=False)


@pytest.fixture
def secure_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box = Mailbox(port=free_port())
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        tls_context=context,
        authenticator=authenticator,
        auth_required=True,
    )
    controller.start()
    yield box
    controller.stop()


def test_over_starttls_with_a_password(actor, secure_server, certificate, monkeypatch):
    values = to_box(
        secure_server,
        smtp_host="localhost",
        smtp_security="starttls",
        smtp_user="billing",
        smtp_password="right",
    )
    with pytest.raises(Refused, match="can't be trusted: self-signed certificate"):
        settings.test_email(actor, "ada@example.com", values)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    settings.test_email(actor, "ada@example.com", values)
    assert len(secure_server.messages) == 1
    with pytest.raises(Refused, match="refused the user name or the password: 535"):
        settings.test_email(actor, "ada@example.com", {**values, "smtp_password": "wrong"})
