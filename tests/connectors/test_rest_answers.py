"""Answers of a REST service, good and bad: one bad value costs its own place; a wrong answer is refused in words that quote nothing."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from decimal import Decimal

import pytest
from starlette.requests import Request
from starlette.responses import Response

from connectors.errors import SourceRefused, SourceUnavailable
from connectors.rest import json_answers
from connectors.rest.density import too_many_values
from connectors.rest.values import JSON, TEXTS, WrongType
from connectors.selection import UNDELIVERABLE, Column, Compare, Comparison, Kind, Selection, Undeliverable
from tests.connectors.answering import NUMBER, Opened, answering, reading
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
ALL = {"n": Kind.INTEGER, "big": Kind.BIGINT, "text": Kind.STRING, "float": Kind.FLOAT, "decimal": Kind.DECIMAL, "day": Kind.DATE, "moment": Kind.DATETIME}
WIDE = bound({"path": "/n", "items": "items", "paging": {"style": "none"}})


def undeliverable(row: tuple[object, ...]) -> list[str]:
    """Names of the columns whose values did not arrive."""
    return [name for name, value in zip(ALL, row, strict=True) if isinstance(value, Undeliverable)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("member", "lost"),
    [
        (b'"text": "\\ud800"', ["text"]),
        (b'"text": "a\\udfffb"', ["text"]),
        (b'"text": "\xff\xfe"', ["text"]),
        (b'"text": "\\ud842\\udfb7"', []),
        (b'"float": NaN', ["float"]),
        (b'"float": -Infinity', ["float"]),
        (b'"float": 1e999', ["float"]),
        (b'"float": 1e99999999999999999999', ["float"]),
        (b'"decimal": NaN', ["decimal"]),
        (b'"big": 9223372036854775808', ["big"]),
        (b'"big": 1' + b"0" * 5000, ["big"]),
        (b'"big": -9223372036854775808', []),
        (b'"day": "2026-02-30"', ["day"]),
        (b'"day": "10000-01-01"', ["day"]),
        (b'"day": "\xe4\xb8\x8d\xe8\xaf\xa6"', ["day"]),
        (b'"moment": "2026-11-22T25:00:00Z"', ["moment"]),
        (b'"decimal": 1e99', ["decimal"]),
        (b'"decimal": "1,5"', ["decimal"]),
        (b'"decimal": 1e999999999', ["decimal"]),
        (b'"decimal": 1e-99999999999999999999', ["decimal"]),
        (b'"text": "a", "text": "b"', []),
    ],
)
async def test_one_bad_value_costs_its_own_place(answering: Opened, member: bytes, lost: list[str]) -> None:
    service = answering(lambda _request: b'{"items": [{"n": 1, ' + member + b'}, {"n": 2, "text": "\xe7\x8e\x8b"}]}')
    rows = await service.source.fetch(Selection(WIDE, tuple(Column(name, kind) for name, kind in ALL.items())), {})
    assert undeliverable(rows[0]) == lost
    assert rows[0][0] == 1
    assert rows[1] == (2, None, "王", None, None, None, None)


@pytest.mark.slow
async def test_what_cannot_be_delivered_is_null_to_comparisons(answering: Opened) -> None:
    service = answering(lambda _request: b'{"items": [{"n": 1, "text": "\\ud800"}, {"n": 2, "text": "a"}]}')
    selection = Selection(WIDE, NUMBER, Compare("text", Kind.STRING, Comparison.NE, "v"))
    assert await service.source.fetch(selection, {"v": "b"}) == [(2,)]


@pytest.mark.slow
async def test_decimals_keep_their_digits_and_integers_theirs(answering: Opened) -> None:
    service = answering(
        lambda _request: b'{"items": [{"n": 3.0, "big": 9007199254740993, "decimal": 12345678901234567.890}, {"decimal": 1.5E+3}, {"decimal": -0}]}'
    )
    rows = await service.source.fetch(Selection(WIDE, tuple(Column(name, ALL[name]) for name in ("n", "big", "decimal"))), {})
    assert rows == [(3, 9007199254740993, "12345678901234567.890"), (None, None, "1500"), (None, None, "0")]


@pytest.mark.slow
async def test_numbers_may_be_written_as_texts_and_empty_texts_are_null_where_a_type_has_none(answering: Opened) -> None:
    written = {"n": "35", "big": "9007199254740993", "float": "-1.5e3", "decimal": "12345678901234567.890"}
    service = answering(lambda _request: {"items": [written, dict.fromkeys(ALL, "")]})
    rows = await service.source.fetch(Selection(WIDE, tuple(Column(name, kind) for name, kind in ALL.items())), {})
    found = [dict(zip(ALL, row, strict=True)) for row in rows]
    assert {name: found[0][name] for name in written} == {"n": 35, "big": 9007199254740993, "float": -1500.0, "decimal": "12345678901234567.890"}
    assert found[1] == {name: "" if kind is Kind.STRING else None for name, kind in ALL.items()}
    assert not undeliverable(rows[1])


@pytest.mark.parametrize(
    ("kind", "values"), [(Kind.INTEGER, ["x", " 1", "1 ", "01", "+1", "1.0", "1e3", "１", "0x1", "-"]), (Kind.FLOAT, ["x", " 1", "NaN", "inf", "1_0", "."])]
)
def test_other_texts_are_no_numbers(kind: Kind, values: list[str]) -> None:
    for value in values:
        with pytest.raises(WrongType):
            JSON[kind](value)
    assert JSON[Kind.BIGINT]("9223372036854775808") is UNDELIVERABLE


@pytest.mark.slow
async def test_paths_reach_elements_of_arrays_and_names_with_dots(answering: Opened) -> None:
    item = {"phones": [{"no": 1}, {"no": 2}], "a.b": {"c\\d": 3}, "姓名": {"全": 4}, "5": 5}
    service = answering(lambda _request: {"items": [item]})
    paths = ("phones.1.no", "phones.2.no", "a\\.b.c\\\\d", "姓名.全", "5", "phones.x")
    assert await service.source.fetch(Selection(WIDE, tuple(Column(path, Kind.INTEGER) for path in paths)), {}) == [(2, None, 3, 4, 5, None)]
    assert [column.name for column in await service.source.describe(WIDE)] == ["phones", "a\\.b.c\\\\d", "姓名.全", "5"]


REFUSED: list[tuple[bytes, str]] = [
    (b"<!DOCTYPE html><html><body>secret</body></html>", "no JSON but a page of HTML"),
    (b'{"items": [{"n": 1}, {"n"', "no JSON, or was cut off"),
    (b"", "no JSON"),
    (b"[" * 100_000, "no JSON"),
    (b'{"items": {"n": 1}}', "no array at items"),
    (b"[]", "no array at items"),
    (b'{"items": [1]}', "items are no objects"),
    (b'{"items": [null]}', "items are no objects"),
    (b'{"items": [{"n": "secret"}]}', "sends n in another type"),
    (b'{"items": [{"n": {"secret": 1}}]}', "sends n in another type"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("body", "words"), REFUSED)
async def test_answers_that_are_not_what_the_catalog_says(answering: Opened, body: bytes, words: str) -> None:
    service = answering(lambda _request: body)
    with pytest.raises(SourceRefused, match=words) as caught:
        await service.source.fetch(reading(), {})
    assert "secret" not in str(caught.value)
    assert len(service.asked) == 1


@pytest.mark.slow
async def test_no_content_is_no_rows(answering: Opened) -> None:
    service = answering(lambda _request: Response(status_code=204))
    assert await service.source.fetch(reading(), {}) == []


@pytest.mark.slow
async def test_a_single_item_that_is_several_is_refused(answering: Opened) -> None:
    service = answering(lambda _request: {"data": [{"n": 1}, {"n": 2}]})
    one = bound({"path": "/n", "paging": {"style": "none"}}, lookups=[{"path": "/n/{n}", "items": "data"}])
    with pytest.raises(SourceRefused, match="write single = false"):
        await service.source.fetch(Selection(one, NUMBER, Compare("n", Kind.INTEGER, Comparison.EQ, "v")), {"v": 1})


def compressed(name: str, body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Content-Encoding": name})


@pytest.mark.slow
@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b'{"n":1}', b"1.5"])
async def test_an_answer_of_too_many_values_is_not_parsed(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight mebibytes of brackets would keep every other call waiting for seconds."""
    body = b"[" + b",".join([value] * (8_000_000 // (len(value) + 1))) + b"]"
    monkeypatch.setattr(json_answers, "orjson", None)
    for exact in (False, True):
        with pytest.raises(SourceRefused, match="more than 524288 values"):
            await json_answers.Json().parse("d.s", body, None, exact)


@pytest.mark.slow
def test_values_of_ordinary_length_are_as_many_as_the_bytes_allow() -> None:
    assert not too_many_values(b"[" + b",".join([b'{"name":"' + "王小明".encode() + b'","n":12}'] * 170_000) + b"]")
    assert not too_many_values(b"[" + b",".join([b'"0123456789abcdef"'] * 3_000_000) + b"]")


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"options": {"max_bytes": 1024 * 1024}}])
async def test_bombs_are_cut_while_they_inflate(answering: Opened, changes: dict[str, object]) -> None:
    """A kilobyte a megabyte: 64 MiB behind two layers of gzip."""
    bomb = gzip.compress(b'{"items": ["' + b"x" * 64 * 1024 * 1024 + b'"]}')
    service = answering(lambda _request: compressed("gzip", bomb), **changes)
    with pytest.raises(SourceRefused, match=f"larger than {1 if changes else 8} MiB"):
        await service.source.fetch(reading(), {})
    twice = gzip.compress(bomb)
    service = answering(lambda _request: compressed("gzip, gzip", twice), **changes)
    with pytest.raises(SourceRefused, match=f"larger than {1 if changes else 8} MiB"):
        await service.source.fetch(reading(), {})


@pytest.mark.slow
async def test_compressed_answers(answering: Opened) -> None:
    body = json.dumps({"items": [{"n": 1}]}).encode()
    for name, made in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        service = answering(lambda _request, name=name, made=made: compressed(name, made))
        assert await service.source.fetch(reading(), {}) == [(1,)]
        assert service.requests[0].headers["accept-encoding"] == "gzip, deflate"
    service = answering(lambda _request: compressed("gzip", b"no gzip"))
    with pytest.raises(SourceRefused, match="badly compressed"):
        await service.source.fetch(reading(), {})


@pytest.mark.slow
async def test_gzip_by_its_old_name_and_what_was_not_asked_for(answering: Opened) -> None:
    service = answering(lambda _request: compressed("X-GZIP", gzip.compress(b'{"items": [{"n": 1}]}')))
    assert await service.source.fetch(reading(), {}) == [(1,)]
    for name in ("br", "zstd", "gzip, br"):
        with pytest.raises(SourceRefused, match="compressed otherwise than asked for"):
            await answering(lambda _request, name=name: compressed(name, b"\x0b")).source.fetch(reading(), {})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "UTF-8", "none", "identity", "gzip,"])
async def test_words_that_name_no_other_compression_change_nothing(answering: Opened, name: str) -> None:
    body = b'{"items": [{"n": 1}]}'
    service = answering(lambda _request: compressed(name, gzip.compress(body) if "gzip" in name else body))
    assert await service.source.fetch(reading(), {}) == [(1,)]


@pytest.mark.slow
async def test_the_status_of_a_refusal_is_told_however_its_page_is_compressed(answering: Opened) -> None:
    """A gateway's page for 503 is the source's trouble, and none of the manifest's."""
    with pytest.raises(SourceUnavailable, match="status 503"):
        await answering(lambda _request: Response(b"\x0b", 503, headers={"content-encoding": "br"})).source.fetch(reading(), {})


@pytest.mark.slow
async def test_an_answer_that_is_to_come_later_is_no_list(answering: Opened) -> None:
    with pytest.raises(SourceRefused, match="accepts the request for later"):
        await answering(lambda _request: Response(b'{"items": []}', 202)).source.fetch(reading(), {})


@pytest.mark.slow
async def test_chinese_character_sets_are_recoded_where_they_are_named(answering: Opened) -> None:
    text = '{"items": [{"text": "王小明·𠮷"}]}'
    columns = (Column("text", Kind.STRING),)
    service = answering(
        lambda _request: Response(text.encode("gb18030"), media_type="application/json", headers={"Content-Type": "application/json; charset=GBK"})
    )
    assert await service.source.fetch(Selection(WIDE, columns), {}) == [("王小明·𠮷",)]
    service = answering(lambda _request: b"\xef\xbb\xbf" + text.encode())
    assert await service.source.fetch(Selection(WIDE, columns), {}) == [("王小明·𠮷",)]


XML = bound({"path": "/n", "format": "xml", "items": "people.person", "paging": {"style": "none"}})


def xml(body: bytes | str) -> Callable[[Request], Response]:
    made = body.encode() if isinstance(body, str) else body
    return lambda _request: Response(made, headers={"Content-Type": "application/xml"})


@pytest.mark.slow
async def test_xml_has_attributes_namespaces_repetitions_and_nils(answering: Opened) -> None:
    service = answering(
        xml(
            '<a:answer xmlns:a="urn:a" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:b="urn:b"><a:people>'
            '<a:person b:no="1"><b:n> 7 </b:n><a:text><![CDATA[<王>]]></a:text><a:phone kind="home">1</a:phone><a:phone>2</a:phone><a:address><a:city>贵阳</a:city></a:address></a:person>'
            '<a:person b:no="2"><a:n i:nil="true">9</a:n><a:text/><a:phone>3</a:phone><a:float/></a:person>'
            "</a:people><a:people><a:person/></a:people></a:answer>"
        )
    )
    names = {
        "@no": Kind.INTEGER,
        "n": Kind.INTEGER,
        "text": Kind.STRING,
        "phone.0": Kind.STRING,
        "phone.0.@kind": Kind.STRING,
        "phone.1": Kind.INTEGER,
        "address.city": Kind.STRING,
        "float": Kind.FLOAT,
    }
    rows = await service.source.fetch(Selection(XML, tuple(Column(name, kind) for name, kind in names.items())), {})
    assert rows == [(1, 7, "<王>", "1", "home", 2, "贵阳", None), (2, None, "", "3", None, None, None, None), (None,) * 8]
    described = [column.name for column in await service.source.describe(XML)]
    assert described[:3] == ["@no", "n", "text"]
    with pytest.raises(SourceRefused, match="sends phone in another type"):
        await service.source.fetch(Selection(XML, (Column("phone", Kind.STRING),)), {})
    with pytest.raises(SourceRefused, match="sends address in another type"):
        await service.source.fetch(Selection(XML, (Column("address", Kind.STRING),)), {})


@pytest.mark.slow
async def test_xml_in_gbk(answering: Opened) -> None:
    service = answering(xml('<?xml version="1.0" encoding="GBK"?><r><people><person><text>王小明·</text></person></people></r>'.encode("gb18030")))
    assert await service.source.fetch(Selection(XML, (Column("text", Kind.STRING),)), {}) == [("王小明·",)]


BILLION = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><r>&b;</r>'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BILLION, "document type or entities"),
        ('<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r/>', "document type or entities"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', "document type or entities"),
        ("<r><people><person>", "no XML, or was cut off"),
        ('{"items": []}', "no XML"),
        ("<r>&#xD800;</r>", "no XML"),
        ('<?xml version="1.0" encoding="made-up"?><r/>', "no XML"),
        ("<html><body>Login</body></html>", "a page of HTML"),
    ],
)
async def test_xml_that_is_refused(answering: Opened, body: str, words: str) -> None:
    service = answering(xml(body))
    with pytest.raises(SourceRefused, match=words):
        await service.source.fetch(Selection(XML, NUMBER), {})


@pytest.mark.slow
async def test_deep_xml_costs_nothing_but_itself(answering: Opened) -> None:
    service = answering(xml("<r>" + "<a>" * 50_000 + "</a>" * 50_000 + "</r>"), timeout_ms=20_000)
    assert await service.source.fetch(Selection(XML, NUMBER), {}) == []
    whole = bound({"path": "/n", "format": "xml", "items": "", "paging": {"style": "none"}})
    assert len(await service.source.describe(whole)) < 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.INTEGER, 3.5, WrongType),
        (Kind.INTEGER, True, WrongType),
        (Kind.INTEGER, 1e300, UNDELIVERABLE),
        (Kind.INTEGER, Decimal("1e999999"), UNDELIVERABLE),
        (Kind.FLOAT, 10**400, UNDELIVERABLE),
        (Kind.FLOAT, Decimal("0.1"), 0.1),
        (Kind.FLOAT, "0.1", 0.1),
        (Kind.DECIMAL, "1_0", UNDELIVERABLE),
        (Kind.DECIMAL, "１", UNDELIVERABLE),
        (Kind.DECIMAL, "0." + "1" * 60, "0." + "1" * 60),
        (Kind.DECIMAL, "0." + "1" * 61, UNDELIVERABLE),
        (Kind.BOOLEAN, 1, True),
        (Kind.BOOLEAN, 0, False),
        (Kind.BOOLEAN, "true", True),
        (Kind.BOOLEAN, "0", False),
        (Kind.BOOLEAN, "", None),
        (Kind.BOOLEAN, 2, WrongType),
        (Kind.BOOLEAN, 1.0, WrongType),
        (Kind.BOOLEAN, "yes", WrongType),
        (Kind.DATETIME, "2026-11-22 16:00:00+08:00", "2026-11-22T08:00:00+00:00"),
        (Kind.DATETIME, 1795334400, WrongType),
    ],
)
def test_json_values(kind: Kind, value: object, expected: object) -> None:
    _reads(JSON[kind], value, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.INTEGER, " +7 ", 7),
        (Kind.INTEGER, "", None),
        (Kind.INTEGER, "7.0", UNDELIVERABLE),
        (Kind.INTEGER, "９", UNDELIVERABLE),
        (Kind.BIGINT, "9" * 100, UNDELIVERABLE),
        (Kind.FLOAT, "1e300", 1e300),
        (Kind.FLOAT, "nan", UNDELIVERABLE),
        (Kind.BOOLEAN, "1", True),
        (Kind.BOOLEAN, "yes", UNDELIVERABLE),
        (Kind.DATE, "\n2026-11-22 ", "2026-11-22"),
        (Kind.STRING, " a ", " a "),
        (Kind.STRING, "", ""),
    ],
)
def test_texts_as_values(kind: Kind, value: object, expected: object) -> None:
    _reads(TEXTS[kind], value, expected)


def _reads(reader: Callable[[object], object], value: object, expected: object) -> None:
    if expected is WrongType:
        with pytest.raises(WrongType):
            reader(value)
        return
    assert reader(value) == expected
    assert type(reader(value)) is type(expected)
