"""Pages of a REST service in every style: what is asked for, where it ends, and services that lead in circles or elsewhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.errors import SourceRefused
from connectors.registry import open_source
from connectors.rest.links import Outside, inside, next_link
from connectors.selection import Kind, Order, Selection
from connectors.spi import Source, SourceConfig
from tests.connectors.answering import Opened, answering, reading
from tests.connectors.people import PEOPLE, columns
from tests.connectors.service_server import served, servers
from tests.connectors.service_styles import Styles
from tests.connectors.stands.rest_styles import SEARCH, XML, bound

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
EVERYONE = [(row[0],) for row in PEOPLE]
STABLE = (Order("record_no", Kind.BIGINT, nullable=False),)


@pytest.fixture
def service() -> Styles:
    return Styles()


@pytest.fixture
async def source(request: pytest.FixtureRequest, service: Styles) -> AsyncIterator[Source]:
    with served(request, service.application()) as address:
        opened = open_source(SourceConfig("city.register", "rest", address))
        yield opened
        await opened.close()


@pytest.mark.slow
async def test_pages_by_number_from_one(service: Styles, source: Source) -> None:
    binding = bound(XML, sorted_by=None, after=None)
    assert await source.fetch(Selection(binding, columns("record_no")), {}) == EVERYONE
    assert [dict(asked)["pageNum"] for _, asked in service.asked] == ["1", "2", "3"]


@pytest.mark.slow
async def test_pages_by_number_go_on_by_position_where_that_is_declared(service: Styles, source: Source) -> None:
    assert await source.fetch(Selection(bound(XML), columns("record_no"), None, STABLE), {}) == EVERYONE
    assert [(dict(asked)["pageNum"], dict(asked).get("after")) for _, asked in service.asked] == [("1", None), ("1", "4"), ("1", "8")]


@pytest.mark.slow
async def test_the_number_of_pages_ends_them(service: Styles, source: Source) -> None:
    service.pages = 3
    binding = bound(XML, sorted_by=None, after=None, max_page=3, paging={"style": "page", "parameter": "pageNum", "pages": "pages"})
    assert await source.fetch(Selection(binding, columns("record_no")), {}) == EVERYONE
    assert len(service.asked) == 3
    nowhere = bound(XML, sorted_by=None, after=None, max_page=3, paging={"style": "page", "parameter": "pageNum", "pages": "nowhere"})
    with pytest.raises(SourceRefused, match="no number of pages at nowhere"):
        await source.fetch(Selection(nowhere, columns("record_no")), {})


@pytest.mark.slow
async def test_pages_by_number_from_nought(answering: Opened) -> None:
    service = answering(
        lambda request: {"items": [{"n": 2 * int(request.query_params["page"]) + more} for more in (0, 1)][: 5 - 2 * int(request.query_params["page"])]}
    )
    selection = reading(paging={"style": "page", "parameter": "page", "first": 0}, max_page=2)
    assert await service.source.fetch(selection, {}) == [(0,), (1,), (2,), (3,), (4,)]
    assert service.asked == ["/base/n?page=0", "/base/n?page=1", "/base/n?page=2"]


@pytest.mark.slow
async def test_cursors_are_sent_back_until_there_is_none(service: Styles, source: Source) -> None:
    assert await source.fetch(Selection(bound(SEARCH), columns("record_no")), {}) == EVERYONE
    assert [asked.get("cursor") for _, asked in service.asked] == [None, "4", "8"]


@pytest.mark.slow
@pytest.mark.parametrize("end", [{}, {"next": None}, {"next": ""}])
async def test_ways_in_which_cursors_end(answering: Opened, end: dict[str, object]) -> None:
    service = answering(lambda request: {"items": [], "next": 7} if "c" not in request.query_params else {"items": [{"n": 1}], **end})
    assert await service.source.fetch(reading(paging={"style": "cursor", "parameter": "c", "next": "next"}), {}) == [(1,)]
    assert service.asked == ["/base/n", "/base/n?c=7"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cursor", "words"),
    [("same", "lead in a circle"), ({"deep": 1}, "no cursor at next"), (True, "no cursor at next"), ("x" * 5000, "no cursor"), ("\ud800", "no cursor at next")],
)
async def test_cursors_that_cannot_be_followed(answering: Opened, cursor: object, words: str) -> None:
    service = answering(lambda _request: json.dumps({"items": [{"n": 1}], "next": cursor}).encode())
    with pytest.raises(SourceRefused, match=words):
        await service.source.fetch(reading(paging={"style": "cursor", "parameter": "c", "next": "next"}), {})
    assert len(service.asked) <= 2


@pytest.mark.slow
async def test_links_of_the_header_are_followed(service: Styles, source: Source) -> None:
    binding = bound({"path": "/linked", "paging": {"style": "link"}}, query={"v": "1"})
    assert await source.fetch(Selection(binding, columns("record_no")), {}) == EVERYONE
    assert [asked for _, asked in service.asked] == [{"v": "1"}, *({"from": str(start)} for start in (2, 4, 6, 8))]


@pytest.mark.slow
async def test_links_of_the_body_are_followed(answering: Opened) -> None:
    service = answering(lambda request: {"items": [{"n": 1}], "next": None if request.query_params else "?p=2"})
    assert await service.source.fetch(reading(paging={"style": "link", "next": "next"}), {}) == [(1,), (1,)]
    assert service.asked == ["/base/n", "/base/n?p=2"]


_RELATED = {
    "links": [{"href": "x?", "rel": "self"}, {"href": "alternate", "rel": "alternate"}, {"href": "n?p=2", "rel": "prev next"}],
    "link": [{"relation": "next", "url": "n?p=2"}],
}


@pytest.mark.slow
@pytest.mark.parametrize("at", _RELATED)
async def test_links_that_tell_their_relations_are_followed(answering: Opened, at: str) -> None:
    """Those of OGC API Features and of FHIR, whose places among the others change from page to page."""
    others = {at: [{"rel": "self", "relation": "self", "href": "n", "url": "n"}]}
    service = answering(lambda request: {"items": [{"n": 2}], **others} if request.query_params else {"items": [{"n": 1}], at: _RELATED[at]})
    assert await service.source.fetch(reading(paging={"style": "link", "next": at}), {}) == [(1,), (2,)]
    assert service.asked == ["/base/n", "/base/n?p=2"]


@pytest.mark.slow
async def test_links_of_atom_are_followed(answering: Opened) -> None:
    def feed(request: Request) -> Response:
        more = "" if request.query_params else '<link rel="next" href="n?p=2"/>'
        text = f'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="self" href="n"/>{more}<entry><n>{1 + len(request.query_params)}</n></entry></feed>'
        return Response(text, media_type="application/atom+xml")

    found = reading(format="xml", items="entry", paging={"style": "link", "next": "link"})
    assert await answering(feed).source.fetch(found, {}) == [(1,), (2,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("links", "words"), [(["n?p=2"], "do not tell by `rel`"), ([{"rel": "next", "uri": "n?p=2"}], "no address in `href`"), (7, "sends no link at")]
)
async def test_links_of_which_none_can_be_followed(answering: Opened, links: object, words: str) -> None:
    with pytest.raises(SourceRefused, match=words):
        await answering(lambda _request: {"items": [{"n": 1}], "next": links}).source.fetch(reading(paging={"style": "link", "next": "next"}), {})


@pytest.mark.slow
@pytest.mark.parametrize(
    "link",
    ["http://169.254.169.254/latest", "//evil.example/base/n", "/other", "../other", "http://127.0.0.1:1/base/n", "/base/%2e%2e/other", "file:///etc/passwd"],
)
async def test_links_that_lead_out_are_not_followed(answering: Opened, link: str) -> None:
    service = answering(lambda _request: JSONResponse({"items": []}, headers={"Link": f'<{link}>; rel="next"'}))
    with pytest.raises(SourceRefused, match="leads out of the source's address") as caught:
        await service.source.fetch(reading(paging={"style": "link"}), {})
    assert link not in str(caught.value)
    assert service.asked == ["/base/n"]


@pytest.mark.slow
@pytest.mark.parametrize("host", ["http://localhost", "https://register.example:8443", "//inner"])
async def test_links_that_name_the_service_by_another_host_are_followed_where_that_is_declared(answering: Opened, host: str) -> None:
    def answered(request: Request) -> object:
        return {"items": [{"n": 1}], "next": None if request.query_params else f"{host}{prefix}/base/n?p=2#x"}

    service = answering(answered)
    prefix = httpx2.URL(service.config.url).path.removesuffix("/base")
    assert await service.source.fetch(reading(paging={"style": "link", "next": "next", "relative": True}), {}) == [(1,), (1,)]
    assert service.asked == ["/base/n", "/base/n?p=2"]
    with pytest.raises(SourceRefused, match="`relative = true`"):
        await service.source.fetch(reading(paging={"style": "link", "next": "next"}), {})
    prefix = "/elsewhere"
    with pytest.raises(SourceRefused, match=r"leads out of the source's address$"):
        await service.source.fetch(reading(paging={"style": "link", "next": "next", "relative": True}), {})


@pytest.mark.slow
async def test_links_in_a_circle_end(answering: Opened) -> None:
    service = answering(
        lambda request: JSONResponse({"items": []}, headers={"Link": f"<?p={int('p' in request.query_params and request.query_params['p'] == '0')}>; rel=next"})
    )
    with pytest.raises(SourceRefused, match="links lead in a circle"):
        await service.source.fetch(reading(paging={"style": "link"}), {})
    assert service.asked == ["/base/n", "/base/n?p=0", "/base/n?p=1"]


@pytest.mark.slow
async def test_pages_without_end_are_bounded_by_pages_and_by_rows(answering: Opened) -> None:
    service = answering(lambda request: {"items": [], "next": int(request.query_params.get("c", 0)) + 1})
    endless = {"style": "cursor", "parameter": "c", "next": "next"}
    with pytest.raises(SourceRefused, match=r"more than 5 pages would have to be read \(`max_pages`\)"):
        await service.source.fetch(reading(paging=endless, max_pages=5), {})
    assert len(service.asked) == 5
    service = answering(lambda request: {"items": [{"n": n} for n in range(40)], "next": int(request.query_params.get("c", 0)) + 1})
    with pytest.raises(SourceRefused, match="more rows than `local_rows` allows"):
        await service.source.fetch(reading(paging=endless), {})
    assert len(service.asked) == 3


@pytest.mark.slow
async def test_all_in_one_answer(answering: Opened) -> None:
    service = answering(lambda _request: {"items": [{"n": n} for n in range(100)]})
    assert len(await service.source.fetch(reading(paging={"style": "none"}), {})) == 100
    assert service.asked == ["/base/n"]
    with pytest.raises(SourceRefused, match="more items than `max_page` allows"):
        await service.source.fetch(reading(paging={"style": "none"}, max_page=99), {})


@pytest.mark.slow
async def test_the_total_of_every_answer_is_the_count(answering: Opened) -> None:
    service = answering(lambda _request: {"items": [], "meta": {"total": "12"}})
    assert await service.source.count(reading(paging={"style": "page", "parameter": "p"}, max_page=10, limit="size", count={"total": "meta.total"}), {}) == 12
    assert service.asked == ["/base/n?size=1&p=1"]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("headers", "link"),
    [
        (['<a?x=1,2>; rel="prev", </p?q=">; rel="last next"; title="a,b;\\"c"'], '/p?q="'),
        (["<a>; rel=prev", "<b>;REL=NEXT"], "b"),
        (['<a>; rel=next; anchor="#x"'], None),
        (["<a>; rel=nextish, <b>"], None),
        (["garbage, <a>; rel=next"], None),
        (["<a>; rel=" + " " * 8000 + "x"], None),
        ([], None),
    ],
)
def test_link_headers(headers: list[str], link: str | None) -> None:
    """RFC 8288, its examples of several links, of several relation types and of quoted commas."""
    assert next_link(headers) == link


@pytest.mark.fast
@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("?x=2", "/base/p?x=2"),
        ("http://HOST:80/base/q", "/base/q"),
        ("//host/base/%E4%B8%AD", "/base/%E4%B8%AD"),
        ("http://user@host/base/q", None),
        ("http://host.evil/base/q", None),
        ("https://host/base/q", None),
        ("/basement", None),
        ("/base/../x", None),
        ("/base/%252e%252e/x", None),
        ("/base/a\\b", None),
        ("/base/\tq", None),
        ("http://[::", None),
    ],
)
def test_which_links_are_inside(link: str, target: str | None) -> None:
    base, asked = httpx2.URL("http://host/base"), httpx2.URL("http://host/base/p?x=1")
    if target is None:
        with pytest.raises(Outside):
            inside(base, asked, link)
    else:
        assert inside(base, asked, link) == target
