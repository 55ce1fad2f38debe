"""Plain lists of other makers' GraphQL services: a filter in one input object with the keys, lists that end too early, arguments that do nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from graphql import build_schema, graphql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.errors import ConfigFault, SourceRefused
from connectors.graphql.remote import parse_remote
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Selection
from connectors.spi import Source, SourceConfig
from tests.connectors.stands.graphql import remote_binding
from tests.servers.http import serving

pytestmark = pytest.mark.anyio
_SCHEMA = build_schema("""
    input Number { _in: [Int!] }
    input Text { _eq: String }
    input Where { id: Number  district: Text }
    type Person { id: Int!  district: String! }
    type Total { count: Int!  nodes: [Person!]! }
    type Query {
      people(limit: Int, offset: Int, where: Where): [Person!]!
      firsts(first: Int): [Person!]!
      total(district: String, districts: [String!]): Total!
      ignoring(limit: Int, offset: Int, ids: [Int!]): [Person!]!
    }
""")
_PEOPLE = [{"id": number, "district": "520102" if number % 2 else "520103"} for number in range(1, 13)]
_ID = Column("id", Kind.INTEGER)


def _people(_info: Any, limit: int, offset: int, where: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
    where = where or {}
    kept = [each for each in _PEOPLE if "id" not in where or each["id"] in where["id"]["_in"]]
    return [each for each in kept if "district" not in where or each["district"] == where["district"]["_eq"]][offset : offset + limit]


def _total(_info: Any, district: str | None = None, districts: Sequence[str] = ()) -> Any:
    """As is written in JavaScript, where an empty text is false."""
    wanted = [each for each in [district, *districts] if each]
    kept = [each for each in _PEOPLE if not wanted or each["district"] in wanted]
    return {"count": len(kept), "nodes": kept}


_ROOTS = {
    "total": _total,
    "people": _people,
    "firsts": lambda _info, first: _PEOPLE[:first],
    "ignoring": lambda _info, limit, offset, ids=None: _PEOPLE[offset : offset + limit],
}


async def _answered(request: Request) -> Response:
    content = await request.json()
    made = await graphql(_SCHEMA, content["query"], _ROOTS, variable_values=content["variables"])
    return JSONResponse({"data": made.data, **({"errors": [each.formatted for each in made.errors]} if made.errors else {})})


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    with serving(Starlette(routes=[Route("/graphql", _answered, methods=["POST"])])) as address:
        opened = open_source(SourceConfig("city.register", "graphql", f"{address}/graphql"))
        yield opened
        await opened.close()


def _list(field: str, **description: Any) -> Binding:
    return remote_binding(field, style="list", **description)


@pytest.mark.slow
async def test_a_filter_and_keys_in_one_input_object_stand_side_by_side(source: Source) -> None:
    filters, keys = {"district": "where.district._eq"}, {"id": {"argument": "where.id._in", "most": 3}}
    binding = _list("people", first="limit", offset="offset", filters=filters, keys=keys)
    selection = Selection(binding, (_ID,), Compare("district", Kind.STRING, Comparison.EQ, "v"))
    assert await source.fetch_by_keys(selection, {"v": "520102"}, _ID, [1, 2, 3, 4, 5]) == {1: [(1,)], 3: [(3,)], 5: [(5,)]}


@pytest.mark.slow
@pytest.mark.parametrize("described", [{"filters": {"district": "district"}}, {"keys": {"district": {"argument": "districts"}}}])
async def test_an_empty_text_is_not_asked_for(source: Source, described: dict[str, Any]) -> None:
    binding = _list("total", items="nodes", total="count", **described)
    selection = Selection(binding, (_ID,), Compare("district", Kind.STRING, Comparison.EQ, "v"))
    assert (await source.fetch(selection, {"v": ""}), await source.count(selection, {"v": ""})) == ([], 0)
    assert await source.count(selection, {"v": "520102"}) == 6


@pytest.mark.slow
async def test_a_service_that_ignores_lists_of_keys_gives_no_row_twice(source: Source) -> None:
    binding = _list("ignoring", first="limit", offset="offset", max_page=5, keys={"id": {"argument": "ids", "most": 2}})
    assert await source.fetch_by_keys(Selection(binding, (_ID,)), {}, _ID, [1, 2, 3, 4, 5]) == {number: [(number,)] for number in range(1, 6)}


@pytest.mark.slow
async def test_a_list_that_may_go_on_behind_its_first_page_is_not_taken_for_all(source: Source) -> None:
    cut = _list("firsts", first="first", max_page=12)
    with pytest.raises(SourceRefused, match="name the argument `offset`, or raise `max_page`"):
        await source.fetch(Selection(cut, (_ID,)), {})
    with pytest.raises(SourceRefused, match="behind the 12 objects"):
        await source.count(Selection(cut, ()), {})
    assert len(await source.fetch(Selection(cut, (_ID,), limit="l"), {"l": 12})) == 12
    assert len(await source.fetch(Selection(_list("firsts", first="first", max_page=13), (_ID,)), {})) == 12


@pytest.mark.fast
async def test_a_plain_list_has_no_cursors() -> None:
    with pytest.raises(ConfigFault) as fault:
        parse_remote(_list("people", first="limit", after="after").options)
    assert "style list takes no `after`" in fault.value.message
    assert "relay" in fault.value.hint
