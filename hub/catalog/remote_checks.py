"""What a manifest must satisfy where it describes lists of other GraphQL services."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from connectors.graphql.options import option_faults, read_options
from connectors.graphql.remote import contradiction
from connectors.rest.addresses import check_address
from hub.catalog.manifest import ResourcePart, SourcePart
from hub.catalog.problems import PYDANTIC_TEXTS, path_of

Found = Iterator[tuple[str, str, str, str]]
"""(code, path, message, hint)."""


def graphql_source(path: str, part: SourcePart) -> Found:
    """Address and options of a GraphQL service."""
    try:
        check_address(part.url)
    except ValueError as error:
        yield "URL_INVALID", f"{path}.url", f"服务地址不可用 the address {error}", "https://host/graphql"
    try:
        options = read_options({**part.options, **({"auth": part.auth} if part.auth != "none" else {})})
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            message, hint = PYDANTIC_TEXTS.get(found["type"], (f"取值不正确 value is not usable: {found['msg']}", "请更正 correct it"))
            place = "auth" if found["loc"][:1] == ("auth",) else path_of(("options", *found["loc"]))
            yield "SOURCE_OPTIONS", f"{path}.{place}", message, hint
        return
    for fault in option_faults(options, part.secret is not None):
        place = "auth" if fault.path == "auth" else f"options.{fault.path}"
        yield "SOURCE_OPTIONS", f"{path}.{place}", f"{fault.zh} {fault.en}", fault.remedy


def graphql_remote(path: str, kind: str | None, resource: ResourcePart) -> Found:
    """A resource of a GraphQL service says which list it is, and does not contradict itself."""
    if kind == "graphql" and resource.remote is None:
        yield "REMOTE_MISSING", f"{path}.remote", "GraphQL 数据源的资源须有 remote a resource of a GraphQL source needs a remote", "[resources.remote]"
    if resource.remote is not None and (wrong := contradiction(resource.remote)):
        yield "REMOTE", f"{path}.remote", f"remote 自相矛盾 the remote contradicts itself: {wrong[0]}", wrong[1]
