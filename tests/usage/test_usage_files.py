"""What a file is taken for, and its rows as COPY gets them."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dashboard.operations.errors import Refused
from dashboard.operations.usage_dates import order_of
from dashboard.operations.usage_files import Guess, Reading, blocks, faults_of, scan, sniff
from dashboard.operations.usage_sample import sample
from dashboard.operations.usage_sniff import reread
from dashboard.operations.usage_text import PIECE, text_pieces

MASTER = (
    '"acorn","442079460010","442079460123","from-office","""Ann"" <442079460010>","PJSIP/desk-0000001a",'
    '"PJSIP/carrier-0000001b","Dial","PJSIP/442079460123@carrier,60,rT","2026-11-02 10:00:00",'
    '"2026-11-02 10:00:05","2026-11-02 10:01:05",65,60,"ANSWERED","DOCUMENTATION","1793613600.7"\n'
)
SWITCH = (
    '"Ann","442079460010","442079460123","default","2026-11-02 10:00:00","2026-11-02 10:00:05",'
    '"2026-11-02 10:01:05","65","60","NORMAL_CLEARING","0b7b3f2e-5b0e-4b0a-9c53-3f5b7d9a1c11","","acorn",'
    '"PCMA","PCMA"\n'
)
CALLDATE = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,"
    "accountcode,uniqueid,userfield\n"
    '2026-11-02 10:00:00,"""A"" <442079460010>",442079460010,442079460123,x,PJSIP/a-1,PJSIP/b-1,Dial,"x,60",'
    "65,60,ANSWERED,3,acorn,1793613600.7,\n"
)


def told(text: str | bytes, **more: object) -> Guess:
    return sniff(text if isinstance(text, bytes) else text.encode(), "calls.csv", **more)  # type: ignore[arg-type]


def rows(content: bytes, reading: Reading) -> list[list[str]]:
    """As PostgreSQL reads them."""
    data = b"".join(block.data for block in blocks(io.BytesIO(content), reading))
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=reading.delimiter, strict=True))


# What a file is


def test_our_own_csv() -> None:
    guess = told(sample())
    assert guess.reading.format == "own"
    assert guess.sure
    assert guess.reading.date_order == "ymd"
    # Nobody's switch in particular; Asterisk's ids are Asterisk's.
    assert guess.reading.source == ""
    assert told(MASTER * 3).reading.source == "asterisk"
    assert list(guess.reading.columns) == list(guess.names)
    assert guess.why == ("Its column names are those of our own CSV.",)


def test_asterisk_without_column_names() -> None:
    guess = told(MASTER * 3)
    reading = guess.reading
    assert (reading.format, reading.header, reading.width) == ("asterisk", False, 17)
    assert [reading.columns[name] for name in ("account_code", "number", "started_at", "billsec")] == [
        0,
        2,
        9,
        13,
    ]
    assert reading.columns["unique_id"] == 16
    assert guess.sure


def test_asterisk_that_writes_no_unique_id() -> None:
    guess = told(MASTER.replace(',"1793613600.7"', "") * 3)
    assert guess.reading.format == "asterisk"
    assert guess.reading.width == 16
    assert "unique_id" not in guess.reading.columns
    # A user field stands in the same place; it is no id.
    assert "unique_id" not in told(MASTER.replace("1793613600.7", "paid") * 3).reading.columns


def test_asterisk_with_one_calldate() -> None:
    reading = told(CALLDATE).reading
    assert (reading.format, reading.header) == ("asterisk_calldate", True)
    assert reading.columns["started_at"] == 0
    assert reading.columns["unique_id"] == 14


def test_freeswitch() -> None:
    guess = told(SWITCH * 2)
    assert guess.reading.format == "freeswitch"
    assert guess.reading.columns["unique_id"] == 10
    assert guess.reading.columns["result"] == 9
    assert guess.sure


def test_another_csv_by_its_headings() -> None:
    guess = told(
        "Date;Account;From;To;Seconds\n02.11.2026 10:00;ACORN;4420;4421;60\n23.11.2026 10:00;A;1;2;3\n"
    )
    assert guess.reading.format == "columns"
    assert guess.reading.delimiter == ";"
    assert dict(guess.reading.columns) == {
        "started_at": 0,
        "account_code": 1,
        "source": 2,
        "number": 3,
        "duration": 4,
    }
    assert guess.reading.date_order == "dmy"


def test_another_csv_without_headings_is_asked_for() -> None:
    guess = told("2026-11-02 10:00,4420,60\n2026-11-02 11:00,4421,61\n")
    assert not guess.reading.header
    assert not guess.sure
    assert guess.names == ("Column 1", "Column 2", "Column 3")
    assert len(guess.rows) == 2


def test_a_saved_format_is_known_by_its_headings() -> None:
    kept = Reading(
        width=3,
        columns={"started_at": 0, "number": 1, "billsec": 2},
        time_zone="Europe/Madrid",
        source="north",
    )
    saved = {"North switch": {"reading": kept.to_json(), "names": ["When", "Whom", "How long"]}}
    guess = told("When;Whom;How long\n2026-11-02 10:00;4420;60\n", saved=saved)
    assert guess.reading.format == "North switch"
    assert guess.reading.delimiter == ";"
    assert guess.reading.time_zone == "Europe/Madrid"
    assert guess.reading.source == "north"
    assert guess.sure


def test_decimal_comma() -> None:
    text = "started_at;number;duration;charge\n2026-11-02 10:00;4420;60;0,35\n"
    assert told(text).reading.decimal_comma
    assert not told(text.replace("0,35", "0.35")).reading.decimal_comma


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(encoding: str, packed: bool) -> None:
    content = "started_at,number,duration,account_code\n2026-11-02 10:00,4420,60,CAFÉ\n".encode(encoding)
    if packed:
        content = gzip.compress(content)
    guess = told(content)
    assert guess.rows[0][3] == "CAFÉ"
    assert rows(content, guess.reading) == [["2", "2026-11-02 10:00", "4420", "60", "CAFÉ"]]


def test_read_again_as_chosen() -> None:
    content = b"2026-11-02 10:00|4420,60\n2026-11-02 10:01|4421,61\n"
    guess = reread(content, "calls.csv", Reading(delimiter="|", header=False, columns={"number": 5}))
    assert guess.rows[0] == ("2026-11-02 10:00", "4420,60")
    assert (guess.reading.width, dict(guess.reading.columns)) == (2, {})
    with pytest.raises(Refused, match="no columns"):
        reread(content, "calls.csv", Reading(delimiter=";", header=False))


def test_a_reading_comes_back_as_it_was_kept() -> None:
    reading = told(sample()).reading
    assert Reading.from_json(reading.to_json()) == reading
    with pytest.raises(ValueError, match="that the file does not have"):
        Reading.from_json({**reading.to_json(), "columns": {"number": 99}})


def test_what_is_missing_is_named() -> None:
    said = faults_of(Reading(width=3, columns={"number": 0, "source": 0}, date_order=""))
    assert any("when the call started" in text for text in said)
    assert any("one thing only" in text for text in said)
    assert any("does not tell" in text for text in said)


# Dates


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["2026-11-02 10:00:00"], "ymd"),
        (["20261102 100000"], "ymd"),
        (["02-Nov-2026 10:00"], "ymd"),
        (["1793613600", "1793613601.250"], "epoch"),
        (["1793613600123"], "epoch"),
        (["02/11/2026", "13/11/2026"], "dmy"),
        (["11/02/2026", "11/13/2026"], "mdy"),
        (["2.11.26 10:00", "31.10.26 10:00"], "dmy"),
        (["02/11/2026", "03/11/2026"], ""),
        (["25/11/2026", "11/25/2026"], ""),
        (["soon", ""], ""),
    ],
)
def test_the_order_of_dates(values: list[str], order: str) -> None:
    assert order_of(values) == order


def test_the_last_line_of_a_long_file_can_tell() -> None:
    line = "{},02/11/2026 10:00,4420,60\n"
    content = "".join(line.format(at) for at in range(50_000)) + "x,13/11/2026 10:00,4420,60\n"
    reading = Reading(
        width=4, header=False, columns={"started_at": 1, "number": 2, "duration": 3}, date_order=""
    )
    facts = scan(io.BytesIO(content.encode()), reading)
    assert (facts.rows, facts.date_order) == (50_001, "dmy")
    facts = scan(io.BytesIO(content.encode() + b"y,11/14/2026 10:00,4420,60\n"), reading)
    assert facts.date_order is None
    assert "line 50,001" in facts.conflict
    assert "line 50,002" in facts.conflict


# Rows for COPY


OWN = Reading(width=3, header=False, columns={"started_at": 0, "number": 1, "duration": 2})


def test_plain_rows_go_as_they_are() -> None:
    [block] = blocks(io.BytesIO(b"a,b,c\nd,,f\n"), OWN)
    assert block.data == b"1,a,b,c\n2,d,,f\n"
    assert (block.rows, block.faults, block.read) == (2, [], 11)


def test_line_numbers_are_those_of_an_editor() -> None:
    content = b"\n\nx,y,z\n\na,b,c\nbad\nd,e,f"
    found = list(blocks(io.BytesIO(content), Reading(width=3, columns=OWN.columns)))
    assert b"".join(block.data for block in found) == b"5,a,b,c\n7,d,e,f\n"
    assert [fault.line for block in found for fault in block.faults] == [6]


def test_quoted_delimiters_and_marks() -> None:
    content = b'"a,1","say ""x""",c\n"d",\'e,f\n'
    assert rows(content, OWN) == [["1", "a,1", 'say "x"', "c"], ["2", "d", "'e", "f"]]
    single = Reading(width=3, header=False, quote="'", columns=OWN.columns)
    assert rows(b"'a,1','b \"x\"',c\n", single) == [["1", "a,1", 'b "x"', "c"]]


def test_an_open_quote_spoils_its_own_line_only() -> None:
    lines = [f"a{at},b,c" for at in range(1000)]
    lines[500] = 'a500,"b,c'
    found = list(blocks(io.BytesIO("\n".join(lines).encode()), OWN))
    assert sum(block.rows for block in found) == 999
    assert [(fault.line, fault.text) for block in found for fault in block.faults] == [(501, 'a500,"b,c')]


def test_an_open_quote_in_the_last_lines() -> None:
    found = list(blocks(io.BytesIO(b'a,b,c\nd,"e,f\ng,h,i\n'), OWN))
    assert b"".join(block.data for block in found) == b"1,a,b,c\n3,g,h,i\n"
    assert [fault.line for block in found for fault in block.faults] == [2]


def test_switches_may_leave_out_columns_at_the_end() -> None:
    reading = told(MASTER * 2).reading
    shorter, longer = MASTER, MASTER.replace("\n", ',"user field"\n')
    assert len(rows((shorter + longer).encode(), reading)) == 2
    assert all(len(row) == 18 for row in rows((shorter + longer).encode(), reading))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_pieces_of_any_size(size: int) -> None:
    content = 'a,b,c\r\nd,"é\r\nx",f\rg,h,☎\n\ni,j,k'.encode()

    def cut() -> Iterator[bytes]:
        for at in range(0, len(content), size):
            yield content[at : at + size]

    data = b"".join(block.data for block in blocks(cut(), OWN))
    whole = b"".join(block.data for block in blocks(io.BytesIO(content), OWN))
    assert data == whole
    assert data.decode().splitlines() == ["1,a,b,c", "2,d,é x,f", "4,g,h,☎", "6,i,j,k"]


def test_what_a_broken_gzip_leaves_of_its_last_line_is_not_a_row() -> None:
    content = "".join(f"{at},{at * 7919 % 1000},60\n" for at in range(5000)).encode()
    packed = gzip.compress(content)
    for end in range(len(packed) // 2, len(packed) // 2 + 40):
        found = list(blocks(io.BytesIO(packed[:end]), OWN))
        data = b"".join(block.data for block in found)
        last = data.splitlines()[-1].split(b",", 1)[1] + b"\n"
        assert last in content
        assert last.endswith(b",60\n")
        assert "ends early" in found[-1].faults[-1].reason


def test_memory_stays_flat() -> None:
    """A long file takes no more than its first pieces."""
    line = b'"acorn",2026-11-02 10:00:00,442079460123,60,"a, b"\n'
    reading = Reading(width=5, header=False, columns={"started_at": 1, "number": 2, "duration": 3})

    def endless() -> Iterator[bytes]:
        piece = line * (PIECE // len(line))
        for _ in range(6):
            yield piece

    tracemalloc.start()
    total = sum(block.rows for block in blocks(endless(), reading))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 6 * (PIECE // len(line))
    assert peak < 20 * PIECE


def test_text_comes_in_whole_lines() -> None:
    found = list(text_pieces([b"a\nb", b"c\nd"], "utf-8"))
    assert [piece.data for piece in found] == [b"a\n", b"bc\n", b"d\n"]


@pytest.mark.parametrize(
    ("text", "day", "time", "order"),
    [
        ("Date;Time;Called;Seconds\n02/11/2026;10:00:00;4420;60\n23/11/2026;9:05;4421;61\n", 0, 1, "dmy"),
        (
            "Number,Start Date,Start Time,Duration\n4420,20261102,100000,60\n4421,20261102,93000,60\n",
            1,
            2,
            "ymd",
        ),
        ("Number,Call Date,Call Time,Duration\n4420,2026-11-02 00:00:00,10:00,60\n", 1, 2, "ymd"),
        # What is named like a time is one only where it looks like one.
        ("Number,Date,Time,Duration\n4420,2026-11-02 10:00:00,65,60\n", 1, None, "ymd"),
        ("Number,Date,Start Time,Duration\n4420,2026-11-02,2026-11-02 10:00:00,60\n", 2, None, "ymd"),
        ("number,started_at,start_time,duration\n4420,2026-11-02,10:00:00,60\n", 1, 2, "ymd"),
        ("Number,Start,Duration\n4420,20261102100000,60\n4420,20261123235959,60\n", 1, None, "ymd"),
        ("Number,Start,Duration\n4420,1793613600000,60\n", 1, None, "epoch"),
    ],
)
def test_a_start_in_two_columns_or_of_digits_alone(text: str, day: int, time: int | None, order: str) -> None:
    reading = told(text).reading
    assert (reading.columns["started_at"], reading.columns.get("start_time")) == (day, time)
    assert reading.date_order == order
    assert faults_of(reading) == []
    facts = scan(io.BytesIO(text.encode()), replace(reading, date_order=""))
    assert facts.date_order == order


def test_seconds_since_1970_have_no_time_beside_them() -> None:
    columns = {"number": 0, "started_at": 1, "start_time": 2, "duration": 3}
    reading = Reading(width=4, columns=columns, date_order="epoch")
    assert faults_of(reading) == [
        "Seconds since 1970 tell the time, too: leave out the column with the start's time."
    ]
