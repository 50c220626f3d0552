"""What a file of usage is: told from its first part, with the reasons, or refused in words."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard.operations.errors import Refused
from dashboard.operations.usage_dates import order_of
from dashboard.operations.usage_headings import (
    calldate_columns,
    freeswitch_columns,
    named_columns,
    own_columns,
    settled_start,
)
from dashboard.operations.usage_reading import (
    DELIMITERS,
    ENCODINGS,
    FORMATS,
    MOST_COLUMNS,
    Reading,
    faults_of,
)
from dashboard.operations.usage_shapes import SHAPES
from dashboard.operations.usage_text import GZIP, LONGEST_LINE, BrokenOff, text_pieces, unpacked

HEAD_BYTES = 256 * 1024
SAMPLED = 200
# The first bytes of what people upload by mistake.
_NOT_TEXT = {
    b"PK\x03\x04": "This is a spreadsheet or ZIP file. Save it as CSV, or unpack it, and upload that.",
    b"PK\x05\x06": "This is an empty ZIP file.",
    b"\xd0\xcf\x11\xe0": "This is an Excel file. Save it as CSV and upload that.",
    b"%PDF": "This is a PDF. Usage is read from CSV files.",
    b"\x89PNG": "This is a picture. Usage is read from CSV files.",
    b"\xff\xd8\xff": "This is a picture. Usage is read from CSV files.",
    b"GIF8": "This is a picture. Usage is read from CSV files.",
    b"BZh": "This file is compressed with bzip2. Use gzip, or upload it unpacked.",
    b"\xfd7zXZ": "This file is compressed with xz. Use gzip, or upload it unpacked.",
    b"\x28\xb5\x2f\xfd": "This file is compressed with zstd. Use gzip, or upload it unpacked.",
    b"7z\xbc\xaf": "This is a 7-Zip file. Use gzip, or upload it unpacked.",
}
NO_TEXT = "This is not a text file that can be read. Save it as CSV UTF-8 and upload that."
# Formats whose unique ids are a switch's own.
_SWITCHES = {name for name in FORMATS if name not in ("own", "columns")}
_NUMBERLIKE = re.compile(r"\+?[\d\s./:,TZ-]*\d[\d\s./:,TZ-]*")


@dataclass(frozen=True)
class Guess:
    """A first reading and why. `names` are the headings, `rows` the first rows; `sure` says that nothing has
    to be chosen by hand, but for the order of the dates where that is empty."""

    reading: Reading
    why: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def sure(self) -> bool:
        return not faults_of(replace(self.reading, date_order=self.reading.date_order or "ymd"))


def sniff(
    head: bytes, filename: str, *, zone: str = "UTC", saved: Mapping[str, Mapping[str, object]] | None = None
) -> Guess:
    """Tell what the file is from its first bytes (HEAD_BYTES of them, or all). `saved` are readings kept by
    name, with the headings they are for. Raises Refused, in words, for what can't be usage."""
    text, encoding, why = _text(head, filename)
    lines = _lines(text)
    quote = "'" if sum(line.startswith("'") for line in lines) * 2 > len(lines) else '"'
    delimiter, rows = _rows(lines, quote, DELIMITERS)
    base = Reading(
        delimiter=delimiter,
        quote=quote,
        encoding=encoding,
        width=_width(rows),
        header=False,
        time_zone=zone,
    )
    return _recognised(base, rows, why, saved or {})


def reread(head: bytes, filename: str, chosen: Reading) -> Guess:
    """The first rows as they are under another delimiter, quote, encoding or heading chosen by hand. Columns
    that the file does not have then are no longer chosen."""
    text, _, why = _text(head, filename, chosen.encoding)
    _, rows = _rows(_lines(text), chosen.quote, (chosen.delimiter,))
    width = _width(rows)
    names = [cell.strip() for cell in rows[0]] if chosen.header else _unnamed(0, width)
    width = max(width, len(names)) if chosen.header else width
    columns = {name: at for name, at in chosen.columns.items() if at < width}
    reading = replace(chosen, width=width, columns=columns)
    shown = rows[1:] if chosen.header else rows
    return Guess(reading, (*why, "It is read as you chose."), tuple(names), _shown(shown))


def _lines(text: str) -> list[str]:
    lines = [line[:LONGEST_LINE] for line in text.split("\n") if line.strip()]
    if lines and re.fullmatch(r"sep=.?", lines[0].strip(), re.IGNORECASE):
        del lines[0]
    if not lines:
        raise Refused("The file is empty.")
    return lines[:SAMPLED]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many columns most rows have."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if width < 2:
        raise Refused(
            "The rows of this file have no columns: no comma, semicolon, tab or vertical bar separates them."
        )
    if width > MOST_COLUMNS:
        raise Refused(f"The rows of this file have {width:,} columns; usage has at most {MOST_COLUMNS}.")
    return width


def _text(head: bytes, filename: str, encoding: str = "") -> tuple[str, str, list[str]]:
    """The text of the head, its encoding, and what is to be said of it."""
    why = []
    if head.startswith(GZIP):
        why.append("It is compressed with gzip.")
    plain = b""
    try:
        for out, _ in unpacked(iter([head])):
            plain += out
            if len(plain) >= HEAD_BYTES:
                break
    except BrokenOff as fault:
        if not plain:
            raise Refused(f"{filename} is a damaged gzip file: nothing in it can be read.") from fault
    for start, words in _NOT_TEXT.items():
        if plain.startswith(start):
            raise Refused(words)
    if plain[257:262] == b"ustar":
        raise Refused("This is a TAR archive. Unpack it and upload the files in it.")
    encoding = encoding or _encoding(plain)
    if encoding != "utf-8":
        why.append(f"Its characters are {ENCODINGS[encoding]}.")
    text = b"".join(piece.data for piece in text_pieces([plain], encoding)).decode()
    _check_readable(text)
    # The head may end within a line.
    cut = len(plain) >= HEAD_BYTES and "\n" in text.rstrip("\n")
    return (text.rstrip("\n").rpartition("\n")[0] if cut else text), encoding, why


def _encoding(plain: bytes) -> str:
    if plain.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = plain[:4096]
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(zeros) > 8 and zeros.count(0) * 2 > len(zeros):
            return encoding
    lines = [line for line in plain.split(b"\n")[:-1] or [plain] if not line.isascii()]
    if not lines or any(_is_utf8(line) for line in lines):
        # Single lines that are not are read as Windows' own all the same.
        return "utf-8"
    return "cp1252"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_readable(text: str) -> None:
    odd = sum(sign < " " and sign not in "\t\n" for sign in text[:20_000])
    if odd * 20 > min(len(text), 20_000):
        raise Refused(NO_TEXT)


def _rows(lines: Sequence[str], quote: str, delimiters: Iterable[str]) -> tuple[str, list[list[str]]]:
    """The delimiter under which most rows are equally wide, and the rows cut by it."""
    best: tuple[int, int] = (0, 0)
    found = (",", [[line] for line in lines])
    for delimiter in delimiters:
        rows = [next(csv.reader([line], delimiter=delimiter, quotechar=quote), [""]) for line in lines]
        width, often = Counter(map(len, rows)).most_common(1)[0]
        if width > 1 and (often, width) > best:
            best, found = (often, width), (delimiter, rows)
    return found


def _recognised(
    base: Reading, rows: list[list[str]], why: list[str], saved: Mapping[str, Mapping[str, object]]
) -> Guess:
    first, rest = rows[0], rows[1:]
    names = [cell.strip() for cell in first]
    for name, kept in saved.items():
        if kept.get("names") == names:
            reading = _headed(_kept(kept, base), names, _kept(kept, base).columns, base.width, name)
            why.append(f"Its column names are those of the saved format {name}.")
            return _guess(reading, names, rest, why)
    for format_, words, columns in (
        ("own", "Its column names are those of our own CSV.", own_columns(names)),
        (
            "asterisk_calldate",
            "Its column names are those of Asterisk's table of calls.",
            calldate_columns(names),
        ),
        ("freeswitch", "Its column names are those of FreeSWITCH.", freeswitch_columns(names)),
    ):
        if columns:
            reading = _headed(base, names, columns, base.width, format_)
            return _guess(reading, names, rest, [*why, words])
    for shape in SHAPES:
        if sum(map(shape.fits, rows)) * 2 > len(rows):
            reading = replace(base, format=shape.format, columns=shape.columns(rows))
            names = [*shape.names[: base.width], *_unnamed(len(shape.names), base.width)]
            return _guess(reading, names, rows, [*why, shape.words])
    columns = settled_start(named_columns(names), rest)
    if len(columns) >= 2 or not any(_NUMBERLIKE.fullmatch(name) for name in names):
        why.append("It has column names." if columns else "Its first row looks like column names.")
        reading = _headed(base, names, columns, base.width, "columns")
        return _guess(reading, names, rest, why)
    why.append("It has no column names.")
    return _guess(base, _unnamed(0, base.width), rows, why)


def _headed(
    reading: Reading, names: Sequence[str], columns: Mapping[str, int], width: int, format_: str
) -> Reading:
    """The reading of a file with column names. Rows may end with more delimiters than the names, or with
    fewer; but names that are separated otherwise than the rows are no names."""
    if len(names) < 2:
        raise Refused(
            f"The column names in the first line are separated otherwise than the {width} columns below them."
        )
    width = min(width, len(names))
    return replace(
        reading,
        format=format_,
        header=True,
        width=width,
        columns={name: at for name, at in columns.items() if at < width},
    )


def _unnamed(first: int, width: int) -> list[str]:
    return [f"Column {at}" for at in range(first + 1, width + 1)]


def _kept(kept: Mapping[str, object], base: Reading) -> Reading:
    reading = kept.get("reading")
    if not isinstance(reading, Mapping):
        return base
    known = {name: value for name, value in reading.items() if name in Reading.__dataclass_fields__}
    return replace(Reading(**known), delimiter=base.delimiter, quote=base.quote, encoding=base.encoding)


def _guess(reading: Reading, names: Sequence[str], rows: list[list[str]], why: list[str]) -> Guess:
    if not rows:
        raise Refused("The file has column names but no rows under them.")
    column = reading.columns.get("started_at")
    numbers = [
        row[reading.columns[name]].strip()
        for name in ("duration", "billsec", "charge", "cost")
        if name in reading.columns
        for row in rows
        if reading.columns[name] < len(row)
    ]
    order = order_of(row[column] for row in rows if column < len(row)) if column is not None else ""
    reading = replace(
        reading,
        # What could as well be the other way round is left to the whole file.
        date_order=order,
        decimal_comma=any(re.fullmatch(r"-?\d+,\d+", number) for number in numbers)
        and not any("." in number for number in numbers),
        source=reading.source or (reading.format if reading.format in _SWITCHES else ""),
    )
    return Guess(reading, tuple(why), tuple(names), _shown(rows))


def _shown(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in rows[:20])
