"""Pages of a statement of account, laid out as invoices are: every line broken and dealt out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.documents.invoice_context import PrintedInvoice, logo_of, party_of
from dashboard.documents.invoice_layout import Flow, Page, deal_text
from dashboard.documents.invoice_masthead import masthead
from dashboard.documents.invoice_styles import STYLES, Style
from dashboard.documents.snapshot import snapshot_of
from dashboard.documents.text_fit import CjkFont, cjk_font, width, wrap
from dashboard.models import Setting
from dashboard.models.statement import Entry, Statement
from dashboard.rules.money import format_money

GUTTER = 22
SMALLEST = 8
BUCKETS = {
    "not_due": "Not due",
    "days_1_30": "1–30 days",
    "days_31_60": "31–60 days",
    "days_61_90": "61–90 days",
    "days_over_90": "Over 90 days",
    "credit": "Credit",
}


@dataclass(frozen=True)
class Grid:
    """The columns of a table: headings, widths, and which hold figures."""

    headings: tuple[str, ...]
    widths: tuple[int, ...]
    numeric: tuple[bool, ...]
    size: int


@dataclass(frozen=True)
class GridRow:
    cells: tuple[tuple[str, ...], ...]
    # The class that it prints with: `name` for strong, `quiet`, or none.
    kind: str
    height: int


@dataclass(frozen=True)
class StatementLayout:
    paper: PrintedInvoice
    style: Style
    grids: dict[str, Grid]
    period: str
    cjk: CjkFont
    pages: tuple[Page, ...]


def lay_out(found: Statement, setting: Setting) -> StatementLayout:
    paper = _paper(found, setting)
    style = STYLES.get(paper.template, STYLES["standard"])
    grids: dict[str, Grid] = {}
    flow = Flow(style)
    top = masthead(paper, style)
    flow.add("masthead", top.height, top)
    entries = [("", "Opening balance", "", "", found.opening, "name"), *map(_entry, found.entries)]
    entries.append(("", "Closing balance", "", "", found.closing, "name"))
    _table(flow, grids, "entries", ("Date", "", "Invoiced", "Paid", "Balance"), _figures(entries, found))
    if found.open:
        _open_invoices(flow, grids, found)
    deal_text(flow, "Payment details", paper.payment_details)
    texts = paper.texts() + "\n".join(one.text + one.note for one in found.entries)
    return StatementLayout(
        paper, style, grids, f"{found.first} to {found.last}", cjk_font(texts), tuple(flow.pages)
    )


def _paper(found: Statement, setting: Setting) -> PrintedInvoice:
    """The head of a statement, as that of an invoice."""
    said = snapshot_of(found.customer, setting)
    owed = found.closing >= 0
    return PrintedInvoice(
        number="",
        state="issued",
        template=said["template"],
        seller=party_of(said["seller"]),
        buyer=party_of(said["buyer"]),
        facts=(("From", found.first.isoformat()), ("To", found.last.isoformat())),
        due=("Balance" if owed else "In your favour", _money(abs(found.closing), found, code=True)),
        lines=(),
        taxes=(),
        totals=(),
        remark="",
        payment_details=said["payment_details"] if owed else "",
        notes="",
        logo=logo_of(bytes(setting.logo)) if setting.logo else None,
    )


Row = tuple[str, str, Decimal | str | None, Decimal | str | None, Decimal | str, str]


def _entry(one: Entry) -> Row:
    text = f"{one.text} · {one.note}" if one.note else one.text
    if one.kind == "allocation":
        return (one.day.isoformat(), text, "", "", "", "quiet")
    return (one.day.isoformat(), text, one.charged, one.paid, one.balance, "")


def _figures(rows: Sequence[Row], found: Statement) -> list[tuple[tuple[str, ...], str]]:
    def shown(amount: Decimal | str | None) -> str:
        return _money(amount, found) if isinstance(amount, Decimal) else amount or ""

    return [((day, text, *map(shown, figures)), kind) for day, text, *figures, kind in rows]  # type: ignore[arg-type]


def _money(amount: Decimal, found: Statement, *, code: bool = False) -> str:
    return format_money(amount, found.currency, code=code)


def _open_invoices(flow: Flow, grids: dict[str, Grid], found: Statement) -> None:
    rows = [
        (
            (
                one.due.isoformat(),
                f"Invoice {one.number} of {one.issued}",
                f"{one.days_late:,}" if one.days_late else "",
                _money(one.total, found),
                _money(one.open, found),
            ),
            "",
        )
        for one in found.open
    ]
    if found.more_open:
        rows.append((("", f"and {found.more_open:,} more", "", "", ""), "quiet"))
    rows.append((("", "Open invoices", "", "", _money(found.owed, found)), "name"))
    if found.charges:
        rows.append((("", "Charges to the account", "", "", _money(found.charges, found)), ""))
    if found.unused:
        rows.append((("", "Payments not used yet", "", "", _money(-found.unused, found)), ""))
    if found.charges or found.unused:
        rows.append((("", "Balance", "", "", _money(found.closing, found)), "name"))
    _heading(flow, "Open invoices")
    _table(flow, grids, "open", ("Due", "", "Days late", "Total", "Open"), rows)
    columns = {name: amount for name, amount in found.ageing.columns.items() if name != "credit" or amount}
    _heading(flow, "How late they are")
    ages = tuple(_money(amount, found) for amount in columns.values())
    _even_table(flow, grids, tuple(BUCKETS[name] for name in columns), ages)


def _heading(flow: Flow, text: str) -> None:
    """Never without the head of its table and a row or two below it."""
    style = flow.style
    height = style.gap + style.head
    if flow.room < height + style.head + 3 * (2 * style.pad + style.lead):
        flow.turn()
        height = style.head
    flow.add("heading", height, {"text": text, "drop": height - style.head})


def _table(
    flow: Flow,
    grids: dict[str, Grid],
    kind: str,
    headings: tuple[str, ...],
    rows: Sequence[tuple[tuple[str, ...], str]],
) -> None:
    style = flow.style
    grid = _grid(headings, [cells for cells, _ in rows], style)
    grids[kind] = grid
    for cells, how in rows:
        lines = tuple(
            wrap(cell, grid.widths[at] - GUTTER, style.size, bold=how == "name") or ("",)
            if at == 1
            else (cell,)
            for at, cell in enumerate(cells)
        )
        height = 2 * style.pad + max(map(len, lines)) * style.lead
        flow.add_row(kind, height, GridRow(lines, how, height))


def _grid(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], style: Style) -> Grid:
    """The text gets what is left, and the figures become smaller where that is too little."""
    for size in range(style.size, SMALLEST - 1, -1):
        widths = [
            max(
                width(heading.upper(), style.label, bold=True) + len(heading),
                *(width(cells[at], size, bold=True) for cells in rows),
            )
            + GUTTER
            for at, heading in enumerate(headings)
        ]
        widths[1] = style.content - sum(widths) + widths[1]
        if widths[1] * 100 >= style.content * 30:
            break
    return Grid(headings, tuple(widths), (False, False, True, True, True), size)


def _even_table(
    flow: Flow, grids: dict[str, Grid], headings: tuple[str, ...], figures: tuple[str, ...]
) -> None:
    style = flow.style
    share = style.content // len(headings)
    size = style.size
    while size > SMALLEST and max(width(text, size, bold=True) for text in figures) > share - 8:
        size -= 1
    grids["ageing"] = Grid(headings, (share,) * len(headings), (True,) * len(headings), size)
    height = 2 * style.pad + style.lead
    flow.add_row("ageing", height, GridRow(tuple((text,) for text in figures), "", height))
