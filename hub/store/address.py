"""Where the control database is: an SQLAlchemy URL of SQLite or PostgreSQL, its password in the URL or in a file."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
"""What may be written → what is used."""
_FORMS = "sqlite:////path/control.db, postgresql+psycopg://user@host/database"


def control_url(text: str) -> URL:
    """The URL of a control database, with the driver that the hub uses.

    Raises:
        ValueError: it is no URL, of another kind of database, or its password stands where it would be shown.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(f"不是数据库地址 not a database URL; 可用 write one of: {_FORMS}") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        kind = url.drivername[:40]
        raise ValueError(f"控制库不支持 the control database cannot be kept in {kind}; 可用 write one of: {_FORMS}")
    if any("password" in name.lower() for name in url.query):
        raise ValueError("口令不得写在地址的参数中 no password among the URL's parameters: user:password@host, 或 or HUITONG_DATABASE_PASSWORD_FILE")
    if driver != "sqlite" and not url.database:
        raise ValueError(f"缺少数据库名 the URL names no database; 可用 write: {_FORMS}")
    return url.set(drivername=driver)


def with_password_of(url: URL, file: Path) -> URL:
    """The URL with the password that the file holds; a line break at its end is none of it.

    Raises:
        ValueError: the file cannot be read, is empty, or the URL has a password already.
    """
    if url.password is not None:
        raise ValueError("口令给了两次 the password is given twice: in HUITONG_DATABASE and by HUITONG_DATABASE_PASSWORD_FILE; 请只留其一 keep one")
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
        raise ValueError(f"口令文件不可读 {file} cannot be read ({reason}); 请核对路径与权限 check path and permissions") from None
    if not password:
        raise ValueError(f"口令文件为空 {file} is empty; 请写入口令 write the password into it")
    return url.set(password=password)
