"""What a source of kind ``graphql`` may be told in ``options``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import ConfigFault
from connectors.spi import SourceConfig

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_REMEDY = 'options of a GraphQL service: auth = "none", "bearer" or "oauth"; client_id, token_url, scope; carry; purposes'


class Options(BaseModel):
    """``carry`` sends purpose, operator, case and trace to services that are no hubs, too. ``purposes`` maps this hub's purpose codes to theirs.

    ``auth`` ``bearer`` sends the source's secret; ``oauth`` gets tokens for it as ``client_id``'s (RFC 6749, 4.4) from ``token_url``, which is
    found by the service's metadata where it is left out.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    auth: Literal["none", "bearer", "oauth"] = "none"
    client_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    token_url: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    scope: Annotated[str, Field(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$", max_length=4000)] | None = None
    carry: bool = False
    purposes: dict[Code, Code] = Field(default_factory=dict)


def read_options(config: SourceConfig) -> Options:
    """The options of a source.

    Raises:
        ConfigFault: one is wrong; says which.
    """
    try:
        return Options.model_validate(dict(config.options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigFault(f"{config.code}: options.{'.'.join(map(str, first['loc']))}: {first['msg']}", _REMEDY) from error
