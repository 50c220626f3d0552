"""An invoice by a template of the account's own: its HTML, made in the sandbox, with everything that could
reach out of the page taken away."""

from __future__ import annotations

import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path

from dashboard.documents import sandbox
from dashboard.documents.invoice_context import PrintedInvoice
from dashboard.documents.sandbox import Compiled, Limits, TemplateFault
from dashboard.documents.template_data import NAMES, variables
from dashboard.documents.template_helpers import HELPERS, Paper, paper
from dashboard.documents.text_fit import cjk_font
from dashboard.models import Invoice, Setting
from dashboard.models.customer import INVOICE_TEMPLATES

# An invoice of ten thousand lines takes a tenth of it.
LIMITS = Limits(source=100_000, output=40_000_000, work=2_000_000, seconds=10)
_HERE = Path(__file__).parent
_STOCK = _HERE.parent / "templates" / "invoice_templates"
# Elements that fetch, run, or send the page somewhere else, and the one way to do it in a style sheet.
_OUTSIDE = re.compile(
    r"<(/?(?:script|iframe|frame|frameset|object|embed|applet|base|link|meta|video|audio|source|form|portal))"
    r"(?=[\s/>]|$)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"""(?:\b(?:src|srcset|href|xlink:href|background|poster|data|action)\s*=\s*["']?\s*|url\(\s*["']?\s*)"""
    r"(?:[a-z][a-z0-9+.-]*:)?//|@import\b|\bfile:",
    re.IGNORECASE,
)
# The last word: whatever a page holds, nothing but pictures inside it is loaded.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="{0}"><meta http-equiv="X-WebKit-CSP" content="{0}">'
).format("default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:")
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_CHARSET = re.compile(r"""<meta\s+charset\s*=\s*["']?utf-?8["']?\s*/?>""", re.IGNORECASE)


def stock_source(name: str) -> str:
    """The HTML that a copy of a stock template begins with, and that `Reset` brings back."""
    known = name if name in INVOICE_TEMPLATES else "standard"
    return (_STOCK / f"{known}.html").read_text("utf-8")


@lru_cache(maxsize=64)
def _compiled(html: str) -> Compiled:
    return sandbox.compile(html, NAMES, html=True, helpers=HELPERS, limits=LIMITS)


def page_html(html: str, invoice: Invoice, setting: Setting, printed: PrintedInvoice) -> str:
    """The whole document, ready for the renderer. Raises TemplateFault."""
    template = _compiled(html)
    data = variables(invoice, setting, script=cjk_font(printed.texts()).lower())
    token = paper.set(Paper(printed, invoice.currency, data["lines"]))
    try:
        made = sandbox.render(template, data, LIMITS)
    finally:
        paper.reset(token)
    return closed(made)


def closed(made: str) -> str:
    """The page with a policy at its head; elements that reach outside are renamed and do nothing."""
    inert = _OUTSIDE.sub(r"<x-\1", _CHARSET.sub("", made)).replace("<x-/", "</x-")
    head = f'<meta charset="utf-8">{_POLICY}'
    if _HEAD.search(inert):
        return _HEAD.sub(lambda found: found.group() + head, inert, count=1)
    return head + inert


def check_source(html: str) -> None:
    """Refuse what would have no effect, where it stands. Raises TemplateFault."""
    for number, line in enumerate(html.splitlines(), start=1):
        found = _OUTSIDE.search(_CHARSET.sub("", line))
        if found:
            name = found.group(1).lstrip("/").lower()
            raise TemplateFault(number, f"<{name}> can't be used: an invoice fetches and runs nothing.")
        if _ADDRESS.search(line):
            raise TemplateFault(
                number,
                "An address outside the page can't be used: nothing is fetched."
                ' The logo is there as <img src="{{ account.logo }}">.',
            )
    _compiled(html)


def digest(html: str) -> str:
    """Names the template's content and the program that prints by it, for the key of a PDF."""
    return hashlib.sha256(f"{_version()}\n{html}".encode()).hexdigest()


@cache
def _version() -> str:
    found = hashlib.sha256()
    for path in sorted([*_HERE.glob("template_*.py"), *_HERE.glob("sandbox*.py"), Path(__file__)]):
        found.update(path.read_bytes())
    return found.hexdigest()
