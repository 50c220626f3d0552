"""The frame of every write: the right, the transaction, the audit context, the form's key.

An operation is a function `f(actor, ...)` decorated with `@operation(right)`. Operations nest; only the
outermost commits. Anything raised rolls the whole of it back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from psycopg import errors as pg
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from dashboard.extensions import db
from dashboard.models import Base, FormKey
from dashboard.operations.errors import Duplicate, Forbidden, Missing, OperationError, Refused, Stale
from dashboard.rules import rights

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=Base)


@dataclass(frozen=True)
class Actor:
    """Who acts: a staff member, or the system itself (no id, every right)."""

    id: int | None
    name: str
    role: str | None
    comment: str = ""

    def may(self, right: str) -> bool:
        return self.role is None or rights.role_has(self.role, right)

    def saying(self, comment: str) -> Actor:
        """The same actor with the reason given for this change. What can't be stored or read is left out."""
        readable = "".join(
            sign if unicodedata.category(sign) not in ("Cc", "Cs") else " " for sign in comment[:1000]
        )
        return replace(self, comment=" ".join(readable.split())[:500])


SYSTEM = Actor(id=None, name="System", role=None)


def session() -> Session:
    return db.session()


def require(actor: Actor, right: str) -> None:
    if not actor.may(right):
        raise Forbidden(right)


def operation(
    right: str,
) -> Callable[[Callable[Concatenate[Actor, P], R]], Callable[Concatenate[Actor, P], R]]:
    """Make a function an operation that needs `right`."""

    def decorate(function: Callable[Concatenate[Actor, P], R]) -> Callable[Concatenate[Actor, P], R]:
        @wraps(function)
        def run(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
            require(actor, right)
            with unit_of_work(actor):
                return function(actor, *args, **kwargs)

        run.right = right  # type: ignore[attr-defined]
        return run

    return decorate


@contextmanager
def unit_of_work(actor: Actor) -> Iterator[Session]:
    """One transaction with its audit context; inner ones join the outer."""
    current = session()
    if current.info.get("unit_of_work"):
        yield current
        current.flush()
        return
    hooks: list[Callable[[], None]] = []
    current.info.update(unit_of_work=True, after_commit=hooks)
    try:
        _tell_audit(current, actor)
        yield current
        current.flush()
        current.commit()
    except OperationError:
        current.rollback()
        raise
    except StaleDataError as error:
        current.rollback()
        raise Stale(None) from error
    except DBAPIError as error:
        current.rollback()
        raise in_words(error) from error
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info.pop("unit_of_work", None)
        current.info.pop("after_commit", None)
    for hook in hooks:
        hook()


def on_commit(hook: Callable[[], None]) -> None:
    """Run `hook` once the transaction under way has been committed; at once where there is none."""
    hooks = session().info.get("after_commit")
    if hooks is None:
        hook()
    else:
        hooks.append(hook)


def _tell_audit(current: Session, actor: Actor) -> None:
    # By the connection: the session would first write what is pending, and that under nobody's name.
    current.connection().execute(
        text(
            "SELECT set_config('app.actor_id', :id, true), set_config('app.actor_name', :name, true),"
            " set_config('app.comment', :comment, true)"
        ),
        {"id": "" if actor.id is None else str(actor.id), "name": actor.name, "comment": actor.comment},
    )


def in_words(error: DBAPIError) -> Exception:
    """A database refusal as an answer a clerk can read; anything unforeseen stays what it is."""
    if isinstance(error, IntegrityError):
        if isinstance(error.orig, pg.ForeignKeyViolation):
            return Refused("Other records still refer to this one, so it can't be removed.")
        if isinstance(error.orig, pg.UniqueViolation):
            return Refused("There is already a record with these values.")
        return Refused("These values break a rule of the books, so nothing was saved.")
    if isinstance(error.orig, pg.NumericValueOutOfRange):
        return Refused("A number is too large to be stored.")
    if isinstance(error.orig, (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)):
        return Refused("Somebody else is changing the same records right now. Please try again.")
    return error


def fetch(model: type[M], key: int | None, what: str = "", *, lock: bool = False) -> M:
    """The row by its key, locked for writing where asked. Raises Missing."""
    found = None
    if key is not None:
        found = session().get(model, key, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise Missing(what or model.__name__.lower())
    return found


def check_version(record: Any, version: int | None) -> None:
    """Raise Stale where `version`, which the reader's form carried, is no longer the record's."""
    if version is not None and record.version != version:
        raise Stale(record)


def once(actor: Actor, key: str | None) -> Callable[[str], None]:
    """Take the form key for this transaction; the answer files what the form made.

    A second use waits for the first to end, then raises Duplicate with what the first made.
    """
    if not key:
        return lambda result: None
    key = key[:64].replace("\x00", "")
    taken = session().execute(
        insert(FormKey).values(key=key, actor_id=actor.id).on_conflict_do_nothing().returning(FormKey.key)
    )
    if taken.scalar() is None:
        raise Duplicate(session().scalar(select(FormKey.result).where(FormKey.key == key)))

    def file(result: str) -> None:
        row = session().get(FormKey, key)
        if row is not None:
            row.result = result

    return file
