"""How links are looked up: one call for each level and identifier, side by side where they need nothing of each other, to a bounded depth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from auth.decide import Rights
from auth.rights import GrantItem, GrantTerms, Operation, SharingClass, Shown
from connectors.selection import Column, Kind, Row, Selection, Value
from connectors.spi import Parameters
from masking.rules import DENY, parse_mask
from schema.budget import Budget
from schema.faults import Code, Fault
from schema.model import Link, Resource, Snapshot
from tests.schema.city import DEPARTMENTS, MemorySource
from tests.schema.linked import HOMES, PEOPLE, PLACE, WHO, clear, everything, granted
from tests.schema.running import Hub, told

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
ROWS: Mapping[str, Any] = {
    "person": [dict(zip(("pk", "id", "nm", "d", "hh"), row, strict=True)) for row in PEOPLE],
    "household": [dict(zip(("pk", "no", "addr", "m", "head"), row, strict=True)) for row in HOMES],
}


def over(**sources: MemorySource) -> Hub:
    """A hub whose households lie in ``homes`` where that is given, else with the persons in ``db``."""
    place = replace(PLACE, source="civil_affairs.homes") if "homes" in sources else PLACE
    who = replace(WHO, links=(*WHO.links, Link("same_person", "id_number", WHO.code, "id_number")))
    return Hub(Snapshot(1, DEPARTMENTS, {}, {WHO.code: who, PLACE.code: place}), opened={f"civil_affairs.{name}": each for name, each in sources.items()})


def calls(*sources: MemorySource) -> list[str]:
    return sorted(f"{asked.method} {asked.selection.binding.object}" for source in sources for asked in source.asked)


def listed(selection: str) -> str:
    return f"{{ civilAffairs {{ persons {{ {selection} }} }} }}"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("nodes { a: household { address } b: household { members } }", ["household"]),
        ("nodes { household { address } } edges { node { household { members } x: household { householdNo } } }", ["household"]),
        ("nodes { household { headPerson { name } } b: household { headPerson { district } } }", ["household", "person"]),
        (
            "nodes { household { headPerson { name } } samePerson { household { headPerson { district } } } }",
            ["household", "household", "person", "person", "person"],
        ),
        ("nodes { samePerson { name household { address } } household { headPerson { household { members } } } }", ["household"] * 3 + ["person"] * 2),
        ("nodes { a: samePerson { a: household { address } } b: samePerson { b: household { members } } }", ["household", "person"]),
    ],
)
async def test_one_call_for_each_level_and_identifier(selection: str, expected: list[str]) -> None:
    source = MemorySource(ROWS)
    answer = await over(db=source).ask(everything(), listed(selection))
    assert not answer.errors
    assert calls(source) == sorted(["fetch person", *(f"fetch_by_keys {name}" for name in expected)])
    assert all(len(set(asked.values)) == len(asked.values) for asked in source.asked), "each key is asked once"


@pytest.mark.parametrize("aliases", [1, 5, 20])
async def test_calls_grow_neither_with_rows_nor_with_aliases(aliases: int) -> None:
    rows = [{**ROWS["person"][0], "pk": i, "hh": f"H{i % 3}"} for i in range(50 * aliases)]
    source = MemorySource({**ROWS, "person": rows})
    fields = " ".join(f"a{i}: household {{ address }}" for i in range(aliases))
    answer = await over(db=source).ask(everything(), f"{{ civilAffairs {{ persons(first: 900) {{ nodes {{ {fields} }} }} }} }}")
    assert not answer.errors
    assert calls(source) == ["fetch person", "fetch_by_keys household"]


async def test_aliases_show_what_each_asked_for() -> None:
    source = MemorySource(ROWS)
    text = "{ civilAffairs { persons(first: 4) { nodes { a: household { address } b: household { members address2: address } } } } }"
    answer = await over(db=source).ask(everything(), text)
    assert answer.data["civilAffairs"]["persons"]["nodes"] == [
        {"a": {"address": "云岩区"}, "b": {"members": 3, "address2": "云岩区"}},
        {"a": {"address": "云岩区"}, "b": {"members": 3, "address2": "云岩区"}},
        {"a": {"address": "南明区"}, "b": {"members": None, "address2": "南明区"}},
        {"a": None, "b": None},
    ]


class Meeting(MemorySource):
    """Answers look-ups only when as many as are expected are under way at once."""

    def __init__(self, tables: Mapping[str, Any], meeting: asyncio.Barrier) -> None:
        super().__init__(tables)
        self.meeting = meeting

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        await self.meeting.wait()
        return await super().fetch_by_keys(selection, parameters, key, values)


async def test_links_of_one_level_into_two_sources_run_side_by_side() -> None:
    meeting = asyncio.Barrier(2)
    persons, homes = Meeting(ROWS, meeting), Meeting(ROWS, meeting)
    async with asyncio.timeout(10):
        answer = await over(db=persons, homes=homes).ask(everything(), listed("nodes { samePerson { name } household { address } }"))
    assert not answer.errors
    assert calls(persons) == ["fetch person", "fetch_by_keys person"]
    assert calls(homes) == ["fetch_by_keys household"]


class Gated(MemorySource):
    """Answers look-ups only when the gate is open."""

    def __init__(self, tables: Mapping[str, Any], gate: asyncio.Event) -> None:
        super().__init__(tables)
        self.gate = gate

    async def fetch_by_keys(self, *args: Any) -> Any:
        await self.gate.wait()
        return await super().fetch_by_keys(*args)


class Opening(MemorySource):
    """Opens the gate with its second look-up."""

    def __init__(self, tables: Mapping[str, Any], gate: asyncio.Event) -> None:
        super().__init__(tables)
        self.gate = gate

    async def fetch_by_keys(self, *args: Any) -> Any:
        found = await super().fetch_by_keys(*args)
        if len(self.asked) == 3:
            self.gate.set()
        return found


async def test_a_level_waits_only_for_the_rows_that_hold_its_keys() -> None:
    """The second level of one path runs while the first of another still waits."""
    gate = asyncio.Event()
    persons, homes = Opening(ROWS, gate), Gated(ROWS, gate)
    text = listed("nodes { household { address } samePerson { samePerson { name } } }")
    async with asyncio.timeout(10):
        answer = await over(db=persons, homes=homes).ask(everything(), text)
    assert not answer.errors
    assert answer.data["civilAffairs"]["persons"]["nodes"][0] == {"household": {"address": "云岩区"}, "samePerson": {"samePerson": {"name": "张三"}}}


async def test_a_failed_link_leaves_the_other_paths_whole() -> None:
    persons, homes = MemorySource(ROWS), MemorySource(ROWS)
    homes.down = True
    text = listed("nodes { a: household { headPerson { name } } samePerson { household { address } samePerson { name } } }")
    answer = await over(db=persons, homes=homes).ask(everything(), text)
    nodes = answer.data["civilAffairs"]["persons"]["nodes"]
    assert [node["samePerson"]["samePerson"]["name"] for node in nodes] == [row[2] for row in PEOPLE]
    keyed = [i for i, row in enumerate(PEOPLE) if row[4]]
    at = ("civilAffairs", "persons", "nodes")
    assert told(answer) == sorted(
        [((*at, i, "a"), "SOURCE_UNAVAILABLE") for i in keyed] + [((*at, i, "samePerson", "household"), "SOURCE_UNAVAILABLE") for i in keyed], key=str
    )


async def test_a_key_that_does_not_fit_its_type_is_told_of_for_the_item_and_for_the_link() -> None:
    places = {**PLACE.items, "household_no": replace(PLACE.items["household_no"], kind=Kind.INTEGER)}
    whos = {**WHO.items, "household_no": replace(WHO.items["household_no"], kind=Kind.INTEGER)}
    rows = {"person": [{**ROWS["person"][0], "hh": 2**40}], "household": [{**ROWS["household"][0], "no": 2**40}]}
    hub = over(db=MemorySource(rows))
    hub.snapshot = replace(hub.snapshot, resources={WHO.code: replace(WHO, items=whos), PLACE.code: replace(PLACE, items=places)})
    answer = await hub.ask(everything(), listed("nodes { householdNo household { address } name }"))
    assert answer.data["civilAffairs"]["persons"]["nodes"] == [{"householdNo": None, "household": None, "name": "张三"}]
    assert told(answer) == [(("civilAffairs", "persons", "nodes", 0, name), "SOURCE_VALUE") for name in ("household", "householdNo")]


LEVELS = Budget().depth - 4
"""Links below a list: department, list, nodes and the item at the end take four of the levels that a document may have."""


@pytest.mark.parametrize(("levels", "refused"), [(LEVELS, False), (LEVELS + 1, True)])
async def test_links_are_followed_to_a_stated_depth(levels: int, refused: bool) -> None:
    source = MemorySource(ROWS)
    text = listed("nodes { " + "samePerson { " * levels + "name" + " }" * levels + " }")
    if refused:
        with pytest.raises(Fault) as fault:
            await over(db=source).ask(everything(), text)
        assert fault.value.code is Code.QUERY_BUDGET
        assert not source.asked
        return
    answer = await over(db=source).ask(everything(), text)
    assert not answer.errors
    assert len(source.asked) == 1 + levels


async def test_the_condition_of_the_targets_grant_holds_on_every_level() -> None:
    rights = everything(person=granted(WHO, rows='{"district":{"eq":"520102"}}'))
    text = "{ civilAffairs { households { nodes { headPerson { name samePerson { name } } } } } }"
    answer = await over(db=MemorySource(ROWS)).ask(rights, text)
    assert [node["headPerson"] and node["headPerson"]["samePerson"] for node in answer.data["civilAffairs"]["households"]["nodes"]] == [
        {"name": "张三"},
        None,
        None,
    ]


KEY = GrantItem("household_no", Shown.ABSENT, key=True)
NULLED = parse_mask("NULL")


@pytest.mark.parametrize(
    ("person", "household", "there"),
    [
        (granted(WHO), granted(PLACE), True),
        (granted(WHO, items=(*clear("name"), KEY)), granted(PLACE, items=(*clear("address"), KEY)), True),
        (granted(WHO, items=(*clear("name"), replace(KEY, value=Shown.MASKED, mask=NULLED))), granted(PLACE), True),
        (granted(WHO, items=(*clear("name"), replace(KEY, value=Shown.MASKED, mask=NULLED, key=False))), granted(PLACE), False),
        (granted(WHO, items=clear("name")), granted(PLACE), False),
        (granted(WHO), granted(PLACE, items=clear("address")), False),
        (granted(WHO), granted(PLACE, items=(*clear("address"), replace(KEY, key=False))), False),
        (granted(WHO), granted(PLACE, operations=frozenset({Operation.VERIFY})), False),
        (granted(WHO), None, False),
    ],
    ids=[
        "clear",
        "keys alone",
        "masked key",
        "masked",
        "absent",
        "target's key absent",
        "target's key denied",
        "target's rows not granted",
        "target not granted",
    ],
)
async def test_a_link_exists_only_where_the_grants_give_the_key_at_both_ends(person: GrantTerms, household: GrantTerms | None, there: bool) -> None:
    known = everything(person, household)
    caller = known if household else replace(known, grants={WHO.code: person})
    assert ("household" in linked_fields(over(db=MemorySource(ROWS)), caller)) is there


@pytest.mark.parametrize(
    "target",
    [
        None,
        replace(PLACE, identifiers=()),
        replace(PLACE, sharing_class=SharingClass.NOT_SHARED),
        replace(PLACE, items={**PLACE.items, "household_no": replace(PLACE.items["household_no"], kind=Kind.BIGINT)}),
        replace(PLACE, items={**PLACE.items, "household_no": replace(PLACE.items["household_no"], share_mask=DENY)}),
    ],
    ids=["not published", "no identifier", "not shared", "other type", "denied in the catalog"],
)
async def test_a_link_exists_only_where_its_target_is_there(target: Resource | None) -> None:
    hub = over(db=MemorySource(ROWS))
    hub.snapshot = replace(hub.snapshot, resources={WHO.code: WHO} | ({target.code: target} if target else {}))
    household = granted(PLACE, items=(*clear("address"), KEY)) if target and target.items["household_no"].share_mask else granted(PLACE)
    assert ("household" in linked_fields(hub, everything(household=household))) is False


def linked_fields(hub: Hub, caller: Rights) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = hub.view(caller).full.type_map["CivilAffairsPerson"].fields  # type: ignore[attr-defined]
    return fields
