"""How a file of usage is read: its fields, the formats known by name, and the choices of one reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# What a column may be. `billsec` is the part that may be charged, `duration` the whole call; where a file has
# only one of them, that one is charged. `start_time` is the time of day where `started_at` is the date alone.
FIELDS = {
    "unique_id": "Unique ID",
    "account_code": "Account code",
    "source": "Caller number",
    "number": "Number called",
    "trunk": "Trunk",
    "provider": "Provider",
    "started_at": "Start",
    "start_time": "Start time, beside its date",
    "answered_at": "Answer",
    "duration": "Duration, whole call",
    "billsec": "Duration, from the answer",
    "result": "Result",
    "destination": "Destination name",
    "charge": "Charge",
    "cost": "Cost",
}
FORMATS = {
    "own": "Our own CSV",
    "asterisk": "Asterisk Master.csv",
    "asterisk_calldate": "Asterisk CDR with calldate",
    "freeswitch": "FreeSWITCH mod_cdr_csv",
    "columns": "Columns chosen by hand",
}
DATE_ORDERS = {
    "ymd": "Year, month, day",
    "dmy": "Day, month, year",
    "mdy": "Month, day, year",
    "epoch": "Seconds since 1970",
}
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
QUOTES = {'"': 'Double quote (")', "'": "Single quote (')"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows (Western European)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, low byte first",
    "utf-16-be": "UTF-16, high byte first",
}
MOST_COLUMNS = 200
ASK_ORDER = "Choose in which order day and month are written: the file does not tell."

ASTERISK = (
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end duration billsec"
    " disposition amaflags"
).split()
FREESWITCH = (
    "caller_id_name caller_id_number destination_number context start_stamp answer_stamp end_stamp duration"
    " billsec hangup_cause uuid bleg_uuid accountcode"
).split()


@dataclass(frozen=True)
class Reading:
    """Everything needed to read a file the same way again.

    `columns` names 0-based columns by field; `width` is how many columns the file has. `time_zone` holds for
    times written without one. `source` names the switch that gives out the unique ids. `date_order` is empty
    while it is not known.
    """

    format: str = "columns"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    width: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    date_order: str = "ymd"
    time_zone: str = "UTC"
    encoding: str = "utf-8"
    decimal_comma: bool = False
    source: str = ""

    @property
    def loose(self) -> bool:
        """Switches leave out or add columns at the end of a row, as their configuration changes."""
        return self.format in ("asterisk", "freeswitch")

    @property
    def least_width(self) -> int:
        """The fewest columns that a row may have."""
        return max(self.columns.values()) + 1 if self.loose and self.columns else self.width

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "columns": dict(self.columns)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Reading:
        """The reading kept before. Raises ValueError for what no version of this program has kept."""
        known = {name: kept[name] for name in cls.__dataclass_fields__ if name in kept}
        reading = cls(**known)
        problems = faults_of(reading)
        if problems:
            raise ValueError(" ".join(problems))
        return reading


def faults_of(reading: Reading) -> list[str]:
    """Why a file can't be read like this, in a clerk's words; nothing where it can."""
    said = []
    columns = reading.columns
    if reading.delimiter not in DELIMITERS or reading.quote not in QUOTES:
        said.append("Choose what separates and what quotes the columns.")
    if reading.encoding not in ENCODINGS:
        said.append("Choose how the file's characters are written.")
    if not 1 < reading.width <= MOST_COLUMNS:
        said.append(f"The file needs 2 to {MOST_COLUMNS} columns.")
    if any(name not in FIELDS or not 0 <= at < reading.width for name, at in columns.items()):
        said.append("A column was chosen that the file does not have.")
    if len(set(columns.values())) < len(columns):
        said.append("Each column can be read as one thing only.")
    said += _unchosen(reading)
    if reading.date_order not in DATE_ORDERS:
        said.append(ASK_ORDER)
    return said


def _unchosen(reading: Reading) -> list[str]:
    """Which columns are missing, or too many."""
    said = []
    columns = reading.columns
    if "started_at" not in columns:
        said.append("Choose the column that says when the call started.")
    if "start_time" in columns and reading.date_order == "epoch":
        said.append("Seconds since 1970 tell the time, too: leave out the column with the start's time.")
    if "number" not in columns:
        said.append("Choose the column with the number called.")
    if "duration" not in columns and "billsec" not in columns:
        said.append("Choose the column with the duration.")
    return said
