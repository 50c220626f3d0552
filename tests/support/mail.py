"""A mail server on this machine that keeps what it is given."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller


@dataclass
class Mailbox:
    """`messages` in the order they came; `host` and `port` are where the server listens. Set `refuse` to an
    SMTP answer such as `550 no such mailbox` to have every message refused with it."""

    host: str = "127.0.0.1"
    port: int = 0
    refuse: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.messages.append(cast(EmailMessage, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


def start_mail_server() -> tuple[Mailbox, Controller]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    mailbox = Mailbox(port=port)
    controller = Controller(mailbox, hostname=mailbox.host, port=port)
    controller.start()
    return mailbox, controller
