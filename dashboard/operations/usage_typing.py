"""From the texts of a file's columns to calls with types, by one SQL statement made from the file's reading.

Texts are first cast as they are: one that is no date or number makes PostgreSQL refuse the whole chunk. Then
the chunk is read again with care, text by text, and what is wrong with a row is said in its `reason`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg import Cursor, errors, sql

from dashboard.operations import usage_clocks
from dashboard.operations.usage_rating_sql import LONGEST_SECONDS
from dashboard.operations.usage_reading import Reading
from dashboard.rules.call_results import CAUSES, DISPOSITIONS

FIRST_YEAR = 2000
DATE_STYLES = {"ymd": "ISO, YMD", "dmy": "ISO, DMY", "mdy": "ISO, MDY", "epoch": "ISO, YMD"}

# Surely a date and time; every other text is tried by itself.
_SURE_STAMP = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d$"

CAREFUL = """
CREATE OR REPLACE FUNCTION pg_temp.usage_stamp(said text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN said::timestamptz;
EXCEPTION WHEN data_exception OR feature_not_supported THEN RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION pg_temp.usage_number(said text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN said::numeric; EXCEPTION WHEN data_exception THEN RETURN NULL; END $$;
"""

# OFFSET 0 keeps each part from being worked out again wherever the next one names it.
TYPED = """
INSERT INTO usage_call (
    line, identity, started_at, account_code, source, number, trunk, provider_name, result, duration,
    destination, charge, cost, reason)
SELECT line, identity, started_at, account_code, source, number, trunk, provider_name, result,
    CASE WHEN result = 'answered' AND reason IS NULL THEN seconds ELSE 0 END, destination,
    CASE WHEN reason IS NULL THEN charge END, CASE WHEN reason IS NULL THEN cost END, reason
FROM (
    SELECT *, CASE
        WHEN said_number = '' THEN 'There is no number that was called.'
        WHEN length(number) > 40 THEN 'The number called is longer than 40 characters.'
        WHEN said_start IS NULL THEN 'There is no start of the call.'
        WHEN started_at IS NULL THEN {no_date}
        WHEN started_at < {earliest} THEN {too_early}
        WHEN started_at > {latest} THEN 'The start lies in the future.'
        WHEN NOT isfinite(started_at) THEN {no_date}
        WHEN seconds IS NULL AND said_seconds IS NULL AND result = 'answered' THEN 'There is no duration.'
        WHEN seconds IS NULL AND said_seconds IS NOT NULL THEN {no_seconds}
        WHEN seconds > {longest} THEN 'The call is longer than a month.'
        WHEN said_charge IS NOT NULL AND charge IS NULL THEN 'The charge is not a number.'
        WHEN said_cost IS NOT NULL AND cost IS NULL THEN 'The cost is not a number.'
        WHEN charge > 1000000000 THEN 'The charge is too large.'
        WHEN cost > 1000000000 THEN 'The cost is too large.'
        END AS reason
    FROM (
        SELECT typed.*, {result} AS result
        FROM (
            SELECT line, {identity} AS identity, {stamp} AS started_at, {said_start} AS said_start,
                {seconds} AS seconds, {said_seconds} AS said_seconds, {account_code} AS account_code,
                {source} AS source, {said_number} AS said_number, {number} AS number, {trunk} AS trunk,
                {provider} AS provider_name, {destination} AS destination,
                {charge} AS charge, {said_charge} AS said_charge, {cost} AS cost, {said_cost} AS said_cost,
                {word} AS word, {answered} AS was_answered
            FROM (SELECT *{said} FROM usage_stage OFFSET 0) AS told OFFSET 0
        ) AS typed LEFT JOIN (VALUES {words}) AS known (word, means, strict) ON known.word = typed.word
        OFFSET 0
    ) AS ended
    OFFSET 0
) AS judged
"""

RESULT = """CASE WHEN known.strict THEN known.means WHEN seconds > 0 THEN {spoken}
    WHEN known.means IS NOT NULL THEN known.means
    WHEN typed.word <> '' THEN 'failed' ELSE {silent} END"""


@dataclass(frozen=True)
class Typing:
    """How the columns of one file become calls. `latest` is the last start that can be true."""

    reading: Reading
    latest: dt.datetime

    def stage(self, cursor: Cursor[Any]) -> None:
        columns = "".join(f", c{at} text" for at in range(self.reading.width))
        cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_stage")
        cursor.execute(f"CREATE TEMP TABLE usage_stage (line bigint{columns}) ON COMMIT DROP")

    def copy(self) -> sql.Composed:
        return sql.SQL("COPY usage_stage FROM STDIN (FORMAT csv, DELIMITER {})").format(
            sql.Literal(self.reading.delimiter)
        )

    def fill(self, cursor: Cursor[Any]) -> None:
        """From `usage_stage` to `usage_call`, which is there and empty."""
        cursor.execute(
            "SELECT set_config('timezone', %s, true), set_config('datestyle', %s, true)",
            [self.reading.time_zone, DATE_STYLES[self.reading.date_order]],
        )
        cursor.execute("SAVEPOINT quick")
        try:
            cursor.execute(self.statement(careful=False))
        except (errors.DataError, errors.FeatureNotSupported):
            cursor.execute("ROLLBACK TO SAVEPOINT quick")
            cursor.execute(CAREFUL)
            cursor.execute(self.statement(careful=True))
        cursor.execute("RELEASE SAVEPOINT quick")
        if self.reading.date_order != "epoch":
            usage_clocks.settle(cursor, self.reading.time_zone, _spread(self._start(self._raw)))
        cursor.execute(
            "SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true)"
        )

    def statement(self, *, careful: bool) -> sql.Composed:
        start = self._start(self._cell)
        timed = "billsec" if "billsec" in self.reading.columns else "duration"
        number = _plain_number(self._cell("number"))
        parts = {
            "stamp": _epoch(start) if self.reading.date_order == "epoch" else _stamp(start, careful),
            "said": "".join(f", {self._raw(name, '')} AS said_{name}" for name in self.reading.columns),
            "said_start": start,
            "seconds": self._seconds(timed, careful),
            "said_seconds": self._cell(timed),
            "account_code": self._text("account_code", 80),
            "source": f"left({_plain_number(self._cell('source'))}, 40)",
            "said_number": f"coalesce({self._cell('number')}, '')",
            "number": number,
            "trunk": f"left({_channel(self._text('trunk', 80))}, 80)",
            "provider": f"left({_channel(self._text('provider', 120))}, 120)",
            "destination": self._text("destination", 120),
            "word": f"upper({self._text('result', 80)})",
            "answered": f"{self._cell('answered_at')} IS NOT NULL",
            "identity": self._identity(),
            "result": self._result(),
            "words": _words(),
            **{name: self._amount(name, careful) for name in ("charge", "cost")},
            **{f"said_{name}": self._cell(name) for name in ("charge", "cost")},
        }
        composed = {name: sql.SQL(part) for name, part in parts.items()}
        order = {"ymd": "year, month, day", "dmy": "day, month, year", "mdy": "month, day, year"}
        how = order.get(self.reading.date_order, "seconds since 1970")
        return sql.SQL(TYPED).format(
            **composed,
            no_date=sql.Literal(f"The start is not a date and time ({how})."),
            earliest=sql.Literal(f"{FIRST_YEAR}-01-01"),
            too_early=sql.Literal(f"The start lies before the year {FIRST_YEAR}."),
            latest=sql.Literal(self.latest.isoformat()),
            no_seconds=sql.Literal("The duration is not a number of seconds."),
            longest=sql.Literal(LONGEST_SECONDS),
        )

    def _raw(self, field: str, table: str = "s.") -> str:
        """What a column of the stage says, without the space around it; NULL where that is nothing."""
        return f"nullif(btrim({table}c{int(self.reading.columns[field])}), '')"

    def _cell(self, field: str) -> str:
        return f"told.said_{field}" if field in self.reading.columns else "NULL::text"

    def _start(self, cell: Callable[[str], str]) -> str:
        """When the call began, as the file says it: in one column, or a date and a time in two, of which one
        alone says nothing."""
        day = cell("started_at")
        if "start_time" not in self.reading.columns or self.reading.date_order == "epoch":
            return day
        time = cell("start_time")
        bare = f"regexp_replace({day}, '[ T]0?0:00(:00(\\.0+)?)?$', '')"
        said = f"CASE WHEN {time} ~ '^\\d{{5}}$' THEN '0' || {time} ELSE {time} END"
        return f"(nullif({bare}, '') || ' ' || {said})"

    def _text(self, field: str, longest: int) -> str:
        if field not in self.reading.columns:
            return "''"
        return f"left(coalesce({self._cell(field)}, ''), {longest})"

    def _identity(self) -> str:
        row = " || chr(31) || ".join(f"coalesce(c{at}, '')" for at in range(self.reading.width))
        whole = f"md5({row})"
        if "unique_id" not in self.reading.columns:
            return f"{whole}::uuid"
        source = sql.Literal(self.reading.source + "\x1f").as_string()
        return f"coalesce(md5({source} || {self._cell('unique_id')}), {whole})::uuid"

    def _seconds(self, field: str, careful: bool) -> str:
        cell = self._number_text(field)
        clock = (
            f"CASE WHEN {cell} ~ '^\\d{{1,3}}:[0-5]\\d:[0-5]\\d$' THEN split_part({cell}, ':', 1)::int * 3600"
            f" + split_part({cell}, ':', 2)::int * 60 + split_part({cell}, ':', 3)::int END"
        )
        return f"CASE WHEN strpos({cell}, ':') = 0 THEN {_number(cell, careful)} ELSE {clock} END"

    def _amount(self, field: str, careful: bool) -> str:
        if field not in self.reading.columns:
            return "NULL::numeric"
        return _number(self._number_text(field), careful)

    def _number_text(self, field: str) -> str:
        cell = self._cell(field)
        return f"replace({cell}, ',', '.')" if self.reading.decimal_comma else cell

    def _result(self) -> str:
        if "result" in self.reading.columns or "answered_at" not in self.reading.columns:
            return RESULT.format(spoken="'answered'", silent="'no_answer'")
        told = "CASE WHEN was_answered THEN 'answered' ELSE 'no_answer' END"
        return RESULT.format(spoken=told, silent=told)


def _stamp(said: str, careful: bool) -> str:
    dated = f"ascii({said}) BETWEEN 48 AND 57"
    if not careful:
        return f"CASE WHEN {dated} THEN {said}::timestamptz END"
    said = _spread(said)
    return (
        f"CASE WHEN {said} ~ '{_SURE_STAMP}' THEN {said}::timestamptz"
        f" WHEN {dated} THEN pg_temp.usage_stamp({said}) END"
    )


def _spread(said: str) -> str:
    """20261102100000 as a date and time that can be cast."""
    compact = "'^\\s*(\\d{4})(\\d\\d)(\\d\\d)[ T]?(\\d\\d)(\\d\\d)(\\d\\d)(?!\\d)'"
    return f"regexp_replace({said}, {compact}, '\\1-\\2-\\3 \\4:\\5:\\6')"


def _epoch(said: str) -> str:
    """Seconds, thousandths or millionths since 1970, by how many digits there are."""
    whole = f"length(split_part({said}, '.', 1))"
    return (
        f"CASE WHEN {said} ~ '^\\d{{9,17}}(\\.\\d*)?$' THEN to_timestamp(({said})::numeric / CASE"
        f" WHEN {whole} >= 15 THEN 1000000 WHEN {whole} >= 12 THEN 1000 ELSE 1 END) END"
    )


def _number(said: str, careful: bool) -> str:
    """Digits with at most one point; everything else is no number."""
    cast = f"pg_temp.usage_number({said})" if careful else f"({said})::numeric"
    return f"CASE WHEN {said} !~ '[^0-9.]' THEN {cast} END"


def _plain_number(cell: str) -> str:
    """Digits without + or 00 in front, as rates and rules have them. What is no telephone number stays."""
    said = f"coalesce({cell}, '')"
    bare = f"translate({said}, '+ -()./', '')"
    zeros = f"left({bare}, 2) = '00' AND left({said}, 1) <> '+'"
    named = f"substring({said} from '<([^<>]*)>'), substring({said} from '^sips?:\\+?([^@;]+)')"
    return (
        f"CASE WHEN {said} ~ '^[1-9][0-9]*$' THEN {said} WHEN {bare} !~ '[^0-9]'"
        f" THEN CASE WHEN {zeros} THEN substr({bare}, 3) ELSE {bare} END"
        f" ELSE translate(coalesce({named}, {said}), '+', '') END"
    )


def _channel(text: str) -> str:
    """The trunk of an Asterisk channel such as PJSIP/carrier-a-0000001f; other texts as they are."""
    if text == "''":
        return text
    slash = f"strpos({text}, '/')"
    usual = (
        f"right({text}, 9) ~ '^-[0-9a-f]{{8}}$' AND length({text}) > {slash} + 9"
        f" AND left({text}, {slash} - 1) !~ '[^A-Za-z0-9]'"
    )
    halved = f"{text} ~ '^[A-Za-z0-9]+/.+-[0-9a-f]{{8}};[12]$'"
    return (
        f"CASE WHEN {slash} < 2 THEN {text}"
        f" WHEN {usual} THEN substr(left({text}, -9), {slash} + 1)"
        f" WHEN {halved} THEN substr(left({text}, -11), {slash} + 1) ELSE {text} END"
    )


@cache
def _words() -> str:
    rows = [*((word, means, "true") for word, means in DISPOSITIONS.items())]
    rows += [(word, means, "false") for word, means in CAUSES.items() if word not in DISPOSITIONS]
    return ", ".join(f"('{word}', '{means}', {strict})" for word, means, strict in rows)
