"""Opens GraphQL services by the address of their endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors.errors import ConfigFault
from connectors.graphql.options import Options, read_options
from connectors.secrets import read_secret
from connectors.spi import Source, SourceConfig

if TYPE_CHECKING:
    from connectors.graphql.client import Authorization, Http

_FORM = "write http://HOST:PORT/graphql or https://HOST/PATH"


class GraphqlConnector:
    """Sources of kind ``graphql``: other GraphQL services, another hub among them. See :class:`connectors.graphql.options.Options`."""

    def open(self, config: SourceConfig) -> Source:
        """A source that connects with its first call; see :class:`connectors.spi.Connector`."""
        from connectors.graphql.client import Client, Http
        from connectors.graphql.source import GraphqlSource

        check_address(config, "url", config.url)
        options = read_options(config)
        http = Http(config)
        return GraphqlSource(config, options, Client(config, http, _authorization(config, options, http)))


def check_address(config: SourceConfig, name: str, url: str) -> None:
    """Refuses what is no address of a service, or holds credentials.

    Raises:
        ConfigFault: says what.
    """
    try:
        address = urlsplit(url)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError as error:
        raise ConfigFault(f"{config.code}: `{name}` is no address of a service", _FORM) from error
    if not sound or address.query or address.fragment or not url.isprintable() or " " in url:
        raise ConfigFault(f"{config.code}: `{name}` is no address of a service", _FORM)
    if address.username is not None or address.password is not None:
        raise ConfigFault(f"{config.code}: `{name}` holds credentials", 'take them out and use `secret` with options.auth = "bearer" or "oauth"')


def _authorization(config: SourceConfig, options: Options, http: Http) -> Authorization:
    from connectors.graphql.authorization import ClientCredentials, Fixed

    if options.auth == "none":
        return Fixed(None)
    secret = read_secret(config.code, config.secret)
    if secret is None:
        raise ConfigFault(f"{config.code}: options.auth is {options.auth!r} but there is no `secret`", "name where it lies: env:NAME or file:PATH")
    if not (secret.isascii() and secret.isprintable()):
        raise ConfigFault(f"{config.code}: the secret cannot be sent", "it must be printable ASCII on one line")
    if options.auth == "bearer":
        return Fixed(secret)
    if options.client_id is None:
        raise ConfigFault(f'{config.code}: options.auth is "oauth" but there is no client_id', "write the number under which the service knows the hub")
    if options.token_url is not None:
        check_address(config, "options.token_url", options.token_url)
    return ClientCredentials(config.code, config.url, http, (options.client_id, secret), options.token_url, options.scope)
