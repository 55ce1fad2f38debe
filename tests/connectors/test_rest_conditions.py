"""Filters as OData's ``$filter`` and as PostgREST's operators: services that read them as their languages say, and values that look like them."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import eq, gt
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.rest.conditions import Clause, among, equal, pairs
from connectors.rest.endpoint import Endpoint
from connectors.rest.pushdown import Ask, Route
from connectors.rest.requests import request_for
from connectors.selection import Column, Compare, Comparison, Every, Kind, Order, Selection, Value
from tests.connectors.answering import Opened, answering
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
NASTY = ["O'Neil", "x' or '1' eq '1", 'a"b', 'x","y', "a\\", '\\"', "a,b", "(c)", "eq.1", "null", "王 & 明", "a' and Id eq 2 or Name eq 'b", ""]
ITEMS: list[dict[str, Any]] = [{"Id": n, "Name": name, "Active": n % 2 == 0, "Day": "2026-01-01"} for n, name in enumerate(NASTY)]
COLUMNS = (Column("Id", Kind.INTEGER),)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_SHARED: dict[str, object] = {
    "path": "/n",
    "filters": {"Name": "Name", "Active": "Active", "Day": "Day"},
    "keys": {"Name": {"parameter": "Name", "most": 5}, "Id": {"parameter": "Id", "most": 5}},
    "sorted_by": "Id",
    "after": "Id",
    "max_page": 4,
}
ODATA = _SHARED | {"filter_style": "odata", "items": "value", "limit": "$top", "offset": "$skip", "count": {"total": "@odata\\.count"}}
ODATA |= {"query": {"$orderby": "Id", "$count": "true"}}
POSTGREST = _SHARED | {"filter_style": "postgrest", "limit": "limit", "offset": "offset", "count": {"header": "Content-Range"}}
POSTGREST |= {"query": {"order": "Id"}, "headers": {"Prefer": "count=exact"}}

_TOKEN = re.compile(r"\s*(\(|\)|and\b|or\b|(?P<name>[A-Za-z]\w*)\s+(?P<op>eq|gt)\s+(?P<literal>'(?:[^']|'')*'|true|false|-?\d+|\d{4}-\d\d-\d\d)(?=[ )]|\Z))")


Holds = Callable[[dict[str, Any]], bool]


def odata_holds(text: str) -> Holds:
    """What a ``$filter`` of comparisons, ``and``, ``or`` and parentheses means; a text that is none is an error."""
    tokens: list[str | Holds] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        assert found is not None, text[place:]
        place = found.end()
        tokens.append(_comparison(found["name"], found["op"], found["literal"]) if found["name"] else found[1])
    holds = _joined(tokens, "or")
    assert not tokens
    return holds


def _comparison(name: str, operator: str, literal: str) -> Holds:
    value: object = literal
    if literal[0] == "'":
        value = literal[1:-1].replace("''", "'")
    elif literal.lstrip("-").isdigit():
        value = int(literal)
    elif literal in ("true", "false"):
        value = literal == "true"
    compare = {"eq": eq, "gt": gt}[operator]
    return lambda item: bool(compare(item[name], value))


def _joined(tokens: list[str | Holds], word: str) -> Holds:
    def one() -> Holds:
        return _joined(tokens, "and") if word == "or" else _atom(tokens)

    parts = [one()]
    while tokens and tokens[0] == word:
        del tokens[0]
        parts.append(one())
    every = any if word == "or" else all
    return lambda item: every(part(item) for part in parts)


def _atom(tokens: list[str | Holds]) -> Holds:
    first = tokens.pop(0)
    if not isinstance(first, str):
        return first
    assert first == "("
    inner = _joined(tokens, "or")
    assert tokens.pop(0) == ")"
    return inner


def odata(request: Request) -> Response:
    query = request.query_params
    holds = odata_holds(query["$filter"]) if "$filter" in query else lambda _item: True
    found = [item for item in ITEMS if holds(item)]
    start = int(query.get("$skip", 0))
    return JSONResponse({"@odata.count": len(found), "value": found[start : start + int(query["$top"])]})


def elements(text: str) -> list[str]:
    """What a list of PostgREST's holds."""
    found = re.fullmatch(r'\((?:(?:"(?:[^"\\]|\\.)*"|[^",()]+)(?:,(?!\))|(?=\))))*\)', text, re.DOTALL)
    assert found is not None, text
    each = re.findall(r'"((?:[^"\\]|\\.)*)"|([^",()]+)', text[1:-1], re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) or bare for quoted, bare in each]


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def postgrest(request: Request) -> Response:
    found = ITEMS
    for name, condition in request.query_params.multi_items():
        operator, dot, operand = condition.partition(".")
        if name in ITEMS[0]:
            assert dot
            chosen = {"eq": lambda one, two: written(one) == two, "gt": lambda one, two: one > int(two), "in": lambda one, two: written(one) in elements(two)}
            found = [item for item in found if chosen[operator](item[name], operand)]
    start = int(request.query_params.get("offset", 0))
    page = found[start : start + int(request.query_params["limit"])]
    shown = f"{start}-{start + len(page) - 1}" if page else "*"
    exact = len(found) if request.headers.get("prefer") == "count=exact" else "*"
    return JSONResponse(page, 206, headers={"Content-Range": f"{shown}/{exact}"})


SERVICES = pytest.mark.parametrize(("service", "description"), [(odata, ODATA), (postgrest, POSTGREST)])


@pytest.mark.slow
@SERVICES
async def test_every_value_selects_its_own_rows(answering: Opened, service: Callable[[Request], Response], description: dict[str, object]) -> None:
    opened = answering(service)
    asked = Selection(bound(description), COLUMNS, Compare("Name", Kind.STRING, Comparison.EQ, "v"))
    for number, name in enumerate(NASTY):
        assert await opened.source.fetch(asked, {"v": name}) == [(number,)]
        assert await opened.source.count(asked, {"v": name}) == 1
    assert len(opened.asked) == 2 * len(NASTY)


@pytest.mark.slow
@SERVICES
async def test_lists_of_values_are_one_request(answering: Opened, service: Callable[[Request], Response], description: dict[str, object]) -> None:
    opened = answering(service)
    found = await opened.source.fetch_by_keys(Selection(bound(description), COLUMNS), {}, Column("Name", Kind.STRING), NASTY)
    assert found == {name: [(number,)] for number, name in enumerate(NASTY)}
    assert len([each for each in opened.requests if "Id gt" not in each.query_params.get("$filter", "") and "Id" not in each.query_params]) == 3
    numbers = await opened.source.fetch_by_keys(Selection(bound(description), COLUMNS), {}, Column("Id", Kind.INTEGER), [1, 3, 99])
    assert numbers == {1: [(1,)], 3: [(3,)]}


@pytest.mark.slow
@SERVICES
async def test_pages_and_filters_name_one_column(answering: Opened, service: Callable[[Request], Response], description: dict[str, object]) -> None:
    opened = answering(service)
    listed = Compare("Id", Kind.INTEGER, Comparison.IN, "ids")
    asked = Selection(bound(description), COLUMNS, Every((listed, Compare("Day", Kind.DATE, Comparison.EQ, "d"))), (Order("Id", Kind.INTEGER),), (), "most")
    assert await opened.source.fetch(asked, {"ids": [0, 2, 4, 6, 8], "d": "2026-01-01", "most": 5}) == [(0,), (2,), (4,), (6,), (8,)]
    assert len(opened.asked) == 2
    second = dict(parse_qsl(urlsplit(opened.asked[1]).query))
    assert "Id gt 6" in second.get("$filter", "") or second["Id"] == "gt.6"


@pytest.mark.slow
@SERVICES
async def test_truths_are_sent_and_the_total_is_told(answering: Opened, service: Callable[[Request], Response], description: dict[str, object]) -> None:
    opened = answering(service)
    asked = Selection(bound(description), COLUMNS, Compare("Active", Kind.BOOLEAN, Comparison.EQ, "v"))
    assert await opened.source.count(asked, {"v": True}) == 7
    assert await opened.source.count(Selection(bound(description), COLUMNS), {}) == len(NASTY)
    assert len(opened.asked) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "total"), [("0-1/7", 7), ("*/0", 0), ("items 0-1/7", 7), ("7", 7), ("0-1/*", None), ("", None), ("-7", None), ("0-1/7x", None)]
)
async def test_totals_in_headers(answering: Opened, header: str, total: int | None) -> None:
    opened = answering(lambda _request: JSONResponse([{"Id": 1}] if header != "*/0" else [], headers={"X-Total-Count": header}))
    description = bound({"path": "/n", "limit": "limit", "offset": "offset", "max_page": 1, "count": {"header": "X-Total-Count"}})
    if total is not None:
        assert await opened.source.count(Selection(description, COLUMNS), {}) == total
        return
    with pytest.raises(Exception, match="does not tell its total"):
        await opened.source.count(Selection(description, COLUMNS), {})


@pytest.mark.fast
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_no_value_changes_what_is_asked_of_odata(name: str, ids: list[str]) -> None:
    endpoint = Endpoint.model_validate(ODATA)
    sent = {"Name": equal(endpoint, "Name", "Name", Kind.STRING, name), "Id": among(endpoint, "Id", endpoint.keys["Id"], Kind.STRING, ids)}
    request = request_for(endpoint, "application/json", Ask(Route("/n", ""), "/n", sent), {"$top": 1})
    query = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True))
    assert list(query) == ["$orderby", "$count", "$top", "$filter"]
    holds = odata_holds(query["$filter"])
    for each in {*ids, name, ""}:
        for one in (name, f"{name}x"):
            assert holds({"Name": one, "Id": each}) == (one == name and each in ids)


@pytest.mark.fast
@given(TEXTS, st.lists(TEXTS.filter(bool), min_size=1, max_size=3))
def test_no_value_changes_what_is_asked_of_postgrest(name: str, ids: list[str]) -> None:
    endpoint = Endpoint.model_validate(POSTGREST)
    sent = {"Name": equal(endpoint, "Name", "Name", Kind.STRING, name), "Id": among(endpoint, "Id", endpoint.keys["Id"], Kind.STRING, ids)}
    request = request_for(endpoint, "application/json", Ask(Route("/n", ""), "/n", sent), {"limit": 1})
    query = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True))
    assert list(query) == ["order", "Name", "Id", "limit"]
    assert query["Name"] == f"eq.{name}"
    assert query["Id"].startswith("in.")
    assert elements(query["Id"][3:]) == ids


@pytest.mark.fast
@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        (Kind.STRING, "1", "'1'"),
        (Kind.STRING, "it's", "'it''s'"),
        (Kind.INTEGER, -1, "-1"),
        (Kind.FLOAT, 1.5, "1.5"),
        (Kind.BOOLEAN, False, "false"),
        (Kind.DECIMAL, "1.50", "1.50"),
        (Kind.DECIMAL, "1 or 1 eq 1", "'1 or 1 eq 1'"),
        (Kind.DATE, "2026-01-01", "2026-01-01"),
        (Kind.DATE, "2026-01-01\n", "'2026-01-01\n'"),
        (Kind.DATETIME, "2026-01-01T00:30:00+00:00", "2026-01-01T00:30:00Z"),
        (Kind.DATETIME, "2026-01-01 00:30:00", "'2026-01-01 00:30:00'"),
    ],
)
def test_literals_of_odata(kind: Kind, value: Value, literal: str) -> None:
    clause = equal(Endpoint.model_validate(ODATA), "X", "X", kind, value)
    assert isinstance(clause, Clause)
    assert pairs({"X": clause}) == [("$filter", f"X eq {literal}")]


@pytest.mark.slow
async def test_dates_in_a_form_of_their_own_are_texts_or_numbers(answering: Opened) -> None:
    opened = answering(lambda _request: {"value": [], "@odata.count": 0})
    for form, literal in (("slash", "'2026/01/01'"), ("seconds", "1767225600")):
        asked = Selection(bound(ODATA, dates={"Day": form}), COLUMNS, Compare("Day", Kind.DATE, Comparison.EQ, "v"))
        assert await opened.source.fetch(asked, {"v": "2026-01-01"}) == []
        assert dict(parse_qsl(urlsplit(opened.asked[-1]).query))["$filter"] == f"Day eq {literal}"


GUID = "6ec93819-76c4-50f9-877a-43a2a2d58ce6"
EARLY = ODATA | {"filter_style": "odata2", "dates": {"Day": "odata"}, "zone": "Asia/Shanghai"}


@pytest.mark.fast
@pytest.mark.parametrize(
    ("told", "kind", "value", "literal"),
    [
        (None, Kind.STRING, "it's", "'it''s'"),
        (None, Kind.BIGINT, 2**31 - 1, "2147483647"),
        (None, Kind.BIGINT, 2**31, "2147483648L"),
        (None, Kind.BIGINT, -(2**31) - 1, "-2147483649L"),
        (None, Kind.BOOLEAN, True, "true"),
        (None, Kind.DECIMAL, "1.50", "1.50M"),
        (None, Kind.DECIMAL, "1.50M or true", "'1.50M or true'"),
        (None, Kind.DATE, "2026-01-01", "datetime'2026-01-01T00:00:00'"),
        (None, Kind.DATETIME, "2026-01-01T00:30:00.5+00:00", "datetime'2026-01-01T00:30:00.5'"),
        ("datetimeoffset", Kind.DATETIME, "2026-01-01T00:30:00+00:00", "datetimeoffset'2026-01-01T00:30:00Z'"),
        ("guid", Kind.STRING, GUID, f"guid'{GUID}'"),
        ("guid", Kind.STRING, f"{GUID}' or true", f"'{GUID}'' or true'"),
        ("text", Kind.BIGINT, 7, "'7'"),
    ],
)
def test_literals_of_odata_2(told: str | None, kind: Kind, value: Value, literal: str) -> None:
    """[MS-ODATA] §2.2.2: types stand before a text in quotes, or behind a number."""
    endpoint = Endpoint.model_validate(EARLY | {"literals": {"X": told} if told else {}})
    assert pairs({"X": equal(endpoint, "X", "X", kind, value)}) == [("$filter", f"X eq {literal}")]


@pytest.mark.slow
@pytest.mark.parametrize(("literals", "literal"), [({}, "datetime'2026-01-01T08:30:00'"), ({"Day": "datetimeoffset"}, "datetimeoffset'2026-01-01T00:30:00Z'")])
async def test_what_odata_2_sends_is_asked_for(answering: Opened, literals: dict[str, str], literal: str) -> None:
    sent = "/Date(1767256200000)/" if not literals else "/Date(1767227400000+0480)/"
    opened = answering(lambda _request: {"d": {"results": [{"Id": 1, "Day": sent}], "__count": "1"}})
    described = EARLY | {"items": "d.results", "count": {"total": "d.__count"}, "literals": literals}
    asked = Selection(bound(described), COLUMNS, Compare("Day", Kind.DATETIME, Comparison.EQ, "v"))
    assert await opened.source.fetch(asked, {"v": "2026-01-01T00:30:00+00:00"}) == [(1,)]
    assert dict(parse_qsl(urlsplit(opened.asked[-1]).query))["$filter"] == f"Day eq {literal}"


@pytest.mark.slow
async def test_a_guid_is_asked_for_as_one_and_nothing_else_is(answering: Opened) -> None:
    opened = answering(lambda _request: {"value": [{"Id": 1, "Name": GUID}], "@odata.count": 1})
    asked = Selection(bound(ODATA, literals={"Name": "guid"}), COLUMNS, Compare("Name", Kind.STRING, Comparison.IN, "v"))
    assert await opened.source.fetch(asked, {"v": [GUID, "x", f"{GUID}'"]}) == [(1,)]
    assert dict(parse_qsl(urlsplit(opened.asked[-1]).query))["$filter"] == f"Name eq {GUID}"
    assert await opened.source.fetch(asked, {"v": ["x"]}) == []
    assert len(opened.asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "description", "fixed"), [(odata, ODATA, {"$filter": "Id eq 1 or Id gt 2"}), (postgrest, POSTGREST, {"Id": "gt.2"})], ids=["odata", "postgrest"]
)
async def test_a_fixed_condition_holds_beside_all_others(
    answering: Opened, service: Callable[[Request], Response], description: dict[str, object], fixed: dict[str, str]
) -> None:
    opened, own = answering(service), description["query"]
    assert isinstance(own, dict)
    described = bound(description, query=own | fixed)
    holding = [item["Id"] for item in ITEMS if item["Id"] > 2 or (item["Id"] == 1 and "$filter" in fixed)]
    ordered = (Order("Id", Kind.INTEGER, nullable=False),)
    assert await opened.source.fetch(Selection(described, COLUMNS, None, ordered), {}) == [(each,) for each in holding]
    assert await opened.source.count(Selection(described, COLUMNS), {}) == len(holding)
    for number in (2, 3):
        asked = Selection(described, COLUMNS, Compare("Id", Kind.INTEGER, Comparison.EQ, "v"))
        assert await opened.source.fetch(asked, {"v": number}) == ([(number,)] if number in holding else [])


@pytest.mark.slow
async def test_a_total_of_guids_in_which_the_service_counts_another_spelling_is_not_told(answering: Opened) -> None:
    """A GUID is one in capitals too, to the service; a text is not, to whoever asks for it."""
    opened = answering(lambda _request: {"value": [{"Id": 1, "Name": GUID}], "@odata.count": 1})
    described = bound(ODATA, literals={"Name": "guid"}, filters={"Name": "Name"}, keys={})
    asked = Compare("Name", Kind.STRING, Comparison.IN, "v")
    for values, total in (([GUID], 1), ([GUID.upper()], 0), ([GUID, GUID.upper()], 1)):
        assert len(await opened.source.fetch(Selection(described, COLUMNS, asked), {"v": values})) == total
        assert await opened.source.count(Selection(described, (), asked), {"v": values}) == total


@pytest.mark.slow
async def test_a_decimal_that_a_service_holds_as_a_text_is_compared_by_the_hub(answering: Opened) -> None:
    """``1.50`` and ``1.5`` are one decimal and two texts."""
    opened = answering(lambda request: {"value": [] if "'1.5'" in request.query_params.get("$filter", "") else [{"Id": 1, "Name": "1.50"}]})
    asked = Selection(bound(ODATA, literals={"Name": "text"}), COLUMNS, Compare("Name", Kind.DECIMAL, Comparison.EQ, "v"))
    assert await opened.source.fetch(asked, {"v": "1.5"}) == [(1,)]


@pytest.mark.fast
def test_a_condition_takes_no_parameter_away_that_has_its_name() -> None:
    endpoint = Endpoint.model_validate(ODATA | {"query": {"Name": "fixed", "$filter": "a eq 1 or b eq 2"}})
    sent = {"Name": equal(endpoint, "Name", "Name", Kind.STRING, "x")}
    request = request_for(endpoint, "application/json", Ask(Route("/n", ""), "/n", sent), {})
    assert parse_qsl(urlsplit(request.target).query) == [("Name", "fixed"), ("$filter", "Name eq 'x' and (a eq 1 or b eq 2)")]
