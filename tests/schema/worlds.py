"""Random catalogs with data in SQLite files, and random rights to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from auth.decide import Rights
from auth.rights import GrantItem, GrantTerms, OpenClass, Operation, Purpose, SharingClass, Shown
from connectors.selection import Binding, Kind, Value
from connectors.spi import SourceConfig
from connectors.sql.driver import object_name, object_text
from connectors.wire import utc_text
from masking.rules import DENY, parse_mask
from schema.filters import check_rows
from schema.model import Department, Item, Link, Resource, Snapshot
from schema.values import _MOST_TEXT
from tests.schema.dice import Dice

HOSTILE = (
    "a",
    "",
    "张三",
    "贵州省贵阳市云岩区中山路1号",
    "520102199001011237",
    'say "hi"',
    "it's",
    "back\\slash",
    "line\nbreak\ttab",
    "\x01\x1f\x7f",
    "a\x00b",
    "\u2028\u2029",
    "😀 emoji",
    "A",  # full width
    "ａ",
    " padded ",
    "%_[x]",
    "${x} {{y}}",
    "\uffff",
    "e\u0301",
    "</script>",
)
COLUMNS = ("plain", "Mixed Case", 'quo"te', "select", "列", "o0", "k", "semi;colon", "per%cent", "col:on", "a.b", "rowid2")
VALUES: Mapping[Kind, tuple[Any, ...]] = {
    Kind.STRING: HOSTILE,
    Kind.INTEGER: (0, 1, -1, 7, 2**31 - 1, -(2**31)),
    Kind.BIGINT: (0, 5, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)),
    Kind.FLOAT: (0.0, 1.5, -2.25, 1e300, 5e-324, 3.0),
    Kind.DECIMAL: ("0", "12.50", "-3.14159", "99999999999999.9", "12.5"),
    Kind.BOOLEAN: (0, 1),
    Kind.DATE: ("1990-01-01", "2000-02-29", "2026-11-22"),
    Kind.DATETIME: ("2026-11-22T08:00:00+08:00", "2026-11-22T00:00:00+00:00", "1999-12-31T23:59:59.123456+00:00"),
}
TYPES = {Kind.INTEGER: "INTEGER", Kind.BIGINT: "INTEGER", Kind.FLOAT: "REAL", Kind.BOOLEAN: "INTEGER"}
MASKS: Mapping[Kind, tuple[str, ...]] = {
    Kind.STRING: ("KEEP_FIRST_1_LAST_1", "NAME", "ADDRESS_TO_DISTRICT", "CONSTANT(***)", "NULL", "KEEP_FIRST_0_LAST_0"),
    Kind.DATE: ("DATE_TO_YEAR", "NULL"),
}
ITEM_CODES = ("id_number", "name", "birth_date", "a1", "x_2y", "flag", "amount", "note", "since", "serial_no")
KEY_KINDS = (Kind.STRING, Kind.BIGINT, Kind.INTEGER)
PURPOSE = Purpose("P1", "scenario", "basis")


@dataclass
class World:
    """A catalog, the rows behind it (by resource code; by source column), and where they lie."""

    snapshot: Snapshot
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def stored(self, resource: Resource, item: Item) -> list[Any]:
        """Values of an item that are stored, without nulls."""
        return [row[item.column] for row in self.rows[resource.code] if row[item.column] is not None]

    def write(self, directory: Path) -> Snapshot:
        """Writes every source's file; the snapshot with their addresses."""
        sources = {}
        for code in self.snapshot.sources:
            path = directory / f"{code}.db"
            path.unlink(missing_ok=True)
            with closing(sqlite3.connect(path)) as connection, connection:
                for resource in self.snapshot.resources.values():
                    if resource.source == code:
                        _write_table(connection, resource, self.rows[resource.code])
            sources[code] = SourceConfig(code, "sql", f"sqlite:///{path}")
        known = self.snapshot
        return Snapshot(known.number, known.departments, sources, known.resources)


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _write_table(connection: sqlite3.Connection, resource: Resource, rows: Sequence[Mapping[str, Any]]) -> None:
    kinds = {item.column: item.kind for item in resource.items.values()} | {resource.stable_key: resource.stable_kind}
    columns = ", ".join(f"{quoted(name)} {TYPES.get(kind, 'TEXT')}" for name, kind in kinds.items())
    table = quoted(object_name(resource.binding)[1])
    connection.execute(f"CREATE TABLE {table} ({columns})")
    places = ", ".join("?" for _ in kinds)
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", [[row[name] for name in kinds] for row in rows])


def make_world(dice: Dice, canaries: bool = False) -> World:
    """A catalog of one to three departments. With ``canaries`` every stored text and bigint is unlike every other."""
    departments = {code: Department(code, f"部门{code}", code.title()) for code in ("civil_affairs", "housing", "b2")[: dice.number(1, 3)]}
    resources: dict[str, Resource] = {}
    for code in departments:
        for short in ("person", "house_plot")[: dice.number(1, 2)]:
            made = _resource(dice, code, short)
            resources[made.code] = made
    linked = {code: _linked(dice, resource, resources) for code, resource in resources.items()}
    sources = {resource.source: SourceConfig(resource.source, "sql", "sqlite:///x") for resource in linked.values()}
    world = World(Snapshot(1, departments, sources, linked))
    for resource in linked.values():
        world.rows[resource.code] = _rows(dice, resource, canaries)
    _join_up(dice, world)
    return world


def _resource(dice: Dice, department: str, short: str) -> Resource:
    codes = dice.some(ITEM_CODES, 2, 6)
    columns = dice.some(COLUMNS, len(codes), len(codes))
    items = {code: _item(dice, code, column, i) for i, (code, column) in enumerate(zip(codes, columns, strict=True))}
    keys = [code for code, item in items.items() if item.kind in KEY_KINDS]
    identifiers = tuple(dice.some(keys, 1, 2)) if dice.chance(90) else ()
    stable, kind = "pk", dice.pick((Kind.BIGINT, Kind.STRING))
    sharing = dice.pick((*[SharingClass.CONDITIONAL] * 6, SharingClass.UNCONDITIONAL, SharingClass.UNCONDITIONAL, SharingClass.NOT_SHARED))
    operations = {Operation.QUERY, *dice.some(list(Operation))} if dice.chance(93) else {Operation.VERIFY}
    return Resource(
        code=f"{department}.{short}",
        department=department,
        name=f"资源{short}",
        plural=f"{short}s",
        source=f"{department}.{dice.pick(('db', 'db2'))}",
        binding=Binding(object_text(None, f'{short} tab"le')),
        identifiers=identifiers,
        stable_key=stable,
        stable_kind=kind,
        items=items,
        level=dice.pick(("PUBLIC", "INTERNAL")),
        cohort=dice.pick((None, 1, 2, 2, 3)),
        sharing_class=sharing,
        open_class=dice.pick((OpenClass.OPEN, OpenClass.CLOSED)),
        operations=frozenset(operations),
    )


def _item(dice: Dice, code: str, column: str, i: int) -> Item:
    kind = Kind.STRING if i == 0 else dice.pick((Kind.STRING, *Kind))
    labels = (None, None, *MASKS.get(kind, ("NULL",)), DENY)
    return Item(
        code=code,
        name=f"项{code}",
        kind=kind,
        column=column,
        sharing_class=SharingClass.NOT_SHARED if dice.chance(10) else None,
        marks=frozenset(dice.some(("sensitive", "quasi-identifier"))),
        filterable=dice.chance(75),
        low_cardinality=dice.chance(20),
        share_mask=dice.pick(labels),
        open_mask=dice.pick(labels),
    )


def _linked(dice: Dice, resource: Resource, resources: Mapping[str, Resource]) -> Resource:
    ends = [(other, key) for other in resources.values() for key in other.identifiers]
    links = []
    for i in range(dice.pick((1, 2, 0))):
        fitting = [(item, other, key) for item in resource.items.values() for other, key in ends if other.items[key].kind is item.kind]
        if fitting:
            item, other, key = dice.pick(fitting)
            links.append(Link(f"link_{i}", item.code, other.code, key))
    return replace(resource, links=tuple(links))


def _rows(dice: Dice, resource: Resource, canaries: bool) -> list[dict[str, Any]]:
    unique = {resource.items[code].column for code in resource.identifiers}
    keys = {resource.items[link.item].column for link in resource.links} | unique
    made: list[dict[str, Any]] = []
    for number in range(dice.pick((4, 3, 5, 1, 0))):
        row: dict[str, Any] = {resource.stable_key: number if resource.stable_kind is Kind.BIGINT else f"{chr(0x4E00 + number)}'{number}"}
        for place, item in enumerate(resource.items.values()):
            row[item.column] = (
                _canary(resource, item, place, number, dice) if canaries else _value(dice, item, made, item.column in unique, item.column in keys)
            )
        made.append(row)
    return made


def _value(dice: Dice, item: Item, before: Sequence[Mapping[str, Any]], unique: bool, key: bool) -> Any:
    if dice.chance(20):
        return None
    value = dice.pick([each for each in VALUES[item.kind] if not (key and "\0" in str(each))])  # SQLite's JSON, in which keys travel, ends a text at NUL
    return None if unique and any(row[item.column] == value for row in before) else value


def _canary(resource: Resource, item: Item, place: int, number: int, dice: Dice) -> Any:
    seed = abs(hash_of(resource.code)) % 10_000
    if item.kind is Kind.STRING:
        return f"canary-{seed}-{place}-{number}-end"
    if item.kind is Kind.BIGINT:
        # Scattered: the average of numbers in a row is one of them.
        return 7_000_000_000_000_000 + int.from_bytes(sha256(f"{resource.code} {place} {number}".encode()).digest()[:6])
    return dice.pick(VALUES[item.kind])


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return sum(ord(c) * (i + 31) * 17 for i, c in enumerate(text))


def _join_up(dice: Dice, world: World) -> None:
    """Makes most links lead somewhere."""
    for resource in world.snapshot.resources.values():
        for link in resource.links:
            target = world.snapshot.resources[link.to_resource]
            ends = world.stored(target, target.items[link.to_item])
            own = resource.items[link.item]
            if not ends or own.code in resource.identifiers:
                continue
            for row in world.rows[resource.code]:
                if dice.chance(85):
                    row[own.column] = dice.pick(ends)


def make_rights(dice: Dice, world: World) -> Rights:
    """The public, or an application with scopes and grants."""
    if dice.chance(8):
        return Rights(None, None, frozenset())
    scopes = {f"{o.scope_prefix}:unconditional" for o in Operation if dice.chance(93)}
    grants: dict[str, GrantTerms] = {}
    for resource in world.snapshot.resources.values():
        if dice.chance(90):
            grants[resource.code] = _grant(dice, world, resource)
        scopes |= {f"{o.scope_prefix}:{resource.code}" for o in Operation if dice.chance(93)}
    return Rights("app", "housing", frozenset(scopes), (PURPOSE,), grants)


def _grant(dice: Dice, world: World, resource: Resource) -> GrantTerms:
    items = tuple(_grant_item(dice, resource.items[code]) for code in dice.some(list(resource.items), len(resource.items) - 1))
    return GrantTerms(
        grant=f"grant-{resource.code}",
        resource=resource.code,
        operations=frozenset([Operation.QUERY, *dice.some(list(Operation))] if dice.chance(93) else [Operation.VERIFY]),
        items=items,
        rows=check_rows(resource, make_condition(dice, world, resource)) if dice.chance(50) else None,
        purposes=(PURPOSE,),
        per_claim=dice.chance(50),
        discloses_existence=dice.chance(50),
        page_limit=dice.pick((1000, 3)),
        approver="approver",
    )


def _grant_item(dice: Dice, item: Item) -> GrantItem:
    shown = dice.pick((Shown.CLEAR, Shown.CLEAR, Shown.MASKED, Shown.ABSENT))
    mask = dice.pick((None, *(parse_mask(label) for label in MASKS.get(item.kind, ("NULL",))))) if shown is Shown.MASKED else None
    return GrantItem(item.code, shown, key=dice.chance(75), mask=mask)


def wire_values(world: World, resource: Resource, item: Item) -> list[Value]:
    """Values worth comparing an item with, as callers write them: those stored that a filter takes, and others."""
    values = [*world.stored(resource, item), *VALUES[item.kind]]
    match item.kind:
        case Kind.BOOLEAN:
            return [True, False]
        case Kind.DATETIME:
            return [utc_text(value) for value in values]
        case Kind.STRING:
            return [value for value in values if "\0" not in value and len(value) <= _MOST_TEXT] or ["a"]
    return list(values)


def make_condition(dice: Dice, world: World, resource: Resource, depth: int = 0) -> dict[str, Any]:
    """A row condition on any item, seen or not."""
    if depth < 2 and dice.chance(30):
        inner = [make_condition(dice, world, resource, depth + 1) for _ in range(dice.number(1, 2))]
        name = dice.pick(("or", "and", "not"))
        return {name: inner[0] if name == "not" else inner}
    item = resource.items[dice.pick(list(resource.items))]
    return {item.code: make_comparison(dice, wire_values(world, resource, item), item.kind)}


def make_comparison(dice: Dice, values: Sequence[Value], kind: Kind) -> dict[str, Any]:
    """One or two comparisons of an item's filter."""
    names = ["eq", "ne", "isNull"]
    if kind is not Kind.BOOLEAN:
        names += ["in", "notIn"]
    if kind is Kind.STRING:
        names.append("startsWith")
    elif kind is not Kind.BOOLEAN:
        names += ["gt", "gte", "lt", "lte"]
    made: dict[str, Any] = {}
    for name in dice.some(names, 1, 2):
        if name == "isNull":
            made[name] = dice.chance(50)
        elif name in ("in", "notIn"):
            made[name] = [dice.pick(values) for _ in range(dice.number(1, 3))]
        else:
            made[name] = dice.pick(values)
    return made


def text_of(value: Any) -> str:
    """JSON for messages."""
    return json.dumps(value, ensure_ascii=True, default=str)
