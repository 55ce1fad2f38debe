"""The description of an endpoint, as the catalog writes it into ``Binding.options``."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import ConfigFault

_REMEDY = 'an endpoint is described like {"path": "/persons", "items": "items", "limit": "limit", "offset": "offset", "max_page": 500}'


def _inside_origin(path: str) -> str:
    parts = path.split("/")
    if not path.startswith("/") or path.startswith("//") or ".." in parts or any(sign in path for sign in "?#\\%") or not path.isprintable():
        raise ValueError("must begin with one slash and hold no '..', '?', '#', '%' or backslash")
    return path


Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class KeyParameter(_Part):
    """A query parameter that takes several values of a column at once, at most ``most`` between separators."""

    parameter: Name
    separator: Annotated[str, Field(min_length=1, max_length=3)] = ","
    most: Annotated[int, Field(ge=1, le=10_000)] = 100


class CountParameter(_Part):
    """A query parameter with which the service also tells, at the dotted path ``total``, how many items there are in all pages."""

    parameter: Name
    value: str = "true"
    total: Name


class Endpoint(_Part):
    """A collection: ``limit`` and ``offset`` page through it in the service's own stable order, ``max_page`` items at most in one answer.

    ``items`` is the dotted path of the array in the answer, empty for the whole answer. ``filters`` maps columns to query parameters by which
    the service selects equal values. ``sorted_by`` says by which column the service's order ascends, ``after`` the query parameter that
    selects only items whose ``sorted_by`` is greater. Columns are dotted paths in an item.
    """

    path: Annotated[str, AfterValidator(_inside_origin)]
    items: str = ""
    limit: Name
    offset: Name
    max_page: Annotated[int, Field(ge=1, le=100_000)]
    filters: dict[str, Name] = Field(default_factory=dict)
    keys: dict[str, KeyParameter] = Field(default_factory=dict)
    sorted_by: Name | None = None
    after: Name | None = None
    count: CountParameter | None = None


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
    if endpoint.after and not endpoint.sorted_by:
        raise ConfigFault("endpoint: `after` needs `sorted_by`", "name the column by which the service sorts")
    return endpoint
