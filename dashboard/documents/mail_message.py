"""A mail as the server is handed it: text always, the same as HTML beside it, and files."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

# Whatever way the server goes on: nothing but seven bits, in lines of no great length.
POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class Attached:
    filename: str
    media_type: str
    content: bytes


def compose(
    sender: str,
    to: str | Sequence[str],
    subject: str,
    body: str,
    *,
    sender_name: str = "",
    html: str | None = None,
    attachments: Sequence[Attached] = (),
    known_as: str | None = None,
) -> EmailMessage:
    """A mail ready to be handed over; a text alone where neither `html` nor files are given.

    ValueError where an address is none; line ends never reach a header.
    """
    message = EmailMessage(policy=POLICY)
    message["From"] = _address(sender, sender_name)
    message["To"] = tuple(_address(one) for one in ([to] if isinstance(to, str) else to))
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = known_as or message_id(sender)
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for one in attachments:
        kind, _, subtype = one.media_type.partition("/")
        message.add_attachment(
            one.content, maintype=kind, subtype=subtype or "octet-stream", filename=_file_name(one.filename)
        )
    return message


def message_id(sender: str | None) -> str:
    """A new one, fixed when a mail is filed: whoever gets the mail twice can tell that it is the same."""
    domain = _plain_domain((sender or "").rpartition("@")[2])
    return make_msgid(domain=domain if 0 < len(domain) <= 100 else "localhost")


def envelope_address(spec: str) -> str:
    """The address as the server is told it: a domain in other letters by its plain name."""
    local, _, domain = spec.strip().rpartition("@")
    return f"{local}@{_plain_domain(domain) or domain}"


def _address(spec: str, name: str = "") -> Address:
    local, at, domain = spec.strip().rpartition("@")
    if not local or not at or any(sign in spec for sign in "\r\n\0"):
        raise ValueError("This is not an e-mail address.")
    return Address(" ".join(name.split()), local, _plain_domain(domain) or domain)


def _plain_domain(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ""


def _file_name(name: str) -> str:
    plain = "".join(sign if sign.isprintable() and sign not in '/\\"' else "_" for sign in name)
    return plain.strip(" .") or "file"


_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]")


def html_of(text: str) -> str:
    """The text as a page: paragraphs where it has empty lines, links where it names addresses."""
    paragraphs = re.split(r"\n[ \t]*\n", text.strip("\n"))
    made = "\n".join(f"<p>{_lines(paragraph)}</p>" for paragraph in paragraphs)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"></head>\n'
        '<body style="font-family: Arial, Helvetica, sans-serif; font-size: 15px; line-height: 1.5">\n'
        f"{made}\n</body>\n</html>\n"
    )


def _lines(paragraph: str) -> str:
    made: list[str] = []
    at = 0
    for link in _LINK.finditer(paragraph):
        address = markup.escape(link.group())
        made.append(markup.escape(paragraph[at : link.start()]))
        made.append(f'<a href="{address}">{address}</a>')
        at = link.end()
    made.append(markup.escape(paragraph[at:]))
    return "".join(made).replace("\n", "<br>\n")
