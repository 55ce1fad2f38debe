"""Which charset an answer is read in: what it names itself first, then what the endpoint declares."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from connectors.selection import Column, Kind, Selection
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


async def test_xml_in_gbk_may_hold_ascii_alone(answering: Opened) -> None:
    body = b'<?xml version="1.0" encoding="GBK"?><a><n>x</n></a>'
    service = answering(lambda _request: Response(body, headers={"Content-Type": "text/xml"}))
    binding = bound({"path": "/n", "format": "xml", "paging": {"style": "none"}, "items": "n"})
    assert len(await service.source.fetch(Selection(binding, (Column("x", Kind.STRING),)), {})) == 1
