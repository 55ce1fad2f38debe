"""Services that give other pages than they are asked for, and what their own totals say of it: no row is lost or doubled in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.errors import SourceRefused
from connectors.selection import Compare, Comparison, Kind, Selection
from tests.connectors.answering import NUMBER, Opened, answering, reading
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
_TOLD = {"count": {"total": "total"}}
_NUMBERS = {"paging": {"style": "page", "parameter": "page"}, "limit": "size", "max_page": 4}
_OFFSETS = {"paging": {"style": "offset"}, "limit": "size", "offset": "from", "max_page": 4}
_PAGES = {**_NUMBERS, "paging": {"style": "page", "parameter": "page", "pages": "pages"}}
_ALL = [(n,) for n in range(7)]


def _capped(request: Request) -> dict[str, Any]:
    """Two of seven, however many are asked for."""
    query = request.query_params
    start = int(query["from"]) if "from" in query else 2 * (int(query["page"]) - 1)
    return {"items": [{"n": n} for n in range(7)][start : start + 2], "total": "7", "pages": 4}


@pytest.mark.parametrize("description", [_NUMBERS | _TOLD, _OFFSETS | _TOLD, _PAGES])
async def test_a_service_that_gives_fewer_than_asked_for_is_read_to_the_end_that_it_tells(answering: Opened, description: Mapping[str, object]) -> None:
    service = answering(_capped)
    assert await service.source.fetch(reading(**description), {}) == _ALL
    assert len(service.asked) == 4


async def test_a_total_that_is_too_large_ends_with_an_empty_page(answering: Opened) -> None:
    for description in (_OFFSETS | _TOLD, _PAGES):
        service = answering(lambda request: _capped(request) | {"total": 9000, "pages": 9000})
        assert await service.source.fetch(reading(**description), {}) == _ALL
        assert len(service.asked) == 5


def _paginator(request: Request) -> Response:
    """Eight in pages of four, and none behind the last: Django's paginator knows no empty page."""
    start = 4 * (int(request.query_params["page"]) - 1)
    found = [{"n": n} for n in range(8)][start : start + 4]
    return JSONResponse({"items": found, "total": 8, "pages": 2}) if found else JSONResponse({"detail": "Invalid page."}, 404)


async def test_a_service_without_a_page_behind_its_last_full_one_is_read_to_the_end_that_it_tells(answering: Opened) -> None:
    for description in (_NUMBERS | _TOLD, _PAGES):
        assert await answering(_paginator).source.fetch(reading(**description), {}) == [(n,) for n in range(8)]


async def test_a_page_that_is_missing_is_no_end_where_none_is_told(answering: Opened) -> None:
    def torn(request: Request) -> Response:
        return JSONResponse({"items": [{"n": n} for n in range(4)], "total": 8}) if request.query_params["page"] == "1" else Response(status_code=404)

    with pytest.raises(SourceRefused, match=r"no page behind a full one \(status 404\); declare a `count` that every answer tells, or `paging.pages`"):
        await answering(_paginator).source.fetch(reading(**_NUMBERS), {})
    with pytest.raises(SourceRefused, match=r"rejected the request \(status 404\)"):
        await answering(torn).source.fetch(reading(**_NUMBERS | _TOLD), {})
    with pytest.raises(SourceRefused, match=r"rejected the request \(status 404\)"):
        await answering(lambda _request: Response(status_code=404)).source.fetch(reading(**_NUMBERS | _TOLD), {})


@pytest.mark.parametrize(
    "description",
    [
        _NUMBERS,
        _NUMBERS | _TOLD,
        _PAGES,
        {"paging": {"style": "cursor", "parameter": "page", "next": "next"}},
        {"paging": {"style": "link", "next": "link"}},
    ],
)
async def test_a_page_that_is_missing_is_no_end_where_the_path_holds_a_value(answering: Opened, description: Mapping[str, object]) -> None:
    """Only of the first one does status 404 say that there is nothing of that name."""

    def torn(request: Request) -> Response:
        found = {"items": [{"n": 1}] * 4, "total": 8, "pages": 2, "next": "2", "link": "?page=2"}
        return JSONResponse(found) if request.query_params.get("page", "1") == "1" else Response(status_code=404)

    service = answering(torn)
    named = {"path": "/n/{n}", **description}
    asked = Selection(reading(**named).binding, NUMBER, Compare("n", Kind.INTEGER, Comparison.EQ, "v"))
    with pytest.raises(SourceRefused, match="status 404"):
        await service.source.fetch(asked, {"v": 1})
    assert len(service.asked) == 2
    assert await answering(lambda _request: Response(status_code=404)).source.fetch(asked, {"v": 1}) == []


@pytest.mark.parametrize("description", [_NUMBERS, _OFFSETS, _PAGES, {**_NUMBERS, "format": "xml", "items": "item"}])
async def test_a_service_that_does_not_know_the_parameter_of_its_pages_doubles_no_row(answering: Opened, description: Mapping[str, object]) -> None:
    def first(request: Request) -> object:
        made = {"items": [{"n": n} for n in range(4)], "pages": 3}
        xml = "".join(f"<item><n>{n}</n></item>" for n in range(4))
        return Response(f"<all>{xml}</all>", media_type="application/xml") if "xml" in request.headers["accept"] else made

    with pytest.raises(SourceRefused, match=r"sends the same page again: it does not know the parameter (page|from)"):
        await answering(first).source.fetch(reading(**description), {})


@pytest.mark.parametrize("told", [{"total": 0}, {"total": "0"}, {"pages": 0}, {"items": None, "total": 0}])
async def test_an_array_that_is_left_out_is_none_where_the_service_says_so(answering: Opened, told: dict[str, object]) -> None:
    assert await answering(lambda _request: told).source.fetch(reading(**(_PAGES | _TOLD)), {}) == []


@pytest.mark.parametrize("told", [{"total": 1}, {"code": 500}, {"items": {}, "total": 0}, {"items": "", "total": 0}])
async def test_an_array_that_is_left_out_is_a_fault_where_the_service_does_not(answering: Opened, told: dict[str, object]) -> None:
    with pytest.raises(SourceRefused, match="no array at items"):
        await answering(lambda _request: told).source.fetch(reading(**(_PAGES | _TOLD)), {})


async def test_an_empty_page_with_the_cursor_that_was_sent_is_the_end(answering: Opened) -> None:
    def behind(request: Request) -> dict[str, Any]:
        found = [n for n in range(5) if n > int(request.query_params.get("c", -1))][:2]
        return {"items": [{"n": n} for n in found], "next": found[-1] if found else int(request.query_params["c"])}

    service = answering(behind)
    assert await service.source.fetch(reading(paging={"style": "cursor", "parameter": "c", "next": "next"}), {}) == [(n,) for n in range(5)]
    assert [each.partition("=")[2] for each in service.asked] == ["", "1", "3", "4"]


@pytest.mark.parametrize("status", [201, 203, 206])
async def test_other_statuses_of_success_hold_items_too(answering: Opened, status: int) -> None:
    assert await answering(lambda _request: JSONResponse({"items": [{"n": 1}]}, status)).source.fetch(reading(), {}) == [(1,)]


async def test_names_in_another_charset_are_told_not_taken_for_missing(answering: Opened) -> None:
    service = answering(lambda _request: '{"items": [{"编号": 1}]}'.encode("gbk"))
    with pytest.raises(SourceRefused, match=r"names in the service's answer are no UTF-8; .*charset=GBK"):
        await service.source.fetch(reading(), {})


@pytest.mark.parametrize("counts_all", [False, True])
async def test_totals_of_what_lies_behind_a_position_lead_to_the_end(answering: Opened, counts_all: bool) -> None:
    """Pages that are shorter than asked for, each with a total of its own, as PostgREST tells it."""

    def behind(request: Request) -> object:
        left = [n for n in range(7) if n > int(request.query_params.get("after", -1))]
        return {"items": [{"n": n} for n in left[:2]], "total": 7 if counts_all else len(left)}

    service = answering(behind)
    assert await service.source.fetch(reading(**(_OFFSETS | _TOLD), sorted_by="n", after="after"), {}) == _ALL
    assert len(service.asked) == (5 if counts_all else 4)


async def test_an_empty_text_is_no_value_to_most_services_and_their_total_is_that_of_all(answering: Opened) -> None:
    def answer(request: Request) -> dict[str, Any]:
        wanted = [each for each in request.query_params.getlist("names") if each]
        kept = [each for each in ({"n": 1, "name": ""}, {"n": 2, "name": "a"}, {"n": 3, "name": None}) if not wanted or each["name"] in wanted]
        return {"items": kept, "total": len(kept)}

    binding = bound({"path": "/n", "items": "items", "paging": {"style": "none"}, "filters": {"name": "names"}, "count": {"total": "total"}})
    asked = Selection(binding, NUMBER, Compare("name", Kind.STRING, Comparison.EQ, "v"))
    service = answering(answer)
    assert (await service.source.fetch(asked, {"v": ""}), await service.source.count(asked, {"v": ""})) == ([(1,)], 1)
    assert set(service.asked) == {"/base/n"}
    assert (await service.source.fetch(asked, {"v": "a"}), await service.source.count(asked, {"v": "a"})) == ([(2,)], 1)
    assert service.asked[-1] == "/base/n?names=a"
    listed = replace(asked, binding=bound(json.loads(binding.options), keys={"name": {"parameter": "names", "style": "repeated"}}))
    some = replace(listed, where=Compare("name", Kind.STRING, Comparison.IN, "v"))
    assert await service.source.count(some, {"v": ["", "a"]}) == 2
