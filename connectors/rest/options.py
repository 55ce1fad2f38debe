"""What a source of kind ``rest`` may be told besides its address: ``[sources.options]`` of a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.rest.addresses import check_address
from connectors.rest.endpoint import Name, check_header_name
from connectors.rest.faults import Fault

HeaderName = Annotated[str, AfterValidator(check_header_name)]
Address = Annotated[str, Field(max_length=1000), AfterValidator(check_address)]
Signed = Literal["method", "path", "timestamp", "body", "key_id"]
_OF_THE_HUB = ("window",)
"""Options that the hub itself keeps beside a connector's own."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ApiKey(_Part):
    """The secret in a header, or in a query parameter where the service takes it nowhere else."""

    header: HeaderName | None = None
    query: Name | None = None


class OAuth(_Part):
    """OAuth 2 client credentials (RFC 6749 §4.4): the client shows its secret at ``token_url`` and gets a bearer token."""

    token_url: Address
    scope: Annotated[str, Field(max_length=1000)] | None = None
    client: Literal["basic", "post"] = "basic"


class Signature(_Part):
    """An HMAC (RFC 2104) over the parts ``signs`` of a request; :mod:`connectors.rest.signing` says which bytes."""

    algorithm: Literal["HMAC-SHA256", "HMAC-SM3"] = "HMAC-SHA256"
    signs: Annotated[tuple[Signed, ...], Field(strict=False, min_length=1)] = ("method", "path", "timestamp", "body")
    signature: HeaderName = "X-Signature"
    prefix: Annotated[str, Field(max_length=100, pattern=r"^[ -~]*$")] = ""
    timestamp: HeaderName | None = "X-Timestamp"
    key_id: HeaderName | None = None
    time: Literal["seconds", "milliseconds"] = "seconds"
    encoding: Literal["hex", "base64"] = "hex"


class RestOptions(_Part):
    """``client_id`` is the name or id that goes with the secret; without it the secret holds both: ``id:secret``.

    ``carry`` sends the caller's purpose, operator and case on, for another hub. ``max_bytes`` bounds one answer, decompressed.
    """

    auth: Literal["none", "bearer", "api_key", "basic", "oauth", "hmac"] = "none"
    health: Annotated[str, Field(pattern=r"^/[^?#]*$", max_length=200)] | None = None
    client_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")] | None = None
    api_key: ApiKey | None = None
    oauth: OAuth | None = None
    hmac: Signature | None = None
    max_bytes: Annotated[int, Field(ge=1024, le=256 * 1024 * 1024)] = 8 * 1024 * 1024
    retries: Annotated[int, Field(ge=0, le=2)] = 1
    carry: bool = False
    ca_file: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


def read_options(options: Mapping[str, object]) -> RestOptions:
    """The options in ``SourceConfig.options``.

    Raises:
        pydantic.ValidationError: a key or value is wrong.
    """
    return RestOptions.model_validate({name: value for name, value in options.items() if name not in _OF_THE_HUB})


def option_faults(options: RestOptions, has_secret: bool) -> Iterator[Fault]:
    """Every contradiction of options that are right one by one."""
    way = options.auth
    if way != "none" and not has_secret:
        yield Fault("auth", f"认证方式 {way} 须有 secret", f"auth {way!r} needs a `secret`", 'secret = "env:NAME" or "file:PATH"')
    for name in ("api_key", "oauth", "hmac"):
        if (getattr(options, name) is not None) and name != way:
            yield Fault(name, f"{name} 须配合 auth = {name}", f"it goes with auth = {name!r}", f'auth = "{name}"')
    if way in ("api_key", "oauth") and getattr(options, way) is None:
        yield Fault(way, f"认证方式 {way} 须有此项", f"auth {way!r} needs it", f"[sources.options.{way}]")
    if options.api_key is not None and (options.api_key.header is None) == (options.api_key.query is None):
        yield Fault("api_key", "header 与 query 须且只能写一个", "either `header` or `query` is needed, and not both", 'header = "X-Api-Key"')
    yield from _signature(options.hmac or Signature())


def _signature(signature: Signature) -> Iterator[Fault]:
    for part, header in (("timestamp", signature.timestamp), ("key_id", signature.key_id)):
        if part in signature.signs and header is None:
            yield Fault(f"hmac.{part}", f"签名含 {part}，须有其请求头", f"{part} is signed and so needs a header", f'{part} = "X-…"')
    if len(set(signature.signs)) < len(signature.signs):
        yield Fault("hmac.signs", "签名内容重复", "a part is signed twice", "name each once")
