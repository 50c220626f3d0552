"""The explanation of an invoice line: its days, their calls, the arithmetic of each call."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.admin_views.guard import needs
from dashboard.admin_views.usage import call_href
from dashboard.models import InvoiceItem
from dashboard.models.billing import CHARGE_KINDS
from dashboard.models.invoice import LINE_KINDS
from dashboard.models.usage import RATINGS, RESULTS
from dashboard.operations.errors import Missing
from dashboard.queries import explain, explain_free, explain_packages, list_export, settings
from dashboard.queries.list_keyset import Cursor, read_token
from dashboard.rules.money import EXACT, places_of

# Kinds of lines that follow from something else; a line written by hand explains itself.
EXPLAINED = ("usage", "late_usage", "package", "setup", "minimum_spend", "free_minutes")


ZERO = Decimal(0)


class InvoiceExplain:
    """Mixed into InvoiceView."""

    @expose("/<id>/explain/<line>")
    @needs("usage.read")
    def explain_view(self, id: str, line: str) -> ResponseReturnValue:
        view: Any = self
        item = self._line(id, line)
        invoice = item.invoice
        days = explain.days(item.id)
        total = days[-1].after if days else Decimal(0)
        return view.render(  # type: ignore[no-any-return]
            "admin/explain/line.html",
            invoice=invoice,
            item=item,
            kind=LINE_KINDS[item.kind],
            days=days,
            places=places_of([amount for one in days for amount in (one.charge, one.after)]),
            total=total,
            exact=total == EXACT.multiply(item.quantity, item.unit_price),
            rounded=explain.rounded(item),
            is_usage=item.kind in explain.USAGE_KINDS,
            charges=explain_packages.charges(item),
            charge_kinds=CHARGE_KINDS,
            free=explain_packages.free_minutes(item),
            used=explain_free.used_calls(item, _number(request.args.get("from", ""))),
            call_href=call_href,
            zone=ZoneInfo(zone_of(item)),
            crumbs=view.crumbs_of(invoice, "Explain"),
        )

    @expose("/<id>/explain/<line>/calls")
    @needs("usage.read")
    def explain_calls_view(self, id: str, line: str) -> ResponseReturnValue:
        """The calls of one day, a page at a time."""
        view: Any = self
        item = self._line(id, line)
        day = next((one for one in explain.days(item.id) if str(one.day) == request.args.get("day")), None)
        if day is None:
            raise Missing("day")
        found = explain.calls(item, day, _place(request.args.get("after", "")))
        shown = list(found.running())
        return view.render(  # type: ignore[no-any-return]
            "admin/explain/_calls.html",
            item=item,
            invoice=item.invoice,
            day=day,
            calls=shown,
            zero=ZERO,
            places=places_of([amount for row, total in shown for amount in (row.charge or ZERO, total)]),
            before=found.before,
            zone=ZoneInfo(zone_of(item)),
            results=RESULTS,
            first_href=url_for(".explain_calls_view", id=id, line=line, day=day.day)
            if request.args.get("after")
            else "",
            next_href=url_for(
                ".explain_calls_view", id=id, line=line, day=day.day, after=Cursor(*found.next, 0).token()
            )
            if found.next
            else "",
            call_href=lambda row: url_for(
                ".explain_call_view", id=id, line=line, call=row.id, at=row.started_at.isoformat()
            ),
        )

    @expose("/<id>/explain/<line>/call")
    @needs("usage.read")
    def explain_call_view(self, id: str, line: str) -> ResponseReturnValue:
        """How one call's charge was worked out."""
        view: Any = self
        item = self._line(id, line)
        found = explain.arithmetic(item, view.key_of(request.args.get("call")), _moment())
        if found is None:
            raise Missing("call")
        return view.render(  # type: ignore[no-any-return]
            "admin/explain/_call.html",
            found=found,
            record=found.record,
            zero=ZERO,
            invoice=item.invoice,
            ratings=RATINGS,
            results=RESULTS,
            may_rates=view.may("rate.read"),
            rate_card_href=lambda key: url_for("rate_card.details_view", id=key),
        )

    @expose("/<id>/explain/<line>/calls.csv")
    @needs("usage.read")
    def explain_file_view(self, id: str, line: str) -> ResponseReturnValue:
        item = self._line(id, line)
        chunks = list_export.statement_chunks(explain.calls_file(item))
        name = f"{item.invoice.number or f'draft-{item.invoice_id}'}-line-{item.position}-calls.csv"
        return download(chunks, _plain_name(name), "text/csv")

    def _line(self, id: str, line: str) -> InvoiceItem:
        view: Any = self
        item = explain.line_of(view.key_of(id), view.key_of(line))
        if item is None:
            raise Missing("line")
        return item


def zone_of(item: InvoiceItem) -> str:
    return item.invoice.customer.time_zone or settings.current().time_zone


def _plain_name(name: str) -> str:
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-._") else "-" for sign in name)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _place(token: str) -> tuple[dt.datetime, int] | None:
    """The call to go on after; a place that is none is the beginning."""
    cursor = read_token(token) if token else None
    if cursor is None or not isinstance(cursor.value, dt.datetime) or cursor.value.tzinfo is None:
        return None
    return cursor.value, cursor.key


def _moment() -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(request.args.get("at", ""))
    except ValueError:
        raise Missing("call") from None
    if found.tzinfo is None or not 1970 <= found.year <= 2999:
        raise Missing("call")
    return found
