"""POSTs whose body is a form: what is sent, and that no value can become another parameter."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from connectors.rest.endpoint import Endpoint
from connectors.rest.pushdown import Ask, Route
from connectors.rest.requests import request_for
from connectors.selection import Column, Compare, Comparison, Every, Kind, Selection
from tests.connectors.answering import NUMBER, Opened, answering
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
FORM: dict[str, object] = {
    "path": "/n",
    "method": "POST",
    "safe": True,
    "content": "form",
    "query": {"v": "1"},
    "body": {"type": "居民", "all": True, "level": 2},
    "items": "items",
    "limit": "size",
    "max_page": 2,
    "paging": {"style": "page", "parameter": "page"},
    "filters": {"name": "q.name", "active": "active"},
    "keys": {"n": {"parameter": "ids", "style": "repeated"}},
}
FIXED = {"type": "居民", "all": "true", "level": "2"}


async def _page(request: Request) -> object:
    form = dict(parse_qsl((await request.body()).decode("ascii")))
    return {"items": [{"n": n, "name": form.get("q.name"), "active": True} for n in range(3)][2 * int(form["page"]) - 2 :][:2]}


@pytest.mark.slow
async def test_fixed_values_filters_and_pages_are_fields_of_the_form(answering: Opened) -> None:
    service = answering(_page)
    where = Every((Compare("name", Kind.STRING, Comparison.EQ, "v"), Compare("active", Kind.BOOLEAN, Comparison.EQ, "a")))
    assert await service.source.fetch(Selection(bound(FORM), NUMBER, where), {"v": "王 &小明=", "a": True}) == [(0,), (1,), (2,)]
    assert service.asked == ["/base/n?v=1"] * 2
    assert {request.headers["content-type"] for request in service.requests} == {"application/x-www-form-urlencoded"}
    fields = [dict(await request.form()) for request in service.requests]
    assert fields == [{**FIXED, "q.name": "王 &小明=", "active": "true", "size": "2", "page": str(number)} for number in (1, 2)]


@pytest.mark.slow
async def test_lists_of_keys_repeat_their_field(answering: Opened) -> None:
    service = answering(_page)
    found = await service.source.fetch_by_keys(Selection(bound(FORM), NUMBER), {}, Column("n", Kind.INTEGER), [0, 2])
    assert found == {0: [(0,)], 2: [(2,)]}
    assert (await service.requests[0].form()).getlist("ids") == ["0", "2"]


@pytest.mark.fast
@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_no_value_becomes_another_field(name: str, ids: list[str]) -> None:
    endpoint = Endpoint.model_validate(FORM)
    request = request_for(endpoint, "application/json", Ask(Route("/n", "items"), "/n", {"q.name": name, "ids": tuple(ids)}), {"page": 1})
    expected = [*FIXED.items(), ("q.name", name), *(("ids", each) for each in ids), ("page", "1")]
    assert parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True) == expected
    assert request.target == "/n?v=1"
