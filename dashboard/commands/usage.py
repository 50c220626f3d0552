"""`flask --app wsgi usage ...`: files of calls from the command line."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from dashboard.commands.staff import refusals_in_words
from dashboard.models import UsageFault, UsageImport
from dashboard.models.usage import RULE_KINDS
from dashboard.operations import usage_formats, usage_load, usage_trial, usage_unmatched
from dashboard.operations.base import SYSTEM, session, unit_of_work
from dashboard.operations.errors import Refused
from dashboard.operations.usage_files import (
    DATE_ORDERS,
    FORMATS,
    HEAD_BYTES,
    Fault,
    Reading,
    faults_of,
    scan,
    sniff,
)
from dashboard.operations.usage_ledger import Counts
from dashboard.queries import settings
from dashboard.rules import places

group = AppGroup("usage", help="Usage: calls from files.")
SAY_EACH = 5.0
FAULTS_TOLD = 20
WORDS = {
    "loaded": "loaded",
    "duplicates": "there already",
    "unmatched": "without a customer, waiting for a rule",
    "unrated": "without a rate",
    "late": "for days that are invoiced already",
    "bad": "that could not be read",
}


def _zone(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return places.time_zone(value) if value else None
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from fault


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--format", "format_", metavar="F", help="A saved format; without it the file is looked at.")
@click.option(
    "--customer-by",
    type=click.Choice(list(RULE_KINDS)),
    help="The one kind of rule by which calls find their customer; by default every kind, in their order.",
)
@click.option(
    "--timezone", callback=_zone, metavar="Z", help="The zone of times without one, such as Europe/Madrid."
)
@click.option(
    "--date-order",
    type=click.Choice(list(DATE_ORDERS)),
    help="Needed only where the file itself does not tell day from month.",
)
@click.option("--dry-run", is_flag=True, help="Report what would happen, and change nothing.")
def import_(
    *,
    file: Path,
    format_: str | None,
    customer_by: str | None,
    timezone: str | None,
    date_order: str | None,
    dry_run: bool,
) -> None:
    """Load the calls of FILE, a CSV (also .gz): our own, Asterisk's, FreeSWITCH's, or of a saved format.

    A file loaded twice changes nothing, and a load that was broken off is completed by running it again. Rows
    that can't be read are listed and stop nothing.
    """
    with refusals_in_words():
        reading = _reading(file, format_, timezone, date_order)
        with file.open("rb") as stream:
            if dry_run:
                counts, _, faults = usage_trial.try_out(
                    SYSTEM, reading, stream, customer_by=customer_by or "", shown=FAULTS_TOLD
                )
                _tell(file, counts, faults, would=True)
                return
            made = _filed(file, reading, customer_by or "")
            counts = usage_load.load_stream(SYSTEM, made, stream, _Said(made.bytes))
    _tell(file, counts, _faults(made.id))


@group.command("take-up")
def take_up() -> None:
    """Put calls that wait for a customer into the books where a rule leads to one."""
    click.echo(f"{usage_unmatched.take_up_all(SYSTEM):,} calls taken up.")


def _reading(file: Path, named: str | None, zone: str | None, order: str | None) -> Reading:
    kept = usage_formats.saved()
    with file.open("rb") as stream:
        guess = sniff(stream.read(HEAD_BYTES), file.name, zone=settings.current().time_zone, saved=kept)
    reading = guess.reading
    if named in kept:
        reading = replace(Reading.from_json(kept[named]["reading"]), encoding=reading.encoding, format=named)
    elif named is not None and reading.format != named:
        known = ", ".join([*FORMATS, *kept])
        raise Refused(f"This file is not of the format {named!r}. Formats: {known}.")
    if zone:
        reading = replace(reading, time_zone=zone)
    reading = replace(reading, date_order=_order(file, reading, order))
    problems = faults_of(reading)
    if problems:
        raise Refused(" ".join(problems))
    return reading


def _order(file: Path, reading: Reading, given: str | None) -> str:
    """The order of the dates: as it was said, as they can only be, or as the whole file tells."""
    if given or reading.date_order in ("ymd", "epoch"):
        return given or reading.date_order
    with file.open("rb") as stream:
        facts = scan(stream, replace(reading, date_order=""))
    if facts.date_order is None:
        raise Refused(facts.conflict or "The file does not tell day from month. Say --date-order dmy or mdy.")
    return facts.date_order


def _filed(file: Path, reading: Reading, customer_by: str) -> UsageImport:
    options = {"reading": reading.to_json(), "customer_by": customer_by, "chosen": True}
    with unit_of_work(SYSTEM):
        made = UsageImport(
            filename=file.name[:200],
            source=reading.source[:80],
            format=reading.format[:80],
            bytes=file.stat().st_size,
            options=options,
        )
        session().add(made)
    return made


class _Said:
    """A sign of life on standard error while a long file is loaded."""

    def __init__(self, size: int) -> None:
        self.size = max(size // 1024, 1)
        self.start = self.last = time.monotonic()

    def reached(self, done: int) -> None:
        now = time.monotonic()
        if now - self.last > SAY_EACH and done:
            self.last = now
            left = (now - self.start) * (self.size - done) / done
            click.echo(f"... {done * 100 // self.size} %, about {left:,.0f} s left", err=True)

    def note(self, text: str) -> None:
        click.echo(text, err=True)


def _faults(key: int) -> list[Fault]:
    rows = session().query(UsageFault).filter_by(usage_import_id=key).order_by(UsageFault.line)
    return [Fault(row.line, row.reason, row.text) for row in rows.limit(FAULTS_TOLD)]


def _tell(file: Path, counts: Counts, faults: list[Any], *, would: bool = False) -> None:
    click.echo(f"{file.name}: {counts.rows:,} rows." + (" Nothing was changed." if would else ""))
    for name, words in WORDS.items():
        if number := getattr(counts, name):
            click.echo(f"  {number:,} {words}")
    for fault in faults:
        click.echo(f"  Line {fault.line}: {fault.reason}")
    if counts.bad > len(faults):
        click.echo(f"  ... and {counts.bad - len(faults):,} more")
