"""A small fixed catalog with rows in memory, for tests of one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from auth.decide import Rights
from auth.rights import GrantItem, GrantTerms, OpenClass, Operation, Purpose, SharingClass, Shown
from connectors.errors import SourceUnavailable
from connectors.local import answer, needed_columns
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, SourceCheck, SourceConfig
from schema.model import Department, Item, Link, Resource, Snapshot
from tests.schema.running import Hub

PURPOSE = Purpose("rent", "公租房审核", "条例第十条")
EVERY = frozenset(Operation)

PERSONS = [
    {"pk": 1, "id": "11010519491231002X", "nm": "张三", "g": "1", "b": "1949-12-31", "ph": "13800000001", "d": "520102", "hh": "H1"},
    {"pk": 2, "id": "520102199001011237", "nm": "李四", "g": "2", "b": "1990-01-01", "ph": "13800000002", "d": "520102", "hh": "H1"},
    {"pk": 3, "id": "440524188001010014", "nm": "王五", "g": None, "b": None, "ph": None, "d": "520103", "hh": None},
]
HOUSEHOLDS = [{"pk": 1, "no": "H1", "addr": "云岩区"}, {"pk": 2, "no": "H2", "addr": "南明区"}]


def item(code: str, column: str, kind: Kind = Kind.STRING, **more: Any) -> Item:
    """An item, filterable unless told otherwise."""
    return Item(code, code, kind, column, **{"filterable": True, **more})


PERSON = Resource(
    code="civil_affairs.person",
    department="civil_affairs",
    name="常住人口",
    plural="persons",
    source="civil_affairs.db",
    binding=Binding("person"),
    identifiers=("id_number",),
    stable_key="pk",
    stable_kind=Kind.BIGINT,
    items={
        each.code: each
        for each in (
            item("id_number", "id", validator="resident_id"),
            item("name", "nm"),
            item("gender", "g", low_cardinality=True),
            item("birth_date", "b", Kind.DATE),
            item("phone", "ph", share_mask="KEEP_FIRST_3_LAST_4"),
            item("district", "d"),
            item("household_no", "hh"),
        )
    },
    links=(Link("household", "household_no", "civil_affairs.household", "household_no"),),
    sharing_class=SharingClass.CONDITIONAL,
    operations=EVERY,
    cohort=1,
)
HOUSEHOLD = Resource(
    code="civil_affairs.household",
    department="civil_affairs",
    name="户籍",
    plural="households",
    source="civil_affairs.db",
    binding=Binding("household"),
    identifiers=("household_no",),
    stable_key="pk",
    stable_kind=Kind.BIGINT,
    items={each.code: each for each in (item("household_no", "no"), item("address", "addr"))},
    sharing_class=SharingClass.UNCONDITIONAL,
    open_class=OpenClass.CLOSED,
    operations=EVERY,
    cohort=1,
)
SECRET = replace(HOUSEHOLD, code="housing.secret", department="housing", plural="secrets", sharing_class=SharingClass.NOT_SHARED)
DEPARTMENTS = {code: Department(code, code) for code in ("civil_affairs", "housing")}
SNAPSHOT = Snapshot(
    1, DEPARTMENTS, {"civil_affairs.db": SourceConfig("civil_affairs.db", "memory", "memory:")}, {r.code: r for r in (PERSON, HOUSEHOLD, SECRET)}
)


def grant(**changed: Any) -> GrantTerms:
    """A grant of persons: names, districts, births in clear; ID numbers as key; phones masked."""
    items = (
        GrantItem("id_number", Shown.ABSENT, key=True),
        GrantItem("name", Shown.CLEAR),
        GrantItem("gender", Shown.CLEAR),
        GrantItem("birth_date", Shown.CLEAR),
        GrantItem("phone", Shown.MASKED),
        GrantItem("district", Shown.CLEAR),
        GrantItem("household_no", Shown.ABSENT, key=True),
    )
    made = GrantTerms("grant-1", PERSON.code, EVERY, items, None, (PURPOSE,), True, False, 1000, "王局长")
    return replace(made, **changed)


SCOPES = frozenset(f"{o.scope_prefix}:{target}" for o in Operation for target in ("unconditional", PERSON.code))


def rights(*grants: GrantTerms, scopes: frozenset[str] = SCOPES) -> Rights:
    """An application's rights."""
    return Rights("app", "housing", scopes, (PURPOSE,), {g.resource: g for g in grants})


@dataclass
class Asked:
    """One call of a source."""

    method: str
    selection: Selection
    values: tuple[Value, ...] = ()


class MemorySource:
    """Rows in memory, read by the hub's own evaluator; notes every call. ``down`` makes it fail."""

    capabilities = Capabilities(frozenset(), False, frozenset(), False, 1000)

    def __init__(self, tables: Mapping[str, Sequence[Mapping[str, Value]]]) -> None:
        self.tables = tables
        self.asked: list[Asked] = []
        self.down = False

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        self._note("fetch", selection)
        return self._answer(selection, parameters)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        self._note("fetch_by_keys", selection, tuple(values))
        found = {}
        for value in values:
            same = Compare(key.name, key.kind, Comparison.EQ, "the key")
            where = Every((same, selection.where)) if selection.where else same
            rows = self._answer(replace(selection, where=where), {**parameters, "the key": value})
            if rows:
                found[value] = rows
        return found

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        self._note("count", selection)
        return len(self._answer(Selection(selection.binding, (), selection.where), parameters))

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        return []

    async def objects(self) -> Sequence[ObjectDescription]:
        return []

    def as_of(self, binding: Binding) -> datetime | None:
        return None

    async def check(self) -> SourceCheck:
        return SourceCheck(ok=not self.down)

    async def close(self) -> None:
        return None

    def _note(self, method: str, selection: Selection, values: tuple[Value, ...] = ()) -> None:
        self.asked.append(Asked(method, selection, values))
        if self.down:
            raise SourceUnavailable("civil_affairs.db", "not reachable")

    def _answer(self, selection: Selection, parameters: Parameters) -> list[Row]:
        columns = needed_columns(selection)
        rows = [tuple(row[c.name] for c in columns) for row in self.tables[selection.binding.object]]
        return answer(selection, parameters, columns, rows)


def city() -> tuple[Hub, MemorySource]:
    """A hub over the persons and households, and its source."""
    source = MemorySource({"person": PERSONS, "household": HOUSEHOLDS})
    return Hub(SNAPSHOT, opened={"civil_affairs.db": source}), source
