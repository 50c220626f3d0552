"""The top of the first page: who sells, who buys, the dates and the amount due."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.documents.invoice_context import Logo, Party, PrintedInvoice
from dashboard.documents.invoice_styles import Style
from dashboard.documents.text_fit import Direction, direction, width, wrap

_GUTTER = 32
_SMALLEST = 9


@dataclass(frozen=True)
class TextLine:
    text: str
    # name, plain or quiet
    kind: str
    direction: Direction


@dataclass(frozen=True)
class Cell:
    label: str
    lines: tuple[str, ...]
    width: int


@dataclass(frozen=True)
class Masthead:
    """Offsets count from the top of the block; `height` is all of it with the space below."""

    height: int
    mark: tuple[str, ...]
    # Width and height of the logo that stands in its place.
    logo: tuple[int, int]
    mark_height: int
    half: int
    parties: tuple[tuple[str, tuple[TextLine, ...]], ...]
    parties_y: int
    band_y: int
    band_height: int
    cells: tuple[Cell, ...]
    due: tuple[str, str]
    due_size: int
    due_width: int


def masthead(invoice: PrintedInvoice, style: Style) -> Masthead:
    half = (style.content - _GUTTER) // 2
    mark = () if invoice.logo else wrap(invoice.seller.name, half, style.mark_size, bold=True)
    mark_height = max(style.mark_height, len(mark) * (style.mark_size * 5 // 4))
    parties = tuple(
        (label, lines)
        for label, party in (("From", invoice.seller), ("Bill to", invoice.buyer))
        if (lines := _party(party, half, style))
    )
    parties_y = mark_height + style.gap
    tallest = max((len(lines) for _, lines in parties), default=0)
    band_y = parties_y + style.small_lead + 6 + tallest * style.party_lead + style.gap * 2 // 3
    due_size, due_width = _due(invoice, style)
    cells = _cells(invoice, style, style.content - due_width - 2 * style.band_pad)
    most = max(len(cell.lines) for cell in cells)
    band_height = 2 * style.band_pad + style.small_lead + max(most, 1) * style.band_lead
    return Masthead(
        height=band_y + band_height + style.gap * 2 // 3,
        mark=mark,
        logo=_fitted(invoice.logo, half, style.mark_height),
        mark_height=mark_height,
        half=half,
        parties=parties,
        parties_y=parties_y,
        band_y=band_y,
        band_height=band_height,
        cells=cells,
        due=invoice.due,
        due_size=due_size,
        due_width=due_width,
    )


def _fitted(logo: Logo | None, width: int, height: int) -> tuple[int, int]:
    """As large as the picture is, at most as large as its place."""
    if logo is None:
        return (0, 0)
    fitted_width, fitted_height = min(width, logo.width), min(height, logo.height)
    if fitted_width * logo.height > fitted_height * logo.width:
        return (max(1, fitted_height * logo.width // logo.height), fitted_height)
    return (fitted_width, max(1, fitted_width * logo.height // logo.width))


def _party(party: Party, room: int, style: Style) -> tuple[TextLine, ...]:
    named = [("name", party.name), *(("plain", line) for line in party.lines)]
    quiet = [("quiet", text) for text in party.numbers]
    return tuple(
        TextLine(line, kind, direction(text))
        for kind, text in (*named, *quiet)
        for line in wrap(text, room, style.party_size, bold=kind == "name")
    )


def _due(invoice: PrintedInvoice, style: Style) -> tuple[int, int]:
    """Font size and width of the amount due: it takes at most half the band."""
    size = style.due_size
    most = style.content // 2
    while width(invoice.due[1], size, bold=True) > most and size > _SMALLEST:
        size -= 1
    return size, width(invoice.due[1], size, bold=True)


def _cells(invoice: PrintedInvoice, style: Style, room: int) -> tuple[Cell, ...]:
    """Dates as wide as they are; the last fact (a reference) gets what is left."""
    cells: list[Cell] = []
    for at, (label, text) in enumerate(invoice.facts):
        need = max(
            width(text, style.size, bold=True), width(label.upper(), style.label, bold=True) + len(label)
        )
        given = need + _GUTTER if at < 2 else room - sum(cell.width for cell in cells)
        lines = wrap(text, given - _GUTTER // 2, style.size, bold=True)
        cells.append(Cell(label, lines, given))
    return tuple(cells)
