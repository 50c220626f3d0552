"""Usage to report on, schedules that report it, and what was sent, opened again."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import select

from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import Customer, Document, Mail, Provider, Schedule, ScheduleRun
from dashboard.operations import schedules
from dashboard.operations.base import SYSTEM
from dashboard.queries.breakout import Ask, Node, tree
from dashboard.rules.periods import Period, period_of
from tests.support.books import make_customer
from tests.support.runs import move_to, runs, tick, work
from tests.support.usage_rows import make_provider, put_call

OCTOBER = period_of("monthly", dt.date(2025, 10, 1))
NOON = dt.datetime(2025, 10, 14, 12, tzinfo=dt.UTC)
TO = "reports@retail.example"


def put_usage() -> tuple[Customer, Customer, Provider]:
    """Two customers in two currencies, by a provider in a third, by one in their own, and by none."""
    acorn, birch = make_customer("=Acorn <b>Example</b>"), make_customer("Birch Sample", currency="JPY")
    carrier, local = make_provider("Example Carrier", "EUR"), make_provider("Local Carrier", "USD")
    put_call(acorn, NOON, charge="1.25", cost="0.5", provider=carrier)
    put_call(acorn, NOON, charge="1234.5678", cost="0.25", provider=local, seconds="3725")
    put_call(acorn, NOON, charge="0.75", destination="=2+2 Land")
    put_call(acorn, NOON, result="busy", destination="=2+2 Land")
    put_call(birch, NOON, charge="120", destination="Île de Ré")
    # The days before and after are none of the month's.
    put_call(acorn, NOON - dt.timedelta(days=14), charge="99")
    put_call(birch, NOON + dt.timedelta(days=18), charge="7")
    db.session.commit()
    return acorn, birch, carrier


def make_schedule(**values: Any) -> Schedule:
    given = {
        "name": "Usage by customer",
        "produces": "report",
        "frequency": "monthly",
        "emails": [TO],
        "groups": ["customer", "destination"],
        "hour": 6,
        "delay_hours": 0,
        **values,
    }
    return schedules.create(SYSTEM, given)


def run_for(schedule: Schedule, period: Period = OCTOBER) -> ScheduleRun:
    """The run of that period alone, come due and carried out here and now."""
    found = schedules.new_run(schedule, schedules.rule_of(schedule).slot(period), period)
    db.session.add(found)
    db.session.commit()
    tick()
    work()
    return next(run for run in runs(schedule) if run.id == found.id)


def due_now(schedule: Schedule) -> None:
    """Its slot came a moment ago."""
    move_to(schedule, schedules.database_now().replace(microsecond=0) - dt.timedelta(seconds=5))


def mails_of(run: ScheduleRun) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.schedule_run_id == run.id).order_by(Mail.id)))


def content(run: ScheduleRun) -> bytes:
    document = db.session.get_one(Document, run.document_id)
    return b"".join(store.open_stream(document))


def of_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def of_xlsx(data: bytes) -> list[list[str]]:
    """The cells of its one sheet, empty ones included; no cell may be a formula."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert sheet.find(f".//{_SHEET}f") is None
    made: list[list[str]] = []
    for row in sheet.iter(f"{_SHEET}row"):
        cells = {_column(str(cell.get("r"))): "".join(cell.itertext()) for cell in row}
        wide = len(made[0]) if made else max(cells) + 1
        made.append([cells.get(at, "") for at in range(wide)])
    return made


def _column(place: str) -> int:
    letters = re.sub("[0-9]", "", place)
    return ord(letters) - ord("A") if len(letters) == 1 else 26


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def of_html(page: str) -> list[list[str]]:
    """The rows of its table, head and totals included."""
    table = _Table()
    table.feed(page)
    return table.rows


def leaves(groups: tuple[str, ...], period: Period = OCTOBER, **more: Any) -> list[tuple[list[str], Node]]:
    """Every leaf of the Breakout page for these days: its labels from the top, and its figures."""
    ask = Ask(period.start, period.last, groups, **more)
    opened: set[str] = set()
    while True:
        found = tree(Ask(ask.first, ask.last, groups, opened=frozenset(opened), **more))
        new = {node.path.token() for node in found.rows if node.openable and node.path} - opened
        if not new:
            break
        opened |= new
    above: list[str] = []
    made = []
    for node in found.rows:
        above = [*above[: node.level], node.label]
        if not node.openable:
            made.append((above, node))
    return made


def figures(node: Node) -> dict[str, str]:
    """The figures of a row of the page as plain texts, by the heads of a file."""
    of = node.figures
    found = {
        "Customer Charge": of.charge,
        "Customer Currency": node.currency,
        "Provider Charge": node.cost,
        "Provider Currency": node.cost_currency,
        "ASR": of.asr,
        "ACD": of.acd,
        "Duration": of.duration,
        "Attempts": of.attempts,
        "Connected": of.connected,
        "Profit": of.profit,
        "Profit Percent": of.profit_percent,
    }
    return {head: plain_text(value) for head, value in found.items()}


def plain_text(value: Any) -> str:
    """A number however it was written, one way."""
    if value is None or value == "":
        return ""
    try:
        number = Decimal(value)
    except ArithmeticError:
        return str(value)
    return f"{number.normalize():f}" if number else "0"


def lines(rows: list[list[str]]) -> list[dict[str, str]]:
    """The lines below the head, by its words."""
    heads, *rest = rows
    return [{head: plain_text(value) for head, value in zip(heads, row, strict=True)} for row in rest]
