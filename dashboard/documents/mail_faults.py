"""What goes wrong between us and a mail server: what it means for the mail, and how a clerk reads it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PORTS = {"none": 25, "starttls": 587, "tls": 465}


class NotSent(Exception):
    """The mail did not go out; the text is fit for a clerk to read.

    `permanent`: this mail will be refused again. `of_server`: the next mail would fare the same now.
    `unsure`: it was handed over whole, and no answer came, so that it may have gone out after all.
    """

    def __init__(
        self, said: str, *, permanent: bool = False, of_server: bool = False, unsure: bool = False
    ) -> None:
        super().__init__(said)
        self.permanent, self.of_server, self.unsure = permanent, of_server, unsure


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

    def __str__(self) -> str:
        return "{} port {}".format(*self.address)


class TooBig(smtplib.SMTPException):
    """The server would not take so much."""


class NoAnswer(smtplib.SMTPException):
    """None came to a mail that was handed over whole."""


@dataclass(frozen=True)
class _Try:
    """Where it went wrong, and how long an answer was waited for."""

    server: MailServer
    patience: int


def not_sent(error: Exception, server: MailServer, patience: int) -> NotSent:
    """The same as a NotSent."""
    said = next(say for kind, say in _FAULTS if isinstance(error, kind))(error, _Try(server, patience))
    return NotSent(
        said,
        permanent=_is_permanent(error),
        of_server=not _is_of_mail(error),
        unsure=isinstance(error, NoAnswer),
    )


def _is_permanent(error: Exception) -> bool:
    """Codes from 500 on are. But a wrong sender or password is mended by staff, and the mail goes on."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPSenderRefused):
        return error.smtp_code == 552  # too big
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, TooBig) or _is_foreign(error)


def _is_of_mail(error: Exception) -> bool:
    if isinstance(error, (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)):
        return True
    return _is_permanent(error)


def _is_foreign(error: Exception) -> bool:
    return isinstance(error, smtplib.SMTPNotSupportedError) and str(error) == "SMTPUTF8"


def _recipient(error: smtplib.SMTPRecipientsRefused) -> str:
    return "; ".join(
        f"{code} {plain(reply)}" if len(error.recipients) == 1 else f"{one}: {code} {plain(reply)}"
        for one, (code, reply) in error.recipients.items()
    )


def _not_supported(error: Exception, at: _Try) -> str:
    if _is_foreign(error):
        return "The mail server does not take addresses with letters other than a to z before the @."
    if at.server.security == "starttls":
        return "The mail server does not do what is asked of it: STARTTLS, or signing in with a password."
    return "The mail server does not let anybody sign in with a password. Leave the user name empty."


def _no_answer(at: _Try) -> str:
    return f"The mail server at {at.server} did not answer within {at.patience} seconds."


def _broken_off(error: Exception, at: _Try) -> str:
    """smtplib says the same of a server that is silent."""
    if isinstance(error.__context__, TimeoutError):
        return _no_answer(at)
    return f"The mail server at {at.server} broke off the connection."


def _reason(error: Exception) -> str:
    return plain(getattr(error, "strerror", None) or str(error) or type(error).__name__)


# From the particular to the general: the first that fits speaks.
_FAULTS: tuple[tuple[type[Exception], Callable[[Any, _Try], str]], ...] = (
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
    (smtplib.SMTPNotSupportedError, _not_supported),
    (TooBig, lambda error, _: str(error)),
    (
        NoAnswer,
        lambda _, at: (
            f"The mail was handed to the mail server at {at.server}, which then broke off without an"
            " answer. It may have gone out."
        ),
    ),
    (
        smtplib.SMTPResponseException,
        lambda error, _: f"The mail server refused the mail: {_reply(error)}",
    ),
    (smtplib.SMTPServerDisconnected, _broken_off),
    (
        ssl.SSLCertVerificationError,
        lambda error, at: (
            f"The mail server at {at.server} has a certificate that can't be trusted: {error.verify_message}."
        ),
    ),
    (
        ssl.SSLError,
        lambda _, at: f"No secure connection to {at.server}. Port 465 goes with TLS, port 587 with STARTTLS.",
    ),
    (TimeoutError, lambda _, at: _no_answer(at)),
    (socket.gaierror, lambda _, at: f"There is no server named {at.server.host}."),
    (
        UnicodeError,
        lambda _, __: "The name of the server, the user or the password can't be sent as it is.",
    ),
    (
        Exception,
        lambda error, at: f"The mail server at {at.server} can't be reached: {_reason(error)}.",
    ),
)


def _reply(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {plain(error.smtp_error)}"


def plain(reply: str | bytes) -> str:
    """What a server said, on one line and not at length."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]
