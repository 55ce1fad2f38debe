"""Which charset an answer is read in: what it names itself first, then what the endpoint declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.responses import Response

from connectors.errors import SourceRefused
from connectors.rest.xml_answers import _root
from connectors.selection import Column, Compare, Comparison, Kind, Selection, Undeliverable
from tests.connectors.answering import Opened, answering
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
NAME = "王小明·𠮷"
JSON = f'{{"items": [{{"姓名": "{NAME}"}}]}}'
XML = f"<答><项><姓名>{NAME}</姓名></项></答>"


async def read(answering: Opened, body: bytes, content_type: str, format_: str, charset: str | None = "gb18030") -> object:
    service = answering(lambda _request: Response(body, headers={"Content-Type": content_type}))
    items = "items" if format_ == "json" else "项"
    binding = bound({"path": "/n", "items": items, "format": format_, "paging": {"style": "none"}}, charset=charset)
    return (await service.source.fetch(Selection(binding, (Column("姓名", Kind.STRING),)), {}))[0][0]


async def test_the_endpoint_tells_where_the_answer_does_not(answering: Opened) -> None:
    assert await read(answering, JSON.encode("gb18030"), "application/json", "json") == NAME
    assert await read(answering, XML.encode("gb18030"), "text/xml", "xml") == NAME
    assert await read(answering, f'<?xml version="1.0"?>{XML}'.encode("gb18030"), "text/xml", "xml") == NAME


async def test_what_the_answer_says_itself_goes_first(answering: Opened) -> None:
    assert await read(answering, JSON.encode(), "application/json; charset=UTF-8", "json") == NAME
    assert await read(answering, b"\xef\xbb\xbf" + JSON.encode(), "application/json", "json") == NAME
    assert await read(answering, XML.encode(), "text/xml; charset=utf-8", "xml") == NAME
    assert await read(answering, f'<?xml version="1.0" encoding="UTF-8"?>{XML}'.encode(), "text/xml", "xml") == NAME
    assert await read(answering, JSON.encode("gb18030"), "application/json; charset=GBK", "json", None) == NAME


@pytest.mark.parametrize(
    ("body", "content_type", "format_"),
    [
        (JSON.encode("utf-16"), "application/json", "json"),
        (JSON.encode("utf-16"), "application/json; charset=utf-8", "json"),
        (b"\xfe\xff" + JSON.encode("utf-16-be"), "application/json; charset=utf-16", "json"),
        (JSON.encode("utf-16-le"), "application/json; charset=UTF-16LE", "json"),
        (JSON.encode("utf-16-be"), "application/json; charset=utf-16", "json"),
        (JSON.encode("utf-16-le"), "application/json; charset=utf-16", "json"),
        (JSON.encode(), "application/json; charset=utf-16", "json"),
        (XML.encode("utf-16"), "text/xml", "xml"),
        (f'<?xml version="1.0" encoding="utf-16"?>{XML}'.encode("utf-16"), "text/xml", "xml"),
        (f'<?xml version="1.0" encoding="utf-16"?>{XML}'.encode(), "text/xml", "xml"),
        (f'<?xml version="1.0" encoding="GBK"?>{XML}'.encode(), "text/xml; charset=utf-8", "xml"),
        (f'<?xml version="1.0" encoding="utf-16"?>{XML}'.encode(), "text/xml; charset=utf-16", "xml"),
    ],
)
async def test_utf_16_and_declarations_that_are_not_true(answering: Opened, body: bytes, content_type: str, format_: str) -> None:
    """.NET declares UTF-16 of all that it wrote into a text first; gateways recode the body and leave the declaration."""
    assert await read(answering, body, content_type, format_, None) == NAME


async def test_utf_16_that_is_cut_off_is_refused_and_half_a_character_costs_its_place(answering: Opened) -> None:
    with pytest.raises(SourceRefused, match="is no JSON, or was cut off"):
        await read(answering, JSON.encode("utf-16")[:-1], "application/json", "json", None)
    lone = JSON.replace("𠮷", "\ud842").encode("utf-16", "surrogatepass")
    assert isinstance(await read(answering, lone, "application/json", "json", None), Undeliverable)


_ASKED = Selection(bound({"path": "/n"}), (Column("姓名", Kind.STRING),), Compare("姓名", Kind.STRING, Comparison.EQ, "v"))
_GBK: dict[str, object] = {"items": "items", "paging": {"style": "none"}, "request_charset": "gbk"}


@pytest.mark.parametrize(
    ("described", "sent"),
    [
        ({"path": "/n", "filters": {"姓名": "姓名"}, "query": {"类": "人"}}, "/base/n?%C0%E0=%C8%CB&%D0%D5%C3%FB=%CD%F5%D0%A1%C3%F7"),
        ({"path": "/n/{姓名}"}, "/base/n/%CD%F5%D0%A1%C3%F7"),
        ({"path": "/n", "filters": {"姓名": "xm"}, "method": "POST", "safe": True, "content": "form"}, "xm=%CD%F5%D0%A1%C3%F7"),
    ],
)
async def test_requests_are_written_in_the_charset_of_the_service(answering: Opened, described: dict[str, object], sent: str) -> None:
    service = answering(lambda _request: {"items": [{"姓名": "王小明"}, {"姓名": NAME}]})
    asked = replace(_ASKED, binding=bound(_GBK, **described))
    assert await service.source.fetch(asked, {"v": "王小明"}) == [("王小明",)]
    request = service.requests[0]
    whole = request.scope["raw_path"].decode() + (f"?{request.scope['query_string'].decode()}" if request.scope["query_string"] else "")
    assert ((await request.body()).decode() or whole).endswith(sent)


async def test_a_value_that_the_charset_does_not_have_is_found_by_the_hub(answering: Opened) -> None:
    """GBK would write a question mark for it, which is another value."""
    service = answering(lambda _request: {"items": [{"姓名": "王小明"}, {"姓名": NAME}]})
    asked = replace(_ASKED, binding=bound(_GBK, path="/n", filters={"姓名": "xm"}))
    assert await service.source.fetch(asked, {"v": NAME}) == [(NAME,)]
    assert service.asked == ["/base/n"]
    asked = replace(_ASKED, binding=bound(_GBK, path="/n", filters={"姓名": "xm"}, request_charset="gb18030"))
    assert await service.source.fetch(asked, {"v": NAME}) == [(NAME,)]
    assert service.requests[1].scope["query_string"] == b"xm=" + quote(NAME.encode("gb18030")).encode()


async def test_a_key_in_the_query_leaves_what_is_asked_in_gbk_as_it_is(answering: Opened, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a b&c", encoding="utf-8")
    key = {"secret": f"file:{tmp_path / 'secret'}", "options": {"auth": "api_key", "api_key": {"query": "k"}}}
    service = answering(lambda _request: {"items": [{"姓名": "王小明"}]}, **key)
    asked = replace(_ASKED, binding=bound(_GBK, path="/n", filters={"姓名": "xm"}, query={"k%": "+", "e": ""}))
    assert await service.source.fetch(asked, {"v": "王小明"}) == [("王小明",)]
    assert service.requests[0].scope["query_string"] == b"e=&k%25=%2B&xm=%CD%F5%D0%A1%C3%F7&k=a%20b%26c"


@pytest.mark.parametrize("relative", [False, True])
async def test_a_link_that_is_not_percent_encoded_is_asked_in_the_charset_of_the_service(answering: Opened, relative: bool) -> None:
    def answered(request: Request) -> object:
        more = b"p=" not in request.scope["query_string"]
        return {"items": [{"姓名": "王小明"}], "next": "n?xm=王小明&p=%C3%F7" if more else None}

    service = answering(answered)
    paging = {"style": "link", "next": "next", "relative": relative}
    asked = replace(_ASKED, binding=bound(_GBK, path="/n", filters={"姓名": "xm"}, paging=paging))
    assert await service.source.fetch(asked, {"v": "王小明"}) == [("王小明",)] * 2
    assert service.requests[1].scope["query_string"] == b"xm=%CD%F5%D0%A1%C3%F7&p=%C3%F7"


@pytest.mark.parametrize("paging", [{"style": "link", "next": "next"}, {"style": "cursor", "parameter": "c", "next": "next"}])
async def test_what_leads_on_in_characters_that_cannot_be_sent_is_refused(answering: Opened, paging: dict[str, object]) -> None:
    service = answering(lambda _request: {"items": [{"姓名": NAME}], "next": f"n?{NAME}"})
    with pytest.raises(SourceRefused, match="`request_charset`"):
        await service.source.fetch(replace(_ASKED, where=None, binding=bound(_GBK, path="/n", paging=paging)), {})
    assert len(service.asked) == 1


@pytest.mark.parametrize("name", ["乗..", "乗x"])
async def test_a_character_of_which_gbk_makes_a_backslash_stands_in_no_path(answering: Opened, name: str) -> None:
    """Servers that look at the bytes of a path read its second byte as the end of a segment, and two dots behind it as the way out."""
    service = answering(lambda _request: {"items": [{"姓名": name}]})
    with pytest.raises(SourceRefused, match="cannot stand in the service's path"):
        await service.source.fetch(replace(_ASKED, binding=bound(_GBK, path="/n/{姓名}")), {"v": name})
    assert service.asked == []
    asked = replace(_ASKED, binding=bound(_GBK, path="/n/{姓名}", request_charset="utf-8"))
    assert await service.source.fetch(asked, {"v": name}) == [(name,)]


async def test_xml_in_gbk_may_hold_ascii_alone(answering: Opened) -> None:
    body = b'<?xml version="1.0" encoding="GBK"?><a><n>x</n></a>'
    service = answering(lambda _request: Response(body, headers={"Content-Type": "text/xml"}))
    binding = bound({"path": "/n", "format": "xml", "paging": {"style": "none"}, "items": "n"})
    assert len(await service.source.fetch(Selection(binding, (Column("x", Kind.STRING),)), {})) == 1


def test_a_true_declaration_is_believed_beside_a_charset_that_frameworks_write() -> None:
    body = '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("iso-8859-1")
    assert _root("city.register", body, "utf-8", "utf-8").text == "é"
