"""One action on many rows: each row stands by itself, and what is refused says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from dashboard.operations.base import Actor, in_words, session, unit_of_work
from dashboard.operations.errors import OperationError, Stale


@dataclass(frozen=True)
class Refusal:
    """A row that was left as it was: its key, how staff know it, and the reason in their words."""

    id: int
    label: str
    reason: str


@dataclass
class BulkResult:
    done: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def each(
    actor: Actor,
    ids: Iterable[int],
    work: Callable[[int], object],
    *,
    label: Callable[[int], str] = str,
) -> BulkResult:
    """Run `work(id)` for every distinct id, in the order given.

    Outside a transaction each row commits by itself, so that locks are short and a later failure undoes
    nothing. Inside one each row has a savepoint, and the outer transaction decides. `label` is asked only
    for refused rows, after their rollback. Only refusals are caught; a fault in the code goes up.
    """
    result = BulkResult()
    for key in dict.fromkeys(ids):
        try:
            _one(actor, key, work)
        except OperationError as refusal:
            result.refused.append(Refusal(key, label(key), str(refusal)))
        else:
            result.done.append(key)
    return result


def _one(actor: Actor, key: int, work: Callable[[int], object]) -> None:
    current = session()
    if not current.info.get("unit_of_work"):
        with unit_of_work(actor):
            work(key)
        return
    try:
        with current.begin_nested():
            work(key)
    except StaleDataError as error:
        raise Stale(None) from error
    except DBAPIError as error:
        raise in_words(error) from error
