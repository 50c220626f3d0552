"""Sending a mail by an SMTP server, and saying in words what it answered when it would not."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Any

# Seconds for each answer of the server.
PATIENCE = 10
PORTS = {"none": 25, "starttls": 587, "tls": 465}


class NotSent(Exception):
    """The mail did not go out; the text is fit for a clerk to read."""


@dataclass(frozen=True)
class MailServer:
    """`security` is none, starttls or tls; without a user nobody signs in."""

    host: str
    sender: str
    port: int | None = None
    security: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port or PORTS[self.security]


def compose(sender: str, to: str, subject: str, body: str, *, sender_name: str = "") -> EmailMessage:
    """A plain text mail. ValueError where an address is none; line ends never reach a header."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender, sender_name)
    message["To"] = _address(to)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = message_id(sender)
    message.set_content(body)
    return message


def message_id(sender: str | None) -> str:
    """A new one, fixed when a mail is filed: whoever gets the mail twice can tell that it is the same."""
    domain = (sender or "").rpartition("@")[2]
    try:
        encoded = domain.encode("idna").decode()
    except UnicodeError:
        encoded = ""
    return make_msgid(domain=encoded if 0 < len(encoded) <= 100 else "localhost")


def _address(spec: str, name: str = "") -> Address:
    local, at, domain = spec.strip().rpartition("@")
    if not local or not at or any(sign in spec for sign in "\r\n\0"):
        raise ValueError("This is not an e-mail address.")
    return Address(" ".join(name.split()), local, domain)


def send(server: MailServer, message: EmailMessage) -> None:
    """Hand the mail over. Raises NotSent with the reason."""
    with _words(server), _connected(server) as connection:
        connection.ehlo()
        if server.security == "starttls":
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        if server.user:
            connection.login(server.user, server.password or "")
        connection.send_message(message)


def _connected(server: MailServer) -> smtplib.SMTP:
    host, port = server.address
    if server.security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=PATIENCE)


@contextmanager
def _words(server: MailServer) -> Iterator[None]:
    """Whatever goes wrong, as NotSent."""
    try:
        yield
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        said = next(say for kind, say in _FAULTS if isinstance(error, kind))
        raise NotSent(said(error, server)) from error


def _place(server: MailServer) -> str:
    return "{} port {}".format(*server.address)


def _recipient(error: smtplib.SMTPRecipientsRefused) -> str:
    code, reply = next(iter(error.recipients.values()))
    return f"{code} {_plain(reply)}"


def _not_supported(server: MailServer) -> str:
    if server.security == "starttls":
        return "The mail server does not do what is asked of it: STARTTLS, or signing in with a password."
    return "The mail server does not let anybody sign in with a password. Leave the user name empty."


def _no_answer(server: MailServer) -> str:
    return f"The mail server at {_place(server)} did not answer within {PATIENCE} seconds."


def _broken_off(error: Exception, server: MailServer) -> str:
    """smtplib says the same of a server that is silent."""
    if isinstance(error.__context__, TimeoutError):
        return _no_answer(server)
    return f"The mail server at {_place(server)} broke off the connection."


def _reason(error: Exception) -> str:
    return _plain(getattr(error, "strerror", None) or str(error) or type(error).__name__)


# From the particular to the general: the first that fits speaks.
_FAULTS: tuple[tuple[type[Exception], Callable[[Any, MailServer], str]], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        lambda error, _: f"The mail server refused the user name or the password: {_reply(error)}",
    ),
    (
        smtplib.SMTPRecipientsRefused,
        lambda error, _: f"The mail server refused the recipient: {_recipient(error)}",
    ),
    (
        smtplib.SMTPSenderRefused,
        lambda error, _: f"The mail server refused the sender {error.sender}: {_reply(error)}",
    ),
    (smtplib.SMTPNotSupportedError, lambda _, server: _not_supported(server)),
    (
        smtplib.SMTPResponseException,
        lambda error, _: f"The mail server refused the mail: {_reply(error)}",
    ),
    (smtplib.SMTPServerDisconnected, _broken_off),
    (
        ssl.SSLCertVerificationError,
        lambda error, server: (
            f"The mail server at {_place(server)} has a certificate that can't be trusted: "
            f"{error.verify_message}."
        ),
    ),
    (
        ssl.SSLError,
        lambda _, server: (
            f"No secure connection to {_place(server)}. Port 465 goes with TLS, port 587 with STARTTLS."
        ),
    ),
    (TimeoutError, lambda _, server: _no_answer(server)),
    (socket.gaierror, lambda _, server: f"There is no server named {server.host}."),
    (
        UnicodeError,
        lambda _, __: "The name of the server, the user or the password can't be sent as it is.",
    ),
    (
        Exception,
        lambda error, server: f"The mail server at {_place(server)} can't be reached: {_reason(error)}.",
    ),
)


def _reply(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_plain(error.smtp_error)}"


def _plain(reply: str | bytes) -> str:
    """What a server said, on one line and not at length."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]
