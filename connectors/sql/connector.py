"""Opens SQL sources by their URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors.errors import ConfigFault
from connectors.secrets import read_secret
from connectors.spi import SourceConfig
from connectors.sql.driver import Driver
from connectors.sql.source import CAPABILITIES as _ALL
from connectors.sql.source import SqlSource
from connectors.sql.streaming import ArrowStreams
from connectors.sql.tls import tls_context

_SERVERS = ("postgresql+asyncpg", "mariadb+asyncmy", "mysql+asyncmy", "opengauss", "gaussdb", "kingbase", "oceanbase", "tidb")
FORMS = f"write sqlite:///PATH, dm://USER@HOST:PORT/SCHEMA, or {', '.join(_SERVERS)} followed by ://USER@HOST:PORT/DATABASE"
"""How the address of a database is written."""


def schemes() -> frozenset[str]:
    """What an address may begin with; whether the driver is installed shows when a source is opened."""
    return frozenset(_DRIVERS)


class SqlConnector:
    """Sources of kind ``sql``, whose URL names database and driver."""

    def open(self, config: SourceConfig) -> SqlSource:
        """A source that connects with its first call; see :class:`connectors.spi.Connector`."""
        try:
            url = make_url(config.url)
        except (ArgumentError, ValueError) as error:
            raise ConfigFault(f"{config.code}: `url` is no database URL", FORMS) from error
        opening = _DRIVERS.get(url.drivername)
        if opening is None:
            raise ConfigFault(f"{config.code}: no driver is known for {url.drivername}", FORMS)
        if url.password is not None:
            raise ConfigFault(f"{config.code}: `url` holds a password", "take it out and name its place in `secret`: env:NAME or file:PATH")
        driver = opening(config, url)
        if url.drivername.startswith("dm"):
            # Only now: the driver's own check tells which package is missing.
            from connectors.sql.dialect_dameng import CAPABILITIES

            return SqlSource(config, driver, CAPABILITIES)
        renderer = driver.dialect.renderer
        arrow = _arrow(config, url)
        if config.rendering == "source" and renderer is not None and url.drivername.startswith("postgresql"):
            return SqlSource(config, driver, replace(_ALL, renders=renderer.kinds), arrow)
        return SqlSource(config, driver, arrow=arrow)


def _sqlite(config: SourceConfig, url: URL) -> Driver:
    from connectors.sql.sqlite import SqliteDriver

    if not url.database or url.database == ":memory:" or url.host or url.query:
        raise ConfigFault(f"{config.code}: `url` names no database file", "write sqlite:///relative/path or sqlite:////absolute/path, nothing behind it")
    return SqliteDriver(config.code, Path(url.database), config.timeout_ms)


def _postgres(config: SourceConfig, url: URL) -> Driver:
    from connectors.sql.postgres import PostgresDriver

    return PostgresDriver(config.code, _postgres_place(config, url, 5432), config.timeout_ms)


def _arrow(config: SourceConfig, url: URL) -> ArrowStreams | None:
    """By which driver streams come, where not by the source's own."""
    if not url.drivername.startswith("postgresql"):
        return None
    from connectors.sql.adbc import AdbcStreams

    return AdbcStreams(config.code, _postgres_place(config, url, 5432), config.timeout_ms)


def _gauss(config: SourceConfig, url: URL) -> Driver:
    module = _vendor(config, "async_gaussdb", "gaussdb")
    from connectors.sql.gauss import GaussDriver

    return GaussDriver(config.code, _postgres_place(config, url, 8000), config.timeout_ms, module)


def _postgres_place(config: SourceConfig, url: URL, port: int) -> dict[str, object]:
    query = dict(url.query)
    ssl = query.pop("sslmode", None)
    host = url.host or query.pop("host", None)
    if not host or not url.database or not url.username or query:
        raise ConfigFault(
            f"{config.code}: `url` must name user, host and database, and may only add sslmode",
            f"{url.drivername}://USER@HOST:PORT/DATABASE?sslmode=verify-full",
        )
    where: dict[str, object] = {"host": host, "port": url.port or port, "user": url.username, "database": url.database, "password": _password(config)}
    if ssl is not None:
        where["ssl"] = ssl
    return where


def _password(config: SourceConfig) -> str:
    # An empty text, not None: with None asyncpg would look into PGPASSWORD and ~/.pgpass.
    return read_secret(config.code, config.secret) or ""


def _mysql(config: SourceConfig, url: URL) -> Driver:
    from connectors.sql.mysql import MysqlDriver

    return MysqlDriver(config.code, _mysql_place(config, url, 3306), config.timeout_ms)


def _tidb(config: SourceConfig, url: URL) -> Driver:
    from connectors.sql.mysql_kin import TidbDriver

    return TidbDriver(config.code, _mysql_place(config, url, 4000), config.timeout_ms)


def _oceanbase(config: SourceConfig, url: URL) -> Driver:
    from connectors.sql.mysql_kin import OceanbaseDriver

    return OceanbaseDriver(config.code, _mysql_place(config, url, 2881), config.timeout_ms)


def _mysql_place(config: SourceConfig, url: URL, port: int) -> dict[str, object]:
    query = dict(url.query)
    ssl, authority = query.pop("ssl", None), query.pop("ssl_ca", None)
    if not url.host or not url.database or not url.username or query:
        raise ConfigFault(
            f"{config.code}: `url` must name user, host and database, and may only add ssl and ssl_ca",
            f"{url.drivername}://USER@HOST:PORT/DATABASE?ssl=verify-full&ssl_ca=PATH",
        )
    where: dict[str, object] = {"host": url.host, "port": url.port or port, "user": url.username, "database": url.database}
    # Bytes, because asyncmy would write a text in Latin-1.
    where["password"] = _password(config).encode()
    context = tls_context(config.code, ssl, authority)
    return where if context is None else {**where, "ssl": context}


def _kingbase(config: SourceConfig, url: URL) -> Driver:
    from connectors.sql.kingbase import KingbaseDriver

    module = _vendor(config, "ksycopg2", "kingbase")
    query = dict(url.query)
    ssl = query.pop("sslmode", None)
    if not url.host or not url.database or not url.username or query:
        raise ConfigFault(
            f"{config.code}: `url` must name user, host and database, and may only add sslmode", "kingbase://USER@HOST:54321/DATABASE?sslmode=verify-full"
        )
    where: dict[str, object] = {"host": url.host, "port": url.port or 54321, "user": url.username, "dbname": url.database, "password": _password(config)}
    if ssl is not None:
        where["sslmode"] = ssl
    return KingbaseDriver(config.code, where, config.timeout_ms, module)


def _dameng(config: SourceConfig, url: URL) -> Driver:
    module = _vendor(config, "dmPython", "dameng")
    _vendor(config, "dmSQLAlchemy", "dameng")
    from connectors.sql.dameng import DamengDriver

    if not url.host or not url.username or url.query:
        raise ConfigFault(f"{config.code}: `url` must name user and host, and nothing behind the schema", "dm://USER@HOST:5236/SCHEMA")
    where: dict[str, object] = {"user": url.username, "password": _password(config), "server": url.host, "port": url.port or 5236}
    if url.database:
        where["schema"] = url.database
    return DamengDriver(config.code, where, config.timeout_ms, module)


def _vendor(config: SourceConfig, module: str, extra: str) -> Any:
    """A driver that comes with an extra of this package."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigFault(f"{config.code}: the driver {module} is not installed", f"pip install 'huitong[{extra}]'") from error


_DRIVERS: dict[str, Callable[[SourceConfig, URL], Driver]] = {
    "sqlite": _sqlite,
    "sqlite+aiosqlite": _sqlite,
    "dm": _dameng,
    "dm+dmPython": _dameng,
    "gaussdb": _gauss,
    "gaussdb+async_gaussdb": _gauss,
    "opengauss": _gauss,
    "kingbase": _kingbase,
    "kingbase+ksycopg2": _kingbase,
    "mariadb": _mysql,
    "mariadb+asyncmy": _mysql,
    "mysql": _mysql,
    "mysql+asyncmy": _mysql,
    "oceanbase": _oceanbase,
    "tidb": _tidb,
    "postgresql": _postgres,
    "postgresql+asyncpg": _postgres,
}
