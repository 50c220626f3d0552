"""Files that are wrong in every way: each is refused in words, or loaded with its bad rows listed. All of it
goes the way of an upload in the browser: kept, read as recognised, tried, loaded by the engine."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Document, UsageFault, UsageImport
from dashboard.operations import usage_imports, usage_load
from dashboard.operations.errors import Invalid, Refused
from tests.support.books import make_customer
from tests.support.calls import make_rule

FILES = Path(__file__).parent / "files"
HEADING = "unique_id,account_code,source,number,started_at,duration\n"

REFUSED = {
    "archive.tar.gz": "TAR archive",
    "archive.zip": "ZIP file",
    "blank-lines.csv": "The file is empty",
    "damaged.csv.gz": "damaged gzip file",
    "empty.csv": "The file is empty",
    "header-only.csv": "no rows under them",
    "nothing.gz": "damaged gzip file",
    "old-table.xls": "Excel file",
    "paper.pdf": "a PDF",
    "picture.png": "a picture",
    "prose.txt": "have no columns",
    "random.bin": "not a text file",
    "table.xlsx": "spreadsheet",
    "wrong-delimiter.csv": "separated otherwise than the 6 columns below",
}
# What only staff can say, or what nobody should load as it is.
ASKED = {
    "either-date.csv": "the file does not tell",
    "mixed-dates.csv": "with the day first in line 2, with the month first in line 3",
}
NO_DATE = "The start is not a date and time"
NO_SECONDS = "The duration is not a number of seconds"
WIDTH = "where 6 are expected"
# Calls that are loaded, and the lines that are not: number and reason.
LOADED: dict[str, tuple[int, list[tuple[int, str]]]] = {
    "backslashes.csv": (3, [(4, "The line has 1 column where 6 are expected.")]),
    "cut-short.csv.gz": (230, [(232, "the compressed file ends early")]),
    "day-first.csv": (2, []),
    "durations.csv": (
        3,
        [
            *((line, NO_SECONDS) for line in (3, 4, 5, 6)),
            (8, "longer than a month"),
            (9, NO_SECONDS),
        ],
    ),
    "emoji.csv": (2, []),
    "empty-rows.csv": (2, []),
    "excel.csv": (3, []),
    "far-dates.csv": (1, [(3, "before the year 2000"), (4, "in the future"), (5, "in the future")]),
    "formulas.csv": (2, [(3, NO_DATE), (4, NO_DATE)]),
    "header-again.csv": (2, []),
    "latin-1.csv": (2, []),
    "line-ends.csv": (4, []),
    "markup.csv": (1, [(3, NO_DATE)]),
    "mixed-widths.csv": (3, [(3, WIDTH), (4, WIDTH)]),
    "month-first.csv": (2, []),
    "no-such-day.csv": (1, [*((line, NO_DATE) for line in (3, 4, 5, 6)), (7, "no start of the call")]),
    "nul-bytes.csv": (2, [(3, "bytes that are no text")]),
    "numbers.csv": (3, [(3, "no number that was called"), (4, "longer than 40 characters")]),
    "only-faults.csv": (0, [(2, NO_SECONDS), (3, NO_DATE)]),
    "quote-over-lines.csv": (3, []),
    "same-ids.csv": (2, []),
    "two-delimiters.csv": (2, [(3, WIDTH)]),
    "two-encodings.csv": (3, []),
    "two-parts.csv.gz": (2, []),
    "unclosed-quote.csv": (3, [(3, "A quotation mark is not closed")]),
    "utf-16-no-mark.csv": (3, []),
    "utf-16.csv": (3, []),
    "utf-8-mark.csv": (3, []),
}

As = Callable[[str], Any]


@pytest.fixture
def clerk(app: Any, as_role: As) -> Any:
    customer = make_customer("Acorn Example")
    make_rule(customer, "caller", "442079460010")
    return as_role("clerk")


def kept(clerk: Any, name: str, content: bytes) -> UsageImport:
    return usage_imports.keep(clerk, name, io.BytesIO(content))


def loaded(clerk: Any, name: str, content: bytes) -> UsageImport:
    """As staff do it who take what is proposed."""
    made = kept(clerk, name, content)
    usage_imports.choose(clerk, made.id, usage_imports.reading_of(made))
    tried = usage_imports.preview(clerk, made)
    usage_load.load_file(clerk, made.id, usage_load.Silent())
    db.session.expire_all()
    assert tried.rows <= made.rows
    return made


def bad_rows(made: UsageImport) -> list[tuple[int, str]]:
    rows = db.session.scalars(
        select(UsageFault).where(UsageFault.usage_import_id == made.id).order_by(UsageFault.line)
    )
    return [(row.line, row.reason) for row in rows]


def test_every_file_has_its_answer() -> None:
    assert {path.name for path in FILES.iterdir()} == {*REFUSED, *ASKED, *LOADED}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_can_not_be_usage_is_refused_in_words(clerk: Any, name: str) -> None:
    with pytest.raises(Refused, match=REFUSED[name]):
        kept(clerk, name, (FILES / name).read_bytes())
    assert db.session.scalar(select(func.count(Document.id))) == 0


@pytest.mark.parametrize("name", sorted(ASKED))
def test_an_order_of_dates_that_is_not_told_is_asked_for(clerk: Any, name: str) -> None:
    made = kept(clerk, name, (FILES / name).read_bytes())
    with pytest.raises(Invalid) as said:
        usage_imports.choose(clerk, made.id, usage_imports.reading_of(made))
    assert ASKED[name] in said.value.errors["date_order"][0]


@pytest.mark.parametrize("name", sorted(LOADED))
def test_bad_rows_are_listed_and_never_stop_good_ones(clerk: Any, name: str) -> None:
    calls, bad = LOADED[name]
    made = loaded(clerk, name, (FILES / name).read_bytes())
    found = bad_rows(made)
    assert made.loaded == calls
    assert [line for line, _ in found] == [line for line, _ in bad]
    assert all(words in said for (_, said), (_, words) in zip(found, bad, strict=True))
    assert made.bad == len(bad)
    assert made.rows == made.loaded + made.bad + made.duplicates
    assert made.state == "done"


def test_a_line_of_ten_megabytes_is_one_bad_row(clerk: Any) -> None:
    row = "id-{},ACORN,442079460010,442079460123,2026-11-02T10:00:00Z,60\n"
    content = (HEADING + row.format(1) + "x" * 10_000_000 + "\n" + row.format(2)).encode()
    made = loaded(clerk, "long.csv", content)
    assert made.loaded == 2
    assert bad_rows(made) == [(3, "The line is longer than 64 kB.")]
    assert len(db.session.scalars(select(UsageFault.text)).one()) <= 2000


def test_a_file_that_unfolds_without_end_is_refused(clerk: Any) -> None:
    row = b"1,ACORN,442079460010,442079460123,2026-11-02T10:00:00Z,60\n"
    content = gzip.compress(HEADING.encode() + row * (80_000_000 // len(row)))
    made = kept(clerk, "bomb.csv.gz", content)
    with pytest.raises(Refused, match="unfolds to far more"):
        usage_imports.choose(clerk, made.id, usage_imports.reading_of(made))


def test_a_file_that_is_too_large_leaves_nothing(clerk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_imports, "MOST_BYTES", 1 << 20)
    row = b"1,ACORN,442079460010,442079460123,2026-11-02T10:00:00Z,60\n"
    with pytest.raises(Refused, match="larger than 1 MB"):
        kept(clerk, "large.csv", HEADING.encode() + row * 30_000)
    assert db.session.scalar(select(func.count(Document.id))) == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\calls\\nov.csv", "nov.csv"),
        ("\x00\x1b[2J.csv", "[2J.csv"),
        ("", "usage.csv"),
        ("é" * 300, "é" * 200),
    ],
)
def test_names_of_files_are_only_names(clerk: Any, name: str, shown: str) -> None:
    row = "1,ACORN,442079460010,442079460123,2026-11-02T10:00:00Z,60\n"
    assert kept(clerk, name, (HEADING + row).encode()).filename == shown
