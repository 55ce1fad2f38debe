"""What a database of MariaDB or MySQL holds, by information_schema, which shows what the account has rights on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from connectors.selection import Binding, Kind
from connectors.spi import ColumnDescription, ForeignKey, ObjectDescription
from connectors.sql.driver import Connection, object_text

_KINDS: Mapping[str, Kind] = {
    "tinyint": Kind.INTEGER, "smallint": Kind.INTEGER, "mediumint": Kind.INTEGER, "int": Kind.INTEGER, "bigint": Kind.BIGINT, "year": Kind.INTEGER,
    "float": Kind.FLOAT, "double": Kind.FLOAT, "decimal": Kind.DECIMAL, "date": Kind.DATE, "datetime": Kind.DATETIME, "timestamp": Kind.DATETIME,
    "char": Kind.STRING, "varchar": Kind.STRING, "tinytext": Kind.STRING, "text": Kind.STRING, "mediumtext": Kind.STRING, "longtext": Kind.STRING,
    "enum": Kind.STRING, "set": Kind.STRING, "uuid": Kind.STRING, "time": Kind.STRING, "inet4": Kind.STRING, "inet6": Kind.STRING,
}  # fmt: skip
_SHOWN_ONLY = frozenset({"time", "set", "inet4", "inet6", "uuid"})
"""Read as text, but compared by their own rules."""
_WHOLE_DIGITS = 18
"""Digits that 64 bits hold for certain."""

_TYPED = """SELECT table_name, column_name, column_type, is_nullable = 'YES', data_type, numeric_precision, numeric_scale, column_comment, extra LIKE '%auto_increment%'
FROM information_schema.columns WHERE table_schema = """
_DESCRIBE = f"{_TYPED} COALESCE(?, DATABASE()) AND table_name = ? ORDER BY ordinal_position"
_COLUMNS = f"{_TYPED} DATABASE() ORDER BY table_name, ordinal_position"
_OBJECTS = """SELECT table_name, table_type LIKE '%VIEW', table_comment FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') ORDER BY CAST(table_name AS BINARY)"""
_INDEXES = """SELECT table_name, index_name, non_unique = 0, column_name, sub_part IS NULL FROM information_schema.statistics
WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index"""
_FOREIGN = """SELECT table_name, constraint_name, referenced_table_schema <> DATABASE(), referenced_table_schema, referenced_table_name, column_name,
  referenced_column_name
FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
ORDER BY table_name, constraint_name, ordinal_position"""
_COUNTED_ELSEWHERE = """SELECT k.column_name FROM information_schema.key_column_usage k JOIN information_schema.columns c
  ON c.table_schema = k.referenced_table_schema AND c.table_name = k.referenced_table_name AND c.column_name = k.referenced_column_name
WHERE k.table_schema = COALESCE(?, DATABASE()) AND k.table_name = ? AND c.extra LIKE '%auto_increment%'"""
_BIG = "bigint"

Rows = Sequence[Sequence[Any]]


async def described(connection: Connection, schema: str | None, name: str) -> Sequence[ColumnDescription]:
    """Columns of one table or view."""
    rows = await connection.fetch(_DESCRIBE, [schema, name])
    referring = {column for (column,) in await connection.fetch(_COUNTED_ELSEWHERE, [schema, name])} if any(map(_unsigned, rows)) else set()
    return [_column(row[1:], referring) for row in rows]


async def listed(connection: Connection) -> Sequence[ObjectDescription]:
    """Tables and views of the database that the session is in."""
    columns = _grouped(await connection.fetch(_COLUMNS, []))
    indexes = _grouped(await connection.fetch(_INDEXES, []))
    foreign = _grouped(await connection.fetch(_FOREIGN, []))
    counters = {(table, row[0]) for table, rows in columns.items() for row in rows if row[-1]}
    rows = await connection.fetch(_OBJECTS, [])
    return [_object(row, columns.get(row[0], []), indexes.get(row[0], []), foreign.get(row[0], []), counters) for row in rows]


def _object(row: Sequence[Any], columns: Rows, indexes: Rows, foreign: Rows, counters: Set[tuple[str, str]]) -> ObjectDescription:
    name, view, comment = row
    referring = {column for _, elsewhere, _, table, column, there in foreign if not elsewhere and (table, there) in counters}
    binding = Binding(object_text(None, name))
    if not columns:
        reason = "its columns cannot be told; grant SELECT on the tables under the view" if view else "the account may not SELECT from it; grant it"
        return ObjectDescription(binding, (), bool(view), unreadable=reason)
    keys = _keys(indexes)
    return ObjectDescription(
        binding,
        tuple(_column(each, referring) for each in columns),
        bool(view),
        "" if view and comment == "VIEW" else comment,
        keys.get("PRIMARY", ()),
        tuple(dict.fromkeys(names for index, names in keys.items() if index != "PRIMARY")),
        _foreign(foreign),
        tuple(dict.fromkeys(each[2] for each in indexes if _first(indexes, each))),
    )


def _keys(indexes: Rows) -> dict[str, tuple[str, ...]]:
    """Unique indexes over whole columns, by their names."""
    keys: dict[str, tuple[str, ...]] = {}
    broken = {index for index, _, column, whole in indexes if column is None or not whole}
    for index, unique, column, _ in indexes:
        if unique and index not in broken:
            keys[index] = (*keys.get(index, ()), column)
    return keys


def _first(indexes: Rows, each: Sequence[Any]) -> bool:
    return each[2] is not None and each is next(other for other in indexes if other[0] == each[0])


def _foreign(rows: Rows) -> tuple[ForeignKey, ...]:
    keys: dict[str, ForeignKey] = {}
    for constraint, elsewhere, schema, table, column, there in rows:
        known = keys.get(constraint) or ForeignKey((), object_text(schema if elsewhere else None, table), ())
        keys[constraint] = ForeignKey((*known.columns, column), known.to_object, (*known.to_columns, there))
    return tuple(keys.values())


def _unsigned(row: Sequence[Any]) -> bool:
    return row[4] == _BIG and "unsigned" in row[2]


def _column(row: Sequence[Any], referring: Set[str]) -> ColumnDescription:
    """``referring``: columns with foreign keys to counters. No counter reaches what 63 bits do not hold, so both are ``bigint``, and can be keys."""
    name, type_, nullable, base, precision, scale, comment, counter = row
    kind = _KINDS.get(base)
    if type_.startswith(("tinyint(1)", "bit(1)")):
        kind = Kind.BOOLEAN
    elif base == _BIG and "unsigned" in type_ and not counter and name not in referring:
        kind = Kind.DECIMAL
    elif (base == "int" and "unsigned" in type_) or (base == "decimal" and scale == 0 and (precision or 0) <= _WHOLE_DIGITS):
        kind = Kind.BIGINT
    return ColumnDescription(name, type_, bool(nullable), kind, comment or "", compared=base not in _SHOWN_ONLY)


def _grouped(rows: Rows) -> dict[str, list[Sequence[Any]]]:
    """By their first value."""
    groups: dict[str, list[Sequence[Any]]] = {}
    for first, *rest in rows:
        groups.setdefault(first, []).append(rest)
    return groups
