from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import func, select, update

from dashboard.documents.store import PART_BYTES, store
from dashboard.extensions import db
from dashboard.models import Document, DocumentPart
from tests.support.books import at_once

pytestmark = pytest.mark.usefixtures("app")

BIG = bytes(range(256)) * (PART_BYTES // 256 * 2) + b"the end"


def test_content_comes_back_in_parts_of_one_mib():
    kept = store.put("big", "application/zip", (BIG[at : at + 700_000] for at in range(0, len(BIG), 700_000)))
    parts = list(store.open_stream(kept))
    assert b"".join(parts) == BIG
    assert [len(part) for part in parts] == [PART_BYTES, PART_BYTES, 7]
    assert (kept.size, kept.media_type) == (len(BIG), "application/zip")


def test_the_first_content_under_a_key_stays():
    first = store.put("key", "text/plain", [b"first"])
    second = store.put("key", "text/plain", [b"second"])
    assert second.id == first.id
    assert b"".join(store.open_stream(second)) == b"first"


def test_many_files_are_kept_at_once_and_those_there_already_stay():
    store.put("b", "text/plain", [b"old"])
    kept = store.put_many("text/plain", {"c": BIG, "a": b"", "b": b"new"})
    assert {key: b"".join(store.open_stream(kept[key])) for key in "abc"} == {"a": b"", "b": b"old", "c": BIG}
    assert kept["c"].size == len(BIG)


def test_nothing_is_kept_of_content_that_broke_off():
    def broken():
        yield b"x" * PART_BYTES * 2
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        store.put("broken", "text/plain", broken())
    assert store.find("broken") is None
    assert db.session.scalar(select(func.count()).select_from(DocumentPart)) == 0


def test_two_that_keep_the_same_at_once_get_the_same_file(app):
    kept = at_once(app, [lambda: store.put("same", "text/plain", [b"x" * 100])] * 6)
    assert len({document.id for document in kept}) == 1
    assert b"".join(store.open_stream(kept[0])) == b"x" * 100


def test_keeping_a_file_commits_nothing_of_the_callers():
    db.session.add(Document(key="callers", media_type="text/plain", size=0))
    db.session.flush()
    store.put("own", "text/plain", [b"x"])
    db.session.rollback()
    assert store.find("callers") is None
    assert store.find("own") is not None


def test_an_empty_file_is_a_file():
    assert list(store.open_stream(store.put("empty", "text/plain", []))) == []


def test_only_old_files_with_the_prefix_are_removed():
    for key in ("job-1", "job-2", "jobs", "other"):
        store.put(key, "text/plain", [b"x"])
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=8)
    db.session.execute(update(Document).where(Document.key != "job-2").values(created_at=old))
    db.session.commit()
    assert store.remove_older("job-", dt.timedelta(days=7)) == 1
    assert set(store.find_many(["job-1", "job-2", "jobs", "other"])) == {"job-2", "jobs", "other"}
