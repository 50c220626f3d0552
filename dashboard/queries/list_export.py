"""A filtered list as CSV, streamed by PostgreSQL's COPY: no row is ever held in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, String, case, cast, func, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine

from dashboard.extensions import db
from dashboard.queries.listing import Column, Listing, State, filtered, sort_of
from dashboard.rules.money import currencies, exponent

# A spreadsheet takes a text that begins like this for a formula, as in `documents.csv`.
FORMULA = "^[=+@\\t\\r\\n＝＋－＠-]"


def columns_of(listing: Listing, state: State) -> list[Column]:
    """What is exported, in order: the columns on screen, or all, and a currency column with any amount."""
    chosen = [listing.column(name) for name in state.columns] if state.columns else list(listing.columns)
    shown = [column for column in chosen if column is not None and column.exported]
    if any(column.kind == "money" for column in shown) and all(c.name != "currency" for c in shown):
        known = (*listing.columns, *listing.extra)
        shown.extend(column for column in known if column.name == "currency")
    return shown


def csv_chunks(listing: Listing, state: State) -> Iterator[bytes]:
    """The file, header first. A failure while reading breaks the stream: it never looks like a whole file.

    The query is put together at once, so that the pieces can be read after the request's context is gone.
    """
    return statement_chunks(_statement(listing, state, columns_of(listing, state)))


def statement_chunks(statement: Select[Any]) -> Iterator[bytes]:
    """The rows of any statement as a file; its labels are the headings."""
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    # `IN` lists must stand in the text: COPY is not run by SQLAlchemy, which would put them in.
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    copy = f"COPY ({compiled}) TO STDOUT WITH (FORMAT csv, HEADER true)"
    return _pieces(db.engine, copy, dict(compiled.construct_params()))


def _pieces(engine: Engine, copy: str, params: dict[str, Any]) -> Iterator[bytes]:
    connection: Any = engine.raw_connection()
    try:
        with connection.cursor() as cursor:
            yield b"\xef\xbb\xbf"
            with cursor.copy(copy, params) as stream:
                pending = bytearray()
                for piece in stream:
                    pending += piece
                    if len(pending) >= 65_536:
                        yield bytes(pending)
                        pending.clear()
                yield bytes(pending)
    finally:
        connection.close()


def _statement(listing: Listing, state: State, columns: list[Column]) -> Select[Any]:
    by_name = {column.name: column for column in (*listing.columns, *listing.extra)}
    cells = [_cell(column, by_name).label(column.label) for column in columns]
    column, descending = sort_of(listing, state)
    order = [column.expression.desc() if descending else column.expression.asc()]
    order.append(listing.key.desc() if descending else listing.key.asc())
    return filtered(listing, state, select(*cells)).order_by(*order)


def _cell(column: Column, by_name: dict[str, Column]) -> Any:
    expression = column.expression
    if column.kind == "money":
        currency = by_name.get(column.currency)
        return func.round(expression, _places(currency.expression)) if currency is not None else expression
    if column.kind in {"number", "percent"}:
        return expression
    if column.kind == "flag":
        return case((expression.is_(True), "yes"), else_="no")
    if column.kind == "date":
        return expression
    if column.kind == "moment":
        return func.to_char(func.timezone("UTC", expression), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    if column.kind == "tags":
        return safe(func.array_to_string(expression, ", "))
    if column.kind == "choice" and column.choices:
        labels = [(expression == value, literal(label)) for value, label in column.choices.items()]
        return case(*labels, else_=cast(expression, String))
    return safe(cast(expression, String))


def safe(text: Any) -> Any:
    return case((text.regexp_match(FORMULA), func.concat("'", text)), else_=text)


def _places(currency: Any) -> Any:
    odd = [(currency == code, exponent(code)) for code, _ in currencies() if exponent(code) != 2]
    return case(*odd, else_=2)
