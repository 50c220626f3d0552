"""Reports > Breakout: usage by customer, provider, destination and time, opened level by level."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from dashboard.admin_views import lookups
from dashboard.admin_views.answers import download, wants_fragment
from dashboard.admin_views.breakout_state import PRESETS, Report, address, read, resolved
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.documents import xlsx
from dashboard.operations.errors import Refused
from dashboard.queries import breakout, breakout_file, settings
from dashboard.queries.breakout import DIMENSIONS, Node
from dashboard.rules.money import format_price, places_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADS = (
    ("charge", "Customer Charge", "end"),
    ("", "Currency", ""),
    ("cost", "Provider Charge", "end"),
    ("", "Provider Currency", ""),
    ("asr", "ASR", "end"),
    ("acd", "ACD", "end"),
    ("duration", "Duration", "end"),
    ("attempts", "Attempts", "end"),
    ("connected", "Connected", "end"),
    ("profit", "Profit", "end"),
    ("profit_percent", "Profit Percent", "end"),
)


class BreakoutView(GuardedView):
    icon = "breakout"
    menu_right = "report.read"

    def __init__(self) -> None:
        super().__init__(name="Breakout", endpoint="breakout")

    @expose("/")
    @needs("report.read")
    def index_view(self) -> ResponseReturnValue:
        today = settings.today()
        report = read(MultiDict(request.args), today)
        tree = breakout.tree(report.ask) if not report.problems else breakout.Tree()
        here = url_for(".index_view")
        context = {
            "report": report,
            "tree": tree,
            "heads": _heads(report, here),
            "money": _money(tree),
            "toggle": lambda node: here + address(report, turned=node.path.token()),
            "anchor": _anchor,
            "csv_href": url_for(".csv_view") + address(report) if self.may("export") else "",
            "xlsx_href": url_for(".xlsx_view") + address(report) if self.may("export") else "",
            "dimensions": DIMENSIONS,
            "schedule_href": self._schedule_href(report),
        }
        if wants_fragment():
            return self.render("admin/breakout/_tree.html", **context)
        return self.render(
            "admin/breakout/index.html",
            **context,
            presets=[(name, label, *resolved(name, today)) for name, label in PRESETS.items()],
            chosen={
                name: [(key, lookups.label_of(name, key) or f"#{key}") for key in keys]
                for name, keys in (("customer", report.ask.customers), ("provider", report.ask.providers))
            },
            crumbs=[{"label": "Breakout", "href": ""}],
        )

    @expose("/csv")
    @needs("export")
    def csv_view(self) -> ResponseReturnValue:
        report = self._whole()
        return download(breakout_file.csv_chunks(report.ask), f"{_name(report)}.csv", "text/csv")

    @expose("/xlsx")
    @needs("export")
    def xlsx_view(self) -> ResponseReturnValue:
        report = self._whole()
        if breakout_file.count(report.ask, xlsx.MOST_ROWS) > xlsx.MOST_ROWS:
            raise Refused(
                f"This is more than {xlsx.MOST_ROWS:,} rows. Take the CSV, or fewer groups or days."
            )
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed once it has been sent
        xlsx.write(file, "Breakout", breakout_file.columns(report.ask), breakout_file.rows(report.ask))
        return download(_pieces(file), f"{_name(report)}.xlsx", XLSX)

    def _schedule_href(self, report: Report) -> str:
        """The form of a Schedule Report with what is on screen."""
        if report.problems or not self.may("schedule.write"):
            return ""
        return url_for("schedule.create_view") + address(report)

    def _whole(self) -> Report:
        report = read(MultiDict(request.args), settings.today())
        if report.problems:
            raise Refused(" ".join(report.problems.values()))
        return report


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(65_536):
            yield piece


def _name(report: Report) -> str:
    return f"breakout-{report.ask.first}-to-{report.ask.last}"


def _heads(report: Report, here: str) -> list[dict[str, str]]:
    """The columns with their links; a figure is first sorted from its highest, a second click turns round."""
    current = report.ask.sort
    first = DIMENSIONS[report.ask.groups[0]].label
    found = []
    for name, label, css in (("label", first, ""), *HEADS):
        usual, turned = (name, f"-{name}") if name == "label" else (f"-{name}", name)
        active = bool(name) and current.removeprefix("-") == name
        found.append(
            {
                "label": label,
                "css": css,
                "href": here + address(report, sort=turned if current == usual else usual) if name else "",
                "sorted": ("descending" if current.startswith("-") else "ascending") if active else "",
            }
        )
    return found


def _money(tree: breakout.Tree) -> Callable[[Any, str], str]:
    """Writes amounts with as many decimals as the longest of their currency, so that rows add up in sight."""
    places: dict[str, int] = {}
    for node in (*tree.rows, *tree.totals):
        places[node.currency] = max(places.get(node.currency, 0), places_of([node.figures.charge]))
        places[node.cost_currency] = max(places.get(node.cost_currency, 0), places_of([node.cost]))
    return lambda amount, currency: format_price(amount, currency, places=places.get(currency, 0))


def _anchor(node: Node) -> str:
    """A name for a row's button that stays the same when the table is read again: focus returns to it."""
    token = node.path.token() if node.path is not None else node.label
    return "row-" + hashlib.sha256(token.encode()).hexdigest()[:12]
