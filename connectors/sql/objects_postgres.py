"""What a PostgreSQL database holds, by its own catalog and with the rights of the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.selection import Binding, Kind
from connectors.spi import ColumnDescription, ForeignKey, ObjectDescription
from connectors.sql.driver import Connection, object_text

KINDS: Mapping[str, Kind] = {
    "int2": Kind.INTEGER, "int4": Kind.INTEGER, "int8": Kind.BIGINT, "oid": Kind.BIGINT, "float4": Kind.FLOAT, "float8": Kind.FLOAT,
    "numeric": Kind.DECIMAL, "bool": Kind.BOOLEAN, "date": Kind.DATE, "timestamp": Kind.DATETIME, "timestamptz": Kind.DATETIME,
    "text": Kind.STRING, "varchar": Kind.STRING, "bpchar": Kind.STRING, "name": Kind.STRING, "citext": Kind.STRING, "uuid": Kind.STRING,
    "time": Kind.STRING, "timetz": Kind.STRING, "inet": Kind.STRING, "cidr": Kind.STRING, "macaddr": Kind.STRING, "macaddr8": Kind.STRING,
}  # fmt: skip
"""Type, as PostgreSQL's catalog names it → the kind that holds its every value."""
_SHOWN_ONLY = frozenset({"time", "timetz", "inet", "cidr", "macaddr", "macaddr8"})
"""Read as text, but compared by their own rules."""
_WHOLE_DIGITS = 18
"""Digits that 64 bits hold for certain."""

_TYPED = """WITH RECURSIVE base AS (SELECT oid, typname, typtype, typbasetype FROM pg_catalog.pg_type
  UNION ALL SELECT base.oid, n.typname, n.typtype, n.typbasetype FROM base JOIN pg_catalog.pg_type n ON n.oid = base.typbasetype WHERE base.typtype = 'd')
SELECT a.attrelid::bigint, a.attname, format_type(a.atttypid, a.atttypmod), NOT (a.attnotnull OR t.typnotnull), b.typname, b.typtype = 'e',
  CASE WHEN b.typname = 'numeric' THEN coalesce(nullif(a.atttypmod, -1), t.typtypmod) ELSE -1 END, coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN base b ON b.oid = a.atttypid AND b.typtype <> 'd'
WHERE a.attnum > 0 AND NOT a.attisdropped"""
"""Columns, domains with the type that they rest on. No part of it is younger than PostgreSQL 9.2, from which others descend."""
_DESCRIBE = f"{_TYPED} AND a.attrelid = to_regclass(concat(quote_ident($1) || '.', quote_ident($2))) ORDER BY a.attnum"
_COLUMNS = f"{_TYPED} AND a.attrelid >= 16384 AND has_column_privilege(a.attrelid, a.attnum, 'SELECT') ORDER BY a.attrelid, a.attnum"
"""Of everything that is not the system's own: 16384 is the first identifier that users' objects get."""
_OBJECTS = """SELECT c.oid::bigint, n.nspname, c.relname, c.relkind IN ('v', 'm'), coalesce(obj_description(c.oid, 'pg_class'), ''),
  has_schema_privilege(n.oid, 'USAGE'), has_any_column_privilege(c.oid, 'SELECT'),
  c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C\""""
_INDEXES = """SELECT i.indrelid::bigint, i.indisprimary, i.indisunique, array_agg(a.attname::text ORDER BY k.place)
FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
WHERE i.indisvalid AND i.indpred IS NULL AND k.place <= i.indnkeyatts AND i.indrelid >= 16384
GROUP BY i.indexrelid, i.indrelid, i.indisprimary, i.indisunique ORDER BY i.indexrelid"""
_FOREIGN = """SELECT k.conrelid::bigint, n.nspname, c.relname,
  array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(attnum, place), pg_attribute a
    WHERE a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY place),
  array(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(attnum, place), pg_attribute a
    WHERE a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY place)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY k.conrelid, k.conname"""

Rows = Sequence[Sequence[Any]]


async def described(connection: Connection, schema: str | None, name: str) -> Sequence[ColumnDescription]:
    """Columns of one table or view."""
    return [_column(*row) for _, *row in await connection.fetch(_DESCRIBE, [schema, name])]


async def listed(connection: Connection) -> Sequence[ObjectDescription]:
    """Tables, views, materialised views and foreign tables of all schemas but the system's; partitions are part of their table."""
    columns = _grouped(await connection.fetch(_COLUMNS, []))
    indexes = _grouped(await connection.fetch(_INDEXES, []))
    foreign = _grouped(await connection.fetch(_FOREIGN, []))
    rows = await connection.fetch(_OBJECTS, [])
    return [_object(row, columns.get(row[0], []), indexes.get(row[0], []), foreign.get(row[0], [])) for row in rows]


def _object(row: Sequence[Any], columns: Rows, indexes: Rows, foreign: Rows) -> ObjectDescription:
    _, schema, name, view, comment, usage, select, inherited = row
    binding = Binding(object_text(schema, name))
    if not usage:
        return ObjectDescription(binding, (), view, unreadable=f"the account has no USAGE on schema {schema}; grant it")
    if not select:
        return ObjectDescription(binding, (), view, unreadable="the account may not SELECT from it; grant it")
    plain = [each for each in indexes if None not in each[2]]
    keys = [] if inherited else plain
    primary = next((tuple(names) for is_primary, _, names in keys if is_primary), ())
    return ObjectDescription(
        binding,
        tuple(_column(*each) for each in columns),
        view,
        comment,
        primary,
        tuple(dict.fromkeys(tuple(names) for is_primary, unique, names in keys if unique and not is_primary)),
        tuple(ForeignKey(tuple(mine), object_text(to_schema, to_name), tuple(theirs)) for to_schema, to_name, mine, theirs in foreign),
        tuple(dict.fromkeys(names[0] for _, _, names in plain)),
        inherited,
    )


def _column(name: str, type_: str, nullable: bool, base: str, enum: bool, modifier: int, comment: str) -> ColumnDescription:
    kind = Kind.STRING if enum else KINDS.get(base)
    if base == "numeric" and _whole(modifier):
        kind = Kind.BIGINT
    return ColumnDescription(name, type_, nullable, kind, comment, compared=base not in _SHOWN_ONLY)


def _whole(modifier: int) -> bool:
    """``numeric(p, 0)`` of few digits: PostgreSQL keeps ``(p << 16 | scale) + 4``."""
    return modifier >= 4 and (modifier - 4) & 0x7FF == 0 and (modifier - 4) >> 16 <= _WHOLE_DIGITS


def _grouped(rows: Rows) -> dict[int, list[Sequence[Any]]]:
    """By their first value."""
    groups: dict[int, list[Sequence[Any]]] = {}
    for first, *rest in rows:
        groups.setdefault(first, []).append(rest)
    return groups
