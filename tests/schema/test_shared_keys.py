"""Rows that share a stable key, or have none: no page begins where it would leave some out, and whoever asks for one is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from connectors.selection import Comparison, Kind
from hub.api.long import spliced, texts
from masking.sql import SQL_ALGORITHMS
from schema import long_lists
from schema.answer import Answer
from schema.delivery import delivered
from schema.faults import Code
from tests.schema.city import PERSON, PERSONS, SNAPSHOT, MemorySource, grant, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

LIST = """query ($f: Int!, $a: String) { civilAffairs { persons(first: $f, after: $a) {
  nodes { name } pageInfo { hasNextPage startCursor endCursor } } } }"""
EDGES = "query ($f: Int!, $a: String) { civilAffairs { persons(first: $f, after: $a) { edges { cursor node { name } } } } }"


class Whole(MemorySource):
    """It declares all that it does."""

    capabilities = replace(MemorySource.capabilities, comparisons=frozenset(Comparison), order=True, masks=SQL_ALGORITHMS, matches=True)


def hub_of(*keys: int | str | None, kind: Kind = Kind.BIGINT) -> Hub:
    """Persons with these stable keys, called ``n0``, ``n1`` and so on."""
    rows: list[Any] = [{**PERSONS[0], "pk": key, "nm": f"n{place}"} for place, key in enumerate(keys)]
    snapshot = replace(SNAPSHOT, resources={PERSON.code: replace(PERSON, stable_kind=kind, links=())})
    return Hub(snapshot, opened={"civil_affairs.db": Whole({"person": rows})})


async def asked(hub: Hub, text: str, first: int, after: str | None = None) -> tuple[Any, Answer]:
    """The list as it leaves, and the answer."""
    view = hub.view(rights(grant()))
    document = hub.documents.check(text, view)
    answer = await hub.planned(view, document, {"f": first, "a": after})
    data = spliced(delivered(hub.plans.plan(view, document, document.operation(None), {}), answer), answer.long)
    told = orjson.loads(data if isinstance(data, bytes) else b"".join(texts(data)))
    return told["civilAffairs"] and told["civilAffairs"]["persons"], answer


async def refused(hub: Hub, text: str, first: int, after: str | None) -> None:
    _, answer = await asked(hub, text, first, after)
    (error,) = answer.errors
    assert error.fault.code is Code.SOURCE_VALUE
    assert "stands twice or is null" in error.fault.en


async def test_no_page_begins_between_rows_of_one_key() -> None:
    hub = hub_of(1, 2, 2, 2, 3)
    for first, good in ((1, True), (2, False), (3, False), (4, True), (5, True)):
        found, answer = await asked(hub, LIST, first)
        assert not answer.errors
        assert found["pageInfo"]["hasNextPage"] is (first < 5)
        if not good:
            await refused(hub, LIST, 1, found["pageInfo"]["endCursor"])
            continue
        behind, _ = await asked(hub, LIST, 5, found["pageInfo"]["endCursor"])
        assert [node["name"] for node in behind["nodes"]] == [f"n{place}" for place in range(first, 5)]


async def test_each_edge_has_a_cursor_that_is_good_or_is_refused() -> None:
    hub = hub_of(1, 2, 2, 3)
    found, _ = await asked(hub, EDGES, 4)
    for place, edge in enumerate(found["edges"]):
        if place == 1:
            await refused(hub, EDGES, 4, edge["cursor"])
        else:
            behind, _ = await asked(hub, EDGES, 4, edge["cursor"])
            assert [each["node"]["name"] for each in behind["edges"]] == [f"n{n}" for n in range(place + 1, 4)]


@pytest.mark.parametrize(
    ("kind", "keys"), [(Kind.DECIMAL, ("1.0", "1.00", "2")), (Kind.DATETIME, ("2020-01-01T00:00:00Z", "2020-01-01T08:00:00+08:00", "2020-01-02T00:00:00Z"))]
)
async def test_two_texts_of_one_key_are_one_place(kind: Kind, keys: tuple[str, ...]) -> None:
    hub = hub_of(*keys, kind=kind)
    found, _ = await asked(hub, LIST, 1)
    await refused(hub, LIST, 1, found["pageInfo"]["endCursor"])
    found, _ = await asked(hub, LIST, 2)
    behind, _ = await asked(hub, LIST, 2, found["pageInfo"]["endCursor"])
    assert [node["name"] for node in behind["nodes"]] == ["n2"]


async def test_a_page_of_one_key_has_no_good_cursor_at_its_beginning() -> None:
    found, _ = await asked(hub_of(1, 1, 2), LIST, 3)
    await refused(hub_of(1, 1, 2), LIST, 3, found["pageInfo"]["startCursor"])


@pytest.mark.parametrize("keys", [(1, None), (None, None)])
async def test_nothing_is_behind_a_row_without_a_key(keys: tuple[int | None, ...]) -> None:
    hub = hub_of(*keys)
    found, _ = await asked(hub, LIST, 1)
    assert found["pageInfo"]["hasNextPage"]
    await refused(hub, LIST, 1, found["pageInfo"]["endCursor"])


@pytest.mark.parametrize("keys", [(1, 2, 3, 3, 4, 5), (1, 1, 2, 2, 3, 3), (1, 2, 2, 3, 3, 4), (1, 1, 1, 2, 2, 2)])
async def test_parts_of_a_long_list_end_where_the_next_may_begin(monkeypatch: pytest.MonkeyPatch, keys: tuple[int, ...]) -> None:
    monkeypatch.setattr(long_lists, "LONG", 4)
    monkeypatch.setattr(long_lists, "PART", 3)
    found, answer = await asked(hub_of(*keys), LIST, 6)
    assert answer.parted
    assert not answer.errors
    assert [node["name"] for node in found["nodes"]] == [f"n{place}" for place in range(6)]
    assert [access.rows for access in answer.accesses.values()] == [6]
    part, _ = await asked(hub_of(*keys), LIST, 5)
    assert [node["name"] for node in part["nodes"]] == [f"n{place}" for place in range(5)]
    if keys[4] == keys[5]:
        await refused(hub_of(*keys), LIST, 5, part["pageInfo"]["endCursor"])


@pytest.mark.parametrize("keys", [(1, 2, 2, 2, 2, 3), (1, 1, 1, 1, 2), (1, 2, 3, None, None), (None, None, None, None, 1)])
async def test_a_long_list_that_cannot_be_parted_is_refused(monkeypatch: pytest.MonkeyPatch, keys: tuple[int | None, ...]) -> None:
    monkeypatch.setattr(long_lists, "LONG", 4)
    monkeypatch.setattr(long_lists, "PART", 3)
    await refused(hub_of(*keys), LIST, 6, None)
