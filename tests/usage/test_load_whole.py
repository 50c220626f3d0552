"""Whatever happens to a load, and in whatever order rows come: the same books."""

from __future__ import annotations

import io
import random
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text

from dashboard.documents.store import store
from dashboard.extensions import db
from dashboard.models import UsageDay, UsageImport, UsageRecord
from dashboard.operations import jobs, usage_chunks, usage_load
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_files import Block, Reading
from dashboard.queries.checks import discrepancies
from jobs import reaper
from tests.support.books import at_once, fresh, make_customer
from tests.support.calls import make_card, make_provider, make_rule
from tests.support.waiting import wait_until
from tests.usage.test_load_file import COLUMNS

pytestmark = pytest.mark.usefixtures("app")
HOW = Reading(
    header=False, width=7, columns={**COLUMNS, "provider": 6}, source="switch", time_zone="Europe/Madrid"
)


@pytest.fixture
def books():
    zones = [None, "Europe/Madrid", "America/New_York"]
    for at, zone in enumerate(zones):
        customer = make_customer(f"Example {at}", time_zone=zone)
        make_rule(customer, "account_code", f"c{at}")
        make_card(f"Card {at}", rates={"44": "0.0123", "4420": "0.0456", "34": "0.0789"}, sold_to=customer)
    carrier = make_provider()
    make_card("Cost", kind="cost", provider_id=carrier.id, rates={"44": "0.0011", "3": "0.0022"})


def lines(count: int, seed: int = 7) -> list[str]:
    """Calls around the night in which clocks go back, of three customers and one who is not known."""
    chance = random.Random(seed)
    found = []
    for n in range(count):
        start = f"2026-10-{24 + n % 3} {chance.randrange(24):02}:{chance.randrange(60):02}:{n % 60:02}"
        number = chance.choice(["4420", "4416", "3491", "9999"]) + f"{chance.randrange(10**8):08}"
        seconds = chance.choice([0, 1, 59, 60, 61, 3600])
        word = "ANSWERED" if seconds else "BUSY"
        by = chance.choice(["Example Carrier", ""])
        found.append(f"{n},c{chance.randrange(4)},{number},{start},{seconds},{word},{by}\n")
    return found


def filed(rows: list[str], **options: Any) -> UsageImport:
    kept = {"reading": HOW.to_json(), "chosen": True, **options}
    made = UsageImport(filename="calls.csv", options=kept)
    made.document_id = store.put(f"usage-file-{random.random()}", "text/csv", ["".join(rows).encode()]).id
    db.session.add(made)
    db.session.commit()
    return made


def load(rows: list[str]) -> UsageImport:
    made = filed(rows)
    usage_load.load_stream(SYSTEM, made, io.BytesIO("".join(rows).encode()), usage_load.Silent())
    return fresh(made)


def ledger() -> list[tuple[Any, ...]]:
    db.session.rollback()
    columns = (
        UsageDay.customer_id,
        UsageDay.day,
        UsageDay.destination,
        UsageDay.provider_id,
        UsageDay.provider_destination,
        UsageDay.rated,
        UsageDay.batch,
        UsageDay.attempts,
        UsageDay.connected,
        UsageDay.duration,
        UsageDay.billed_duration,
        UsageDay.charge,
        UsageDay.cost,
    )
    return [tuple(row) for row in db.session.execute(select(*columns).order_by(*columns[:7]))]


def empty() -> None:
    db.session.execute(text("TRUNCATE usage_record, usage_day, usage_unmatched"))
    db.session.commit()


def test_the_order_of_the_rows_and_the_chunks_do_not_matter(books, monkeypatch):
    rows = lines(400)
    load(rows)
    once = ledger()
    assert discrepancies() == []
    assert sum(row[7] for row in once) == db.session.scalar(select(func.count()).select_from(UsageRecord))
    for seed, size in ((1, 7), (2, 400), (3, 60)):
        empty()
        monkeypatch.setattr(usage_load, "CHUNK_ROWS", size)
        load(random.Random(seed).sample(rows, len(rows)))
        assert ledger() == once
    load(rows)
    assert ledger() == once


def test_two_loads_of_the_same_calls_at_once_load_each_once(app, books, monkeypatch):
    monkeypatch.setattr(usage_load, "CHUNK_ROWS", 40)
    rows = lines(400)
    made = [filed(rows), filed(list(reversed(rows)))]

    def work(key: int) -> usage_load.Counts:
        return usage_load.load_file(SYSTEM, key, usage_load.Silent())

    first, second = at_once(app, [partial(work, one.id) for one in made])
    assert first.loaded + second.loaded == db.session.scalar(select(func.count()).select_from(UsageRecord))
    assert first.loaded + first.duplicates + first.unmatched == 400
    assert second.loaded + second.duplicates + second.unmatched == 400
    both = ledger()
    assert discrepancies() == []
    empty()
    load(rows)
    assert ledger() == both


def test_a_cancelled_load_keeps_whole_chunks_and_says_so(books, monkeypatch):
    monkeypatch.setattr(usage_load, "CHUNK_ROWS", 2000)

    said: list[str] = []

    class Cancels(usage_load.Silent):
        def reached(self, done: int) -> None:
            if done:
                raise jobs.Cancelled

        def note(self, text: str) -> None:
            said.append(text)

    rows = lines(20_000)
    made = filed(rows)
    with pytest.raises(jobs.Cancelled):
        usage_load.load_file(SYSTEM, made.id, Cancels())
    made = fresh(made)
    assert made.state == "cancelled"
    assert said[0].startswith("Stopped after") and "which stay" in said[0]
    assert 0 < made.rows < 20_000
    assert discrepancies() == []
    usage_load.load_file(SYSTEM, made.id, usage_load.Silent())
    made = fresh(made)
    assert (made.state, made.loaded + made.unmatched, made.duplicates) == ("done", 20_000, 0)


def test_a_load_tells_when_its_last_rows_came_in(books):
    """The first chunks are small, and each is seen as soon as it is in: rows a second are told from that."""
    made = filed(lines(20_000), chunk_rows=2000)
    seen = []

    class Looks(usage_load.Silent):
        def reached(self, done: int) -> None:
            with db.engine.connect() as other:
                statement = select(UsageImport.rows, UsageImport.updated_at).where(UsageImport.id == made.id)
                seen.append(tuple(other.execute(statement).one()))

    usage_load.load_file(SYSTEM, made.id, Looks())
    moments = {rows: at for rows, at in seen if rows}
    assert moments
    assert all(at > seen[0][1] for rows, at in seen if rows > seen[0][0])
    assert sorted(moments.values()) == [moments[rows] for rows in sorted(moments)]


def test_the_first_chunks_are_small():
    def sizes(found, most):
        taken, written = usage_chunks.Chunks(found, most), []
        return [chunk.rows for chunk in iter(lambda: taken.take(written.append), usage_chunks.Chunk(read=60))]

    found = (Block(data=b"x", rows=10_000, read=60) for _ in range(60))
    assert sizes(found, 250_000) == [30_000, 60_000, 120_000, 240_000, 150_000]
    assert sizes([Block(b"x", 1000, read=60)] * 5, 2000) == [2000, 2000, 1000]


def test_a_killed_worker_leaves_whole_chunks_and_the_next_completes_them(books, start_worker, as_role):
    count = 120_000
    rows = lines(count)
    made = filed(rows, chunk_rows=1000)
    first = start_worker()
    job = jobs.start(as_role("clerk"), "usage_import", "Usage", {"usage_import_id": made.id}, 100)
    wait_until(lambda: fresh(made).rows > 0, 60, "the first chunk is loaded")
    first.kill()
    db.session.rollback()
    db.session.execute(text("SELECT pg_sleep(0.5)"))
    assert 0 < fresh(made).rows < count
    assert discrepancies() == []
    start_worker()
    db.session.execute(text("UPDATE job SET heartbeat_at = now() - interval '1 minute'"))
    db.session.commit()
    reaper.take_up_lost_jobs()
    wait_until(lambda: fresh(job).state in jobs.ENDED, 120, "the second worker ends")
    assert (fresh(job).state, fresh(job).attempts) == ("done", 2), fresh(job).error
    assert f"{count:,} rows" in fresh(job).notes[0]
    made = fresh(made)
    assert (made.state, made.rows, made.loaded + made.unmatched, made.duplicates) == (
        "done",
        count,
        count,
        0,
    )
    assert discrepancies() == []
    assert sum((row[11] for row in ledger()), Decimal(0)) == db.session.scalar(
        select(func.sum(UsageRecord.charge))
    )
