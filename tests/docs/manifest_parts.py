"""The keys of a manifest as its models have them: what ``docs/manifest.md`` must say."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from connectors.files.options import FilePart, FolderOptions
from connectors.graphql import options as graphql_options
from connectors.graphql import remote
from connectors.rest import endpoint, options
from hub.catalog import manifest

PARTS: dict[str, type[BaseModel]] = {
    "## `[department]`": manifest.DepartmentPart,
    "## `[[sources]]`": manifest.SourcePart,
    "## `[[masks]]`": manifest.MaskRulePart,
    "## `[[resources]]`": manifest.ResourcePart,
    "### `[[resources.items]]`": manifest.ItemPart,
    "### `mask = {…}`": manifest.MaskPart,
    "### `[[resources.links]]`": manifest.LinkPart,
    "### `[resources.endpoint]`": endpoint.Endpoint,
    "### `[resources.endpoint.keys.COLUMN]`": endpoint.KeyParameter,
    "### `[resources.endpoint.count]`": endpoint.CountParameter,
    "### `[resources.endpoint.paging]`": endpoint.Paging,
    "### `[[resources.endpoint.lookups]]`": endpoint.Lookup,
    "### `[sources.options]` REST": options.RestOptions,
    "### `[sources.options.api_key]`": options.ApiKey,
    "### `[sources.options.oauth]`": options.OAuth,
    "### `[sources.options.hmac]`": options.Signature,
    "### `[resources.file]`": FilePart,
    "### `[sources.options]` files": FolderOptions,
    "### `[resources.remote]`": remote.Remote,
    "### `[resources.remote.keys.COLUMN]`": remote.KeyArgument,
    "### `[resources.remote.lookups.COLUMN]`": remote.LookUp,
    "### `[sources.options]` GraphQL": graphql_options.GraphqlOptions,
    "### `[sources.options.oauth]` GraphQL": graphql_options.OAuthOptions,
}
"""Heading of the page → the model that it describes."""
_PLAIN = {str: "text", int: "integer", bool: "boolean", float: "number"}


def rows(part: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Key, type and default of every field."""
    for name, field in part.model_fields.items():
        yield f"`{name}`", kind(field.annotation), default(field)


def kind(annotation: Any) -> str:
    """A type in words; the values of an enumeration."""
    origin, inner = get_origin(annotation), [one for one in get_args(annotation) if one not in (type(None), Ellipsis)]
    if origin is Literal:
        return " ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return kind(inner[0])
    if origin is tuple:
        return "blocks" if _is_part(inner[0]) else f"list: {kind(inner[0])}"
    if origin in (dict, Mapping):
        if get_origin(inner[1]) is Annotated and (listed := kind(inner[1])).startswith("list"):
            return f"table of {listed.replace('list', 'lists', 1)}"
        return "tables" if _is_part(inner[1]) else "table" if inner[1] is JsonValue else "table of texts"
    if origin is not None:
        return kind(inner[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " ".join(f"`{value.value}`" for value in annotation)
    return "table" if _is_part(annotation) else _PLAIN[annotation]


def default(field: FieldInfo) -> str:
    """What holds where the key is left out."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return "none"
    if isinstance(value, tuple):
        return " ".join(f"`{each}`" for each in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
