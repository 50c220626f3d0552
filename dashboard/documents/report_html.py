"""A report as a mail shows it and as paper shows it. Everything is escaped; nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboard.documents.invoice_html import shown
from dashboard.documents.report_cells import Texts
from dashboard.documents.text_fit import width, wrap
from dashboard.rules.report_columns import ReportColumn

# A4 lying on its side, in the renderer's pixels.
PAGE_WIDTH, PAGE_HEIGHT = 1456, 1032
MARGIN = 56
ROOM = PAGE_WIDTH - 2 * MARGIN
# Where the table begins on the first page and on the others, and where it ends.
TOP, LATER_TOP, BOTTOM = 188, 104, PAGE_HEIGHT - 84
SIZES = (15, 14, 13, 12, 11, 10)
# Between columns, and above and below a row's text.
GAP, PAD = 18, 7
NARROWEST = 110


@dataclass(frozen=True)
class Sheet:
    """What a report says. `notes` stand under the table: what is left out, or that there is nothing."""

    title: str
    company: str
    period: str
    groups: str
    columns: Sequence[ReportColumn]
    rows: Texts
    totals: Texts
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class _Line:
    cells: list[tuple[str, ...]]
    height: int
    total: bool = False


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboard", "templates/reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    return environment


def mail_html(sheet: Sheet, body: str) -> str:
    """The whole page for a mail: the text above, the table below; styles stand on the elements alone."""
    paragraphs = [part.split("\n") for part in body.strip().split("\n\n")]
    return _environment().get_template("mail.html").render(sheet=sheet, paragraphs=paragraphs)


def pages_html(sheet: Sheet) -> str:
    """The pages for the PDF renderer: every line is broken here, and every page has the table's head."""
    size, widths = _fitted(sheet)
    lead = size * 4 // 3
    heads = [
        wrap(column.label, room - GAP, size, True) for column, room in zip(sheet.columns, widths, strict=True)
    ]
    head_height = max(len(head) for head in heads) * lead + 2 * PAD
    every = [_line(row, widths, size, lead) for row in sheet.rows]
    every += [_line(row, widths, size, lead, total=True) for row in sheet.totals]
    pages = list(_paged(every, head_height))
    return (
        _environment()
        .get_template("pages.html")
        .render(
            sheet=sheet,
            pages=pages,
            heads=heads,
            head_height=head_height,
            widths=widths,
            size=size,
            lead=lead,
            pad=PAD,
            gap=GAP,
            page={"width": PAGE_WIDTH, "height": PAGE_HEIGHT, "margin": MARGIN, "room": ROOM},
            tops=(TOP, LATER_TOP),
            title=wrap(sheet.title, ROOM - 420, 26, True)[:2],
        )
    )


def _line(row: Sequence[str], widths: Sequence[int], size: int, lead: int, *, total: bool = False) -> _Line:
    cells = [wrap(text, room - GAP, size, total) for text, room in zip(row, widths, strict=True)]
    return _Line(cells, max([1, *(len(cell) for cell in cells)]) * lead + 2 * PAD, total)


def _paged(lines: Sequence[_Line], head: int) -> Iterator[list[_Line]]:
    page: list[_Line] = []
    left = BOTTOM - TOP - head
    for line in lines:
        if page and line.height > left:
            yield page
            page, left = [], BOTTOM - LATER_TOP - head
        page.append(line)
        left -= line.height
    yield page


def _fitted(sheet: Sheet) -> tuple[int, list[int]]:
    """The largest type in which figures need no break, and how wide each column is then."""
    size, widths = SIZES[-1], []
    for size in SIZES:
        wanted = [_wanted(sheet, n, size) for n in range(len(sheet.columns))]
        least = [
            min(want, NARROWEST) if _may_wrap(column) else want
            for want, column in zip(wanted, sheet.columns, strict=True)
        ]
        widths = _shared(least, wanted)
        if sum(least) <= ROOM:
            break
    return size, widths


def _may_wrap(column: ReportColumn) -> bool:
    return column.kind in ("text", "week")


def _wanted(sheet: Sheet, at: int, size: int) -> int:
    """The widest text of a column; its head may be broken at its blanks."""
    column = sheet.columns[at]
    words = max(width(word, size, True) for word in column.label.split())
    if _may_wrap(column):
        words = width(column.label, size, True)
    texts = {row[at] for row in sheet.rows}
    sums = {row[at] for row in sheet.totals}
    return GAP + max(
        [words, *(width(text, size) for text in texts), *(width(text, size, True) for text in sums)]
    )


def _shared(least: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """What is left of the page goes to the columns that want more; what nobody wants is shared by all."""
    left = ROOM - sum(least)
    if left <= 0:
        # Nothing fits: each gets its part, and figures are broken too.
        return [ROOM * one // sum(least) for one in least]
    more = [want - have for want, have in zip(wanted, least, strict=True)]
    total = sum(more)
    if total >= left:
        return [have + left * one // total for have, one in zip(least, more, strict=True)]
    spare = (left - total) // len(least)
    return [want + spare for want in wanted]
