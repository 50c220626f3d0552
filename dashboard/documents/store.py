"""Where files are kept. `DocumentStore` is the whole of what the rest of the product knows about it, so
that a bucket of objects can take the place of the database's own parts."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from dashboard.extensions import db
from dashboard.models import Document, DocumentPart

PART_BYTES = 1024 * 1024


class DocumentStore(ABC):
    @abstractmethod
    def find(self, key: str) -> Document | None:
        """What is kept under this key."""

    @abstractmethod
    def find_many(self, keys: Iterable[str]) -> dict[str, Document]:
        """The same for many keys in one question."""

    @abstractmethod
    def put(self, key: str, media_type: str, chunks: Iterable[bytes]) -> Document:
        """Keep the content whole or not at all. What is there already under the key stays."""

    @abstractmethod
    def put_many(self, media_type: str, files: Mapping[str, bytes]) -> dict[str, Document]:
        """The same for many small files at once, by key."""

    @abstractmethod
    def open_stream(self, document: Document) -> Iterator[bytes]:
        """The content in pieces of at most one MiB."""

    @abstractmethod
    def remove_older(self, prefix: str, than: dt.timedelta) -> int:
        """Remove what was kept under keys with this prefix longer ago than that; says how many."""


class DatabaseStore(DocumentStore):
    """Parts of one MiB in PostgreSQL.

    Every writing call is a short transaction on a connection of its own: it neither waits for nor commits
    what the caller has under way.
    """

    def find(self, key: str) -> Document | None:
        return self.find_many([key]).get(key)

    def find_many(self, keys: Iterable[str]) -> dict[str, Document]:
        with db.session.no_autoflush:
            found = db.session.scalars(select(Document).where(Document.key.in_(list(keys)))).all()
        return {document.key: document for document in found}

    def put(self, key: str, media_type: str, chunks: Iterable[bytes]) -> Document:
        with _own_session(db.engine) as own:
            taken = own.scalar(
                upsert(Document)
                .values(key=key, media_type=media_type, size=0)
                .on_conflict_do_nothing()
                .returning(Document.id)
            )
            if taken is not None:
                size = 0
                for position, part in enumerate(_parts(chunks)):
                    size += len(part)
                    own.execute(
                        insert(DocumentPart).values(document_id=taken, position=position, content=part)
                    )
                own.execute(update(Document).where(Document.id == taken).values(size=size))
            document = own.scalars(select(Document).where(Document.key == key)).one()
            own.commit()
        return document

    def put_many(self, media_type: str, files: Mapping[str, bytes]) -> dict[str, Document]:
        # In one order for everybody, so that two who keep the same files never wait for each other in a ring.
        rows = [{"key": key, "media_type": media_type, "size": len(files[key])} for key in sorted(files)]
        with _own_session(db.engine) as own:
            taken = own.execute(
                upsert(Document).values(rows).on_conflict_do_nothing().returning(Document.id, Document.key)
            ).all()
            parts = [
                {"document_id": made, "position": position, "content": part}
                for made, key in taken
                for position, part in enumerate(_parts([files[key]]))
            ]
            if parts:
                own.execute(insert(DocumentPart), parts)
            found = own.scalars(select(Document).where(Document.key.in_(files))).all()
            own.commit()
        return {document.key: document for document in found}

    def open_stream(self, document: Document) -> Iterator[bytes]:
        # Taken here and not in the generator: a response is streamed after the application context has ended.
        return self._stream(db.engine, document.id)

    @staticmethod
    def _stream(engine: Engine, document_id: int) -> Iterator[bytes]:
        position = 0
        while True:
            with _own_session(engine) as own:
                part = own.scalar(
                    select(DocumentPart.content).where(
                        DocumentPart.document_id == document_id, DocumentPart.position == position
                    )
                )
            if part is None:
                return
            yield bytes(part)
            position += 1

    def remove_older(self, prefix: str, than: dt.timedelta) -> int:
        with _own_session(db.engine) as own:
            gone = own.scalars(
                delete(Document)
                .where(
                    Document.key.startswith(prefix, autoescape=True), Document.created_at < func.now() - than
                )
                .returning(Document.id)
            ).all()
            own.commit()
        return len(gone)


def _own_session(engine: Engine) -> Session:
    return Session(engine, expire_on_commit=False)


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut anew into whole parts."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
    if waiting:
        yield bytes(waiting)


store: DocumentStore = DatabaseStore()
