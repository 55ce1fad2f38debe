"""What is wrong with a description in which every single key is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from connectors.errors import ConfigFault
from connectors.rest.charsets import encodable
from connectors.rest.conditions import ODATA
from connectors.rest.endpoint import Endpoint, KeyParameter, Paging
from connectors.rest.template import columns_of

_REMEDY = 'an endpoint is described like {"path": "/persons", "items": "items", "limit": "limit", "offset": "offset", "max_page": 500}'
_PROPERTY = re.compile(r"[^\W\d]\w*(/[^\W\d]\w*)*")
_RESERVED = frozenset({"select", "columns", "on_conflict", "order", "limit", "offset", "and", "or"})
"""Parameters that are no columns to PostgREST, unless in double quotes: a condition there is ignored, or read as another one."""
_FLAGS = {"more", "last"}
_PAGING_KEYS = {
    "offset": _FLAGS,
    "page": {"parameter", "first", "pages", *_FLAGS},
    "cursor": {"parameter", "next", *_FLAGS},
    "link": {"next", "relative"},
    "none": set[str](),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """``path`` is relative to the description: ``paging.next``. The texts are one sentence in each language and a remedy."""

    path: str
    zh: str
    en: str
    remedy: str


@lru_cache(maxsize=4096)
def parse_endpoint(options: str) -> Endpoint:
    """The endpoint behind ``Binding.options``.

    Raises:
        ConfigFault: the description is wrong; says where.
    """
    try:
        endpoint = Endpoint.model_validate_json(options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigFault(f"endpoint: {'.'.join(map(str, first['loc'])) or 'options'}: {first['msg']}", _REMEDY) from error
    for fault in endpoint_faults(endpoint):
        raise ConfigFault(f"endpoint: {fault.path}: {fault.en}", fault.remedy)
    return endpoint


def endpoint_faults(endpoint: Endpoint) -> Iterator[Fault]:
    """Every contradiction of an endpoint."""
    yield from _paging(endpoint)
    yield from _method(endpoint)
    yield from _conditions(endpoint)
    yield from _parameters(endpoint)
    if endpoint.count and (endpoint.count.total is None) == (endpoint.count.header is None):
        yield Fault("count", "total 与 header 须且只能写一个", "either `total` or `header` is needed, and not both", 'total = "data.total"')
    for i, lookup in enumerate(endpoint.lookups):
        if not columns_of(lookup.path):
            yield Fault(f"lookups[{i}].path", "查找路径须含列", "the path of a look-up needs a column in braces", "/persons/{id_number}")
    if endpoint.success and (both := sorted({*endpoint.success.values} & {*endpoint.success.none})):
        yield Fault("success.none", f"{both[0]} 同时表示成功与无记录", f"{both[0]!r} stands for success already", "leave it out of one")
    if endpoint.zone != Endpoint.model_fields["zone"].default and not endpoint.dates:
        yield Fault("zone", "zone 须配合 dates", "`zone` needs `dates`", 'dates = {column = "space"}')
    for path, text in _sent(endpoint):
        if not encodable(text, endpoint.request_charset):
            yield Fault(
                path, f"{endpoint.request_charset} 无此字符", f"{endpoint.request_charset} does not have all of its characters", 'request_charset = "utf-8"'
            )
    for column in dict.fromkeys(column for path in (endpoint.path, *(each.path for each in endpoint.lookups)) for column in columns_of(path)):
        if endpoint.dates.get(column) in ("slash", "dotnet"):
            yield Fault(f"dates.{column}", f"路径中的 {column} 不能含斜杠", f"{column} stands in a path, which no slash can", "iso 或 or compact")
    if endpoint.after and not endpoint.sorted_by:
        yield Fault("after", "after 须配合 sorted_by", "`after` needs `sorted_by`", 'sorted_by = "column"')


def _sent(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """Fixed texts of requests."""
    yield "path", endpoint.path
    yield from ((f"lookups[{i}].path", each.path) for i, each in enumerate(endpoint.lookups))
    yield from ((f"query.{name}", f"{name}{text}") for name, text in endpoint.query.items())
    yield from ((f"body.{name}", f"{name}{text}") for name, text in endpoint.body.items() if endpoint.content == "form")
    yield from ((f"examples.{column}", text) for column, text in endpoint.examples.items())
    named = [("limit", endpoint.limit), ("offset", endpoint.offset), ("paging.parameter", endpoint.paging.parameter)]
    counted = [] if endpoint.count is None else [("count.parameter", endpoint.count.parameter), ("count.value", endpoint.count.value)]
    yield from ((path, text) for path, text in (*named, *counted) if text is not None)
    yield from _selecting(endpoint)


def _paging(endpoint: Endpoint) -> Iterator[Fault]:
    paging, style = endpoint.paging, endpoint.paging.style
    for name, needed in (
        ("limit", style == "offset"),
        ("offset", style == "offset"),
        ("max_page", style in ("offset", "page") or endpoint.limit is not None),
        ("paging.parameter", style in ("page", "cursor")),
        ("paging.next", style == "cursor"),
    ):
        if needed and getattr(paging if "." in name else endpoint, name.rpartition(".")[2]) is None:
            yield Fault(name, f"分页方式 {style} 须有此项", f"paging of style {style!r} needs it", f"{name.rpartition('.')[2]} = …")
    for name, useless in (("offset", style != "offset"), ("limit", style == "none")):
        if getattr(endpoint, name) is not None and useless:
            yield Fault(name, f"分页方式 {style} 不用此项", f"paging of style {style!r} has no use for it", "leave it out")
    for name, field in Paging.model_fields.items():
        if name != "style" and name not in _PAGING_KEYS[style] and getattr(paging, name) != field.default:
            yield Fault(f"paging.{name}", f"分页方式 {style} 不用此项", f"paging of style {style!r} has no use for it", "leave it out")
    ends = [name for name in ("pages", "more", "last") if getattr(paging, name) is not None]
    for name in ends[1:]:
        yield Fault(f"paging.{name}", f"{ends[0]} 已说明何处为末页", f"`{ends[0]}` tells which page is the last already", "leave one out")


def _method(endpoint: Endpoint) -> Iterator[Fault]:
    post = endpoint.method == "POST"
    if post and not endpoint.safe:
        yield Fault("safe", "POST 须声明为安全（只读）", "a POST must be declared to change nothing", "safe = true")
    if post and endpoint.paging.style == "link":
        yield Fault("paging.style", "POST 不能按链接翻页", "a POST cannot follow links", 'style = "cursor"')
    if endpoint.body and not post:
        yield Fault("body", "GET 没有请求体", "a GET has no body", 'method = "POST" or `query`')
    form = endpoint.content == "form"
    if form and not post:
        yield Fault("content", "GET 没有请求体", "a GET has no body", 'method = "POST"')
    for name, value in endpoint.body.items():
        if form and not isinstance(value, str | int | float):
            yield Fault(f"body.{name}", "表单的值须为文本、数字或布尔值", "a value of a form is a text, a number or a boolean", f'{name} = "…"')
    sent = f"{endpoint.method}, {endpoint.content}" if post else endpoint.method
    for column, key in endpoint.keys.items():
        if key.style == ("repeated" if post and not form else "array"):
            yield Fault(f"keys.{column}.style", f"{sent} 不支持 {key.style}", f"{key.style!r} does not go with {sent}", 'style = "separator"')


def _conditions(endpoint: Endpoint) -> Iterator[Fault]:
    """Filters written as conditions of a language."""
    style = endpoint.filter_style
    if endpoint.literals and style not in ODATA:
        yield Fault("literals", "literals 须配合 OData 筛选", "`literals` needs filters of OData", 'filter_style = "odata" 或 or "odata2"')
    if style == "plain":
        return
    if endpoint.method == "POST":
        yield Fault("filter_style", f"POST 不支持 {style} 筛选", f"filters of style {style!r} are written in a query", 'method = "GET"')
    for column, key in endpoint.keys.items():
        for name in ("style", "separator"):
            if getattr(key, name) != KeyParameter.model_fields[name].default:
                yield Fault(f"keys.{column}.{name}", f"筛选方式 {style} 不用此项", f"filters of style {style!r} have no use for it", "leave it out")
    if style in ODATA:
        yield from _odata(endpoint)
    else:
        for path, name in _selecting(endpoint):
            if name.rpartition(".")[2] in _RESERVED:
                yield Fault(path, f"{name} 在 PostgREST 中另有含义", f"{name!r} means something else to PostgREST", f"'\"{name}\"', 连同引号 with its quotes")


def _odata(endpoint: Endpoint) -> Iterator[Fault]:
    for path, name in _selecting(endpoint):
        if not _PROPERTY.fullmatch(name):
            yield Fault(path, f"{name} 不是 OData 属性", f"{name!r} is no property of OData", "Name or Address/City")


def _selecting(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """Where what selects items is named, and how."""
    yield from ((f"filters.{column}", name) for column, name in endpoint.filters.items())
    yield from ((f"keys.{column}.parameter", key.parameter) for column, key in endpoint.keys.items())
    if endpoint.after is not None:
        yield "after", endpoint.after


def _parameters(endpoint: Endpoint) -> Iterator[Fault]:
    """No two things may be sent in one parameter; a column's filter and its list may, as they are never sent together.

    Conditions of a language may name the column of ``after``, and of a fixed condition, once more, and those of OData are no parameters.
    """
    fixed, place = (endpoint.body, "body") if endpoint.method == "POST" else (endpoint.query, "query")
    paging = [("limit", endpoint.limit), ("offset", endpoint.offset), ("paging.parameter", endpoint.paging.parameter)]
    selecting = [(path, name) for path, name in _selecting(endpoint) if endpoint.filter_style == "plain" or path != "after"]
    both = {f"keys.{column}.parameter" for column, key in endpoint.keys.items() if endpoint.filters.get(column) == key.parameter}
    named = [(path, name) for path, name in selecting if path not in both]
    if endpoint.count is not None:
        # It may stand in for the limit, or for what is fixed; never for a condition, of which the total is to be.
        yield from _twice({name: path for path, name in selecting}, [("count.parameter", endpoint.count.parameter)])
    yield from _twice(dict.fromkeys(fixed, place), [*paging, *named] if endpoint.filter_style == "plain" else paging)
    if endpoint.filter_style in ODATA:
        yield from _twice({}, named)
    if endpoint.filter_style == "postgrest":
        pages = {name: path for path, name in paging if name is not None}
        yield from _twice(dict(pages), named)
        yield from _twice(pages, [("after", endpoint.after)])


def _twice(taken: dict[str, str], named: Sequence[tuple[str, str | None]]) -> Iterator[Fault]:
    for path, name in named:
        if name is not None and (other := taken.setdefault(name, path)) != path:
            yield Fault(path, f"参数 {name} 已用于 {other}", f"the parameter {name!r} is used by {other} already", "rename one")
