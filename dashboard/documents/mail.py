"""Handing mails to an SMTP server, and saying in words what it answered when it would not."""

from __future__ import annotations

import re
import select
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType

from dashboard.documents.mail_faults import MailServer, NoAnswer, NotSent, TooBig, not_sent, plain
from dashboard.documents.mail_message import POLICY, compose, envelope_address

__all__ = ["Connection", "MailServer", "NotSent", "Receipt", "compose", "send"]

# Seconds for each answer of the server, and for one mail in all.
PATIENCE = 10
LONGEST = 120


@dataclass(frozen=True)
class Receipt:
    """The server took the mail: its words, and by address what it said of those it would not have."""

    reply: str
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)


def send(server: MailServer, message: EmailMessage) -> Receipt:
    """Hand one mail over. Raises NotSent with the reason."""
    with Connection(server) as connection:
        to = [str(one.addr_spec) for one in message["To"].addresses]
        return connection.hand_over(server.sender, to, message)


class Connection:
    """Signed in at the server, for as many mails as there are. Entering it raises NotSent."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Connection:
        with _words(self.server):
            self._smtp = _connected(self.server)
            try:
                with _no_longer_than(self._smtp, LONGEST):
                    self._sign_in(self._smtp)
            except BaseException:
                self._smtp.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException), _no_longer_than(self._smtp, PATIENCE):
                self._smtp.quit()
            self._smtp.close()

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo()
        if self.server.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if self.server.user:
            smtp.login(self.server.user, self.server.password or "")

    def hand_over(self, sender: str, to: Sequence[str], message: EmailMessage) -> Receipt:
        """Give the server the mail for all of `to`. Raises NotSent where nobody gets it, and after that the
        connection may be good for another mail: `is_alive` tells."""
        assert self._smtp is not None
        with _words(self.server), _no_longer_than(self._smtp, LONGEST):
            return _handed_over(self._smtp, sender, to, message)

    def is_alive(self) -> bool:
        """Whether the server still listens, with nothing of an earlier mail in its mind."""
        assert self._smtp is not None
        try:
            with _no_longer_than(self._smtp, PATIENCE):
                return self._smtp.rset()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False


def _handed_over(smtp: smtplib.SMTP, sender: str, to: Sequence[str], message: EmailMessage) -> Receipt:
    foreign = not (sender + "".join(to)).isascii()
    sender, envelope = envelope_address(sender), {one: envelope_address(one) for one in to}
    options: list[str] = []
    if foreign and not (sender + "".join(envelope.values())).isascii():
        if not smtp.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError("SMTPUTF8")
        options.append("SMTPUTF8")
    content = message.as_bytes(policy=POLICY.clone(utf8=bool(options)))
    _check_size(smtp, content)
    code, reply = smtp.mail(sender, options)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, reply, sender)
    refused: dict[str, tuple[int, str]] = {}
    for one, spec in envelope.items():
        code, reply = smtp.rcpt(spec)
        if code == 421:
            raise smtplib.SMTPResponseException(code, reply)
        if code not in (250, 251):
            refused[one] = (code, plain(reply))
    if len(refused) == len(envelope):
        raise smtplib.SMTPRecipientsRefused(refused)  # type: ignore[arg-type]
    return Receipt(_content(smtp, content), refused)


def _check_size(smtp: smtplib.SMTP, content: bytes) -> None:
    most = smtp.esmtp_features.get("size", "").strip()
    if most.isdigit() and 0 < int(most) < len(content):
        raise TooBig(
            f"The mail has {len(content) // 1000:,} kB. The mail server takes"
            f" {int(most) // 1000:,} kB at most."
        )


def _content(smtp: smtplib.SMTP, content: bytes) -> str:
    """Send what the mail says. Until its very last line is out, the server can't have taken it."""
    code, reply = smtp.docmd("data")
    if code != 354:
        raise smtplib.SMTPDataError(code, reply)
    smtp.send(re.sub(rb"(?m)^\.", b"..", content.rstrip(b"\r\n") + b"\r\n"))
    if smtp.sock is not None and select.select([smtp.sock], [], [], 0)[0]:
        # It has something to say before its turn, or is gone.
        raise smtplib.SMTPDataError(*smtp.getreply())
    smtp.send(b".\r\n")
    try:
        code, reply = smtp.getreply()
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise NoAnswer from error
    if code != 250:
        raise smtplib.SMTPDataError(code, reply)
    return f"{code} {plain(reply)}"


def _connected(server: MailServer) -> smtplib.SMTP:
    host, port = server.address
    if server.security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=PATIENCE)


@contextmanager
def _no_longer_than(smtp: smtplib.SMTP, seconds: int) -> Iterator[None]:
    """A server that says a little again and again must not keep us for ever: its line is cut."""

    def cut() -> None:
        if smtp.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _words(server: MailServer) -> Iterator[None]:
    """Whatever goes wrong, as NotSent."""
    try:
        yield
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise not_sent(error, server, PATIENCE) from error
