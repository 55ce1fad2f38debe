"""Services that tell by a flag whether another page follows: the flag decides, and one that cannot be followed is no silent end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request

from connectors.errors import SourceRefused
from tests.connectors.answering import Opened, answering, reading
from tests.connectors.service_server import servers

__all__ = ["answering", "servers"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
STYLES: Mapping[str, Mapping[str, object]] = {
    "offset": {"paging": {"style": "offset"}, "limit": "size", "offset": "from", "max_page": 4},
    "page": {"paging": {"style": "page", "parameter": "page"}, "limit": "size", "max_page": 4},
    "cursor": {"paging": {"style": "cursor", "parameter": "c", "next": "next"}},
}


def described(style: str, **flag: str) -> dict[str, Any]:
    paging: Any = STYLES[style]["paging"]
    return {**STYLES[style], "paging": {**paging, **flag}}


def two_of_six(request: Request) -> dict[str, Any]:
    """Two at a time, however many are asked for, and a cursor to the very end."""
    query = request.query_params
    start = 2 * (int(query["page"]) - 1) if "page" in query else int(query.get("from", query.get("c", 0)))
    return {"items": [{"n": n} for n in range(start, min(start + 2, 6))], "next": start + 2, "page": {"more": start + 2 < 6}, "last": str(start + 2 >= 6)}


@pytest.mark.parametrize("flag", [{"more": "page.more"}, {"last": "last"}])
@pytest.mark.parametrize("style", STYLES)
async def test_the_flag_ends_pages_that_are_not_full_and_those_that_are(answering: Opened, style: str, flag: dict[str, str]) -> None:
    service = answering(two_of_six)
    assert await service.source.fetch(reading(**described(style, **flag)), {}) == [(n,) for n in range(6)]
    assert len(service.asked) == 3


@pytest.mark.parametrize(("told", "pages"), [("Y", 2), (1, 2), ("TRUE ", 2), (True, 2), ("N", 1), (0, 1), ("no", 1), (False, 1)])
async def test_ways_to_write_a_flag(answering: Opened, told: object, pages: int) -> None:
    service = answering(lambda request: {"items": [{"n": int(request.query_params["page"])}], "more": told if request.query_params["page"] == "1" else "false"})
    assert len(await service.source.fetch(reading(**described("page", more="more")), {})) == pages


async def test_xml_tells_it_as_text(answering: Opened) -> None:
    def made(request: Request) -> bytes:
        return f"<a><i><n>{request.query_params['page']}</n></i><end>{'true' if request.query_params['page'] == '3' else 'false'}</end></a>".encode()

    service = answering(made)
    assert await service.source.fetch(reading(**described("page", last="end"), format="xml", items="i"), {}) == [(1,), (2,), (3,)]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("told", [{}, {"more": None}, {"more": "perhaps"}, {"more": 2}, {"more": {"x": 1}}])
async def test_an_answer_that_does_not_tell_is_refused(answering: Opened, style: str, told: dict[str, object]) -> None:
    with pytest.raises(SourceRefused, match="does not tell by true or false at more"):
        await answering(lambda _request: {"items": [{"n": 1}], **told}).source.fetch(reading(**described(style, more="more")), {})


@pytest.mark.parametrize("style", STYLES)
async def test_an_answer_of_no_items_may_leave_it_out(answering: Opened, style: str) -> None:
    service = answering(lambda _request: {"items": [], "next": 1})
    assert await service.source.fetch(reading(**described(style, last="last")), {}) == []
    assert len(service.asked) == 1


async def test_an_empty_page_is_passed_over_where_the_flag_says_so(answering: Opened) -> None:
    pages: dict[str, Any] = {"1": {"items": [], "more": True}, "2": {"items": [{"n": 2}], "more": False}}
    assert await answering(lambda request: pages[request.query_params["page"]]).source.fetch(reading(**described("page", more="more")), {}) == [(2,)]


async def test_a_page_that_is_promised_and_cannot_be_asked_for_is_refused(answering: Opened) -> None:
    with pytest.raises(SourceRefused, match="sent no item behind which it could lie"):
        await answering(lambda _request: {"items": [], "more": True}).source.fetch(reading(**described("offset", more="more")), {})
    with pytest.raises(SourceRefused, match="sends no cursor at next"):
        await answering(lambda _request: {"items": [{"n": 1}], "more": True}).source.fetch(reading(**described("cursor", more="more")), {})
    with pytest.raises(SourceRefused, match="cursors lead in a circle"):
        await answering(lambda _request: {"items": [], "more": True, "next": 7}).source.fetch(reading(**described("cursor", more="more")), {})
