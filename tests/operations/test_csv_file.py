"""CSV files as people save them."""

from __future__ import annotations

import pytest

from dashboard.operations.csv_file import read_table
from dashboard.operations.errors import Refused


def read(content: bytes | str):
    return read_table(content.encode() if isinstance(content, str) else content, most_rows=100)


def cells(content: bytes | str) -> list[list[str]]:
    return [row.cells for row in read(content).rows]


@pytest.mark.parametrize(
    "content",
    [
        "Name,City\nÅcorn,Zürich\n".encode(),
        "Name,City\nÅcorn,Zürich\n".encode("utf-8-sig"),
        "Name,City\r\nÅcorn,Zürich".encode("cp1252"),
        "Name\tCity\r\nÅcorn\tZürich\r\n".encode("utf-16"),
    ],
)
def test_encodings(content):
    table = read(content)
    assert (table.header, table.rows[0].cells) == (["Name", "City"], ["Åcorn", "Zürich"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter):
    table = read(f'Name{delimiter}Notes\nAcorn{delimiter}"a, b; c | d"\nOak{delimiter}"e, f"\n')
    assert table.delimiter == delimiter
    assert table.rows[0].cells == ["Acorn", "a, b; c | d"]


def test_excels_own_line_about_the_delimiter():
    table = read("sep=;\r\nName;City\r\nAcorn;Ghent\r\n")
    assert (table.header, table.rows[0].number) == (["Name", "City"], 3)


def test_decimal_commas_do_not_win_over_semicolons():
    assert read("Name;Limit\nAcorn;1,50\nOak;2,50\n").delimiter == ";"


def test_quoted_line_ends_empty_rows_and_their_numbers():
    table = read('\nName,Notes\n\nAcorn,"one\ntwo"\n,\nOak,\n')
    assert table.header == ["Name", "Notes"]
    assert [(row.number, row.cells) for row in table.rows] == [
        (4, ["Acorn", "one\ntwo"]),
        (6, ["Oak", ""]),
    ]


def test_headings_that_are_empty_get_a_name():
    assert read("Name,,City\na,b,c\n").header == ["Name", "Column 2", "City"]


def test_a_short_row_has_empty_cells():
    row = read("Name,City\nAcorn\n").rows[0]
    assert (row.cell(0), row.cell(1)) == ("Acorn", "")


def test_one_column():
    assert cells("Name\nAcorn\nOak\n") == [["Acorn"], ["Oak"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"\n\n , \n", "The file is empty"),
        (b"Name,City\n", "no rows under them"),
        (b"PK\x03\x04rest", "This is a spreadsheet file"),
        (b"Name\n\x00\x01\x02", "not a text file"),
        (b"Name\n\x81\x8d\n", "not a text file"),
        (b'Name,City\nAcorn,"Ghent\nOak,Gent\n', "Row 2 can't be read: a quotation mark"),
        (b'Name,City\nAcorn,"Gh"ent\n', "Row 2 can't be read"),
        (b"Name\n" + b"a\n" * 101, "more than 100 rows"),
        (b"Name\n" + b"a" * 100_001 + b"\n", "Row 2 can't be read"),
    ],
)
def test_files_that_are_refused(content, words):
    with pytest.raises(Refused, match=words):
        read(content)
