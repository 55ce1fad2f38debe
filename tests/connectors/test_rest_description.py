"""Descriptions of endpoints: what is accepted, and which key is named where one is wrong."""

from __future__ import annotations

import json

import pytest

from connectors.errors import ConfigFault
from connectors.rest.endpoint import Endpoint
from connectors.rest.faults import endpoint_faults, parse_endpoint
from connectors.rest.paths import joined, split

pytestmark = pytest.mark.fast
GOOD: dict[str, object] = {"path": "/n", "limit": "limit", "offset": "offset", "max_page": 10}
POST: dict[str, object] = {"path": "/n", "method": "POST", "safe": True, "paging": {"style": "none"}}


def test_a_description_survives_its_text() -> None:
    described = {**GOOD, "lookups": [{"path": "/n/{a.b}"}], "keys": {"a": {"parameter": "a", "most": 3}}, "query": {"版本": "1"}, "count": {"total": "t"}}
    described |= {"success": {"path": "code", "values": ["200"], "none": ["404"]}}
    described |= {"dates": {"a": "compact"}, "zone": "Asia/Shanghai", "nulls": ["-", ""]}
    endpoint = parse_endpoint(json.dumps(described))
    assert parse_endpoint(endpoint.model_dump_json(exclude_none=True, exclude_defaults=True)) == endpoint
    assert Endpoint.model_validate(described) == endpoint


@pytest.mark.parametrize(
    ("description", "place"),
    [
        ({**GOOD, "limit": None}, "limit"),
        ({**GOOD, "offset": None}, "offset"),
        ({**GOOD, "max_page": None}, "max_page"),
        ({**GOOD, "max_page": 0}, "max_page"),
        ({**GOOD, "after": "a"}, "after"),
        ({**GOOD, "success": {"path": "code", "values": []}}, "success.values"),
        ({**GOOD, "success": {"path": "code", "values": [200]}}, "success.values.0"),
        ({**GOOD, "success": {"values": ["200"]}}, "success.path"),
        ({**GOOD, "success": {"path": "code", "values": ["0", "1"], "none": ["1"]}}, "success.none"),
        ({**GOOD, "dates": {"a": "yyyyMMdd"}}, "dates.a"),
        ({**GOOD, "dates": {"a": "slash"}, "zone": "+8"}, "zone"),
        ({**GOOD, "zone": "+08:00"}, "zone"),
        ({**GOOD, "nulls": "-"}, "nulls"),
        ({**GOOD, "charset": "latin-1"}, "charset"),
        ({**GOOD, "offset": "limit"}, "offset"),
        ({**GOOD, "query": {"limit": "1"}}, "limit"),
        ({**GOOD, "query": {"token": "x"}}, "query"),
        ({**GOOD, "headers": {"Authorization": "x"}}, "headers"),
        ({**GOOD, "headers": {"Huitong-Purpose": "x"}}, "headers"),
        ({**GOOD, "headers": {"a b": "x"}}, "headers"),
        ({**GOOD, "headers": {"A": "x\r\ny"}}, "headers"),
        ({**GOOD, "filters": {"a": "p", "b": "p"}}, "filters.b"),
        ({**GOOD, "filters": {"a": "p"}, "keys": {"b": {"parameter": "p"}}}, "keys.b.parameter"),
        ({**GOOD, "keys": {"a": {"parameter": "p", "style": "array"}}}, "keys.a.style"),
        ({**GOOD, "body": {"a": 1}}, "body"),
        ({**GOOD, "filter_style": "sql"}, "filter_style"),
        ({**POST, "filter_style": "odata"}, "filter_style"),
        ({**GOOD, "filter_style": "odata", "filters": {"a": "A eq 1 or B"}}, "filters.a"),
        ({**GOOD, "filter_style": "odata", "keys": {"a": {"parameter": "1"}}}, "keys.a.parameter"),
        ({**GOOD, "filter_style": "odata", "sorted_by": "a", "after": "a'"}, "after"),
        ({**GOOD, "filter_style": "odata", "filters": {"a": "A", "b": "A"}}, "filters.b"),
        ({**GOOD, "filter_style": "odata2", "filters": {"a": "A eq 1 or B"}}, "filters.a"),
        ({**GOOD, "filter_style": "postgrest", "literals": {"a": "guid"}}, "literals"),
        ({**GOOD, "filter_style": "odata", "literals": {"a": "uuid"}}, "literals.a"),
        ({**GOOD, "request_charset": "gbk", "query": {"a": "𠮷"}}, "query.a"),
        ({**GOOD, "request_charset": "gbk", "filters": {"a": "𠮷"}}, "filters.a"),
        ({**GOOD, "request_charset": "gbk", "examples": {"a": "𠮷"}}, "examples.a"),
        ({**GOOD, "request_charset": "gbk", "limit": "𠮷"}, "limit"),
        ({**GOOD, "request_charset": "gbk", "count": {"total": "t", "parameter": "c", "value": "𠮷"}}, "count.value"),
        ({**GOOD, "filter_style": "odata", "keys": {"a": {"parameter": "A", "style": "repeated"}}}, "keys.a.style"),
        ({**GOOD, "filter_style": "postgrest", "keys": {"a": {"parameter": "a", "separator": ";"}}}, "keys.a.separator"),
        ({**GOOD, "filter_style": "postgrest", "filters": {"a": "limit"}}, "filters.a"),
        ({**GOOD, "filter_style": "postgrest", "sorted_by": "a", "offset": "skip", "after": "skip"}, "after"),
        ({**GOOD, "sorted_by": "a", "after": "p", "filters": {"a": "p"}}, "after"),
        ({**GOOD, "filter_style": "postgrest", "filters": {"order": "order"}}, "filters.order"),
        ({**GOOD, "filter_style": "postgrest", "keys": {"a": {"parameter": "b.or"}}}, "keys.a.parameter"),
        ({**GOOD, "dates": {"a": "slash"}, "lookups": [{"path": "/n/{a}"}]}, "dates.a"),
        ({**GOOD, "count": {"total": "t", "parameter": "p"}, "filters": {"a": "p"}}, "count.parameter"),
        ({**GOOD, "count": {"parameter": "c"}}, "count"),
        ({**GOOD, "count": {"total": "c", "header": "X-Total-Count"}}, "count"),
        ({**GOOD, "count": {"header": "a b"}}, "count.header"),
        ({**GOOD, "path": "/n/{a}b"}, "path"),
        ({**GOOD, "lookups": [{"path": "/n/1"}]}, "lookups[0].path"),
        ({**GOOD, "lookups": [{"path": "/n/../{a}"}]}, "lookups.0.path"),
        ({**GOOD, "paging": {"style": "page"}}, "paging.parameter"),
        ({**GOOD, "paging": {"style": "cursor", "parameter": "c"}}, "paging.next"),
        ({**GOOD, "paging": {"style": "none"}}, "offset"),
        ({"path": "/n", "limit": "limit", "max_page": 9, "paging": {"style": "none"}}, "limit"),
        ({"path": "/n", "limit": "limit", "paging": {"style": "link"}}, "max_page"),
        ({**GOOD, "paging": {"style": "offset", "first": 0}}, "paging.first"),
        ({**GOOD, "paging": {"style": "pages"}}, "paging.style"),
        ({**GOOD, "paging": {"style": "offset", "more": "m", "last": "l"}}, "paging.last"),
        ({"path": "/n", "max_page": 9, "paging": {"style": "page", "parameter": "p", "pages": "n", "more": "m"}}, "paging.more"),
        ({"path": "/n", "paging": {"style": "link", "more": "m"}}, "paging.more"),
        ({**POST, "safe": False}, "safe"),
        ({**POST, "paging": {"style": "link"}}, "paging.style"),
        ({**POST, "keys": {"a": {"parameter": "p", "style": "repeated"}}}, "keys.a.style"),
        ({**POST, "method": "PUT"}, "method"),
        ({**GOOD, "content": "form"}, "content"),
        ({**POST, "content": "multipart"}, "content"),
        ({**POST, "content": "form", "body": {"a": {"b": 1}}}, "body.a"),
        ({**POST, "content": "form", "keys": {"a": {"parameter": "p", "style": "array"}}}, "keys.a.style"),
    ],
)
def test_what_is_wrong_is_named(description: dict[str, object], place: str) -> None:
    """Where in the description, and how to mend it."""
    written = {name: value for name, value in description.items() if value is not None}
    with pytest.raises(ConfigFault) as caught:
        parse_endpoint(json.dumps(written))
    assert caught.value.message.startswith(f"endpoint: {place}: ")
    assert caught.value.hint


def test_a_filter_and_a_list_of_one_column_may_share_a_parameter() -> None:
    described = {**GOOD, "filters": {"a": "p"}, "keys": {"a": {"parameter": "p"}}}
    assert list(endpoint_faults(Endpoint.model_validate(described))) == []


@pytest.mark.parametrize("style", ["odata", "postgrest"])
def test_conditions_of_a_language_may_name_a_column_more_than_once(style: str) -> None:
    described = {**GOOD, "filter_style": style, "filters": {"a": "p"}, "keys": {"a": {"parameter": "p"}}, "sorted_by": "a", "after": "p"}
    assert list(endpoint_faults(Endpoint.model_validate(described))) == []


@pytest.mark.parametrize(
    ("path", "names"),
    [("", ()), ("a", ("a",)), ("a.b", ("a", "b")), ("a\\.b.c", ("a.b", "c")), ("a\\\\.b", ("a\\", "b")), ("姓名.全", ("姓名", "全")), (".", ("", ""))],
)
def test_paths(path: str, names: tuple[str, ...]) -> None:
    assert split(path) == names
    assert joined(names) == path
