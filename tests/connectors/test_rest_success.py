"""Services that answer errors with status 200: what tells them apart decides, never what the answer holds besides."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import SourceRefused, SourceUnavailable
from connectors.selection import Column, Compare, Comparison, Kind, Selection
from tests.connectors.answering import NUMBER, Opened, answering, reading
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SUCCESS = {"path": "code", "values": ["200", "0", "true"], "none": ["404", "NO_DATA"]}
ONE = bound({"path": "/n", "items": "data", "paging": {"style": "none"}, "success": SUCCESS, "lookups": [{"path": "/n/{n}", "items": "data"}]})


@pytest.mark.parametrize("code", [200, "200", 0, True])
async def test_an_answer_that_tells_of_success_is_read(answering: Opened, code: object) -> None:
    for format_ in ({}, {"count": {"total": "total"}}):
        service = answering(lambda _request: {"code": code, "items": [{"n": 1}], "total": 1})
        assert await service.source.fetch(reading(success=SUCCESS, **format_), {}) == [(1,)]
        assert await service.source.count(reading(success=SUCCESS, **format_), {}) == 1


@pytest.mark.parametrize(("code", "fault"), [(500, SourceUnavailable), ("503", SourceUnavailable), (429, SourceUnavailable), (401, SourceRefused)])
async def test_codes_of_http_are_what_they_are_as_statuses(answering: Opened, code: object, fault: type[Exception]) -> None:
    service = answering(lambda _request: {"code": code, "msg": "张三 unknown", "items": [], "total": 0})
    for asked in (service.source.fetch, service.source.count):
        with pytest.raises(fault, match=f"status {code}") as raised:
            await asked(reading(success=SUCCESS, count={"total": "total"}), {})
        assert "unknown" not in str(raised.value)


@pytest.mark.parametrize(
    ("told", "words"), [({"code": "E1"}, "at code none of `values`"), ({"code": 201}, "none of"), ({}, "nothing at code"), ({"code": None}, "nothing at")]
)
async def test_other_marks_are_errors_that_nobody_knows(answering: Opened, told: dict[str, Any], words: str) -> None:
    service = answering(lambda _request: {**told, "items": []})
    with pytest.raises(SourceRefused, match=f"an error with status 200: .*{words}"):
        await service.source.fetch(reading(success=SUCCESS), {})


@pytest.mark.parametrize("code", [404, "NO_DATA"])
async def test_a_row_that_is_not_there_is_told_from_an_error(answering: Opened, code: object) -> None:
    answers: dict[str, Any] = {"1": {"code": 200, "data": {"n": 1}}, "2": {"code": code, "data": None}, "3": {"code": 500, "data": None}}
    service = answering(lambda request: answers[request.url.path.rpartition("/")[2]])
    wanted = Selection(ONE, NUMBER, Compare("n", Kind.INTEGER, Comparison.EQ, "v"))
    assert await service.source.fetch(wanted, {"v": 1}) == [(1,)]
    assert await service.source.fetch(wanted, {"v": 2}) == []
    with pytest.raises(SourceUnavailable, match="status 500"):
        await service.source.fetch(wanted, {"v": 3})
    with pytest.raises(SourceUnavailable, match="status 500"):
        await service.source.fetch_by_keys(Selection(ONE, NUMBER), {}, Column("n", Kind.INTEGER), [1, 2, 3])


async def test_later_pages_tell_of_errors_too(answering: Opened) -> None:
    pages = {"1": {"code": 0, "items": [{"n": 1}, {"n": 2}]}, "2": {"code": 500, "items": []}}
    service = answering(lambda request: pages[request.query_params["page"]])
    described = {"paging": {"style": "page", "parameter": "page"}, "max_page": 2, "success": SUCCESS}
    with pytest.raises(SourceUnavailable):
        await service.source.fetch(reading(**described), {})


async def test_xml_tells_it_as_text(answering: Opened) -> None:
    def made(code: str) -> bytes:
        return f"<answer><code>{code}</code><item><n>1</n></item></answer>".encode()

    described = {"format": "xml", "items": "item", "success": SUCCESS}
    assert await answering(lambda _request: made("0")).source.fetch(reading(**described), {}) == [(1,)]
    with pytest.raises(SourceRefused, match="none of `values`"):
        await answering(lambda _request: made("E1")).source.fetch(reading(**described), {})
