"""What a source of kind ``graphql`` may be told besides its address: ``[sources.options]`` of a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.rest.faults import Fault
from connectors.rest.options import Address

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_OF_THE_HUB = ("window", "health")
"""Options that the hub itself keeps beside a connector's own, and one that a GraphQL service has no use for."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OAuthOptions(_Part):
    """OAuth 2 client credentials (RFC 6749 §4.4). Without ``token_url`` the service's own metadata name it (RFC 9728, RFC 8414), in its own origin."""

    token_url: Address | None = None
    scope: Annotated[str, Field(max_length=4000)] | None = None
    client: Literal["basic", "post"] = "basic"


class GraphqlOptions(_Part):
    """``client_id`` is the name that goes with the secret; without it the secret holds both: ``id:secret``.

    ``carry`` sends purpose, operator, case and trace also to a service that is no hub. ``purposes`` says under which code of the service's
    a purpose of this hub goes. ``max_bytes`` bounds one answer, decompressed.
    """

    auth: Literal["none", "bearer", "oauth"] = "none"
    client_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")] | None = None
    oauth: OAuthOptions | None = None
    carry: bool = False
    purposes: dict[Code, Code] = Field(default_factory=dict)
    max_bytes: Annotated[int, Field(ge=1024, le=256 * 1024 * 1024)] = 8 * 1024 * 1024
    ca_file: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


def read_options(options: Mapping[str, object]) -> GraphqlOptions:
    """The options in ``SourceConfig.options``.

    Raises:
        pydantic.ValidationError: a key or value is wrong.
    """
    return GraphqlOptions.model_validate({name: value for name, value in options.items() if name not in _OF_THE_HUB})


def option_faults(options: GraphqlOptions, has_secret: bool) -> Iterator[Fault]:
    """Every contradiction of options that are right one by one."""
    if options.auth != "none" and not has_secret:
        yield Fault("auth", f"认证方式 {options.auth} 须有 secret", f"auth {options.auth!r} needs a `secret`", 'secret = "env:NAME" or "file:PATH"')
    if options.oauth is not None and options.auth != "oauth":
        yield Fault("oauth", "oauth 须配合 auth = oauth", "it goes with auth = 'oauth'", 'auth = "oauth"')
