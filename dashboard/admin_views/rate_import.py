"""Upload of a card's rates: from when they hold, and what they would change, then all or nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import request

from dashboard.admin_views.import_pages import ImportPages, mapping_asked
from dashboard.operations import checks, rate_import
from dashboard.operations.csv_file import Table
from dashboard.operations.rate_columns import DECIMALS, guess_decimal
from dashboard.operations.rate_import import Choice, Plan
from dashboard.operations.rates import start_of
from dashboard.queries import settings

WHOLE = {
    "no": "Only changes: what the file does not name stays",
    "yes": "The whole card: what the file does not name is withdrawn",
}


class RateImport(ImportPages):
    """Mixed into RateCardView. The card's key stands in the URL too."""

    upload = rate_import.UPLOAD
    import_templates = "rate_import"
    import_name = "rates"
    import_faults_shown = 200

    def import_about(self) -> dict[str, Any]:
        card = self._view.asked()
        return {
            "crumbs": self._view.crumbs_of(card, "Import"),
            "home": self._view.href(card.id),
            "of": {"id": card.id},
            "card": card,
        }

    def import_sent(self, name: str) -> dict[str, str]:
        return {"file": _file_name(name)}

    def import_options(self, table: Table, mapping: dict[int, str]) -> dict[str, Any]:
        return {
            "decimals": DECIMALS,
            "decimal": request.args.get("decimal") or guess_decimal(table.rows, mapping),
            "whole_choices": WHOLE,
            "whole": request.args.get("whole", "no"),
            "from_day": request.args.get("from_day") or settings.today().isoformat(),
            "from_time": request.args.get("from_time", ""),
            "file": request.args.get("file", ""),
        }

    def import_reading(self) -> Choice:
        day: dt.date = checks.day(required=True)(request.args.get("from_day", ""))
        return Choice(
            mapping=mapping_asked() or {},
            start=start_of(day, request.args.get("from_time", "")),
            whole=request.args.get("whole") == "yes",
            comma=request.args.get("decimal") == "comma",
        )

    def import_plan(self, about: dict[str, Any], table: Table, reading: Choice) -> Plan:
        return rate_import.plan(self._view.actor, about["card"].id, table, reading)

    def import_preview(self, table: Table, reading: Choice, found: Plan) -> dict[str, Any]:
        return {
            "kinds": rate_import.KINDS,
            "change_of": rate_import.change_of,
            "clash": rate_import.clash_words(found.clashes) if found.clashes else "",
            "start": settings.local(reading.start),
            "choice": reading,
        }

    def import_run(self, about: dict[str, Any], token: str, reading: Choice) -> str:
        seen = request.form.get("seen", "")
        done = rate_import.run(
            self._view.actor_of(None),
            about["card"].id,
            token,
            reading,
            source=_file_name(request.args.get("file", "")),
            seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else None,
        )
        start = settings.local(done.valid_from)
        said = (
            "1 rate was imported and holds"
            if done.rates == 1
            else f"{done.rates:,} rates were imported and hold"
        )
        return f"{said} from {start:%Y-%m-%d %H:%M}."


def _file_name(name: str) -> str:
    """What the revision is called by: the file's own name, readable."""
    own = name.replace("\\", "/").rpartition("/")[2]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in own).split())[:100]
