"""Persons in households with a head, in one database: SQLite's or PostgreSQL's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from auth.decide import Rights
from auth.rights import GrantItem, GrantTerms, SharingClass, Shown
from connectors.selection import Binding
from connectors.spi import SourceConfig
from schema.model import Link, Resource, Snapshot
from tests.schema.city import DEPARTMENTS, EVERY, HOUSEHOLD, PERSON, PURPOSE, SCOPES, item, rights
from tests.schema.running import Hub

PEOPLE: list[tuple[Any, ...]] = [
    (1, "P1", "张三", "520102", "H1"),
    (2, "P2", "李四", "520102", "H1"),
    (3, "P3", "王五", "520103", "H2"),
    (4, "P4", "赵六", None, None),
    (5, "P5", "孙七", "520103", "H9"),
    (6, "P6", "周八", "520102", "H3"),
]
"""H9 does not exist."""
HOMES: list[tuple[Any, ...]] = [(1, "H1", "云岩区", 3, "P1"), (2, "H2", "南明区", None, "P3"), (3, "H3", None, 5, None)]
PLACE = Resource(
    **{
        **{
            name: getattr(HOUSEHOLD, name) for name in ("code", "department", "name", "plural", "source", "binding", "identifiers", "stable_key", "stable_kind")
        },
        "items": {each.code: each for each in (item("household_no", "no"), item("address", "addr"), item("members", "m"), item("head", "head"))},
        "links": (Link("head_person", "head", PERSON.code, "id_number"),),
        "sharing_class": SharingClass.CONDITIONAL,
        "operations": EVERY,
    }
)
WHO = replace(
    PERSON,
    items={each.code: each for each in (item("id_number", "id"), item("name", "nm"), item("district", "d"), item("household_no", "hh"))},
)


def clear(*codes: str) -> tuple[GrantItem, ...]:
    """Items granted in clear, as keys too where they identify."""
    return tuple(GrantItem(code, Shown.CLEAR, key=True) for code in codes)


def granted(resource: Resource, **changed: Any) -> GrantTerms:
    """A grant of a whole resource."""
    made = GrantTerms(f"grant-{resource.code}", resource.code, EVERY, clear(*resource.items), None, (PURPOSE,), True, False, 1000, "王局长")
    return replace(made, **changed)


def everything(person: GrantTerms | None = None, household: GrantTerms | None = None) -> Rights:
    """Both resources, unless told otherwise."""
    grants = [person or granted(WHO), household or granted(PLACE)]
    return rights(*grants, scopes=SCOPES | {f"{o.scope_prefix}:{PLACE.code}" for o in EVERY})


def hub_over(url: str, kind: str = "sql", schema: str = "", **opened: Any) -> Hub:
    """A hub over the two tables behind an address."""
    resources = [replace(each, binding=Binding(f"{schema}{each.binding.object}")) for each in (WHO, PLACE)]
    return Hub(Snapshot(1, DEPARTMENTS, {WHO.source: SourceConfig(WHO.source, kind, url)}, {each.code: each for each in resources}), **opened)


def write_sqlite(path: Path, people: Iterable[tuple[Any, ...]] = (), homes: Iterable[tuple[Any, ...]] = ()) -> str:
    """The two tables in a file; its address."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE person (pk INTEGER PRIMARY KEY, id TEXT, nm TEXT, d TEXT, hh TEXT)")
        connection.execute("CREATE TABLE household (pk INTEGER PRIMARY KEY, no TEXT, addr TEXT, m TEXT, head TEXT)")
        connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?)", people or PEOPLE)
        connection.executemany("INSERT INTO household VALUES (?, ?, ?, ?, ?)", homes or HOMES)
    return f"sqlite:///{path}"


async def write_postgres(url: str) -> str:
    """The two tables in a schema of their own; its name with a dot."""
    schema = f"s{uuid4().hex}"
    connect: Any = asyncpg.connect
    connection = await connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}")
        await connection.execute("CREATE TABLE person (pk bigint PRIMARY KEY, id text, nm text, d text, hh varchar(20))")
        await connection.execute("CREATE TABLE household (pk bigint PRIMARY KEY, no text, addr text, m text, head text)")
        await connection.executemany("INSERT INTO person VALUES ($1, $2, $3, $4, $5)", PEOPLE)
        await connection.executemany("INSERT INTO household VALUES ($1, $2, $3, $4, $5)", [(*h[:3], None if h[3] is None else str(h[3]), h[4]) for h in HOMES])
    finally:
        await connection.close()
    return f"{schema}."
