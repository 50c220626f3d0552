"""An invoice's pages as HTML. Everything is escaped; nothing is fetched."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape

from dashboard.documents.invoice_layout import Layout
from dashboard.documents.text_fit import runs, wrap

_CLOSE = "</body>\n</html>\n"


def _shown(text: str) -> Markup:
    """A line of text, escaped; pieces of different direction each in an element of its own."""
    pieces = runs(text)
    if len(pieces) < 2:
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
    environment.filters["shown"] = _shown
    return environment


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _head() -> tuple[str, str]:
    before, after = _template("head.html").render(title="\0").split("\0")
    return before, after


def pages(layout: Layout) -> str:
    """The pages of one invoice, without the frame of a document."""
    seller, style = layout.invoice.seller, layout.style
    room = style.content - 160
    foot = wrap(" · ".join(part for part in (seller.name, *seller.reach) if part), room, style.label)
    later = wrap(seller.name, style.content // 2, style.small)
    return _template("invoice.html").render(
        invoice=layout.invoice,
        style=style,
        columns=layout.columns,
        taxes=layout.taxes,
        cjk=layout.cjk,
        pages=layout.pages,
        foot=foot[:3],
        later_seller=later[0] if later else "",
    )


def document(title: str, *sections: str) -> str:
    """One document of the pages given."""
    before, after = _head()
    return "".join([before, str(escape(title)), after, *sections, _CLOSE])
