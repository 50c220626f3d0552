"""The Breakout report for a period as it is sent: its rows, its file, what its mail says.

The live preview and a run put it together here alike, so that what staff see is what goes out.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from dashboard.documents import report_cells, report_html, xlsx
from dashboard.documents.pdf_renderer import PdfFailed, PdfUnavailable, render
from dashboard.documents.report_html import Sheet
from dashboard.models import Schedule
from dashboard.operations import mail_texts
from dashboard.operations.errors import Refused
from dashboard.queries import report_rows, settings
from dashboard.queries.breakout import DIMENSIONS, Ask
from dashboard.rules.periods import Period
from dashboard.rules.report_columns import ReportColumn, laid_out

MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "html": "text/html",
}
# What a sheet holds below its head, what a PDF is made of in good time, what a mail shows of a long report.
MOST_XLSX = 1_048_575
MOST_PDF = 5_000
MOST_HTML = 500
PDF_SECONDS = 240
NOTHING = "There is no usage in this period."


@dataclass(frozen=True)
class BreakoutReport:
    """What a schedule asks for, for one period."""

    name: str
    period: Period
    ask: Ask
    columns: tuple[ReportColumn, ...]
    format: str

    @classmethod
    def of(cls, schedule: Schedule, period: Period) -> BreakoutReport:
        ask = Ask(
            period.start,
            period.last,
            tuple(schedule.groups),
            customers=tuple(schedule.customer_ids),
            providers=tuple(schedule.provider_ids),
        )
        columns = laid_out(schedule.groups, schedule.columns)
        return cls(schedule.name, period, ask, columns, schedule.format)

    @property
    def heads(self) -> list[str]:
        return [column.label for column in self.columns]

    @property
    def groups(self) -> str:
        return ", then ".join(DIMENSIONS[name].label for name in self.ask.groups)

    @cached_property
    def count(self) -> int:
        return report_rows.count(self.ask, self.columns)

    @property
    def file_format(self) -> str:
        """A report that is too long for a mail comes with the whole of it as CSV."""
        return "csv" if self.format == "html" and self.count > MOST_HTML else self.format

    @property
    def file_name(self) -> str:
        """Plain letters of the schedule's name, and the days."""
        words = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in self.name.lower())
        slug = "-".join(word for word in words.split("-") if word)[:60].rstrip("-")
        days = f"{self.period.start}-to-{self.period.last}"
        if self.period.last == self.period.start:
            days = str(self.period.start)
        return f"{slug or 'report'}-{days}.{self.file_format}"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.file_format]

    def mail_text(self) -> tuple[str, str]:
        """Subject and body, by Setup > E-mail texts."""
        said = {
            "name": self.name,
            "start": self.period.start.isoformat(),
            "end": self.period.last.isoformat(),
            "groups": self.groups,
            "rows": self.count,
            "empty": not self.count,
        }
        return mail_texts.render("report", {"report": said})

    def sheet(self, most: int) -> Sheet:
        """The first so many rows and the sums of all, as texts."""
        rows = list(report_rows.rows(self.ask, self.columns, most))
        totals = report_rows.totals(self.ask, self.columns)
        shown, sums = report_cells.texts(self.columns, rows, totals)
        notes: list[str] = [] if self.count else [NOTHING]
        if self.count > len(rows):
            notes.append(f"These are the first {len(rows):,} of {self.count:,} rows; the totals are of all.")
        return Sheet(
            self.name,
            settings.current().company_name,
            str(self.period),
            self.groups,
            self.columns,
            shown,
            sums,
            notes,
        )

    def html(self, body: str) -> str:
        """The page that a mail shows."""
        return report_html.mail_html(self.sheet(MOST_HTML), body)

    def plain(self) -> str:
        """The rows for those who read mail as plain text."""
        sheet = self.sheet(MOST_HTML)
        table = report_cells.plain_table(self.heads, [*sheet.rows, *sheet.totals], self.columns)
        return "\n\n".join([*([table] if sheet.rows else []), *sheet.notes])

    def chunks(self) -> Iterator[bytes]:
        """The file. Refused where its format can't hold so many rows."""
        most = {"xlsx": MOST_XLSX, "pdf": MOST_PDF}.get(self.file_format)
        if most is not None and self.count > most:
            name = "an XLSX" if self.file_format == "xlsx" else "a PDF"
            raise Refused(
                f"The report has {self.count:,} rows, and {name} holds {most:,}. Choose CSV for this"
                " schedule, or fewer groups."
            )
        if self.file_format == "csv":
            return report_rows.csv_chunks(self.ask, self.columns)
        if self.file_format == "xlsx":
            return _pieces(self._workbook())
        if self.file_format == "pdf":
            return _pieces(io.BytesIO(self._pdf()))
        return iter([self.html(self.mail_text()[1]).encode()])

    def _workbook(self) -> BinaryIO:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed once it has been read
        xlsx.write(file, "Breakout", self.heads, self._sheet_rows())
        return file

    def _sheet_rows(self) -> Iterable[Any]:
        return report_rows.rows(self.ask, self.columns)

    def _pdf(self) -> bytes:
        try:
            return render(report_html.pages_html(self.sheet(MOST_PDF)), PDF_SECONDS, landscape=True)
        except PdfUnavailable as error:
            raise Refused(
                "The PDF can't be made because wkhtmltopdf is not installed on this server. Ask your"
                " administrator to install it, or choose another format."
            ) from error
        except PdfFailed as error:
            raise Refused(
                "The PDF could not be made in its time. Retry it, or choose XLSX or CSV for this schedule."
            ) from error


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(65_536):
            yield piece
