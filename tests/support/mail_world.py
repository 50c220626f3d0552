"""Mail servers that misbehave, and mails to send by them."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, update

from dashboard.extensions import db
from dashboard.models import Invoice, Mail, MailAttempt, ScheduleRun, Setting
from dashboard.operations import contacts, mails
from dashboard.operations.base import SYSTEM, unit_of_work
from tests.support.books import make_customer, make_issued
from tests.support.mail import Mailbox

TO = "accounts@retail.example"


def use_server(host: str, port: int, **more: Any) -> None:
    """The account sends by this server."""
    values = {
        "smtp_host": host,
        "smtp_port": port,
        "smtp_security": "none",
        "smtp_from": "billing@example.com",
        "company_name": "Example Telecom Ltd",
        **more,
    }
    db.session.execute(update(Setting).values(**values))
    db.session.commit()
    db.session.info.pop("setting", None)


def draft(*recipients: str, **more: Any) -> mails.Draft:
    given = {"kind": "message", "subject": "Planned work", "body": "On Sunday.\n", **more}
    return mails.Draft(recipients=list(recipients) or [TO], **given)


def file(*recipients: str, **more: Any) -> Mail:
    mail = mails.file(SYSTEM, draft(*recipients, **more))
    assert mail is not None
    return mail


def sendable_invoice(*addresses: str, name: str = "Example Retail Ltd") -> Invoice:
    """Issued, to a customer with billing contacts of these addresses."""
    customer = make_customer(name)
    for number, address in enumerate(addresses or (TO,), start=1):
        values = {
            "customer_id": customer.id,
            "name": f"Contact {number}",
            "email": address,
            "type": "billing",
        }
        contacts.create(SYSTEM, values)
    return make_issued(customer)


def again(mail: Mail) -> Mail:
    """As the ledger has it now."""
    db.session.rollback()
    return db.session.get_one(Mail, mail.id, populate_existing=True)


def tries(mail: Mail) -> list[tuple[str, str]]:
    """(result, the server's words) of each try."""
    db.session.rollback()
    found = db.session.query(MailAttempt).filter_by(mail_id=mail.id).order_by(MailAttempt.id)
    return [(one.result, one.reply) for one in found]


def waits(mail: Mail) -> dt.timedelta:
    """How long from now until it is tried again."""
    db.session.rollback()
    return db.session.scalar(
        db.select(Mail.next_try_at - func.now()).where(Mail.id == mail.id)
    ) or dt.timedelta(0)


def make_due(mail: Mail) -> None:
    with unit_of_work(SYSTEM) as current:
        current.execute(update(Mail).where(Mail.id == mail.id).values(next_try_at=func.now()))


class Box(Mailbox):
    """`refuse_to`: answers to recipients; `answers`: what it says to the next mails, instead of taking them;
    `then`: called with the server once a mail is in, before it answers."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port=port)
        self.refuse_to: dict[str, str] = {}
        self.answers: list[str] = []
        self.then: Callable[[Any], Any] | None = None

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refuse_to:
            return self.refuse_to[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        answer = await super().handle_DATA(server, session, envelope)
        if self.then is not None:
            went = self.then(server)
            if asyncio.iscoroutine(went):
                await went
        return answer


class Talks(Controller):
    """Ends every talk before it stops, also one that the server itself keeps waiting."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.lines: list[asyncio.Transport] = []

    def factory(self) -> Any:
        protocol = super().factory()
        made = protocol.connection_made

        def noted(transport: asyncio.Transport) -> None:
            self.lines.append(transport)
            made(transport)

        protocol.connection_made = noted
        return protocol

    async def hang_up(self) -> None:
        for line in self.lines:
            line.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.05)


@contextmanager
def box(certificate: Path | None = None, password: str = "") -> Iterator[Box]:
    """With a certificate it asks for STARTTLS, with a password for signing in as billing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    made = Box(port)
    secure: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        secure = {"tls_context": context, "auth_required": True, "authenticator": _door(password)}
    controller = Talks(made, hostname=made.host, port=port, **secure)
    controller.start()
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(controller.hang_up(), controller.loop).result(10)
        controller.stop()
        del controller
        with warnings.catch_warnings():
            # A talk that this server itself kept waiting leaves its line to the garbage collector.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def _door(password: str) -> Callable[..., AuthResult]:
    def opens(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"billing", password.encode())
        return AuthResult(success=right, handled=False)

    return opens


def certificate(folder: Path) -> Path:
    """One for localhost that signs itself, with its key."""
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
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def rude_server(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server whose whole talk with each client is `behave(line)`; gives its port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                try:
                    behave(line)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1])
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)


def polite_until_data(line: socket.socket) -> None:
    """Greets, takes sender and recipients, and asks for the mail."""
    line.settimeout(10)
    line.sendall(b"220 here\r\n")
    waiting = b""
    while True:
        while b"\r\n" not in waiting:
            more = line.recv(4096)
            if not more:
                raise ConnectionError
            waiting += more
        said, _, waiting = waiting.partition(b"\r\n")
        if said.lower() == b"data":
            line.sendall(b"354 go on\r\n")
            return
        line.sendall(b"250 fine\r\n")


def schedule_run() -> int:
    """The key of a run of some schedule."""
    run = ScheduleRun(name="Nightly", produces="invoices", slot=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    db.session.add(run)
    db.session.commit()
    return run.id


def set_state(mail: Mail, state: str, **more: Any) -> Mail:
    """The mail as if that had become of it."""
    db.session.execute(update(Mail).where(Mail.id == mail.id).values(state=state, **more))
    db.session.commit()
    return again(mail)
