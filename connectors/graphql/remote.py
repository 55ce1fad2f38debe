"""The description of a remote list, as the catalog writes it into ``Binding.options``: ``[resources.remote]`` of a manifest."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from connectors.errors import ConfigFault

_REMEDY = 'a remote list is described like {"field": "civilAffairs.persons"} or {"field": "allPeople", "style": "list", "offset": "offset", "first": "limit"}'
_NAME = r"[_A-Za-z][_0-9A-Za-z]*"
Name = Annotated[str, Field(pattern=rf"^{_NAME}$", max_length=200)]
Path = Annotated[str, Field(pattern=rf"^{_NAME}(\.{_NAME})*$", max_length=400)]
Scalar = Literal["string", "integer", "bigint", "float", "decimal", "boolean", "date", "datetime"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeyArgument(_Part):
    """An argument that takes several values of a column at once, at most ``most``. ``argument`` is a path: argument, then fields of its input type."""

    argument: Path
    most: Annotated[int, Field(ge=1, le=10_000)] = 100


class LookUp(_Part):
    """A field that gives the one object with a value of a column; up to ``most`` are asked for in one request, by aliases."""

    field: Path
    argument: Name
    most: Annotated[int, Field(ge=1, le=100)] = 20


class Remote(_Part):
    """A list of another GraphQL service. ``field`` is its path from the query type; columns are paths in its objects.

    Style ``huitong`` is another hub's list, of which everything is known by introspection. ``relay`` is a connection with cursors, ``list``
    a plain list; what else such a service can do — pages, equality, keys — is named here by its arguments.
    """

    field: Path
    style: Literal["huitong", "relay", "list"] = "huitong"
    items: Annotated[str, Field(pattern=rf"^({_NAME}(\.{_NAME})*)?$", max_length=400)] | None = None
    first: Name | None = None
    after: Name | None = None
    offset: Name | None = None
    max_page: Annotated[int, Field(ge=1, le=10_000)] | None = None
    sorted_by: Path | None = None
    total: Path | None = None
    filters: dict[str, Path] = Field(default_factory=dict)
    keys: dict[str, KeyArgument] = Field(default_factory=dict)
    lookups: dict[str, LookUp] = Field(default_factory=dict)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    scalars: dict[str, Scalar] = Field(default_factory=dict)

    @property
    def huitong(self) -> bool:
        """Another hub's list."""
        return self.style == "huitong"

    @property
    def size_argument(self) -> str | None:
        """The argument for a page's size."""
        return self.first or (None if self.style == "list" else "first")

    @property
    def cursor_argument(self) -> str | None:
        """The argument for the cursor behind which a page begins."""
        return self.after or (None if self.style == "list" else "after")

    @property
    def item_path(self) -> tuple[str, ...]:
        """From the field's value to an item, through the one list."""
        path = self.items if self.items is not None else {"huitong": "nodes", "relay": "edges.node", "list": ""}[self.style]
        return tuple(path.split(".")) if path else ()

    @property
    def page(self) -> int:
        """Items in one answer."""
        return self.max_page or (1000 if self.huitong else 100)

    @property
    def total_path(self) -> str | None:
        """Where the number of all items lies in the field's value."""
        return self.total or ("totalCount" if self.huitong else None)


@lru_cache(maxsize=8192)
def parse_remote(options: str) -> Remote:
    """The remote list behind ``Binding.options``.

    Raises:
        ConfigFault: the description is wrong; says where.
    """
    try:
        remote = Remote.model_validate_json(options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigFault(f"remote: {'.'.join(map(str, first['loc'])) or 'options'}: {first['msg']}", _REMEDY) from error
    if wrong := contradiction(remote):
        raise ConfigFault(f"remote: {wrong[0]}", wrong[1])
    return remote


def contradiction(remote: Remote) -> tuple[str, str] | None:
    """What in a description does not go together, and the remedy."""
    named = [name for name in ("filters", "keys", "lookups", "sorted_by", "arguments") if getattr(remote, name)]
    if remote.huitong and (named or remote.offset):
        return (
            f"style huitong takes no {(named or ['offset'])[0]}: another hub's list tells by introspection what it can do",
            'leave it out, or write style = "relay"',
        )
    if remote.style == "list" and remote.after:
        return "style list takes no `after`: a plain list tells no cursor of its last page", 'name `offset`, or write style = "relay" and `items`'
    if remote.offset and remote.cursor_argument:
        return "`offset` and `after` exclude each other", "name the one that the service has"
    if remote.offset and not remote.size_argument:
        return "`offset` needs `first`", "name the argument for the page's size"
    return None
