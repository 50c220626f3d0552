"""Whatever a program writes as CSV is read back, cell by cell; whatever bytes come, nothing breaks."""

from __future__ import annotations

import csv
import gzip
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.operations.errors import Refused
from dashboard.operations.usage_files import Reading, blocks, faults_of, scan, sniff

# What a file of lines can hold: no NUL, and no kind of newline within a cell.
CELLS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029"), max_size=12
)
TABLES = st.integers(2, 6).flatmap(
    lambda width: st.lists(
        st.lists(CELLS, min_size=width, max_size=width).filter(lambda row: any(cell.strip() for cell in row)),
        min_size=1,
        max_size=30,
    )
)


@settings(deadline=None)
@given(
    table=TABLES,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    packed=st.booleans(),
    size=st.integers(1, 200),
)
def test_what_was_written_is_read(
    table: list[list[str]],
    delimiter: str,
    quoting: int,
    newline: str,
    encoding: str,
    packed: bool,
    size: int,
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=newline)  # type: ignore[arg-type]
    heading = [f"name {at}" for at in range(len(table[0]))]
    writer.writerows([heading, *table])
    content = out.getvalue().encode(encoding)
    if packed:
        content = gzip.compress(content)
    reading = Reading(
        delimiter=delimiter, width=len(heading), encoding={"utf-8-sig": "utf-8"}.get(encoding, encoding)
    )
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    found = list(blocks(pieces, reading))
    data = b"".join(block.data for block in found).decode()
    rows = list(csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, strict=True))
    assert [row[1:] for row in rows] == table
    assert [int(row[0]) for row in rows] == list(range(2, len(table) + 2))
    assert sum(block.rows for block in found) == len(table)
    assert not any(block.faults for block in found)


@settings(deadline=None, max_examples=300)
@given(content=st.binary(max_size=600), filename=st.text(max_size=10))
def test_any_bytes_are_told_or_refused(content: bytes, filename: str) -> None:
    try:
        guess = sniff(content, filename)
    except Refused as said:
        assert str(said).endswith(".")
        return
    scan(io.BytesIO(content), guess.reading)


LINES = st.lists(
    st.one_of(
        st.just("2026-11-02 10:00,4420,60"),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.sampled_from(
            ['"', '""', 'a,"b', 'a,"b",c', ",,", "a,b", "a,b,c,d", "", " ", "\x00,b,c", "x" * 70_000]
        ),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(lines=LINES, encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_every_line_is_a_row_or_a_fault_or_empty(lines: list[str], encoding: str) -> None:
    """COPY gets rows of the right width and nothing else; good rows get through whatever is around them."""
    reading = Reading(width=3, header=False, columns={"started_at": 0, "number": 1, "duration": 2})
    content = "\n".join(lines).encode()
    rows = 0
    for block in blocks(io.BytesIO(content), reading):
        text = block.data.decode()
        assert "\x00" not in text
        cells = list(csv.reader(io.StringIO(text, newline=""), strict=False))
        assert len(cells) == block.rows
        assert all(len(row) == 4 for row in cells)
        assert all(fault.line > 0 and fault.reason and len(fault.text) <= 2000 for fault in block.faults)
        rows += block.rows
    if '"' not in content.decode():
        assert rows >= lines.count("2026-11-02 10:00,4420,60")


@given(
    st.builds(
        Reading,
        format=st.text(max_size=5),
        delimiter=st.text(max_size=2),
        width=st.integers(-5, 500),
        columns=st.dictionaries(st.text(max_size=5), st.integers(-5, 500), max_size=5),
        date_order=st.sampled_from(["ymd", "dmy", "mdy", "epoch", ""]),
    )
)
def test_a_reading_is_kept_whole_or_refused(reading: Reading) -> None:
    if faults_of(reading):
        try:
            Reading.from_json(reading.to_json())
        except ValueError as said:
            assert str(said)
        else:
            raise AssertionError("a reading that can't be was taken")
    else:
        assert Reading.from_json(reading.to_json()) == reading
