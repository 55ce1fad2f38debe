"""Opens REST services by their base address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from connectors.errors import ConfigFault
from connectors.rest.addresses import check_address
from connectors.rest.options import OAuth, RestOptions, Signature, option_faults, read_options
from connectors.secrets import read_secret
from connectors.spi import Source, SourceConfig

if TYPE_CHECKING:
    import ssl

    from connectors.rest.auth import Auth


class RestConnector:
    """Sources of kind ``rest``. ``options`` are :class:`connectors.rest.options.RestOptions`."""

    def open(self, config: SourceConfig) -> Source:
        """A source that connects with its first call; see :class:`connectors.spi.Connector`."""
        from connectors.rest.client import Client
        from connectors.rest.source import RestSource
        from connectors.rest.transport import Transport

        try:
            check_address(config.url)
        except ValueError as error:
            raise ConfigFault(f"{config.code}: `url` {error}", "correct `url`") from error
        options = _options(config)
        transport = Transport(config.pool, _tls(config.code, options, config.url))
        return RestSource(config, options, Client(config, options, _auth(config, options), transport))


def _options(config: SourceConfig) -> RestOptions:
    try:
        options = read_options(config.options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigFault(f"{config.code}: options.{'.'.join(map(str, first['loc']))}: {first['msg']}", "correct the option") from error
    for fault in option_faults(options, config.secret is not None):
        raise ConfigFault(f"{config.code}: options.{fault.path}: {fault.en}", fault.remedy)
    return options


def _auth(config: SourceConfig, options: RestOptions) -> Auth:
    from connectors.rest import auth

    secret = read_secret(config.code, config.secret) if options.auth != "none" else None
    if secret is None:
        return auth.NoAuth()
    match options.auth:
        case "bearer":
            return auth.HeaderAuth("Authorization", f"Bearer {auth.printable(config.code, secret)}")
        case "api_key" if options.api_key is not None and options.api_key.header is not None:
            return auth.HeaderAuth(options.api_key.header, auth.printable(config.code, secret))
        case "api_key" if options.api_key is not None and options.api_key.query is not None:
            return auth.QueryAuth(options.api_key.query, secret)
        case "basic":
            return auth.basic(*auth.pair(config.code, options, secret))
        case "oauth" if options.oauth is not None:
            return _oauth(config, options, options.oauth, auth.pair(config.code, options, secret))
        case "hmac":
            return _hmac(config, options, secret)
    return auth.NoAuth()


def _hmac(config: SourceConfig, options: RestOptions, secret: str) -> Auth:
    from connectors.rest.auth import HmacAuth, pair, printable

    signature = options.hmac or Signature()
    named = signature.key_id is not None or "key_id" in signature.signs
    key_id, key = pair(config.code, options, secret) if named else ("", secret)
    return HmacAuth(signature, printable(config.code, key_id), key)


def _oauth(config: SourceConfig, options: RestOptions, declared: OAuth, client: tuple[str, str]) -> Auth:
    from connectors.rest.oauth import OAuthAuth
    from connectors.rest.transport import Transport

    return OAuthAuth(config.code, declared, client, Transport(1, _tls(config.code, options, declared.token_url)))


def _tls(source: str, options: RestOptions, url: str) -> ssl.SSLContext | None:
    from connectors.rest.transport import tls_context

    if not url.startswith("https:"):
        return None
    try:
        return tls_context(options.ca_file)
    except OSError as error:
        raise ConfigFault(f"{source}: options.ca_file cannot be read", "name a PEM file with the authority's certificates") from error
