"""What a manifest must satisfy where it describes REST services."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from pydantic import ValidationError

from connectors.rest.addresses import check_address
from connectors.rest.endpoint import Endpoint
from connectors.rest.faults import endpoint_faults
from connectors.rest.options import option_faults, read_options
from connectors.rest.template import columns_of
from hub.catalog.manifest import ItemPart, ResourcePart, SourcePart
from hub.catalog.problems import PYDANTIC_TEXTS, path_of

Found = Iterator[tuple[str, str, str, str]]
"""(code, path, message, hint)."""


def rest_source(path: str, part: SourcePart) -> Found:
    """Address and options of a REST service."""
    try:
        check_address(part.url)
    except ValueError as error:
        yield "URL_INVALID", f"{path}.url", f"服务地址不可用 the address {error}", "https://host/base"
    beside = {"auth": part.auth if part.auth != "none" else None, "health": part.health}
    try:
        options = read_options({**part.options, **{name: value for name, value in beside.items() if value is not None}})
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            message, hint = PYDANTIC_TEXTS.get(found["type"], (f"取值不正确 value is not usable: {found['msg']}", "请更正 correct it"))
            yield "SOURCE_OPTIONS", f"{path}.{path_of(('options', *found['loc']))}", message, hint
        return
    for fault in option_faults(options, part.secret is not None):
        place = "auth" if fault.path == "auth" else f"options.{fault.path}"
        yield "SOURCE_OPTIONS", f"{path}.{place}", f"{fault.zh} {fault.en}", fault.remedy


def rest_endpoint(path: str, resource: ResourcePart) -> Found:
    """An endpoint contradicts neither itself nor the resource's items."""
    endpoint = resource.endpoint
    if endpoint is None:
        return
    for fault in endpoint_faults(endpoint):
        yield "ENDPOINT", f"{path}.endpoint.{fault.path}", f"{fault.zh} {fault.en}", fault.remedy
    known = sorted({resource.stable_key, *resource.left_out, *(item.column for item in resource.items), *filter(None, [resource.watermark])})
    for place, column in _named(endpoint):
        if column not in known:
            close = difflib.get_close_matches(column, known, 1)
            hint = f"是否为 {close[0]}? did you mean {close[0]}?" if close else f"信息项的列 items' columns: {', '.join(known)}"
            yield "ENDPOINT", f"{path}.endpoint.{place}", f"列 {column} 不属于任何信息项 the column {column} is no item's", hint
    dated = {resource.watermark, *(item.column for item in resource.items if item.type in ("date", "datetime"))}
    for column in endpoint.dates:
        if column in known and column not in dated:
            message = f"列 {column} 的信息项不是日期或时间 the item of the column {column} is no date or datetime"
            yield "ENDPOINT", f"{path}.endpoint.dates.{column}", message, 'type = "date" 或 or "datetime"'
    yield from _types(path, resource)


def _types(path: str, resource: ResourcePart) -> Found:
    """The hub reads each of a service's values once: two items of one column have one type, or filters and answers of one are the other's."""
    first: dict[str, ItemPart] = {}
    for place, item in enumerate(resource.items):
        other = first.setdefault(item.column, item)
        if other.type != item.type:
            message = f"{other.code} 与本项同列 {item.column}，类型却不同 {other.code} has the same column {item.column} and another type"
            yield "ENDPOINT", f"{path}.items[{place}].type", message, f'type = "{other.type}"'


def _named(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """Where an endpoint names columns, and which."""
    yield from (("path", column) for column in columns_of(endpoint.path))
    for i, lookup in enumerate(endpoint.lookups):
        yield from ((f"lookups[{i}].path", column) for column in columns_of(lookup.path))
    yield from ((f"filters.{column}", column) for column in endpoint.filters)
    yield from ((f"keys.{column}", column) for column in endpoint.keys)
    yield from ((f"dates.{column}", column) for column in endpoint.dates)
    yield from ((f"literals.{column}", column) for column in endpoint.literals)
    yield from ((f"column_nulls.{column}", column) for column in endpoint.column_nulls)
    if endpoint.sorted_by is not None:
        yield "sorted_by", endpoint.sorted_by
