"""Lists that are read in parts answer as if they were read at once: the same bytes, errors, accesses, cursors and totals."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from auth.rights import GrantItem, Operation, Shown
from connectors.selection import UNDELIVERABLE, Comparison, Kind, Row, Selection
from connectors.spi import Parameters
from hub.api.long import spliced, texts
from masking.sql import SQL_ALGORITHMS
from schema import long_lists
from schema.answer import Answer
from schema.delivery import delivered
from tests.schema.city import HOUSEHOLDS, PERSON, PERSONS, MemorySource, city, grant, item, rights
from tests.schema.running import Hub, told

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
ODD = replace(PERSON, items={**PERSON.items, "age": item("age", "age", Kind.INTEGER)})
TERMS = grant(items=(*grant().items, GrantItem("age", Shown.CLEAR)))
ROWS: list[Any] = [{**PERSONS[i % 3], "pk": i, "nm": UNDELIVERABLE if i % 5 == 4 else f'n"{i}', "age": 2**40 if i % 7 == 6 else i} for i in range(23)]
PAGE = "query ($f: Int!, $a: String) { civilAffairs { persons(first: $f, after: $a) { nodes { n: name age phone __typename } totalCount pageInfo { hasNextPage startCursor endCursor } } } }"


class Whole(MemorySource):
    """It declares all that it does."""

    capabilities = replace(MemorySource.capabilities, comparisons=frozenset(Comparison), order=True, masks=SQL_ALGORITHMS, matches=True)

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """Others may go first."""
        await asyncio.sleep(0)
        return await super().fetch(selection, parameters)


def made() -> tuple[Hub, MemorySource]:
    source = Whole({"person": ROWS, "household": HOUSEHOLDS})
    snapshot = city()[0].snapshot
    return Hub(replace(snapshot, resources={**snapshot.resources, PERSON.code: ODD}), opened={"civil_affairs.db": source}), source


async def asked(text: str, variables: dict[str, Any]) -> tuple[bytes, Answer, MemorySource]:
    """The data as it leaves, the answer, and the source."""
    hub, source = made()
    view = hub.view(rights(TERMS))
    document = hub.documents.check(text, view)
    answer = await hub.planned(view, document, variables)
    data = spliced(delivered(hub.plans.plan(view, document, document.operation(None), {}), answer), answer.long)
    return data if isinstance(data, bytes) else b"".join(texts(data)), answer, source


@pytest.mark.parametrize("first", [4, 6, 7, 22, 23, 24, 100])
async def test_parts_and_whole_are_alike(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    whole, plain, _ = await asked(PAGE, {"f": first})
    monkeypatch.setattr(long_lists, "LONG", 4)
    monkeypatch.setattr(long_lists, "PART", 3)
    parts, answer, source = await asked(PAGE, {"f": first})
    assert answer.parted
    assert not plain.parted
    found, expected = (orjson.loads(each)["civilAffairs"]["persons"] for each in (parts, whole))
    assert (found["nodes"], found["totalCount"], found["pageInfo"]["hasNextPage"]) == (
        expected["nodes"], expected["totalCount"], expected["pageInfo"]["hasNextPage"]
    )  # fmt: skip
    assert told(answer) == told(plain)
    one, other = (each.accesses[PERSON.code, Operation.QUERY] for each in (answer, plain))
    assert (one.rows, one.uses, dict(one.subjects)) == (other.rows, other.uses, dict(other.subjects))
    fetched = [each for each in source.asked if each.method == "fetch"]
    assert len(fetched) == -(-min(first, 23) // 3)
    behind, _, _ = await asked(PAGE, {"f": 100, "a": found["pageInfo"]["endCursor"]})
    assert len(orjson.loads(behind)["civilAffairs"]["persons"]["nodes"]) == max(0, 23 - first)


async def test_of_many_wrong_values_one_error_tells_over_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.answer.MOST_BY_PATH", 2)
    _, plain, _ = await asked(PAGE, {"f": 100})
    monkeypatch.setattr(long_lists, "LONG", 4)
    monkeypatch.setattr(long_lists, "PART", 7)
    _, answer, _ = await asked(PAGE, {"f": 100})
    assert sorted((error.field, error.rows) for error in answer.errors) == [("age", 3), ("n", 4)]
    assert told(answer) == told(plain)


@pytest.mark.parametrize(
    "text",
    [
        "{ civilAffairs { persons(first: 100) { x: totalCount nodes { phone gender } } __typename } }",
        "{ civilAffairs { a: persons(first: 100) { nodes { phone } } b: persons(first: 4) { nodes { phone } } } }",
        "{ x: civilAffairs { a: persons(first: 100) { nodes { phone } } } y: civilAffairs { b: persons(first: 4) { nodes { phone } } } }",
        "{ x: civilAffairs { a: persons(first: 5) { nodes { phone } } wrong: persons(first: 0) { totalCount } } y: civilAffairs { persons(first: 4) { nodes { phone } } } }",
        "{ civilAffairs { persons(first: 5) { nodes { phone } } wrong: persons(first: 0) { totalCount } } }",
    ],
)
async def test_bytes_are_alike_whichever_of_several_lists_ends_first_and_where_all_is_null(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    whole, _, _ = await asked(text, {})
    monkeypatch.setattr(long_lists, "LONG", 4)
    monkeypatch.setattr(long_lists, "PART", 3)
    parts, answer, _ = await asked(text, {})
    assert answer.parted
    assert parts == whole


@pytest.mark.parametrize(
    "list_",
    [
        "persons(first: 100) { edges { node { name } } }",
        "persons(first: 100) { nodes { name } edges { cursor } }",
        "persons(first: 100) { nodes { name household { address } } }",
        "persons(first: 100, orderBy: [{birthDate: ASC}]) { nodes { name } }",
        "persons(first: 3) { nodes { name } }",
    ],
)
async def test_other_lists_are_read_at_once(monkeypatch: pytest.MonkeyPatch, list_: str) -> None:
    monkeypatch.setattr(long_lists, "LONG", 4)
    monkeypatch.setattr(long_lists, "PART", 2)
    _, answer, source = await asked(f"{{ civilAffairs {{ {list_} }} }}", {})
    assert not answer.parted
    assert [each.method for each in source.asked].count("fetch") == 1
