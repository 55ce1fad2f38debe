"""Opens GraphQL services by the address of their endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from connectors.errors import ConfigFault
from connectors.graphql.options import GraphqlOptions, OAuthOptions, option_faults, read_options
from connectors.rest.addresses import check_address
from connectors.secrets import read_secret
from connectors.spi import Source, SourceConfig

if TYPE_CHECKING:
    from connectors.rest.auth import Auth
    from connectors.rest.transport import Transport


class GraphqlConnector:
    """Sources of kind ``graphql``: other GraphQL services, another hub among them. ``options`` are :class:`connectors.graphql.options.GraphqlOptions`."""

    def open(self, config: SourceConfig) -> Source:
        """A source that connects with its first call; see :class:`connectors.spi.Connector`."""
        from connectors.graphql.client import Client
        from connectors.graphql.source import GraphqlSource

        try:
            check_address(config.url)
        except ValueError as error:
            raise ConfigFault(f"{config.code}: `url` {error}", "write the address of the GraphQL endpoint, like https://HOST/graphql") from error
        options = _options(config)
        client = Client(config, options, _auth(config, options), _transport(config, options, config.pool, config.url))
        return GraphqlSource(config, options, client)


def _options(config: SourceConfig) -> GraphqlOptions:
    try:
        options = read_options(config.options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigFault(f"{config.code}: options.{'.'.join(map(str, first['loc']))}: {first['msg']}", "correct the option") from error
    for fault in option_faults(options, config.secret is not None):
        raise ConfigFault(f"{config.code}: options.{fault.path}: {fault.en}", fault.remedy)
    return options


def _auth(config: SourceConfig, options: GraphqlOptions) -> Auth:
    from connectors.rest.auth import HeaderAuth, NoAuth, printable

    secret = read_secret(config.code, config.secret) if options.auth != "none" else None
    if secret is None:
        return NoAuth()
    if options.auth == "bearer":
        return HeaderAuth("Authorization", f"Bearer {printable(config.code, secret)}")
    return _oauth(config, options, _client(config.code, options, secret))


def _client(source: str, options: GraphqlOptions, secret: str) -> tuple[str, str]:
    name, colon, password = secret.partition(":")
    if options.client_id is not None:
        return options.client_id, secret
    if not (colon and name and password):
        raise ConfigFault(f"{source}: there is no id for the secret", "write options.client_id, or id:secret as the secret")
    return name, password


def _oauth(config: SourceConfig, options: GraphqlOptions, client: tuple[str, str]) -> Auth:
    from connectors.graphql.authorization import DiscoveredOAuth
    from connectors.rest.oauth import OAuthAuth
    from connectors.rest.options import OAuth

    declared = options.oauth or OAuthOptions()
    url = declared.token_url or config.url
    transport = _transport(config, options, 1, url)
    if declared.token_url is None:
        return DiscoveredOAuth(config.code, config.url, declared, client, transport)
    return OAuthAuth(config.code, OAuth(token_url=url, scope=declared.scope, client=declared.client), client, transport)


def _transport(config: SourceConfig, options: GraphqlOptions, connections: int, url: str) -> Transport:
    from connectors.rest.transport import Transport, tls_context

    try:
        return Transport(connections, tls_context(options.ca_file) if url.startswith("https:") else None)
    except OSError as error:
        raise ConfigFault(f"{config.code}: options.ca_file cannot be read", "name a PEM file with the authority's certificates") from error
