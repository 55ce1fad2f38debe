"""What a SQLite file holds: tables and views by pragma, keys, and columns whose kind a sample tells."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import case, func, literal_column, select

from connectors.selection import Binding
from connectors.spi import ColumnDescription, ForeignKey, ObjectDescription
from connectors.sql.dialect_sqlite import SqliteDialect
from connectors.sql.driver import Connection, object_text
from connectors.sql.tables import named_table
from connectors.sql.types_sqlite import NOTHING, Seen, declared_kind, seen_kind

SAMPLED = 200
"""Rows of a table that are looked at."""
_TEXT = "40"
"""Characters of a value that are looked at."""
_VIEW_SECONDS = 0.5

_OBJECTS = """SELECT l.name, l.type, s.rowid FROM pragma_table_list AS l JOIN main.sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view')
WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY s.rowid"""
_COLUMNS = 'SELECT name, type, "notnull" = 0 AND pk = 0, pk FROM pragma_table_xinfo(?, ?) WHERE hidden IN (0, 2, 3) ORDER BY cid'
_INDEXES = """SELECT i.name, i."unique", x.seqno, x.cid, x.name FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS x
WHERE x.key AND NOT i.partial ORDER BY i.seq DESC, x.seqno"""
_FOREIGN = 'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq'


async def described(connection: Connection, schema: str | None, name: str) -> Sequence[ColumnDescription]:
    """Columns of one table or view, by their declared types."""
    rows = await connection.fetch(_COLUMNS, [name, schema or "main"])
    return [ColumnDescription(column, type_, bool(nullable), declared_kind(type_)) for column, type_, nullable, _ in rows]


async def listed(connection: Connection, errors: tuple[type[Exception], ...], seconds: float) -> Sequence[ObjectDescription]:
    """All of them; ``errors`` of one (a view of something that went) are its own. Views are sampled for ``seconds`` in all at most."""
    until = asyncio.get_running_loop().time() + seconds
    found = []
    for name, type_, _ in await connection.fetch(_OBJECTS, []):
        try:
            found.append(await _object(connection, str(name), type_ == "view", until))
        except errors as error:
            binding = Binding(object_text(None, str(name)))
            found.append(ObjectDescription(binding, (), type_ == "view", unreadable=f"SQLite cannot read its definition ({type(error).__name__})"))
    return _resolved(found)


async def _object(connection: Connection, name: str, view: bool, until: float) -> ObjectDescription:
    rows = await connection.fetch(_COLUMNS, [name, "main"])
    seen = await _seen(connection, name, [row[0] for row in rows], view, until)
    columns = tuple(ColumnDescription(column, type_, bool(nullable), seen_kind(type_, seen.get(column, NOTHING))) for column, type_, nullable, _ in rows)
    primary = tuple(column for column, _, _, place in sorted(rows, key=lambda row: row[3]) if place)
    unique, indexed = _indexes(await connection.fetch(_INDEXES, [name]))
    return ObjectDescription(
        Binding(object_text(None, name)),
        columns,
        view,
        primary_key=primary,
        unique_keys=tuple(key for key in unique if key != primary),
        foreign_keys=_foreign(await connection.fetch(_FOREIGN, [name])),
        indexed=tuple(dict.fromkeys(primary[:1] + indexed)),
    )


async def _seen(connection: Connection, name: str, columns: Sequence[str], view: bool, until: float) -> Mapping[str, Seen]:
    """A view may work for hours before its first row, so it is given a moment only."""
    moment = min(_VIEW_SECONDS, until - asyncio.get_running_loop().time()) if view else None
    if moment is not None and moment <= 0:
        return {}
    try:
        async with asyncio.timeout(moment):
            rows = await connection.fetch(_sample(name, columns), [])
    except TimeoutError:
        return {}
    return {column: _column_seen(rows, 2 * place) for place, column in enumerate(columns)}


def _sample(name: str, columns: Sequence[str]) -> str:
    """The storage class and the beginning of every value of the first rows."""
    source = named_table(Binding(object_text("main", name)), columns)
    # The limit is inside, so that SQLite computes no class of rows that are not looked at.
    first = (
        select(*(source.c[column].label(f"c{place}") for place, column in enumerate(columns)))
        .limit(literal_column(str(SAMPLED)))
        .offset(literal_column("0"))
        .subquery()
    )
    looked = [
        (func.typeof(column), case((func.typeof(column) != literal_column("'blob'"), func.substr(column, literal_column("1"), literal_column(_TEXT)))))
        for column in first.c
    ]
    return str(select(*(part.label(f"s{place}_{i}") for place, parts in enumerate(looked) for i, part in enumerate(parts))).compile(dialect=SqliteDialect.core))


def _column_seen(rows: Sequence[Sequence[Any]], place: int) -> Seen:
    there = [row for row in rows if row[place] != "null"]
    return Seen(frozenset(row[place] for row in there), [str(row[place + 1]) for row in there if row[place + 1] is not None])


def _indexes(rows: Sequence[Sequence[Any]]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Unique keys without expressions, and the first column of each index."""
    parts: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        parts.setdefault(row[0], []).append(row)
    plain = [each for each in parts.values() if all(cid >= 0 for _, _, _, cid, _ in each)]
    unique = [tuple(row[4] for row in each) for each in plain if each[0][1]]
    return list(dict.fromkeys(unique)), tuple(each[0][4] for each in plain)


def _foreign(rows: Sequence[Sequence[Any]]) -> tuple[ForeignKey, ...]:
    keys: dict[int, list[Sequence[Any]]] = {}
    for row in rows:
        keys.setdefault(row[0], []).append(row)
    return tuple(
        ForeignKey(tuple(row[2] for row in each), object_text(None, each[0][1]), tuple(row[3] for row in each if row[3] is not None)) for each in keys.values()
    )


def _resolved(found: Sequence[ObjectDescription]) -> list[ObjectDescription]:
    """SQLite compares names without regard to case, and a foreign key that names no columns means the other table's primary key."""
    by_name = {each.binding.object.lower(): each for each in found}
    return [replace(each, foreign_keys=tuple(_resolved_key(key, by_name) for key in each.foreign_keys)) for each in found]


def _resolved_key(key: ForeignKey, by_name: Mapping[str, ObjectDescription]) -> ForeignKey:
    target = by_name.get(key.to_object.lower())
    if target is None:
        return key
    names = {column.name.lower(): column.name for column in target.columns}
    wanted = key.to_columns or target.primary_key
    return ForeignKey(key.columns, target.binding.object, tuple(names.get(name.lower(), name) for name in wanted))
