"""The description of an endpoint, as the catalog writes it into ``Binding.options``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from connectors.rest.dates import DateForm, zone_of
from connectors.rest.template import check_path

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_OWN_HEADERS = {
    "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect", "host", "proxy-authorization", "te",
    "traceparent", "trailer", "transfer-encoding", "upgrade", "x-api-key",
}  # fmt: skip
_SECRET_PARAMETERS = {"access_token", "api_key", "apikey", "appkey", "app_key", "password", "passwd", "secret", "sig", "sign", "signature", "token"}


def check_header_name(name: str) -> str:
    """A header's name (RFC 9110 §5.1)."""
    if not _TOKEN.match(name):
        raise ValueError("must be a header's name, such as X-Api-Key")
    return name


def _fixed_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        check_header_name(name)
        if name.lower() in _OWN_HEADERS or name.lower().startswith("huitong-"):
            raise ValueError(f"{name} is not set here; credentials go into the source's `auth` and `secret`")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"the value of {name} must be printable ASCII")
    return headers


def _fixed_query(query: dict[str, str]) -> dict[str, str]:
    for name in query:
        if name.lower() in _SECRET_PARAMETERS:
            raise ValueError(f"{name} is not set here; credentials go into the source's `auth` and `secret`")
    return query


def _zone(name: str) -> str:
    zone_of(name)
    return name


Name = Annotated[str, Field(min_length=1, max_length=200)]
Template = Annotated[str, Field(max_length=1000), AfterValidator(check_path)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class KeyParameter(_Part):
    """A parameter that takes several values of a column at once, at most ``most``.

    ``style``: texts with ``separator`` between them, the parameter repeated, or an array in a POST's body.
    """

    parameter: Name
    style: Literal["separator", "repeated", "array"] = "separator"
    separator: Annotated[str, Field(min_length=1, max_length=3)] = ","
    most: Annotated[int, Field(ge=1, le=10_000)] = 100


class CountParameter(_Part):
    """Where the number of items in all pages lies: at the path ``total``, or in a header, as a number or behind the range of a page.

    ``parameter`` asks for it where the service wants that.
    """

    parameter: Name | None = None
    value: str = "true"
    total: Name | None = None
    header: Annotated[str, AfterValidator(check_header_name)] | None = None


class Success(_Part):
    """For services that tell of errors with status 200: what lies at ``path`` in every other answer, as text (``200``, ``true``).

    ``none``: what lies there where there is no such row.
    """

    path: Name
    values: Annotated[tuple[Name, ...], Field(strict=False, min_length=1, max_length=20)]
    none: Annotated[tuple[Name, ...], Field(strict=False, max_length=20)] = ()


class Paging(_Part):
    """How one page follows another.

    ``page`` counts pages from ``first`` in ``parameter`` and ends with a page that is not full, or with page number ``pages`` (a path).
    ``cursor`` sends back in ``parameter`` what lies at the path ``next``, until nothing lies there. ``link`` follows the header
    ``Link: <…>; rel="next"`` (RFC 8288), or the address at the path ``next``. ``none``: all is in one answer.
    ``more`` is the path of a flag that is true where another page follows, ``last`` that of one that is true on the last page.
    ``relative``: of a link path and query count alone, whatever host it names.
    """

    style: Literal["offset", "page", "cursor", "link", "none"] = "offset"
    parameter: Name | None = None
    first: Annotated[int, Field(ge=0, le=1)] = 1
    pages: Name | None = None
    next: Name | None = None
    more: Name | None = None
    last: Name | None = None
    relative: bool = False


class Lookup(_Part):
    """Another path, for requests that know its columns. ``single``: it answers with one item, and with status 404 where there is none."""

    path: Template
    items: str | None = None
    single: bool = True


class Endpoint(_Part):
    """A collection of a service. Paths in answers and items are dotted (:mod:`connectors.rest.paths`).

    ``filters`` maps columns to parameters by which the service selects equal values. ``sorted_by`` says by which column the service's order
    ascends, ``after`` the parameter that selects only items whose ``sorted_by`` is greater. A POST's parameters are paths in its JSON body, or the
    names in a body of ``content`` form.
    ``filter_style`` says how ``filters``, ``keys`` and ``after`` are written: a value in a parameter, conditions of OData's ``$filter`` of which
    these are the properties, or PostgREST's operators; ``literals`` maps columns to types of OData that the items' own do not tell. ``charset`` is that of answers that name none, ``request_charset`` that
    of paths, queries and forms. ``dates`` maps columns to the way in which the service writes dates and moments, of ``zone`` where they tell no offset; ``nulls`` are texts
    by which it means null, ``column_nulls`` texts and numbers by which it does in one column.
    """

    path: Template
    method: Literal["GET", "POST"] = "GET"
    safe: bool = False
    query: Annotated[dict[str, str], AfterValidator(_fixed_query)] = Field(default_factory=dict)
    headers: Annotated[dict[str, str], AfterValidator(_fixed_headers)] = Field(default_factory=dict)
    body: dict[str, JsonValue] = Field(default_factory=dict)
    content: Literal["json", "form"] = "json"
    format: Literal["json", "xml"] = "json"
    charset: Literal["utf-8", "gb18030"] = "utf-8"
    request_charset: Literal["utf-8", "gbk", "gb18030"] = "utf-8"
    items: str = ""
    paging: Paging = Paging()
    limit: Name | None = None
    offset: Name | None = None
    max_page: Annotated[int, Field(ge=1, le=100_000)] | None = None
    max_pages: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_requests: Annotated[int, Field(ge=1, le=10_000)] = 100
    filters: dict[str, Name] = Field(default_factory=dict)
    filter_style: Literal["plain", "odata", "odata2", "postgrest"] = "plain"
    literals: dict[str, Literal["guid", "text", "datetimeoffset"]] = Field(default_factory=dict)
    keys: dict[str, KeyParameter] = Field(default_factory=dict)
    lookups: Annotated[tuple[Lookup, ...], Field(strict=False, max_length=20)] = ()
    dates: dict[str, DateForm] = Field(default_factory=dict)
    zone: Annotated[str, Field(max_length=60), AfterValidator(_zone)] = "UTC"
    nulls: Annotated[tuple[Annotated[str, Field(max_length=20)], ...], Field(strict=False, max_length=20)] = ()
    column_nulls: dict[str, Annotated[tuple[str | int | float, ...], Field(strict=False, max_length=20)]] = Field(default_factory=dict)
    examples: dict[str, str] = Field(default_factory=dict)
    sorted_by: Name | None = None
    after: Name | None = None
    count: CountParameter | None = None
    success: Success | None = None
