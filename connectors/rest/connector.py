"""Opens REST services by their base address."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.errors import ConfigFault
from connectors.secrets import read_secret
from connectors.spi import Source, SourceConfig

_FORM = "write http://HOST:PORT or https://HOST/BASE, nothing behind it"


class RestConnector:
    """Sources of kind ``rest``. ``options.auth = "bearer"`` sends the secret as a bearer token; ``options.health`` is a path for health checks."""

    def open(self, config: SourceConfig) -> Source:
        """A source that connects with its first call; see :class:`connectors.spi.Connector`."""
        from connectors.rest.client import Client
        from connectors.rest.source import RestSource

        _check_address(config)
        return RestSource(config, Client(config, _token(config)))


def _check_address(config: SourceConfig) -> None:
    try:
        address = urlsplit(config.url)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError as error:
        raise ConfigFault(f"{config.code}: `url` is no address of a service", _FORM) from error
    if not sound or address.query or address.fragment:
        raise ConfigFault(f"{config.code}: `url` is no address of a service", _FORM)
    if address.username is not None or address.password is not None:
        raise ConfigFault(f"{config.code}: `url` holds credentials", 'take them out and use `secret` with options.auth = "bearer"')


def _token(config: SourceConfig) -> str | None:
    way = config.options.get("auth")
    if way is None:
        return None
    if way != "bearer":
        raise ConfigFault(f"{config.code}: options.auth {way!r} is not known", 'write "bearer" or leave it out')
    token = read_secret(config.code, config.secret)
    if token is None:
        raise ConfigFault(f'{config.code}: options.auth is "bearer" but there is no `secret`', "name where the token lies: env:NAME or file:PATH")
    if not (token.isascii() and token.isprintable()):
        raise ConfigFault(f"{config.code}: the secret cannot be a bearer token", "it must be printable ASCII on one line")
    return token
