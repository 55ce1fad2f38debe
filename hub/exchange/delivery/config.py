"""What ``destinations.toml`` may say: the shape of each destination, strictly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Secret = Annotated[str, Field(pattern=r"^(env|file):.+$")]
BACKENDS = {
    "postgresql": "postgresql",
    "postgresql+asyncpg": "postgresql",
    "postgresql+psycopg": "postgresql",
    "mariadb": "mariadb",
    "mariadb+asyncmy": "mariadb",
    "mysql": "mariadb",
    "mysql+asyncmy": "mariadb",
    "sqlite": "sqlite",
}
_FORMS = "postgresql://USER@HOST:PORT/DATABASE, mariadb://USER@HOST:PORT/DATABASE, sqlite:////PATH"
_ENDPOINT = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[a-z0-9._~%/-]*)?\Z", re.ASCII | re.IGNORECASE)
_LAST_PORT = 65_535
MOST_NAME = 63
"""Bytes of a name in UTF-8: PostgreSQL keeps no more."""
_QUERIES = {"postgresql": {"sslmode"}, "mariadb": {"ssl", "ssl_ca"}, "sqlite": set[str]()}


class Part(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Place(Part):
    code: Code
    name: Text
    applications: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Names or client ids of the applications that may use it."""

    def open_to(self, *names: str) -> bool:
        """Whether an application of one of these names may use it."""
        return not set(self.applications).isdisjoint(names)


class Folder(_Place):
    """A folder of the hub's machine, a mounted one mostly: ``file:///PATH``."""

    kind: Literal["folder"]
    url: Annotated[str, Field(pattern=r"^file:///.+$")]

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.url.removeprefix("file://"))


class S3Options(Part):
    """How an S3-compatible store is spoken to."""

    endpoint: Text
    region: Text = "us-east-1"
    access_key: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
    allow_http: bool = False
    virtual_host: bool = False
    """The bucket stands in the host's name, not in the path."""
    part_mib: Annotated[int, Field(ge=5, le=512)] = 8
    """Of a multipart upload; four of them are held in memory."""

    @model_validator(mode="after")
    def _plain_address(self) -> S3Options:
        found = _ENDPOINT.match(self.endpoint)
        # The driver gives no error for others: it panics.
        if found is None or int((found[2] or ":1")[1:]) not in range(1, _LAST_PORT + 1):
            raise ValueError("endpoint 应为 is https://HOST[:PORT], 不含账号 without user or query; 主机名用 ASCII the host in ASCII")
        if urlsplit(self.endpoint).scheme == "http" and not self.allow_http:
            raise ValueError("endpoint 为明文 http is plain http: 请用 https, 或明确写 use https, or say allow_http = true")
        return self


class S3(_Place):
    """A bucket, and a prefix within it: ``s3://BUCKET/PREFIX``."""

    kind: Literal["s3"]
    url: Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\x00-\x1f\x7f?#]*)?$")]
    secret: Secret
    options: S3Options

    @field_validator("url")
    @classmethod
    def _plain_prefix(cls, value: str) -> str:
        prefix = value.removeprefix("s3://").partition("/")[2].strip("/")
        if prefix and not {"", ".", ".."}.isdisjoint(prefix.split("/")):
            raise ValueError("前缀的各段不得为空、. 或 .. no part of the prefix is empty, . or ..: s3://BUCKET/PREFIX")
        return value

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.url.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """Without slashes at its ends."""
        return self.url.removeprefix("s3://").partition("/")[2].strip("/")


class TableOptions(Part):
    """Which table is filled."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_by_alias=True, validate_by_name=False)

    table: Name
    db_schema: Annotated[Name | None, Field(alias="schema")] = None


class Table(_Place):
    """A table of the consumer's own database."""

    kind: Literal["table"]
    url: str
    secret: Secret | None = None
    options: TableOptions

    @field_validator("url")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError(f"不是数据库地址 no database's address: {_FORMS}") from None
        backend = BACKENDS.get(url.drivername)
        if backend is None:
            raise ValueError(f"不支持的数据库 no such database: {_FORMS}")
        if url.port is not None and url.port not in range(1, _LAST_PORT + 1):
            raise ValueError(f"端口为 a port is 1–{_LAST_PORT}")
        if url.password is not None:
            raise ValueError('地址中不得含有密码 an address must not hold a password: secret = "env:NAME" 或 or "file:PATH"')
        if set(url.query) - _QUERIES[backend]:
            raise ValueError(f"不支持的参数 parameters that are not known; 可用 known: {', '.join(sorted(_QUERIES[backend])) or '无 none'}")
        if backend == "sqlite":
            if not (url.database or "").startswith("/"):
                raise ValueError("请写绝对路径 write an absolute path: sqlite:////PATH")
        elif not (url.host and url.username and url.database):
            raise ValueError(f"须写明用户、主机与库名 user, host and database are needed: {_FORMS}")
        return value

    @model_validator(mode="after")
    def _names_fit(self) -> Table:
        if self.options.db_schema is not None and self.backend != "postgresql":
            raise ValueError("options.schema 仅用于 PostgreSQL is for PostgreSQL alone: 请删去 take it out")
        names = (self.options.table, self.options.db_schema or "")
        if self.backend == "postgresql" and any(len(name.encode()) > MOST_NAME for name in names):
            raise ValueError(f"PostgreSQL 的表名与模式名至多 {MOST_NAME} 个字节 names of tables and schemas there have {MOST_NAME} bytes at most")
        return self

    @property
    def address(self) -> URL:
        """The database."""
        return make_url(self.url)

    @property
    def backend(self) -> str:
        """``postgresql``, ``mariadb`` or ``sqlite``."""
        return BACKENDS[self.address.drivername]

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(self.address.database or "") if self.backend == "sqlite" else None


Destination = Folder | S3 | Table


class Content(Part):
    """The whole file. ``roots`` are the folders under which folders and SQLite files of destinations lie."""

    roots: tuple[Annotated[str, Field(pattern=r"^/.+$")], ...] = ()
    destinations: tuple[Annotated[Destination, Field(discriminator="kind")], ...] = ()


def local(destination: Destination) -> Path | None:
    """Where it lies on this machine, if it does."""
    match destination:
        case Folder():
            return destination.path
        case Table():
            return destination.file
    return None


def within(path: Path, roots: tuple[str, ...]) -> bool:
    """Whether a path, its links followed, lies under one of the roots."""
    where = path.resolve()
    return any(where.is_relative_to(Path(root).resolve()) for root in roots)


def describe(destination: Destination) -> dict[str, Any]:
    """What may be shown of it to administrators: no secret."""
    about: dict[str, Any] = {"code": destination.code, "name": destination.name, "kind": destination.kind, "applications": list(destination.applications)}
    return {**about, "url": destination.url, "table": destination.options.table if isinstance(destination, Table) else None}
