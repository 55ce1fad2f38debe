"""Dates and nulls as services write them: what is read, what is sent, and what the hub keeps to itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response

from connectors.errors import SourceRefused
from connectors.rest.answers import form, readers
from connectors.rest.dates import DateForm, reader, written, zone_of
from connectors.rest.endpoint import Endpoint
from connectors.rest.values import WrongType
from connectors.selection import UNDELIVERABLE, Column, Compare, Comparison, Kind, Order, Selection, Undeliverable
from tests.connectors.answering import NUMBER, Opened, answering, reading
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
CHINA = "Asia/Shanghai"
DATED: dict[str, object] = {"path": "/n", "items": "items", "paging": {"style": "none"}, "zone": CHINA}
FORMS: Mapping[str, tuple[object, object]] = {
    "iso": ("1988-06-01", "2026-01-01T08:30:00"),
    "space": ("1988-06-01", "2026-01-01 08:30:00"),
    "slash": ("1988/06/01", "2026/01/01 08:30:00"),
    "compact": ("19880601", "20260101083000"),
    "seconds": (581094000, 1767227400),
    "milliseconds": (581094000000, 1767227400000),
    "http": ("Tue, 31 May 1988 15:00:00 GMT", "Thu, 01 Jan 2026 00:30:00 GMT"),
    "dotnet": ("/Date(581094000000)/", "/Date(1767227400000)/"),
    "odata": ("1988-06-01T00:00:00", "2026-01-01T08:30:00"),
}
"""How the day 1988-06-01, in China's summer time, and the moment 2026-01-01T00:30:00Z are written."""


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
async def test_what_is_read_is_asked_for_in_the_same_form(answering: Opened, form: str) -> None:
    day, moment = FORMS[form]
    service = answering(lambda _request: {"items": [{"n": 1, "day": day, "moment": moment}, {"n": 2, "day": None, "moment": ""}]})
    described = bound(DATED, dates={"day": form, "moment": form}, filters={"day": "d"}, keys={"moment": {"parameter": "m", "separator": "|"}})
    columns = (Column("day", Kind.DATE), Column("moment", Kind.DATETIME))
    assert await service.source.fetch(Selection(described, columns), {}) == [("1988-06-01", "2026-01-01T00:30:00+00:00"), (None, None)]
    asked = Selection(described, NUMBER, Compare("day", Kind.DATE, Comparison.EQ, "v"))
    assert await service.source.fetch(asked, {"v": "1988-06-01"}) == [(1,)]
    found = await service.source.fetch_by_keys(Selection(described, NUMBER), {}, Column("moment", Kind.DATETIME), ["2026-01-01T00:30:00+00:00"])
    assert list(found.values()) == [[(1,)]]
    assert [parse_qs(urlsplit(each).query) for each in service.asked[1:]] == [{"d": [str(day)]}, {"m": [str(moment)]}]


@pytest.mark.slow
async def test_a_post_sends_epochs_as_numbers_and_paths_hold_dates_in_their_form(answering: Opened) -> None:
    service = answering(lambda _request: {"items": [{"n": 1, "day": FORMS["seconds"][0]}]})
    described = bound(DATED, method="POST", safe=True, dates={"day": "seconds"}, filters={"day": "where.day"})
    asked = Compare("day", Kind.DATE, Comparison.EQ, "v")
    assert await service.source.fetch(Selection(described, NUMBER, asked), {"v": "1988-06-01"}) == [(1,)]
    assert await service.requests[0].json() == {"where": {"day": FORMS["seconds"][0]}}
    service = answering(lambda _request: {"items": [{"n": 1, "day": "19880601"}]})
    described = bound(DATED, path="/days/{day}", dates={"day": "compact"})
    assert await service.source.fetch(Selection(described, NUMBER, asked), {"v": "1988-06-01"}) == [(1,)]
    assert service.asked == ["/base/days/19880601"]


@pytest.mark.slow
async def test_a_moment_that_the_service_cannot_write_is_filtered_by_the_hub(answering: Opened) -> None:
    service = answering(lambda _request: {"items": [{"n": 1, "moment": 1767227400}], "total": 1})
    described = bound(DATED, dates={"moment": "seconds"}, filters={"moment": "m"}, count={"total": "total"})
    asked = Selection(described, NUMBER, Compare("moment", Kind.DATETIME, Comparison.EQ, "v"))
    assert await service.source.fetch(asked, {"v": "2026-01-01T00:30:00.500000+00:00"}) == []
    assert await service.source.count(asked, {"v": "2026-01-01T00:30:00.500000+00:00"}) == 0
    assert await service.source.count(asked, {"v": "2026-01-01T00:30:00+00:00"}) == 1
    assert service.asked == ["/base/n", "/base/n", "/base/n?m=1767227400"]


@pytest.mark.slow
async def test_pages_go_on_behind_a_moment_in_its_form(answering: Opened) -> None:
    def behind(request: Request) -> object:
        after = request.query_params.get("after", "")
        return {
            "items": [{"n": n, "at": at} for n, at in enumerate(["2026/01/01 00:00:00", "2026/01/01 08:00:00.25", "2026/01/02 00:00:00"]) if at > after][:2]
        }

    service = answering(behind)
    described = reading(
        paging={"style": "page", "parameter": "p"}, max_page=2, limit="size", sorted_by="at", after="after", dates={"at": "slash"}, zone="+08:00"
    ).binding
    assert await service.source.fetch(Selection(described, NUMBER, None, (Order("at", Kind.DATETIME),)), {}) == [(0,), (1,), (2,)]
    assert parse_qs(urlsplit(service.asked[1]).query)["after"] == ["2026/01/01 08:00:00.250000"]


@pytest.mark.slow
async def test_a_position_that_the_service_cannot_write_is_refused(answering: Opened) -> None:
    service = answering(lambda _request: {"items": []})
    described = bound(
        {"path": "/n", "items": "items", "paging": {"style": "page", "parameter": "p"}, "limit": "size", "max_page": 2, "dates": {"at": "space"}},
        zone=CHINA,
        sorted_by="at",
        after="after",
    )
    asked = Selection(described, NUMBER, None, (Order("at", Kind.DATETIME),), ("position",), "most")
    with pytest.raises(SourceRefused, match="cannot write the value of at to go on behind; leave `after` out"):
        await service.source.fetch(asked, {"position": "1991-09-14T17:30:00+00:00", "most": 2})
    assert service.asked == []


@pytest.mark.slow
async def test_xml_has_dates_in_their_form_and_nulls_too(answering: Opened) -> None:
    service = answering(lambda _request: b"<a><i><day> 20260101 </day><t>-</t></i><i><day>0</day><t>- </t></i><i><day></day><t>\xe6\x97\xa0</t></i></a>")
    described = bound(DATED, format="xml", items="i", dates={"day": "compact"}, nulls=["-", "无"])
    rows = await service.source.fetch(Selection(described, (Column("day", Kind.DATE), Column("t", Kind.STRING))), {})
    assert rows == [("2026-01-01", None), (UNDELIVERABLE, "- "), (None, None)]
    assert isinstance(rows[1][0], Undeliverable)


@pytest.mark.slow
async def test_texts_that_mean_null_are_null_in_every_type_and_equal_nothing(answering: Opened) -> None:
    kinds = {"text": Kind.STRING, "n": Kind.INTEGER, "float": Kind.FLOAT, "decimal": Kind.DECIMAL, "truth": Kind.BOOLEAN, "day": Kind.DATE}
    texts = ["-", "null", "NULL", "无", "0000-00-00"]
    service = answering(lambda _request: {"items": [dict.fromkeys(kinds, each) for each in texts], "total": 5})
    described = bound(DATED, zone=None, nulls=texts, filters={"text": "t"}, count={"total": "total"})
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    assert await service.source.fetch(Selection(described, columns), {}) == [(None,) * len(kinds)] * 5
    for comparison, value in ((Comparison.EQ, "无"), (Comparison.IN, ["-", "NULL"])):
        asked = Selection(described, columns, Compare("text", Kind.STRING, comparison, "v"))
        assert await service.source.fetch(asked, {"v": value}) == []
        assert await service.source.count(asked, {"v": value}) == 0
    assert len(service.asked) == 1
    empty = Selection(described, (), Compare("text", Kind.STRING, Comparison.IS_NULL, "v"))
    assert await service.source.count(empty, {"v": True}) == 5


@pytest.mark.slow
@pytest.mark.parametrize("written", ["json", "xml"])
async def test_numbers_that_mean_null_in_one_column_are_numbers_in_others(answering: Opened, written: str) -> None:
    xml = "".join(f"<item><n>{n}</n><age>{age}</age><fee>{fee}</fee></item>" for n, age, fee in ((-1, -1, "-1.0"), (0, 0, 0), (1, 1, 1)))
    items = {"items": [{"n": -1, "age": -1, "fee": -1.0}, {"n": 0, "age": 0, "fee": 0}, {"n": 1, "age": 1, "fee": 1}], "total": 1}
    service = answering(lambda _request: Response(f"<a>{xml}</a>", media_type="text/xml") if written == "xml" else items)
    described = bound(DATED, zone=None, format=written, column_nulls={"age": [-1, 0], "fee": [-1, "-1.0"]}, filters={"age": "a"})
    described = described if written == "json" else bound({**json.loads(described.options), "items": "item"})
    columns = (*NUMBER, Column("age", Kind.INTEGER), Column("fee", Kind.DECIMAL))
    found = await service.source.fetch(Selection(described, columns), {})
    assert [(n, age, None if fee is None else Decimal(str(fee))) for n, age, fee in found] == [(-1, None, None), (0, None, 0), (1, 1, 1)]
    for value, rows in ((-1, []), (1, [(1,)])):
        assert await service.source.fetch(Selection(described, NUMBER, Compare("age", Kind.INTEGER, Comparison.EQ, "v")), {"v": value}) == rows


@pytest.mark.slow
async def test_a_fraction_that_means_null_is_null_whatever_is_read_beside_it(answering: Opened) -> None:
    """Where decimals are read, all numbers are: -9.99 is then no binary fraction."""
    service = answering(lambda _request: Response('{"items": [{"n": 1, "fee": -9.99, "rate": -9.990}]}', media_type="application/json"))
    described = bound(DATED, zone=None, column_nulls={"fee": [-9.99], "rate": [-9.99]})
    rate, fee = Column("rate", Kind.FLOAT), Column("fee", Kind.DECIMAL)
    assert await service.source.fetch(Selection(described, (rate,)), {}) == [(None,)]
    assert await service.source.fetch(Selection(described, (rate, fee)), {}) == [(None, None)]


@pytest.mark.slow
async def test_a_total_in_which_a_number_that_means_null_is_counted_is_not_told(answering: Opened) -> None:
    service = answering(lambda request: {"items": [{"n": 1, "age": int(request.query_params["a"])}], "total": 1})
    described = bound(DATED, zone=None, column_nulls={"age": [-1]}, filters={"age": "a"}, count={"total": "total"})
    for value, total in ((-1, 0), (1, 1)):
        assert await service.source.count(Selection(described, (), Compare("age", Kind.INTEGER, Comparison.EQ, "v")), {"v": value}) == total


@pytest.mark.slow
async def test_a_number_that_means_null_does_so_however_it_is_written(answering: Opened) -> None:
    """White space around numbers of XML, and zeros behind them, change no number that is read; nor may they make one of null."""
    xml = "<item><n>1</n><age>\n -1 </age><fee>-1.00</fee><rate>-9999</rate></item>"
    service = answering(lambda _request: Response(f"<a>{xml}</a>", media_type="text/xml"))
    described = bound(DATED, zone=None, format="xml", items="item", column_nulls={"age": [-1], "fee": [-1], "rate": [-9999.0]})
    columns = (Column("age", Kind.INTEGER), Column("fee", Kind.DECIMAL), Column("rate", Kind.FLOAT))
    assert await service.source.fetch(Selection(described, columns), {}) == [(None, None, None)]


@pytest.mark.fast
@pytest.mark.parametrize("value", [True, False])
def test_truths_are_no_numbers_that_mean_null(value: bool) -> None:
    endpoint = Endpoint.model_validate({"path": "/n", "column_nulls": {"truth": [0, 1]}})
    assert readers(form("json"), endpoint, [Column("truth", Kind.BOOLEAN)])[0][1](value) is value


@pytest.mark.fast
@pytest.mark.parametrize(
    ("kind", "form", "value", "expected"),
    [
        (Kind.DATE, "compact", 20260101, "2026-01-01"),
        (Kind.DATE, "compact", "20260230", UNDELIVERABLE),
        (Kind.DATE, "compact", "2026-01-01", UNDELIVERABLE),
        (Kind.DATE, "compact", 0, UNDELIVERABLE),
        (Kind.DATE, "compact", -20260101, UNDELIVERABLE),
        (Kind.DATE, "compact", 10**17, UNDELIVERABLE),
        (Kind.DATE, "compact", 20260101.0, WrongType),
        (Kind.DATE, "compact", True, WrongType),
        (Kind.DATE, "slash", "2026/1/1", "2026-01-01"),
        (Kind.DATE, "slash", 20260101, WrongType),
        (Kind.DATE, "slash", "２０２６/1/1", UNDELIVERABLE),
        (Kind.DATE, "iso", "2026-01-01T00:00:00", "2026-01-01"),
        (Kind.DATE, "iso", "2026-01-01T12:00:00", UNDELIVERABLE),
        (Kind.DATE, "iso", "2025-12-31T16:00:00Z", "2026-01-01"),
        (Kind.DATE, "space", "2026-W01-1", UNDELIVERABLE),
        (Kind.DATE, "milliseconds", 581094000000, "1988-06-01"),
        (Kind.DATE, "milliseconds", 581097600000, UNDELIVERABLE),
        (Kind.DATE, "seconds", -1, UNDELIVERABLE),
        (Kind.DATETIME, "compact", "20260101083000500", "2026-01-01T00:30:00.500000+00:00"),
        (Kind.DATETIME, "compact", "20260101", "2025-12-31T16:00:00+00:00"),
        (Kind.DATETIME, "space", "2026-01-01 08:30", "2026-01-01T00:30:00+00:00"),
        (Kind.DATETIME, "space", "2026-01-01 08:30:00 +0900", "2025-12-31T23:30:00+00:00"),
        (Kind.DATETIME, "space", "2026-01-01 25:00:00", UNDELIVERABLE),
        (Kind.DATETIME, "seconds", "1767227400", "2026-01-01T00:30:00+00:00"),
        (Kind.DATETIME, "seconds", Decimal("1767227400.5"), "2026-01-01T00:30:00.500000+00:00"),
        (Kind.DATETIME, "seconds", Decimal("1e999999999"), UNDELIVERABLE),
        (Kind.DATETIME, "seconds", float("nan"), UNDELIVERABLE),
        (Kind.DATETIME, "milliseconds", 10**16, UNDELIVERABLE),
        (Kind.DATETIME, "milliseconds", "soon", WrongType),
        (Kind.DATETIME, "milliseconds", "", None),
        (Kind.DATE, "http", "Wed, 01 Jun 1988 00:00:00 GMT", UNDELIVERABLE),
        (Kind.DATETIME, "http", "1 Jan 2026 08:30:00 +0800", "2026-01-01T00:30:00+00:00"),
        (Kind.DATETIME, "http", "Thu, 31 Feb 2026 00:30:00 GMT", UNDELIVERABLE),
        (Kind.DATETIME, "http", "Thu, 01 Jan 2026 00:30:00", UNDELIVERABLE),
        (Kind.DATETIME, "http", 1767227400, WrongType),
        (Kind.DATE, "dotnet", "/Date(581094000000+0900)/", "1988-06-01"),
        (Kind.DATETIME, "dotnet", "/Date(99999999999999999)/", UNDELIVERABLE),
        (Kind.DATETIME, "dotnet", "2026-01-01T08:30:00", UNDELIVERABLE),
        (Kind.DATETIME, "dotnet", 1767227400000, WrongType),
        (Kind.DATE, "odata", "/Date(581126400000)/", "1988-06-01"),
        (Kind.DATE, "odata", "/Date(-2208988800000)/", "1900-01-01"),
        (Kind.DATETIME, "odata", "/Date(1767256200000)/", "2026-01-01T00:30:00+00:00"),
        (Kind.DATETIME, "odata", "/Date(1767227400500+0480)/", "2026-01-01T00:30:00.500000+00:00"),
        (Kind.DATETIME, "odata", "2026-01-01T08:30:00", "2026-01-01T00:30:00+00:00"),
    ],
)
def test_forms(kind: Kind, form: DateForm, value: object, expected: object) -> None:
    read = reader(kind, form, CHINA)
    if expected is WrongType:
        with pytest.raises(WrongType):
            read(value)
        return
    assert read(value) == expected
    assert type(read(value)) is type(expected)


@pytest.mark.fast
@pytest.mark.parametrize("value", ["0000-00-00", "x", "2026-13-01", 1, None, "2026-01-01T99:00:00+00:00", "1991-09-14T17:30:00+00:00"])
def test_what_no_service_can_write(value: str | int | None) -> None:
    """The last is the second of two hours of one name: the end of China's last summer time."""
    assert written(value, "space", CHINA) is None


@pytest.mark.fast
@pytest.mark.parametrize("name", ["+8", "8", "+15:00", "Asia/Guiyang", "../../etc/passwd", "/etc/localtime", "", "UTC+8"])
def test_zones_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"\+08:00"):
        zone_of(name)
