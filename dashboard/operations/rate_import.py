"""Upload of a rate card as CSV: read it, show what would change, then all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text

from dashboard.models import RateCard, RateRevision
from dashboard.operations.base import Actor, fetch, once, operation, session
from dashboard.operations.csv_file import Table
from dashboard.operations.errors import Refused
from dashboard.operations.rate_columns import COLUMNS, Reader, Staged
from dashboard.operations.upload import Fault, Mapped, Upload

UPLOAD = Upload("rate.write", COLUMNS, most_rows=300_000, most_bytes=30 * 1024 * 1024)
SAMPLES = 10

# In the order of their weight for the reader.
KINDS = {
    "new": "New",
    "dearer": "Dearer",
    "cheaper": "Cheaper",
    "other": "Other terms or name",
    "withdrawn": "Withdrawn",
    "unchanged": "Unchanged",
}

STAGE = """
CREATE TEMP TABLE rate_stage (
    line int, prefix varchar(20), destination varchar(120), rate_per_minute numeric(20, 6),
    connection_fee numeric(20, 6), minimum_seconds int, pulse_seconds int, withdrawn boolean
) ON COMMIT DROP
"""

# What holds at the moment, beside what the file says.
COMPARED = """
CREATE TEMP TABLE rate_change ON COMMIT DROP AS
SELECT coalesce(s.prefix, h.prefix) AS prefix, s.line, s.destination, s.rate_per_minute, s.connection_fee,
    s.minimum_seconds, s.pulse_seconds, h.destination AS old_destination, h.rate_per_minute AS old_rate,
    h.connection_fee AS old_fee, h.minimum_seconds AS old_minimum, h.pulse_seconds AS old_pulse,
    CASE
        WHEN s.prefix IS NULL OR (s.withdrawn AND h.prefix IS NOT NULL) THEN 'withdrawn'
        WHEN s.withdrawn THEN 'unchanged'
        WHEN h.prefix IS NULL THEN 'new'
        WHEN s.rate_per_minute > h.rate_per_minute THEN 'dearer'
        WHEN s.rate_per_minute < h.rate_per_minute THEN 'cheaper'
        WHEN s.connection_fee > h.connection_fee THEN 'dearer'
        WHEN s.connection_fee < h.connection_fee THEN 'cheaper'
        WHEN s.destination <> h.destination
            OR coalesce(s.minimum_seconds, :minimum) <> coalesce(h.minimum_seconds, :minimum)
            OR coalesce(s.pulse_seconds, :pulse) <> coalesce(h.pulse_seconds, :pulse) THEN 'other'
        ELSE 'unchanged'
    END AS kind
FROM rate_stage AS s
FULL JOIN (
    SELECT * FROM (
        SELECT DISTINCT ON (prefix) * FROM rate WHERE rate_card_id = :card AND valid_from <= :start
        ORDER BY prefix, valid_from DESC
    ) AS latest WHERE NOT withdrawn
) AS h ON h.prefix = s.prefix
WHERE s.prefix IS NOT NULL OR :whole
"""

CLASHES = """
SELECT count(*) FROM rate_change AS c
JOIN rate AS r ON r.rate_card_id = :card AND r.prefix = c.prefix AND r.valid_from = :start
WHERE c.kind <> 'unchanged'
"""

ADDED = """
INSERT INTO rate (rate_card_id, revision_id, prefix, destination, rate_per_minute, connection_fee,
    minimum_seconds, pulse_seconds, valid_from, withdrawn)
SELECT :card, :revision, prefix,
    CASE kind WHEN 'withdrawn' THEN old_destination ELSE destination END,
    CASE kind WHEN 'withdrawn' THEN 0 ELSE rate_per_minute END,
    CASE kind WHEN 'withdrawn' THEN 0 ELSE connection_fee END,
    CASE kind WHEN 'withdrawn' THEN NULL ELSE minimum_seconds END,
    CASE kind WHEN 'withdrawn' THEN NULL ELSE pulse_seconds END,
    :start, kind = 'withdrawn'
FROM rate_change WHERE kind <> 'unchanged' ORDER BY prefix
"""

BIGGEST = """
SELECT prefix, coalesce(destination, old_destination) AS destination, old_destination, old_rate, old_fee,
    old_minimum, old_pulse, rate_per_minute, connection_fee, minimum_seconds, pulse_seconds, kind
FROM rate_change WHERE kind = :kind
ORDER BY abs(coalesce(rate_per_minute, 0) - coalesce(old_rate, 0)) DESC, prefix LIMIT :most
"""


@dataclass(frozen=True)
class Choice:
    """How the file is read: its columns, from when its rates hold, whether it is the whole card."""

    mapping: Mapped
    start: dt.datetime
    whole: bool
    comma: bool = False


@dataclass
class Plan:
    """What an import would do. Nothing is imported while there are faults."""

    total: int
    faults: list[Fault] = field(default_factory=list)
    faulty: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[Any]] = field(default_factory=dict)
    # Prefixes that have a rate from that very moment: they would be overwritten.
    clashes: int = 0
    # The card's last revision when this was worked out.
    seen: int = 0
    # Revisions of the card that begin later: they hold from their own dates.
    later: int = 0

    @property
    def changes(self) -> int:
        return sum(count for kind, count in self.counts.items() if kind != "unchanged")

    @property
    def ready(self) -> bool:
        return not self.faults and not self.clashes and self.changes > 0


@operation("rate.write")
def plan(actor: Actor, card_id: int, table: Table, choice: Choice) -> Plan:
    """Read every row and compare with what the card has at that moment. Nothing is written."""
    card = fetch(RateCard, card_id, "rate card")
    found = _staged(card, table, choice)
    if not found.faults:
        _compare(card, choice, found)
    return found


@operation("rate.write")
def run(
    actor: Actor, card_id: int, token: str, choice: Choice, *, source: str = "", seen: int | None = None
) -> RateRevision:
    """Import the upload in one transaction, as a new revision.

    Raises Refused where a row has a fault, where the card has changed since the reader looked (`seen`), or
    where nothing would change; Duplicate when this upload was imported before.
    """
    file = once(actor, f"rates:{token}")
    card = fetch(RateCard, card_id, "rate card", lock=True)
    found = _staged(card, UPLOAD.kept(actor, token), choice)
    if found.faults:
        raise Refused(f"Nothing was imported: {found.faulty:,} of {found.total:,} rows have errors.")
    _compare(card, choice, found)
    if seen is not None and seen != found.seen:
        raise Refused(
            "The card was changed since you looked. Nothing was imported; look at the changes again."
        )
    if found.clashes:
        raise Refused(clash_words(found.clashes))
    if not found.changes:
        raise Refused("Nothing was imported: the card has exactly these rates already.")
    revision = RateRevision(
        rate_card_id=card.id,
        valid_from=choice.start,
        source=source[:200],
        whole=choice.whole,
        rates=found.changes,
        created_by=actor.id,
    )
    session().add(revision)
    session().flush()
    session().execute(text(ADDED), {"card": card.id, "revision": revision.id, "start": choice.start})
    file(f"rate_card:{card.id}")
    UPLOAD.forget(actor, token)
    return revision


def clash_words(clashes: int) -> str:
    prefixes = "1 prefix has" if clashes == 1 else f"{clashes:,} prefixes have"
    return (
        f"{prefixes} a rate from that very moment already, and rates are never overwritten. "
        "Choose a later day or time."
    )


def _staged(card: RateCard, table: Table, choice: Choice) -> Plan:
    """The rows of the file in the temporary table `rate_stage`."""
    COLUMNS.check(choice.mapping, len(table.header))
    reader = Reader(choice.mapping, len(table.header), choice.comma)
    session().execute(text("DROP TABLE IF EXISTS pg_temp.rate_stage, pg_temp.rate_change"))
    session().execute(text(STAGE))
    _copy(reader.read(table.rows))
    return Plan(total=len(table.rows), faults=reader.faults, faulty=reader.faulty)


def _copy(rows: Iterable[Staged]) -> None:
    connection: Any = session().connection().connection
    with connection.cursor() as cursor, cursor.copy("COPY rate_stage FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _compare(card: RateCard, choice: Choice, found: Plan) -> None:
    current = session()
    current.execute(text("ANALYZE rate_stage"))
    given: dict[str, Any] = {"card": card.id, "start": choice.start}
    current.execute(
        text(COMPARED),
        {**given, "whole": choice.whole, "minimum": card.minimum_seconds, "pulse": card.pulse_seconds},
    )
    counted = current.execute(text("SELECT kind, count(*) FROM rate_change GROUP BY kind"))
    by_kind = {str(kind): int(count) for kind, count in counted}
    found.counts = {kind: by_kind.get(kind, 0) for kind in KINDS}
    for kind in KINDS:
        if kind != "unchanged" and found.counts[kind]:
            rows = current.execute(text(BIGGEST), {"kind": kind, "most": SAMPLES})
            found.samples[kind] = list(rows)
    found.clashes = int(current.scalar(text(CLASHES), given) or 0)
    last, later = current.execute(
        select(
            func.coalesce(func.max(RateRevision.id), 0),
            func.count().filter(RateRevision.valid_from > choice.start),
        ).where(RateRevision.rate_card_id == card.id)
    ).one()
    found.seen, found.later = int(last), int(later)


def change_of(old: Decimal | None, new: Decimal | None) -> Decimal | None:
    """By how many percent a price goes up or down; None where there is nothing to compare."""
    if not old or new is None:
        return None
    return ((new - old) * 100 / old).quantize(Decimal("0.1"))
