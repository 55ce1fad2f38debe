"""Rows of a day in the control database: written where they differ, read back as they were rolled."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, func, insert, select

from hub.usage import tables
from hub.usage.figures import NAMES, Figures
from hub.usage.roll import Key, Row
from hub.usage.tables import KEY

_STEP = 500


def read_rows(connection: Connection, day: date) -> list[Row]:
    """The rows of a day, by key."""
    codes, discounts = (_beside(connection, table, day) for table in (tables.code, tables.discount))
    columns = [*(tables.line.c[name] for name in KEY), *(tables.day.c[name] for name in NAMES)]
    statement = select(tables.line.c.id, *columns).join(tables.day, tables.day.c.line == tables.line.c.id).where(tables.day.c.day == day.isoformat())
    made = []
    for number, *values in connection.execute(statement):
        key, figures = tuple(values[: len(KEY)]), Figures.of(values[len(KEY) :])
        made.append(Row(key, figures, codes.get(number, {}), discounts.get(number, {})))
    return sorted(made, key=lambda row: row.key)


def write_rows(connection: Connection, day: date, rows: Sequence[Row], before: Mapping[Key, Row]) -> None:
    """Writes the rows of a day that differ from those that were written ``before``, and takes away those that are no more. The caller holds the position's lock."""
    changed = [row for row in rows if before.get(row.key) != row]
    gone = before.keys() - {row.key for row in rows}
    if not changed and not gone:
        return
    numbers = _numbers(connection, [*(row.key for row in changed), *gone])
    text = day.isoformat()
    _forget(connection, text, [numbers[key] for key in (*(row.key for row in changed if row.key in before), *gone)])
    figures = [{"day": text, "line": numbers[row.key], **dict(zip(NAMES, row.figures.values(), strict=True))} for row in changed]
    codes = [{"day": text, "line": numbers[row.key], "code": code, "calls": calls} for row in changed for code, calls in row.codes.items()]
    taken = [{"day": text, "line": numbers[row.key], "rule": rule, "calls": calls} for row in changed for rule, calls in row.discounts.items()]
    for table, records in ((tables.day, figures), (tables.code, codes), (tables.discount, taken)):
        if records:
            connection.execute(insert(table), records)


def forget_day(connection: Connection, day: date) -> None:
    """Takes every row of a day away, whoever wrote it."""
    for table in (tables.day, tables.code, tables.discount):
        connection.execute(delete(table).where(table.c.day == day.isoformat()))


def state_of(connection: Connection, day: date) -> Mapping[str, Any] | None:
    """What is known of a day; ``None`` where nothing is."""
    found = connection.execute(select(tables.state).where(tables.state.c.day == day.isoformat())).mappings().first()
    return dict(found) if found else None


def _beside(connection: Connection, table: Table, day: date) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    _, number, name, calls = table.c
    for row in connection.execute(select(number, name, calls).where(table.c.day == day.isoformat()).order_by(number, name)):
        found.setdefault(row[0], {})[row[1]] = row[2]
    return found


def _forget(connection: Connection, day: str, numbers: Collection[int]) -> None:
    for some in _parts(numbers):
        for table in (tables.day, tables.code, tables.discount):
            connection.execute(delete(table).where(table.c.day == day, table.c.line.in_(some)))


def _numbers(connection: Connection, keys: Collection[Key]) -> dict[Key, int]:
    """The numbers of lines; those that were never called before get one."""
    by_hash = {_hash(key): key for key in keys}
    known: dict[Key, int] = {}
    for some in _parts(list(by_hash)):
        for found in connection.execute(select(tables.line.c.id, tables.line.c.key).where(tables.line.c.key.in_(some))):
            known[by_hash[found.key]] = found.id
    new = [(hashed, key) for hashed, key in by_hash.items() if key not in known]
    if new:
        first = connection.execute(select(func.coalesce(func.max(tables.line.c.id) + 1, 0))).scalar_one()
        records = [{"id": first + at, "key": hashed, **dict(zip(KEY, key, strict=True))} for at, (hashed, key) in enumerate(new)]
        connection.execute(insert(tables.line), records)
        known |= {key: first + at for at, (_, key) in enumerate(new)}
    return known


def _hash(key: Key) -> str:
    return hashlib.sha256(orjson.dumps(key)).hexdigest()


def _parts(whole: Collection[Any]) -> Iterable[list[Any]]:
    everything = list(whole)
    return (everything[at : at + _STEP] for at in range(0, len(everything), _STEP))
