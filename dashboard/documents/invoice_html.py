"""An invoice's pages as HTML. Everything is escaped; nothing is fetched."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape

from dashboard.documents.invoice_context import Logo, Party
from dashboard.documents.invoice_layout import Layout
from dashboard.documents.invoice_styles import STYLES, Style
from dashboard.documents.text_fit import fenced, runs, wrap

_CLOSE = "</body>\n</html>\n"
_HERE = Path(__file__).parent
_TEMPLATES = _HERE.parent / "templates" / "documents"
# What decides how the same texts come out.
_SOURCES = (
    *(_HERE / f"{name}.py" for name in ("invoice_html", "invoice_layout", "invoice_columns")),
    *(_HERE / f"{name}.py" for name in ("invoice_masthead", "invoice_styles", "text_fit", "pdf_renderer")),
)


def shown(text: str) -> Markup:
    """A line of text, escaped; pieces of different direction each in an element of its own."""
    if text.isascii() or len(pieces := runs(text)) < 2:
        return escape(text)
    return Markup("").join(Markup("<span>{}</span>").format(piece) for piece in pieces)


@cache
def _environment() -> Environment:
    """Of its own: the web's has helpers that need a request, and printing runs without one."""
    environment = Environment(
        loader=PackageLoader("dashboard", "templates/documents"),
        autoescape=select_autoescape(default=True, default_for_string=True, disabled_extensions=("css",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    return environment


@cache
def template(name: str) -> Template:
    return _environment().get_template(name)


@lru_cache(maxsize=4)
def _head(logo: str) -> tuple[str, str]:
    before, after = template("head.html").render(title="\0", logo=logo, styles=STYLES.values()).split("\0")
    return before, after


def pages(layout: Layout) -> str:
    """The pages of one invoice, without the frame of a document."""
    seller, style = layout.invoice.seller, layout.style
    foot, later = margins(seller, style)
    return template("invoice.html").render(
        word="INVOICE",
        invoice=layout.invoice,
        style=style,
        columns=layout.columns,
        taxes=layout.taxes,
        cjk=layout.cjk,
        pages=layout.pages,
        foot=foot,
        later_seller=later,
    )


def margins(seller: Party, style: Style) -> tuple[tuple[str, ...], str]:
    """What stands at the foot of every page, and who sends it at the head of later ones."""
    said = " · ".join(fenced(part) for part in (seller.name, *seller.reach) if part)
    later = wrap(seller.name, style.content // 2, style.small)
    return wrap(said, style.content - 160, style.label)[:3], later[0] if later else ""


@cache
def version() -> str:
    """Changes whenever the template or the layout does."""
    digest = hashlib.sha256()
    for path in (*_SOURCES, *sorted(_TEMPLATES.iterdir())):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def document(title: str, *sections: str, logo: Logo | None = None) -> str:
    """One document of the pages given. The logo stands in it once, however many pages show it."""
    before, after = _head(logo.uri if logo else "")
    return "".join([before, str(escape(title)), after, *sections, _CLOSE])
