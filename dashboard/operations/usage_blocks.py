"""A usage file as blocks that PostgreSQL's COPY takes as they are.

Each row gets its line number as a first column and keeps its own columns untouched. What would stop the COPY
(another number of columns, an open quotation mark, bytes that are no text) is left out and reported.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import add

from dashboard.operations.usage_reading import Reading
from dashboard.operations.usage_text import LONGEST_LINE, Piece, Stream, text_pieces

# A quoted text may run over so many lines; an open quotation mark spoils no more than its own line.
MOST_JOINED = 20
FAULT_TEXT = 2000


@dataclass(frozen=True)
class Fault:
    """A line that can't be read: its number as an editor counts, why, what it says."""

    line: int
    reason: str
    text: str = ""


@dataclass
class Block:
    """`data` is for `COPY stage FROM STDIN (FORMAT csv, DELIMITER d)`: the line number, then the file's
    columns. An empty column that is not quoted arrives as NULL. `read` counts the file's bytes so far."""

    data: bytes = b""
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)
    read: int = 0


def blocks(stream: Stream, reading: Reading) -> Iterator[Block]:
    """The file in blocks of about one MiB. Raises Refused where a compressed file unfolds without end."""
    reader = _Reader(reading)
    for piece in text_pieces(stream, reading.encoding):
        yield reader.take(piece)
    last = reader.end()
    if last.rows or last.faults:
        yield last


class _Reader:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.delimiter = reading.delimiter.encode()
        self.quote = reading.quote.encode()
        self.line = 0
        self.read = 0
        self.held: list[bytes] = []
        self.begun = False
        self.heading: bytes | None = None

    def take(self, piece: Piece) -> Block:
        block = Block(read=piece.read)
        self.read = piece.read
        lines = piece.data.split(b"\n")
        lines.pop()
        if not self.begun:
            lines = self._skip_heading(lines)
        if self.held:
            lines = [*self.held, *lines]
            self.held = []
        if lines:
            self._lines(lines, block)
        if piece.broken:
            self._flush(block)
            block.faults.append(Fault(self.line + 1, piece.broken))
        return block

    def end(self) -> Block:
        block = Block(read=self.read)
        self._flush(block)
        return block

    def _skip_heading(self, lines: list[bytes]) -> list[bytes]:
        """Without empty lines, Excel's `sep=` and the column names at the top."""
        for at, line in enumerate(lines):
            bare = line.strip()
            if not bare or (len(bare) <= 5 and bare.lower().startswith(b"sep=")):
                continue
            self.begun = True
            if self.reading.header:
                self.heading = line
                at += 1
            self.line = at
            return lines[at:]
        self.line += len(lines)
        return []

    def _lines(self, lines: list[bytes], block: Block) -> None:
        counts = self._delimiters(lines)
        if counts is None:
            self._untidy(lines, block, last=False)
            return
        need = self.reading.width - 1
        numbers = range(self.line + 1, self.line + len(lines) + 1)
        self.line += len(lines)
        heads = map((b"%d" + self.delimiter).__mod__, numbers)
        if counts.count(need) == len(lines) and self._plain(lines):
            block.data = b"\n".join(map(add, heads, lines)) + b"\n"
            block.rows = len(lines)
            return
        made = []
        for number, head, line, count in zip(numbers, heads, lines, counts, strict=True):
            if not line:
                continue
            if count == need and self._plain([line]):
                made.append(head + line + b"\n")
            elif row := self._row(number, line, block):
                made.append(row)
        block.data = b"".join(made)
        block.rows = len(made)

    def _delimiters(self, lines: list[bytes]) -> list[int] | None:
        """How many delimiters each line has outside quotation marks. None where a quoted text runs over the
        end of a line, or where the file's quotation marks are not PostgreSQL's."""
        text = b"\n".join(lines)
        if self.quote != b'"' and (self.quote in text or b'"' in text):
            return None
        outside = lines
        if b'"' in text:
            parts = text.split(b'"')
            outside = b"".join(parts[::2]).split(b"\n")
            if len(parts) % 2 == 0 or len(outside) != len(lines):
                return None
        delimiter = self.delimiter
        return [line.count(delimiter) for line in outside]

    def _plain(self, lines: list[bytes]) -> bool:
        """Whether all lines can go as they are, given that their columns are right in number."""
        if max(map(len, lines)) > LONGEST_LINE or any(b"\0" in line for line in lines):
            return False
        if self.heading is not None and self.heading in lines:
            return False
        return self.reading.width > 1 and not any(
            line[:1] == self.delimiter and _bare(line) for line in lines
        )

    def _untidy(self, lines: list[bytes], block: Block, *, last: bool) -> None:
        """Line by line: those with an open quotation mark are joined with what follows, where that makes a
        row of the right width; else the line is reported alone."""
        made = []
        at = 0
        while at < len(lines):
            taken = 1
            if lines[at].count(self.quote) % 2:
                found = self._joined(lines, at)
                if found is None and not last and len(lines) - at < MOST_JOINED:
                    self.held = lines[at:]
                    break
                taken = found or 0
            number = self.line + 1
            if taken:
                row = self._row(number, b"\n".join(lines[at : at + taken]), block)
                if row:
                    made.append(row)
            else:
                taken = 1
                self._fault(block, number, "A quotation mark is not closed in this line.", lines[at])
            self.line += taken
            at += taken
        block.data += b"".join(made)
        block.rows += len(made)

    def _joined(self, lines: list[bytes], at: int) -> int | None:
        """How many lines the row that begins here takes; None where no number of them makes a row."""
        for end in range(at + 1, min(len(lines), at + MOST_JOINED)):
            if lines[end].count(self.quote) % 2:
                joined = b"\n".join(lines[at : end + 1])
                if len(joined) <= LONGEST_LINE and len(self._cells(joined)) == self.reading.width:
                    return end + 1 - at
                return 0
        return None

    def _flush(self, block: Block) -> None:
        held, self.held = self.held, []
        if held:
            self._untidy(held, block, last=True)

    def _row(self, number: int, line: bytes, block: Block) -> bytes:
        """The row written anew, where it has the right columns; nothing where it is empty or at fault."""
        if not line.strip() or line == self.heading:
            return b""
        if len(line) > LONGEST_LINE:
            self._fault(block, number, f"The line is longer than {LONGEST_LINE // 1024} kB.", line)
            return b""
        if b"\0" in line:
            self._fault(block, number, "The line holds bytes that are no text.", line)
            return b""
        cells = self._cells(line)
        width, found = self.reading.width, len(cells)
        if not any(cell.strip() for cell in cells):
            return b""
        extra = any(cell.strip() for cell in cells[width:]) and not self.reading.loose
        if found < self.reading.least_width or extra:
            words = f"The line has {found} columns where {width} are expected."
            self._fault(block, number, words.replace("1 columns", "1 column") if found == 1 else words, line)
            return b""
        return self._written(number, cells[:width] + [""] * (width - found))

    def _cells(self, line: bytes) -> list[str]:
        text = io.StringIO(line.decode(), newline="")
        return next(csv.reader(text, delimiter=self.reading.delimiter, quotechar=self.reading.quote), [])

    def _written(self, number: int, cells: list[str]) -> bytes:
        out = io.StringIO()
        # A row stays on one line: within COPY's data some lines would mean something.
        flat = [cell.replace("\n", " ") for cell in cells]
        csv.writer(out, delimiter=self.reading.delimiter, lineterminator="\n").writerow([number, *flat])
        return out.getvalue().encode()

    def _fault(self, block: Block, number: int, reason: str, line: bytes) -> None:
        text = line[: 4 * FAULT_TEXT].decode("utf-8", "replace").replace("\0", "\N{SYMBOL FOR NULL}")
        block.faults.append(Fault(number, reason, text[:FAULT_TEXT]))


def _bare(line: bytes) -> bool:
    return not line.strip(b',;\t|" ')
